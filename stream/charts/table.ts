/** Rows of a chart as a table: which order, which text in each place. Used by the Table tab and by text/plain. */
import { instantText } from './zone.ts'
import type { ChartColumn, ChartRow, Retention } from './protocol.ts'

export interface TableRow {
  readonly key: string
  readonly open: boolean
  readonly texts: readonly string[]
}

/** What the reader of a table asked for: rows that hold a text in any column, in the order of one of them. */
export interface TableWish {
  /** Compared without regard to case; empty: every row. */
  readonly filter: string
  readonly sort: { readonly column: string; readonly descending: boolean } | null
}

const NO_WISH: TableWish = { filter: '', sort: null }

/** The first `limit` rows: newest first, or in order of their keys where only the latest row of each is kept. */
export function tableRows(
  rows: readonly ChartRow[],
  columns: readonly ChartColumn[],
  retention: Retention,
  limit: number,
  zone?: string,
  wish: TableWish = NO_WISH,
): TableRow[] {
  const textsOf = (row: ChartRow): string[] => columns.map(column => cellText(row[column.name], column.kind, zone))
  const wanted = wish.filter.trim().toLowerCase()
  const matching =
    wanted === '' ? rows : rows.filter(row => textsOf(row).some(text => text.toLowerCase().includes(wanted)))
  return sorted(tableOrder(matching, retention), wish.sort)
    .slice(0, limit)
    .map(row => ({ key: row.$key, open: row.$open === true, texts: textsOf(row) }))
}

/** Stable: equal values stay in the order of the table. Nulls come last either way. */
function sorted(rows: ChartRow[], sort: TableWish['sort']): ChartRow[] {
  if (sort === null) return rows
  const { column, descending } = sort
  return rows.sort((a, b) => {
    const [left, right] = [a[column], b[column]]
    if (left === null || left === undefined) return right === null || right === undefined ? 0 : 1
    if (right === null || right === undefined) return -1
    const order =
      typeof left === 'number' && typeof right === 'number'
        ? left - right
        : String(left) < String(right)
          ? -1
          : String(left) > String(right)
            ? 1
            : 0
    return descending ? -order : order
  })
}

/** All rows as CSV (RFC 4180), instants as ISO text in UTC; a text that a spreadsheet would compute is quoted by an apostrophe. */
export function tableCsv(rows: readonly ChartRow[], columns: readonly ChartColumn[], retention: Retention): string {
  const lines = tableOrder(rows, retention).map(row =>
    columns.map(({ name, kind }) => {
      const value = row[name]
      if (kind === 'instant' && typeof value === 'number' && Math.abs(value) <= 8.64e15)
        return new Date(value).toISOString()
      return typeof value === 'number'
        ? String(value)
        : harmless(value === null || value === undefined ? '' : String(value))
    }),
  )
  const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  return [columns.map(({ name }) => harmless(name)), ...lines].map(line => `${line.map(quoted).join(',')}\r\n`).join('')
}

/** Values come from a stream, so from anybody: a spreadsheet must not take one for a formula. */
function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
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
