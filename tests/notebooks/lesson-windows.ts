/** What lesson 01's window chart must hold of its history, counted by the reference. */
import assert from 'node:assert/strict'
import type { ChartRow } from '../../stream/charts/protocol.ts'
import { tumblingCounts, type DumpedRecord } from './reference-windows.ts'

/** Windows that end half a minute before the end of the history have closed within it, whatever arrives live. */
export const settledMs = Date.UTC(2026, 0, 1, 9, 9, 30)

/** Compares the closed windows among `rows` (all that were ever shown) with those a plain program counts in `dump`; gives how many records that one drops. */
export function assertLessonWindows(rows: Iterable<ChartRow>, dump: readonly DumpedRecord[]): number {
  const expected = tumblingCounts(dump, {
    time: 'orderedAt',
    by: 'region',
    sizeMs: 10_000,
    outOfOrderMs: 5_000,
    partitions: 3,
  })
  const wanted = expected.windows
    .filter(w => w.windowEnd <= settledMs)
    .map(w => `${w.key} ${w.windowStart} ${w.windowEnd} ${w.count}`)
  const drawn = [...rows]
    .filter(row => Number(row['windowEnd']) <= settledMs)
    .map(row => `${row['region']} ${row['windowStart']} ${row['windowEnd']} ${row['count']}`)
  assert.equal(wanted.length, 57 * 4)
  assert.deepEqual(drawn.sort(), wanted.sort())
  return expected.droppedCount
}
