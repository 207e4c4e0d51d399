/** The changes of a chart, from the rows of a stream to what a page shows: which, how many, and without a hole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CHANGES_KEPT, changeLines, changesAfter, changesNotice, followChanges, savedChanges } from './changes.ts'
import { ChartHub } from './hub.ts'
import { ChartModel } from './model.ts'
import { ChartTap } from './tap.ts'
import { CREDIT_AT_START, LIVE_MIME } from './protocol.ts'
import { SAMPLE_STATS } from './sample-stats.ts'
import { VirtualClock } from '../time/clock.ts'
import type { Batch } from '../model.ts'
import type { ChartConcept } from './concept.ts'
import type { ChartChanges, ChartFrame, ChartRow, FromEngine, LiveBundle } from './protocol.ts'

const CHANGELOG: ChartConcept = { form: 'rows', by: [], aggregates: [], revisions: false, retracts: true }

type Step = readonly [weight: 1 | -1, n: number]

function batch(steps: readonly Step[], atMs = 0): Batch {
  return {
    count: steps.length,
    rows: steps.map(([, n]) => ({ n })),
    eventTimesMs: new Float64Array(steps.length).fill(atMs),
    beforeMs: new Float64Array(steps.length),
    watermarkMs: 0,
    ...(steps.every(([weight]) => weight > 0) ? {} : { weights: Int8Array.from(steps, ([weight]) => weight) }),
  }
}

function makeTap(concept = CHANGELOG, rows = 1000): ChartTap {
  const retention = { rows, timeField: '$at' }
  return new ChartTap({ concept, retention, latestBy: [], seriesBy: [], seriesLimit: 20 })
}

const told = (changes: ChartChanges | undefined): (string | number)[][] =>
  (changes?.entries ?? []).map(({ number, weight, row }) => [number, weight > 0 ? '+' : '-', Number(row['n'])])

test('a tap keeps no change unasked; asked, it begins with what came last and goes on', () => {
  const tap = makeTap()
  const first = batch([
    [1, 1],
    [1, 2],
    [-1, 1],
  ])
  tap.onBatch(first)
  const before = tap.collect([])
  assert.equal(before.changes, undefined)
  assert.deepEqual([before.seenCount, before.retractedCount], [3, 1])
  tap.watchChanges(true, [first])
  tap.onBatch(batch([[1, 3]], 7))
  const { changes } = tap.collect([])
  assert.deepEqual([changes?.since, changes?.upTo], [0, 4])
  assert.deepEqual(told(changes), [
    [1, '+', 1],
    [2, '+', 2],
    [3, '-', 1],
    [4, '+', 3],
  ])
  assert.equal(changes?.entries[3]?.atMs, 7)
  assert.equal(tap.collect([]).changes, undefined)
  tap.watchChanges(false, [])
  tap.onBatch(batch([[1, 4]]))
  assert.equal(tap.collect([]).changes, undefined)
})

test('of many changes the newest hundred are kept, also where the chart keeps fewer rows', () => {
  const tap = makeTap(CHANGELOG, 5)
  tap.watchChanges(true, [])
  tap.onBatch(batch(Array.from({ length: 350 }, (_, n): Step => [1, n])))
  const { changes, delta } = tap.collect([])
  assert.equal(delta.upsert.length, 5)
  assert.deepEqual([changes?.since, changes?.upTo, changes?.entries.length], [250, 350, CHANGES_KEPT])
  assert.deepEqual(told(changes).at(0), [251, '+', 250])
})

test('changes of series that are not drawn are left out, and their numbers with them', () => {
  const tap = new ChartTap({
    concept: CHANGELOG,
    retention: { rows: 10 },
    latestBy: [],
    seriesBy: ['k'],
    seriesLimit: 1,
  })
  tap.watchChanges(true, [])
  tap.onBatch({ ...batch([[1, 0], [1, 0], [-1, 0]]), rows: [{ k: 'a' }, { k: 'b' }, { k: 'a' }] }) // prettier-ignore
  const { changes } = tap.collect([])
  assert.deepEqual([changes?.since, changes?.upTo], [0, 3])
  assert.deepEqual(
    changes?.entries.map(({ number, weight, row }) => [number, weight, row['k']]),
    [
      [1, 1, 'a'],
      [3, -1, 'a'],
    ],
  )
})

const stretch = (since: number, upTo: number): ChartChanges => ({
  since,
  upTo,
  entries: Array.from({ length: upTo - since }, (_, i) => ({
    number: since + i + 1,
    weight: 1 as const,
    atMs: null,
    row: { n: since + i + 1 },
  })),
})

test('stretches that meet are joined, one behind is known already, one after a gap takes the place', () => {
  const joined = followChanges(stretch(0, 3), stretch(2, 5))
  assert.deepEqual(joined, stretch(0, 5))
  assert.deepEqual(followChanges(stretch(4, 9), stretch(2, 7)), stretch(4, 9))
  assert.deepEqual(followChanges(stretch(0, 3), stretch(4, 5)), stretch(4, 5))
  assert.deepEqual(followChanges(stretch(0, 60), stretch(60, 120)), stretch(20, 120))
  assert.deepEqual(changesAfter(stretch(20, 120), 118), stretch(118, 120))
  assert.deepEqual(changesAfter(stretch(20, 120), 3), stretch(20, 120))
  assert.equal(changesAfter(stretch(20, 120), 120), undefined)
})

test('a saved frame holds the newest changes that fit fifty kilobytes', () => {
  const wide = { since: 0, upTo: 3, entries: [1, 2, 3].map(number => ({ number, weight: 1 as const, atMs: null, row: { text: 'x'.repeat(20_000) } })) } // prettier-ignore
  const saved = savedChanges(wide)
  assert.deepEqual([saved.since, saved.entries.map(({ number }) => number)], [1, [2, 3]])
  assert.deepEqual(savedChanges(stretch(0, 3)), stretch(0, 3))
  assert.deepEqual(savedChanges({ ...wide, entries: [{ ...wide.entries[0]!, row: { text: 'x'.repeat(60_000) } }] }).entries, []) // prettier-ignore
})

test('changes are told newest first, with mark and event time, and what is left out as a number', () => {
  const changes: ChartChanges = {
    since: 0,
    upTo: 3,
    entries: [
      { number: 1, weight: 1, atMs: 1_767_258_000_000, row: { k: 'a', n: 1 } },
      { number: 2, weight: -1, atMs: 1_767_258_001_000, row: { k: 'a', n: 1 } },
      { number: 3, weight: 1, atMs: null, row: { k: 'b', n: 2 } },
    ],
  }
  const columns = [
    { name: 'k', kind: 'text' },
    { name: 'n', kind: 'number' },
  ] as const
  assert.deepEqual(
    changeLines(changes, columns, 10).map(({ inserted, texts }) => [inserted, ...texts]),
    [
      [true, '+', '', 'b', '2'],
      [false, '−', '2026-01-01 09:00:01', 'a', '1'],
      [true, '+', '2026-01-01 09:00:00', 'a', '1'],
    ],
  )
  assert.deepEqual(
    changeLines(changes, columns, 10, { filter: '−' }).map(({ key }) => key),
    ['2'],
  )
  assert.deepEqual(
    changeLines(changes, columns, 1).map(({ key }) => key),
    ['3'],
  )
  const counts = { insertedCount: 1000, retractedCount: 234 }
  assert.equal(changesNotice(50, counts), 'newest 50 of 1,234 changes (1,000 inserted, 234 retracted)')
  assert.equal(changesNotice(3, { insertedCount: 2, retractedCount: 1 }), '3 changes (2 inserted, 1 retracted)')
})

/** A hub with one chart of a changelog, its tap, and a page that applies frames as the extension does. */
function bench(options: { changes?: boolean } = {}) {
  const clock = new VirtualClock()
  const frames: ChartFrame[] = []
  const asked: boolean[] = []
  const tap = makeTap()
  const recent: Batch[] = []
  const hub = new ChartHub({
    clock,
    instance: 'i',
    send: (_connection: string, message: FromEngine) => {
      if (message.type === 'frame') frames.push(...message.charts)
    },
    control: () => undefined,
    setParam: () => undefined,
    changes: (_chartId, on) => {
      asked.push(on)
      tap.watchChanges(on, recent)
    },
  })
  const { chartId } = hub.register({ stream: 's', concept: CHANGELOG, options })
  if (hub.wantsChanges(chartId)) tap.watchChanges(true, [])
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  const put = (steps: readonly Step[]): Batch => {
    // Rows are taken back later than they came.
    const one = batch(steps, recent.length)
    recent.push(one)
    tap.onBatch(one)
    return one
  }
  const tick = (ms = 200): void => {
    hub.apply(chartId, tap.collect([]), SAMPLE_STATS, [])
    clock.advance(ms)
  }
  const subscribe = (): void => hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  return { hub, clock, chartId, frames, asked, tap, put, tick, subscribe }
}

