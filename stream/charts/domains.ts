/**
 * Where the axes of a chart stand, as values of the params in its spec. The time axis follows the newest row; the value axis
 * grows at once and shrinks only after the room was unused for a while, so it does not breathe with every window.
 */
import type { ChartRow, Retention } from './protocol.ts'

const SHRINK_AFTER_MS = 5000
const SHRINK_SHARE = 0.2
/** Room right of the newest point, so that its mark is whole. */
const EDGE_SHARE = 0.012
const HEADROOM = 0.06

export interface Domain {
  readonly min: number
  readonly max: number
}

/** The span of the time axis; null while no row has a time. Never wider than the retention, never of no width. */
export function timeDomain(rows: readonly ChartRow[], field: string, retention: Retention): Domain | null {
  const range = rangeOf(rows, field)
  if (range === null) return null
  const { spanMs } = retention
  const first = spanMs === undefined ? range.min : Math.max(range.min, range.max - spanMs)
  const min = first < range.max ? first : range.max - (spanMs ?? 60_000) / 10
  return { min, max: range.max + EDGE_SHARE * (range.max - min) }
}

/** From more points than this on a line has no dots: nobody could tell them apart, and they cost more than the line. */
export const DENSE_ROWS = 400

/**
 * From which time on rows lead to open windows: the newest finished row before the first open one. The dashed end of a line
 * is drawn from there. Without open windows it is right of everything.
 */
export function openFrom(rows: readonly ChartRow[], field: string): number {
  let firstOpen = Infinity
  let newest = 0
  for (const row of rows) {
    const time = row[field]
    if (typeof time !== 'number') continue
    if (time > newest) newest = time
    if (row.$open === true && time < firstOpen) firstOpen = time
  }
  if (firstOpen === Infinity) return newest + 1
  let from = -Infinity
  for (const row of rows) {
    const time = row[field]
    if (typeof time === 'number' && row.$open !== true && time < firstOpen && time > from) from = time
  }
  return from === -Infinity ? firstOpen : from
}

export class CalmDomain {
  #domain: Domain | null = null
  /** Since when the values have left much of the domain unused; null while they fill it. */
  #slackSinceMs: number | null = null

  /** The domain after looking at `rows` at `nowMs` (any clock that does not go back); null while there are no values. */
  update(rows: readonly ChartRow[], field: string, nowMs: number): Domain | null {
    const range = rangeOf(rows, field)
    if (range === null) return this.#domain
    const wanted = withHeadroom(range)
    const current = this.#domain
    if (current === null) return (this.#domain = wanted)
    const grown = {
      min: range.min < current.min ? wanted.min : current.min,
      max: range.max > current.max ? wanted.max : current.max,
    }
    this.#domain = this.#shrink(grown, wanted, nowMs)
    return this.#domain
  }

  #shrink(current: Domain, wanted: Domain, nowMs: number): Domain {
    const width = current.max - current.min
    const slack = width - (wanted.max - wanted.min)
    if (slack <= SHRINK_SHARE * width) {
      this.#slackSinceMs = null
      return current
    }
    this.#slackSinceMs ??= nowMs
    if (nowMs - this.#slackSinceMs < SHRINK_AFTER_MS) return current
    this.#slackSinceMs = null
    return { min: Math.max(current.min, wanted.min), max: Math.min(current.max, wanted.max) }
  }
}

/** Values near zero start at zero, so that small counts are not blown up; else a little air on both sides. */
function withHeadroom({ min, max }: Domain): Domain {
  const air = (max - min || Math.abs(max) || 1) * HEADROOM
  const fromZero = min >= 0 && min < max * 0.6
  return { min: fromZero ? 0 : min - air, max: max + air }
}

function rangeOf(rows: readonly ChartRow[], field: string): Domain | null {
  let min = Infinity
  let max = -Infinity
  for (const row of rows) {
    const value = row[field]
    if (typeof value !== 'number' || !Number.isFinite(value)) continue
    if (value < min) min = value
    if (value > max) max = value
  }
  return min > max ? null : { min, max }
}
