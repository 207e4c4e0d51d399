/** Offsets, spans, history: small rules about text. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { History } from './history.ts'
import { offsetOf, positionOf, toCodePoints, toUtf16 } from './offsets.ts'
import { toSource, toTyped } from './spans.ts'

test('offsets count an emoji once for Jupyter and twice for TypeScript, and are clamped', () => {
  assert.equal(toUtf16('a👋b', 2), 3)
  assert.equal(toCodePoints('a👋b', 3), 2)
  assert.equal(toUtf16('ab', 99), 2)
  assert.equal(toCodePoints('ab', 99), 2)
})

test('line and column go both ways', () => {
  assert.deepEqual(positionOf('ab\ncd', 4), { line: 1, column: 1 })
  assert.equal(offsetOf('ab\ncd', 1, 1), 4)
  assert.equal(offsetOf('ab', 5, 0), 2)
})

test('a place in the expansion is found in what was typed, and back', () => {
  // typed: `%%filter orders\no => o.x`, source: `const a = orders.filter(o => o.x)`
  const spans = [
    { at: 10, length: 6, typedAt: 9, typedLength: 6, verbatim: true },
    { at: 24, length: 8, typedAt: 16, typedLength: 8, verbatim: true },
  ]
  assert.equal(toTyped(spans, 31), 23)
  assert.equal(toTyped(spans, 18), 15)
  assert.equal(toTyped(spans, 2), 9)
  assert.equal(toSource(spans, 24), 32)
  assert.equal(toSource(spans, 3), undefined)
  assert.equal(toTyped(undefined, 5), 5)
})

test('history answers tail, range by session and search by glob', () => {
  const history = new History()
  for (const [at, input] of ['a = 1', 'b', 'a = 1', 'print(a)'].entries()) history.add(at + 1, input)
  history.output(2, '2')
  assert.deepEqual(history.answer({ hist_access_type: 'tail', n: 2 }), [
    [1, 3, 'a = 1'],
    [1, 4, 'print(a)'],
  ])
  assert.deepEqual(history.answer({ hist_access_type: 'range', session: 0, start: 2, stop: 3, output: true }), [
    [1, 2, ['b', '2']],
  ])
  assert.deepEqual(history.answer({ hist_access_type: 'search', pattern: 'a*' }).length, 2)
  assert.deepEqual(history.answer({ hist_access_type: 'search', pattern: 'a*', unique: true }), [[1, 3, 'a = 1']])
  assert.deepEqual(history.answer({ hist_access_type: 'search', pattern: 'print(?)' }), [[1, 4, 'print(a)']])
  assert.deepEqual(history.answer({ hist_access_type: 'range', session: 7 }), [])
})
