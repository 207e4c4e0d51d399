/** Joins of columns equal their naive twin and the same join over rows, whatever the cuts, whatever the restarts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Batch } from '../../stream/model.ts'
import type { JoinView } from '../../stream/join-view.ts'
import { buildPipeline } from '../../stream/pipeline.ts'
import type { Pipeline } from '../../stream/pipeline.ts'
import type { FeedNode, JoinMode, JoinType, PlanNode } from '../../stream/plan.ts'
import { asOfTwin, intervalTwin } from '../reference/joins.ts'
import type { JoinEvent, Joined, JoinRow } from '../reference/joins.ts'
import { drive, places } from './pipeline-runs.ts'
import { settings } from './settings.ts'

interface Row {
  readonly t: number
  readonly key: number
  readonly id: number
  readonly v: number
}

type Event =
  | (Row & { readonly kind: 'row'; readonly side: 0 | 1 })
  | { readonly kind: 'idle'; readonly side: 0 | 1 }
  | { readonly kind: 'watermark'; readonly side: 0 | 1; readonly at: number }

type Rows = readonly Row[]
const KINDS = { t: 'float', key: 'int', id: 'int', v: 'float' } as const

const paired = (l: Row, r: Row) => ({ left: l.id, right: r.id, key: r.key, lt: l.t, rt: r.t, both: l.v + r.v * 2 })
const padded = (l: Row, r: Row | null) => ({
  left: l.id, right: r?.id ?? null, key: l.key, lt: l.t, rt: r === null ? -1 : r.t, both: l.v + (r?.v ?? 0.5), bare: r?.v,
}) // prettier-ignore

/** Which sides lack rows. */
type Filtered = 'both' | 'left' | 'none'

/** Throws where there is no right row. */
const daring = (l: Row, r: Row | null) => ({ left: l.id, both: l.v + r!.v })

function plan(
  mode: JoinMode,
  type: JoinType,
  bound: number | undefined,
  columns: boolean,
  dares = false,
  filtered: Filtered = 'both',
): PlanNode {
  const feed = (id: string): FeedNode => {
    const node = { op: 'feed', id, partitions: 1, time: 't', outOfOrderMs: bound, bounded: false } as const
    return columns ? { ...node, columns: KINDS } : node
  }
  // Steps that columns pass through; what they keep out never comes.
  const left: PlanNode = { op: 'filter', input: feed('l'), f: (row: Row) => row.id % 5 !== 2 }
  const right: PlanNode = { op: 'filter', input: feed('r'), f: (row: Row) => row.id < 15 || row.id % 3 !== 1 }
  const f = dares ? daring : type === 'left' ? padded : paired
  const options = { mode, type, on: [{ left: 'key', right: 'key' }], f } as const
  return {
    op: 'join',
    left: filtered === 'none' ? feed('l') : left,
    right: filtered === 'both' ? right : feed('r'),
    options,
  }
}

/** Events between two looks at a join that is looked at. */
const LOOK_EVERY = 500

interface Got {
  readonly view: JoinView | undefined
  readonly rows: readonly object[]
  readonly late: readonly unknown[]
  readonly stats: object
}

function run(
  node: PlanNode,
  events: readonly Event[],
  columns: boolean,
  cuts: ReadonlySet<number> | 'all',
  restarts = new Set<number>(),
  lookFrom?: number,
): Got {
  const rows: object[] = []
  let step = 0
  const onOutput = (batch: Batch) => {
    assert.equal(batch.columns !== undefined, columns, 'made of columns')
    batch.rows.forEach((row, i) => {
      assert.ok(batch.eventTimesMs[i]! > batch.beforeMs[i]!, 'late below the join')
      rows.push({
        ...(row as object),
        time: batch.eventTimesMs[i],
        before: batch.beforeMs[i],
        step: cuts === 'all' ? step : 0,
      })
    })
  }
  let current: Pipeline | undefined
  const build = () => {
    current = buildPipeline(node, {
      revive: slot => slot as (...args: never[]) => unknown,
      decode: () => ({ rows: [], keys: [], failures: [] }),
      onOutput,
    })
    if (lookFrom !== undefined && step >= lookFrom) current.watchJoin(true)
    return current
  }
  const pipeline = drive(events, {
    cuts,
    restarts,
    build,
    rows: (to, rows) => {
      const given = rows.map(({ t, key, id, v }) => ({ t, key, id, v }))
      to.push(rows[0]!.side, {
        kind: 'rows',
        rows: given,
        count: given.length,
        columns: columns ? columnsOf(given) : undefined,
      })
    },
    other: (to, event) =>
      to.push(
        event.side,
        event.kind === 'idle' ? { kind: 'idle', partition: 0 } : { kind: 'watermark', watermarkMs: event.at },
      ),
    at: i => {
      step = i
      if (i === lookFrom) current?.watchJoin(true)
      if (i % LOOK_EVERY === 0) current?.stats()
    },
  })
  step = events.length
  const view = pipeline.stats().join
  for (const side of [0, 1]) pipeline.push(side, { kind: 'end' })
  const { state, rowCount, droppedCount, errorCount, recordCount, watermarkMs } = pipeline.stats()
  const late = pipeline.lateRows.map(refused => (refused.row as Row).id)
  return { view, rows, late, stats: { state, rowCount, droppedCount, errorCount, recordCount, watermarkMs } }
}

