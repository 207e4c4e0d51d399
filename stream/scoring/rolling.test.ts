import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SortedWindow } from './rolling.ts'

test('a sorted window holds the last values in order of size, equal ones as often as they came', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 40 }),
      (size, values) => {
        const window = new SortedWindow(size)
        values.forEach((value, i) => {
          window.push(value)
          const expected = values.slice(Math.max(0, i + 1 - size), i + 1).sort((a, b) => a - b)
          assert.deepEqual(
            expected.map((_, at) => window.at(at)),
            expected,
          )
        })
      },
    ),
    { numRuns: 300 },
  )
})
