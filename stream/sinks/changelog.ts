/** Which columns of a plan only tell that its rows may be taken back. */
import type { PlanNode } from '../plan.ts'

/** Columns that say nothing where no row is ever revised: `kind` and `revision` of windows that fire once. */
export function constantColumns(plan: PlanNode): readonly string[] {
  if (plan.op === 'filter') return constantColumns(plan.input)
  if (plan.op !== 'window') return []
  const { emit, latenessMs, window, by } = plan.options
  const revised = window !== undefined && (latenessMs > 0 || emit !== 'final')
  const keys = by.map(column => column.name)
  return revised ? [] : ['kind', 'revision'].filter(name => !keys.includes(name))
}
