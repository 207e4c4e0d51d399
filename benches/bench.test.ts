import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median } from './bench.ts'
import { judge } from './budgets.ts'

test('the median of five is the third, of four the mean of the middle two', () => {
  assert.equal(median([5, 1, 9, 3, 7]), 5)
  assert.equal(median([4, 1, 3, 2]), 2.5)
})

test('a budget is missed one past its limit, on both sides', () => {
  assert.equal(judge('kernel.start-ms', 250)?.within, true)
  assert.equal(judge('kernel.start-ms', 251)?.within, false)
  assert.equal(judge('engine.tumbling-events-per-s', 5_000_000)?.within, true)
  assert.equal(judge('engine.tumbling-events-per-s', 4_999_999)?.within, false)
  assert.equal(judge('no.such', 1), undefined)
})

test('a slower machine loosens times and rates, never ratios or quality', () => {
  assert.equal(judge('kernel.start-ms', 400, 2)?.within, true)
  assert.equal(judge('engine.tumbling-events-per-s', 2_500_000, 2)?.within, true)
  assert.equal(judge('kernel.trivial-cell-saturated-ratio', 2.1, 2)?.within, false)
  assert.equal(judge('scoring.nab-standard/ensemble', 0.61, 2)?.within, false)
})
