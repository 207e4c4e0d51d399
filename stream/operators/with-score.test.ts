import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scoreAppender } from './with-score.ts'

test('a row gets its score as spreading would give it, whatever shape comes next', () => {
  const append = scoreAppender()
  const score = { value: 1 }
  for (const row of [
    { a: 1, b: 2 },
    { b: 2, a: 1 },
    {},
    { score: 'old', z: 1 },
    { 'a b': 1, constructor: 2 },
    { a: undefined },
    { a: 3, b: 4 },
  ])
    assert.equal(JSON.stringify(append(row, score)), JSON.stringify({ ...row, score }))
  const odd = append(JSON.parse('{"__proto__":1}') as object, score)
  assert.deepEqual(Object.keys(odd), ['__proto__', 'score'])
})
