import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../stream/errors.ts'
import { cleanText, toCellError } from './errors.ts'
import { typedOffset } from './positions.ts'

const table: readonly (readonly [string, string])[] = [
  ['(0 , $s.f) is not a function', 'f is not a function'],
  ['$s.A is not a constructor', 'A is not a constructor'],
  ['(0 , $s.a.b) is not a function', 'a.b is not a function'],
  ['$$s.x is not iterable', 'x is not iterable'],
  ['costs $5 and $sum', 'costs $5 and $sum'],
  ['plain', 'plain'],
]

for (const [raw, clean] of table) {
  test(`"${raw}" reads "${clean}"`, () => assert.equal(cleanText(raw), clean))
}

test('a StreamError shows its detail and its hint', () => {
  const error = new StreamError({
    code: 'TOPIC_UNKNOWN',
    message: 'Cannot open topic "x"',
    detail: 'It has none',
    hint: '%topics',
  })
  const { ename, evalue, traceback } = toCellError(error)
  assert.deepEqual([ename, evalue], ['StreamError', 'Cannot open topic "x"'])
  assert.deepEqual(traceback.slice(1, 3), ['  It has none', '  Hint: %topics'])
})

test('an error whose own parts throw is shown all the same', () => {
  const error = new Error('x')
  Object.defineProperty(error, 'stack', {
    get() {
      throw new Error('no stack')
    },
  })
  assert.deepEqual(toCellError(error).evalue, 'x')
  const silent = Object.assign(new Error('y'), { toString: 5, extra: new Proxy({}, { ownKeys: () => [1] as never }) })
  assert.equal(toCellError(silent).ename, 'Error')
})

test('an offset outside of copied text points at the words of the magic', () => {
  const spans = [
    { at: 0, length: 6, typedAt: 2, typedLength: 4, verbatim: false },
    { at: 10, length: 5, typedAt: 20, typedLength: 5, verbatim: true },
  ]
  assert.deepEqual(
    [3, 8, 10, 12, 15, 40].map(offset => typedOffset(spans, offset)),
    [2, 2, 20, 22, 25, 20],
  )
  assert.equal(typedOffset(undefined, 9), 9)
})