test('a page that asks is sent the newest changes and then what came since; nobody else pays for it', () => {
  const { hub, chartId, frames, asked, put, tick, subscribe } = bench()
  subscribe()
  put([[1, 1], [-1, 1]]) // prettier-ignore
  tick()
  assert.equal(frames.at(-1)?.changes, undefined)
  assert.deepEqual(frames.at(-1)?.status.changes, { insertedCount: 1, retractedCount: 1 })
  // No row holds, so none is left out.
  assert.equal(frames.at(-1)?.status.notice, null)
  hub.receive('c', { type: 'changes', chartId, on: true })
  tick()
  assert.deepEqual(told(frames.at(-1)?.changes), [[1, '+', 1], [2, '-', 1]]) // prettier-ignore
  put([[1, 3]])
  tick()
  assert.deepEqual(told(frames.at(-1)?.changes), [[3, '+', 3]])
  hub.receive('c', { type: 'changes', chartId, on: false })
  put([[1, 4]])
  tick()
  assert.equal(frames.at(-1)?.changes, undefined)
  assert.deepEqual(asked, [true, false])
})

test('changes wait for credit and come in one piece, a page that comes back has all of them again', () => {
  const { hub, chartId, frames, put, tick, subscribe } = bench()
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true, changes: true })
  for (let n = 1; n <= CREDIT_AT_START + 4; n++) {
    put([[1, n]])
    tick(100)
  }
  assert.equal(frames.length, CREDIT_AT_START)
  hub.receive('c', { type: 'credit', count: 1 })
  tick()
  assert.deepEqual(
    told(frames.at(-1)?.changes).map(([number]) => number),
    [1, 2, 3, 4].map(n => CREDIT_AT_START + n),
  )
  hub.receive('c', { type: 'credit', count: CREDIT_AT_START })
  subscribe()
  hub.receive('c', { type: 'changes', chartId, on: true })
  tick()
  assert.equal(frames.at(-1)?.changes?.entries.length, CREDIT_AT_START + 4)
})

