/**
 * Where the graph of a pattern stands on the screen: steps in a row from the start to the match, ways to the next step straight,
 * ways further on as arcs above, rounds and ways back as arcs below. Pure; the tab draws it.
 */
import { grouped } from './counts.ts'
import type { PatternEdge, PatternView } from '../patterns/view.ts'

export interface GraphNode {
  readonly kind: 'start' | 'step' | 'match'
  readonly label: string
  /** Events taken for the step; matches given. */
  readonly count: number | null
  readonly x: number
  readonly y: number
  readonly width: number
}

export interface GraphWay {
  /** Path of an SVG. */
  readonly path: string
  readonly labelX: number
  readonly labelY: number
  /** How the steps are joined and what must not come: `->`, `, !x`. */
  readonly label: string
  readonly count: number
  /** Names for whoever looks without eyes, or tests. */
  readonly from: string
  readonly to: string
}

export interface GraphPicture {
  readonly width: number
  readonly height: number
  readonly nodes: readonly GraphNode[]
  readonly ways: readonly GraphWay[]
}

export const NODE_HEIGHT = 40
const END = 14
const CHARACTER = 7.5
const PAD = 22
const GAP = 96
const ARC = 34
/** Room for what stands below an arc. */
const LABELS = 36
const SIGNS = new Map<string, string>([
  ['next', ','],
  ['then', '→'],
  ['any', '↠'],
])

export function graphPicture(view: PatternView): GraphPicture {
  const widths = view.steps.map(({ name, rounds, takenCount }) =>
    Math.max(64, Math.max((name + rounds).length, countText(takenCount).length) * CHARACTER + PAD),
  )
  const jumps = view.edges.filter(({ from, to }) => to - from > 1)
  const backs = view.edges.filter(({ from, to }) => to <= from)
  const above = Math.max(0, ...jumps.map(({ from, to }) => to - from - 1)) * ARC
  const y = 22 + above + NODE_HEIGHT / 2
  let x = END + 8
  const nodes: GraphNode[] = [{ kind: 'start', label: 'start', count: null, x, y, width: 2 * END }]
  x += END
  view.steps.forEach((step, i) => {
    const width = widths[i] ?? 64
    x += GAP + width / 2
    nodes.push({ kind: 'step', label: step.name + step.rounds, count: step.takenCount, x, y, width })
    x += width / 2
  })
  const matchWidth = Math.max(64, countText(view.matchCount).length * CHARACTER + PAD)
  x += GAP + matchWidth / 2
  nodes.push({ kind: 'match', label: 'match', count: view.matchCount, x, y, width: matchWidth })
  const below = Math.max(0, ...backs.map(({ from, to }) => from - to + 1)) * ARC
  return {
    width: x + matchWidth / 2 + 8,
    height: y + NODE_HEIGHT / 2 + (below === 0 ? 12 : below + LABELS),
    nodes,
    ways: view.edges.map(edge => wayOf(edge, nodes, view)),
  }
}

export function countText(count: number): string {
  return count < 100_000 ? grouped(count) : `${(count / 1_000_000).toFixed(count < 1_000_000 ? 2 : 1)} M`
}

function wayOf(edge: PatternEdge, nodes: readonly GraphNode[], { steps }: PatternView): GraphWay {
  const from = nodes[edge.from + 1] as GraphNode
  const to = nodes[edge.to + 1] as GraphNode
  const nots = edge.nots.map(not => `!${not.replace(/^next /, '')}`)
  const sign = edge.from < 0 || edge.to === steps.length ? '' : (SIGNS.get(edge.joint) ?? '')
  const named = {
    label: [sign, ...nots].filter(part => part !== '').join(' '),
    count: edge.count,
    from: from.label,
    to: to.label,
  }
  const half = NODE_HEIGHT / 2
  if (edge.to === edge.from + 1) {
    const x1 = from.x + from.width / 2
    const x2 = to.x - to.width / 2
    return { ...named, path: `M${x1} ${from.y}H${x2 - 7}`, labelX: (x1 + x2) / 2, labelY: from.y - 7 }
  }
  const back = edge.to <= edge.from
  const span = Math.abs(edge.to - edge.from) + (back ? 1 : -1)
  const bend = (back ? 1 : -1) * span * ARC
  const base = from.y + (back ? half : -half)
  const self = edge.to === edge.from
  const x1 = from.x + (self ? 14 : back ? -6 : 6)
  const x2 = to.x + (self ? -14 : back ? 6 : -6)
  const tip = base + (back ? 7 : -7)
  const path = `M${x1} ${base}C${x1} ${base + bend * 1.25} ${x2} ${base + bend * 1.25} ${x2} ${tip}`
  // The middle of such a curve is at three quarters of its control points.
  return { ...named, path, labelX: (x1 + x2) / 2, labelY: base + bend * 0.95 + (back ? 12 : -4) }
}
