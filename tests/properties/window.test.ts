/** Laws of windows on random input: equal to the naive twin, whatever the cuts, whatever the restarts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PlanNode, WindowOptions } from '../../stream/plan.ts'
import { sessions } from '../reference/session.ts'
import { windows } from '../reference/window.ts'
import { feedNode, places, run, twinEvents } from './pipeline-runs.ts'
import { settings } from './settings.ts'

const shapes = fc.constantFrom<[number, number]>([10, 10], [1, 1], [20, 10], [7, 3], [10, 4], [3, 7])
const bounds = fc.option(fc.constantFrom(0, 1, 5, 13), { nil: undefined })
const latenesses = fc.constantFrom(0, 1, 5, 30)

function plan(size: number, slide: number, bound: number | undefined, options: Partial<WindowOptions>): PlanNode {
  return {
    op: 'window',
    input: feedNode(2, bound),
    options: {
      window:
        size === slide
          ? { kind: 'tumbling', sizeMs: size, offsetMs: 0 }
          : { kind: 'hopping', sizeMs: size, slideMs: slide, offsetMs: 0 },
      by: [{ name: 'key' }],
      aggregates: [
        { name: 'n', aggregate: { kind: 'count' } },
        { name: 'total', aggregate: { kind: 'sum', value: 'value' } },
        { name: 'low', aggregate: { kind: 'min', value: 'value' } },
        { name: 'high', aggregate: { kind: 'max', value: 'value' } },
      ],
      latenessMs: 0,
      emit: 'final',
      ...options,
    },
  }
}

test('windows equal their naive twin', () => {
  fc.assert(
    fc.property(twinEvents(2), shapes, bounds, latenesses, places, (events, [size, slide], bound, lateness, cuts) => {
      const expected = windows(events, 2, bound, { size, slide, lateness })
      const got = run(plan(size, slide, bound, { latenessMs: lateness }), events, cuts)
      const added = got.rows.filter(r => (r as { weight: number }).weight === 1).map(r => (r as { row: unknown }).row)
      assert.deepEqual(added, expected.rows)
      assert.deepEqual(
        got.late.map(r => events.indexOf((r as { row: never }).row)),
        expected.late,
      )
      assert.equal(got.stats.droppedCount, expected.late.length)
    }),
    settings(),
  )
})

test('sessions equal their naive twin', () => {
  const gaps = fc.constantFrom(1, 3, 10)
  fc.assert(
    fc.property(
      twinEvents(2),
      gaps,
      bounds,
      latenesses,
      places,
      places,
      (events, gapMs, bound, lateness, cuts, restarts) => {
        const expected = sessions(events, 2, bound, gapMs, lateness)
        const node = plan(10, 10, bound, {
          window: { kind: 'session', gapMs },
          latenessMs: lateness,
          aggregates: [
            { name: 'n', aggregate: { kind: 'count' } },
            { name: 'total', aggregate: { kind: 'sum', value: 'value' } },
          ],
        })
        const got = run(node, events, cuts, restarts)
        const added = got.rows.filter(r => (r as { weight: number }).weight === 1).map(r => (r as { row: unknown }).row)
        assert.deepEqual(added, expected.rows)
        assert.equal(got.stats.droppedCount, expected.late.length)
      },
    ),
    settings(),
  )
})

const emits = fc.constantFrom<WindowOptions['emit']>('final', 'changes', { everyMs: 4 }, { everyMs: 10 })
/** What may stand around the window: rows that are filtered away still move the watermark. */
const around = fc.constantFrom<(window: (input: PlanNode) => PlanNode, source: PlanNode) => PlanNode>(
  (window, source) => reshaped(window(source), { kind: 'session', gapMs: 4 }),
  (window, source) => reshaped(window(source), { kind: 'counting', size: 3, slide: 2 }),
  (window, source) => reshaped(window(source), { kind: 'cumulating', maxSizeMs: 20, stepMs: 5, offsetMs: 3 }),
  (window, source) => reshaped(window(source), undefined),
  (window, source) => reshaped(window(source), { kind: 'over', sizeMs: 9 }),
  (window, source) => boxed(window(source)),
  (window, source) => boxed(reshaped(window(source), { kind: 'session', gapMs: 4 })),
  (window, source) => boxed(reshaped(window(window(source)), undefined)),
  (window, source) => window(source),
  (window, source) =>
    window({ op: 'filter', input: source, f: (row: { value: number | null }) => (row.value ?? 0) > 0 }),
  (window, source) =>
    window({
      op: 'flatMap',
      input: source,
      f: (row: { value: number | null }) => (row.value === null ? [] : [row, row]),
    }),
  (window, source) => ({ op: 'late', input: window(source) }),
  (window, source) => ({ op: 'late', input: secondLevel(window(source)) }),
  (window, source) => ({ op: 'errors', input: failing(secondLevel(failing(window(failing(source))))) }),
  (window, source) => ({ op: 'changes', input: window(source) }),
  (window, source) => secondLevel(window(source)),
)

/** Some rows cannot be computed. */
function failing(input: PlanNode): PlanNode {
  const f = (row: { readonly t?: number; readonly windowEnd?: number }) => {
    if ((row.t ?? row.windowEnd ?? 1) % 3 === 0) throw new RangeError('divisible by three')
    return row
  }
  return { op: 'map', input, f }
}

