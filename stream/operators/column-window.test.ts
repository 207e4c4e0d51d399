/** Columns give what rows give: the same windows, filters and errors. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  count,
  cumulating,
  from,
  fromColumns,
  hopping,
  max,
  mean,
  min,
  session,
  stddev,
  sum,
  topK,
  tumbling,
} from '../index.ts'
import type { Batch } from '../model.ts'
import { buildPipeline } from '../pipeline.ts'
import type { PlanNode, WindowSpec } from '../plan.ts'
import { sortedEntries, IntTable } from '../state/int-table.ts'

const RUNS = Number(process.env['RUNS'] ?? 100)

const events = fc.array(
  fc.record({
    at: fc.integer({ min: -40, max: 80 }),
    key: fc.integer({ min: -3, max: 3 }),
    whole: fc.integer({ min: -9, max: 9 }),
    part: fc.constantFrom(0.5, -1.25, 7, NaN),
  }),
  { maxLength: 40 },
)

/** Two keys and few instants: sessions touch, and the best of a window come late. */
const dense = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 40 }),
    key: fc.integer({ min: 0, max: 1 }),
    whole: fc.integer({ min: -2, max: 2 }),
    part: fc.integer({ min: 0, max: 20 }),
  }),
  { minLength: 8, maxLength: 40, size: 'max' },
)

const windows = [
  tumbling(10),
  hopping(20, 5),
  hopping(3, 7),
  cumulating(20, 5),
  tumbling(10, { offset: 3 }),
  session(2),
  session(9),
]

function columnsOf(rows: readonly { at: number; key: number; whole: number; part: number }[]) {
  return {
    at: Float64Array.from(rows, r => r.at),
    key: Int32Array.from(rows, r => r.key),
    whole: Int16Array.from(rows, r => r.whole),
    part: Float64Array.from(rows, r => r.part),
  }
}

const aggregates = () => ({
  n: count(), total: sum('whole'), low: min('part'), high: max('part'), mean: mean('part'), whole: mean('whole'), sd: stddev('part'),
  parts: sum('part'),
}) // prettier-ignore

test('windows of columns equal windows of rows', async () => {
  await fc.assert(
    fc.asyncProperty(
      events,
      fc.constantFrom(...windows),
      fc.constantFrom(undefined, 0, 7),
      async (rows, window, outOfOrder) => {
        const options = { time: 'at', outOfOrder } as const
        const byRows = from(rows, options)
          .filter(r => r.whole > -5)
          .keyBy('key')
          .window(window)
        const byColumns = fromColumns(columnsOf(rows), options)
          .filter(r => r.whole > -5)
          .keyBy('key')
          .window(window)
        assert.deepEqual(
          await byColumns.aggregate(aggregates()).toArray(),
          await byRows.aggregate(aggregates()).toArray(),
        )
        const late = (r: { eventTimeMs: number; offset: bigint }) => [r.eventTimeMs, r.offset]
        assert.deepEqual(
          (await byColumns.aggregate(aggregates()).late().toArray()).map(late),
          (await byRows.aggregate(aggregates()).late().toArray()).map(late),
        )
      },
    ),
    { numRuns: RUNS },
  )
})

