/** Rows of a chart as a table: which order, which text in each place. Used by the Table tab and by text/plain. */
import { instantText } from './zone.ts'
import type { ChartColumn, ChartRow, Retention } from './protocol.ts'

export interface TableRow {
  readonly key: string
  readonly open: boolean
  readonly texts: readonly string[]
}

/** The first `limit` rows: newest first, or in order of their keys where only the latest row of each is kept. */
export function tableRows(
  rows: readonly ChartRow[],
  columns: readonly ChartColumn[],
  retention: Retention,
  limit: number,
  zone?: string,
): TableRow[] {
  return tableOrder(rows, retention)
    .slice(0, limit)
    .map(row => ({
      key: row.$key,
      open: row.$open === true,
      texts: columns.map(column => cellText(row[column.name], column.kind, zone)),
    }))
}

function tableOrder(rows: readonly ChartRow[], { timeField, latestPerKey }: Retention): ChartRow[] {
  if (latestPerKey === true) return [...rows].sort((a, b) => (a.$key < b.$key ? -1 : a.$key > b.$key ? 1 : 0))
  const newestFirst = [...rows].reverse()
  if (timeField === undefined || timeField === '$at') return newestFirst
  return newestFirst.sort((a, b) => Number(b[timeField] ?? 0) - Number(a[timeField] ?? 0) || (a.$key < b.$key ? -1 : 1))
}

/** A value as a table shows it; the empty text for null. Numbers keep at most six decimals. */
export function cellText(value: unknown, kind: ChartColumn['kind'], zone?: string): string {
  if (value === null || value === undefined) return ''
  if (kind === 'instant' && typeof value === 'number') return instantText(value, zone)
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : String(Number(value.toFixed(6)))
  return String(value)
}
