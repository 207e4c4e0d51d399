import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EmbeddedConnection } from '../connectors/embedded.ts'
import { decodeBatch } from '../schemas/decode.ts'
import { VirtualClock } from '../time/clock.ts'
import type { Reader } from '../connectors/connector.ts'

const runs = process.env['LONG'] === '1' ? 2000 : 200

function empty(nowMs = 1_000_000): { clock: VirtualClock; connection: EmbeddedConnection } {
  const clock = new VirtualClock(nowMs)
  return { clock, connection: new EmbeddedConnection({ clock, demos: [] }) }
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

async function drain(reader: Reader): Promise<{ values: string[]; exhausted: number[] }> {
  const values: string[] = []
  const exhausted: number[] = []
  for (let result = await reader.next(); result !== null; result = await reader.next()) {
    for (let i = 0; i < result.batch.count; i++) {
      const start = result.batch.valueRanges[2 * i]!
      const length = result.batch.valueRanges[2 * i + 1]!
      values.push(length < 0 ? 'null' : new TextDecoder().decode(result.batch.bytes.subarray(start, start + length)))
    }
    exhausted.push(...result.exhausted)
  }
  return { values, exhausted }
}

interface Made {
  readonly partition: number
  readonly timestampMs: number
  readonly value: string | null
}

/** The twin: plain arrays, and the next record looked up among all that are left. */
function mergedByHand(
  made: readonly Made[],
  partitions: number,
  from: (partition: number, count: number) => number,
): string[] {
  const queues = Array.from({ length: partitions }, (_, p) => made.filter(each => each.partition === p))
  const left = queues.map((queue, p) => queue.slice(from(p, queue.length)))
  const out: string[] = []
  while (left.some(queue => queue.length > 0)) {
    const times = left.map(queue => queue[0]?.timestampMs ?? Infinity)
    const next = left[times.indexOf(Math.min(...times))]!.shift()!
    out.push(next.value ?? 'null')
  }
  return out
}

test('random appends and reads equal plain arrays, whatever the batch size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(
        fc.record({ partition: fc.nat(3), timestampMs: fc.nat(20), value: fc.option(fc.string({ maxLength: 5 })) }),
        { maxLength: 60 },
      ),
      fc.integer({ min: 1, max: 9 }),
      fc.nat(70),
      async (partitions, drawn, maxBatch, last) => {
        const made = drawn.map(each => ({ ...each, partition: each.partition % partitions }))
        const { connection } = empty()
        await connection.create('t', { partitions })
        await connection.produce(
          't',
          made.map(({ partition, timestampMs, value }) => ({
            key: null,
            value: value === null ? null : text(value),
            partition,
            timestampMs,
          })),
        )
        const all = await drain(await connection.read('t', { from: 'earliest', to: 'latest', maxBatch }))
        assert.deepEqual(
          all.values,
          mergedByHand(made, partitions, () => 0),
        )
        assert.deepEqual(
          all.exhausted.sort((a, b) => a - b),
          Array.from({ length: partitions }, (_, p) => p),
        )
        const some = await drain(await connection.read('t', { from: `-${last}`, to: 'latest', maxBatch }))
        const each = Math.ceil(last / partitions)
        assert.deepEqual(
          some.values,
          mergedByHand(made, partitions, (_p, count) => Math.max(0, count - each)),
        )
      },
    ),
    { numRuns: runs },
  )
})

test('retention drops the oldest segments, moves the low offset and tells a reader what it missed', async () => {
  const { connection } = empty()
  const topic = connection.log.create('t', { partitions: 1, retentionBytes: 3 << 20 })
  const reader = await connection.read('t', { from: 'earliest' })
  const value = new Uint8Array(64 * 1024)
  for (let i = 0; i < 100; i++) topic.append({ key: null, value }, i)
  topic.announce()
  const low = topic.partitions[0]!.lowOffset
  assert.equal(low, 64)
  assert.equal(topic.partitions[0]!.highOffset, 100)
  assert.ok(topic.byteCount <= 3 << 20)
  await reader.next()
  const result = await reader.next()
  assert.equal(result?.batch.offsets[0], 64n)
  assert.equal(result?.lostCount, 64)
})

