/** What a page is shown of a pattern at work: counts of the graph, near misses with what would have helped, what waits. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feed } from '../index.ts'
import { buildPipeline } from '../pipeline.ts'
import type { MatchSettings } from '../index.ts'
import type { PatternView } from './view.ts'

interface Row {
  readonly at: number
  readonly k: string
  readonly v: string
}

/** A step fits the value of its own name. */
function viewOf(
  pattern: string,
  steps: readonly string[],
  rows: readonly Row[],
  settings: MatchSettings = {},
): PatternView {
  const definitions = Object.fromEntries(steps.map(step => [step, byName(step)]))
  const { plan } = feed<Row>({ time: 'at' }).keyBy('k').match(pattern, definitions, settings)
  const pipeline = buildPipeline(plan, {
    revive: slot => slot as (...args: never[]) => unknown,
    decode: () => ({ rows: [], keys: [], failures: [] }),
    onOutput: () => undefined,
    watched: true,
  })
  pipeline.push(0, { kind: 'rows', rows })
  pipeline.push(0, { kind: 'watermark', watermarkMs: (rows.at(-1)?.at ?? 0) + 1 })
  const view = pipeline.stats().pattern
  assert.ok(view !== undefined)
  return view
}

/** Each of them has another text. */
function byName(step: string): (row: Row) => boolean {
  if (step === 'a') return row => row.v === 'a'
  if (step === 'b') return row => row.v === 'b'
  if (step === 'x') return row => row.v === 'x'
  return row => row.v === 'c'
}

function rowsOf(text: string, k = 'k'): Row[] {
  return text.split('').map((v, i) => ({ at: i, k, v }))
}

test('ways of the graph count the events taken along them, and matches given', () => {
  const { steps, edges, matchCount } = viewOf('a+ -> b', ['a', 'b'], rowsOf('aaxbab'))
  assert.deepEqual(
    steps.map(({ name, rounds, takenCount }) => `${name}${rounds} ${takenCount}`),
    ['a+ 4', 'b 3'],
  )
  // Every a begins a run; the second also goes on with the first; past-last drops what began before the match ended.
  assert.deepEqual(
    edges.map(({ from, to, count }) => [from, to, count]),
    [
      [-1, 0, 3],
      [0, 0, 1],
      [0, 1, 3],
      [1, 2, 2],
    ],
  )
  assert.equal(matchCount, 2)
})

test('an event that came between is named, with the condition as it was written and the joint that would pass it over', () => {
  const { misses, missCount } = viewOf('a, b', ['a', 'b'], rowsOf('axb'))
  assert.equal(missCount, 1)
  assert.deepEqual(misses, [
    {
      number: 0,
      count: 1,
      key: 'k',
      events: [[0, 0]],
      reached: 'a',
      awaited: ['b'],
      reason: 'false',
      condition: 'b',
      conditionText: String(byName('b')),
      event: '{"at":1,"k":"k","v":"x"}',
      explanation: 'the event after a came between: b is false for it; "a -> b" would pass it over',
      offer: 'a -> b',
      endedMs: 1,
    },
  ])
})

test('no offer is made where the joint is not what was wrong', () => {
  const [stopped] = viewOf('a -> !x -> b', ['a', 'x', 'b'], rowsOf('axb')).misses
  assert.equal(stopped?.reason, 'not')
  assert.equal(stopped?.condition, 'x')
  assert.equal(stopped?.offer, null)
  // The greedy loop is full: a third a may not be passed over.
  const [greedy] = viewOf('a{1,2} -> b', ['a', 'b'], rowsOf('aaab')).misses
  assert.equal(greedy?.offer, null)
  assert.match(greedy?.explanation ?? '', /b is false for it$/)
})

test('partial matches that one event ended are one near miss with their count', () => {
  const { misses, missCount } = viewOf('a+ -> !x -> b', ['a', 'x', 'b'], rowsOf('aaax'))
  assert.equal(missCount, 3)
  assert.deepEqual(
    misses.map(({ count, reason }) => [count, reason]),
    [[3, 'not']],
  )
})

test('a strict loop is offered without [consecutive], and what follows a loop is what was hoped for', () => {
  const [short] = viewOf('a{3,}[consecutive], b', ['a', 'b'], rowsOf('ax')).misses
  assert.equal(short?.offer, 'a{3,}')
  const [full] = viewOf('a{2,}[consecutive], b', ['a', 'b'], rowsOf('aax')).misses.filter(m => m.events.length === 2)
  assert.equal(full?.condition, 'b')
  assert.equal(full?.offer, 'a -> b')
})

test('what waits tells its key, the step it waits for and when its time is over', () => {
  const { live, liveCount, watermarkMs } = viewOf('a -> b', ['a', 'b'], rowsOf('axa', 'key 7'), { within: '10s' })
  assert.equal(liveCount, 2)
  assert.equal(watermarkMs, 3)
  assert.deepEqual(live, [
    { key: 'key 7', events: [[0, 0]], reached: 'a', awaited: ['b'], deadlineMs: 10_000 },
    { key: 'key 7', events: [[0, 2]], reached: 'a', awaited: ['b'], deadlineMs: 10_002 },
  ])
})

test('near misses that got far are not pushed out by the many that did not', () => {
  const rows = [...rowsOf('abx'), ...rowsOf('ax'.repeat(100)).map(row => ({ ...row, at: row.at + 3 }))]
  const { misses, missCount } = viewOf('a, b, c', ['a', 'b', 'c'], rows)
  assert.equal(missCount, 101)
  assert.ok(misses.length <= 24)
  assert.deepEqual(misses[0]?.events, [
    [0, 0],
    [1, 1],
  ])
})

test('a pattern nobody can look at remembers nothing', () => {
  const { plan } = feed<Row>({ time: 'at' }).match('a', { a: byName('a') })
  const pipeline = buildPipeline(plan, {
    revive: slot => slot as (...args: never[]) => unknown,
    decode: () => ({ rows: [], keys: [], failures: [] }),
    onOutput: () => undefined,
  })
  pipeline.push(0, { kind: 'rows', rows: rowsOf('a') })
  assert.equal(pipeline.stats().pattern, undefined)
})
