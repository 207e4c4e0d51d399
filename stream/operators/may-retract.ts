/** Whether a plan gives a changelog: aggregates above it must be able to take rows back, sinks and charts as well. */
import type { PlanNode } from '../plan.ts'

/** True when a row may be followed by its retraction. The plan holds no names any more. */
export function mayRetract(plan: PlanNode): boolean {
  switch (plan.op) {
    case 'union':
      return mayRetract(plan.left) || mayRetract(plan.right)
    case 'join': {
      const { mode, type } = plan.options
      // Other joins refuse retractions, or make none of them.
      if (mode.kind !== 'ttl') return false
      // A pad goes when its partner comes.
      return type !== 'inner' || mayRetract(plan.left) || mayRetract(plan.right)
    }
    case 'window': {
      const { emit, latenessMs, window } = plan.options
      if (window?.kind === 'over' || window?.kind === 'counting') return false
      return window === undefined || emit !== 'final' || latenessMs > 0
    }
    case 'filter':
    case 'map':
    case 'flatMap':
    case 'distinct':
      return mayRetract(plan.input)
    default:
      return false
  }
}
