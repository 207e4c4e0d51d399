/**
 * How much a chart keeps. Which rows go is decided once, in the engine's model (model.ts), and reaches every browser as
 * explicit removals, so that merged deltas end in the same rows as single ones.
 */
import { formOf } from './forms/index.ts'
import { parsePositiveDuration } from '../time/duration.ts'
import { table } from './forms/table.ts'
import type { ChartOptions, ChartRow, Retention } from './protocol.ts'
import type { ChartConcept } from './concept.ts'

const WINDOW_ROWS = 2000
const WINDOWS_SHOWN = 60
const POINT_ROWS = 1000
const RUNNING_KEYS = 100

/** Retention of a chart: the user's `keep`, else 60 windows, 100 running keys, or of plain rows what the form says. Throws DURATION_INVALID. */
export function retentionFor(concept: ChartConcept, options: ChartOptions): Retention {
  const timeField = concept.form === 'window' ? (options.x ?? 'windowEnd') : concept.form === 'rows' ? '$at' : undefined
  const { keep } = options
  if (keep === 'latest') return { rows: RUNNING_KEYS, latestPerKey: true }
  if (options.mark === 'number') return { rows: 1, timeField, latestPerKey: true }
  if (typeof keep === 'number') return { rows: clampRows(keep), timeField }
  if (typeof keep === 'string') {
    if (/^\d+$/.test(keep)) return { rows: clampRows(Number(keep)), timeField }
    return { rows: WINDOW_ROWS, spanMs: parsePositiveDuration(keep, 'keep'), timeField }
  }
  if (concept.form === 'running') return { rows: RUNNING_KEYS, latestPerKey: true }
  if (concept.form === 'rows')
    return {
      rows: (formOf(options.mark ?? (concept.scores === undefined ? undefined : 'scores')) ?? table).plainRows,
      timeField,
    }
  if (concept.stepMs === undefined) return { rows: POINT_ROWS, timeField }
  return { rows: WINDOW_ROWS, spanMs: WINDOWS_SHOWN * concept.stepMs, timeField }
}

/** Keys of the rows that have to go, oldest first. Rows come in order of arrival. Linear; sorts only when over the count. */
export function expiredKeys(rows: Iterable<ChartRow>, retention: Retention): string[] {
  const { timeField, spanMs } = retention
  const timed = [...rows].map(row => ({
    key: row.$key,
    timeMs: timeField === undefined ? 0 : numberOf(row[timeField]),
  }))
  const newestMs = timed.reduce((newest, { timeMs }) => Math.max(newest, timeMs), -Infinity)
  const expired: string[] = []
  let kept = timed
  if (spanMs !== undefined && timeField !== undefined) {
    kept = []
    for (const row of timed) {
      if (row.timeMs < newestMs - spanMs) expired.push(row.key)
      else kept.push(row)
    }
  }
  const surplus = kept.length - retention.rows
  if (surplus > 0) {
    // Stable sort: rows of the same instant go in order of arrival.
    const oldestFirst = [...kept].sort((a, b) => a.timeMs - b.timeMs)
    for (const row of oldestFirst.slice(0, surplus)) expired.push(row.key)
  }
  return expired
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

function clampRows(rows: number): number {
  return Math.min(5000, Math.max(1, Math.floor(rows)))
}