test('batch cuts and restarts from snapshots change nothing for columns', () => {
  const specs = fc.constantFrom<WindowSpec>(
    { kind: 'hopping', sizeMs: 20, slideMs: 10, offsetMs: 0 },
    { kind: 'session', gapMs: 6 },
  )
  const places = fc.uniqueArray(fc.nat({ max: 40 }), { maxLength: 8 })
  const planOf = (window: WindowSpec): PlanNode => ({
    op: 'window',
    input: { op: 'feed', id: 'c', partitions: 1, time: 'at', outOfOrderMs: 5, bounded: true, columns: { at: 'float', key: 'int', whole: 'int' } },
    options: {
      window,
      by: [{ name: 'key' }],
      aggregates: [
        { name: 'n', aggregate: { kind: 'count' } },
        { name: 'total', aggregate: { kind: 'sum', value: 'whole' } },
      ],
      latenessMs: 0,
      emit: 'final',
    },
  }) // prettier-ignore
  const run = (
    plan: PlanNode,
    rows: Parameters<typeof columnsOf>[0],
    cuts: ReadonlySet<number>,
    restarts: ReadonlySet<number>,
  ) => {
    const out: unknown[] = []
    const build = () =>
      buildPipeline(plan, {
        revive: slot => slot as () => unknown,
        decode: () => ({ rows: [], keys: [], failures: [] }),
        onOutput: (batch: Batch) => out.push(...batch.rows),
      })
    let pipeline = build()
    let begin = 0
    for (let i = 1; i <= rows.length; i++) {
      if (i < rows.length && !cuts.has(i)) continue
      const part = rows.slice(begin, i)
      pipeline.push(0, { kind: 'rows', rows: part, columns: columnsOf(part), count: part.length })
      begin = i
      if (!restarts.has(i)) continue
      const snapshot = pipeline.snapshot()
      pipeline = build()
      pipeline.restore(snapshot)
    }
    pipeline.push(0, { kind: 'end' })
    return { out, dropped: pipeline.stats().droppedCount }
  }
  fc.assert(
    fc.property(fc.oneof(events, dense), places, specs, (rows, cuts, window) => {
      const plan = planOf(window)
      const whole = run(plan, rows, new Set(), new Set())
      assert.deepEqual(run(plan, rows, new Set(cuts), new Set()), whole)
      assert.deepEqual(run(plan, rows, new Set(cuts), new Set(cuts)), whole)
    }),
    { numRuns: RUNS },
  )
  const sessions = (times: readonly number[], cuts: ReadonlySet<number>) => {
    const rows = times.map(at => ({ at, key: at === 11 ? 1 : 0, whole: 1, part: 0 }))
    const { out } = run(planOf({ kind: 'session', gapMs: 6 }), rows, cuts, new Set())
    return (out as { key: number; windowStart: number; windowEnd: number; n: number }[]).map(r => [
      r.key,
      r.windowStart,
      r.windowEnd,
      r.n,
    ])
  }
  // A session set aside comes back when a record reaches it: its key is still looked at when it ends.
  assert.deepEqual(sessions([0, 7, 0, 11, 1], new Set([4])), [
    [0, 0, 6, 2],
    [0, 1, 13, 2],
    [1, 11, 17, 1],
  ])
  // Over at watermark 5, which the second record brings in the same batch: the third begins a session of its own.
  assert.deepEqual(sessions([0, 11, 4], new Set()), [
    [0, 0, 6, 1],
    [0, 4, 10, 1],
    [1, 11, 17, 1],
  ])
})

test('records in order fall into their windows, at the very edges too', async () => {
  const at = Float64Array.of(0, 9, 10, 10, 19, 20, 35)
  const columns = { at, key: new Int32Array(7), whole: Int32Array.of(1, 2, 4, 8, 16, 32, 64) }
  const rows = await fromColumns(columns, { time: 'at', outOfOrder: 3 })
    .keyBy('key')
    .window(tumbling(10))
    .aggregate({ total: sum('whole') })
    .toArray()
  assert.deepEqual(
    rows.map(r => [r.windowStart, r.total]),
    [
      [0, 3],
      [10, 28],
      [20, 32],
      [30, 64],
    ],
  )
})

test('columns without a window are rows, and batches come as columns', async () => {
  const columns = { ts: [3, 1], name: ['a', 'b'] }
  assert.deepEqual(await fromColumns(columns, { time: 'ts' }).toArray(), [
    { ts: 3, name: 'a' },
    { ts: 1, name: 'b' },
  ])
  const seen: unknown[] = []
  await fromColumns({ v: Int32Array.of(1, 2, 3, 4) })
    .filter(r => r.v % 2 === 0)
    .forEachBatch(({ v }, n) => seen.push(v, n))
  assert.deepEqual(seen, [Int32Array.of(2, 4), 2])
  const mapped: unknown[] = []
  await from([{ a: 1 }, { a: 2 }])
    .map(r => ({ b: r.a * 2 }))
    .forEachBatch(({ b }, n) => mapped.push(b, n))
  assert.deepEqual(mapped, [[2, 4], 2])
  assert.throws(() => fromColumns({ a: [1], b: [1, 2] }), /"a" has 1 values, "b" has 2/)
})

test('lambdas that do more than read fields see real rows', async () => {
  const kept: unknown[] = []
  const columns = { v: Int32Array.of(1, 2, 3) }
  const tests: ((r: { v: number }) => unknown)[] = [
    r => kept.push(r),
    ({ v }) => v > 1,
    r => Object.keys(r).length === 1,
    r => (r.v = 7),
    r => [r].every(x => x.v > 1),
  ]
  const lengths = []
  for (const f of tests) lengths.push((await fromColumns(columns).filter(f).toArray()).length)
  assert.deepEqual(lengths, [3, 2, 3, 3, 2])
  assert.deepEqual(kept, [{ v: 1 }, { v: 2 }, { v: 3 }])
})

