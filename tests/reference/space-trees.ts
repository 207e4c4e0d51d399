/**
 * Half-space trees the slow way: boxes are objects with the rows of the window counted in each on the way down, and a search goes from the
 * root. The cuts are given. Imports nothing of stream/.
 */
export interface SpaceCut {
  readonly feature: number
  /** Rows from here on go to the second box. */
  readonly at: number
}

interface Box {
  /** Rows of the window before, and of the one that fills. */
  before: number
  now: number
  readonly cut: SpaceCut | undefined
  readonly boxes: readonly Box[]
}

export class SlowSpaceTrees {
  private readonly roots: readonly Box[]
  private readonly window: number
  private learned = 0

  /** @param cuts for each tree the cut of each box: the root, then those below it, row by row */
  constructor(cuts: readonly (readonly SpaceCut[])[], window: number) {
    this.roots = cuts.map(tree => boxOf(tree, 0))
    this.window = window
  }

  /** As in the paper: rows of the box where a search stops, times two to its depth; summed over the trees. */
  mass(row: readonly number[]): number {
    return this.sum(row, path => last(path).before * 2 ** (path.length - 1))
  }

  /** As in River: all boxes on the way count. */
  riverMass(row: readonly number[]): number {
    return this.sum(row, path => path.reduce((sum, box, depth) => sum + box.before * 2 ** depth, 0))
  }

  private sum(row: readonly number[], of: (path: readonly Box[]) => number): number {
    let sum = 0
    for (const root of this.roots) {
      const path = pathOf(root, row)
      const stop = path.findIndex(box => box.before < 0.1 * this.window)
      sum += of(stop < 0 ? path : path.slice(0, stop + 1))
    }
    return sum
  }

  learn(row: readonly number[]): void {
    for (const root of this.roots) for (const box of pathOf(root, row)) box.now++
    if (++this.learned % this.window === 0) this.roots.forEach(turn)
  }
}

function boxOf(cuts: readonly SpaceCut[], node: number): Box {
  const cut = cuts[node]
  const boxes = cut === undefined ? [] : [boxOf(cuts, 2 * node + 1), boxOf(cuts, 2 * node + 2)]
  return { before: 0, now: 0, cut, boxes }
}

function pathOf(box: Box, row: readonly number[]): Box[] {
  const { cut, boxes } = box
  return cut === undefined ? [box] : [box, ...pathOf(boxes[row[cut.feature]! < cut.at ? 0 : 1]!, row)]
}

function last(path: readonly Box[]): Box {
  return path[path.length - 1]!
}

function turn(box: Box): void {
  box.before = box.now
  box.now = 0
  box.boxes.forEach(turn)
}
