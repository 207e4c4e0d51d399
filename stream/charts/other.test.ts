import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChartHub } from './hub.ts'
import { ChartModel } from './model.ts'
import { ChartTap } from './tap.ts'
import { LIVE_MIME } from './protocol.ts'
import { OtherSeries } from './other.ts'
import { SAMPLE_STATS } from './sample-stats.ts'
import { VEGALITE_MIME } from './fallback.ts'
import { VirtualClock } from '../time/clock.ts'
import type { ChartConcept } from './concept.ts'
import type { ChartOptions, ChartRow, LiveBundle } from './protocol.ts'

/** Series 's00' to 's24' with the values given; those beyond the largest twenty are "other". */
const row = (series: number, n: number, start = 0, open = false): ChartRow => ({
  k: `s${String(series).padStart(2, '0')}`,
  windowStart: start,
  windowEnd: start + 10,
  n,
  $key: `${series} ${start}`,
  ...(open ? { $open: true } : {}),
})
const rows = (values: readonly number[], start = 0): ChartRow[] => values.map((n, series) => row(series, n, start))
/** 100, 99 … 81 */
const TWENTY = Array.from({ length: 20 }, (_, i) => 100 - i)
const OPTIONS = { by: ['k'], y: 'n', stacked: true, spanMs: 100 }

test('of 23 stacked series the largest twenty stay and the others are one with their sum', () => {
  const other = new OtherSeries(OPTIONS)
  const delta = other.apply({ upsert: rows([3, 4, 5, ...TWENTY]), remove: [] })
  assert.equal(delta.upsert.length, 21)
  assert.deepEqual(delta.upsert.at(-1), {
    k: 'other',
    windowStart: 0,
    windowEnd: 10,
    n: 12,
    $key: 'other 0 10',
    $other: 'sum',
  })
  assert.deepEqual(delta.upsert[0]?.['k'], 's03')
  assert.deepEqual([other.summary.count, other.summary.rowCount, other.summary.series.at(-1)], [3, 3, 'other'])
})

test('of lines the others are the lowest and the highest of each window', () => {
  const other = new OtherSeries({ ...OPTIONS, stacked: false })
  const { upsert } = other.apply({ upsert: rows([...TWENTY, 5, 3, 4]), remove: [] })
  assert.deepEqual(
    upsert.slice(20).map(({ k, n, $other }) => [k, n, $other]),
    [
      ['other', 3, 'lowest'],
      ['other', 5, 'highest'],
    ],
  )
})

test('a series keeps its colour until another is half as large again, which takes its place', () => {
  const other = new OtherSeries(OPTIONS)
  other.apply({ upsert: rows([...TWENTY, 1]), remove: [] })
  const before = other.series
  assert.deepEqual(
    other.apply({ upsert: [row(20, 121)], remove: [] }).upsert.map(({ n }) => n),
    [121],
  )
  assert.deepEqual(other.series, before)
  other.apply({ upsert: [row(20, 122)], remove: [] })
  assert.deepEqual(other.series, [...before.slice(0, 19), 's20', 'other'])
  // Rows that were there move too: s19 is "other" now.
  const model = new ChartModel({ rows: 100 })
  const again = new OtherSeries(OPTIONS)
  model.apply(again.apply({ upsert: rows([...TWENTY, 1]), remove: [] }))
  model.apply(again.apply({ upsert: [row(20, 122)], remove: [] }))
  assert.deepEqual(
    shown(model.rows()).filter(text => /other|s19|s20/.test(text)),
    ['other 81', 's20 122'],
  )
})

test('values of open windows give nobody a colour', () => {
  const other = new OtherSeries(OPTIONS)
  other.apply({ upsert: rows([...TWENTY, 1]), remove: [] })
  other.apply({ upsert: [row(20, 500, 10, true)], remove: [] })
  assert.equal(other.series.includes('s20'), false)
})

test('a row that is taken back leaves the sum, the last one ends it', () => {
  const other = new OtherSeries(OPTIONS)
  other.apply({ upsert: rows([...TWENTY, 3, 4]), remove: [] })
  assert.equal(other.apply({ upsert: [], remove: ['20 0'] }).upsert[0]?.['n'], 4)
  assert.deepEqual(other.apply({ upsert: [], remove: ['21 0'] }), { upsert: [], remove: ['21 0', 'other 0 10'] })
})

test('a series that is called other is not mixed with the rest', () => {
  const other = new OtherSeries(OPTIONS)
  other.apply({ upsert: [{ ...row(99, 1000), k: 'other' }, ...rows([...TWENTY, 3])], remove: [] })
  assert.equal(other.series.at(-1), 'other series')
  assert.equal(other.series.includes('other'), true)
})

