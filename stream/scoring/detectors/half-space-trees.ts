/**
 * Half-space trees: random boxes over the space of the features, with how many rows of the last window fell into each. A row in
 * boxes few rows fell into is unusual. Constant memory, no distances.
 *
 * Source: Tan, Ting and Liu, "Fast anomaly detection for streaming data" (2011).
 */
import { Detector } from '../detector.ts'
import type { DetectorOptions } from '../detector.ts'
import { SeededRandom } from '../random.ts'

const trees = 25
const height = 8
const window = 250
/** Share of the window below which a box is not looked into. */
const sizeLimit = 0.1
const nodes = 2 ** (height + 1) - 1
const inner = 2 ** height - 1

export class HalfSpaceTrees extends Detector {
  private readonly features: number
  private readonly warmUp: number
  private readonly random: SeededRandom
  private readonly low: Float64Array
  private readonly high: Float64Array
  private readonly splitFeature = new Int32Array(trees * inner)
  private readonly splitAt = new Float64Array(trees * inner)
  private reference = new Float64Array(trees * nodes)
  private latest = new Float64Array(trees * nodes)
  private training: (readonly number[])[] = []
  private learned = 0
  private inWindow = 0
  private ready = false

  constructor(options: DetectorOptions) {
    super()
    this.features = options.features
    this.warmUp = options.warmUp
    this.random = new SeededRandom(options.seed)
    this.low = new Float64Array(options.features).fill(Infinity)
    this.high = new Float64Array(options.features).fill(-Infinity)
  }

  /** 0 for a row where rows are many to 1 where there are none. */
  override scoreOne(row: readonly number[]): number {
    if (!this.ready) return 0
    let mass = 0
    for (let t = 0; t < trees; t++) mass += this.massOf(row, t)
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

  private massOf(row: readonly number[], tree: number): number {
    let node = 0
    for (let depth = 0; ; depth++) {
      const mass = this.reference[tree * nodes + node] as number
      if (depth === height || mass < sizeLimit * window) return mass * 2 ** depth
      node = this.childOf(row, tree, node)
    }
  }

  private childOf(row: readonly number[], tree: number, node: number): number {
    const at = tree * inner + node
    return 2 * node + ((row[this.splitFeature[at] as number] as number) < (this.splitAt[at] as number) ? 1 : 2)
  }

  private count(row: readonly number[]): void {
    for (let t = 0; t < trees; t++) {
      let node = 0
      for (let depth = 0; depth <= height; depth++) {
        this.latest[t * nodes + node]!++
        if (depth < height) node = this.childOf(row, t, node)
      }
    }
    if (++this.inWindow < window) return
    this.inWindow = 0
    const old = this.reference
    this.reference = this.latest
    this.latest = old.fill(0)
  }

  /** Boxes over the range of the warm-up, widened by a random part as in the paper, and the last rows of it as the first window. */
  private build(): void {
    for (const row of this.training) {
      for (let f = 0; f < this.features; f++) {
        this.low[f] = Math.min(this.low[f] as number, row[f] as number)
        this.high[f] = Math.max(this.high[f] as number, row[f] as number)
      }
    }
    for (let t = 0; t < trees; t++) {
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
    this.splitFeature[at] = f
    this.splitAt[at] = middle
    high[f] = middle
    this.split(tree, 2 * node + 1, low, high)
    high[f] = to
    low[f] = middle
    this.split(tree, 2 * node + 2, low, high)
    low[f] = from
  }
}
