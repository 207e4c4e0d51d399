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
/** 2 ** height, as a literal: V8 then knows where a tree lies, and a walk takes two thirds of the time. */
const leaves = 256
/** Fits a byte, as the counts of a leaf do. */
const window = 250
/** Share of the window below which a box is not looked into. */
const sizeLimit = 0.1
/** Trees that are walked side by side: a step waits for the one before it, those of the other trees do not. */
const abreast = 5
/** Rows of the leaves before one, while the leaves of a tree are weighed. */
const before = new Int32Array(leaves + 1)

export class HalfSpaceTrees extends Detector {
  private readonly features: number
  private readonly warmUp: number
  private readonly random: SeededRandom
  private readonly low: Float64Array
  private readonly high: Float64Array
  private readonly trees: number
  /** By tree and node: step of the grid where the cut lies, the feature in the lowest bits. */
  private readonly cuts: Int32Array
  /** Bits of the feature in a cut, and those bits. */
  private readonly bits: number
  private readonly mask: number
  /** The range of a feature in the warm-up is half as many steps, so that what lies outside of it has steps too. */
  private readonly gridEnd: number
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
    // Trees that are not there have all rows in one leaf that is worth nothing.
    const walked = Math.ceil(trees / abreast) * abreast
    this.bits = Math.ceil(Math.log2(options.features))
    this.mask = 2 ** this.bits - 1
    this.gridEnd = 2 ** (30 - this.bits) - 2
    this.cuts = new Int32Array(walked * leaves)
    this.origin = new Float64Array(options.features)
    this.perStep = new Float64Array(options.features)
    this.steps = new Int32Array(options.features)
    this.counts = new Uint8Array(walked * leaves)
    this.worth = new Int32Array(walked * leaves)
    this.walked = new Float64Array(options.features).fill(NaN)
    this.leafOf = new Int32Array(walked)
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
    if (this.place(row)) this.descend()
  }

  /** The row as steps of the grid; false when it is the row before. */
  private place(row: readonly number[]): boolean {
    const { walked, steps, origin, perStep, gridEnd, bits } = this
    let changed = false
    for (let f = 0; f < steps.length; f++) {
      const x = row[f]!
      if (walked[f] === x) continue
      walked[f] = x
      // At the place of a cut a row is above it: one more step, so that differences are never 0.
      steps[f] = (stepOf(x, origin[f]!, perStep[f]!, gridEnd) + 1) << bits
      changed = true
    }
    return changed
  }

  private descend(): void {
    const { cuts, steps, leafOf, mask } = this
    for (let t = 0, first = 0; t < leafOf.length; t += abreast, first += abreast * leaves) {
      let a = 1
      let b = 1
      let c = 1
      let d = 1
      let e = 1
      for (let depth = 0; depth < height; depth++) {
        const atA = cuts[first + a]!
        const atB = cuts[first + leaves + b]!
        const atC = cuts[first + 2 * leaves + c]!
        const atD = cuts[first + 3 * leaves + d]!
        const atE = cuts[first + 4 * leaves + e]!
        a = (a << 1) | ((atA - steps[atA & mask]!) >>> 31)
        b = (b << 1) | ((atB - steps[atB & mask]!) >>> 31)
        c = (c << 1) | ((atC - steps[atC & mask]!) >>> 31)
        d = (d << 1) | ((atD - steps[atD & mask]!) >>> 31)
        e = (e << 1) | ((atE - steps[atE & mask]!) >>> 31)
      }
      leafOf[t] = first + a - leaves
      leafOf[t + 1] = first + b
      leafOf[t + 2] = first + leaves + c
      leafOf[t + 3] = first + 2 * leaves + d
      leafOf[t + 4] = first + 3 * leaves + e
    }
  }

  private count(row: readonly number[]): void {
    this.walk(row)
    const { leafOf, counts, trees } = this
    for (let t = 0; t < trees; t++) counts[leafOf[t]!]!++
    if (++this.inWindow < window) return
    this.inWindow = 0
    for (let t = 0; t < trees; t++) this.weigh(t * leaves)
  }

  /** A search goes down from the root and stops at the first box with few rows: its rows times two to its depth. */
  private weigh(first: number): void {
    const { counts } = this
    for (let leaf = 0, rows = 0; leaf < leaves; leaf++) {
      rows += counts[first + leaf]!
      before[leaf + 1] = rows
      counts[first + leaf] = 0
    }
    this.search(first, 0, leaves)
  }

  /** The box of these leaves; all of them are worth the same where a search stops. */
  private search(first: number, from: number, to: number): void {
    const rows = before[to]! - before[from]!
    const middle = (from + to) >> 1
    if (rows >= sizeLimit * window && middle > from) {
      this.search(first, from, middle)
      this.search(first, middle, to)
      return
    }
    const worth = (rows * leaves) / (to - from)
    for (let leaf = from; leaf < to; leaf++) this.worth[first + leaf] = worth
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
      this.perStep[f] = this.gridEnd / 2 / (to - from || Math.abs(from) / 50 || 1)
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
      this.split(t, 1, low, high)
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
    if (node >= leaves) return
    const f = this.random.below(this.features)
    const [from, to] = [low[f] as number, high[f] as number]
    // Not too near to the edges, as River pads its splits.
    const middle = from + (to - from) * (0.15 + 0.7 * this.random.next())
    this.cuts[tree * leaves + node] = (stepOf(middle, this.origin[f]!, this.perStep[f]!, this.gridEnd) << this.bits) | f
    high[f] = middle
    this.split(tree, 2 * node, low, high)
    high[f] = to
    low[f] = middle
    this.split(tree, 2 * node + 1, low, high)
    low[f] = from
  }
}

/** Differences of steps stay whole numbers of 32 bits. */
function stepOf(x: number, origin: number, perStep: number, gridEnd: number): number {
  const step = (x - origin) * perStep
  return step >= gridEnd ? gridEnd : step <= -gridEnd ? -gridEnd : Math.floor(step)
}
