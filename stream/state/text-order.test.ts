/** The order of texts is that of comparing them one by one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOrder } from './text-order.ts'

const sorted = (texts: readonly string[]) => Array.from(textOrder(texts), i => texts[i])

test('many texts with a common beginning, ends, equal beginnings and any letters', () => {
  const many = Array.from({ length: 5000 }, (_, i) => `order-${(i * 7919) % 5003}`)
  assert.deepEqual(sorted(many), [...many].sort())
  const ends = Array.from({ length: 600 }, (_, i) => 'a'.repeat(600 - i))
  assert.deepEqual(sorted(ends), [...ends].sort())
  const other = [...many, 'ordér', '\u0000', '', 'ordes', '\u{1F600}', '~', '\u007f']
  assert.deepEqual(sorted(other), [...other].sort())
  assert.deepEqual(sorted([]), [])
})

test('random texts', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '0', '~', '\u0000', '\u007e'), maxLength: 9 })
  fc.assert(
    fc.property(
      fc.uniqueArray(letters, { minLength: 260, maxLength: 400 }),
      fc.constantFrom('', 'same '),
      (texts, before) => {
        const all = texts.map(text => before + text)
        assert.deepEqual(sorted(all), [...all].sort())
      },
    ),
    { numRuns: 30 },
  )
})
