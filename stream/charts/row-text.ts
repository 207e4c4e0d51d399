/**
 * Rows as one text, for the file of a notebook: a row as an object takes a line for each of its fields there. Columns lie one after the
 * other, whole numbers as steps from one row to the next. Values come back as they were; `$key` does not: it only tells rows apart,
 * and a page that finds their kernel is sent them anew.
 */
import { isPlain } from './shape.ts'
import type { ChartRow } from './protocol.ts'

interface TextColumn {
  readonly name: string
  readonly values?: readonly unknown[]
  /** Instead of `values`. */
  readonly steps?: readonly number[]
  /** Indexes of rows that have no such field; their value is null. */
  readonly absent?: readonly number[]
}

export function rowsText(rows: readonly ChartRow[]): string {
  const names = new Set(rows.flatMap(row => Object.keys(row)))
  names.delete('$key')
  const columns = [...names].map((name): TextColumn => {
    const values = rows.map(row => row[name])
    if (values.every(isStepped)) return { name, steps: values.map((value, i) => value - (values[i - 1] ?? 0)) }
    const absent = rows.flatMap((row, index) => (name in row ? [] : [index]))
    return { name, values: values.map(value => value ?? null), ...(absent.length === 0 ? {} : { absent }) }
  })
  return JSON.stringify({ count: rows.length, columns })
}

/** Of such numbers sums and differences are exact. */
function isStepped(value: unknown): value is number {
  return Number.isSafeInteger(value) && Math.abs(value as number) < 2 ** 52 && !Object.is(value, -0)
}

/** The rows of such a text, `$key` counted anew; null for any other text, and for more rows than `most`. */
export function rowsFromText(text: string, most: number): ChartRow[] | null {
  const read = parsed(text)
  if (!isPlain(read)) return null
  const { count, columns } = read
  if (!Number.isSafeInteger(count) || (count as number) < 0 || (count as number) > most) return null
  if (!Array.isArray(columns) || columns.length > 500) return null
  const rows = Array.from({ length: count as number }, (_, index): Record<string, unknown> => ({
    $key: `saved ${index}`,
  }))
  for (const column of columns as unknown[]) {
    const values = valuesOf(column, rows.length)
    if (values === null) return null
    const { name, absent } = column as TextColumn
    const missing = new Set(absent)
    rows.forEach((row, index) => {
      if (!missing.has(index)) row[name] = values[index]
    })
  }
  return rows as ChartRow[]
}

/** Null for what is no column of so many rows. */
function valuesOf(column: unknown, count: number): readonly unknown[] | null {
  if (!isPlain(column)) return null
  const { name, values, steps, absent } = column
  if (typeof name !== 'string' || name === '$key' || name === '__proto__') return null
  if (absent !== undefined && !Array.isArray(absent)) return null
  const list = steps ?? values
  if (!Array.isArray(list) || list.length !== count) return null
  if (steps === undefined) return list
  if (!list.every(Number.isSafeInteger)) return null
  let sum = 0
  return list.map((step: number) => (sum += step))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
