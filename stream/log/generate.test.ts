import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EmbeddedConnection } from '../connectors/embedded.ts'
import { decodeBatch } from '../schemas/decode.ts'
import { VirtualClock } from '../time/clock.ts'
import { randomOf, saltOf } from './random.ts'
import type { RecordMaker } from './generated-feed.ts'

interface Seen {
  readonly row: Record<string, unknown>
  readonly partition: number
  readonly timestampMs: number
}

function open(): { clock: VirtualClock; connection: EmbeddedConnection } {
  const clock = new VirtualClock(0)
  return { clock, connection: new EmbeddedConnection({ clock }) }
}

async function seen(connection: EmbeddedConnection, topic: string, from: string): Promise<Seen[]> {
  const reader = await connection.read(topic, { from, to: 'latest' })
  const all: Seen[] = []
  for (let result = await reader.next(); result !== null; result = await reader.next()) {
    const { batch } = result
    decodeBatch(batch).rows.forEach((row, i) =>
      all.push({ row: row as Seen['row'], partition: batch.partitions[i]!, timestampMs: batch.timestampsMs[i]! }),
    )
  }
  return all
}

const tenPast = '2026-01-01T09:10:00Z'

test('a rate changes from now on and leaves the past alone', async () => {
  const { clock, connection } = open()
  const before = await seen(connection, 'orders', 'earliest')
  await connection.generate('orders', { rate: 200 })
  assert.deepEqual(await seen(connection, 'orders', 'earliest'), before)
  clock.advance(10_000)
  const more = (await seen(connection, 'orders', 'earliest')).length - before.length
  assert.ok(more > 1700 && more < 2100, `${more} more`)
})

test('payments follow a new rate and seed of their orders', async () => {
  const { clock, connection } = open()
  await connection.describe('payments')
  await connection.generate('orders', { rate: 100, seed: 7 })
  clock.advance(60_000)
  const orders = new Map((await seen(connection, 'orders', 'earliest')).map(({ row }) => [row['orderId'], row]))
  const payments = (await seen(connection, 'payments', tenPast)).filter(({ row }) => orders.has(row['orderId']))
  assert.ok(payments.length > 3000)
  for (const { row } of payments) assert.equal(row['amount'], orders.get(row['orderId'])!['amount'])
  await assert.rejects(connection.generate('payments', { rate: 5 }), {
    code: 'OPTION_INVALID',
    hint: '%%generate orders --rate 50',
  })
})

test('the share of late records is what was asked for', async () => {
  const { clock, connection } = open()
  await connection.generate('trades', { late: 0.2 })
  clock.advance(120_000)
  const topic = connection.log.topic('trades')
  await connection.describe('trades')
  let late = 0
  let count = 0
  for (const partition of topic.partitions) {
    let newest = -Infinity
    for (const segment of partition.segments) {
      for (let i = 0; i < segment.count; i++) {
        const at = segment.timestampsMs[i]!
        if (at > Date.parse(tenPast)) {
          count++
          if (at < newest - 5000) late++
        }
        newest = Math.max(newest, at)
      }
    }
  }
  assert.ok(late / count > 0.15 && late / count < 0.25, `${late} of ${count}`)
})

test('duplicates are the same record again', async () => {
  const { clock, connection } = open()
  await connection.generate('orders', { duplicates: 0.5 })
  clock.advance(60_000)
  const ids = (await seen(connection, 'orders', tenPast)).map(({ row }) => row['orderId'])
  const share = ids.length / new Set(ids).size
  assert.ok(share > 1.4 && share < 1.6, `each came ${share} times`)
})

test('a stalled partition is silent and delivers everything when it is lifted', async () => {
  const { clock, connection } = open()
  const high = async () => (await connection.describe('orders')).partitions.map(each => Number(each.highOffset))
  const before = await high()
  await connection.generate('orders', { stall: 1 })
  clock.advance(30_000)
  const stalled = await high()
  assert.equal(stalled[1], before[1])
  assert.ok(stalled[0]! > before[0]! + 150)
  await connection.generate('orders', {})
  const lifted = await high()
  assert.ok(lifted[1]! > before[1]! + 150)
  const ids = (await seen(connection, 'orders', 'earliest')).map(({ row }) => row['orderId'])
  assert.equal(new Set(ids).size, ids.length)
})

test('skew makes one region lead', async () => {
  const { clock, connection } = open()
  await connection.generate('orders', { skew: 1.5 })
  clock.advance(60_000)
  const rows = await seen(connection, 'orders', '2026-01-01T09:10:05Z')
  const north = rows.filter(({ row }) => row['region'] === 'north').length
  assert.ok(north > rows.length * 0.5, `${north} of ${rows.length}`)
})

test('partitions only grow', async () => {
  const { connection } = open()
  await connection.generate('orders', { partitions: 5 })
  assert.equal((await connection.describe('orders')).partitions.length, 5)
  await assert.rejects(connection.generate('orders', { partitions: 2 }), { code: 'OPTION_INVALID' })
  await assert.rejects(connection.generate('orders', { stall: 5 }), { code: 'OPTION_INVALID' })
})

const body: RecordMaker = due =>
  due.map(({ index, atMs, pace }) => {
    const random = randomOf(pace.seed, saltOf('mine'), index)
    return { key: null, row: { i: index, u: random(), at: atMs } }
  })

test('a body fills a new topic with the same rows for the same seed', async () => {
  const rows = async (maker: RecordMaker, seed: number) => {
    const { clock, connection } = open()
    await connection.generate('mine', { rate: 10, seed }, maker)
    clock.advance(5000)
    return (await seen(connection, 'mine', 'earliest')).map(({ row }) => row)
  }
  const first = await rows(body, 3)
  assert.equal(first.length, 50)
  assert.deepEqual(
    first.map(row => row['i']).sort((a, b) => Number(a) - Number(b)),
    Array.from({ length: 50 }, (_, i) => i),
  )
  assert.deepEqual(await rows(async due => body(due), 3), first)
  assert.notDeepEqual(await rows(body, 4), first)
})

test('a body that fails ends the generator, tells why, and leaves what was there', async () => {
  const { clock, connection } = open()
  const failures: unknown[] = []
  let calls = 0
  const failing: RecordMaker = async due => {
    if (++calls > 1) throw new Error('row 50 is bad')
    return body(due)
  }
  await connection.generate('mine', { rate: 10 }, failing, error => failures.push(error))
  clock.advance(5000)
  assert.equal((await seen(connection, 'mine', 'earliest')).length, 50)
  clock.advance(5000)
  assert.equal((await seen(connection, 'mine', 'earliest')).length, 50)
  assert.match(String(failures[0]), /row 50 is bad/)
  assert.equal(failures.length, 1)
})

test('a topic nobody fills cannot be re-tuned, and wrong settings are refused', async () => {
  const { connection } = open()
  await connection.create('plain', { partitions: 1 })
  await assert.rejects(connection.generate('plain', { rate: 5 }), {
    code: 'OPTION_INVALID',
    message: /no generator fills it/,
  })
  await assert.rejects(connection.generate('nothing', { rate: 5 }), { code: 'TOPIC_UNKNOWN' })
  for (const wrong of [
    { rate: 0 },
    { rate: 1e9 },
    { late: 1.5 },
    { duplicates: -1 },
    { skew: 99 },
    { seed: 1.5 },
    { disorderMs: -1 },
  ]) {
    await assert.rejects(connection.generate('orders', wrong), { code: 'OPTION_INVALID' })
  }
})