test('the height of every stack is that of all rows, whatever comes, goes and is restored', () => {
  const change = fc.record({
    series: fc.nat(25),
    window: fc.nat(4),
    n: fc.integer({ min: -50, max: 1000 }),
    kind: fc.constantFrom('add', 'open', 'remove'),
  })
  const runs = fc.array(fc.array(change, { maxLength: 40 }), { maxLength: 12 })
  fc.assert(
    fc.property(runs, fc.nat(12), (deltas, restoredAt) => {
      let other = new OtherSeries(OPTIONS)
      const model = new ChartModel({ rows: 1000 })
      const all = new Map<string, ChartRow>()
      deltas.forEach((changes, index) => {
        const upsert = new Map<string, ChartRow>()
        const remove = new Set<string>()
        for (const { series, window, n, kind } of changes) {
          const one = row(series, n, window * 10, kind === 'open')
          upsert.delete(one.$key)
          if (kind === 'remove') remove.add(one.$key)
          else upsert.set(one.$key, one)
        }
        for (const key of remove) all.delete(key)
        for (const [key, one] of upsert) all.set(key, one)
        model.apply(other.apply({ upsert: [...upsert.values()], remove: [...remove] }))
        if (index === restoredAt) {
          const restored = new OtherSeries(OPTIONS)
          restored.restore(structuredClone(other.snapshot()))
          other = restored
        }
        assert.deepEqual(heights(model.rows()), heights([...all.values()]))
        const names = new Set(model.rows().map(one => one['k']))
        assert.ok(names.size <= 21, [...names].join())
        assert.equal(
          model.rows().every(one => other.series.includes(one['k'] as string)),
          true,
        )
      })
    }),
    { numRuns: 60 },
  )
})

function heights(held: readonly ChartRow[]): unknown {
  const sums: Record<string, number> = {}
  for (const { windowEnd, n } of held) sums[String(windowEnd)] = (sums[String(windowEnd)] ?? 0) + Number(n)
  return sums
}

function shown(held: readonly ChartRow[]): string[] {
  return held.map(({ k, n }) => `${String(k)} ${String(n)}`).sort()
}

const CONCEPT: ChartConcept = { form: 'window', by: ['k'], aggregates: ['n'], stepMs: 10, revisions: false }

function chartOf(options: ChartOptions, count: number): Record<string, unknown> {
  const hub = new ChartHub({
    clock: new VirtualClock(),
    instance: 'i',
    control: () => undefined,
    setParam: () => undefined,
    send: () => undefined,
  })
  const { chartId, tap: options_ } = hub.register({ stream: 's', concept: CONCEPT, options })
  const tap = new ChartTap(options_)
  const results = Array.from({ length: count }, (_, series) => ({ ...row(series, 1000 - series), $key: undefined }))
  tap.onBatch({
    count,
    rows: results,
    eventTimesMs: new Float64Array(count),
    beforeMs: new Float64Array(count),
    watermarkMs: 0,
  })
  hub.apply(chartId, tap.collect([]), SAMPLE_STATS, [])
  return hub.bundle(chartId) as unknown as Record<string, unknown>
}

test('a chart of fifty keys names "other" last, paints it grey and says how many it is', () => {
  const bundle = chartOf({ mark: 'bar' }, 50)
  const { last, spec } = bundle[LIVE_MIME] as LiveBundle
  assert.equal(last.status.notice, '30 more series as other')
  assert.equal(last.rows.length, 21)
  // 980 + 979 + … + 951
  assert.equal(last.rows.at(-1)?.['n'], 28_965)
  const saved = bundle[VEGALITE_MIME] as { config: { range: { category: string[] } }; encoding: unknown }
  const { color } = (spec ?? {})['encoding'] as { color: { scale: { domain: string[] } } }
  assert.deepEqual([color.scale.domain.length, color.scale.domain[20]], [21, 'other'])
  assert.deepEqual([saved.config.range.category.length, saved.config.range.category[20]], [21, '#868686'])
  assert.match(String(bundle['text/plain']), /30 more series as other/)
})

test('a chart of twenty keys has no other', () => {
  const bundle = chartOf({ mark: 'bar' }, 20)
  assert.equal((bundle[LIVE_MIME] as LiveBundle).last.status.notice, null)
  assert.equal('range' in (bundle[VEGALITE_MIME] as { config: object }).config, false)
})
