import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { expiredRows, retentionFor } from './retain.ts'
import type { ChartRow, Retention } from './protocol.ts'

const LINE: Retention = { rows: 10, spanMs: 900, timeField: '$at', thin: { field: 'n', by: ['k'] } }
const row = (index: number, at: number, n: number | null, other: object = {}): ChartRow => ({ $key: `r${index}`, $at: at, n, ...other }) // prettier-ignore
const left = (rows: readonly ChartRow[], retention: Retention = LINE): unknown[] => {
  const gone = new Set(expiredRows(rows, retention).keys)
  return rows.filter(({ $key }) => !gone.has($key)).map(({ $at, n }) => [$at, n])
}

test('up to the count every row stays; beyond it the lowest and highest of each step, and the newest', () => {
  const values = [5, 9, 1, 5, 5, 5, 5, 5, 3, 4]
  const rows = values.map((n, index) => row(index, index * 10, n))
  assert.equal(left(rows).length, 10)
  // 900 ms in steps of 360: however they lie, lowest and highest of each and the newest are ten at most.
  const more = [...rows, row(10, 210, 7), row(11, 220, 6)]
  assert.equal(expiredRows(more, LINE).thinStepMs, 360)
  assert.deepEqual(left(more), [
    [10, 9],
    [20, 1],
    [220, 6],
  ])
})

test('series are thinned apart, open windows stay, gaps go', () => {
  const noise = Array.from({ length: 10 }, (_, index) => row(100 + index, 5, 5, { k: 'a' }))
  const rows = [
    ...noise,
    row(0, 0, 9, { k: 'a' }),
    row(1, 1, 1, { k: 'a' }),
    row(2, 2, 2, { k: 'b' }),
    row(3, 3, null, { k: 'b' }),
    row(4, 4, 2, { k: 'b', $open: true }),
    row(5, 6, 3, { k: 'a' }),
    row(6, 7, 1, { k: 'b' }),
  ]
  assert.deepEqual(left(rows), [
    [0, 9],
    [1, 1],
    [2, 2],
    [4, 2],
    [6, 3],
    [7, 1],
  ])
})

test('whatever comes, the outermost values of the span are there, thinned at once or as they come', () => {
  const at = fc.record({ at: fc.nat(2000), n: fc.integer({ min: -50, max: 50 }), k: fc.constantFrom('a', 'b') })
  fc.assert(
    fc.property(fc.array(at, { minLength: 1, maxLength: 200 }), fc.integer({ min: 1, max: 60 }), (all, cut) => {
      const retention = { ...LINE, rows: 60 }
      const rows = [...all].sort((a, b) => a.at - b.at).map(({ at: ms, n, k }, index) => row(index, ms, n, { k }))
      const newestMs = Number(rows.at(-1)?.['$at'])
      let held: ChartRow[] = []
      for (let from = 0; from < rows.length; from += cut) {
        held = [...held, ...rows.slice(from, from + cut)]
        const gone = new Set(expiredRows(held, retention).keys)
        held = held.filter(({ $key }) => !gone.has($key))
      }
      assert.ok(held.length <= 60)
      for (const k of ['a', 'b']) {
        const values = (of: readonly ChartRow[]): number[] =>
          of.filter(one => one['k'] === k && Number(one['$at']) >= newestMs - 900).map(one => Number(one['n']))
        assert.equal(Math.max(...values(held)), Math.max(...values(rows)))
        assert.equal(Math.min(...values(held)), Math.min(...values(rows)))
      }
    }),
    { numRuns: 100 },
  )
})

test('a line or points over a span are thinned, bars, areas and a count of rows are not', () => {
  const rows = { form: 'rows', by: [], aggregates: [], revisions: false } as const
  const windows = { form: 'window', by: ['k'], aggregates: ['n'], stepMs: 1000, revisions: false } as const
  assert.deepEqual(retentionFor(rows, { mark: 'line', y: 'n', color: 'k', keep: '5m' }).thin, { field: 'n', by: ['k'] })
  assert.deepEqual(retentionFor(windows, {}).thin, { field: 'n', by: ['k'] })
  for (const options of [{ mark: 'bar', keep: '5m' }, { mark: 'area', keep: '5m' }, { keep: 100 }] as const)
    assert.equal(retentionFor(windows, options).thin, undefined)
})

test('a chart keeps as many rows as are asked for, up to ten thousand', () => {
  const rows = { form: 'rows', by: [], aggregates: [], revisions: false } as const
  assert.equal(retentionFor(rows, { keep: 7 }).rows, 7)
  assert.equal(retentionFor(rows, { keep: '10000' }).rows, 10_000)
  assert.equal(retentionFor(rows, { keep: 20_000 }).rows, 10_000)
})
