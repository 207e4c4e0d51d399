/** Over windows equal their naive twin, whatever the cuts, whatever the restarts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PlanNode, WindowSpec } from '../../stream/plan.ts'
import { over } from '../reference/over.ts'
import { feedNode, places, run, twinEvents } from './pipeline-runs.ts'
import { settings } from './settings.ts'

function plan(bound: number | undefined, window: WindowSpec): PlanNode {
  return {
    op: 'window',
    input: feedNode(2, bound),
    options: {
      window,
      by: [{ name: 'key' }],
      aggregates: [
        { name: 'n', aggregate: { kind: 'count' } },
        { name: 'total', aggregate: { kind: 'sum', value: 'value' } },
        { name: 'low', aggregate: { kind: 'min', value: 'value' } },
        { name: 'first', aggregate: { kind: 'first', value: 'value' } },
        { name: 'all', aggregate: { kind: 'collect', value: 'value' } },
      ],
      latenessMs: 0,
      emit: 'final',
    },
  }
}

const bounds = fc.option(fc.constantFrom(0, 1, 5, 13), { nil: undefined })
const ranges = fc.constantFrom<{ size: number } | { rowCount: number }>(
  { size: 1 },
  { size: 7 },
  { size: 30 },
  { rowCount: 1 },
  { rowCount: 3 },
  { rowCount: 8 },
)

test('over windows equal their naive twin', () => {
  fc.assert(
    fc.property(twinEvents(2), bounds, ranges, places, places, (events, bound, range, cuts, restarts) => {
      const expected = over(events, 2, bound, range)
      const window: WindowSpec =
        'size' in range ? { kind: 'over', sizeMs: range.size } : { kind: 'over', rowCount: range.rowCount }
      const got = run(plan(bound, window), events, cuts, restarts)
      assert.deepEqual(
        got.rows.map(r => (r as { row: unknown }).row),
        expected.rows.map(({ record, ...aggregates }) => ({ ...record, ...aggregates, kind: 'onTime', revision: 0 })),
      )
      assert.equal(got.stats.droppedCount, expected.late.length)
    }),
    settings(),
  )
})
