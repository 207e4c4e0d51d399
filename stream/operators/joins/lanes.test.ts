/** What a page is shown of a join: pairs, rows that wait and until when, rows that left alone, rows held per side. By literals. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, feed, hopping, session, tumbling } from '../../index.ts'
import { buildPipeline } from '../../pipeline.ts'
import type { Pipeline } from '../../pipeline.ts'
import type { PlanNode } from '../../plan.ts'
import { FOLLOWED, JoinLanes } from './lanes.ts'
import type { JoinView } from '../../join-view.ts'

interface Row {
  readonly at: number
  readonly k: string | null
  readonly n?: number
}

const left = () => feed<Row>({ time: 'at' })
const right = () => feed<Row>({ time: 'at' })

function pipelineOf(plan: PlanNode, watched = true): Pipeline {
  const pipeline = buildPipeline(plan, {
    revive: slot => slot as (...args: never[]) => unknown,
    decode: () => ({ rows: [], keys: [], failures: [] }),
    onOutput: () => undefined,
  })
  pipeline.watchJoin(watched)
  return pipeline
}

function push(pipeline: Pipeline, side: 0 | 1, ...rows: Row[]): void {
  pipeline.push(side, { kind: 'rows', rows })
}

function time(pipeline: Pipeline, watermarkMs: number): void {
  for (const side of [0, 1]) pipeline.push(side, { kind: 'watermark', watermarkMs })
}

function viewOf(pipeline: Pipeline): JoinView {
  const view = pipeline.stats().join
  assert.ok(view !== undefined)
  return view
}

/** `L k@at state until`. */
function rowsOf({ rows }: JoinView): string[] {
  return rows.map(({ side, key, atMs, state, untilMs }) => `${'LR'[side]} ${key}@${atMs} ${state} ${untilMs}`)
}

function linesOf({ rows, lines }: JoinView): string[] {
  return lines.map(([l, r]) => `${rows[l]?.key}@${rows[l]?.atMs}-${rows[r]?.key}@${rows[r]?.atMs}`)
}

function aloneOf({ unmatched }: JoinView): string[] {
  return unmatched.map(({ side, key, atMs, endedMs, reason }) => `${'LR'[side]} ${key}@${atMs} ${reason} ${endedMs}`)
}

test('an interval join: pairs with a line, who waits with the watermark that ends it, who left alone', () => {
  const { plan } = left().join(right(), { on: 'k', within: '-5ms..10ms' })
  const pipeline = pipelineOf(plan)
  push(pipeline, 0, { at: 10, k: 'a' }, { at: 12, k: 'b' }, { at: 13, k: null })
  push(pipeline, 1, { at: 15, k: 'a' }, { at: 20, k: 'a' }, { at: 14, k: 'c' })
  time(pipeline, 17)
  const view = viewOf(pipeline)
  // A left row waits for 10 ms, a right one for 5.
  assert.deepEqual(rowsOf(view), [
    'L a@10 matched 20',
    'R a@15 matched 20',
    'R a@20 matched 25',
    'L b@12 waiting 22',
    'L null@13 unmatched null',
    'R c@14 waiting 19',
  ])
  assert.deepEqual(linesOf(view), ['a@10-a@15', 'a@10-a@20'])
  assert.deepEqual(aloneOf(view), ['L null@13 noKey null'])
  assert.equal(view.watermarkMs, 17)
  assert.deepEqual(
    view.sides.map(side => [side.rowCount, side.matchedCount, side.waitingCount, side.unmatchedCount]),
    [
      [2, 1, 1, 1],
      [3, 2, 1, 0],
    ],
  )
  assert.ok(view.sides[0].bytes > 2 * 48 && view.sides[0].bytes < 2 * 300)

  time(pipeline, 22)
  const later = viewOf(pipeline)
  // c was to leave at 19, b at 22.
  assert.deepEqual(aloneOf(later), ['L null@13 noKey null', 'R c@14 time 19', 'L b@12 time 22'])
  assert.deepEqual(
    later.sides.map(side => [side.matchedCount, side.waitingCount, side.unmatchedCount]),
    [
      [1, 0, 2],
      [2, 0, 1],
    ],
  )
  assert.equal(later.unmatched[2]?.row, '{"at":12,"k":"b"}')
})

