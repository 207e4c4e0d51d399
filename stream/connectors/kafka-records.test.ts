import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { StreamError } from '../errors.ts'
import { BatchBuilder, cursorAt, store, takeMerged } from './kafka-cursor.ts'
import { decodeAnswer } from './kafka-fetch.ts'
import { readBatches } from './kafka-records.ts'
import type { PartitionRecords, Unpack } from './kafka-records.ts'

interface Written {
  readonly delta?: number
  readonly ms?: number
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly headers?: readonly (readonly [string, string])[]
}

interface BatchParts {
  readonly base?: number
  readonly attributes?: number
  readonly firstMs?: number
  readonly maxMs?: number
  readonly producer?: number
  readonly last?: number
  readonly count?: number
  readonly pack?: (bytes: Buffer) => Buffer
}

function varint(n: number): Buffer {
  const bytes: number[] = []
  let left = n < 0 ? BigInt(n) * -2n - 1n : BigInt(n) * 2n
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  return Buffer.from([...bytes, Number(left)])
}
const sized = (bytes: Buffer | null) => (bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes]))

/** A batch as the protocol's text has it. */
function batch(records: readonly Written[], parts: BatchParts = {}): Buffer {
  const body = Buffer.concat(
    records.map(({ delta, ms = 0, key = null, value = null, headers = [] }, i) => {
      const named = headers.flatMap(([name, text]) => [sized(Buffer.from(name)), sized(Buffer.from(text))])
      const record = [Buffer.from([0]), varint(ms), varint(delta ?? i), sized(key), sized(value), varint(headers.length), ...named] // prettier-ignore
      return sized(Buffer.concat(record))
    }),
  )
  const packed = parts.pack?.(body) ?? body
  const head = Buffer.alloc(61)
  head.writeBigInt64BE(BigInt(parts.base ?? 0))
  head.writeInt32BE(49 + packed.length, 8)
  head.writeInt8(2, 16)
  head.writeInt16BE(parts.attributes ?? 0, 21)
  head.writeInt32BE(parts.last ?? Math.max(0, records.length - 1), 23)
  head.writeBigInt64BE(BigInt(parts.firstMs ?? 1000), 27)
  head.writeBigInt64BE(BigInt(parts.maxMs ?? 9000), 35)
  head.writeBigInt64BE(BigInt(parts.producer ?? -1), 43)
  head.writeInt32BE(parts.count ?? records.length, 57)
  return Buffer.concat([head, packed])
}

const unpack: Unpack = async (codec, bytes) => {
  if (codec !== 1) throw new Error(`codec ${codec}`)
  return gunzipSync(bytes)
}
const text = (value: string) => ({ value: Buffer.from(value) })

/** `offset timestamp key value` of each record. */
function told({ chunks }: PartitionRecords): string[] {
  return chunks.flatMap(({ bytes, count, offsets, timestampsMs, ranges }) =>
    Array.from({ length: count }, (_, i) => {
      const part = (n: number) =>
        ranges[4 * i + n + 1]! < 0
          ? 'null'
          : bytes.toString('utf8', ranges[4 * i + n]!, ranges[4 * i + n]! + ranges[4 * i + n + 1]!)
      return `${offsets[i]} ${timestampsMs[i]} ${part(0)} ${part(2)}`
    }),
  )
}
const read = (bytes: Buffer, aborted: readonly { producerId: bigint; firstOffset: number }[] = []) =>
  readBatches(bytes, aborted, unpack)

test('records are found with offsets, timestamps, keys, values and nulls', async () => {
  const far = 2 ** 40
  const found = await read(
    Buffer.concat([
      batch(
        [
          { key: Buffer.from('k'), value: Buffer.from('a'.repeat(200)) },
          { ms: -5, value: null },
        ],
        { base: 7 },
      ),
      batch([{ ms: 3_000_000_000, ...text('') }], { base: far, firstMs: 1_767_258_000_000 }),
    ]),
  )
  assert.deepEqual(told(found), [
    `7 1000 k ${'a'.repeat(200)}`,
    '8 995 null null',
    `${far} ${1_767_258_000_000 + 3_000_000_000} null `,
  ])
  assert.equal(found.next, far + 1)
})

test('a topic stamped by the broker has its time for all records of a batch', async () => {
  assert.deepEqual(told(await read(batch([text('a'), text('b')], { attributes: 8 }))), [
    '0 9000 null a',
    '1 9000 null b',
  ])
})