test('a reader of a deleted topic fails and says what to do', async () => {
  const { connection } = empty()
  await connection.create('t', { partitions: 1 })
  const reader = await connection.read('t', { from: 'earliest' })
  await reader.next()
  const waiting = reader.next()
  await connection.delete('t')
  await assert.rejects(waiting, { code: 'TOPIC_UNKNOWN', message: 'Cannot go on reading topic "t": it was deleted' })
})

test('the live tail comes in order of arrival, not of time', async () => {
  const { connection } = empty()
  await connection.create('t', { partitions: 2 })
  const reader = await connection.read('t', { from: 'earliest' })
  assert.deepEqual((await reader.next())?.exhausted, [0, 1])
  await connection.produce('t', [
    { key: null, value: text('late'), partition: 1, timestampMs: 9 },
    { key: null, value: text('early'), partition: 0, timestampMs: 1 },
  ])
  const result = await reader.next()
  assert.equal(result?.live, true)
  assert.deepEqual([...(result?.batch.partitions ?? [])], [1, 0])
})

test('a partition that is added while a reader follows is read from its first record', async () => {
  const { connection } = empty()
  await connection.create('t', { partitions: 1 })
  const reader = await connection.read('t', { from: 'earliest' })
  await reader.next()
  connection.log.topic('t').grow(2)
  await connection.produce('t', [{ key: null, value: text('new'), partition: 1 }])
  assert.deepEqual((await reader.next())?.exhausted, [1])
  assert.equal(reader.partitionCount, 2)
  assert.deepEqual([...(await reader.next())!.batch.partitions], [1])
})

test('a bound in the future ends the read when the clock gets there', async () => {
  const { clock, connection } = empty(Date.UTC(2026, 0, 1))
  await connection.create('t', { partitions: 1 })
  const reader = await connection.read('t', { from: 'earliest', to: '2026-01-01T00:00:10Z' })
  const all = drain(reader)
  await connection.produce('t', [{ key: null, value: text('a') }])
  await turn()
  clock.advance(10_000)
  await connection.produce('t', [{ key: null, value: text('b') }])
  assert.deepEqual((await all).values, ['a'])
})

test('nobody reading means no timer and no record is made', async () => {
  const clock = new VirtualClock(0)
  let timers = 0
  const counting = {
    nowMs: () => clock.nowMs(),
    setTimer: (ms: number, f: () => void) => {
      timers++
      return clock.setTimer(ms, f)
    },
  }
  const connection = new EmbeddedConnection({ clock: counting })
  clock.advance(60_000)
  assert.equal(timers, 0)
  assert.equal(connection.log.topic('orders').partitions[0]!.highOffset, 0)
  const reader = await connection.read('orders', { from: 'latest' })
  await reader.next()
  const waiting = reader.next()
  await turn()
  assert.equal(timers, 1)
  clock.advance(100)
  assert.ok((await waiting)!.batch.count > 0)
})

test('a topic name, a partition count and a second creation are checked', async () => {
  const { connection } = empty()
  await assert.rejects(connection.create('no spaces', { partitions: 1 }), { code: 'OPTION_INVALID' })
  await assert.rejects(connection.create('t', { partitions: 0 }), { code: 'OPTION_INVALID' })
  await connection.create('t', { partitions: 1 })
  await assert.rejects(connection.create('t', { partitions: 1 }), { code: 'TOPIC_EXISTS' })
})

test('a batch decodes to what was produced', async () => {
  const { connection } = empty()
  await connection.create('t', { partitions: 1 })
  await connection.produce('t', [{ key: text('k'), value: text('{"a":1}') }])
  const reader = await connection.read('t', { from: 'earliest', to: 'latest' })
  assert.deepEqual(decodeBatch((await reader.next())!.batch), { rows: [{ a: 1 }], keys: ['k'], failures: [] })
})

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
