/**
 * Half-space trees: random boxes over the space of the features, with how many rows of the last window fell into each. A row in
 * boxes few rows fell into is unusual. Constant memory, no distances.
 *
 *   row ─▶ its leaf in each tree, found without looking at counts ─▶ score: what the last window made of that leaf
 *                                                                └▶ learn: one more row in that leaf
 *
 * Counts of inner boxes, and where a search would have stopped, are worked out for all leaves when a window is full: a row costs one walk per tree.
 *
 * Source: Tan, Ting and Liu, "Fast anomaly detection for streaming data" (2011).
 */
import { Detector } from '../detector.ts'
import type { DetectorOptions } from '../detector.ts'
import { SeededRandom } from '../random.ts'

const defaultTrees = 25
const height = 8
/** Fits a byte, as the counts of a leaf do. */
const window = 250
/** Share of the window below which a box is not looked into. */
const sizeLimit = 0.1
const inner = 2 ** height - 1
const leaves = 2 ** height
/** The range of a feature in the warm-up is half as many steps, so that what lies outside of it has steps too. */
const gridEnd = 2 ** 30 - 1
/** Rows of the boxes of one tree while its leaves are weighed. */
const scratch = new Float64Array(2 * leaves - 1)

export class HalfSpaceTrees extends Detector {
  private readonly features: number
  private readonly warmUp: number
  private readonly random: SeededRandom
  private readonly low: Float64Array
  private readonly high: Float64Array
  private readonly trees: number
  /** By tree and node: feature and place of the cut, side by side, in steps of the grid. */
  private readonly cuts: Int32Array
  /** From a value to a step of the grid, by feature. */
  private readonly origin: Float64Array
  private readonly perStep: Float64Array
  /** By tree and leaf: rows of the window that fills, and what a row there is worth by the one before. */
  private readonly counts: Uint8Array
  private readonly worth: Int32Array
  /** The row whose leaves are known, and its steps. */
  private readonly walked: Float64Array
  private readonly steps: Int32Array
  private readonly leafOf: Int32Array
  private training: (readonly number[])[] = []
  private learned = 0
  private inWindow = 0
  private ready = false

  constructor(options: DetectorOptions, trees = defaultTrees) {
    super()
    this.trees = trees
    this.cuts = new Int32Array(2 * trees * inner)
    this.origin = new Float64Array(options.features)
    this.perStep = new Float64Array(options.features)
    this.steps = new Int32Array(options.features)
    this.counts = new Uint8Array(trees * leaves)
    this.worth = new Int32Array(trees * leaves)
    this.walked = new Float64Array(options.features).fill(NaN)
    this.leafOf = new Int32Array(trees)
    this.features = options.features
    this.warmUp = options.warmUp
    this.random = new SeededRandom(options.seed)
    this.low = new Float64Array(options.features).fill(Infinity)
    this.high = new Float64Array(options.features).fill(-Infinity)
  }

  /** 0 for a row where rows are many to 1 where there are none. */
  override scoreOne(row: readonly number[]): number {
    if (!this.ready) return 0
    this.walk(row)
    const { leafOf, worth, trees } = this
    let mass = 0
    for (let t = 0; t < trees; t++) mass += worth[leafOf[t]!]!
    // All rows in every leaf would be the most: window · 2^height a tree.
    return 1 - Math.min(1, mass / (trees * window * 2 ** (height / 2)))
  }

  override limits(): readonly [number, number] {
    return [0, 1]
  }

  override learnOne(row: readonly number[]): void {
    this.learned++
    if (!this.ready) {
      this.training.push(row)
      if (this.learned >= this.warmUp) this.build()
      return
    }
    this.count(row)
  }

  /** Finds the leaves of a row; a row that is scored and then learned is walked once. */
  private walk(row: readonly number[]): void {
    const { walked, features, steps } = this
    let same = true
    for (let f = 0; f < features; f++) {
      const x = row[f]!
      if (walked[f] === x) continue
      walked[f] = x
      steps[f] = this.stepOf(x, f)
      same = false
    }
    if (same) return
    const { cuts, leafOf, trees } = this
    // Two trees at a time: a step waits for the one before it, the other tree does not.
    for (let t = 0; t < trees; t += 2) {
      const first = 2 * t * inner
      const second = t + 1 < trees ? first + 2 * inner : first
      let a = 0
      let b = 0
      for (let depth = 0; depth < height; depth++) {
        const p = first + a
        const q = second + b
        a = (a << 1) + 4 + (((steps[cuts[p]!]! - cuts[p + 1]!) >> 31) << 1)
        b = (b << 1) + 4 + (((steps[cuts[q]!]! - cuts[q + 1]!) >> 31) << 1)
      }
      leafOf[t] = t * leaves + (a >> 1) - inner
      if (t + 1 < trees) leafOf[t + 1] = (t + 1) * leaves + (b >> 1) - inner
    }
  }

