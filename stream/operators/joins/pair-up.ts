/** The rows of one window and key, both sides, as the rows of each join type. */
import type { JoinType } from '../../plan.ts'
import type { Bounds, JoinedRows } from './rows.ts'

export interface Group {
  readonly left: unknown[]
  readonly right: unknown[]
}

/** Rows come by order of left, then right; their event time is the end of the window − 1. */
export function pairUp({ left, right }: Group, type: JoinType, bounds: Bounds, out: JoinedRows): void {
  const timeMs = bounds.windowEnd - 1
  if (type === 'semi' || type === 'anti') {
    if (right.length > 0 === (type === 'semi')) for (const l of left) out.add(l, null, timeMs, 1, bounds)
    return
  }
  if (left.length === 0) {
    if (type === 'right' || type === 'full') for (const r of right) out.add(null, r, timeMs, 1, bounds)
    return
  }
  if (right.length === 0) {
    if (type === 'left' || type === 'full') for (const l of left) out.add(l, null, timeMs, 1, bounds)
    return
  }
  for (const l of left) for (const r of right) out.add(l, r, timeMs, 1, bounds)
}
