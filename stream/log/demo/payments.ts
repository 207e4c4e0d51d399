/**
 * Payments of the demo's orders: same order, same amount. Most come within seconds, a few within minutes, one in fifty after
 * more than five minutes (a join within 5m misses them), one in twenty-five never. Refunds have none. A card test
 * (orders.ts) shows here as small payments of one card with a large one behind them.
 */
import { draw, randomOf, saltOf } from '../random.ts'
import { orderOf, storyPart } from './orders.ts'
import type { DelayOf } from '../schedule.ts'
import type { DemoTopic } from './demo-topic.ts'

const salt = saltOf('payments')

/** The delay is a number from the order's index alone; the payment is made when it is due. */
const delayOf: DelayOf = ({ seed, skew }, index, nominalMs) => {
  const order = orderOf({ seed, index, atMs: nominalMs, nominalMs, skew })
  if (order.amount <= 0) return null
  const random = randomOf(seed, salt, index)
  if (storyPart(seed, index) !== undefined) return 1500 + Math.floor(random() * 1000)
  const u = random()
  if (u < 0.04) return null
  if (u < 0.06) return 310_000 + Math.floor(random() * 170_000)
  if (u < 0.2) return 20_000 + Math.floor(random() * 100_000)
  return 1000 + Math.floor(random() * random() * 19_000)
}

export const payments: DemoTopic = {
  name: 'payments',
  description: 'Payments of the orders: most within seconds, some minutes late, one in twenty-five never comes',
  timeField: 'at',
  rate: 20,
  density: 0.94,
  follows: 'orders',
  delayOf,
  columns: [
    { name: 'paymentId', type: 'string', doc: 'Number of the payment' },
    { name: 'orderId', type: 'string', doc: 'The order it pays, also the key of the record' },
    { name: 'amount', type: 'number', doc: 'Amount paid, the same as the order says' },
    { name: 'method', type: "'card' | 'transfer' | 'wallet'", doc: 'How it was paid' },
    { name: 'card', type: 'string', doc: 'Card or account it was paid from; one or two for each customer' },
    { name: 'at', type: 'number', doc: 'When it was paid, epoch ms', instant: true },
  ],
  record: ({ seed, index, atMs, nominalMs, skew }) => {
    const order = orderOf({ seed, index, atMs: nominalMs, nominalMs, skew })
    const story = storyPart(seed, index) !== undefined
    const u = draw(seed, salt + 1, index, 0)
    const method = story || u < 0.7 ? 'card' : u < 0.85 ? 'transfer' : 'wallet'
    const second = !story && draw(seed, salt + 1, index, 1) < 0.2
    const card = `${method === 'card' ? 'card' : 'acct'}-${order.customerId.slice(2)}${second ? 'b' : 'a'}`
    const paymentId = `p-${String(index).padStart(6, '0')}`
    return {
      key: order.orderId,
      row: { paymentId, orderId: order.orderId, amount: order.amount, method, card, at: atMs },
    }
  },
}
