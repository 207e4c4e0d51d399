/** Rows of a chart as a cross table: values of one column down, of another across, a third combined in the cells. Pure. */
import { cellText } from './table.ts'
import type { ChartColumn, ChartRow } from './protocol.ts'

export const PIVOT_WAYS = ['sum', 'mean', 'count', 'last'] as const
export type PivotWay = (typeof PIVOT_WAYS)[number]

export interface PivotWish {
  readonly down: string
  readonly across: string
  readonly value: string
  readonly way: PivotWay
}

export interface Pivot {
  /** Texts of the values across, in order. */
  readonly across: readonly string[]
  readonly rows: readonly { readonly down: string; readonly cells: readonly string[]; readonly open: boolean }[]
  /** Values across, and rows, beyond the limits. */
  readonly leftOut: number
}

const ACROSS_LIMIT = 20

/** The newest (largest) values down first, at most `limit` of them; across in ascending order, 20 at most. Open rows count too. */
export function pivotRows(
  rows: readonly ChartRow[],
  columns: readonly ChartColumn[],
  { down, across, value, way }: PivotWish,
  limit: number,
  zone?: string,
): Pivot {
  const kindOf = (name: string): ChartColumn['kind'] => columns.find(column => column.name === name)?.kind ?? 'other'
  const [downs, acrosses] = [distinct(rows, down).reverse(), distinct(rows, across)]
  const shownAcross = acrosses.slice(0, ACROSS_LIMIT)
  const shownDown = downs.slice(0, limit)
  const groups = new Map<string, { values: unknown[]; open: boolean }>()
  for (const row of rows) {
    const key = JSON.stringify([row[down] ?? null, row[across] ?? null])
    const group = groups.get(key) ?? { values: [], open: false }
    group.values.push(row[value])
    if (row.$open === true) group.open = true
    groups.set(key, group)
  }
  return {
    across: shownAcross.map(each => cellText(each, kindOf(across), zone)),
    rows: shownDown.map(each => {
      const own = shownAcross.map(other => groups.get(JSON.stringify([each, other])))
      return {
        down: cellText(each, kindOf(down), zone),
        cells: own.map(group =>
          group === undefined ? '' : cellText(combined(group.values, way), kindOf(value), zone),
        ),
        open: own.some(group => group?.open === true),
      }
    }),
    leftOut: acrosses.length - shownAcross.length + (downs.length - shownDown.length),
  }
}

function combined(values: readonly unknown[], way: PivotWay): unknown {
  const numbers = values.filter(value => typeof value === 'number')
  if (way === 'count') return values.length
  if (way === 'last') return values.at(-1)
  const total = numbers.reduce((sum, one) => sum + one, 0)
  if (way === 'sum') return total
  return numbers.length === 0 ? null : total / numbers.length
}

/** Ascending; numbers before texts, null last. */
function distinct(rows: readonly ChartRow[], name: string): unknown[] {
  return [...new Set(rows.map(row => row[name] ?? null))].sort((a, b) => {
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
    if (typeof a === 'number' && typeof b === 'number') return a - b
    if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? -1 : 1
    return String(a) < String(b) ? -1 : 1
  })
}
