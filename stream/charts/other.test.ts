import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChartHub } from './hub.ts'
import { ChartModel } from './model.ts'
import { ChartTap } from './tap.ts'
import { LIVE_MIME } from './protocol.ts'
import { OtherRows } from './other-rows.ts'
import { OtherSeries } from './other.ts'
import { SAMPLE_STATS } from './sample-stats.ts'
import { VEGALITE_MIME } from './fallback.ts'
import { VirtualClock } from '../time/clock.ts'
import type { ChartConcept } from './concept.ts'
import type { ChartOptions, ChartRow, LiveBundle } from './protocol.ts'
import type { TapFrame } from './tap.ts'

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
const OPTIONS = { by: ['k'], y: 'n', stacked: true, spanMs: 100, final: true }

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

function quietHub(): ChartHub {
  return new ChartHub({
    clock: new VirtualClock(),
    instance: 'i',
    control: () => undefined,
    setParam: () => undefined,
    send: () => undefined,
  })
}

/** Gives `tap` these results, and takes what it has to tell. */
function tapped(tap: ChartTap, rows: readonly object[]): TapFrame {
  const count = rows.length
  tap.onBatch({
    count,
    rows,
    eventTimesMs: new Float64Array(count),
    beforeMs: new Float64Array(count),
    watermarkMs: 0,
  })
  return tap.collect([])
}

