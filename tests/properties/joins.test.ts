/** Laws of joins on random input: equal to the naive twin, whatever the cuts, whatever the restarts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Batch, SourceEvent } from '../../stream/model.ts'
import { buildPipeline } from '../../stream/pipeline.ts'
import type { JoinMode, JoinType, PlanNode } from '../../stream/plan.ts'
import { asOfTwin, intervalTwin, sessionTwin, tableTwin, ttlTwin, windowTwin } from '../reference/joins.ts'
import type { Joined, JoinEvent, JoinRow, TwinResult } from '../reference/joins.ts'
import { drive, feedNode, places } from './pipeline-runs.ts'
import { settings } from './settings.ts'

interface Got {
  readonly rows: readonly (Joined & { readonly weight: number })[]
  readonly late: readonly number[]
  readonly stats: object
}

/** Rows of the join while the events go in; the step is that of the batch, so only uncut runs tell it exactly. */
function run(
  plan: PlanNode,
  events: readonly JoinEvent[],
  {
    cuts,
    restarts = new Set(),
    pieceRows,
  }: { cuts: ReadonlySet<number> | 'all'; restarts?: ReadonlySet<number>; pieceRows?: number | undefined },
): Got {
  const rows: Got['rows'][number][] = []
  let step = 0
  let into = rows
  const take = (batch: Batch) => {
    batch.rows.forEach((row, i) => {
      const { left, right } = row as { left: JoinRow | null; right?: JoinRow | null }
      const time = batch.eventTimesMs[i]!
      into.push({ step, left: left?.id ?? null, right: right?.id ?? null, time, weight: batch.weights?.[i] ?? 1 })
      assert.ok(
        time > batch.beforeMs[i]! || plan.op !== 'join' || lateAllowed(plan.options.mode),
        'late below the join',
      )
    })
  }
  const build = () =>
    buildPipeline(plan, {
      revive: slot => slot as (...args: never[]) => unknown,
      decode: () => ({ rows: [], keys: [], failures: [] }),
      onOutput: take,
      snapshotPieceRows: pieceRows,
    })
  const aside = (f: () => void): unknown => {
    into = []
    f()
    const given = into
    into = rows
    return given
  }
  const pipeline = drive(events, {
    cuts,
    restarts,
    build,
    rows: (to, rows) => to.push(rows[0]!.side, { kind: 'rows', rows }),
    other: (to, event) => to.push(event.side, told(event)),
    at: i => {
      if (cuts === 'all') step = i
    },
    aside: pieceRows === undefined ? undefined : aside,
  })
  step = events.length
  for (const side of [0, 1]) pipeline.push(side, { kind: 'end' })
  const { state, rowCount, droppedCount, errorCount, recordCount, watermarkMs } = pipeline.stats()
  return {
    rows,
    late: pipeline.lateRows.map(refused => (refused.row as JoinRow).id),
    stats: { state, rowCount, droppedCount, errorCount, recordCount, watermarkMs },
  }
}

/** Table rows follow arrival, retractions have the time of what they take back. */
const lateAllowed = (mode: JoinMode) => mode.kind === 'table' || mode.kind === 'ttl'

function told(event: Exclude<JoinEvent, JoinRow>): SourceEvent {
  return event.kind === 'idle' ? { kind: 'idle', partition: 0 } : { kind: 'watermark', watermarkMs: event.at }
}

const PLAIN = { noNullPrototype: true } as const
const side = fc.constantFrom<0 | 1>(0, 1)
const events: fc.Arbitrary<JoinEvent[]> = fc
  .array(
    fc.oneof(
      {
        weight: 10,
        arbitrary: fc.record(
          {
            kind: fc.constant('row' as const),
            side,
            t: fc.integer({ min: -15, max: 30 }),
            key: fc.constantFrom('a', 'a', 'b', null),
            id: fc.constant(0),
            deleted: fc.boolean(),
          },
          PLAIN,
        ),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('idle' as const), side }, PLAIN) },
      {
        weight: 3,
        arbitrary: fc.record(
          { kind: fc.constant('watermark' as const), side, at: fc.integer({ min: -15, max: 30 }) },
          PLAIN,
        ),
      },
    ),
    { maxLength: 40 },
  )
  .map(list => list.map((event, id) => (event.kind === 'row' ? { ...event, id } : event)))

const bounds = fc.option(fc.constantFrom(0, 1, 5), { nil: undefined })
const types = fc.constantFrom<JoinType>('inner', 'left', 'right', 'full')
const allTypes = fc.constantFrom<JoinType>('inner', 'left', 'right', 'full', 'semi', 'anti')
const leftTypes = fc.constantFrom<JoinType>('inner', 'left')

function plan(mode: JoinMode, type: JoinType, bound: number | undefined): PlanNode {
  const input = { ...feedNode(1, bound), bounded: false }
  const deletes = mode.kind === 'table' || mode.kind === 'asOf'
  return {
    op: 'join',
    left: { ...input, id: 'l' },
    right: { ...input, id: 'r' },
    options: {
      mode,
      type,
      on: [{ left: 'key', right: 'key' }],
      deleted: deletes ? (row: JoinRow) => row.deleted : undefined,
    },
  }
}

