/** The graph of a pattern, from its text. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { patternGraph } from './graph.ts'
import { parsePattern } from './parse.ts'

/** Edges as text: `^` is the start, `$` the match. */
function edgesOf(text: string): string[] {
  const { steps, edges } = patternGraph(parsePattern(text))
  const name = (i: number) => (i < 0 ? '^' : (steps[i]?.name ?? '$'))
  const arrow = { next: ',', then: '->', any: '->>' }
  return edges.map(({ from, to, joint, nots }) =>
    [name(from), arrow[joint], name(to), ...nots.map(not => `!${not}`)].join(' '),
  )
}

test('a chain has an edge for each arrow, one from the start and one to the match', () => {
  assert.deepEqual(edgesOf('a -> b, c ->> d'), ['^ , a', 'a -> b', 'b , c', 'c ->> d', 'd , $'])
})

test('a loop leads back to its step, an optional step has a way around it', () => {
  assert.deepEqual(edgesOf('a+[consecutive] -> b? -> c'), ['^ , a', 'a , a', 'a -> b', 'a -> c', 'b -> c', 'c , $'])
})

test('what must not come stands on the edge it forbids, at the end on the way to the match', () => {
  assert.deepEqual(edgesOf('a -> !x -> b'), ['^ , a', 'a -> b !x', 'b , $'])
  assert.deepEqual(edgesOf('a -> !x'), ['^ , a', 'a , $ !x'])
  assert.deepEqual(edgesOf('a, !x'), ['^ , a', 'a , $ !next x'])
})

test('rounds of a group lead from its last steps to its first, alternatives lie side by side', () => {
  assert.deepEqual(edgesOf('(a, b)+ -> c'), ['^ , a', 'a , b', 'b -> a', 'b -> c', 'c , $'])
  assert.deepEqual(edgesOf('a -> (b | c -> d)'), ['^ , a', 'a -> b', 'a -> c', 'c -> d', 'b , $', 'd , $'])
})

test('rounds are told as they were written', () => {
  const rounds = (text: string) => patternGraph(parsePattern(text)).steps.map(step => step.rounds)
  assert.deepEqual(rounds('a+? -> b{3,} -> c -> d{2} -> e'), ['+?', '{3,}', '', '{2}', ''])
})
