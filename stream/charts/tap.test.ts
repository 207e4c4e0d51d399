import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChartModel } from './model.ts'
import { ChartTap } from './tap.ts'
import { retentionFor } from './retain.ts'
import type { Batch } from '../model.ts'
import type { ChartConcept } from './concept.ts'
import type { TapOptions } from './tap.ts'

const WINDOWS: ChartConcept = { form: 'window', by: ['region'], aggregates: ['n'], stepMs: 10, revisions: false }
const ROWS: ChartConcept = { form: 'rows', by: [], aggregates: [], revisions: false }

function options(concept: ChartConcept, other: Partial<TapOptions> = {}): TapOptions {
  return {
    concept,
    retention: retentionFor(concept, {}),
    latestBy: concept.by,
    seriesBy: concept.by,
    seriesLimit: 20,
    ...other,
  }
}

function batch(rows: readonly unknown[], weights?: readonly number[]): Batch {
  return {
    count: rows.length,
    rows,
    eventTimesMs: Float64Array.from(rows, (_, i) => i),
    beforeMs: new Float64Array(rows.length),
    watermarkMs: 0,
    ...(weights === undefined ? {} : { weights: Int8Array.from(weights) }),
  }
}

const north = (windowStart: number, n: number) => ({
  region: 'north',
  windowStart,
  windowEnd: windowStart + 10,
  n,
  kind: 'onTime',
  revision: 0,
})

test('an open window is drawn hollow and its result takes its place', () => {
  const tap = new ChartTap(options(WINDOWS))
  assert.deepEqual(tap.collect([north(0, 1)]).delta, {
    upsert: [{ region: 'north', windowStart: 0, windowEnd: 10, n: 1, $key: '["north",0,10]', $open: true }],
    remove: [],
  })
  tap.onBatch(batch([north(0, 3)]))
  assert.deepEqual(tap.collect([]).delta, {
    upsert: [{ region: 'north', windowStart: 0, windowEnd: 10, n: 3, $key: '["north",0,10]' }],
    remove: [],
  })
})

test('an open window that did not change is not told again', () => {
  const tap = new ChartTap(options(WINDOWS))
  tap.collect([north(0, 1)])
  assert.deepEqual(tap.collect([north(0, 1)]).delta, { upsert: [], remove: [] })
  assert.equal(tap.collect([north(0, 2)]).delta.upsert.length, 1)
})

test('an open window that goes without a result is removed', () => {
  const tap = new ChartTap(options(WINDOWS))
  tap.collect([north(0, 1)])
  assert.deepEqual(tap.collect([]).delta, { upsert: [], remove: ['["north",0,10]'] })
})

test('an early result stands when its window closes without another', () => {
  const tap = new ChartTap(options({ ...WINDOWS, revisions: true }))
  tap.onBatch(batch([north(0, 2)]))
  assert.equal(tap.collect([north(0, 2)]).delta.upsert[0]?.$open, true)
  tap.collect([north(0, 2)])
  const { upsert, remove } = tap.collect([]).delta
  assert.deepEqual(remove, [])
  assert.equal(upsert[0]?.$open, undefined)
  assert.equal(upsert[0]?.['n'], 2)
})

test('a revised window replaces its row, a merged session takes the old one away', () => {
  const tap = new ChartTap(options(WINDOWS))
  tap.onBatch(batch([north(0, 2), north(0, 2), north(0, 3)], [1, -1, 1]))
  assert.deepEqual(tap.collect([]).delta, {
    upsert: [{ region: 'north', windowStart: 0, windowEnd: 10, n: 3, $key: '["north",0,10]' }],
    remove: [],
  })
  tap.onBatch(batch([north(0, 3), { ...north(0, 5), windowEnd: 20 }], [-1, 1]))
  const { upsert, remove } = tap.collect([]).delta
  assert.deepEqual(remove, ['["north",0,10]'])
  assert.equal(upsert[0]?.$key, '["north",0,20]')
})

test('plain rows beyond retention are counted, not carried', () => {
  const tap = new ChartTap(options(ROWS, { retention: { rows: 3, timeField: '$at' } }))
  tap.onBatch(batch([1, 2, 3, 4, 5].map(n => ({ n }))))
  tap.onBatch(batch([{ n: 6 }]))
  const frame = tap.collect([])
  assert.deepEqual(
    frame.delta.upsert.map(row => row['n']),
    [4, 5, 6],
  )
  assert.equal(frame.seenCount, 6)
  assert.equal(frame.conflatedCount, 3)
})

test('a retracted plain row takes the newest equal row away', () => {
  const tap = new ChartTap(options(ROWS))
  const model = new ChartModel({ rows: 10 })
  tap.onBatch({ ...batch([{ n: 1 }, { n: 2 }, { n: 1 }]), eventTimesMs: new Float64Array(3) })
  model.apply(tap.collect([]).delta)
  tap.onBatch({ ...batch([{ n: 1 }], [-1]), eventTimesMs: new Float64Array(1) })
  model.apply(tap.collect([]).delta)
  assert.deepEqual(
    model.rows().map(row => [row.$key, row['n']]),
    [
      ['r0', 1],
      ['r1', 2],
    ],
  )
})

