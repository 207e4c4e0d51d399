/** Every aggregate beside a plain program over the same values. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  aggregate, collect, count, countDistinct, counting, first, from, histogram, hopping, last, max, mean, min, over, quantile,
  session, stddev, sum, topK, tumbling,
} from '../index.ts' // prettier-ignore
import type { StreamError } from '../index.ts'

interface Row {
  readonly at: number
  readonly v: number | null
  readonly name?: string | undefined
}

const RUNS = Number(process.env['RUNS'] ?? 60)

async function oneWindow<A extends Parameters<ReturnType<typeof windowed>['aggregate']>[0]>(
  rows: readonly Row[],
  aggregates: A,
) {
  return windowed(rows).aggregate(aggregates).toArray()
}

function windowed(rows: readonly Row[]) {
  return from(rows, { time: 'at' }).window(tumbling('1s'))
}

test('first and last go by event time, ties by arrival, and skip null', async () => {
  const rows: Row[] = [
    { at: 5, v: 50 },
    { at: 1, v: null },
    { at: 2, v: 20 },
    { at: 2, v: 21 },
    { at: 9, v: 90 },
    { at: 9, v: 91 },
    { at: 7, v: 70 },
  ]
  const [row] = await oneWindow(rows, { first: first('v'), last: last((r: Row) => r.v), n: count() })
  assert.equal(row?.first, 20)
  assert.equal(row?.last, 91)
  assert.equal(row?.n, 7)
})

test('running aggregates and counting windows go by arrival', async () => {
  const rows = [
    { at: 5, v: 1 },
    { at: 1, v: 2 },
    { at: 3, v: 3 },
  ]
  const running = await from(rows, { time: 'at' })
    .keyBy(() => 'k')
    .aggregate({ first: first('v'), last: last('v') })
    .toArray()
  assert.deepEqual(
    running.map(r => [r.first, r.last]),
    [
      [1, 1],
      [1, 2],
      [1, 3],
    ],
  )
  const counted = await from(rows, { time: 'at' })
    .window(counting(3))
    .aggregate({ first: first('v'), last: last('v') })
    .toArray()
  assert.deepEqual([counted[0]?.first, counted[0]?.last], [1, 3])
})

test('an aggregate without any value gives null, no distinct values and no rows', async () => {
  const [row] = await oneWindow([{ at: 1, v: null }], {
    sum: sum('v'),
    mean: mean('v'),
    min: min('v'),
    max: max('v'),
    stddev: stddev('v'),
    first: first('v'),
    last: last('v'),
    quantile: quantile('v', 0.5),
    distinct: countDistinct('v'),
    all: collect('v'),
    bins: histogram('v', 10),
    top: topK<Row>(3, 'v'),
    n: count(),
  })
  assert.deepEqual(
    { ...row },
    {
      windowStart: 0, windowEnd: 1000, sum: null, mean: null, min: null, max: null, stddev: null, first: null, last: null,
      quantile: null, distinct: 0, all: [], bins: [], top: [], n: 1, kind: 'onTime', revision: 0,
    }, // prettier-ignore
  )
})

test('NaN goes to errors and counts nowhere, text does where numbers are needed', async () => {
  const rows = [
    { at: 1, v: NaN },
    { at: 2, v: 'x' as unknown as number },
    { at: 3, v: 4 },
  ]
  const stream = windowed(rows).aggregate({
    sd: stddev('v'),
    q: quantile('v', 0.5),
    distinct: countDistinct('v'),
    all: collect('v'),
  })
  const reasons = await stream.errors().toArray()
  const [row] = await windowed(rows)
    .aggregate({ sd: stddev('v'), q: quantile('v', 0.5), distinct: countDistinct('v'), all: collect('v') })
    .toArray()
  assert.deepEqual([row?.sd, row?.q, row?.distinct, row?.all], [null, 4, 2, ['x', 4]])
  assert.equal(reasons.length, 6)
  assert.match(reasons[0]!.reason, /"sd" got NaN/)
  assert.match(reasons.at(-1)!.reason, /"q" got text "x"/)
})

test('the sample standard deviation of known values', async () => {
  const [row] = await oneWindow(
    [2, 4, 4, 4, 5, 5, 7, 9].map((v, at) => ({ at, v })),
    { sd: stddev('v') },
  )
  assert.ok(Math.abs(row!.sd - 2.138089935299395) < 1e-12)
  const far = await oneWindow(
    [1e9 + 1, 1e9 + 2, 1e9 + 3].map((v, at) => ({ at, v })),
    { sd: stddev('v') },
  )
  assert.equal(far[0]?.sd, 1)
})

test('distinct values: dates by time, objects by content, null is none', async () => {
  const values = [1, 1, '1', new Date(5), new Date(5), { a: 1 }, { a: 1 }, null, true]
  const [row] = await from(
    values.map((x, at) => ({ at, x })),
    { time: 'at' },
  )
    .window(tumbling('1s'))
    .aggregate({ n: countDistinct(r => r.x) })
    .toArray()
  assert.equal(row?.n, 5)
})

test('collect keeps the order of event times; without a value it keeps the rows', async () => {
  const rows = [
    { at: 3, v: 30 },
    { at: 1, v: 10 },
    { at: 2, v: 20 },
  ]
  const [row] = await oneWindow(rows, { v: collect('v'), rows: collect() })
  assert.deepEqual(row?.v, [10, 20, 30])
  assert.deepEqual(row?.rows, [rows[1], rows[2], rows[0]])
})

test('histogram by width and by edges', async () => {
  const rows = [-1, 0, 9, 10, 25, 100].map((v, at) => ({ at, v }))
  const [row] = await oneWindow(rows, { wide: histogram('v', 10), edges: histogram('v', [0, 10, 100]) })
  assert.deepEqual(row?.wide, [
    { from: -10, to: 0, count: 1 },
    { from: 0, to: 10, count: 2 },
    { from: 10, to: 20, count: 1 },
    { from: 20, to: 30, count: 1 },
    { from: 100, to: 110, count: 1 },
  ])
  assert.deepEqual(row?.edges, [
    { from: -Infinity, to: 0, count: 1 },
    { from: 0, to: 10, count: 2 },
    { from: 10, to: 100, count: 2 },
    { from: 100, to: Infinity, count: 1 },
  ])
})

test('topK gives rows with rank, ties by the smaller tie or the first to arrive', async () => {
  const rows = [
    { at: 1, v: 5, name: 'c' },
    { at: 2, v: 7, name: 'b' },
    { at: 3, v: 5, name: 'a' },
    { at: 4, v: 7, name: 'd' },
  ]
  const [row] = await from(rows, { time: 'at' })
    .window(tumbling('1s'))
    .aggregate({ tied: topK(3, 'v', { tie: 'name' }), plain: topK(3, r => r.v) })
    .toArray()
  assert.deepEqual(
    row?.tied.map(r => [r.rank, r.v, r.name]),
    [
      [1, 7, 'b'],
      [2, 7, 'd'],
      [3, 5, 'a'],
    ],
  )
  assert.deepEqual(
    row?.plain.map(r => r.name),
    ['b', 'd', 'c'],
  )
})

test('an aggregate of one’s own, also across slices and sessions', async () => {
  const product = aggregate({
    init: () => ({ p: 1 }),
    add: (s, r: Row) => {
      s.p *= r.v ?? 1
    },
    merge: (a, b) => {
      a.p *= b.p
    },
    result: s => s.p,
  })
  const rows = [
    { at: 0, v: 2 },
    { at: 20, v: 3 },
    { at: 10, v: 5 },
  ]
  const hops = await from(rows, { time: 'at' }).window(hopping(20, 10)).aggregate({ p: product }).toArray()
  assert.deepEqual(
    hops.map(r => [r.windowStart, r.p]),
    [
      [-10, 2],
      [0, 10],
      [10, 15],
      [20, 3],
    ],
  )
  const merged = await from(rows, { time: 'at' }).window(session(12)).aggregate({ p: product }).toArray()
  assert.deepEqual(
    merged.map(r => r.p),
    [30],
  )
})

test('a throwing add leaves its aggregate without the record and says where', async () => {
  const rows = [
    { at: 1, v: 1 },
    { at: 2, v: null },
    { at: 3, v: 3 },
  ]
  const build = () =>
    windowed(rows).aggregate({
      total: aggregate({
        init: () => 0,
        add: (s: number, r: Row) => {
          if (r.v === null) throw new RangeError('no v')
          return s + r.v
        },
        merge: (a, b) => a + b,
      }),
    })
  assert.deepEqual(
    (await build().toArray()).map(r => r.total),
    [4],
  )
  assert.match((await build().errors().toArray())[0]!.reason, /RangeError: no v/)
})

test('wrong parameters are refused with an example', () => {
  const refusals = [
    () => quantile('v', 95),
    () => histogram('v', 0),
    () => histogram('v', [2, 1]),
    () => topK(0, 'v'),
    () => over(0),
  ]
  for (const refusal of refusals)
    assert.throws(refusal, (error: StreamError) => error.code === 'OPTION_INVALID' && error.hint !== undefined)
})

test('quantiles of any values equal the sorted ones, to 1,000 values', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (values, q) => {
        const [row] = await oneWindow(
          values.map((v, at) => ({ at, v })),
          { q: quantile('v', q) },
        )
        const sorted = values.toSorted((a, b) => a - b)
        const place = q * (sorted.length - 1)
        const low = sorted[Math.floor(place)]!
        const expected = low + ((sorted[Math.ceil(place)] ?? low) - low) * (place - Math.floor(place))
        assert.ok(Math.abs(row!.q - expected) < 1e-9)
      },
    ),
    { numRuns: RUNS },
  )
})

test('beyond 1,000 values a quantile is off by less than one percent of the ranks, and always the same', async () => {
  let state = 7
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0)
  const values = Array.from({ length: 20_000 }, () => next() % 1_000_000)
  const rows = values.map((v, at) => ({ at: at % 1000, v }))
  const run = async () =>
    (await oneWindow(rows, { p1: quantile('v', 0.01), p50: quantile('v', 0.5), p99: quantile('v', 0.99) }))[0]!
  const row = await run()
  for (const [q, given] of [
    [0.01, row.p1],
    [0.5, row.p50],
    [0.99, row.p99],
  ] as const) {
    const rank = values.filter(v => v <= given).length / values.length
    assert.ok(Math.abs(rank - q) < 0.01, `${q}: ${rank}`)
  }
  assert.deepEqual(await run(), row)
})

test('aggregates over rows that are retracted equal those over the rows that stay', async () => {
  const value = fc.record({ key: fc.constantFrom('a', 'b', 'c'), v: fc.integer({ min: -5, max: 5 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 25 }), async values => {
      const rows = values.map((r, i) => ({ ...r, at: i }))
      // Running totals retract the one before: above them only the newest of each key counts.
      const totals = await from(rows, { time: 'at' })
        .keyBy('key')
        .aggregate({ total: sum('v') })
        .keyBy(() => 'all')
        .aggregate({
          low: min('total'),
          high: max('total'),
          n: count(),
          distinct: countDistinct('total'),
          sd: stddev('total'),
          median: quantile('total', 0.5),
          all: collect('total'),
          top: topK(1, 'total'),
          bins: histogram('total', 3),
        }) // prettier-ignore
        .toArray()
      const newest = new Map<string, number>()
      for (const { key, v } of rows) newest.set(key, (newest.get(key) ?? 0) + v)
      const left = [...newest.values()].sort((a, b) => a - b)
      const end = totals.at(-1)!
      assert.equal(end.low, left[0])
      assert.equal(end.high, left.at(-1))
      assert.equal(end.n, left.length)
      assert.equal(end.distinct, new Set(left).size)
      assert.equal(end.top[0]?.total, left.at(-1))
      assert.deepEqual(
        end.all.toSorted((a, b) => a - b),
        left,
      )
      const average = left.reduce((a, b) => a + b, 0) / left.length
      const squares = left.reduce((a, b) => a + (b - average) ** 2, 0)
      if (left.length > 1) assert.ok(Math.abs(end.sd - Math.sqrt(squares / (left.length - 1))) < 1e-6)
      assert.equal(
        end.bins.reduce((a, b) => a + b.count, 0),
        left.length,
      )
    }),
    { numRuns: RUNS },
  )
})

test('hopping windows of every aggregate equal a plain program, with any slices', async () => {
  const event = fc.record({ at: fc.integer({ min: -30, max: 60 }), v: fc.integer({ min: -9, max: 9 }) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 30 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 9 }),
      async (events, size, slide) => {
        const rows = await from(events, { time: 'at' })
          .window(hopping(size, slide))
          .aggregate({
            low: min('v'),
            high: max('v'),
            distinct: countDistinct('v'),
            first: first('v'),
            last: last('v'),
            all: collect('v'),
          })
          .toArray()
        const starts = new Set<number>()
        for (const { at } of events)
          for (let s = Math.floor(at / slide) * slide; s > at - size; s -= slide) starts.add(s)
        const expected = [...starts]
          .sort((a, b) => a - b)
          .map(start => {
            const inside = events.filter(e => e.at >= start && e.at < start + size).sort((a, b) => a.at - b.at)
            const v = inside.map(e => e.v)
            return [start, Math.min(...v), Math.max(...v), new Set(v).size, v[0], v.at(-1), v]
          })
        assert.deepEqual(
          rows.map(r => [r.windowStart, r.low, r.high, r.distinct, r.first, r.last, r.all]),
          expected,
        )
      },
    ),
    { numRuns: RUNS },
  )
})
