/** Rows as lines of CSV (RFC 4180): quoted where a value holds a comma, a quote or the end of a line. */
import { StreamError } from '../errors.ts'

/** Values in the order of the columns. Throws VALUE_UNENCODABLE for a row with a column that the file has not. */
export function csvValues(row: Readonly<Record<string, unknown>>, columns: readonly string[]): string[] {
  const other = Object.keys(row).find(name => !columns.includes(name))
  if (other !== undefined) {
    throw new StreamError({
      code: 'VALUE_UNENCODABLE',
      message: `Cannot write row as CSV: the file has no column "${other}", it has ${columns.join(', ')}`,
      hint: '.map(row => ({ … })) gives every row the same columns',
    })
  }
  return columns.map(name => text(row[name]))
}

export function csvLine(values: readonly string[]): string {
  return `${values.map(quoted).join(',')}\r\n`
}

function quoted(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

function text(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'object')
    return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
  return String(value as string | number | bigint | boolean)
}
