/** A pattern on the screen: rows of its timeline, where its graph stands, and which saved views are believed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feed } from '../index.ts'
import { chartConcept } from './concept.ts'
import { chartBundle } from './fallback.ts'
import { graphPicture } from './pattern-graph.ts'
import { isPatternView } from './pattern-shape.ts'
import { timelineRows } from './pattern-timeline.ts'
import { pictureRows } from './picture-rows.ts'
import { chartSpec } from './spec.ts'
import { emptyStatus } from './chart.ts'
import { leftText } from './time-left.ts'
import type { PatternView } from './protocol.ts'

const VIEW: PatternView = {
  text: 'login, browse? -> purchase',
  withinMs: 600_000,
  watermarkMs: 9_000,
  steps: [
    { name: 'login', rounds: '', takenCount: 12 },
    { name: 'browse', rounds: '?', takenCount: 4 },
    { name: 'purchase', rounds: '', takenCount: 3 },
  ],
  edges: [
    { from: -1, to: 0, joint: 'next', nots: [], count: 12 },
    { from: 0, to: 1, joint: 'next', nots: [], count: 4 },
    { from: 0, to: 2, joint: 'then', nots: ['logout'], count: 1 },
    { from: 1, to: 2, joint: 'then', nots: [], count: 2 },
    { from: 2, to: 3, joint: 'next', nots: [], count: 3 },
  ],
  matchCount: 3,
  missCount: 1,
  timeoutCount: 0,
  liveCount: 1,
  matches: [{ number: 0, key: 'ann', events: [[0, 1000], [2, 4000]] }], // prettier-ignore
  misses: [
    {
      number: 1,
      count: 1,
      key: 'bob',
      events: [[0, 2000]],
      reached: 'login',
      awaited: ['browse', 'purchase'],
      reason: 'not',
      condition: 'logout',
      conditionText: "c => c.page === 'logout'",
      event: '{"page":"logout"}',
      explanation: 'after login came an event that fits !logout',
      offer: null,
      endedMs: 3000,
    },
  ],
  live: [{ key: 'cleo', events: [[0, 8000]], reached: 'login', awaited: ['browse', 'purchase'], deadlineMs: 608_000 }],
}

test('the timeline has a row for each event, hollow where it waits, and one where a near miss ended', () => {
  assert.deepEqual(
    timelineRows(VIEW).map(row => [row['$lane'], row['what'], row['step'], row['$at'], row.$open ?? false]),
    [
      ['ann', 'match', 'login', 1000, false],
      ['ann', 'match', 'purchase', 4000, false],
      ['bob', 'near miss', 'login', 2000, false],
      ['bob', 'near miss', 'logout', 3000, false],
      ['cleo', 'waiting', 'login', 8000, true],
    ],
  )
  const keys = timelineRows(VIEW).map(row => row.$key)
  assert.equal(new Set(keys).size, keys.length)
})

test('lanes are those of the keys something happened to last', () => {
  const matches = Array.from({ length: 20 }, (_, i) => ({ number: i, key: `k${i}`, events: [[0, i] as const] }))
  const lanes = new Set(timelineRows({ ...VIEW, matches, misses: [], live: [] }).map(row => row['$lane']))
  assert.deepEqual(
    [...lanes],
    Array.from({ length: 12 }, (_, i) => `k${i + 8}`),
  )
})

test('the picture of matches is a timeline before the first match, also below select; near misses are a table', () => {
  const clicks = feed<{ at: number; page: string }>({ time: 'at' })
  const matched = clicks.match('login', { login: c => c.page === 'login' })
  const specOf = (stream: { plan: Parameters<typeof chartConcept>[0] }) => {
    const concept = chartConcept(stream.plan, () => undefined)
    return chartSpec({ concept, columns: [], options: {}, retention: { rows: 10 }, series: [], title: 't' })
  }
  assert.notEqual(specOf(matched), null)
  assert.notEqual(specOf(matched.select(m => ({ at: m.login[0].at }))), null)
  assert.equal(specOf(matched.nearMisses()), null)
})

test('a saved chart of matches holds the events of its timeline, and is drawn from them alone', () => {
  const concept = { form: 'rows', by: [], aggregates: [], revisions: false, pattern: { steps: ['login'], rows: 'matches' } } as const // prettier-ignore
  const spec = chartSpec({ concept, columns: [], options: {}, retention: { rows: 10 }, series: [], title: 't' })
  const status = { ...emptyStatus('running'), pattern: VIEW }
  const rows = [{ $key: 'r0', user: 'ann' }]
  const bundle = chartBundle({
    protocol: 1,
    instance: 'i',
    chartId: 'c',
    stream: 's',
    title: 't',
    spec,
    columns: [{ name: 'user', kind: 'text' }],
    retention: { rows: 10 },
    fps: 10,
    last: { sequence: 1, savedAt: null, rows, status },
  })
  const saved = bundle['application/vnd.vegalite.v5+json'] as { data: { values: unknown[] } }
  assert.deepEqual(saved.data.values, timelineRows(VIEW))
  // Any other picture draws the rows of the stream.
  assert.equal(pictureRows({ encoding: { y: { field: 'user' } } }, rows, status), rows)
})

test('steps stand in a row, a way around a step is an arc above it with what must not come', () => {
  const { nodes, ways } = graphPicture(VIEW)
  assert.deepEqual(
    nodes.map(node => `${node.label} ${node.count ?? ''}`),
    ['start ', 'login 12', 'browse? 4', 'purchase 3', 'match 3'],
  )
  const xs = nodes.map(node => node.x)
  assert.deepEqual(xs, xs.toSorted((a, b) => a - b)) // prettier-ignore
  assert.equal(new Set(nodes.map(node => node.y)).size, 1)
  const around = ways.find(way => way.from === 'login' && way.to === 'purchase')
  assert.equal(around?.label, '→ !logout')
  assert.equal(around?.count, 1)
  assert.ok((around?.labelY ?? Infinity) < (nodes[0]?.y ?? 0))
  assert.equal(ways.find(way => way.to === 'browse?')?.label, ',')
})

test('a view from a file is believed only in its own shape', () => {
  assert.equal(isPatternView(JSON.parse(JSON.stringify(VIEW))), true)
  const wrong: readonly Record<string, unknown>[] = [
    { ...VIEW, text: 7 },
    { ...VIEW, edges: [{ from: 0, to: 1, count: '3', nots: [] }] },
    { ...VIEW, matches: [{ key: 'k', events: [['0', 1]] }] },
    { ...VIEW, live: Array.from({ length: 1000 }, () => VIEW.live[0]) },
    { ...VIEW, misses: [{ ...VIEW.misses[0], awaited: 'b' }] },
  ]
  for (const view of wrong) assert.equal(isPatternView(view), false)
})

test('time left is told in the two largest units', () => {
  assert.deepEqual([300, 12_400, 245_000, 3_900_000, 400_000_000].map(leftText), ['300ms', '12s', '4m 05s', '1h 05m', '4d 15h']) // prettier-ignore
})