test('nobody looks, nothing is followed; who begins to look sees what is held, and not what was before', () => {
  const { plan } = left().join(right(), { on: 'k', within: '10ms', type: 'left' })
  const pipeline = pipelineOf(plan, false)
  push(pipeline, 0, { at: 10, k: 'a' }, { at: 11, k: 'b' }, { at: 12, k: 'c' })
  push(pipeline, 1, { at: 15, k: 'a' })
  time(pipeline, 14)
  assert.equal(pipeline.stats().join, undefined)
  pipeline.watchJoin(true)
  const view = viewOf(pipeline)
  assert.equal(view.sinceMs, 14)
  assert.deepEqual(linesOf(view), ['a@10-a@15'])
  assert.deepEqual(rowsOf(view), ['L a@10 matched 20', 'R a@15 matched 25', 'L b@11 waiting 21', 'L c@12 waiting 22'])
  // b is padded: a left join knows that it found nobody.
  time(pipeline, 21)
  assert.deepEqual(aloneOf(viewOf(pipeline)), ['L b@11 time 21'])
  pipeline.watchJoin(false)
  assert.equal(pipeline.stats().join, undefined)
})

test('an inner join does not know whether rows from before somebody looked had met: they are never called unmatched', () => {
  const { plan } = left().join(right(), { on: 'k', within: '10ms' })
  const pipeline = pipelineOf(plan, false)
  push(pipeline, 0, { at: 10, k: 'a' })
  time(pipeline, 12)
  pipeline.watchJoin(true)
  push(pipeline, 0, { at: 13, k: 'b' })
  time(pipeline, 40)
  assert.deepEqual(aloneOf(viewOf(pipeline)), ['L b@13 time 23'])
})

test('a restored join shows what it holds', () => {
  const { plan } = left().join(right(), { on: 'k', within: '10ms', type: 'full' })
  const first = pipelineOf(plan)
  push(first, 0, { at: 10, k: 'a' }, { at: 12, k: 'b' })
  push(first, 1, { at: 11, k: 'a' })
  time(first, 11)
  const second = pipelineOf(plan)
  second.restore(first.snapshot())
  assert.deepEqual(rowsOf(viewOf(second)), ['L a@10 matched 20', 'R a@11 matched 21', 'L b@12 waiting 22'])
  assert.deepEqual(
    viewOf(second).sides.map(side => side.rowCount),
    [2, 1],
  )
})

test('as of: left rows wait for their own time, versions for no time; one without a version left alone', () => {
  const { plan } = left().join(right(), { on: 'k', asOf: true, type: 'left' })
  const pipeline = pipelineOf(plan)
  push(pipeline, 1, { at: 5, k: 'a' }, { at: 9, k: 'a' })
  push(pipeline, 0, { at: 8, k: 'a' }, { at: 9, k: 'b' }, { at: 20, k: 'a' })
  time(pipeline, 10)
  const view = viewOf(pipeline)
  assert.deepEqual(linesOf(view), ['a@8-a@5'])
  assert.deepEqual(rowsOf(view), [
    'L a@8 matched null',
    'R a@5 matched null',
    'L a@20 waiting 20',
    'L b@9 unmatched null',
    'R a@9 kept null',
  ])
  assert.deepEqual(aloneOf(view), ['L b@9 absent 9'])
  assert.deepEqual(
    view.sides.map(side => side.rowCount),
    [1, 2],
  )
})

