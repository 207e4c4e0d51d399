/**
 * Rows in a snapshot, by column: the names of their fields once instead of in every row, numbers as they lie in memory. Rows that are
 * not all plain objects of the same fields in the same order stay as they are.
 */
import type { Columns } from '../../model.ts'
import { columnsOfRows, rowAtOf } from '../columns.ts'

export type PackedRows = { readonly rows: readonly unknown[] } | { readonly columns: Columns }

/** Fewer are not worth it. */
const FEWEST = 4

export function packRows(rows: readonly unknown[]): PackedRows {
  if (rows.length < FEWEST || !areOfOneShape(rows)) return { rows }
  const columns = Object.entries(columnsOfRows(rows)).map(([name, values]) => [name, compact(values)])
  return { columns: Object.fromEntries(columns) as Columns }
}

/** Gives the row at a place. */
export function unpackOne(packed: PackedRows): (i: number) => unknown {
  if (!('rows' in packed)) return rowAtOf(packed.columns)
  const { rows } = packed
  return i => rows[i]
}

function areOfOneShape(rows: readonly unknown[]): boolean {
  const [first] = rows
  if (!isPlain(first)) return false
  const names = Object.keys(first)
  // `__proto__` is no field everywhere.
  if (names.length === 0 || names.includes('__proto__')) return false
  for (const row of rows) {
    if (!isPlain(row)) return false
    let n = 0
    for (const name in row) if (name !== names[n++]) return false
    if (n !== names.length) return false
  }
  return true
}

function isPlain(row: unknown): row is object {
  return typeof row === 'object' && row !== null && Object.getPrototypeOf(row) === Object.prototype
}

/** Numbers as an array of numbers; −0 is no whole number. */
export function compact(values: ArrayLike<unknown>): ArrayLike<unknown> {
  let whole = true
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value !== 'number') return values
    if (whole && !Object.is(value | 0, value)) whole = false
  }
  const numbers = values as ArrayLike<number>
  return whole ? Int32Array.from(numbers) : Float64Array.from(numbers)
}
