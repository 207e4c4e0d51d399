/**
 * How much a chart keeps. Which rows go is decided once, in the engine's model (model.ts), and reaches every browser as
 * explicit removals, so that merged deltas end in the same rows as single ones.
 */
import { formOf } from './forms/index.ts'
import { parsePositiveDuration } from '../time/duration.ts'
import { table } from './forms/table.ts'
import { thinnedRows } from './thin.ts'
import type { TimedRow } from './thin.ts'
import type { ChartOptions, ChartRow, Retention } from './protocol.ts'
import type { ChartConcept } from './concept.ts'

const WINDOW_ROWS = 2000
const WINDOWS_SHOWN = 60
const POINT_ROWS = 1000
const RUNNING_KEYS = 100
/** Drawn anew ten times a second they still leave the page nine tenths of its time. */
export const MOST_ROWS = 10_000

/** Retention of a chart: the user's `keep`, else 60 windows, 100 running keys, or of plain rows what the form says. Throws DURATION_INVALID. */
export function retentionFor(concept: ChartConcept, options: ChartOptions): Retention {
  const timeField = concept.form === 'window' ? (options.x ?? 'windowEnd') : concept.form === 'rows' ? '$at' : undefined
  const { keep } = options
  if (keep === 'latest') return { rows: RUNNING_KEYS, latestPerKey: true }
  if (options.mark === 'number') return { rows: 1, timeField, latestPerKey: true }
  if (typeof keep === 'number') return { rows: clampRows(keep), timeField }
  if (typeof keep === 'string') {
    if (/^\d+$/.test(keep)) return { rows: clampRows(Number(keep)), timeField }
    return { rows: WINDOW_ROWS, spanMs: parsePositiveDuration(keep, 'keep'), timeField, ...thinning(concept, options) }
  }
  if (concept.form === 'running') return { rows: RUNNING_KEYS, latestPerKey: true }
  if (concept.form === 'rows')
    return {
      rows: (formOf(options.mark ?? (concept.scores === undefined ? undefined : 'scores')) ?? table).plainRows,
      timeField,
    }
  if (concept.stepMs === undefined) return { rows: POINT_ROWS, timeField }
  return { rows: WINDOW_ROWS, spanMs: WINDOWS_SHOWN * concept.stepMs, timeField, ...thinning(concept, options) }
}

/** Lines and points are read by their outermost values; bars, areas and counts by every row. */
function thinning({ form, by, aggregates }: ChartConcept, { mark, y, color }: ChartOptions): Pick<Retention, 'thin'> {
  const field = y ?? (form === 'window' ? aggregates[0] : undefined)
  const drawn = mark === 'line' || mark === 'point' || (mark === undefined && form === 'window')
  if (field === undefined || !drawn || form === 'running') return {}
  return { thin: { field, by: form === 'window' ? by : color === undefined ? [] : [color] } }
}

export interface Expired {
  /** Of the rows that have to go. */
  readonly keys: readonly string[]
  /** The others were thinned to the lowest and highest of each step of this length; null: all of the span are there. */
  readonly thinStepMs: number | null
  readonly newestMs: number
}

/**
 * What has to go of rows in order of arrival: what is older than the span; beyond the count all but the lowest and highest of each step,
 * where the chart thins its rows; then the oldest. Linear; sorts only when over the count.
 */
export function expiredRows(rows: Iterable<ChartRow>, retention: Retention): Expired {
  const { timeField, spanMs, thin, rows: limit } = retention
  const timed = [...rows].map(row => ({ row, timeMs: timeField === undefined ? 0 : numberOf(row[timeField]) }))
  const newestMs = timed.reduce((newest, { timeMs }) => Math.max(newest, timeMs), -Infinity)
  const spans = spanMs !== undefined && timeField !== undefined
  const within = spans ? timed.filter(({ timeMs }) => timeMs >= newestMs - spanMs) : timed
  if (within.length <= limit && within.length === timed.length) return { keys: [], thinStepMs: null, newestMs }
  const thinned =
    within.length > limit && spans && thin !== undefined ? thinnedRows(within, thin, { spanMs, limit }) : null
  const stays = newestOf(thinned === null ? within : within.filter(row => thinned.rows.has(row)), limit)
  const keys = timed.filter(row => !stays.has(row)).map(({ row }) => row.$key)
  return { keys, thinStepMs: thinned?.stepMs ?? null, newestMs }
}

/** Keys of the rows that have to go. */
export function expiredKeys(rows: Iterable<ChartRow>, retention: Retention): readonly string[] {
  return expiredRows(rows, retention).keys
}

function newestOf(rows: readonly TimedRow[], limit: number): ReadonlySet<TimedRow> {
  if (rows.length <= limit) return new Set(rows)
  // Stable sort: rows of the same instant go in order of arrival.
  return new Set([...rows].sort((a, b) => a.timeMs - b.timeMs).slice(-limit))
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

function clampRows(rows: number): number {
  return Math.min(MOST_ROWS, Math.max(1, Math.floor(rows)))
}