test('a table: each left row is looked up at once', () => {
  const { plan } = left().join(right(), { on: 'k', table: true })
  const pipeline = pipelineOf(plan)
  push(pipeline, 1, { at: 1, k: 'a' }, { at: 2, k: 'b' })
  push(pipeline, 0, { at: 8, k: 'a' }, { at: 9, k: 'x' }, { at: 10, k: null })
  const view = viewOf(pipeline)
  assert.deepEqual(linesOf(view), ['a@8-a@1'])
  assert.deepEqual(aloneOf(view), ['L x@9 absent null', 'L null@10 noKey null'])
  assert.deepEqual(
    view.sides.map(side => side.rowCount),
    [0, 2],
  )
})

test('windows: rows wait for the end of their last window and meet when one closes', () => {
  const tumble = pipelineOf(left().join(right(), { on: 'k', window: tumbling('10ms'), type: 'anti' }).plan)
  push(tumble, 0, { at: 1, k: 'a' }, { at: 2, k: 'b' })
  push(tumble, 1, { at: 3, k: 'a' })
  assert.deepEqual(rowsOf(viewOf(tumble)), ['L a@1 waiting 9', 'L b@2 waiting 9', 'R a@3 waiting 9'])
  time(tumble, 9)
  assert.deepEqual(linesOf(viewOf(tumble)), ['a@1-a@3'])
  assert.deepEqual(aloneOf(viewOf(tumble)), ['L b@2 time 9'])

  const hop = pipelineOf(left().join(right(), { on: 'k', window: hopping('10ms', '5ms') }).plan)
  push(hop, 0, { at: 6, k: 'a' })
  push(hop, 1, { at: 7, k: 'a' })
  assert.deepEqual(rowsOf(viewOf(hop)), ['L a@6 waiting 14', 'R a@7 waiting 14'])
  time(hop, 30)
  // They met in two windows, which is one line.
  assert.deepEqual(linesOf(viewOf(hop)), ['a@6-a@7'])
})

test('sessions: a row that prolongs its session makes the others wait longer', () => {
  const pipeline = pipelineOf(left().join(right(), { on: 'k', window: session('10ms') }).plan)
  push(pipeline, 0, { at: 1, k: 'a' }, { at: 30, k: 'b' })
  push(pipeline, 1, { at: 8, k: 'a' })
  assert.deepEqual(rowsOf(viewOf(pipeline)), ['L a@1 waiting 17', 'L b@30 waiting 39', 'R a@8 waiting 17'])
  time(pipeline, 39)
  assert.deepEqual(linesOf(viewOf(pipeline)), ['a@1-a@8'])
  assert.deepEqual(aloneOf(viewOf(pipeline)), ['L b@30 time 39'])
})

test('a time to live: a row that was taken back is gone, and its partner waits again', () => {
  const counts = left().keyBy('k').aggregate({ n: count() })
  const pipeline = pipelineOf(right().join(counts, { on: 'k', ttl: '10ms' }).plan)
  push(pipeline, 0, { at: 1, k: 'a' }, { at: 2, k: 'b' })
  push(pipeline, 1, { at: 3, k: 'a' })
  assert.deepEqual(rowsOf(viewOf(pipeline)), ['L a@1 matched 11', 'R a@3 matched 13', 'L b@2 waiting 12'])
  // The count of a is another now: the one before is taken back.
  push(pipeline, 1, { at: 4, k: 'a' })
  assert.deepEqual(rowsOf(viewOf(pipeline)), ['L a@1 matched 11', 'R a@4 matched 14', 'L b@2 waiting 12'])
  time(pipeline, 12)
  assert.deepEqual(aloneOf(viewOf(pipeline)), ['L b@2 time 12'])
})

