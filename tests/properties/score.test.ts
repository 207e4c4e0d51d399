/** Laws of `.score()`: batch cuts and restarts from snapshots change no score, and a score depends on no later row. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PlanNode } from '../../stream/plan.ts'
import { detectorNames } from '../../stream/scoring/detectors/index.ts'
import { feedNode, run, twinEvents } from './pipeline-runs.ts'
import { settings } from './settings.ts'

function plan(detector: string, by: readonly string[], features: readonly string[], warmUp: number): PlanNode {
  const options = { by: by.map(name => ({ name })), detector, features, warmUp, threshold: { oneIn: 3 } }
  return { op: 'score', input: feedNode(2, undefined), options }
}

const plans = fc
  .tuple(
    fc.constantFrom(...detectorNames),
    fc.constantFrom([], ['key']),
    fc.constantFrom(['value'], ['t', 'value']),
    fc.integer({ min: 2, max: 12 }),
  )
  .map(([detector, by, features, warmUp]) => plan(detector, by, features, warmUp))

const places = fc.uniqueArray(fc.nat({ max: 40 }), { maxLength: 4 }).map(list => new Set(list))

test('batch cuts and restarts from snapshots change no score', () => {
  fc.assert(
    fc.property(plans, twinEvents(2), places, places, (node, events, cuts, restarts) => {
      const whole = run(node, events, new Set())
      assert.deepEqual(run(node, events, cuts).rows, whole.rows)
      const restarted = run(node, events, cuts, restarts)
      assert.deepEqual(restarted.rows, whole.rows)
      assert.equal(restarted.stats.errorCount, whole.stats.errorCount)
    }),
    settings(100),
  )
})

test('what comes later changes no score', () => {
  fc.assert(
    fc.property(plans, twinEvents(2), twinEvents(2), (node, events, later) => {
      const short = run(node, events, new Set()).rows
      assert.deepEqual(run(node, [...events, ...later], new Set()).rows.slice(0, short.length), short)
    }),
    settings(100),
  )
})