test('the top keys of each window, over columns', async () => {
  const n = 5000
  const columns = {
    ts: Float64Array.from({ length: n }, (_, i) => i),
    key: Int32Array.from({ length: n }, (_, i) => (i * 7919) % 101),
    val: Int32Array.from({ length: n }, (_, i) => (i * 31) % 17),
  }
  const rows = await fromColumns(columns, { time: 'ts', outOfOrder: 0 })
    .keyBy('key').window(tumbling('1s')).aggregate({ total: sum('val') })
    .window(tumbling('1s')).aggregate({ top: topK(3, 'total', { tie: 'key' }) })
    .toArray() // prettier-ignore
  assert.equal(rows.length, 5)
  for (const { windowStart, top } of rows) {
    const totals = new Map<number, number>()
    for (let i = windowStart; i < windowStart + 1000; i++) {
      totals.set((i * 7919) % 101, (totals.get((i * 7919) % 101) ?? 0) + ((i * 31) % 17))
    }
    const best = [...totals].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 3)
    assert.deepEqual(
      top.map(r => [r.key, r.total, r.rank]),
      best.map(([key, total], i) => [key, total, i + 1]),
    )
  }
})

test('a table grows, is split when it is large, and keeps its keys in order', () => {
  const table = new IntTable(1)
  const n = 400_000
  const put = (target: IntTable, key: number) => {
    let at = (Math.imul(key, 0x9e3779b1) >>> 7) & (target.capacity - 1)
    while (target.ints[at * 2 + 1] !== 0) at = (at + 1) & (target.capacity - 1)
    target.ints[at * 2] = key
    target.ints[at * 2 + 1] = 1
    target.used++
  }
  for (let i = 0; i < n; i++) {
    const key = Math.imul(i, 2654435761)
    if (table.segments === undefined && table.room <= 0) table.grow()
    const target = table.segments?.[Math.imul(key, 0x9e3779b1) >>> 24] ?? table
    if (target.room <= 0) target.grow()
    put(target, key)
  }
  assert.ok(table.segments !== undefined)
  assert.equal(table.count, n)
  const { keys } = sortedEntries(table)
  assert.equal(new Set(keys).size, n)
  assert.ok(keys.every((key, i) => i === 0 || key > (keys[i - 1] as number)))
  assert.ok(table.bytes() / n < 64, `${table.bytes() / n} bytes a key`)
})

test('sessions that touch, meet and are over: columns equal rows', async () => {
  await fc.assert(
    fc.asyncProperty(
      dense,
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(0, 3, 12),
      async (rows, gap, outOfOrder) => {
        const options = { time: 'at', outOfOrder } as const
        const query = { n: count(), total: sum('whole'), low: min('part'), high: max('part') }
        const byColumns = fromColumns(columnsOf(rows), options).keyBy('key').window(session(gap)).aggregate(query)
        const byRows = from(rows, options).keyBy('key').window(session(gap)).aggregate(query)
        assert.deepEqual(await byColumns.toArray(), await byRows.toArray())
        const late = (r: { offset: bigint }) => r.offset
        assert.deepEqual((await byColumns.late().toArray()).map(late), (await byRows.late().toArray()).map(late))
      },
    ),
    { numRuns: RUNS },
  )
})

test('the top rows of columns are those of rows, ties and late rows too', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(events, dense),
      fc.constantFrom(tumbling(10), hopping(20, 5), cumulating(20, 5)),
      fc.constantFrom(0, 7),
      fc.integer({ min: 1, max: 4 }),
      async (rows, window, outOfOrder, k) => {
        const options = { time: 'at', outOfOrder } as const
        const top = () => ({ top: topK(k, 'part', { tie: 'whole' }) })
        const byColumns = fromColumns(columnsOf(rows), options).window(window).aggregate(top())
        const byRows = from(rows, options).window(window).aggregate(top())
        assert.deepEqual(await byColumns.toArray(), await byRows.toArray())
        const told = (r: { reason: string; offset: bigint }) => [r.offset, r.reason]
        assert.deepEqual((await byColumns.late().toArray()).map(told), (await byRows.late().toArray()).map(told))
        assert.deepEqual((await byColumns.errors().toArray()).map(told), (await byRows.errors().toArray()).map(told))
      },
    ),
    { numRuns: RUNS },
  )
})