test('a chart that is made with its changes keeps them for whoever looks later, also in its saved frame', () => {
  const { hub, chartId, put, tick, asked } = bench({ changes: true })
  put([[1, 5], [-1, 5]]) // prettier-ignore
  tick()
  const bundle = hub.bundle(chartId) ?? {}
  const { last } = bundle[LIVE_MIME] as LiveBundle
  assert.deepEqual(told(last.changes), [[1, '+', 5], [2, '-', 5]]) // prettier-ignore
  assert.match(String(bundle['text/plain']), /\n2 changes \(1 inserted, 1 retracted\)\n.*n\n− .*5\n\+ .*5$/)
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true, changes: true })
  hub.receive('c', { type: 'bye' })
  assert.deepEqual(asked, [])
})

test('whatever is cut, held up, lost or asked again: the shown changes are the difference of the shown rows', () => {
  const action = fc.oneof(
    { weight: 5, arbitrary: fc.array(fc.tuple(fc.constantFrom(1 as const, -1 as const), fc.nat(3)), { maxLength: 6 }) },
    { weight: 3, arbitrary: fc.constant('tick' as const) },
    fc.constantFrom('lose' as const, 'credit' as const, 'restore' as const),
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 30 }), actions => {
      const { hub, chartId, frames, tap, put, tick } = bench()
      const page = new ChartModel({ rows: 1000 })
      let changes: ChartChanges | undefined
      let state = tap.snapshot()
      let after: Batch[] = []
      hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true, changes: true })
      const read = (): void => {
        for (const frame of frames.splice(0)) {
          if (page.applyFrame(frame) === 'gap') {
            hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true, changes: true })
            continue
          }
          if (frame.snapshot !== undefined) changes = frame.changes
          else if (frame.changes !== undefined) changes = followChanges(changes, frame.changes)
        }
      }
      const there = new Map<number, number>()
      for (const act of actions) {
        if (act === 'tick') {
          tick()
          read()
          if (after.length === 0) state = tap.snapshot()
        } else if (act === 'lose') frames.length = 0
        else if (act === 'credit') hub.receive('c', { type: 'credit', count: 40 })
        else if (act === 'restore') {
          // A worker that was lost: what came after its snapshot is handled again.
          tap.restore(structuredClone(state))
          for (const one of after) tap.onBatch(one)
        } else {
          // Only what is there can be taken back.
          const steps = act.filter(([weight, n]) => {
            const count = (there.get(n) ?? 0) + weight
            if (count >= 0) there.set(n, count)
            return count >= 0
          })
          after.push(put(steps))
        }
        if (act === 'tick') {
          state = tap.snapshot()
          after = []
        }
      }
      hub.receive('c', { type: 'credit', count: 40 })
      for (let i = 0; i < 3; i++) {
        tick(1000)
        read()
      }
      // All rows were kept, so the rows shown now are the sum of the changes up to each number; the page knows the last of them.
      const sum = new Map<unknown, number>()
      for (const { weight, row } of changes?.entries ?? []) sum.set(row['n'], (sum.get(row['n']) ?? 0) + weight)
      const shown = new Map<unknown, number>()
      for (const row of page.rows() as ChartRow[]) shown.set(row['n'], (shown.get(row['n']) ?? 0) + 1)
      const of = (counts: Map<unknown, number>): number[] => [0, 1, 2, 3].map(n => counts.get(n) ?? 0)
      assert.deepEqual(of(shown), of(sum))
      assert.deepEqual(of(shown), [0, 1, 2, 3].map(n => there.get(n) ?? 0)) // prettier-ignore
    }),
    { numRuns: 200 },
  )
})
