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
/** Of a tree that holds one row more for a moment. */
const nodes = 2 * (treeSize + 1)

export class RandomCutForest extends Detector {
  private readonly forest: CutTree[]
  /** The row that was scored last; when it is learned next, each tree knows its place. */
  private readonly point: Float64Array
  private placed = false

  constructor(options: DetectorOptions) {
    super()
    this.point = new Float64Array(options.features)
    this.forest = Array.from({ length: trees }, (_, t) => new CutTree(options.features, options.seed + 7919 * t))
  }

  override scoreOne(row: readonly number[]): number {
    this.point.set(row)
    this.placed = this.forest[0]!.full
    if (!this.placed) return 0
    let sum = 0
    for (const tree of this.forest) sum += tree.displacement(this.point)
    return sum / trees
  }

  override learnOne(row: readonly number[]): void {
    const { point } = this
    const known = this.placed && row.every((x, d) => x === point[d])
    point.set(row)
    for (const tree of this.forest) tree.learn(point, known)
    this.placed = false
  }
}

const none = -1

/** Leaves are nodes without a cut; node numbers are reused. */
class CutTree {
  private readonly dims: number
  private readonly random: SeededRandom
  private readonly left = new Int32Array(nodes).fill(none)
  private readonly right = new Int32Array(nodes).fill(none)
  private readonly parent = new Int32Array(nodes).fill(none)
  private readonly cutDim = new Int32Array(nodes)
  private readonly cutAt = new Float64Array(nodes)
  private readonly size = new Int32Array(nodes)
  /** Of each node the box of its rows: low and high of a feature side by side. */
  private readonly box: Float64Array
  /** Lengths of a box with a row in it, while a cut is looked for. */
  private readonly extents: Float64Array
  private readonly free = Int32Array.from({ length: nodes }, (_, i) => nodes - 1 - i)
  private freeCount = nodes
  /** Leaves of the last rows, in a ring; a row equal to another shares its leaf. */
  private readonly leaves = new Int32Array(treeSize)
  private learned = 0
  private root = none
  /** What the last search has found: the node above which a row is cut in, or the leaf it equals; and the cut. */
  private place = none
  private same = false
  private placeDim = 0
  private placeAt = 0
  private less = false

  constructor(dims: number, seed: number) {
    this.dims = dims
    this.random = new SeededRandom(seed)
    this.box = new Float64Array(2 * nodes * dims)
    this.extents = new Float64Array(dims)
  }

  get full(): boolean {
    return this.learned >= treeSize
  }

  /** The row comes before the oldest goes. `known`: its place was found by `displacement`, and nothing has changed since. */
  learn(row: Float64Array, known: boolean): void {
    if (!known && this.root !== none) this.search(row)
    this.random.next()
    const slot = this.learned++ % treeSize
    const oldest = this.leaves[slot]!
    this.leaves[slot] = this.insert(row)
    if (this.learned > treeSize) this.forget(oldest)
  }

  /** Of the row as if it were in the tree, at the place where it will be when it is learned next. */
  displacement(row: Float64Array): number {
    this.search(row)
    const { parent, left, right, size: sizes } = this
    let below = this.place
    // Beside the new leaf stand all rows of the node it was cut off from.
    let most = this.same ? 0 : sizes[below]!
    let size = sizes[below]! + 1
    for (let above = parent[below]!; above !== none; above = parent[below]!) {
      const beside = sizes[left[above] === below ? right[above]! : left[above]!]!
      if (beside > most * size) most = beside / size
      size += beside
      below = above
    }
    return most
  }

  /** From the root down to the node that a random cut parts the row from; changes nothing. */
  private search(row: Float64Array): void {
    const { dims, box, left, right, cutDim, cutAt, extents } = this
    let node = this.root
    let rest = this.random.peek()
    for (;;) {
      const base = 2 * node * dims
      let span = 0
      for (let d = 0; d < dims; d++) {
        const x = row[d]!
        const low = box[base + 2 * d]!
        const high = box[base + 2 * d + 1]!
        // Length of the box with the row in it, without a branch: where a row lies nobody can foretell.
        const extent = 0.5 * (Math.abs(x - low) + Math.abs(x - high) + (high - low))
        extents[d] = extent
        span += extent
      }
      if (!(span > 0)) return this.found(node, true)
      let cut = rest * span
      let dim = 0
      while (dim < dims - 1 && cut > extents[dim]!) cut -= extents[dim++]!
      const x = row[dim]!
      const low = box[base + 2 * dim]!
      const high = box[base + 2 * dim + 1]!
      const at = (x < low ? x : low) + cut
      if (at < low || (at >= high && x > high)) {
        this.placeDim = dim
        this.placeAt = at
        this.less = at < low
        return this.found(node, false)
      }
      if (left[node] === none) return this.found(node, true)
      node = row[cutDim[node]!]! <= cutAt[node]! ? left[node]! : right[node]!
      // A fresh draw for each level, made from the last one; its fraction by hand, since % of fractions is a call.
      rest = rest * 7919.123 + 0.618033988749895
      rest -= Math.floor(rest)
    }
  }