function chartOf(options: ChartOptions, count: number, concept = CONCEPT): Record<string, unknown> {
  const hub = quietHub()
  const { chartId, tap: options_ } = hub.register({ stream: 's', concept, options })
  const results = Array.from({ length: count }, (_, series) => ({ ...row(series, 1000 - series), $key: undefined }))
  hub.apply(chartId, tapped(new ChartTap(options_), results), SAMPLE_STATS, [])
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

test('keys that come and go: who left the picture makes room for who comes', () => {
  // Results may be revised, so none is added up and forgotten.
  const concept = { ...CONCEPT, revisions: true }
  const { tap: options } = quietHub().register({ stream: 's', concept, options: { mark: 'bar', keep: '1s' } })
  const tap = new ChartTap(options)
  const model = new ChartModel(options.retention)
  const push = (series: number, start: number): unknown => {
    const { $key: _, ...result } = row(series, 1, start)
    const { delta, otherSeriesCount } = tapped(tap, [{ ...result, k: `key ${series}` }])
    model.apply(delta)
    return otherSeriesCount
  }
  // A new key with each window: a hundred windows are in the picture, so ninety-eight keys have room.
  for (let i = 0; i < 500; i++) push(i, 10 * i)
  const before = push(500, 5000)
  const shown = model.rows().map(({ windowEnd }) => Number(windowEnd))
  assert.equal(Math.max(...shown), 5010)
  assert.ok(Number(before) < 500, String(before))
})

for (const stacked of [true, false])
  test(`more rows than are held: ${stacked ? 'every stack is as high as all its rows' : 'lowest and highest'} in each window`, () => {
    let other = new OtherSeries({ ...OPTIONS, stacked })
    const model = new ChartModel({ rows: 1000 })
    const all: ChartRow[] = []
    for (let window = 0; window < 10; window++) {
      // Twenty that stay, and two thousand that never come again.
      const upsert = rows(TWENTY, window * 10)
      for (let i = 0; i < 2000; i++)
        upsert.push({ ...row(50, 3 + (i % 7), window * 10), k: `once ${window} ${i}`, $key: `once ${window} ${i}` })
      all.push(...upsert)
      model.apply(other.apply({ upsert, remove: [] }))
      if (window !== 6) continue
      const restored = new OtherSeries({ ...OPTIONS, stacked })
      restored.restore(structuredClone(other.snapshot()))
      other = restored
    }
    // One more in a window whose rows are gone: what it adds comes beside what they added.
    const more = { ...row(51, 4, 30), k: 'more' }
    all.push(more)
    model.apply(other.apply({ upsert: [more], remove: [] }))
    assert.ok(other.rows().length <= 10_000, String(other.rows().length))
    assert.deepEqual([other.summary.count, other.summary.rowCount], [20_001, 20_001])
    if (stacked) assert.deepEqual(heights(model.rows()), heights(all))
    else
      assert.deepEqual(
        shown(model.rows()).filter(text => /other/.test(text)),
        [3, 9].flatMap(n => Array.from({ length: 10 }, () => `other ${n}`)),
      )
  })

test('a chart of twenty keys has no other', () => {
  const bundle = chartOf({ mark: 'bar' }, 20)
  assert.equal((bundle[LIVE_MIME] as LiveBundle).last.status.notice, null)
  assert.equal('range' in (bundle[VEGALITE_MIME] as { config: object }).config, false)
})

/** Plain rows of series 's00' and so on, as many of each as its place says. */
const plain = (counts: readonly number[]): ChartRow[] =>
  counts.flatMap((count, series) =>
    Array.from({ length: count }, (_, i) => ({ k: name(series), n: 1, $at: i, $key: `${series} ${i}` })),
  )
const name = (series: number): string => `s${String(series).padStart(2, '0')}`
const BY_COUNT = { field: 'k', y: null }
/** 1, 2 … 20 and twice 1: the largest twenty are s02 to s21 (of equal ones the first by name). */
const COUNTS = [1, 1, ...Array.from({ length: 20 }, (_, i) => i + 1)]

test('of plain rows every one is drawn, those of the smaller series as other', () => {
  const other = new OtherRows(BY_COUNT, { rows: 1000, timeField: '$at' })
  const { upsert, remove } = other.apply({ upsert: plain(COUNTS), remove: [] })
  assert.deepEqual([upsert.length, remove.length], [212, 0])
  const as = (series: number): unknown => upsert.find(({ k }) => k === name(series))
  // s00, s01 and s02 have one row each: one place is left for them, and s00 is the first by name.
  assert.deepEqual(as(0), { k: 's00', n: 1, $at: 0, $key: '0 0', $colour: 's00' })
  assert.deepEqual(as(1), { k: 's01', n: 1, $at: 0, $key: '1 0', $colour: 'other', $other: true })
  assert.deepEqual([other.summary.count, other.summary.rowCount, other.summary.series.at(-1)], [2, 2, 'other'])
  assert.equal(other.summary.series.length, 21)
})

test('twenty series of plain rows pass as they are, and the first one more colours all rows anew', () => {
  const other = new OtherRows({ field: 'k', y: 'n' }, { rows: 1000, timeField: '$at' })
  const twenty = plain(COUNTS.slice(2))
  assert.equal(other.apply({ upsert: twenty, remove: [] }).upsert[0], twenty[0])
  assert.equal(other.summary.series.length, 20)
  const { upsert } = other.apply({ upsert: [{ k: 'new', n: 0, $at: 0, $key: 'x' }], remove: [] })
  assert.deepEqual([upsert.length, upsert.every(row => '$colour' in row)], [211, true])
})

test('colours of plain rows change places every hundred turns at most, and what was drawn moves with them', () => {
  const other = new OtherRows(BY_COUNT, { rows: 1000, timeField: '$at' })
  other.apply({ upsert: plain(COUNTS), remove: [] })
  const more = Array.from({ length: 9 }, (_, i) => ({ k: 's01', n: 1, $at: i, $key: `more ${i}` }))
  other.apply({ upsert: more, remove: [] })
  assert.equal(other.summary.series.includes('s01'), false)
  for (let turn = 0; turn < 97; turn++) other.apply({ upsert: [], remove: [] })
  const { upsert } = other.apply({ upsert: plain([1]), remove: [] })
  assert.equal(other.summary.series.includes('s01'), true)
  assert.deepEqual(
    upsert.filter(({ k }) => k === 's01').map(({ $colour, $other }) => [$colour, $other]),
    Array.from({ length: 10 }, () => ['s01', undefined]),
  )
})

test('whatever comes, goes, expires and is restored, each row is told in the colour its series has now', () => {
  const change = fc.record({
    series: fc.nat(25),
    at: fc.nat(30),
    n: fc.integer({ min: -9, max: 99 }),
    gone: fc.boolean(),
  })
  const runs = fc.array(fc.array(change, { maxLength: 40 }), { maxLength: 14 })
  fc.assert(
    fc.property(runs, fc.nat(14), fc.constantFrom(60, 1000), (deltas, restoredAt, rows) => {
      const retention = { rows, timeField: '$at' }
      let other = new OtherRows({ field: 'k', y: 'n' }, retention)
      const told = new ChartModel({ rows: 10_000 })
      const all = new ChartModel(retention)
      deltas.forEach((changes, index) => {
        const upsert = new Map<string, ChartRow>()
        const remove = new Set<string>()
        for (const { series, at, n, gone } of changes) {
          const key = `${series} ${at}`
          if (gone && !upsert.has(key)) remove.add(key)
          else upsert.set(key, { k: name(series), n, $at: at, $key: key })
        }
        const delta = { upsert: [...upsert.values()], remove: [...remove] }
        all.apply(delta)
        told.apply(other.apply(delta))
        if (index === restoredAt) {
          const restored = new OtherRows({ field: 'k', y: 'n' }, retention)
          restored.restore(structuredClone(other.snapshot()))
          other = restored
        }
        const bare = told.rows().map(({ $colour: _c, $other: _o, ...row }) => row)
        assert.deepEqual(
          new Set(bare.map(row => JSON.stringify(row))),
          new Set(all.rows().map(row => JSON.stringify(row))),
        )
        const { series } = other.summary
        for (const row of told.rows()) {
          const own = series.slice(0, 20).includes(row['k'] as string)
          assert.equal(row['$colour'] ?? row['k'], own ? row['k'] : 'other')
        }
      })
    }),
    { numRuns: 60 },
  )
})

const PLAIN: ChartConcept = { form: 'rows', by: [], aggregates: [], revisions: false }

for (const mark of ['line', 'point', 'bar', 'area', 'histogram'] as const)
  test(`plain rows of fifty colours as ${mark}: all are drawn, thirty series as other`, () => {
    const { last, spec, columns } = chartOf({ mark, x: 'n', y: 'n', color: 'k' }, 50, PLAIN)[LIVE_MIME] as LiveBundle
    assert.deepEqual([last.rows.length, last.status.notice], [50, '30 more series as other'])
    assert.equal(last.rows.filter(row => row['$other'] === true).length, 30)
    const { color } = (spec ?? {})['encoding'] as { color: { field: string; scale: { domain: string[] } } }
    assert.deepEqual([color.field, color.scale.domain.length, color.scale.domain[20]], ['$colour', 21, 'other'])
    // Tables and tooltips show what the row says.
    assert.deepEqual(
      columns.filter(column => column.name.startsWith('$')),
      [],
    )
    assert.deepEqual(new Set(last.rows.map(row => row['k'])).size, 50)
  })

for (const [about, options, concept] of [
  ['a table of windows', { mark: 'table' }, CONCEPT],
  ['a histogram of windows', { mark: 'histogram', x: 'n' }, CONCEPT],
  ['a heat map of plain rows', { mark: 'heatmap', x: 'n', y: 'n', color: 'k' }, PLAIN],
  ['a table of plain rows', { mark: 'table', color: 'k' }, PLAIN],
] as const)
  test(`${about} has no colours to run out of: the rows of all fifty series are there`, () => {
    const { last } = chartOf(options, 50, concept)[LIVE_MIME] as LiveBundle
    assert.deepEqual([last.rows.length, last.status.notice], [50, null])
  })

test('sessions of fifty keys are drawn one by one, those of the smaller keys in grey', () => {
  const { stepMs: _, ...sessions } = CONCEPT
  const { last } = chartOf({}, 50, sessions)[LIVE_MIME] as LiveBundle
  assert.deepEqual([last.rows.length, last.status.notice], [50, '30 more series as other'])
})
