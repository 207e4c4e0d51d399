/**
 * What every connector has to do, run on the embedded log and on a real broker alike. Expected values are literals; records that
 * must not come from our own producer come from `foreign`.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Connection, OutgoingRecord, Reader, ReadOptions, ReadResult } from '../../stream/connectors/connector.ts'

export interface ContractSubject {
  readonly connection: Connection
  /** Appends records to a partition without the connection's own `produce`. */
  foreign(topic: string, partition: number, records: readonly ForeignRecord[]): Promise<void>
  close(): Promise<void>
}

export interface ForeignRecord {
  readonly key: string | null
  readonly value: string | null
  readonly timestampMs: number
  readonly headers?: readonly (readonly [string, string])[]
}

const hangLimitMs = 60_000
const t0 = Date.UTC(2026, 4, 1, 12)

export function connectorContract(name: string, open: () => Promise<ContractSubject>): void {
  describe(`${name} keeps the connector contract`, () => {
    let subject: ContractSubject
    let connection: Connection
    let made = 0
    before(async () => {
      subject = await open()
      connection = subject.connection
    })
    after(() => subject?.close())

    const topicOf = async (partitions: number): Promise<string> => {
      const topic = `contract-${process.pid}-${++made}`
      await connection.create(topic, { partitions })
      return topic
    }
    /** Three partitions whose records interleave in time: p0 at 0 3 6, p1 at 1 4, p2 at 2. */
    const interleaved = async (): Promise<string> => {
      const topic = await topicOf(3)
      await subject.foreign(topic, 0, [at(0), at(3), at(6)])
      await subject.foreign(topic, 1, [at(1), at(4)])
      await subject.foreign(topic, 2, [at(2)])
      return topic
    }
    const readAll = async (topic: string, options: Partial<ReadOptions> = {}) =>
      collect(await connection.read(topic, { from: 'earliest', to: 'latest', ...options }))

    test('an empty topic is exhausted at once and a bounded read of it ends', async () => {
      const topic = await topicOf(2)
      const reader = await connection.read(topic, { from: 'earliest', to: 'latest' })
      const first = await reader.next()
      assert.equal(first?.batch.count, 0)
      assert.deepEqual(first?.exhausted, [0, 1])
      assert.equal(first?.live, false)
      assert.equal(await reader.next(), null)
      await reader.close()
    })

    test('history of several partitions comes merged by timestamp', async () => {
      const { values, exhausted } = await readAll(await interleaved())
      assert.deepEqual(values, ['v0', 'v1', 'v2', 'v3', 'v4', 'v6'])
      assert.deepEqual(exhausted.slice().sort(ascending), [0, 1, 2])
    })

    test('equal timestamps are ordered by partition, and a partition keeps its own order', async () => {
      const topic = await topicOf(2)
      await subject.foreign(topic, 1, [at(5, 'b1'), at(3, 'b2')])
      await subject.foreign(topic, 0, [at(5, 'a1'), at(5, 'a2')])
      assert.deepEqual((await readAll(topic)).values, ['a1', 'a2', 'b1', 'b2'])
    })

    test('a batch is cut where a partition reaches the end of its history', async () => {
      const topic = await interleaved()
      const reader = await connection.read(topic, { from: 'earliest', to: 'latest' })
      const seen: (string | readonly number[])[] = []
      for (let result = await next(reader); result !== null; result = await next(reader)) {
        seen.push(...valuesOf(result))
        if (result.exhausted.length > 0) seen.push(result.exhausted)
      }
      assert.deepEqual(seen, ['v0', 'v1', 'v2', [2], 'v3', 'v4', [1], 'v6', [0]])
    })

    test('latest skips history and -N gives the last ceil(N / partitions) of each partition', async () => {
      const topic = await interleaved()
      assert.deepEqual((await readAll(topic, { from: 'latest' })).values, [])
      assert.deepEqual((await readAll(topic, { from: '-3' })).values, ['v2', 'v4', 'v6'])
      assert.deepEqual((await readAll(topic, { from: '-4' })).values, ['v1', 'v2', 'v3', 'v4', 'v6'])
      assert.deepEqual((await readAll(topic, { from: '-10000' })).values, ['v0', 'v1', 'v2', 'v3', 'v4', 'v6'])
    })

    test('an instant starts at the first record at or after it, and ends before it', async () => {
      const topic = await interleaved()
      assert.deepEqual((await readAll(topic, { from: '2026-05-01T12:00:03Z' })).values, ['v3', 'v4', 'v6'])
      assert.deepEqual((await readAll(topic, { from: '2026-05-01T14:00:03+02:00' })).values, ['v3', 'v4', 'v6'])
      assert.deepEqual((await readAll(topic, { to: '2026-05-01T12:00:03Z' })).values, ['v0', 'v1', 'v2'])
      assert.deepEqual((await readAll(topic, { from: '2026-05-01T13:00:00Z' })).values, [])
    })

    test('a duration counts back from the now of the topic', async () => {
      const topic = await topicOf(1)
      const nowMs = connection.nowMs()
      await subject.foreign(topic, 0, [
        { key: null, value: 'old', timestampMs: nowMs - 3_600_000 },
        { key: null, value: 'young', timestampMs: nowMs - 60_000 },
      ])
      assert.deepEqual((await readAll(topic, { from: '10m' })).values, ['young'])
      assert.deepEqual((await readAll(topic, { from: '2h' })).values, ['old', 'young'])
    })

    test('offset=P:N reads that partition from there, the others are idle', async () => {
      const topic = await interleaved()
      const { values, exhausted } = await readAll(topic, { from: 'offset=0:1' })
      assert.deepEqual(values, ['v3', 'v6'])
      assert.deepEqual(exhausted.slice().sort(ascending), [0, 1, 2])
      assert.deepEqual((await readAll(topic, { from: 'offset=0:0', to: 'offset=0:2' })).values, ['v0', 'v3'])
      assert.deepEqual((await readAll(topic, { partition: 1 })).values, ['v1', 'v4'])
    })

    test('positions win over from', async () => {
      const topic = await interleaved()
      const positions = new Map([
        [0, 2n],
        [1, 1n],
        [2, 1n],
      ])
      assert.deepEqual((await readAll(topic, { positions })).values, ['v4', 'v6'])
      // A partition that has none is new, and read whole.
      positions.delete(1)
      assert.deepEqual((await readAll(topic, { from: 'latest', positions })).values, ['v1', 'v4', 'v6'])
    })

    test('the live tail follows history, and lag counts down', async () => {
      const topic = await topicOf(2)
      await subject.foreign(topic, 0, [at(0)])
      const reader = await connection.read(topic, { from: 'earliest' })
      assert.equal(reader.lagCount(), 1)
      const history = await until(reader, 1)
      assert.deepEqual(history.values, ['v0'])
      assert.equal(history.live, false)
      assert.equal(reader.lagCount(), 0)
      const tail = until(reader, 2)
      await connection.produce(topic, [record('k', 'x'), record('k', 'y')])
      const { values, live } = await tail
      assert.deepEqual(values, ['x', 'y'])
      assert.equal(live, true)
      await reader.close()
    })

    test('closing a waiting reader ends its next', async () => {
      const topic = await topicOf(1)
      const reader = await connection.read(topic, { from: 'latest' })
      assert.deepEqual((await next(reader))?.exhausted, [0])
      const waiting = reader.next()
      await reader.close()
      assert.equal(await withLimit(waiting), null)
      await reader.close()
    })

    test('a key chooses the partition as Java does, and positions come back in order', async () => {
      const topic = await topicOf(3)
      const keys = [
        '21',
        'foobar',
        'a-little-bit-long-string',
        'lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8',
        'abc',
      ]
      const positions = await connection.produce(
        topic,
        keys.map(key => record(key, key)),
      )
      // murmur2 of these keys as in Kafka's own UtilsTest, sign bit cleared, modulo 3.
      const hashes = [-973932308, -790332482, -985981536, -58897971, 479470107]
      assert.deepEqual(
        positions.map(each => each.partition),
        hashes.map(hash => (hash & 0x7fffffff) % 3),
      )
      const more = await connection.produce(topic, [record('abc', 'again'), record('abc', 'and again')])
      assert.equal(more[1]!.offset - more[0]!.offset, 1n)
    })

    test('records without a key go round robin, a named partition is obeyed', async () => {
      const topic = await topicOf(3)
      const spread = await connection.produce(
        topic,
        [1, 2, 3, 4, 5, 6].map(n => record(null, String(n))),
      )
      assert.deepEqual(spread.map(each => each.partition).sort(ascending), [0, 0, 1, 1, 2, 2])
      const [named] = await connection.produce(topic, [{ ...record('k', 'v'), partition: 2 }])
      assert.deepEqual(named, { partition: 2, offset: 2n })
      await assert.rejects(connection.produce(topic, [{ ...record('k', 'v'), partition: 3 }]), {
        code: 'PARTITION_UNKNOWN',
      })
    })

    test('tombstones, empty values, keys, headers and timestamps survive', async () => {
      const topic = await topicOf(1)
      await subject.foreign(topic, 0, [
        { key: 'k', value: null, timestampMs: t0 },
        { key: null, value: '', timestampMs: t0 + 1, headers: [['trace', 'abc']] },
        { key: 'ü', value: '\u0000\u0001', timestampMs: t0 + 2 },
      ])
      await connection.produce(topic, [
        { key: null, value: new Uint8Array([255, 0, 254]), timestampMs: t0 + 3, headers: { h: new Uint8Array([1]) } },
      ])
      const reader = await connection.read(topic, { from: 'earliest', to: 'latest' })
      const { batch } = (await next(reader))!
      assert.equal(batch.count, 4)
      assert.deepEqual([...batch.offsets], [0n, 1n, 2n, 3n])
      assert.deepEqual([...batch.timestampsMs], [t0, t0 + 1, t0 + 2, t0 + 3])
      assert.deepEqual(
        [0, 1, 2, 3].map(i => partOf(batch, 'keyRanges', i)),
        ['k', null, 'ü', null],
      )
      assert.equal(partOf(batch, 'valueRanges', 0), null)
      assert.equal(partOf(batch, 'valueRanges', 1), '')
      assert.deepEqual(bytesOf(batch, 3), [255, 0, 254])
      assert.equal(Buffer.from(batch.headers![1]!['trace']!).toString(), 'abc')
      assert.deepEqual([...batch.headers![3]!['h']!], [1])
      await reader.close()
    })

    test('a record of 900 kB passes whole', async () => {
      const topic = await topicOf(1)
      const value = new Uint8Array(900_000).map((_, i) => i % 251)
      await connection.produce(topic, [record('before', 'x'), { key: null, value }, record('after', 'y')])
      const reader = await connection.read(topic, { from: 'earliest', to: 'latest' })
      const lengths: number[] = []
      for (let result = await next(reader); result !== null; result = await next(reader)) {
        for (let i = 0; i < result.batch.count; i++) lengths.push(result.batch.valueRanges[2 * i + 1]!)
      }
      assert.deepEqual(lengths, [1, 900_000, 1])
      await reader.close()
    })

    test('a slow consumer gets every record once, in batches of the asked size', async () => {
      const topic = await topicOf(2)
      const count = 12_000
      await connection.produce(
        topic,
        Array.from({ length: count }, (_, i) => record(`k${i % 7}`, String(i))),
      )
      const reader = await connection.read(topic, { from: 'earliest', to: 'latest', maxBatch: 500 })
      const seen = new Set<string>()
      const next0 = new Map<number, bigint>()
      for (let result = await next(reader); result !== null; result = await next(reader)) {
        assert.ok(result.batch.count <= 500)
        for (let i = 0; i < result.batch.count; i++) {
          const partition: number = result.batch.partitions[i]!
          assert.equal(result.batch.offsets[i], next0.get(partition) ?? 0n)
          next0.set(partition, result.batch.offsets[i]! + 1n)
        }
        for (const value of valuesOf(result)) seen.add(value)
        await new Promise(resolve => setImmediate(resolve))
      }
      assert.equal(seen.size, count)
      await reader.close()
    })

    test('two readers of one topic do not disturb each other', async () => {
      const topic = await interleaved()
      const [a, b] = await Promise.all([readAll(topic), readAll(topic, { from: '-3' })])
      assert.equal(a.values.length, 6)
      assert.equal(b.values.length, 3)
    })

    test('topics are listed with their offsets and described', async () => {
      const topic = await interleaved()
      const listed = (await connection.topics()).find(each => each.name === topic)
      const partitions = [
        { partition: 0, lowOffset: 0n, highOffset: 3n },
        { partition: 1, lowOffset: 0n, highOffset: 2n },
        { partition: 2, lowOffset: 0n, highOffset: 1n },
      ]
      assert.deepEqual(listed?.partitions, partitions)
      assert.deepEqual((await connection.describe(topic)).partitions, partitions)
    })

    test('an unknown topic is refused with the nearest names', async () => {
      const topic = await topicOf(1)
      await assert.rejects(connection.read(`${topic}x`, { from: 'earliest' }), (error: unknown) => {
        const { code, message, hint } = error as { code: string; message: string; hint: string }
        assert.equal(code, 'TOPIC_UNKNOWN')
        assert.match(message, new RegExp(`no such topic, nearest: .*${topic}`))
        assert.match(hint, /%topic contract-/)
        return true
      })
      await assert.rejects(connection.describe(`${topic}x`), { code: 'TOPIC_UNKNOWN' })
      await assert.rejects(connection.produce(`${topic}x`, [record('k', 'v')]), { code: 'TOPIC_UNKNOWN' })
      await assert.rejects(connection.delete(`${topic}x`), { code: 'TOPIC_UNKNOWN' })
    })

    test('wrong positions and partitions are refused', async () => {
      const topic = await interleaved()
      await assert.rejects(connection.read(topic, { from: 'sometime' }), { code: 'POSITION_INVALID' })
      await assert.rejects(connection.read(topic, { from: '2026-05-01T12:00:00' }), { code: 'POSITION_INVALID' })
      await assert.rejects(connection.read(topic, { from: 'offset=7:0' }), { code: 'PARTITION_UNKNOWN' })
      await assert.rejects(connection.read(topic, { from: 'offset=0:999' }), { code: 'POSITION_INVALID' })
      await assert.rejects(connection.read(topic, { from: 'earliest', partition: 3 }), { code: 'PARTITION_UNKNOWN' })
    })

    test('a topic is created once and can be deleted', async () => {
      const topic = await topicOf(1)
      await assert.rejects(connection.create(topic, { partitions: 1 }), { code: 'TOPIC_EXISTS' })
      await connection.delete(topic)
      const limitMs = Date.now() + hangLimitMs
      while ((await connection.topics()).some(each => each.name === topic) && Date.now() < limitMs) await wait(20)
      await assert.rejects(connection.describe(topic), { code: 'TOPIC_UNKNOWN' })
    })
  })
}

