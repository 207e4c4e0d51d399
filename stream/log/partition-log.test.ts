import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PartitionLog, segmentRecordCount } from './partition-log.ts'

function filled(count: number, timestampOf: (offset: number) => number): PartitionLog {
  const log = new PartitionLog(1 << 30)
  for (let i = 0; i < count; i++) log.append(null, new Uint8Array([i & 255]), undefined, timestampOf(i), i)
  return log
}

test('an instant finds the record that has exactly this timestamp, first, middle and last of a segment', () => {
  const log = filled(2 * segmentRecordCount + 10, i => 1000 + 10 * i)
  for (const offset of [
    0,
    1,
    2000,
    segmentRecordCount - 1,
    segmentRecordCount,
    segmentRecordCount + 7,
    2 * segmentRecordCount + 9,
  ]) {
    assert.equal(log.offsetAtTime(1000 + 10 * offset), offset)
    assert.equal(log.offsetAtTime(1000 + 10 * offset - 1), offset)
    assert.equal(log.offsetAtTime(1000 + 10 * offset + 1), offset + 1)
  }
})

test('an instant finds the first record at or after it when times are out of order', () => {
  const log = filled(5, i => [10, 30, 20, 30, 40][i]!)
  assert.equal(log.offsetAtTime(20), 1)
  assert.equal(log.offsetAtTime(30), 1)
  assert.equal(log.offsetAtTime(31), 4)
  assert.equal(log.offsetAtTime(41), 5)
  assert.equal(log.offsetAtTime(-Infinity), 0)
})

test('segments follow one another without gap, and an offset finds its own', () => {
  const log = filled(3 * segmentRecordCount, i => i)
  assert.deepEqual(
    log.segments.map(segment => [segment.baseOffset, segment.count]),
    [
      [0, 4096],
      [4096, 4096],
      [8192, 4096],
    ],
  )
  for (const offset of [0, 4095, 4096, 8191, 8192, 12287]) {
    const segment = log.segmentOf(offset)!
    assert.equal(segment.timestampsMs[offset - segment.baseOffset], offset)
  }
  assert.equal(log.segmentOf(12288), undefined)
  assert.equal(log.segmentOf(-1), undefined)
})

test('a segment of few large records is sealed by its bytes', () => {
  const log = new PartitionLog(1 << 30)
  for (let i = 0; i < 5; i++) log.append(null, new Uint8Array(600_000), undefined, i, i)
  assert.deepEqual(
    log.segments.map(segment => segment.count),
    [2, 2, 1],
  )
  assert.equal(log.byteCount, 3_000_000)
})
