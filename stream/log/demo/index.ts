/** The built-in topics, in the order `%topics` shows them. */
import { clicks } from './clicks.ts'
import { orders } from './orders.ts'
import { payments } from './payments.ts'
import { sensors } from './sensors.ts'
import { trades } from './trades.ts'
import type { DemoTopic } from './demo-topic.ts'

export const demoTopics: readonly DemoTopic[] = [orders, payments, clicks, sensors, trades]