  /** Differences of steps stay whole numbers of 32 bits. */
  private stepOf(x: number, f: number): number {
    const step = (x - this.origin[f]!) * this.perStep[f]!
    return step >= gridEnd ? gridEnd : step <= -gridEnd ? -gridEnd : Math.floor(step)
  }

  private count(row: readonly number[]): void {
    this.walk(row)
    const { leafOf, counts, trees } = this
    for (let t = 0; t < trees; t++) counts[leafOf[t]!]!++
    if (++this.inWindow < window) return
    this.inWindow = 0
    for (let t = 0; t < trees; t++) this.weigh(t)
    counts.fill(0)
  }

  /** A search goes down from the root and stops at the first box with few rows: its rows times two to its depth. */
  private weigh(tree: number): void {
    const { counts, worth } = this
    const [first, mass] = [tree * leaves, scratch]
    for (let leaf = 0; leaf < leaves; leaf++) mass[inner + leaf] = counts[first + leaf]!
    for (let node = inner - 1; node >= 0; node--) mass[node] = mass[2 * node + 1]! + mass[2 * node + 2]!
    // From the root on: a box in which a search stops is worth the same down to its leaves, told by a sign.
    for (let depth = 0, node = 0; depth <= height; depth++) {
      for (const end = 2 * node + 1; node < end; node++) {
        const above = depth === 0 ? 1 : mass[(node - 1) >> 1]!
        const rows = mass[node]!
        if (above <= 0) mass[node] = above
        else if (depth === height || rows < sizeLimit * window) mass[node] = -rows * 2 ** depth
      }
    }
    for (let leaf = 0; leaf < leaves; leaf++) worth[first + leaf] = -mass[inner + leaf]!
  }

  /** Boxes over the range of the warm-up, widened by a random part as in the paper, and the last rows of it as the first window. */
  private build(): void {
    for (const row of this.training) {
      for (let f = 0; f < this.features; f++) {
        this.low[f] = Math.min(this.low[f] as number, row[f] as number)
        this.high[f] = Math.max(this.high[f] as number, row[f] as number)
      }
    }
    for (let f = 0; f < this.features; f++) {
      const [from, to] = [this.low[f]!, this.high[f]!]
      this.origin[f] = (from + to) / 2
      this.perStep[f] = gridEnd / 2 / (to - from || Math.abs(from) / 50 || 1)
    }
    // The boxes are new, so no leaf is known.
    this.walked.fill(NaN)
    for (let t = 0; t < this.trees; t++) {
      const low = Array.from(this.low)
      const high = Array.from(this.high)
      for (let f = 0; f < this.features; f++) {
        const [from, to] = [low[f] as number, high[f] as number]
        const length = to - from || Math.abs(from) / 50 || 1
        low[f] = from - length * 0.15 * this.random.next() - length * 0.05
        high[f] = to + length * 0.15 * this.random.next() + length * 0.05
      }
      this.split(t, 0, low, high)
    }
    const rows = this.training.slice(-window)
    const copies = Math.ceil(window / rows.length)
    // A short warm-up is counted more than once: masses are those of a whole window.
    for (let i = 0; i < copies * rows.length && !this.ready; i++) {
      this.count(rows[i % rows.length] as readonly number[])
      this.ready = this.inWindow === 0
    }
    this.ready = true
    this.training = []
  }

  private split(tree: number, node: number, low: number[], high: number[]): void {
    if (node >= inner) return
    const at = tree * inner + node
    const f = this.random.below(this.features)
    const [from, to] = [low[f] as number, high[f] as number]
    // Not too near to the edges, as River pads its splits.
    const middle = from + (to - from) * (0.15 + 0.7 * this.random.next())
    this.cuts[2 * at] = f
    this.cuts[2 * at + 1] = this.stepOf(middle, f)
    high[f] = middle
    this.split(tree, 2 * node + 1, low, high)
    high[f] = to
    low[f] = middle
    this.split(tree, 2 * node + 2, low, high)
    low[f] = from
  }
}
