import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlowCutTree } from '../reference/cut-tree.ts'
import { draw } from '../../stream/log/random.ts'
import { RandomCutForest } from '../../stream/scoring/detectors/rrcf.ts'

test('a forest in flat arrays scores as trees of objects do that work out each box anew, equal rows included', () => {
  const forest = new RandomCutForest({ features: 2, warmUp: 10, seed: 3 })
  const slow = Array.from({ length: 20 }, (_, t) => new SlowCutTree(128, n => draw(3 + 7919 * t, 0x5c0e, n, 0)))
  for (let i = 0; i < 240; i++) {
    // Sixteenths, so that both add without rounding; every seventh row equals one before, some lie far out.
    const at = i % 7 === 0 && i > 0 ? i - 5 : i
    const row = [0, 1].map(which => Math.round(16 * draw(1, 2, at, which) * (at % 40 === 3 ? 9 : 1)) / 16)
    const expected = slow.reduce((sum, tree) => sum + tree.displacement(row), 0) / 20
    // Half of the rows are learned without being scored: their places have to be found then.
    if (i % 2 === 0) assert.ok(Math.abs(forest.scoreOne(row) - expected) < 1e-9, `row ${i}: ${expected}`)
    forest.learnOne(row)
    for (const tree of slow) tree.learn(row)
  }
})