test('headers are maps, the last of a name counts, their bytes are their own', async () => {
  const { chunks } = await read(batch([text('a'), { ...text('b'), headers: [['h', '1'], ['h', '2'], ['ü', '']] }])) // prettier-ignore
  const [none, some] = chunks[0]!.headers!
  assert.equal(none, undefined)
  assert.deepEqual(some, { h: new Uint8Array([50]), ü: new Uint8Array() })
  assert.equal(some!['h']!.buffer.byteLength, 1)
})

test('packed batches are unpacked, plain ones beside them stay', async () => {
  const packed = batch([text('b'), text('c')], { base: 1, attributes: 1, pack: bytes => gzipSync(bytes) })
  const found = await read(Buffer.concat([batch([text('a')]), packed, batch([text('d')], { base: 3 })]))
  assert.deepEqual(told(found), ['0 1000 null a', '1 1000 null b', '2 1000 null c', '3 1000 null d'])
  assert.equal(found.chunks.length, 3)
})

test('a batch that is cut comes with the next answer, one that was emptied is stepped over', async () => {
  const whole = batch([text('a')], { base: 4 })
  assert.deepEqual(await read(whole.subarray(0, whole.length - 1)), { chunks: [], next: undefined })
  assert.equal((await read(Buffer.concat([whole, whole.subarray(0, 40)]))).next, 5)
  assert.deepEqual(await read(batch([], { base: 10, last: 4 })), { chunks: [], next: 15 })
})

test('what a transaction took back is left out up to its marker, what it committed is not', async () => {
  const marker = (type: number, producer: number, base: number) =>
    batch([{ key: Buffer.from([0, 0, 0, type]) }], { attributes: 0x30, producer, base })
  const inside = (value: string, producer: number, base: number) =>
    batch([text(value)], { attributes: 0x10, producer, base })
  const log = Buffer.concat([
    inside('gone', 1, 0),
    inside('kept', 2, 1),
    marker(0, 1, 2),
    marker(1, 2, 3),
    inside('again', 1, 4),
    batch([text('plain')], { base: 5 }),
  ])
  const found = await read(log, [{ producerId: 1n, firstOffset: 0 }])
  assert.deepEqual(told(found), ['1 1000 null kept', '4 1000 null again', '5 1000 null plain'])
})

test('a batch that says more than it holds is refused by its offset', async () => {
  for (const bad of [
    batch([text('a')], { base: 9, count: 1_000_000 }),
    batch([text('a')], { base: 9, count: -1 }),
    batch([text('a')], { base: 9, attributes: 1 }),
    batch([text('a')], { base: 9, attributes: 6 }),
  ])
    await assert.rejects(read(bad), (error: unknown) => {
      assert.ok(error instanceof StreamError)
      assert.match(error.message, /^Cannot read the batch of records at offset 9: /)
      return error.code === 'VALUE_UNDECODABLE'
    })
})

test('any bytes are records or a StreamError', async () => {
  const good = Buffer.concat([
    batch([{ key: Buffer.from('k'), ...text('value'), headers: [['h', 'x']] }, text('b')]),
    batch([text('c')], { base: 2, attributes: 0x10, producer: 3 }),
    batch([text('d'), text('e')], { base: 3, attributes: 1, pack: bytes => gzipSync(bytes) }),
  ])
  const spoilt = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(fc.oneof(spoilt, fc.uint8Array({ maxLength: 200 })), async given => {
      const bytes = given instanceof Uint8Array ? Buffer.from(given) : Buffer.from(good)
      if (!(given instanceof Uint8Array)) for (const [at, byte] of given) bytes[at] = byte
      try {
        for (const chunk of (await read(bytes, [{ producerId: 3n, firstOffset: 0 }])).chunks) {
          assert.equal(chunk.offsets.length, chunk.count)
          for (let i = 0; i < chunk.ranges.length; i += 2)
            assert.ok(chunk.ranges[i]! + Math.max(0, chunk.ranges[i + 1]!) <= chunk.bytes.length)
        }
      } catch (error) {
        assert.ok(error instanceof StreamError, String(error))
      }
    }),
    { numRuns: 400 },
  )
})

