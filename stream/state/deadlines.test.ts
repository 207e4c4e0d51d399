import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Deadlines } from './deadlines.ts'

test('things come out soonest first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), times => {
      const due = new Deadlines<number>()
      times.forEach(t => due.add(t, t))
      const taken: number[] = []
      while (due.count > 0) {
        const at = due.soonestMs
        taken.push(due.take())
        assert.equal(taken.at(-1), at)
      }
      assert.deepEqual(
        taken,
        times.toSorted((a, b) => a - b),
      )
      assert.equal(due.soonestMs, Infinity)
    }),
  )
})