function columnsOf(rows: Rows) {
  return {
    t: Float64Array.from(rows, row => row.t),
    key: Int32Array.from(rows, row => row.key),
    id: Int16Array.from(rows, row => row.id),
    v: Float32Array.from(rows, row => row.v),
  }
}

const side = fc.constantFrom<0 | 1>(0, 1)
const events: fc.Arbitrary<Event[]> = fc
  .array(
    fc.oneof(
      { weight: 10, arbitrary: fc.tuple(fc.constant('row' as const), side, fc.integer({ min: -15, max: 30 }), fc.constantFrom(-7, 0, 2 ** 31 - 1)) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('idle' as const), side, fc.constant(0), fc.constant(0)) },
      { weight: 3, arbitrary: fc.tuple(fc.constant('watermark' as const), side, fc.integer({ min: -15, max: 30 }), fc.constant(0)) },
    ),
    { maxLength: 50 },
  )
  .map(list =>
    list.map(([kind, of, t, key], id) =>
      kind === 'row' ? { kind, side: of, t, key, id, v: id / 4 } : kind === 'idle' ? { kind, side: of } : { kind, side: of, at: t },
    ),
  ) // prettier-ignore

const bounds = fc.option(fc.constantFrom(0, 1, 5), { nil: undefined })
const within = fc.constantFrom<[number, number]>([-5, 5], [0, 0], [-3, 7], [2, 6], [-8, -1], [0, 20], [-1, 1])
const joins = fc.oneof(
  within.map(([fromMs, toMs]) => ({ mode: { kind: 'interval', fromMs, toMs } as JoinMode, type: 'inner' as JoinType })),
  fc.constantFrom<JoinType>('inner', 'left').map(type => ({ mode: { kind: 'asOf' } as JoinMode, type })),
)

/** What the filter keeps out still tells the time, so the twin is given it without a key. */
function forTwin(list: readonly Event[]): JoinEvent[] {
  return list.map(event => {
    if (event.kind !== 'row') return event
    const { side: of, t, id } = event
    const row: JoinRow = { kind: 'row', side: of, t, id, key: String(event.key), deleted: false }
    return row
  })
}

const text = ({ step, left, right, time }: Joined) => `${step}: ${left} ${right} at ${time}`

test('joins of columns equal their naive twin', () => {
  fc.assert(
    fc.property(events, bounds, joins, (list, bound, { mode, type }) => {
      const twin = forTwin(list)
      const { rows, late } =
        mode.kind === 'interval'
          ? intervalTwin(twin, bound, type, [mode.fromMs, mode.toMs])
          : asOfTwin(twin, bound, type)
      const got = run(plan(mode, type, bound, true, false, 'left'), list, true, 'all')
      assert.deepEqual(
        (got.rows as readonly Joined[]).map(text).sort(),
        rows.filter(row => row.left === null || Number(row.left) % 5 !== 2).map(text).sort(),
      ) // prettier-ignore
      const kept = new Set(
        list.flatMap(event => (event.kind === 'row' && (event.side === 1 || event.id % 5 !== 2) ? [event.id] : [])),
      )
      assert.deepEqual(
        got.late,
        late.filter(id => kept.has(id as number)),
      )
    }),
    settings(),
  )
})

test('joins of columns equal the same joins of rows, in order, wherever they are cut and restarted', () => {
  fc.assert(
    fc.property(
      events,
      bounds,
      joins,
      places,
      places,
      fc.boolean(),
      (list, bound, { mode, type }, cuts, restarts, dares) => {
        const rows = run(plan(mode, type, bound, false, dares), list, false, new Set())
        const columns = plan(mode, type, bound, true, dares)
        assert.deepEqual(run(columns, list, true, new Set()), rows)
        assert.deepEqual(timed(run(columns, list, true, cuts, restarts)), timed(rows))
      },
    ),
    settings(),
  )
})

const lookFrom = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 20 }) })

