/** Which charts fold their smaller series into "other", and how many series they have room for then. */
import { COLOURED_SERIES } from './top-series.ts'
import { FOLDED_ROWS } from './other.ts'
import { markOf, seriesField } from './spec.ts'
import type { ChartConcept } from './concept.ts'
import type { ChartOptions, Retention } from './protocol.ts'
import type { OtherOptions } from './other.ts'
import type { OtherRowsOptions } from './other-rows.ts'
import type { TapOptions } from './tap.ts'

const STACKED = ['area', 'bar']
const SINGLE = ['line', 'point']

/** How the smaller series of a chart become one: as rows of their own, or row by row. Neither: series beyond the colours are left out. */
export function foldOptions(
  concept: ChartConcept,
  options: ChartOptions,
  retention: Retention,
): Pick<TapOptions, 'other' | 'otherRows'> {
  const other = otherOptions(concept, options, retention)
  if (other !== undefined) return { other }
  const otherRows = otherRowsOptions(concept, options)
  return otherRows === undefined ? {} : { otherRows }
}

/** Windows by keys over a span, drawn by our own spec with time to the right. */
function otherOptions(
  concept: ChartConcept,
  options: ChartOptions,
  { spanMs, latestPerKey }: Retention,
): OtherOptions | undefined {
  const { by, form, aggregates } = concept
  const mark = markOf({ concept, options })
  const y = options.y ?? aggregates[0]
  if (form !== 'window' || by.length === 0 || y === undefined || spanMs === undefined || latestPerKey === true) return
  if (options.spec !== undefined || ![...STACKED, ...SINGLE].includes(mark)) return
  if (options.color !== undefined && (by.length > 1 || options.color !== by[0])) return
  if (options.x !== undefined && options.x !== 'windowStart' && options.x !== 'windowEnd') return
  if (by.includes(y)) return
  return { by, y, stacked: STACKED.includes(mark), spanMs, final: !concept.revisions }
}

/** Rows drawn one by one in the colours of their series, by our own spec. */
function otherRowsOptions(concept: ChartConcept, options: ChartOptions): OtherRowsOptions | undefined {
  const mark = markOf({ concept, options })
  const counts = mark === 'histogram'
  const field = counts ? (options.color ?? null) : seriesField(concept, options)
  if (field === null || concept.form === 'running' || options.spec !== undefined) return
  if (!counts && ![...STACKED, ...SINGLE].includes(mark)) return
  return { field, y: counts ? null : (options.y ?? concept.aggregates[0] ?? null) }
}

/** Whether a chart tells series apart by colour or place: others have room for all. */
export function tellsSeries(concept: ChartConcept, options: ChartOptions): boolean {
  const mark = markOf({ concept, options })
  if (mark === 'histogram') return options.color !== undefined
  return mark !== 'table' && mark !== 'number' && mark !== 'none' && !(mark === 'heatmap' && concept.form === 'rows')
}

/** Every window of the span is held with all its series, so the longer the span, the fewer they are. */
export function seriesRoom({ stepMs = 0 }: ChartConcept, { spanMs }: OtherOptions): number {
  return stepMs === 0 ? COLOURED_SERIES : Math.max(COLOURED_SERIES, Math.floor(FOLDED_ROWS / (spanMs / stepMs + 2)))
}
