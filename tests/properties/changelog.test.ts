/**
 * Operators over a changelog: the rows that come out, summed with their weights, are what a loop makes of the rows that are there
 * at the end; on the way no row is taken back that is not there. Whatever the cuts, whatever the restarts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AggregateSpec, PlanNode } from '../../stream/plan.ts'
import { feedNode, places, run, twinEvents } from './pipeline-runs.ts'
import { settings } from './settings.ts'
import type { TwinEvent } from '../reference/watermark.ts'

interface Total {
  readonly key: string
  readonly n: number
  readonly total: number | null
}

const aggregate = (kind: AggregateSpec['kind'], value?: string, more: Partial<AggregateSpec> = {}) => ({
  kind,
  value,
  ...more,
})

/** A row for each key that is replaced with each record: count and sum. */
const totals: PlanNode = grouped(feedNode(2, 0), 'key', [
  { name: 'n', aggregate: aggregate('count') },
  { name: 'total', aggregate: aggregate('sum', 'value') },
])

function grouped(input: PlanNode, by: string, aggregates: { name: string; aggregate: AggregateSpec }[]): PlanNode {
  return { op: 'window', input, options: { by: [{ name: by }], aggregates, latenessMs: 0, emit: 'final' } }
}

/** The rows of `totals` at the end, by a loop. */
function totalsOf(events: readonly TwinEvent[]): Total[] {
  const sums = new Map<string, { n: number; total: number | null }>()
  for (const event of events) {
    if (event.kind !== 'row') continue
    const { key, value } = event as unknown as { key: string; value: number | null }
    const sum = sums.get(key) ?? { n: 0, total: null }
    sums.set(key, { n: sum.n + 1, total: value === null ? sum.total : (sum.total ?? 0) + value })
  }
  return [...sums].map(([key, sum]) => ({ key, ...sum }))
}

/** Rows with their weights summed up; fails when one is taken back that is not there. */
function standing(rows: readonly unknown[], columns: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const { weight, row } of rows as { weight: number; row: Record<string, unknown> }[]) {
    const text = JSON.stringify(columns.map(name => row[name]))
    const count = (counts.get(text) ?? 0) + weight
    assert.ok(count >= 0, `${text} is taken back and was not there`)
    counts.set(text, count)
  }
  return [...counts].flatMap(([text, count]) => new Array<string>(count).fill(text)).sort()
}

const texts = (rows: readonly (readonly unknown[])[]): string[] => rows.map(row => JSON.stringify(row)).sort()

/** Runs the plan; gives what stands at the end in these columns. */
function check(
  plan: PlanNode,
  columns: readonly string[],
  expected: (rows: readonly Total[]) => readonly (readonly unknown[])[],
): void {
  fc.assert(
    fc.property(twinEvents(2), places, places, (events, cuts, restarts) => {
      assert.deepEqual(standing(run(plan, events, cuts, restarts).rows, columns), texts(expected(totalsOf(events))))
    }),
    settings(100),
  )
}

const numbers = (rows: readonly Total[]): number[] => rows.flatMap(({ total }) => (total === null ? [] : [total]))

/** Rows by their count. */
function groups(rows: readonly Total[]): [number, Total[]][] {
  const found = new Map<number, Total[]>()
  for (const row of rows) found.set(row.n, [...(found.get(row.n) ?? []), row])
  return [...found]
}

test('aggregates over a changelog forget what was taken back: count, sum, min, max, values', () => {
  const plan = grouped(totals, 'n', [
    { name: 'keys', aggregate: aggregate('count') },
    { name: 'sum', aggregate: aggregate('sum', 'total') },
    { name: 'low', aggregate: aggregate('min', 'total') },
    { name: 'high', aggregate: aggregate('max', 'total') },
    { name: 'values', aggregate: aggregate('countDistinct', 'total') },
  ])
  check(plan, ['n', 'keys', 'sum', 'low', 'high', 'values'], rows =>
    groups(rows).map(([n, of]) => {
      const all = numbers(of)
      const none = all.length === 0
      return [n, of.length, none ? null : all.reduce((a, b) => a + b, 0), none ? null : Math.min(...all), none ? null : Math.max(...all), new Set(all).size] // prettier-ignore
    }),
  )
})