  private found(node: number, same: boolean): void {
    this.place = node
    this.same = same
  }

  /** At the place that was found. */
  private insert(row: Float64Array): number {
    if (this.root === none) return (this.root = this.leafOf(row))
    const { place: node, left, right, parent, box, size, dims } = this
    for (let at = parent[node]!; at !== none; at = parent[at]!) {
      size[at]!++
      this.widen(2 * at * dims, row)
    }
    if (this.same) {
      size[node]!++
      return node
    }
    const leaf = this.leafOf(row)
    const branch = this.free[--this.freeCount]!
    const above = parent[node]!
    this.cutDim[branch] = this.placeDim
    this.cutAt[branch] = this.placeAt
    left[branch] = this.less ? leaf : node
    right[branch] = this.less ? node : leaf
    parent[branch] = above
    parent[leaf] = branch
    parent[node] = branch
    size[branch] = size[node]! + 1
    box.copyWithin(2 * branch * dims, 2 * node * dims, 2 * (node + 1) * dims)
    this.widen(2 * branch * dims, row)
    if (above === none) this.root = branch
    else if (left[above] === node) left[above] = branch
    else right[above] = branch
    return leaf
  }

  private widen(base: number, row: Float64Array): void {
    const { box, dims } = this
    for (let d = 0; d < dims; d++) {
      const x = row[d]!
      if (x < box[base + 2 * d]!) box[base + 2 * d] = x
      else if (x > box[base + 2 * d + 1]!) box[base + 2 * d + 1] = x
    }
  }

  private leafOf(row: Float64Array): number {
    const leaf = this.free[--this.freeCount]!
    this.left[leaf] = none
    this.right[leaf] = none
    this.parent[leaf] = none
    this.size[leaf] = 1
    const base = 2 * leaf * this.dims
    for (let d = 0; d < this.dims; d++) {
      this.box[base + 2 * d] = row[d]!
      this.box[base + 2 * d + 1] = row[d]!
    }
    return leaf
  }

  private forget(leaf: number): void {
    const { left, right, parent, size } = this
    if (size[leaf]! > 1) {
      for (let at = leaf; at !== none; at = parent[at]!) size[at]!--
      return
    }
    const branch = parent[leaf]!
    this.free[this.freeCount++] = leaf
    if (branch === none) {
      this.root = none
      return
    }
    const sibling = left[branch] === leaf ? right[branch]! : left[branch]!
    const above = parent[branch]!
    parent[sibling] = above
    if (above === none) this.root = sibling
    else if (left[above] === branch) left[above] = sibling
    else right[above] = sibling
    this.free[this.freeCount++] = branch
    // A box that does not end at the row that goes stays as it is, and so do all around it.
    let ends = true
    for (let at = above; at !== none; at = parent[at]!) {
      size[at]!--
      ends = ends && this.shrink(at, leaf)
    }
  }

  /** The box around both children anew; false when the row of the leaf, whose box is still there, was not at its edge. */
  private shrink(node: number, leaf: number): boolean {
    const { box, dims } = this
    const [at, gone] = [2 * node * dims, 2 * leaf * dims]
    const [l, r] = [2 * this.left[node]! * dims, 2 * this.right[node]! * dims]
    let ends = false
    for (let d = 0; d < 2 * dims; d += 2) {
      const x = box[gone + d]!
      if (x === box[at + d]) {
        ends = true
        box[at + d] = Math.min(box[l + d]!, box[r + d]!)
      }
      if (x === box[at + d + 1]) {
        ends = true
        box[at + d + 1] = Math.max(box[l + d + 1]!, box[r + d + 1]!)
      }
    }
    return ends
  }
}
