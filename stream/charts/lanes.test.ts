/** A join on the screen: rows of its lanes, its words, which streams have lanes, and which saved views are believed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feed } from '../index.ts'
import { emptyStatus } from './chart.ts'
import { chartConcept } from './concept.ts'
import { chartBundle } from './fallback.ts'
import { EMPTY_JOIN, lanesRows } from './lanes.ts'
import { isJoinStatus } from './lanes-shape.ts'
import {
  joinText,
  leftOutText,
  listedText,
  sideTexts,
  unmatchedCells,
  unmatchedRows,
  waitingCells,
} from './lanes-text.ts'
import { hasOwnRows, pictureRows } from './picture-rows.ts'
import { chartSpec } from './spec.ts'
import { spokenChart } from './spoken.ts'
import type { ChartRow, JoinStatus } from './protocol.ts'

const T = Date.UTC(2026, 0, 1, 9)
const SECOND = 1000

const JOIN: JoinStatus = {
  kind: 'interval',
  type: 'left',
  text: 'left join within -10s..10s on orderId',
  names: ['orders', 'payments'],
  watermarkMs: T + 20 * SECOND,
  sinceMs: null,
  followed: true,
  everyKey: 1,
  sides: [
    { rowCount: 2, bytes: 300, matchedCount: 1, waitingCount: 1, keptCount: 0, unmatchedCount: 1, unfollowedCount: 0 },
    { rowCount: 1, bytes: 2048, matchedCount: 1, waitingCount: 0, keptCount: 0, unmatchedCount: 0, unfollowedCount: 3 },
  ],
  rows: [
    { number: 1, side: 0, key: 'o-1', atMs: T + 10 * SECOND, state: 'matched', untilMs: T + 20 * SECOND },
    { number: 0, side: 1, key: 'o-1', atMs: T + 12 * SECOND, state: 'matched', untilMs: T + 22 * SECOND },
    { number: 2, side: 0, key: 'o-2', atMs: T + 18 * SECOND, state: 'waiting', untilMs: T + 22 * SECOND },
    { number: 0, side: 0, key: 'o-0', atMs: T, state: 'unmatched', untilMs: null },
  ],
  lines: [[0, 1]],
  unmatched: [{ number: 0, side: 0, key: 'o-0', atMs: T, endedMs: T + 10 * SECOND, reason: 'time', row: '{"orderId":"o-0"}' }], // prettier-ignore
}

function drawn(rows: readonly ChartRow[]): string[] {
  return rows.map(row => {
    const at = (Number(row['$at']) - T) / SECOND
    return [row['what'], row['$side'], at, row['state'] ?? '', row.$open === true ? 'open' : ''].join(' ').trimEnd()
  })
}

test('lanes have a dot for each row, a line from row to row, a stay to where it ends, and the watermark', () => {
  const rows = lanesRows(JOIN)
  assert.deepEqual(drawn(rows), [
    'line 1 10',
    'line -1 12',
    'row 1 10 matched',
    'row -1 12 matched',
    'row 1.3 18 waiting open',
    'stay 1.3 18 waiting',
    'end 1.3 22 waiting',
    'row 1 0 no partner',
    'watermark 2.83 20',
  ])
  assert.equal(rows.find(row => row['what'] === 'stay')?.['$until'], T + 22 * SECOND)
  assert.equal(rows.find(row => row['what'] === 'stay')?.['time left'], '2s')
  assert.equal(new Set(rows.map(row => row.$key)).size, rows.length)
})

test('a stay that ends far beyond the time shown is cut, and rows that overlap stand beside each other', () => {
  const waiting = (number: number, atMs: number, untilMs: number) =>
    ({ number, side: 1, key: 'k', atMs, state: 'waiting', untilMs }) as const
  const rows = [waiting(0, T, T + 3_600_000), waiting(1, T + SECOND, T + 3_601_000), waiting(2, T + 10 * SECOND, T + 11 * SECOND)] // prettier-ignore
  const out = lanesRows({ ...JOIN, watermarkMs: null, rows, lines: [] })
  assert.deepEqual(drawn(out), [
    'row -1.3 0 waiting open',
    'stay -1.3 0 waiting',
    'row -1.47 1 waiting open',
    'stay -1.47 1 waiting',
    'row -1.64 10 waiting open',
    'stay -1.64 10 waiting',
    'end -1.64 11 waiting',
  ])
  // Ten seconds are shown, and three ahead.
  assert.deepEqual(
    out.filter(row => row['what'] === 'stay').map(row => (Number(row['$until']) - T) / SECOND),
    [13, 13, 11],
  )
})

test('a row of a table from another time stands at the edge and tells its own', () => {
  const rows = [
    { number: 0, side: 0, key: 'a', atMs: T, state: 'matched', untilMs: null },
    { number: 1, side: 0, key: 'a', atMs: T + 10 * SECOND, state: 'matched', untilMs: null },
    { number: 0, side: 1, key: 'a', atMs: T - 86_400_000, state: 'matched', untilMs: null },
  ] as const
  const out = lanesRows({ ...JOIN, kind: 'table', watermarkMs: null, rows, lines: [[0, 2]] })
  const version = out.find(row => row['what'] === 'row' && row['$side'] === -1)
  assert.equal(version?.['$at'], T - 500)
  assert.equal(version?.['event time'], '2025-12-31 09:00:00')
})

test('of one row that was looked up the time is shown, not that of old versions', () => {
  const rows = [
    { number: 0, side: 0, key: 'a', atMs: T + 10 * SECOND, state: 'matched', untilMs: null },
    { number: 0, side: 1, key: 'a', atMs: T - 86_400_000, state: 'matched', untilMs: null },
    { number: 1, side: 1, key: 'b', atMs: T - 86_400_000, state: 'kept', untilMs: null },
  ] as const
  const out = lanesRows({ ...JOIN, kind: 'asOf', watermarkMs: null, rows, lines: [[0, 1]] })
  assert.deepEqual(
    out.map(row => [row['what'], Math.round((Number(row['$at']) - T) / SECOND)]),
    [['line', 10], ['line', 10], ['row', 10], ['row', 10]],
  ) // prettier-ignore
})

test('a row that left alone long ago does not squeeze what is going on', () => {
  const [first] = JOIN.rows
  assert.ok(first !== undefined)
  const long = { ...first, number: 9, atMs: T - 3_600_000, state: 'unmatched' } as const
  const rows = lanesRows({ ...JOIN, rows: [...JOIN.rows, long] })
  assert.equal(rows.filter(row => row['what'] === 'row').length, 4)
  assert.equal(Math.min(...rows.map(row => Number(row['$at']))), T)
})

test('words: what a side holds, who waits, who left and why, what is left out', () => {
  assert.deepEqual(sideTexts(JOIN), [
    'orders: 2 rows held (about 300 B), 1 without a partner so far, 1 left without one',
    'payments: 1 row held (about 2 kB), 0 without a partner so far, 0 left without one',
  ])
  assert.equal(
    joinText(JOIN),
    'orders and payments: left join within -10s..10s on orderId · watermark of both sides 09:00:20',
  )
  assert.match(joinText({ ...JOIN, watermarkMs: null }), / · no watermark of both sides yet$/)
  assert.match(joinText({ ...JOIN, watermarkMs: null }, true), / · both sides have ended$/)
  assert.match(joinText({ ...JOIN, kind: 'table' }), / · watermark of orders 09:00:20$/)
  assert.deepEqual(waitingCells(JOIN), [['orders', 'o-2', '09:00:18', '09:00:22', '2s']])
  assert.deepEqual(unmatchedCells(JOIN), [
    ['orders', 'o-0', '09:00:00', '09:00:10', 'no partner came in time: it came out with null', '{"orderId":"o-0"}'],
  ])
  const why = (join: Partial<JoinStatus>): string | undefined => unmatchedCells({ ...JOIN, ...join })[0]?.[4]
  assert.equal(why({ type: 'inner' }), 'no partner came in time: it gave no row')
  assert.equal(why({ type: 'anti', kind: 'window' }), 'nobody was in its window: it came out')
  assert.equal(leftOutText(JOIN), '3 rows of payments were too many to follow')
  const many = { ...JOIN.sides[0], matchedCount: 500 }
  assert.equal(
    leftOutText({ ...JOIN, sides: [many, { ...many, unfollowedCount: 0, waitingCount: 0 }], sinceMs: T }),
    '3 of the newest 1,001 rows are drawn · rows are followed since somebody looked, at 09:00:00',
  )
  assert.equal(sideTexts({ ...JOIN, followed: false })[0], 'orders: 2 rows held (about 300 B)')
})

test('a list of who left alone: what was asked for and what came since, and how many are not in it', () => {
  const row = (number: number) => ({ ...JOIN.unmatched[0]!, number })
  const sides = [{ ...JOIN.sides[0], unmatchedCount: 1204 }, JOIN.sides[1]] as const
  const join = { ...JOIN, sides, unmatched: [row(3), row(4)] }
  const rows = unmatchedRows(join, [row(1), row(2), row(3)])
  assert.deepEqual(rows.map(({ number }) => number), [1, 2, 3, 4]) // prettier-ignore
  assert.deepEqual(unmatchedCells(join, rows).length, 4)
  assert.equal(listedText(join, 4), 'The newest 4 of 1,204 are listed')
  assert.equal(listedText(JOIN, 1), '')
})

test('a join has lanes, also under another name; what is filtered out of it has not', () => {
  const rows = feed<{ k: string; at: number }>({ time: 'at' })
  const { plan } = rows.join(feed<{ k: string; at: number }>({ time: 'at' }), { on: 'k', within: '5s', type: 'left' })
  const concept = chartConcept(plan, () => undefined)
  assert.deepEqual(concept.join, {
    kind: 'interval',
    type: 'left',
    text: 'left join within -5s..5s on k',
    names: ['left', 'right'],
  })
  const named = { op: 'join', left: { op: 'stream', name: 'a' }, right: { op: 'stream', name: 'b' }, options: plan.op === 'join' ? plan.options : null } // prettier-ignore
  assert.deepEqual(chartConcept(named as never, () => undefined).join?.names, ['a', 'b'])
  assert.equal(chartConcept({ op: 'stream', name: 'paid' }, () => plan).join?.kind, 'interval')
  const filtered = { op: 'filter', input: plan, f: null } as never
  assert.equal(chartConcept(filtered, () => undefined).join, undefined)
  const spec = (mark?: 'table') => chartSpec({ concept, columns: [], options: { mark }, retention: { rows: 10 }, series: [], title: 't' }) // prettier-ignore
  assert.equal(hasOwnRows(spec() as never), true)
  assert.equal(spec('table'), null)
})

test('a saved chart of a join holds what its lanes draw, and its text says what each side holds', () => {
  const concept = { form: 'rows', by: [], aggregates: [], revisions: false, join: JOIN } as const
  const retention = { rows: 10 }
  const spec = chartSpec({ concept, columns: [], options: {}, retention, series: [], title: 't' })
  const status = { ...emptyStatus('running'), join: JOIN }
  assert.deepEqual(pictureRows(spec, [{ $key: 'r' }], status), lanesRows(JOIN))
  assert.deepEqual(pictureRows(spec, [{ $key: 'r' }], emptyStatus('running')), [])
  const bundle = chartBundle({
    protocol: 1,
    instance: 'i',
    chartId: 'c',
    stream: 'paid',
    title: 'paid',
    fps: 4,
    spec,
    columns: [],
    retention,
    last: { sequence: 0, savedAt: null, rows: [], status },
  })
  const saved = bundle['application/vnd.vegalite.v5+json'] as { data: { values: unknown } }
  assert.deepEqual(saved.data.values, lanesRows(JOIN))
  assert.match(String(bundle['text/plain']), /\norders: 2 rows held .*\npayments: 1 row held/)
  const spoken = spokenChart({ title: 'paid', spec, columns: [], rows: [], status })
  assert.match(spoken, /^Chart of paid, orders: 2 rows held .*; payments: 1 row held .*: running, 0 events/)
})

test('only a view with the shape of a join is believed', () => {
  assert.equal(isJoinStatus(JOIN), true)
  assert.equal(isJoinStatus({ ...EMPTY_JOIN, kind: 'ttl', type: 'inner', text: 't', names: ['a', 'b'] }), true)
  assert.equal(isJoinStatus({ ...JOIN, names: ['a', { b: 1 }] }), false)
  assert.equal(isJoinStatus({ ...JOIN, rows: [{ ...JOIN.rows[0], atMs: '<b>' }] }), false)
  assert.equal(isJoinStatus({ ...JOIN, rows: [{ ...JOIN.rows[0], side: 2 }] }), false)
  assert.equal(isJoinStatus({ ...JOIN, unmatched: [{ ...JOIN.unmatched[0], row: {} }] }), false)
  assert.equal(isJoinStatus({ ...JOIN, lines: [[0]] }), false)
  assert.equal(isJoinStatus({ ...JOIN, watermarkMs: 9e15 }), false)
})
