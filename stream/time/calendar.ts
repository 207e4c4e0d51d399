/**
 * Days, weeks and months of a time zone as instants. A day on which clocks change has 23 or 25 hours; the first instant of a day
 * is looked for, not computed, because in some zones midnight itself is skipped. Only the platform's zone tables are asked,
 * never the clock.
 */
import type { CalendarSize } from '../plan.ts'

const DAY_MS = 86_400_000
/** Mondays are 4 days after 1970-01-01, a Thursday. */
const MONDAY = 4
/** The range of Date. */
const FARTHEST_MS = 8.64e15 - 40 * DAY_MS
const KEPT_BOUNDS = 4096

export interface Period {
  readonly start: number
  readonly end: number
}

export class Calendar {
  private readonly size: CalendarSize
  private readonly format: Intl.DateTimeFormat | undefined
  /** First instants of local days, by day number. */
  private readonly dayStarts = new Map<number, number>()

  constructor(size: CalendarSize) {
    this.size = size
    this.format =
      size.zone === 'UTC'
        ? undefined
        : new Intl.DateTimeFormat('en-US', {
            timeZone: size.zone,
            calendar: 'gregory',
            numberingSystem: 'latn',
            era: 'short',
            year: 'numeric',
            month: 'numeric',
            day: 'numeric',
          })
  }

  /** The period an instant lies in. */
  at(ms: number): Period {
    const { unit, count } = this.size
    const day = this.dayOf(ms)
    if (unit === 'mo') {
      const date = new Date(day * DAY_MS)
      const month = floorTo(date.getUTCFullYear() * 12 + date.getUTCMonth(), count, 0)
      return { start: this.startOfDay(firstDay(month)), end: this.startOfDay(firstDay(month + count)) }
    }
    const days = unit === 'w' ? 7 * count : count
    const first = floorTo(day, days, unit === 'w' ? MONDAY : 0)
    return { start: this.startOfDay(first), end: this.startOfDay(first + days) }
  }

  /** Days since 1970-01-01 of the local date. */
  private dayOf(ms: number): number {
    if (this.format === undefined || Math.abs(ms) > FARTHEST_MS) return Math.floor(ms / DAY_MS)
    let year = 0
    let month = 0
    let day = 0
    let before = false
    for (const { type, value } of this.format.formatToParts(ms)) {
      if (type === 'year') year = Number(value)
      else if (type === 'month') month = Number(value)
      else if (type === 'day') day = Number(value)
      else if (type === 'era') before = value === 'BC'
    }
    const date = new Date(0)
    date.setUTCFullYear(before ? 1 - year : year, month - 1, day)
    return date.getTime() / DAY_MS
  }

  /** The first instant whose local date is this day or later. */
  private startOfDay(day: number): number {
    if (this.format === undefined) return day * DAY_MS
    const known = this.dayStarts.get(day)
    if (known !== undefined) return known
    // No zone is farther than 15 hours from UTC, and none skips more than one day.
    let low = day * DAY_MS - 2 * DAY_MS
    let high = day * DAY_MS + 2 * DAY_MS
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (this.dayOf(middle) >= day) high = middle
      else low = middle
    }
    if (this.dayStarts.size >= KEPT_BOUNDS) this.dayStarts.clear()
    this.dayStarts.set(day, high)
    return high
  }
}

/** Day number of the first of a month counted from year 0. */
function firstDay(month: number): number {
  const date = new Date(0)
  date.setUTCFullYear(Math.floor(month / 12), ((month % 12) + 12) % 12, 1)
  return date.getTime() / DAY_MS
}

function floorTo(n: number, size: number, offset: number): number {
  return Math.floor((n - offset) / size) * size + offset
}