test('who looks at a join of columns sees what one sees who looks at the same join of rows', () => {
  fc.assert(
    fc.property(events, bounds, joins, places, lookFrom, (list, bound, { mode, type }, cuts, from) => {
      const cut = new Set([...cuts, from])
      const rows = run(plan(mode, type, bound, false), list, false, cut, new Set(), from)
      const columns = run(plan(mode, type, bound, true), list, true, cut, new Set(), from)
      assert.equal(columns.view !== undefined, from === 0 || from < list.length)
      // Of versions from before a join of columns does not know when they came into force.
      const whole = from === 0 || mode.kind === 'interval'
      assert.deepEqual(seen(columns.view, whole), seen(rows.view, whole))
      if (from > 0) return
      assert.deepEqual(columns.view?.rows, rows.view?.rows)
      assert.deepEqual(columns.view?.lines, rows.view?.lines)
    }),
    settings(),
  )
})

/** What a view tells, in no order: who has begun to look in the middle finds rows in another one. */
function seen(view: JoinView | undefined, whole: boolean) {
  if (view === undefined) return undefined
  const { sides, rows, lines, unmatched, watermarkMs, sinceMs } = view
  const named = rows.map(({ side, key, atMs, state, untilMs }) => `${side} ${key} ${atMs} ${state} ${untilMs}`)
  return {
    times: [watermarkMs, sinceMs],
    rows: named.filter(name => whole || name.startsWith('0')).sort(),
    lines: whole ? lines.map(ends => ends.map(end => named[end]).join(' - ')).sort() : [],
    unmatched: unmatched.map(told => JSON.stringify({ ...told, number: 0 })).sort(),
    sides: (whole ? sides : sides.slice(0, 1)).map(side => ({ ...side, rowCount: 0, bytes: 0 })),
  }
}

test('a version of the same instant counts that comes in the batch which moves the time beyond it', () => {
  const row = (id: number, side: 0 | 1, t: number) => ({ kind: 'row', side, t, key: 0, id, v: id }) as const
  const list = [row(0, 0, 5), row(1, 0, 9), row(2, 1, 4), row(3, 1, 5), row(4, 1, 8), row(5, 1, 12)]
  const { rows } = run(plan({ kind: 'asOf' }, 'inner', 0, true), list, true, new Set())
  const pairs = (rows as readonly { left: number; right: number }[]).map(({ left, right }) => [left, right])
  assert.deepEqual(pairs, [[0, 3], [1, 4]]) // prettier-ignore
})

test('versions far ahead of the left rows release none of them', () => {
  const row = (id: number, side: 0 | 1, t: number) => ({ kind: 'row', side, t, key: 0, id, v: id }) as const
  const ahead = [row(2, 1, 1), row(3, 1, 30), row(4, 1, 31)]
  const list = [row(0, 0, 10), row(1, 0, 12), ...ahead, row(5, 0, 13), row(6, 1, 11)]
  const { rows } = run(plan({ kind: 'asOf' }, 'inner', 5, true), list, true, new Set())
  const pairs = (rows as readonly { left: number; right: number }[]).map(({ left, right }) => [left, right])
  assert.deepEqual(pairs, [[0, 2], [1, 6], [5, 6]]) // prettier-ignore
})

test('a row that nobody could meet when it came meets the row at its bound', () => {
  const row = (id: number, side: 0 | 1, t: number) => ({ kind: 'row', side, t, key: 0, id, v: id }) as const
  const list = [row(0, 0, 100), row(1, 1, 95), row(2, 1, 200), row(3, 0, 195), row(4, 0, 206)]
  const { rows } = run(plan({ kind: 'interval', fromMs: -5, toMs: 5 }, 'inner', undefined, true), list, true, new Set())
  const pairs = (rows as readonly { left: number; right: number }[]).map(({ left, right }) => [left, right])
  assert.deepEqual(pairs, [[0, 1], [3, 2]]) // prettier-ignore
})

test('a large batch behind places kept for small ones comes out', () => {
  const many = (side: 0 | 1, from: number, count: number): Event[] =>
    Array.from({ length: count }, (_, i) => ({ kind: 'row', side, t: from + i, key: 0, id: 100 + from + i, v: 0 }))
  const small = [...many(0, 0, 3), ...many(1, 0, 3)]
  const told = [0, 1].map(side => ({ kind: 'watermark', side: side as 0 | 1, at: 5 }) as const)
  const list: Event[] = [...small, ...told, ...many(0, 10, 1500), ...many(1, 10, 1500)]
  const { rows } = run(plan({ kind: 'asOf' }, 'left', undefined, true), list, true, new Set())
  assert.equal(rows.length, 1202)
})

