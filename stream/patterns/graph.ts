/**
 * The graph of a pattern: which step may follow which, and how they are joined. Worked out from the text alone (first and last steps
 * of each part, as Glushkov did for regular expressions), so the page's picture does not depend on how the automaton is built.
 */
import { mayTakeNothing } from './pattern.ts'
import type { Item, Joint, Pattern } from './pattern.ts'

export interface GraphEdge {
  /** Number of the step in the order of the text; −1: the start. */
  readonly from: number
  /** The number of steps: the match. */
  readonly to: number
  readonly joint: Joint
  readonly nots: readonly string[]
}

export interface PatternGraph {
  readonly steps: readonly { readonly name: string; readonly rounds: string }[]
  readonly edges: readonly GraphEdge[]
}

/** An open end: a step that may be the last so far, with how what follows it is joined when something was left out. */
interface End {
  readonly step: number
  readonly nots: readonly string[]
}

export function patternGraph(pattern: Pattern): PatternGraph {
  const edges = new Map<string, GraphEdge>()
  const rounds: string[] = pattern.steps.map(() => '')
  const add = (from: End, to: number, joint: Joint, nots: readonly string[]): void => {
    const key = `${from.step}>${to}`
    if (!edges.has(key)) edges.set(key, { from: from.step, to, joint, nots: [...new Set([...from.nots, ...nots])] })
  }

  const walkItem = (item: Item, joint: Joint, before: readonly End[]): End[] => {
    if (item.atom.kind === 'group') {
      const ends = item.atom.branches.flatMap(branch => walkItems(branch, joint, before))
      if (item.max > 1) for (const branch of item.atom.branches) walkItems(branch, item.inner, ends)
      return ends
    }
    const step = pattern.steps.indexOf(item.atom.name)
    rounds[step] = roundsOf(item)
    for (const end of before) add(end, step, joint, [])
    if (item.max > 1) add({ step, nots: [] }, step, item.inner, [])
    return [{ step, nots: [] }]
  }

  const walkItems = (items: readonly Item[], head: Joint, before: readonly End[]): End[] => {
    let ends = [...before]
    items.forEach((item, i) => {
      if (item.negated) {
        const name = item.atom.kind === 'step' ? item.atom.name : ''
        const not = item.joint === 'next' ? `next ${name}` : name
        ends = ends.map(end => ({ step: end.step, nots: [...end.nots, not] }))
        return
      }
      const taken = walkItem(item, i === 0 ? head : item.joint, ends)
      ends = mayTakeNothing(item) ? [...ends, ...taken] : taken
    })
    return ends
  }

  const ends = pattern.branches.flatMap(branch => walkItems(branch, 'next', [{ step: -1, nots: [] }]))
  for (const end of ends) if (end.step >= 0) add(end, pattern.steps.length, 'next', [])
  return {
    steps: pattern.steps.map((name, i) => ({ name, rounds: rounds[i] ?? '' })),
    edges: [...edges.values()],
  }
}

function roundsOf({ min, max, optional, greedy, inner }: Item): string {
  const lazy = !greedy && max !== min && inner !== 'any' ? '?' : ''
  if (max === 1) return optional ? '?' : ''
  const least = optional && min === 1 ? 0 : min
  if (max === Infinity) return `${least === 0 ? '*' : least === 1 ? '+' : `{${least},}`}${lazy}`
  return `${least === max ? `{${max}}` : `{${least},${max}}`}${lazy}${optional && least > 0 ? '?' : ''}`
}
