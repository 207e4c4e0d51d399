/**
 * Isolation forest over the last 512 rows, planted anew every 128: how few random cuts set a row apart.
 *
 * Source: Liu, Ting and Zhou, "Isolation Forest" (2008).
 */
import { Detector } from '../detector.ts'
import type { DetectorOptions } from '../detector.ts'
import { SeededRandom } from '../random.ts'

const trees = 40
const sampleSize = 128
const memory = 512
const every = 128

/** Leaf: `size` rows were left. */
type Node = { feature: number; at: number; left: Node; right: Node } | { size: number }

export class IsolationForest extends Detector {
  private readonly warmUp: number
  private readonly random: SeededRandom
  private rows: (readonly number[])[] = []
  private forest: Node[] = []
  private sample = 0
  private learned = 0

  constructor(options: DetectorOptions) {
    super()
    this.warmUp = options.warmUp
    this.random = new SeededRandom(options.seed)
  }

  /** 2^(−depth / usual depth): about 0.5 for usual rows, towards 1 for rows apart. */
  override scoreOne(row: readonly number[]): number {
    if (this.forest.length === 0) return 0
    let depth = 0
    for (const tree of this.forest) depth += depthOf(tree, row)
    return 2 ** (-depth / this.forest.length / usualDepth(this.sample))
  }

  override limits(): readonly [number, number] {
    return [0, 1]
  }

  override learnOne(row: readonly number[]): void {
    this.rows.push(row)
    if (this.rows.length > memory) this.rows.shift()
    this.learned++
    if (this.learned >= this.warmUp && (this.forest.length === 0 || this.learned % every === 0)) this.plant()
  }

  private plant(): void {
    this.sample = Math.min(sampleSize, this.rows.length)
    const deepest = Math.ceil(Math.log2(Math.max(2, this.sample)))
    this.forest = Array.from({ length: trees }, () => {
      const rows = Array.from({ length: this.sample }, () => this.rows[this.random.below(this.rows.length)]!)
      return this.grow(rows, deepest)
    })
  }

  private grow(rows: (readonly number[])[], depth: number): Node {
    if (depth === 0 || rows.length <= 1) return { size: rows.length }
    const feature = this.random.below(rows[0]!.length)
    let low = Infinity
    let high = -Infinity
    for (const row of rows) {
      low = Math.min(low, row[feature] as number)
      high = Math.max(high, row[feature] as number)
    }
    if (!(high > low)) return { size: rows.length }
    const at = low + (high - low) * this.random.next()
    const left = rows.filter(row => (row[feature] as number) < at)
    const right = rows.filter(row => (row[feature] as number) >= at)
    return { feature, at, left: this.grow(left, depth - 1), right: this.grow(right, depth - 1) }
  }
}

function depthOf(tree: Node, row: readonly number[]): number {
  let node = tree
  let depth = 0
  while ('left' in node) {
    node = (row[node.feature] as number) < node.at ? node.left : node.right
    depth++
  }
  return depth + usualDepth(node.size)
}

/** Mean depth of an unsuccessful search among `n` rows. */
function usualDepth(n: number): number {
  if (n <= 1) return 0
  return 2 * (Math.log(n - 1) + 0.5772156649) - (2 * (n - 1)) / n
}