/** Without the watermark before each row: a batch that ends where the filter keeps a row out tells more of it. */
const timed = (got: Got) => ({ ...got, view: undefined, rows: got.rows.map(row => ({ ...row, before: 0 })) })

/** Long lists of few keys, rows far ahead of others, rings and tables that grow and are cleared. */
function longTrace(seed: number, count: number, keys: number, disorder: number): Event[] {
  let state = seed
  const random = (below: number) => {
    state = (state + 0x9e3779b9) | 0
    let x = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    return ((x ^ (x >>> 16)) >>> 0) % below
  }
  return Array.from({ length: count }, (_, id) => {
    const side = random(2) as 0 | 1
    // Left rows far ahead of their time: what comes behind them expires before they do.
    const ahead = disorder > 0 && side === 0 && random(200) === 0 ? 500 : 0
    const back = disorder === 0 ? 0 : random(random(10) === 0 ? disorder : 2)
    const t = Math.floor(id / 4) - back + ahead
    // Of very many keys a few come often.
    const key = random(keys > 1000 && random(3) === 0 ? 40 : keys)
    // The first is the one by which tables know places without a key.
    return { kind: 'row', side, t, key: [0x5bd1e995, 0][key] ?? key * 65_537, id: id % 30_000, v: id / 4 }
  })
}

interface LongJoin {
  readonly keys: number
  readonly disorder: number
  readonly mode: JoinMode
  /** Rows of both sides, of which one comes before the other. */
  readonly size?: number
  readonly count?: number
}

const longJoins: readonly LongJoin[] = [
  { keys: 1, disorder: 200, mode: { kind: 'interval', fromMs: -4, toMs: 3 } },
  { keys: 3, disorder: 2, mode: { kind: 'interval', fromMs: -260, toMs: -250 } },
  { keys: 40, disorder: 80, mode: { kind: 'interval', fromMs: -20, toMs: 35 } },
  { keys: 700, disorder: 30, mode: { kind: 'interval', fromMs: -90, toMs: 90 } },
  // One side so far ahead that its rows wait in their batch.
  { keys: 40, disorder: 0, mode: { kind: 'interval', fromMs: -20, toMs: 35 }, size: 3400 },
  { keys: 1, disorder: 200, mode: { kind: 'asOf' } },
  { keys: 700, disorder: 60, mode: { kind: 'asOf' } },
  // So many keys that the table of them grows.
  { keys: 30_000, disorder: 30, mode: { kind: 'interval', fromMs: -1500, toMs: 1500 }, count: 12_000 },
  { keys: 30_000, disorder: 30, mode: { kind: 'asOf' }, count: 12_000 },
  // Batches so large that they are read where they lie.
  { keys: 2, disorder: 0, mode: { kind: 'asOf' }, size: 3400 },
]

for (const { keys, disorder, mode, size = 600, count = 3500 } of longJoins) {
  test(`a long ${mode.kind} join of ${keys} keys in columns, ${disorder} ms out of order, equals that of rows`, () => {
    const type = mode.kind === 'asOf' ? 'left' : 'inner'
    const list = longTrace(keys, process.env['LONG'] === undefined ? count : 20_000, keys, disorder)
    const large = size > 600
    const cuts = new Set(Array.from({ length: large ? 0 : 40 }, (_, i) => i * 211))
    const looks = new Set(list.map((_, i) => i).filter(i => i % LOOK_EVERY === 0))
    const restarts = new Set(large ? [] : [1500, 1501, 3000])
    // Batches of one side, as feeds give them: one side runs ahead of the other.
    const sides = list.toSorted((a, b) => Math.floor(idOf(a) / size) - Math.floor(idOf(b) / size) || a.side - b.side)
    const runs: [Event[], Filtered][] = [[list, 'none'], [sides, 'both'], ...(large ? [[sides, 'none'] satisfies [Event[], Filtered]] : [])] // prettier-ignore
    for (const [order, filtered] of runs) {
      const node = (columns: boolean) => plan(mode, type, disorder + 3, columns, false, filtered)
      const rows = run(node(false), order, false, looks, new Set(), 0)
      assert.ok(rows.rows.length > 300, String(rows.rows.length))
      const compared = filtered === 'none' ? ({ rows, ...got }: Got) => ({ ...got, view: undefined, rows }) : timed
      assert.deepEqual(compared(run(node(true), order, true, cuts, restarts)), compared(rows))
      if (order === sides) continue
      const looked = run(node(true), order, true, new Set([...cuts, ...looks]), new Set(), 0)
      assert.deepEqual(seen(looked.view, true), seen(rows.view, true))
      assert.ok((looked.view?.lines.length ?? 0) > 8)
    }
  })
}

const idOf = (event: Event) => (event.kind === 'row' ? event.v * 4 : 0)
