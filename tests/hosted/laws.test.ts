/**
 * The laws of the engine with every kind of window and aggregate, inline and in a real engine process: where batches are cut and in
 * which order rows come within the bound changes nothing, and who reads later gets what the live run gave.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  aggregate, collect, count, countDistinct, counting, cumulating, feed, first, from, histogram, hopping, last, max, mean, min, over, quantile, session,
  stddev, sum, topK, tumbling,
} from '../../stream/index.ts' // prettier-ignore
import type { Stream } from '../../stream/index.ts'
import { settings } from '../properties/settings.ts'
import { inlineAndHosted } from './both.ts'

const { notebook, both } = await inlineAndHosted()
const L = notebook.lambda.bind(notebook)

interface Reading {
  at: number
  v: number
  k: string
}

const DAY = 86_400_000
/** The night of 28 to 29 March 2026, when clocks in Berlin change: the 29th has 23 hours. */
const NIGHT = Date.UTC(2026, 2, 28, 22)

const readings: readonly Reading[] = Array.from({ length: 400 }, (_, i) => ({
  at: NIGHT + i * 1_200_000,
  v: ((i * 7919) % 101) - 20,
  k: ['a', 'b', 'c'][(i * 31) % 3]!,
}))

const product = aggregate({
  init: L(() => ({ signs: 1, rows: 0 })),
  add: L((s: { signs: number; rows: number }, r: Reading) => ({ signs: s.signs * Math.sign(r.v || 1), rows: s.rows + 1 })),
  merge: L((a: { signs: number; rows: number }, b: { signs: number; rows: number }) => ({ signs: a.signs * b.signs, rows: a.rows + b.rows })),
  result: L((s: { signs: number; rows: number }) => `${s.signs} of ${s.rows}`),
}) // prettier-ignore

const everyAggregate = () => ({
  n: count(), total: sum('v'), avg: mean('v'), low: min('v'), high: max('v'), sd: stddev('v'), one: first('v'), other: last('v'), kinds: countDistinct('v'),
  all: collect('v'), middle: quantile('v', 0.5), bins: histogram('v', 25), top: topK(2, 'v', { tie: 'at' }), product,
}) // prettier-ignore

const HOUR = 3_600_000
/** Every window of time, so that sums of slices, merged sessions and days of 23 hours are met. */
const windows = {
  tumbling: tumbling('6h'),
  'with an offset': tumbling('6h', { offset: '-1h' }),
  hopping: hopping('6h', '2h'),
  cumulating: cumulating('12h', '3h'),
  'days of Berlin': tumbling('1d', { zone: 'Europe/Berlin' }),
  'today so far in Berlin': cumulating('1d', '6h', { zone: 'Europe/Berlin' }),
  weeks: tumbling('1w'),
  session: session('50m'),
}

const over23 = (rows: readonly unknown[]) =>
  (rows as { windowStart: number; windowEnd: number }[]).find(r => r.windowEnd - r.windowStart === 23 * HOUR)

for (const [name, window] of Object.entries(windows)) {
  test(`${name}: every aggregate, however the rows are cut and mixed within the bound`, async () => {
    const query = (source: Stream<Reading>) => source.keyBy('k').window(window).aggregate(everyAggregate())
    const thinned = name === 'session' ? readings.filter((_, i) => i % 7 > 2) : readings
    const whole = await both(() => query(from(thinned, { time: 'at', outOfOrder: '2h' })).toArray())
    assert.ok(whole.length > 5)
    if (name === 'days of Berlin') assert.ok(over23(whole) !== undefined)
    // Single rows instead of batches.
    async function* oneByOne() {
      yield* thinned
    }
    assert.deepEqual(await both(() => query(from(oneByOne(), { time: 'at', outOfOrder: '2h' })).toArray()), whole)
    // Neighbours change places: 20 minutes apart, the bound is two hours.
    const mixed = thinned.map((_, i) => thinned[i ^ 1] ?? thinned[i]!)
    assert.deepEqual(await both(() => query(from(mixed, { time: 'at', outOfOrder: '2h' })).toArray()), whole)
  })
}

for (const [name, window] of Object.entries({ counting: counting(7, 3), 'the last rows': over(5), 'the last hours': over('3h') })) {
  test(`${name}: every aggregate, however the rows are cut`, async () => {
    const query = (source: Stream<Reading>) => source.keyBy('k').window(window as never).aggregate(everyAggregate() as never)
    const whole = await both(() => query(from(readings, { time: 'at', outOfOrder: '2h' })).toArray())
    assert.ok(whole.length > 50)
    async function* oneByOne() {
      yield* readings
    }
    assert.deepEqual(await both(() => query(from(oneByOne(), { time: 'at', outOfOrder: '2h' })).toArray()), whole)
  })
} // prettier-ignore

test('who reads later gets what the live run gave: late rows, revisions and early rows too', async () => {
  const rows = await both(async () => {
    const f = feed<Reading>({ time: 'at', outOfOrder: '1h', partitions: 2 })
    const query = () =>
      f.keyBy('k').window(hopping('4h', '2h'), { lateness: '3h', emit: '1h' }).aggregate({ n: count(), total: sum('v') }).changes() // prettier-ignore
    const live: unknown[] = []
    const reading = (async () => {
      for await (const change of query()) live.push(change)
    })()
    for (const [i, row] of readings.slice(0, 120).entries()) {
      // Every seventh row is four hours late, every fifth partition is silent for a while.
      const at = i % 7 === 6 ? row.at - 4 * HOUR : row.at
      await f.push({ ...row, at }, { partition: i % 5 === 0 ? 1 : 0 })
      if (i % 20 === 19) await f.idle(1)
    }
    await f.end()
    await reading
    assert.deepEqual(await query().toArray(), live)
    return live
  })
  const kinds = new Set((rows as { row: { kind: string } }[]).map(c => c.row.kind))
  assert.deepEqual([...kinds].sort(), ['early', 'late', 'onTime'])
})

test('random rows, cuts and disorder within the bound: the same windows and sessions', async () => {
  const row = fc.record({ at: fc.integer({ min: 0, max: 400 }), v: fc.integer({ min: -9, max: 9 }), k: fc.constantFrom('a', 'b') })
  const kinds = fc.constantFrom(tumbling(50), hopping(60, 20), session(15), cumulating(80, 20), tumbling(30, { offset: -7 }))
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 60 }), kinds, async (rows, window) => {
      const query = (given: readonly Reading[]) =>
        from(given, { time: 'at', outOfOrder: 400 }).keyBy('k').window(window).aggregate({ n: count(), total: sum('v'), low: min('v') })
      const inOrder = await query(rows.toSorted((a, b) => a.at - b.at)).toArray()
      assert.deepEqual(await both(() => query(rows).toArray()), inOrder)
    }),
    settings(15),
  )
}) // prettier-ignore

test('weeks begin on Monday, in UTC without a zone', async () => {
  const rows = (await both(() =>
    from([{ at: NIGHT }, { at: NIGHT + 2 * DAY }], { time: 'at' })
      .window(tumbling('1w'))
      .aggregate({ n: count() })
      .toArray(),
  )) as { windowStart: number; n: number }[]
  assert.deepEqual(
    rows.map(r => [new Date(r.windowStart).toISOString(), r.n]),
    [
      ['2026-03-23T00:00:00.000Z', 1],
      ['2026-03-30T00:00:00.000Z', 1],
    ],
  )
})
