/** Pattern text, its mistakes, and what patterns do with keys that grow, throwing definitions and near misses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feed, from, StreamError } from '../index.ts'
import type { MatchSettings } from '../index.ts'
import { buildPipeline } from '../pipeline.ts'
import { parsePattern } from './parse.ts'

interface Row {
  readonly at: number
  readonly k?: string
  readonly v: number
}

const low = (e: Row) => e.v < 5
const high = (e: Row) => e.v >= 5

function refusalOf(pattern: string, names: readonly string[], settings: MatchSettings = {}): StreamError {
  const definitions = Object.fromEntries(names.map(name => [name, low]))
  try {
    feed<Row>({ time: 'at' }).match(pattern, definitions, settings)
  } catch (error) {
    assert.ok(error instanceof StreamError)
    return error
  }
  return assert.fail(`${pattern} was not refused`)
}

const refused: readonly (readonly [rule: string, pattern: string, names: readonly string[], MatchSettings?])[] = [
  ['bad-count', 'a{0}', ['a']],
  ['bad-count', 'a{3,2}', ['a']],
  ['bad-count', 'a{0,0}', ['a']],
  ['quantifier-on-not', 'a -> !x+', ['a', 'x']],
  ['quantifier-on-not', 'a, !x?', ['a', 'x']],
  ['not-first', '!x -> a', ['a', 'x']],
  ['not-first', 'a -> (!x -> b)+', ['a', 'x', 'b']],
  ['not-after-optional', 'a -> b? -> !x -> c', ['a', 'b', 'x', 'c']],
  ['trailing-not-without-within', 'a -> !x', ['a', 'x']],
  ['trailing-not-without-within', 'a -> (b -> !x)', ['a', 'b', 'x']],
  ['optional-after-greedy', 'a+ -> b? -> c', ['a', 'b', 'c']],
  ['optional-after-greedy', 'a{2,5} -> (b -> d)* -> c', ['a', 'b', 'd', 'c']],
  ['until-without-open-loop', 'a{3}[until x]', ['a', 'x']],
  ['until-without-open-loop', 'a[until x]', ['a', 'x']],
  ['joint-without-loop', 'a -> b[consecutive]', ['a', 'b']],
  ['joint-without-loop', 'a -> b?[combinations]', ['a', 'b']],
  ['joint-twice', 'a+[consecutive combinations]', ['a']],
  ['note-twice', 'a -> b[within 1s within 2s]', ['a', 'b']],
  ['duplicate-step', 'a -> b -> a', ['a', 'b']],
  ['duplicate-step', 'a -> b+[until a]', ['a', 'b']],
  ['step-window-too-long', 'a -> b[within 20ms]', ['a', 'b'], { within: '10ms' }],
  ['within-on-not', 'a -> !x[within 1s] -> b', ['a', 'x', 'b']],
  ['not-on-group', 'a -> !(x -> y)', ['a', 'x', 'y']],
  ['unknown-skip-target', 'a -> b', ['a', 'b'], { skip: 'to-last=x' }],
  ['unknown-skip-target', 'a -> !x -> b', ['a', 'x', 'b'], { skip: 'to-last=x!' }],
  ['unknown-step', 'a -> c', ['a']],
  ['unused-step', 'a', ['a', 'b']],
  ['permute', 'PERMUTE(a, b)', ['a', 'b']],
  ['syntax', 'a -> ', ['a']],
  ['syntax', 'a b', ['a', 'b']],
  ['syntax', 'a => b', ['a', 'b']],
  ['syntax', '(a -> b', ['a', 'b']],
  ['syntax', 'a+[greedy]', ['a']],
  ['syntax', '', []],
]

for (const [rule, pattern, names, settings] of refused) {
  test(`${JSON.stringify(pattern)} is refused: ${rule}`, () => {
    const error = refusalOf(pattern, names, settings)
    assert.equal(error.code, 'PATTERN_INVALID')
    assert.equal(error.rule, rule)
    assert.ok((error.hint ?? '') !== '')
  })
}

test('a mistake points at its place', () => {
  assert.equal(
    refusalOf('a -> b{3,2} -> c', ['a', 'b', 'c']).detail,
    'Rule bad-count\n  a -> b{3,2} -> c\n        ^^^^^',
  )
})

test('a pattern that may take nothing is known as such', () => {
  assert.equal(parsePattern('a? -> b*').canBeEmpty, true)
  assert.equal(parsePattern('a? -> b').canBeEmpty, false)
  assert.equal(parsePattern('(a | b?)').canBeEmpty, true)
})

test('alternatives: the next event that fits one of them', async () => {
  const rows = [
    { at: 1, v: 1 },
    { at: 2, v: 9 },
    { at: 3, v: 7 },
    { at: 4, v: 6 },
  ]
  const matches = await from(rows, { time: 'at' })
    .match(
      'one -> (seven | six -> never)',
      { one: e => e.v === 1, seven: e => e.v === 7, six: e => e.v === 6, never: () => false },
      { skip: 'none' },
    )
    .toArray()
  assert.deepEqual(matches, [{ one: [rows[0]], seven: [rows[2]], six: [], never: [] }])
})

test('a key that holds too many partial matches is closed, others go on', async () => {
  const rows: Row[] = Array.from({ length: 300 }, (_, at) => ({ at, k: 'hot', v: 1 }))
  rows.push({ at: 400, k: 'cold', v: 1 }, { at: 401, k: 'cold', v: 9 }, { at: 402, k: 'hot', v: 9 })
  const keyed = from(rows, { time: 'at' }).keyBy('k')
  const patterned = keyed.match('a+ ->> b', { a: low, b: high }, { skip: 'none', maxRuns: 50 })
  assert.deepEqual(await patterned.toArray(), [{ a: [rows[300]], b: [rows[301]] }])
  const errors = await patterned.errors().toArray()
  // The event that was too much, and all of the key after it.
  const first = errors[0]?.row as Row
  assert.equal(errors.length, 301 - first.at)
  assert.match(
    errors[0]?.reason ?? '',
    /^pattern "a\+ ->> b" held \d+ partial matches with \d+ events of key "hot", at most 50 are allowed: the key is closed$/,
  )
  assert.equal(errors.at(-1)?.row, rows[302])
})

test('a definition that throws takes its event out and nothing else', async () => {
  const rows = [
    { at: 1, v: 1 },
    { at: 2, v: 13 },
    { at: 3, v: 9 },
  ]
  const b = (e: Row, m: { a: Row[] }) => {
    if (e.v === 13) throw new RangeError(`thirteen after ${m.a.length}`)
    return e.v > 5
  }
  const matches = from(rows, { time: 'at' }).match('a -> b', { a: low, b })
  assert.deepEqual(await matches.toArray(), [{ a: [rows[0]], b: [rows[2]] }])
  const errors = await matches.errors().toArray()
  assert.equal(errors.length, 1)
  assert.equal(errors[0]?.row, rows[1])
  assert.match(errors[0]?.reason ?? '', /RangeError: thirteen after 1/)
})

test('near misses name the event that came between, the condition and the step that was awaited', async () => {
  const rows = [
    { at: 1, k: 'x', v: 1 },
    { at: 2, k: 'x', v: 3 },
    { at: 3, k: 'x', v: 9 },
  ]
  const near = await from(rows, { time: 'at' })
    .keyBy('k')
    .match('a, b', { a: e => e.v === 1, b: high })
    .nearMisses()
    .toArray()
  assert.deepEqual(near, [
    {
      key: 'x',
      match: { a: [rows[0]], b: [] },
      reached: 'a',
      awaited: ['b'],
      reason: 'false',
      event: rows[1],
      condition: 'b',
      explanation: 'the event after a came between: b is false for it; "a -> b" would pass it over',
      offer: 'a -> b',
      endedMs: 2,
    },
  ])
})

test('near misses tell what must not have come, and what ran out of time', async () => {
  const rows = [
    { at: 1, v: 1 },
    { at: 2, v: 4 },
    { at: 20, v: 1 },
  ]
  const near = await from(rows, { time: 'at' })
    .match('a -> !x -> b', { a: e => e.v === 1, x: e => e.v === 4, b: high }, { within: 10 })
    .nearMisses()
    .toArray()
  assert.deepEqual(
    near.map(({ reason, condition, endedMs }) => ({ reason, condition, endedMs })),
    [
      { reason: 'not', condition: 'x', endedMs: 2 },
      { reason: 'time', condition: undefined, endedMs: 30 },
    ],
  )
})

test('matches are not late for a window below, whenever they are released', async () => {
  const rows = [
    { at: 1, v: 1 },
    { at: 5, v: 1 },
    { at: 6, v: 9 },
    { at: 90, v: 0 },
  ]
  const late = from(rows, { time: 'at', outOfOrder: 0 })
    .match('a{2}, b', { a: e => e.v === 1, b: high }, { within: 50 })
    .select(m => ({ at: m.b[0].at }))
    .late()
  assert.deepEqual(await late.toArray(), [])
})

test('what must not come behind a loop is watched between its rounds', async () => {
  const rows = [1, 2, 3, 1, 9].map((v, at) => ({ at, v }))
  const definitions = { a: (e: Row) => e.v === 1, x: (e: Row) => e.v === 3, b: high }
  const lazy = await from(rows, { time: 'at' }).match('a+? -> !x -> b', definitions, { skip: 'none' }).toArray()
  assert.deepEqual(lazy, [{ a: [rows[3]], b: [rows[4]] }])
  assert.deepEqual(await from(rows, { time: 'at' }).match('a{2} -> !x -> b', definitions).toArray(), [])
})

test('a pattern that can match nothing gives a notice and no empty match', async () => {
  const rows = [
    { at: 1, v: 9 },
    { at: 2, v: 1 },
  ]
  const matches = from(rows, { time: 'at' }).match('a? -> b*', { a: e => e.v === 1, b: e => e.v === 2 })
  assert.deepEqual(await matches.toArray(), [{ a: [rows[1]], b: [] }])
  const notices: string[] = []
  buildPipeline(matches.plan, {
    revive: slot => slot as (...args: never[]) => unknown,
    decode: () => ({ rows: [], keys: [], failures: [] }),
    onOutput: () => undefined,
    onNotice: text => notices.push(text),
  })
  assert.deepEqual(notices, ['The pattern a? -> b* can match nothing; an empty match is never given'])
})

test('an event that fits what must not come and the following step ends the run, unless it completes the match', async () => {
  const rows = [1, 7, 9].map((v, at) => ({ at, v }))
  const steps = { a: (e: Row) => e.v === 1, x: (e: Row) => e.v === 7, b: (e: Row) => e.v === 7 }
  const source = () => from(rows, { time: 'at' })
  assert.deepEqual(await source().match('a -> !x -> b', steps).toArray(), [{ a: [rows[0]], b: [rows[1]] }])
  const longer = { ...steps, c: (e: Row) => e.v === 9 }
  assert.deepEqual(await source().match('a -> !x -> b -> c', longer).toArray(), [])
})

test('a loop in brackets with ? behind it is the loop as a whole or not at all, wherever it stands', async () => {
  const rows = [1, 2, 9, 2, 9].map((v, at) => ({ at, v }))
  const steps = { a: (e: Row) => e.v === 1, b: (e: Row) => e.v === 2, c: (e: Row) => e.v === 9 }
  const matches = await from(rows, { time: 'at' }).match('a -> (b{2,})? -> c', steps, { skip: 'none' }).toArray()
  // Leaving the greedy loop out is no way past an event that fits it.
  assert.deepEqual(matches, [{ a: [rows[0]], b: [rows[1], rows[3]], c: [rows[4]] }])
})

test('a match that is held back by an older partial match survives a restart', () => {
  const steps = Object.fromEntries([1, 2, 3, 4].map(v => [`s${v}`, (e: Row) => e.v === v]))
  const { plan } = feed<Row>({ time: 'at' }).match('s1 -> s2 | s3 -> s4', steps, { skip: 'to-next' })
  const found: string[] = []
  const build = () =>
    buildPipeline(plan, {
      revive: slot => slot as (...args: never[]) => unknown,
      decode: () => ({ rows: [], keys: [], failures: [] }),
      onOutput: batch => {
        for (const row of batch.rows as Record<string, Row[]>[]) {
          const rows = Object.values(row).flat()
          found.push(rows.map(e => e.v).join(' '))
        }
      },
    })
  const first = build()
  first.push(0, { kind: 'rows', rows: [1, 3, 4].map((v, at) => ({ at, v })) })
  first.push(0, { kind: 'watermark', watermarkMs: 2 })
  // 3 4 is complete and waits for what 1 will come to.
  assert.deepEqual(found, [])
  const second = build()
  second.restore(first.snapshot())
  second.push(0, { kind: 'rows', rows: [{ at: 3, v: 2 }] })
  second.push(0, { kind: 'end' })
  assert.deepEqual(found, ['1 2', '3 4'])
})
