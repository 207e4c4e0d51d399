/**
 * Robust random cut forest: trees of random cuts over the last rows, kept up row by row. The score of a row is its collusive
 * displacement: how much shallower the rows beside it would lie without it.
 *
 * Source: Guha et al., "Robust random cut forest based anomaly detection on streams" (2016). Nodes lie in flat arrays: a tree of
 * objects is ten times slower.
 */
import { Detector } from '../detector.ts'
import type { DetectorOptions } from '../detector.ts'
import { SeededRandom } from '../random.ts'

const trees = 20
const treeSize = 128

export class RandomCutForest extends Detector {
  private readonly forest: CutTree[]

  constructor(options: DetectorOptions) {
    super()
    this.forest = Array.from({ length: trees }, (_, t) => new CutTree(options.features, options.seed + 7919 * t))
  }

  override scoreOne(row: readonly number[]): number {
    let sum = 0
    for (const tree of this.forest) sum += tree.displacement(row)
    return sum / trees
  }

  override learnOne(row: readonly number[]): void {
    for (const tree of this.forest) tree.learn(row)
  }
}

const none = -1

/** Leaves are nodes without a cut; node numbers are reused. */
class CutTree {
  private readonly dims: number
  private readonly random: SeededRandom
  private readonly left = new Int32Array(2 * treeSize).fill(none)
  private readonly right = new Int32Array(2 * treeSize).fill(none)
  private readonly parent = new Int32Array(2 * treeSize).fill(none)
  private readonly cutDim = new Int32Array(2 * treeSize)
  private readonly cutAt = new Float64Array(2 * treeSize)
  private readonly size = new Int32Array(2 * treeSize)
  private readonly low: Float64Array
  private readonly high: Float64Array
  private free: number[] = Array.from({ length: 2 * treeSize }, (_, i) => 2 * treeSize - 1 - i)
  /** Leaves by age; a row equal to another shares its leaf. */
  private leaves: number[] = []
  private root = none

  constructor(dims: number, seed: number) {
    this.dims = dims
    this.random = new SeededRandom(seed)
    this.low = new Float64Array(2 * treeSize * dims)
    this.high = new Float64Array(2 * treeSize * dims)
  }

  learn(row: readonly number[]): void {
    if (this.leaves.length === treeSize) this.forget(this.leaves.shift() as number)
    this.leaves.push(this.insert(row, this.random.next()))
  }

  /** Of the row as if it were in the tree: it is cut in with a fixed draw and taken out again. */
  displacement(row: readonly number[]): number {
    if (this.leaves.length < treeSize) return 0
    const place = this.placeOf(row, 0.5)
    let most = 0
    // Beside the new leaf stand all rows of the node it was cut off from.
    if (!place.same) most = this.size[place.node] as number
    let below = place.node
    let size = (this.size[below] as number) + 1
    while ((this.parent[below] as number) !== none) {
      const parent = this.parent[below] as number
      const sibling = this.left[parent] === below ? (this.right[parent] as number) : (this.left[parent] as number)
      most = Math.max(most, (this.size[sibling] as number) / size)
      size += this.size[sibling] as number
      below = parent
    }
    return most
  }