test('a row is taken back at the time of what made it wrong', () => {
  const tap = new ChartTap(options(ROWS))
  const model = new ChartModel({ rows: 10 })
  const put = (times: readonly number[], rows: readonly unknown[], weights?: readonly number[]): void => {
    tap.onBatch({ ...batch(rows, weights), eventTimesMs: Float64Array.from(times) })
    model.apply(tap.collect([]).delta)
  }
  put([1, 2, 3], [{ n: 1 }, { n: 1 }, { n: 2 }])
  put([1], [{ n: 1 }], [-1])
  assert.deepEqual(
    model.rows().map(({ $at, n }) => [$at, n]),
    [
      [2, 1],
      [3, 2],
    ],
  )
  put([9], [{ n: 1 }], [-1])
  assert.deepEqual(
    model.rows().map(({ n }) => n),
    [2],
  )
})

test('series beyond the limit are counted and the first ones stay', () => {
  const tap = new ChartTap(options(WINDOWS, { seriesLimit: 2 }))
  tap.onBatch(batch(['a', 'b', 'c', 'd', 'a'].map((region, i) => ({ ...north(i * 10, 1), region }))))
  const frame = tap.collect([])
  assert.deepEqual(
    frame.delta.upsert.map(row => row['region']),
    ['a', 'b', 'a'],
  )
  assert.equal(frame.otherSeriesCount, 2)
})

test('a running aggregate keeps one row per key and counts the updates merged', () => {
  const tap = new ChartTap(
    options({ form: 'running', by: ['k'], aggregates: ['n'], revisions: false }, { seriesBy: [] }),
  )
  tap.onBatch(
    batch([
      { k: 'a', n: 1 },
      { k: 'b', n: 1 },
      { k: 'a', n: 2 },
    ]),
  )
  const frame = tap.collect([])
  assert.deepEqual(frame.delta.upsert, [
    { k: 'a', n: 2, $key: '["a"]' },
    { k: 'b', n: 1, $key: '["b"]' },
  ])
  assert.equal(frame.conflatedCount, 1)
})

test('values become what JSON carries: bigint, Date, nested, not-a-number, control characters', () => {
  const tap = new ChartTap(options(ROWS))
  tap.onBatch(
    batch([
      {
        id: 7n,
        at: new Date(5),
        deep: { a: [1n] },
        bad: Number.NaN,
        text: 'a\u202eb',
        big: 2n ** 70n,
        none: undefined,
        $key: 'x',
      },
    ]),
  )
  assert.deepEqual(tap.collect([]).delta.upsert, [
    {
      id: 7,
      at: 5,
      deep: '{"a":["1"]}',
      bad: null,
      text: 'a\ufffdb',
      big: '1180591620717411303424',
      none: null,
      $at: 0,
      $key: 'r0',
    },
  ])
})

test('catching up on thousands of windows carries no more than twice what the chart keeps', () => {
  const tap = new ChartTap(options(WINDOWS, { retention: { rows: 5, timeField: 'windowEnd' } }))
  for (let i = 0; i < 100; i++) tap.onBatch(batch([north(i * 10, i)]))
  const { delta, conflatedCount } = tap.collect([])
  assert.ok(delta.upsert.length <= 10, `${delta.upsert.length} rows`)
  assert.equal(delta.upsert.at(-1)?.['n'], 99)
  assert.equal(delta.upsert.length + conflatedCount, 100)
})

test('a restored tap goes on like the one it was taken from', () => {
  const going = new ChartTap(options({ ...WINDOWS, revisions: true }, { seriesLimit: 1 }))
  going.onBatch(batch([north(0, 2), { ...north(0, 1), region: 'other' }]))
  going.collect([north(0, 2), north(10, 1)])
  const restored = new ChartTap(options({ ...WINDOWS, revisions: true }, { seriesLimit: 1 }))
  restored.restore(structuredClone(going.snapshot()))
  for (const tap of [going, restored]) tap.onBatch(batch([{ ...north(0, 9), region: 'third' }, north(20, 4)]))
  assert.deepEqual(restored.collect([north(10, 3)]), going.collect([north(10, 3)]))
  assert.equal(restored.collect([]).otherSeriesCount, 2)
})

test('of a batch longer than a line over a span can show, its peak and its newest row are carried, and the rest is counted', () => {
  const retention = retentionFor(ROWS, { mark: 'line', y: 'n', keep: '20s' })
  const tap = new ChartTap(options(ROWS, { retention, latestBy: [], seriesBy: [] }))
  const values = Array.from({ length: 20_000 }, (_, i) => (i === 700 ? 1000 : (i * 7) % 90))
  tap.onBatch(batch(values.map(n => ({ n }))))
  const { delta, seenCount, conflatedCount } = tap.collect([])
  assert.equal(seenCount, 20_000)
  assert.equal(conflatedCount + delta.upsert.length, 20_000)
  assert.ok(delta.upsert.length <= 4000, `${delta.upsert.length} carried`)
  const model = new ChartModel(retention)
  model.apply(delta)
  const shown = model.rows().map(row => row['n'])
  assert.ok(shown.includes(1000), 'the peak is there')
  assert.equal(shown.at(-1), values.at(-1))
  assert.ok(shown.length <= 2000)
  // All of the span, not the newest part of it.
  assert.ok(Number(model.rows()[0]?.['$at']) < 100)
})
