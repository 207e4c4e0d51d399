import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HalfSpaceTrees } from '../../stream/scoring/detectors/half-space-trees.ts'
import { SlowSpaceTrees } from '../reference/space-trees.ts'
import type { SpaceCut } from '../reference/space-trees.ts'
import { seeded } from './corpus.ts'

const window = 250

/** What a trained detector says of its cuts, in units of the features. */
interface Told {
  readonly cuts: { readonly $i32: readonly number[] }
  readonly origin: { readonly $f64: readonly number[] }
  readonly perStep: { readonly $f64: readonly number[] }
}

function cutsOf(detector: HalfSpaceTrees, trees: number, bits: number): SpaceCut[][] {
  const { cuts, origin, perStep } = detector.toJSON() as Told
  return Array.from({ length: trees }, (_, t) =>
    Array.from({ length: 255 }, (_, n) => {
      const cut = cuts.$i32[256 * t + n + 1]!
      const feature = cut & (2 ** bits - 1)
      return { feature, at: (cut >> bits) / perStep.$f64[feature]! + origin.$f64[feature]! }
    }),
  )
}

/** One seed, features and trees; the last two are no multiple of what is walked side by side. */
for (const [features, trees, bits] of [
  [8, 10, 3],
  [1, 25, 0],
  [5, 7, 3],
] as const) {
  test(`half-space trees of ${features} features give what boxes as objects give, window after window`, () => {
    const random = seeded(features + 40)
    const row = (n: number) => Array.from({ length: features }, () => random() + (n > 700 ? 0.5 : 0))
    const detector = new HalfSpaceTrees({ features, warmUp: window, seed: 3 }, trees)
    const training = Array.from({ length: window }, (_, n) => row(n))
    for (const one of training) detector.learnOne(one)
    const cuts = cutsOf(detector, trees, bits)
    const slow = new SlowSpaceTrees(cuts, window)
    for (const one of training) slow.learn(one)
    const [mine, river]: number[][] = [[], []]
    for (let n = window; n < 1100; n++) {
      const one = row(n)
      const scoreOf = (of: number[]) => 1 - Math.min(1, slow.mass(of) / (trees * window * 16))
      // A row in the step of a cut is above the cut.
      const { feature, at } = cuts[n % trees]![n % 255]!
      const edge = one.with(feature, at + 1e-8)
      assert.equal(detector.scoreOne(edge), scoreOf(edge), `row ${n} at a cut`)
      assert.equal(detector.scoreOne(one), scoreOf(one), `row ${n}`)
      mine!.push(scoreOf(one))
      river!.push(-slow.riverMass(one))
      detector.learnOne(one)
      slow.learn(one)
    }
    // River counts all boxes of a path: another number, the same order.
    assert.ok(spearman(mine!, river!) >= 0.95, String(spearman(mine!, river!)))
  })
}

/** Correlation of ranks; equal values share the mean of their places. */
function spearman(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)]
  const mean = (a.length - 1) / 2
  const sum = (f: (i: number) => number) => a.reduce((total, _, i) => total + f(i), 0)
  const both = sum(i => (x[i]! - mean) * (y[i]! - mean))
  return both / Math.sqrt(sum(i => (x[i]! - mean) ** 2) * sum(i => (y[i]! - mean) ** 2))
}

function ranks(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  return values.map(value => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2)
}
