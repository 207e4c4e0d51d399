/** What a sink must know of a plan: whether its rows may be taken back, and which columns only tell that they may. */
import type { PlanNode } from '../plan.ts'

/** True when a row may be followed by its retraction. The plan holds no names any more. */
export function mayRetract(plan: PlanNode): boolean {
  switch (plan.op) {
    case 'topic':
    case 'feed':
    case 'stream':
    case 'changes':
    case 'late':
    case 'errors':
    case 'match':
    case 'score':
      return false
    case 'union':
      return mayRetract(plan.left) || mayRetract(plan.right)
    case 'join': {
      const { mode, type } = plan.options
      // A pad of a join without windows goes when its partner comes.
      const pads = mode.kind === 'ttl' && type !== 'inner' && type !== 'semi'
      return pads || mayRetract(plan.left) || mayRetract(plan.right)
    }
    case 'window': {
      const { emit, latenessMs, window } = plan.options
      if (window?.kind === 'over' || window?.kind === 'counting') return false
      return emit !== 'final' || latenessMs > 0 || window === undefined
    }
    default:
      return mayRetract(plan.input)
  }
}

/** Columns that say nothing where no row is ever revised: `kind` and `revision` of windows that fire once. */
export function constantColumns(plan: PlanNode): readonly string[] {
  if (plan.op === 'filter') return constantColumns(plan.input)
  if (plan.op !== 'window') return []
  const { emit, latenessMs, window, by } = plan.options
  const revised = window !== undefined && (latenessMs > 0 || emit !== 'final')
  const keys = by.map(column => column.name)
  return revised ? [] : ['kind', 'revision'].filter(name => !keys.includes(name))
}
