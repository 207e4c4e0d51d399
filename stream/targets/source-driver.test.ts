import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packEnvelopes } from '../connectors/connector.ts'
import type { Connection, Reader, ReadOptions, ReadResult } from '../connectors/connector.ts'
import type { SourceEvent } from '../model.ts'
import type { TopicNode } from '../plan.ts'
import { nextTurn, VirtualClock } from '../time/clock.ts'
import { driveTopic } from './source-driver.ts'

/** A reader fed by the test. */
class FakeReader implements Reader {
  readonly partitionCount = 2
  readonly starts = []
  closed = false
  private results: (ReadResult | null | Error)[] = []
  private wake: (() => void) | undefined

  give(...results: (ReadResult | null | Error)[]): Promise<void> {
    this.results.push(...results)
    this.wake?.()
    return settle()
  }

  async next(): Promise<ReadResult | null> {
    while (this.results.length === 0 && !this.closed) await new Promise<void>(resolve => (this.wake = resolve))
    const result = this.results.shift() ?? null
    if (result instanceof Error) throw result
    return result
  }

  lagCount(): number {
    return this.results.length
  }

  async close(): Promise<void> {
    this.closed = true
    this.wake?.()
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn()
}

function read(
  partitions: readonly number[],
  options: { live?: boolean; exhausted?: readonly number[] } = {},
): ReadResult {
  const batch = packEnvelopes(
    partitions.map((partition, i) => ({ partition, offset: BigInt(i), timestampMs: i, key: null, value: null })),
  )
  return { batch, exhausted: options.exhausted ?? [], live: options.live ?? false }
}

async function drive(options: TopicNode['options'] = {}, bounded = false) {
  const clock = new VirtualClock(0)
  const reader = new FakeReader()
  const asked: ReadOptions[] = []
  const events: string[] = []
  const errors: unknown[] = []
  const read = async (_topic: string, o: ReadOptions) => {
    asked.push(o)
    return reader
  }
  const driver = await driveTopic({
    node: { op: 'topic', connection: 'embedded', topic: 't', options },
    // Only `read` is asked of it.
    connection: { read } as unknown as Connection,
    clock,
    deliver: event => void events.push(textOf(event)),
    onError: error => errors.push(error),
    bounded,
  })
  await settle()
  return { clock, reader, asked, events, errors, driver }
}

function textOf(event: SourceEvent): string {
  if (event.kind === 'envelopes')
    return `${event.batch.count} records${event.processingTimeMs === undefined ? '' : ` at ${event.processingTimeMs}`}`
  if (event.kind === 'watermark') return `watermark ${event.watermarkMs}`
  if (event.kind === 'idle') return `idle ${event.partition}`
  return event.kind === 'partitions' ? `${event.count} partitions` : event.kind
}

test('history is delivered, a partition at its end is idle at once', async () => {
  const { reader, events, driver } = await drive()
  await reader.give(read([0, 1]), read([0], { exhausted: [1] }))
  assert.deepEqual(events, ['2 partitions', '2 records', '1 records', 'idle 1'])
  await driver.stop()
})

test('a partition whose next records came while its history was read is not idle between them', async () => {
  const { reader, events, clock, driver } = await drive({ idleMs: 5000 })
  await reader.give(read([0, 1], { exhausted: [0, 1] }), read([0, 1], { live: true }))
  assert.deepEqual(events, ['2 partitions', '2 records', '2 records'])
  clock.advance(5000)
  await settle()
  assert.deepEqual(events.slice(3), ['idle 0', 'idle 1'])
  await driver.stop()
})

test('silence counts in the live tail only', async () => {
  const { reader, events, clock, driver } = await drive({ idleMs: 5000 })
  await reader.give(read([0, 1]))
  clock.advance(60_000)
  await settle()
  assert.deepEqual(events, ['2 partitions', '2 records'])
  await reader.give(read([0], { live: true }))
  clock.advance(4999)
  await settle()
  assert.equal(events.length, 3)
  clock.advance(1)
  await settle()
  assert.deepEqual(events.slice(3), ['idle 0', 'idle 1'])
  await driver.stop()
})

test('a record keeps its partition active', async () => {
  const { reader, events, clock, driver } = await drive({ idleMs: 5000 })
  await reader.give(read([0, 1], { live: true }))
  clock.advance(3000)
  await reader.give(read([0], { live: true }))
  clock.advance(3000)
  await settle()
  assert.deepEqual(events, ['2 partitions', '2 records', '1 records', 'idle 1'])
  await driver.stop()
})

test('the time of a pause does not count as silence, and nothing is delivered in it', async () => {
  const { reader, events, clock, driver } = await drive({ idleMs: 5000 })
  await reader.give(read([0, 1], { live: true }))
  driver.pause()
  clock.advance(60_000)
  await reader.give(read([0], { live: true }))
  assert.deepEqual(events, ['2 partitions', '2 records'])
  driver.resume()
  await settle()
  assert.deepEqual(events, ['2 partitions', '2 records', '1 records'])
  await driver.stop()
})

test('a limit cuts the batch and ends the stream', async () => {
  const { reader, events, driver } = await drive({ limit: 3 })
  await reader.give(read([0, 1]), read([0, 1]))
  await driver.done
  assert.deepEqual(events, ['2 partitions', '2 records', '1 records', 'end'])
  assert.equal(reader.closed, true)
})

test('a bounded read asks for the end offsets of now and ends there', async () => {
  const { reader, events, asked, driver } = await drive({ from: 'earliest' }, true)
  assert.deepEqual([asked[0]?.from, asked[0]?.to], ['earliest', 'latest'])
  await reader.give(read([0]), null)
  await driver.done
  assert.deepEqual(events, ['2 partitions', '1 records', 'end'])
})

test('the default is the last 10,000 records without an end', async () => {
  const { asked, driver } = await drive()
  assert.deepEqual([asked[0]?.from, asked[0]?.to], ['-10000', undefined])
  await driver.stop()
})

test('partitions nobody reads do not hold the watermark', async () => {
  const { events, driver } = await drive({ partition: 1 })
  assert.deepEqual(events, ['2 partitions', 'idle 0'])
  await driver.stop()
})

test('a stopped driver delivers nothing and closes its reader, twice is once', async () => {
  const { reader, events, clock, driver } = await drive({ idleMs: 10 })
  await reader.give(read([0], { live: true }))
  await driver.stop()
  await driver.stop()
  clock.advance(1000)
  await reader.give(read([0], { live: true }))
  assert.deepEqual(events, ['2 partitions', '1 records'])
  assert.equal(reader.closed, true)
})

test('a reader that fails is told once', async () => {
  const { reader, errors, events, driver } = await drive()
  await reader.give(new Error('broker gone'))
  await driver.done
  assert.deepEqual(errors, [new Error('broker gone')])
  assert.deepEqual(events, ['2 partitions'])
})

test('by processing time the clock moves the watermark, and silence makes nothing idle', async () => {
  const { reader, events, clock, driver } = await drive({ time: 'processing-time', idleMs: 100 })
  await reader.give(read([0], { exhausted: [1] }), read([0], { live: true }))
  assert.deepEqual(events, ['2 partitions', '1 records at 0', '1 records at 0'])
  clock.advance(400)
  await settle()
  assert.deepEqual(events.slice(3), ['watermark 199', 'watermark 399'])
  driver.pause()
  clock.advance(1000)
  await settle()
  assert.equal(events.length, 5)
  driver.resume()
  clock.advance(200)
  await settle()
  assert.deepEqual(events.slice(5), ['watermark 1599'])
  await driver.stop()
  clock.advance(1000)
  await settle()
  assert.equal(events.length, 6)
})

test('a window longer than the topic keeps its records is told, and what was dropped before it was read', async () => {
  const told: string[] = []
  const reader = new FakeReader()
  const driver = await driveTopic({
    node: { op: 'topic', connection: 'prod', topic: 'orders', options: {}, windowMs: 86_400_000 },
    // Only these are asked of it.
    connection: {
      read: async () => reader,
      describe: async () => ({ name: 'orders', internal: false, partitions: [], retentionMs: 3_600_000 }),
    } as unknown as Connection,
    clock: new VirtualClock(0),
    deliver: () => {},
    onError: assert.fail,
    onNotice: text => told.push(text),
  })
  await reader.give({ ...read([0]), lostCount: 1200 }, { ...read([0]), lostCount: 1300 })
  await driver.stop()
  assert.deepEqual(told, [
    'A window of 1d is longer than topic "orders" keeps its records (1h): started again, it misses what is gone by then',
    'Topic "orders" dropped 1,200 records before they were read: its retention is too short for this stream',
  ])
})
