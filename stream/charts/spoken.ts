/** A chart in one sentence, for people who hear it: what it shows, the newest value of each series, how its stream stands. */
import { cellText } from './table.ts'
import { channelField } from './fallback.ts'
import { sideTexts } from './lanes-text.ts'
import { summaryText } from './text.ts'
import type { ChartColumn, ChartRow, ChartStatus } from './protocol.ts'

const SERIES_SPOKEN = 5

export interface SpokenChart {
  readonly title: string
  readonly spec: Readonly<Record<string, unknown>> | null
  readonly columns: readonly ChartColumn[]
  readonly rows: readonly ChartRow[]
  readonly status: ChartStatus
}

export function spokenChart({ title, spec, columns, rows, status }: SpokenChart): string {
  const { join } = status
  if (join !== undefined) return `Chart of ${title}, ${sideTexts(join).join('; ')}: ${summaryText(status)}`
  const newest = spec === null ? '' : newestValues(spec, columns, rows)
  return `Chart of ${title}, ${rows.length} points${newest === '' ? '' : `, newest ${newest}`}: ${summaryText(status)}`
}

/** `revenue north 12, south 7 at 2026-01-01 09:00:10`; empty where the picture has no values up an axis. */
function newestValues(
  spec: Readonly<Record<string, unknown>>,
  columns: readonly ChartColumn[],
  rows: readonly ChartRow[],
): string {
  const [x, y] = [channelField(spec, 'x2') ?? channelField(spec, 'x'), channelField(spec, 'y')]
  const series = channelField(spec, 'color')
  if (x === null || y === null) return ''
  const bySeries = new Map<unknown, ChartRow>()
  for (const row of rows) {
    const key = series === null ? null : row[series]
    const known = bySeries.get(key)
    if (row.$open !== true && (known === undefined || Number(row[x]) >= Number(known[x]))) bySeries.set(key, row)
  }
  const last = [...bySeries].sort(([, a], [, b]) => Number(b[x]) - Number(a[x])).slice(0, SERIES_SPOKEN)
  const [first] = last
  if (first === undefined) return ''
  const kind = (name: string): ChartColumn['kind'] => columns.find(column => column.name === name)?.kind ?? 'other'
  const values = last.map(([key, row]) => `${series === null ? '' : `${String(key)} `}${cellText(row[y], kind(y))}`)
  return `${y} ${values.join(', ')} at ${cellText(first[1][x], x === '$at' ? 'instant' : kind(x))}`
}
