/** A random cut tree the slow way: nodes are objects, boxes are worked out anew from the rows below each time. Imports nothing of stream/. */

type Node = { readonly rows: number[][] } | { readonly dim: number; readonly at: number; left: Node; right: Node }

/** `draw`: a number in [0, 1) for each row, in order; scoring a row looks at the one it will be learned with. */
export class SlowCutTree {
  private root: Node | undefined
  private rows: number[][] = []
  private readonly size: number
  private readonly draw: (n: number) => number
  private learned = 0

  constructor(size: number, draw: (n: number) => number) {
    this.size = size
    this.draw = draw
  }

  /** How much shallower the rows beside it would lie without it, at the most. */
  displacement(row: number[]): number {
    if (this.rows.length < this.size || this.root === undefined) return 0
    const path: Node[] = []
    placed(this.root, row, this.draw(this.learned), path)
    let most = 0
    for (let depth = 1; depth < path.length; depth++) {
      const above = path[depth - 1] as Exclude<Node, { rows: number[][] }>
      const beside = above.left === path[depth] ? above.right : above.left
      most = Math.max(most, rowsOf(beside).length / (rowsOf(path[depth]!).length + 1))
    }
    const place = path.at(-1)!
    const equal = 'rows' in place && place.rows[0]!.every((x, d) => x === row[d])
    return equal ? most : Math.max(most, rowsOf(place).length)
  }

  learn(row: number[]): void {
    const draw = this.draw(this.learned++)
    this.root = this.root === undefined ? { rows: [row] } : placed(this.root, row, draw, [])
    this.rows.push(row)
    if (this.rows.length <= this.size) return
    this.root = without(this.root, this.rows.shift()!)
  }
}

/** The tree with the row in it; `path` becomes the nodes from the root down to the one it is cut off from, or equals. */
function placed(node: Node, row: number[], draw: number, path: Node[]): Node {
  path.push(node)
  const below = rowsOf(node)
  const low = row.map((_, d) => Math.min(...below.map(one => one[d]!)))
  const high = row.map((_, d) => Math.max(...below.map(one => one[d]!)))
  const from = row.map((x, d) => Math.min(x, low[d]!))
  const length = row.map((x, d) => Math.max(x, high[d]!) - from[d]!)
  const span = length.reduce((sum, one) => sum + one, 0)
  if (span === 0) return { rows: [...below, row] }
  let cut = draw * span
  let dim = 0
  while (dim < row.length - 1 && cut > length[dim]!) cut -= length[dim++]!
  const at = from[dim]! + cut
  const leaf: Node = { rows: [row] }
  if (at < low[dim]!) return { dim, at, left: leaf, right: node }
  if (at >= high[dim]! && row[dim]! > high[dim]!) return { dim, at, left: node, right: leaf }
  if ('rows' in node) return { rows: [...below, row] }
  const next = draw * 7919.123 + 0.618033988749895
  const rest = next - Math.floor(next)
  return row[node.dim]! <= node.at
    ? { ...node, left: placed(node.left, row, rest, path) }
    : { ...node, right: placed(node.right, row, rest, path) }
}

function without(node: Node, row: number[]): Node | undefined {
  if ('rows' in node) {
    const rest = node.rows.filter(one => one !== row)
    return rest.length === 0 ? undefined : { rows: rest }
  }
  const left = without(node.left, row)
  const right = without(node.right, row)
  return left === undefined ? right : right === undefined ? left : { ...node, left, right }
}

function rowsOf(node: Node): readonly number[][] {
  return 'rows' in node ? node.rows : [...rowsOf(node.left), ...rowsOf(node.right)]
}