test('an answer has the records of each partition, and the first error of one', async () => {
  const records = batch([text('a')])
  const partition = (id: number, error: number, high: number, stable: number, bytes: Buffer) => {
    const head = Buffer.alloc(42)
    head.writeInt32BE(id)
    head.writeInt16BE(error, 4)
    head.writeBigInt64BE(BigInt(high), 6)
    head.writeBigInt64BE(BigInt(stable), 14)
    head.writeInt32BE(-1, 30)
    head.writeInt32BE(-1, 34)
    head.writeInt32BE(bytes.length, 38)
    return Buffer.concat([head, bytes])
  }
  const topic = Buffer.from([0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 116, 0, 0, 0, 2])
  const answer = await decodeAnswer(Buffer.concat([topic, partition(0, 0, 8, 5, records), partition(1, 1, -1, -1, Buffer.alloc(0))])) // prettier-ignore
  assert.equal(answer.errorCode, 1)
  assert.deepEqual(
    answer.partitions.map(each => [each.partition, each.high, told(each)]),
    [
      [0, 5n, ['0 1000 null a']],
      [1, -1n, []],
    ],
  )
})

/** Partition by partition: the timestamps of its records; values name both. */
async function cursors(timestamps: readonly (readonly number[])[], end?: bigint) {
  return Promise.all(
    timestamps.map(async (all, p) => {
      const cursor = cursorAt(p, 0n, BigInt(all.length), end)
      const bytes = batch(all.map((ms, i) => ({ ms, key: Buffer.from('k'), value: Buffer.from(`${p}.${i}`) })))
      store(cursor, { partition: p, high: BigInt(all.length), ...(await read(bytes)) })
      return cursor
    }),
  )
}

function valuesOf(builder: BatchBuilder): string[] {
  const { bytes, count, valueRanges } = builder.build()
  const whole = Buffer.from(bytes)
  return Array.from({ length: count }, (_, i) =>
    whole.toString('latin1', valueRanges[2 * i]!, valueRanges[2 * i]! + valueRanges[2 * i + 1]!),
  )
}

test('history is merged by timestamp, then partition, and stops behind the last record of a partition', async () => {
  const all = await cursors([[1, 2, 5], [1, 3, 3, 9]]) // prettier-ignore
  const batch = new BatchBuilder()
  takeMerged(all, batch, { most: 100, untilHistory: true })
  assert.deepEqual(valuesOf(batch), ['0.0', '1.0', '0.1', '1.1', '1.2', '0.2'])
  assert.deepEqual(
    all.map(({ position }) => position),
    [3n, 3n],
  )
})

test('a run of one partition ends where an earlier one has a record of the same time', async () => {
  const all = await cursors([[2, 9], [1, 2]]) // prettier-ignore
  const batch = new BatchBuilder()
  takeMerged(all, batch, { most: 100, untilHistory: true })
  assert.deepEqual(valuesOf(batch), ['1.0', '0.0', '1.1'])
})

test('a batch ends at its size and goes on from there, up to the end that was asked', async () => {
  const all = await cursors([[1, 2, 3, 4, 5]], 4n)
  const [first, second] = [new BatchBuilder(), new BatchBuilder()]
  takeMerged(all, first, { most: 3, untilHistory: false })
  takeMerged(all, second, { most: 3, untilHistory: false })
  assert.deepEqual([valuesOf(first), valuesOf(second)], [['0.0', '0.1', '0.2'], ['0.3']])
})

test('values of a schema are copied by stretches, text is packed: both are whole', async () => {
  const framed = (i: number) => Buffer.from([0, 0, 0, 0, 1, i])
  for (const valueOf of [framed, (i: number) => Buffer.from(`text ${i}`.repeat(i % 3 === 0 ? 20 : 1))]) {
    const made = [0, 1].map(async p => {
      const cursor = cursorAt(p, 0n, 9n, undefined)
      const records = Array.from({ length: 9 }, (_, i) => ({ ms: i, key: Buffer.from(`k${p}`), value: i === 4 ? null : valueOf(10 * p + i) })) // prettier-ignore
      store(cursor, { partition: p, high: 9n, ...(await read(batch(records))) })
      return cursor
    })
    const all = await Promise.all(made)
    takeMerged(all, new BatchBuilder(), { most: 3, untilHistory: false })
    const builder = new BatchBuilder()
    takeMerged(all, builder, { most: 100, untilHistory: false })
    const { bytes, count, keyRanges, valueRanges, partitions, offsets } = builder.build()
    assert.equal(count, 15)
    for (let i = 0; i < count; i++) {
      const part = (ranges: Int32Array) =>
        ranges[2 * i + 1]! < 0 ? null : Buffer.from(bytes.subarray(ranges[2 * i]!, ranges[2 * i]! + ranges[2 * i + 1]!))
      const [p, offset] = [partitions[i]!, Number(offsets[i])]
      assert.deepEqual([part(keyRanges), part(valueRanges)], [Buffer.from(`k${p}`), offset === 4 ? null : valueOf(10 * p + offset)]) // prettier-ignore
    }
  }
})
