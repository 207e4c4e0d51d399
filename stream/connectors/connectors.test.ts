import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { VirtualClock } from '../time/clock.ts'
import { packEnvelopes } from './connector.ts'
import { lz4, snappy, zstd } from './kafka-codecs.ts'
import { nearestNames } from './nearest-names.ts'
import { murmur2, partitionOfKey } from './partitioner.ts'
import { lastPerPartition, parseReadBound } from './read-bound.ts'
import { openConnection } from './registry.ts'

const load = createRequire(import.meta.url)
const now = Date.UTC(2026, 0, 31)

test('every form of a bound is read', () => {
  assert.deepEqual(parseReadBound('earliest', now), { kind: 'earliest' })
  assert.deepEqual(parseReadBound(' latest ', now), { kind: 'latest' })
  assert.deepEqual(parseReadBound('-10000', now), { kind: 'last', count: 10000 })
  assert.deepEqual(parseReadBound('10m', now), { kind: 'instant', instantMs: now - 600_000 })
  assert.deepEqual(parseReadBound('1.5h', now), { kind: 'instant', instantMs: now - 5_400_000 })
  assert.deepEqual(parseReadBound('2026-01-31T00:00Z', now), { kind: 'instant', instantMs: now })
  assert.deepEqual(parseReadBound('2026-01-31T01:00:00+01:00', now), { kind: 'instant', instantMs: now })
  assert.deepEqual(parseReadBound('offset=2:9007199254740993', now), {
    kind: 'offset',
    partition: 2,
    offset: 9007199254740993n,
  })
})

test('what is no bound is refused with the forms there are', () => {
  for (const wrong of ['', 'first', '10', '10x', '-', 'offset=1', 'offset=a:1', '2026-01-31', '2026-13-01T00:00Z']) {
    assert.throws(() => parseReadBound(wrong, now), { code: 'POSITION_INVALID' }, wrong)
  }
  assert.throws(() => parseReadBound('2026-01-31T00:00', now), { hint: '--from 2026-01-31T00:00Z' })
})

test('-N is shared by the partitions, rounded up', () => {
  assert.deepEqual(
    [
      [10, 3],
      [9, 3],
      [1, 3],
      [0, 3],
      [5, 1],
    ].map(([count, partitions]) => lastPerPartition(count!, partitions!)),
    [4, 3, 1, 0, 5],
  )
})

// Values of org.apache.kafka.common.utils.UtilsTest.testMurmur2.
for (const [key, hash] of [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
] as const) {
  test(`murmur2 of "${key}" is Java's`, () => {
    assert.equal(murmur2(Buffer.from(key)), hash)
    assert.equal(partitionOfKey(Buffer.from(key), 10), (hash & 0x7fffffff) % 10)
  })
}

test('nearest names are those a typing slip away', () => {
  assert.deepEqual(nearestNames('ordres', ['orders', 'payments', 'order']), ['order', 'orders'])
  assert.deepEqual(nearestNames('ord', ['orders', 'payments']), ['orders'])
  assert.deepEqual(nearestNames('zzz', ['orders', 'payments']), [])
})

test('a URL without a known scheme is refused with the next thing to type', async () => {
  const options = { as: 'x', clock: new VirtualClock() }
  await assert.rejects(openConnection('localhost:9092', options), {
    code: 'OPTION_INVALID',
    hint: '%connect kafka://localhost:9092',
  })
  await assert.rejects(openConnection('kakfa://h:1', options), {
    message: 'Cannot connect to "kakfa://h:1": it begins with none of embedded, kafka://, file:',
  })
  await assert.rejects(
    openConnection('http://me:secret@h', options),
    (error: Error) => !error.message.includes('secret'),
  )
  const connection = await openConnection('embedded', options)
  assert.equal(connection.name, 'x')
  await connection.close()
})

test('packing keeps every record, null and header', () => {
  const batch = packEnvelopes([
    { partition: 1, offset: 5n, timestampMs: 7, key: null, value: new Uint8Array([1, 2]) },
    {
      partition: 0,
      offset: 6n,
      timestampMs: 8,
      key: new Uint8Array([3]),
      value: null,
      headers: { h: new Uint8Array([4]) },
    },
  ])
  assert.equal(batch.count, 2)
  assert.deepEqual([...batch.bytes], [1, 2, 3])
  assert.deepEqual([...batch.keyRanges], [0, -1, 2, 1])
  assert.deepEqual([...batch.valueRanges], [0, 2, 3, -1])
  assert.deepEqual(batch.headers, [undefined, { h: new Uint8Array([4]) }])
})

const sample = Buffer.from('{"orderId":"o-000001","region":"east"}'.repeat(2000))

test('snappy is read raw and in Java frames', () => {
  const { compress } = load('snappyjs') as { compress(bytes: Uint8Array): Uint8Array }
  assert.deepEqual(snappy(Buffer.from(compress(sample))), sample)
  const head = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  const blocks = [sample.subarray(0, 32768), sample.subarray(32768)].flatMap(block => {
    const packed = Buffer.from(compress(block))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(packed.length)
    return [length, packed]
  })
  assert.deepEqual(snappy(Buffer.concat([head, ...blocks])), sample)
})

test('lz4 frames are read', () => {
  const { compress } = load('lz4js') as { compress(bytes: Uint8Array): Uint8Array }
  assert.deepEqual(lz4(Buffer.from(compress(sample))), sample)
})

test('zstd is read, also when the content is larger than the first guess', async () => {
  const { init, compress } = load('@bokuweb/zstd-wasm') as {
    init(): Promise<void>
    compress(bytes: Uint8Array, level: number): Uint8Array
  }
  await init()
  assert.deepEqual(await zstd(Buffer.from(compress(sample, 3))), sample)
  // A frame as Java streams it: no content size (descriptor 0, window byte), one raw block, the last.
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x29, 0x00, 0x00, 1, 2, 3, 4, 5])
  assert.deepEqual(await zstd(frame), Buffer.from([1, 2, 3, 4, 5]))
})

test('garbage in place of a compressed batch is an error, not a hang', async () => {
  assert.throws(() => snappy(gzipSync(sample)))
  assert.throws(() => lz4(Buffer.from([1, 2, 3, 4, 5, 6, 7, 8])))
  await assert.rejects(zstd(Buffer.from([1, 2, 3, 4])))
})
