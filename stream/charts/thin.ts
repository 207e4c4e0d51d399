/**
 * What stays of more rows than a picture has columns of pixels: of each step in time, for every series, the row with the lowest and the
 * one with the highest value. A line through these looks like the line through all; the newest row of a series stays too, it is read
 * as the value of now, and so do open windows.
 */
import { COLOURED_SERIES } from './top-series.ts'
import type { ChartRow } from './protocol.ts'

export interface Thinning {
  /** The field up the picture. */
  readonly field: string
  /** Fields whose values are the series. */
  readonly by: readonly string[]
}

export interface TimedRow {
  readonly row: ChartRow
  readonly timeMs: number
}

export interface Thinned {
  readonly rows: ReadonlySet<TimedRow>
  readonly stepMs: number
}

/** At most about `limit` of `rows`, which lie within `spanMs`; linear. */
export function thinnedRows(
  rows: readonly TimedRow[],
  { field, by }: Thinning,
  { spanMs, limit }: { spanMs: number; limit: number },
): Thinned {
  // Rows drawn as "other" are thinned as the one series they look like.
  const series = rows.map(({ row }) => (row['$other'] === true ? OTHER : seriesOf(row, by)))
  const stepMs = thinStepMs({ spanMs, limit, seriesCount: new Set(series).size })
  const lowest = new Map<string, TimedRow>()
  const highest = new Map<string, TimedRow>()
  const newest = new Map<string, TimedRow>()
  const kept = new Set<TimedRow>()
  const valueOf = (one: TimedRow | undefined): unknown => one?.row[field]
  rows.forEach((one, index) => {
    const name = series[index] ?? ''
    if (one.row.$open === true) kept.add(one)
    const last = newest.get(name)
    if (last === undefined || one.timeMs >= last.timeMs) newest.set(name, one)
    const value = valueOf(one)
    // Gaps are no extremes: a step without a number leaves a gap anyway.
    if (typeof value !== 'number') return
    const step = `${Math.floor(one.timeMs / stepMs)} ${name}`
    const [low, high] = [valueOf(lowest.get(step)), valueOf(highest.get(step))]
    if (typeof low !== 'number' || value < low) lowest.set(step, one)
    if (typeof high !== 'number' || value > high) highest.set(step, one)
  })
  for (const of of [lowest, highest, newest]) for (const one of of.values()) kept.add(one)
  return { rows: kept, stepMs }
}

/** Whole milliseconds, so that the lowest and highest of each step with the newest of each series are never more than `limit`. */
function thinStepMs({ spanMs, limit, seriesCount }: { spanMs: number; limit: number; seriesCount: number }): number {
  // A span touches up to two steps more than fit into it, of two rows a series; and one row a series is its newest.
  const room = Math.max(1, limit - 5 * seriesCount)
  return Math.max(1, Math.ceil((spanMs * 2 * seriesCount) / room))
}

/**
 * Lets by what may become the lowest or highest row of its step, for a stream so fast that looking at every row as a whole costs too
 * much: it reads two fields of each. What it holds back lies between two rows it let by.
 */
export class StepFilter {
  readonly #field: string
  readonly #by: readonly string[]
  readonly #span: { readonly spanMs: number; readonly limit: number }
  readonly #steps = new Map<unknown, { step: number; low: number; high: number }>()
  #stepMs = 1

  constructor({ field, by }: Thinning, span: { readonly spanMs: number; readonly limit: number }) {
    this.#field = field
    this.#by = by
    this.#span = span
  }

  passes(row: unknown, timeMs: number): boolean {
    if (typeof row !== 'object' || row === null) return true
    const fields = row as Readonly<Record<string, unknown>>
    const value = fields[this.#field]
    if (typeof value !== 'number') return true
    const name = this.#by.length === 1 ? fields[this.#by[0] as string] : seriesOf(fields, this.#by)
    const known = this.#steps.get(name)
    if (known === undefined) {
      // Beyond these, series are not drawn.
      if (this.#steps.size < SERIES_FILTERED) this.#steps.set(name, { step: Number.NaN, low: value, high: value })
      // More than these are not told apart, and a step too short only lets by too much.
      this.#stepMs = thinStepMs({ ...this.#span, seriesCount: Math.min(this.#steps.size, COLOURED_SERIES + 1) })
      return true
    }
    const step = Math.floor(timeMs / this.#stepMs)
    if (step === known.step && value >= known.low && value <= known.high) return false
    const same = step === known.step
    known.low = same ? Math.min(known.low, value) : value
    known.high = same ? Math.max(known.high, value) : value
    known.step = step
    return true
  }
}

const SERIES_FILTERED = 100
/** No list of values, as the names of series are. */
const OTHER = 'other'

function seriesOf(row: Readonly<Record<string, unknown>>, by: readonly string[]): string {
  return by.length === 0 ? '' : JSON.stringify(by.map(name => row[name]))
}