test('rows that are taken back leave no line', () => {
  const lanes = new JoinLanes({ watermarkMs: () => 0, keyOf: () => 'a', sinceMs: null })
  const [l, r, second] = [{ l: 1 }, { r: 1 }, { r: 2 }]
  lanes.came(0, 0, 1, l, 11)
  lanes.came(1, 0, 2, r, 12)
  lanes.came(1, 0, 3, second, 13)
  lanes.paired(0, l, r)
  lanes.paired(0, l, second)
  lanes.takenBack(1, r)
  assert.deepEqual(rowsOf(lanes.view([1, 1])), ['L a@1 matched 11', 'R a@3 matched 13'])
  lanes.takenBack(1, second)
  assert.deepEqual(rowsOf(lanes.view([1, 0])), ['L a@1 waiting 11'])
  lanes.came(1, 0, 4, r, 14)
  lanes.paired(0, l, r)
  lanes.takenBack(0, l)
  assert.deepEqual(rowsOf(lanes.view([0, 1])), ['R a@4 waiting 14'])
})

test('rows that wait are followed to their end, however many meet meanwhile', () => {
  const { plan } = left().join(right(), { on: 'k', within: '1s' })
  const pipeline = pipelineOf(plan)
  push(pipeline, 0, { at: 1, k: 'alone' })
  for (let i = 0; i < 30; i++) {
    const rows = Array.from({ length: 500 }, (_, n) => ({ at: 2, k: `k${i * 500 + n}` }))
    push(pipeline, 0, ...rows)
    push(pipeline, 1, ...rows)
  }
  time(pipeline, 1001)
  assert.deepEqual(aloneOf(viewOf(pipeline)), ['L alone@1 time 1001'])
  assert.equal(viewOf(pipeline).sides[0].unfollowedCount, 0)
})

test('where rows come too fast those of fewer keys are followed, and of these keys nothing is missed', () => {
  const { plan } = left().join(right(), { on: 'k', within: '1s' })
  const pipeline = pipelineOf(plan)
  for (let i = 0; i < 16; i++) {
    const rows = Array.from({ length: 1000 }, (_, n) => ({ at: 2, k: `k${i * 1000 + n}` }))
    push(pipeline, 0, ...rows)
    push(pipeline, 1, ...rows.filter((_, n) => n % 2 === 0))
  }
  time(pipeline, 1)
  const view = viewOf(pipeline)
  assert.ok(view.everyKey > 1 && view.everyKey <= 8)
  const met = new Set(view.rows.filter(row => row.state === 'matched').map(row => row.key))
  assert.ok(met.size > 4)
  // Every second key has a partner.
  for (const key of met) assert.equal(Number(key?.slice(1)) % 2, 0)
  for (const { key, state } of view.rows) if (state === 'waiting') assert.equal(Number(key?.slice(1)) % 2, 1)
  // As soon as it is quieter, more are followed again.
  for (let i = 0; i < 3; i++) viewOf(pipeline)
  assert.equal(viewOf(pipeline).everyKey, 1)
})

test('what is followed is bounded, and rows that were too many are counted', () => {
  const { plan } = left().join(right(), { on: 'k', within: '1h' })
  const pipeline = pipelineOf(plan)
  for (let from = 0; from < FOLLOWED + 7; from += 1000) {
    const length = Math.min(1000, FOLLOWED + 7 - from)
    push(pipeline, 0, ...Array.from({ length }, (_, i) => ({ at: from + i, k: `k${from + i}` })))
    viewOf(pipeline)
  }
  const view = viewOf(pipeline)
  assert.equal(view.sides[0].rowCount, FOLLOWED + 7)
  assert.equal(view.sides[0].waitingCount, FOLLOWED)
  assert.equal(view.sides[0].unfollowedCount, 7)
  assert.ok(view.rows.length <= 24)
})

const COLUMNS = { at: 'float', k: 'int', n: 'int' } as const

/** A join of columns: `fromColumns` in a notebook. */
function columnPipeline(options: Record<string, unknown>, watched = true): Pipeline {
  const node = (id: string) =>
    ({ op: 'feed', id, partitions: 1, time: 'at', bounded: false, columns: COLUMNS }) as const
  const f = (l: Row, r: Row) => ({ l: l.n, r: r.n })
  const plan = { op: 'join', left: node('l'), right: node('r'), options: { on: [{ left: 'k', right: 'k' }], type: 'inner', f, ...options } } // prettier-ignore
  return pipelineOf(plan as unknown as PlanNode, watched)
}

