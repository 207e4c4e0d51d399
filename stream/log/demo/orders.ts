/**
 * Orders of a small shop in four regions whose shares wander, so a chart by region has leaders that change. Every half
 * minute one customer tests a card: a few orders below 10, then a large one (the pattern lesson looks for it in payments).
 * Every fiftieth order or so is a refund with a negative amount.
 */
import { draw, randomOf, saltOf, wander } from '../random.ts'
import { demoStartMs } from '../log-clock.ts'
import { zipfPick } from '../zipf.ts'
import { cents } from './demo-topic.ts'
import type { DemoTopic, RecordPlace } from './demo-topic.ts'

export interface Order {
  readonly orderId: string
  readonly region: (typeof regions)[number]
  readonly product: string
  readonly quantity: number
  readonly amount: number
  readonly customerId: string
  readonly orderedAt: number
}

const regions = ['north', 'south', 'east', 'west'] as const
const products = [
  { name: 'kettle', price: 34.9 },
  { name: 'lamp', price: 59 },
  { name: 'notebook', price: 7.5 },
  { name: 'headphones', price: 89.9 },
  { name: 'mug', price: 12 },
  { name: 'backpack', price: 74.5 },
  { name: 'pen', price: 3.2 },
  { name: 'bicycle', price: 649 },
] as const

/** Places of the story within its run of orders: small, small, small, sometimes small, big. */
export const storyLength = 600
const small = [100, 140, 180]
const sometimesSmall = 220
const big = 300
const salt = saltOf('orders')
const storySalt = saltOf('orders/story')

/** Part an order plays in a card test, if any. */
export function storyPart(seed: number, index: number): 'small' | 'big' | undefined {
  const place = index % storyLength
  if (small.includes(place)) return 'small'
  if (place === big) return 'big'
  if (place === sometimesSmall && draw(seed, storySalt, Math.floor(index / storyLength), 1) < 0.5) return 'small'
  return undefined
}

/** The order of an index: the payments of this order need it too. */
export function orderOf({ seed, index, atMs, skew }: RecordPlace): Order {
  const random = randomOf(seed, salt, index)
  const orderId = `o-${String(index).padStart(6, '0')}`
  const region = regions[pickRegion(random(), seed, atMs, skew)]!
  const product = products[zipfPick(random(), products.length, skew)]!
  const customer = zipfPick(random(), 300, skew)
  const quantity = 1 + Math.floor(random() * random() * 5)
  const mood = 1 + 0.15 * wander(seed, salt + 50, (atMs - demoStartMs) / 60_000)
  const refund = random() < 0.02
  const base = {
    orderId,
    region,
    product: product.name,
    quantity,
    amount: 0,
    customerId: customerName(customer),
    orderedAt: atMs,
  }
  const part = storyPart(seed, index)
  if (part === undefined) return { ...base, amount: cents(product.price * quantity * mood) * (refund ? -1 : 1) }
  const thief = 300 + Math.floor(draw(seed, storySalt, Math.floor(index / storyLength), 0) * 100)
  const amount = part === 'small' ? cents(2 + random() * 6) : cents(400 + random() * 900)
  return {
    ...base,
    product: part === 'small' ? 'pen' : 'bicycle',
    quantity: 1,
    amount,
    customerId: customerName(thief),
  }
}

function customerName(n: number): string {
  return `c-${String(n).padStart(3, '0')}`
}

function pickRegion(u: number, seed: number, atMs: number, skew: number): number {
  if (skew !== 0) return zipfPick(u, regions.length, skew)
  const x = (atMs - demoStartMs) / 75_000
  let sum = 0
  const upTo = regions.map((_, r) => (sum += 1 + 0.75 * wander(seed, salt + 1 + r, x)))
  return Math.max(
    0,
    upTo.findIndex(end => u * sum < end),
  )
}

export const orders: DemoTopic = {
  name: 'orders',
  description: 'Orders of a shop in four regions; shares wander, one in fifty is a refund, some customers test cards',
  timeField: 'orderedAt',
  rate: 20,
  density: 1,
  columns: [
    { name: 'orderId', type: 'string', doc: 'Number of the order, also the key of the record; payments refer to it' },
    { name: 'region', type: "'north' | 'south' | 'east' | 'west'", doc: 'Where it was ordered' },
    { name: 'product', type: 'string', doc: 'One of eight products' },
    { name: 'quantity', type: 'number', doc: 'Pieces, 1 to 5' },
    { name: 'amount', type: 'number', doc: 'Price of the whole order; negative for a refund' },
    { name: 'customerId', type: 'string', doc: 'Who ordered' },
    { name: 'orderedAt', type: 'number', doc: 'When it was ordered, epoch ms', instant: true },
  ],
  record: place => {
    const row = orderOf(place)
    return { key: row.orderId, row: { ...row } }
  },
}