/** The same aggregation over other windows. */
function reshaped(node: PlanNode, window: WindowOptions['window']): PlanNode {
  return node.op === 'window' ? { ...node, options: { ...node.options, window } } : node
}

/** The same windows with aggregates that are more than numbers. */
function boxed(node: PlanNode): PlanNode {
  if (node.op !== 'window') return node
  const value = node.input.op === 'window' ? 'n' : 'value'
  const aggregates: WindowOptions['aggregates'] = [
    { name: 'first', aggregate: { kind: 'first', value } },
    { name: 'last', aggregate: { kind: 'last', value } },
    { name: 'distinct', aggregate: { kind: 'countDistinct', value } },
    { name: 'all', aggregate: { kind: 'collect', value } },
    { name: 'mid', aggregate: { kind: 'quantile', value, q: 0.5 } },
    { name: 'bins', aggregate: { kind: 'histogram', value, bins: 3 } },
    { name: 'sd', aggregate: { kind: 'stddev', value } },
    { name: 'top', aggregate: { kind: 'topK', value, k: 2 } },
  ]
  return { ...node, options: { ...node.options, aggregates } }
}

/** A window over the rows of a window; min and max cannot take rows back, so it sums. */
function secondLevel(input: PlanNode): PlanNode {
  const options: WindowOptions = {
    window: { kind: 'tumbling', sizeMs: 20, offsetMs: 0 },
    by: [],
    aggregates: [{ name: 'sum', aggregate: { kind: 'sum', value: 'n' } }],
    latenessMs: 5,
    emit: { everyMs: 5 },
  }
  return { op: 'window', input, options }
}

/** The kept records of several levels have no common order; the streams of them do. */
function multiset(refused: readonly unknown[]): string[] {
  return refused.map(r => JSON.stringify(r, (_name, v: unknown) => (typeof v === 'bigint' ? String(v) : v))).sort()
}

test('batch cuts and restarts from snapshots change nothing', () => {
  fc.assert(
    fc.property(
      twinEvents(2),
      shapes,
      bounds,
      latenesses,
      emits,
      around,
      places,
      places,
      (events, [size, slide], bound, latenessMs, emit, build, cuts, restarts) => {
        const node = build(
          input => ({ ...plan(size, slide, bound, { latenessMs, emit }), input }) as PlanNode,
          feedNode(2, bound),
        )
        const whole = run(node, events, new Set())
        const cut = run(node, events, cuts)
        const restarted = run(node, events, cuts, restarts)
        assert.deepEqual(cut.rows, whole.rows)
        assert.deepEqual(multiset(cut.late), multiset(whole.late))
        assert.deepEqual(restarted.rows, whole.rows)
        assert.deepEqual(multiset(restarted.late), multiset(whole.late))
        const counts = ({
          lateCount,
          droppedCount,
          errorCount,
          rowCount,
          recordCount,
          watermarkMs,
        }: typeof whole.stats) => ({ lateCount, droppedCount, errorCount, rowCount, recordCount, watermarkMs })
        assert.deepEqual(counts(cut.stats), counts(whole.stats))
        assert.deepEqual(counts(restarted.stats), counts(whole.stats))
      },
    ),
    settings(),
  )
})

test('order within the bound changes nothing', () => {
  const rows = fc.array(
    fc.record({
      t: fc.nat({ max: 40 }),
      jitter: fc.nat({ max: 6 }),
      key: fc.constantFrom('a', 'b'),
      value: fc.integer({ min: -9, max: 9 }),
    }),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(rows, list => {
      const event = ({ t, key, value }: (typeof list)[number]) => ({
        kind: 'row' as const,
        partition: 0,
        t,
        key,
        value,
      })
      // Each record is held back by less than the bound: arrival in the order of t + jitter.
      const sorted = list.toSorted((a, b) => a.t - b.t)
      const disordered = list.toSorted((a, b) => a.t + a.jitter - (b.t + b.jitter))
      const node = { ...plan(10, 10, 6, {}), input: feedNode(1, 6) } as PlanNode
      const first = run(node, sorted.map(event), new Set())
      const second = run(node, disordered.map(event), new Set())
      assert.deepEqual(second.rows, first.rows)
      assert.equal(second.stats.droppedCount, 0)
    }),
    settings(),
  )
})

test('the sum of changes is what final windows give', () => {
  fc.assert(
    fc.property(twinEvents(2), shapes, latenesses, emits, (events, [size, slide], latenessMs, emit) => {
      const key = (row: Readonly<Record<string, unknown>>) =>
        JSON.stringify([
          row['key'],
          row['windowStart'],
          row['windowEnd'],
          row['n'],
          row['total'],
          row['low'],
          row['high'],
        ])
      const summed = new Map<string, number>()
      for (const r of run(plan(size, slide, 5, { latenessMs, emit }), events, new Set()).rows) {
        const { weight, row } = r as { weight: number; row: Record<string, unknown> }
        const left = (summed.get(key(row)) ?? 0) + weight
        if (left === 0) summed.delete(key(row))
        else summed.set(key(row), left)
      }
      const newest = new Map<string, string>()
      for (const row of windows(events, 2, 5, { size, slide, lateness: latenessMs }).rows) {
        newest.set(`${row.key} ${row.windowStart}`, key(row as unknown as Record<string, unknown>))
      }
      assert.deepEqual([...summed.keys()].sort(), [...newest.values()].sort())
      assert.ok([...summed.values()].every(weight => weight === 1))
    }),
    settings(),
  )
})
