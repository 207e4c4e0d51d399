/** What a picture draws: the rows of its chart, or what its status tells of a pattern or a join. */
import { lanesRows, SIDE } from './lanes.ts'
import { LANE, timelineRows } from './pattern-timeline.ts'
import type { ChartRow, ChartStatus } from './protocol.ts'

type Spec = Readonly<Record<string, unknown>>

export function pictureRows(spec: Spec | null, rows: readonly ChartRow[], status: ChartStatus): readonly ChartRow[] {
  const field = fieldOfY(spec)
  if (field === LANE) return timelineRows(status.pattern)
  return field === SIDE ? lanesRows(status.join) : rows
}

/** Whether the picture is drawn of something else than the rows of its chart. */
export function hasOwnRows(spec: Spec | null): boolean {
  const field = fieldOfY(spec)
  return field === LANE || field === SIDE
}

function fieldOfY(spec: Spec | null): unknown {
  const y = (spec?.['encoding'] as { y?: { field?: unknown } } | undefined)?.y
  return typeof y === 'object' && y !== null ? y.field : undefined
}
