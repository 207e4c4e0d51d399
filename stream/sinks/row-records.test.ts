import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rowRecords } from './row-records.ts'
import type { RowRecordOptions } from './row-records.ts'

const options: RowRecordOptions = {
  mode: 'upsert',
  leavesOut: false,
  key: ['id'],
  hidden: [],
  refuse: error => assert.fail(error.message),
}

/** Values in their order, null for a tombstone. */
function values(changes: readonly (readonly [weight: number, row: object])[]): unknown[] {
  const chunk = {
    rows: changes.map(([, row]) => row),
    weights: Int8Array.from(changes, ([weight]) => weight),
    eventTimesMs: Float64Array.from(changes, (_, i) => i),
  }
  return rowRecords(chunk, options).map(record => record.row ?? null)
}

test('upsert: a row that replaces another leaves no tombstone before it', () => {
  const [old, newer] = [
    { id: 'a', v: 1 },
    { id: 'a', v: 2 },
  ]
  assert.deepEqual(
    values([
      [-1, old],
      [1, newer],
    ]),
    [newer],
  )
})

test('upsert: another key in between changes nothing of that; a row that only goes is a tombstone', () => {
  const changes = [
    [-1, { id: 'a', v: 1 }],
    [-1, { id: 'b', v: 1 }],
    [1, { id: 'a', v: 2 }],
    [-1, { id: 'a', v: 2 }],
  ] as const
  assert.deepEqual(values(changes), [null, { id: 'a', v: 2 }, null])
})
