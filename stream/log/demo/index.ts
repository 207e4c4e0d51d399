/** The built-in topics, in the order `%topics` shows them. */
import { orders } from './orders.ts'
import type { DemoTopic } from './demo-topic.ts'

export const demoTopics: readonly DemoTopic[] = [orders]