const text = ({ step, left, right, time }: Joined) => `${step}: ${left} ${right} at ${time}`
const sorted = (rows: readonly Joined[]) => rows.map(text).sort()

/** Undefined: the join stands while its snapshot is made. */
const pieces = fc.constantFrom(undefined, 1, 1, 2, 5)

/** One mode against its twin, with steps, and against itself however it is cut and restarted. */
function law(
  name: string,
  mode: fc.Arbitrary<JoinMode>,
  type: fc.Arbitrary<JoinType>,
  twin: (e: JoinEvent[], bound: number | undefined, type: JoinType, mode: JoinMode) => TwinResult,
): void {
  test(`${name} joins equal their naive twin`, () => {
    fc.assert(
      fc.property(events, bounds, type, mode, (list, bound, t, m) => {
        const expected = twin(list, bound, t, m)
        const got = run(plan(m, t, bound), list, { cuts: 'all' })
        assert.deepEqual(sorted(got.rows), sorted(expected.rows))
        assert.deepEqual(got.late, expected.late)
      }),
      settings(),
    )
  })
  cutsChangeNothing(name, mode, type)
}

function cutsChangeNothing(name: string, mode: fc.Arbitrary<JoinMode>, type: fc.Arbitrary<JoinType>): void {
  test(`batch cuts and restarts change nothing in ${name} joins`, () => {
    fc.assert(
      fc.property(
        events,
        bounds,
        type,
        mode,
        places,
        places,
        pieces,
        (list, bound, t, m, cuts, restarts, pieceRows) => {
          const node = plan(m, t, bound)
          const plain = (got: Got) => got.rows.map(row => ({ ...row, step: 0 }))
          const whole = run(node, list, { cuts: new Set() })
          for (const other of [run(node, list, { cuts }), run(node, list, { cuts, restarts, pieceRows })]) {
            assert.deepEqual(plain(other), plain(whole))
            assert.deepEqual(other.late, whole.late)
            assert.deepEqual(other.stats, whole.stats)
          }
        },
      ),
      settings(),
    )
  })
}

const within = fc.constantFrom<[number, number]>([-5, 5], [0, 0], [-3, 7], [2, 6], [-8, -1], [0, 20], [-1, 1])
law(
  'interval',
  within.map(([fromMs, toMs]) => ({ kind: 'interval', fromMs, toMs })),
  types,
  (list, bound, type, mode) =>
    intervalTwin(list, bound, type, mode.kind === 'interval' ? [mode.fromMs, mode.toMs] : [0, 0]),
)
law('as-of', fc.constant<JoinMode>({ kind: 'asOf' }), leftTypes, asOfTwin)
law('table', fc.constant<JoinMode>({ kind: 'table' }), leftTypes, (list, _bound, type) => tableTwin(list, type))

const shapes = fc.constantFrom<[number, number]>([10, 10], [10, 5], [7, 3], [3, 7], [1, 1])
law(
  'window',
  shapes.map(([sizeMs, slideMs]) => ({ kind: 'window', window: { kind: 'hopping', sizeMs, slideMs, offsetMs: 0 } })),
  allTypes,
  (list, bound, type, mode) => {
    assert.ok(mode.kind === 'window' && mode.window.kind === 'hopping')
    return windowTwin(list, bound, type, { size: mode.window.sizeMs, slide: mode.window.slideMs })
  },
)
law(
  'session',
  fc.constantFrom(1, 4, 10).map(gapMs => ({ kind: 'window', window: { kind: 'session', gapMs } })),
  allTypes,
  (list, bound, type, mode) => {
    assert.ok(mode.kind === 'window' && mode.window.kind === 'session')
    return sessionTwin(list, bound, type, mode.window.gapMs)
  },
)

const ttls = fc.constantFrom(1, 5, 12, 100).map<JoinMode>(ttlMs => ({ kind: 'ttl', ttlMs }))
test('the sum of a ttl join equals its naive twin', () => {
  fc.assert(
    fc.property(events, bounds, types, ttls, (list, bound, type, mode) => {
      const expected = ttlTwin(list, bound, type, mode.kind === 'ttl' ? mode.ttlMs : 0)
      const got = run(plan(mode, type, bound), list, { cuts: 'all' })
      const sum = new Map<string, number>()
      for (const { weight, ...row } of got.rows) {
        const name = text({ ...row, step: 0 })
        const left = (sum.get(name) ?? 0) + weight
        assert.ok(left === 0 || left === 1, `${name} ${left} times`)
        if (left === 0) sum.delete(name)
        else sum.set(name, left)
      }
      assert.deepEqual([...sum.keys()].sort(), sorted(expected.rows.map(row => ({ ...row, step: 0 }))))
      assert.deepEqual(got.late, expected.late)
    }),
    settings(),
  )
})
cutsChangeNothing('ttl', ttls, types)