test('the top two of a changelog are those of the rows that are there', () => {
  const plan = grouped(totals, 'n', [{ name: 'top', aggregate: aggregate('topK', 'total', { k: 2, tie: 'key' }) }])
  const named: PlanNode = { op: 'map', input: plan, f: ((row: { n: number; top: Total[] }) => ({ n: row.n, keys: row.top.map(each => each.key).join() })) as never } // prettier-ignore
  check(named, ['n', 'keys'], rows =>
    groups(rows).map(([n, of]) => {
      const ranked = of
        .filter(row => row.total !== null)
        .sort((a, b) => b.total! - a.total! || (a.key < b.key ? -1 : 1))
      return [n, ranked.slice(0, 2).map(row => row.key).join()] // prettier-ignore
    }),
  )
})

test('distinct over a changelog has each value that a row has, once', () => {
  const distinct: PlanNode = { op: 'distinct', input: totals, by: ['n'] }
  check(distinct, ['n'], rows => [...new Set(rows.map(row => row.n))].map(n => [n]))
  // Of the whole row: each is there once already.
  const plain: PlanNode = { op: 'map', input: totals, f: (({ n, total }: Total) => ({ total, n })) as never }
  check({ op: 'distinct', input: plain, by: [] }, ['n', 'total'], rows =>
    [...new Set(rows.map(row => JSON.stringify([row.n, row.total])))].map(text => JSON.parse(text) as unknown[]),
  )
})

test('distinct of rows that stay keeps the first of each value', () => {
  fc.assert(
    fc.property(twinEvents(2), places, places, (events, cuts, restarts) => {
      const plan: PlanNode = { op: 'distinct', input: feedNode(2, 0), by: ['key'] }
      const first = new Map<unknown, unknown>()
      for (const event of events)
        if (event.kind === 'row' && !first.has((event as never)['key'])) first.set((event as never)['key'], event)
      assert.deepEqual(run(plan, events, cuts, restarts).rows, [...first.values()].map(row => ({ weight: 1, row }))) // prettier-ignore
    }),
    settings(100),
  )
})

test('distinct tells nothing of rows that did not come out, and puts the next in the place of one that did', () => {
  const row = (key: string): TwinEvent => ({ kind: 'row', partition: 0, t: 0, key, value: 1 })
  const plan: PlanNode = { op: 'distinct', input: totals, by: ['n'] }
  const given = (...keys: string[]) =>
    (run(plan, keys.map(row), new Set()).rows as { weight: number; row: Total }[]).map(({ weight, row: { key, n } }) => [weight, key, n]) // prettier-ignore
  // b's row of n = 1 never came out: nothing is taken back when b has two.
  assert.deepEqual(given('a', 'b', 'b'), [[1, 'a', 1], [1, 'b', 2]]) // prettier-ignore
  // a's did, and b's is there still.
  assert.deepEqual(given('a', 'b', 'a'), [[1, 'a', 1], [-1, 'a', 1], [1, 'b', 1], [1, 'a', 2]]) // prettier-ignore
})

test('steps over a changelog take back what they gave', () => {
  const filtered: PlanNode = { op: 'filter', input: totals, f: ((row: Total) => row.n % 2 === 0) as never }
  const doubled: PlanNode = {
    op: 'flatMap',
    input: filtered,
    f: ((row: Total) => [row, { ...row, key: `${row.key}'` }]) as never,
  }
  check(doubled, ['key', 'n'], rows => rows.filter(row => row.n % 2 === 0).flatMap(row => [[row.key, row.n], [`${row.key}'`, row.n]])) // prettier-ignore
})

test('a union of changelogs takes back what each side gave, and an aggregate over it forgets both', () => {
  const even: PlanNode = { op: 'filter', input: totals, f: ((row: Total) => row.n % 2 === 0) as never }
  const small: PlanNode = { op: 'filter', input: totals, f: ((row: Total) => row.n < 4) as never }
  const union: PlanNode = { op: 'union', left: even, right: small }
  const both = (rows: readonly Total[]) => [...rows.filter(row => row.n % 2 === 0), ...rows.filter(row => row.n < 4)]
  check(union, ['key', 'n', 'total'], rows => both(rows).map(({ key, n, total }) => [key, n, total]))
  const plan = grouped(union, 'n', [{ name: 'rows', aggregate: aggregate('count') }])
  check(plan, ['n', 'rows'], rows => groups(both(rows)).map(([n, of]) => [n, of.length]))
})