  /** Node above which the row's leaf is cut in, or the leaf it equals; the cut. */
  private placeOf(
    row: readonly number[],
    draw: number,
  ): { node: number; same: boolean; dim: number; at: number; less: boolean } {
    let node = this.root
    let rest = draw
    for (;;) {
      const base = node * this.dims
      let span = 0
      for (let d = 0; d < this.dims; d++) {
        span += Math.max(this.high[base + d]!, row[d]!) - Math.min(this.low[base + d]!, row[d]!)
      }
      if (span === 0 || Number.isNaN(span)) return { node, same: true, dim: 0, at: 0, less: false }
      let cut = rest * span
      let dim = 0
      let at = 0
      for (; dim < this.dims; dim++) {
        const from = Math.min(this.low[base + dim]!, row[dim]!)
        const length = Math.max(this.high[base + dim]!, row[dim]!) - from
        if (cut <= length) {
          at = from + cut
          break
        }
        cut -= length
      }
      dim = Math.min(dim, this.dims - 1)
      if (at < this.low[base + dim]!) return { node, same: false, dim, at, less: true }
      if (at >= this.high[base + dim]! && row[dim]! > this.high[base + dim]!)
        return { node, same: false, dim, at, less: false }
      if (this.left[node] === none) return { node, same: true, dim: 0, at: 0, less: false }
      node = row[this.cutDim[node]!]! <= this.cutAt[node]! ? this.left[node]! : this.right[node]!
      // A fresh draw for each level, made from the last one.
      rest = (rest * 7919.123 + 0.618033988749895) % 1
    }
  }

  private insert(row: readonly number[], draw: number): number {
    if (this.root === none) return (this.root = this.leafOf(row))
    const { node, same, dim, at, less } = this.placeOf(row, draw)
    if (same) {
      this.grow(node, row, 1)
      return node
    }
    const leaf = this.leafOf(row)
    const branch = this.free.pop() as number
    const above = this.parent[node] as number
    this.cutDim[branch] = dim
    this.cutAt[branch] = at
    this.left[branch] = less ? leaf : node
    this.right[branch] = less ? node : leaf
    this.parent[branch] = above
    this.size[branch] = this.size[node]!
    this.parent[leaf] = branch
    this.parent[node] = branch
    for (let d = 0; d < this.dims; d++) {
      this.low[branch * this.dims + d] = this.low[node * this.dims + d]!
      this.high[branch * this.dims + d] = this.high[node * this.dims + d]!
    }
    if (above === none) this.root = branch
    else if (this.left[above] === node) this.left[above] = branch
    else this.right[above] = branch
    this.grow(branch, row, 1)
    return leaf
  }

  /** Counts the row in and widens boxes from `node` up. */
  private grow(node: number, row: readonly number[], by: number): void {
    for (let at = node; at !== none; at = this.parent[at]!) {
      this.size[at]! += by
      for (let d = 0; d < this.dims; d++) {
        const i = at * this.dims + d
        if (row[d]! < this.low[i]!) this.low[i] = row[d]!
        if (row[d]! > this.high[i]!) this.high[i] = row[d]!
      }
    }
  }

  private leafOf(row: readonly number[]): number {
    const leaf = this.free.pop() as number
    this.left[leaf] = none
    this.right[leaf] = none
    this.parent[leaf] = none
    this.size[leaf] = 1
    for (let d = 0; d < this.dims; d++) {
      this.low[leaf * this.dims + d] = row[d]!
      this.high[leaf * this.dims + d] = row[d]!
    }
    return leaf
  }

  private forget(leaf: number): void {
    if (this.size[leaf]! > 1) {
      for (let at = leaf; at !== none; at = this.parent[at]!) this.size[at]!--
      return
    }
    const branch = this.parent[leaf]!
    this.free.push(leaf)
    if (branch === none) {
      this.root = none
      return
    }
    const sibling = this.left[branch] === leaf ? this.right[branch]! : this.left[branch]!
    const above = this.parent[branch]!
    this.parent[sibling] = above
    if (above === none) this.root = sibling
    else if (this.left[above] === branch) this.left[above] = sibling
    else this.right[above] = sibling
    this.free.push(branch)
    for (let at = above; at !== none; at = this.parent[at]!) {
      this.size[at]!--
      this.shrink(at)
    }
  }

  private shrink(node: number): void {
    const [l, r] = [this.left[node]! * this.dims, this.right[node]! * this.dims]
    for (let d = 0; d < this.dims; d++) {
      this.low[node * this.dims + d] = Math.min(this.low[l + d]!, this.low[r + d]!)
      this.high[node * this.dims + d] = Math.max(this.high[l + d]!, this.high[r + d]!)
    }
  }
}
