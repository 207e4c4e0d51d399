/**
 * What people bring along from SQL's MATCH_RECOGNIZE: its skip strategies over `A+ B`, which is `a+[consecutive], b` here, reluctant
 * quantifiers, and what has no counterpart. Expected values are worked out by hand.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feed, from, StreamError } from '../index.ts'
import type { MatchSettings } from '../index.ts'

interface Row {
  readonly at: number
  readonly v: string
}

async function found(pattern: string, events: string, skip: MatchSettings['skip']): Promise<string[]> {
  const rows = events.split('').map((v, at) => ({ at, v }))
  const definitions = { a: (e: Row) => e.v === 'a' || e.v === '*', b: (e: Row) => e.v === 'b' || e.v === '*' }
  const matches = await from(rows, { time: 'at' }).match(pattern, definitions, { skip }).toArray()
  return matches.map(({ a, b }) => `${places(a)}|${places(b)}`)
}

function places(rows: readonly Row[]): string {
  return rows.map(row => row.at).join(' ')
}

const A_PLUS_B = 'a+[consecutive], b'

test('AFTER MATCH SKIP PAST LAST ROW: matches do not overlap', async () => {
  assert.deepEqual(await found(A_PLUS_B, 'aabaaabb', 'past-last'), ['0 1|2', '3 4 5|6'])
})

test('AFTER MATCH SKIP TO NEXT ROW: the search goes on one event later', async () => {
  assert.deepEqual(await found(A_PLUS_B, 'aabaaab', 'to-next'), ['0 1|2', '1|2', '3 4 5|6', '4 5|6', '5|6'])
})

test('AFTER MATCH SKIP TO FIRST b: what begins with b, or after it', async () => {
  assert.deepEqual(await found(A_PLUS_B, 'aabaab', 'to-first=b'), ['0 1|2', '3 4|5'])
  // The first event of b may begin the next match.
  assert.deepEqual(await found(A_PLUS_B, 'a*b', 'to-first=b'), ['0 1|2'])
  assert.deepEqual(await found('a, b', 'a*b', 'to-first=b'), ['0|1', '1|2'])
})

test('AFTER MATCH SKIP TO LAST a: all but the last a of the match is dropped', async () => {
  assert.deepEqual(await found(A_PLUS_B, 'aaab', 'to-last=a'), ['0 1 2|3', '2|3'])
})

test('no skip at all: every way to match', async () => {
  assert.deepEqual((await found(A_PLUS_B, 'aaab', 'none')).sort(), ['0 1 2|3', '1 2|3', '2|3'])
})

test('a greedy loop takes what both steps fit, a reluctant one leaves it to the step behind', async () => {
  assert.deepEqual(await found(A_PLUS_B, 'a*b', 'past-last'), ['0 1|2'])
  assert.deepEqual(await found('a+?[consecutive], b', 'a*b', 'past-last'), ['0|1'])
})

test('a reluctant loop after which nothing else fits gives what the greedy one gives', async () => {
  for (const events of ['aab', 'aabab', 'abaab']) {
    const greedy = await found(A_PLUS_B, events, 'past-last')
    assert.deepEqual(await found('a+?[consecutive], b', events, 'past-last'), greedy)
  }
})

test('SKIP TO FIRST or LAST of a step that took nothing, or of the first event, fails as in SQL where ! demands it', async () => {
  const rows = [{ at: 0, v: 'b' }]
  const steps = { a: (e: Row) => e.v === 'a', b: (e: Row) => e.v === 'b' }
  const missing = from(rows, { time: 'at' }).match('a?, b', steps, { skip: 'to-last=a!' })
  await assert.rejects(missing.toArray(), ruleIs('skip-target-missing'))
  const first = from(rows, { time: 'at' }).match('a?, b', steps, { skip: 'to-first=b!' })
  await assert.rejects(first.toArray(), ruleIs('skip-to-first-element'))
})

test('PERMUTE is refused with what to write instead', () => {
  for (const text of ['PERMUTE(a, b)', 'a -> permute(b, c)', '(PERMUTE(a, b))+']) {
    const names = text.includes('c') ? ['a', 'b', 'c'] : ['a', 'b']
    const definitions = Object.fromEntries(names.map(name => [name, (e: Row) => e.v === name]))
    assert.throws(
      () => feed<Row>({ time: 'at' }).match(text, definitions),
      error => {
        assert.ok(error instanceof StreamError)
        assert.equal(error.rule, 'permute')
        assert.match(error.hint ?? '', /alternatives: \(a -> b \| b2 -> a2\)/)
        return true
      },
    )
  }
})

function ruleIs(rule: string) {
  return (error: unknown): boolean => error instanceof StreamError && error.rule === rule && error.hint !== undefined
}