function ascending(a: number, b: number): number {
  return a - b
}

function at(second: number, value = `v${second}`): ForeignRecord {
  return { key: null, value, timestampMs: t0 + second * 1000 }
}

function record(key: string | null, value: string): OutgoingRecord {
  return { key: key === null ? null : Buffer.from(key), value: Buffer.from(value) }
}

export async function collect(reader: Reader): Promise<{ values: string[]; exhausted: number[] }> {
  const values: string[] = []
  const exhausted: number[] = []
  for (let result = await next(reader); result !== null; result = await next(reader)) {
    values.push(...valuesOf(result))
    exhausted.push(...result.exhausted)
  }
  await reader.close()
  return { values, exhausted }
}

/** Reads on until `count` records came. */
async function until(reader: Reader, count: number): Promise<{ values: string[]; live: boolean }> {
  const values: string[] = []
  let live = false
  while (values.length < count) {
    const result = await next(reader)
    assert.notEqual(result, null)
    values.push(...valuesOf(result!))
    live ||= result!.live
  }
  return { values, live }
}

export function next(reader: Reader): Promise<ReadResult | null> {
  return withLimit(reader.next())
}

async function withLimit<T>(work: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const limit = wait(hangLimitMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`nothing came within ${hangLimitMs} ms`)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    stop.abort()
    limit.catch(() => undefined)
  }
}

export function valuesOf({ batch }: ReadResult): string[] {
  return Array.from({ length: batch.count }, (_, i) => partOf(batch, 'valueRanges', i) ?? 'null')
}

function partOf(batch: ReadResult['batch'], ranges: 'keyRanges' | 'valueRanges', i: number): string | null {
  const start = batch[ranges][2 * i]!
  const length = batch[ranges][2 * i + 1]!
  return length < 0 ? null : Buffer.from(batch.bytes.subarray(start, start + length)).toString()
}

function bytesOf(batch: ReadResult['batch'], i: number): number[] {
  const start = batch.valueRanges[2 * i]!
  return [...batch.bytes.subarray(start, start + batch.valueRanges[2 * i + 1]!)]
}