function pushColumns(
  pipeline: Pipeline,
  side: 0 | 1,
  count: number,
  row: (i: number) => [at: number, k: number],
): void {
  const made = Array.from({ length: count }, (_, i) => row(i))
  const columns = {
    at: Float64Array.from(made, ([at]) => at),
    k: Int32Array.from(made, ([, k]) => k),
    n: Int32Array.from(made, (_, i) => i),
  }
  pipeline.push(side, { kind: 'rows', rows: [], count, columns } as never)
}

const within = (ms: number) => ({ mode: { kind: 'interval', fromMs: -ms, toMs: ms } })

test('of columns rows are drawn, pairs joined by lines, and who left alone is told with all its columns', () => {
  const pipeline = columnPipeline(within(10))
  pushColumns(pipeline, 0, 2, i => [10 + i, 65_536 * (1 + i)])
  pushColumns(pipeline, 1, 1, () => [15, 65_536])
  time(pipeline, 21)
  const view = viewOf(pipeline)
  assert.deepEqual(rowsOf(view), ['L 65536@10 matched null', 'R 65536@15 matched 25', 'L 131072@11 unmatched null'])
  assert.deepEqual(linesOf(view), ['65536@10-65536@15'])
  assert.equal(view.unmatched[0]?.row, '{"at":11,"k":131072,"n":1}')
  // 8 for the time, 8 for its list and n, 8 for the jumps of long lists.
  assert.deepEqual(
    view.sides.map(side => [side.rowCount, side.bytes]),
    [
      [0, 0],
      [1, 24],
    ],
  )
})

test('of fast columns fewer keys are followed from end to end, and whoever looks late follows few at once', () => {
  const pipeline = columnPipeline(within(1000))
  pushColumns(pipeline, 0, 10_000, i => [i / 25, i])
  pushColumns(pipeline, 1, 10_000, i => [i / 25, 2 * i])
  const check = (view: JoinView, everyKey: number): void => {
    assert.ok(view.everyKey >= everyKey && view.everyKey <= 64, String(view.everyKey))
    assert.ok(view.sides[0].matchedCount > 100)
    for (const { side, key, state } of view.rows) {
      // An even one has a partner, of those on the right the lower half.
      const alone = side === 0 ? Number(key) % 2 === 1 : Number(key) >= 10_000
      assert.equal(state, alone ? 'waiting' : 'matched', `${side} ${key}`)
    }
  }
  check(viewOf(pipeline), 8)
  pipeline.watchJoin(false)
  pipeline.watchJoin(true)
  check(viewOf(pipeline), 8)
  // Rows of the keys followed are not let go of: there are no fewer keys that are.
  assert.ok(viewOf(pipeline).everyKey >= 8)
})

test('of columns with one key that come too fast nothing is drawn, and rows are counted', () => {
  const pipeline = columnPipeline(within(1))
  for (let from = 0; from < 50_000; from += 10_000) {
    for (const side of [0, 1] as const) pushColumns(pipeline, side, 5000, i => [from + 2 * i, 7])
    time(pipeline, from + 9998)
  }
  const view = viewOf(pipeline)
  assert.equal(view.followed, false)
  assert.deepEqual([view.rows, view.lines], [[], []])
  assert.equal(view.sides[0].rowCount, 1)
  // Held at once: so many rows of one key are not followed either.
  const held = columnPipeline(within(1e9), false)
  pushColumns(held, 0, 90_000, i => [i, 7])
  held.watchJoin(true)
  assert.equal(viewOf(held).followed, false)
  assert.equal(viewOf(held).sides[0].rowCount, 90_000)
})
