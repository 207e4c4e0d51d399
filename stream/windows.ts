/** Windows of the fluent API: `tumbling('10s')`. Sizes are durations (`10s`) or numbers of milliseconds. */
import type { CalendarSize, WindowSpec } from './plan.ts'
import { StreamError } from './errors.ts'
import { parseDuration, parsePositiveDuration } from './time/duration.ts'

export type Duration = string | number

export interface WindowDefinition {
  readonly spec: Exclude<WindowSpec, { kind: 'counting' | 'over' }>
}

/** A window whose rows have no bounds. */
export interface CountingDefinition {
  readonly spec: Extract<WindowSpec, { kind: 'counting' }>
}

/** No window but what lies before each record: a row is the record with the aggregates. */
export interface OverDefinition {
  readonly spec: Extract<WindowSpec, { kind: 'over' }>
}

export interface WindowAlignment {
  /** Moves all bounds; may be negative. Default 0, which is 1970-01-01T00:00Z. */
  readonly offset?: Duration | undefined
  /** Time zone of calendar sizes (`1d`, `1w`, `1mo`), for example `Europe/Berlin`. Default UTC. */
  readonly zone?: string | undefined
}

/**
 * Windows of one size, one after the other: `[start, start + size)`, aligned to 1970-01-01T00:00Z plus `offset`. Sizes of whole
 * days, weeks (from Monday) or months (`1d`, `1w`, `1mo`) are those of the calendar in `zone`: where clocks change a day has 23 or
 * 25 hours.
 *
 * @throws StreamError DURATION_INVALID
 * @example
 * ```ts
 * tumbling('10s').spec // { kind: 'tumbling', sizeMs: 10000, offsetMs: 0 }
 * ```
 */
export function tumbling(size: Duration, alignment: WindowAlignment = {}): WindowDefinition {
  const calendar = calendarOf(size, alignment)
  if (calendar !== undefined) return { spec: { kind: 'tumbling', sizeMs: usualMs(calendar), offsetMs: 0, calendar } }
  const sizeMs = parsePositiveDuration(size, 'window size')
  return { spec: { kind: 'tumbling', sizeMs, offsetMs: offsetOf(alignment, sizeMs) } }
}

/**
 * Windows of one size that start every `slide`; a record falls into size / slide of them.
 *
 * @throws StreamError DURATION_INVALID
 */
export function hopping(size: Duration, slide: Duration, alignment: WindowAlignment = {}): WindowDefinition {
  const sizeMs = parsePositiveDuration(size, 'window size')
  const slideMs = parsePositiveDuration(slide, 'window slide')
  refuseZone(alignment, 'hopping windows')
  return { spec: { kind: 'hopping', sizeMs, slideMs, offsetMs: offsetOf(alignment, slideMs) } }
}

/**
 * Windows that grow by `step` until `maxSize` and then start anew: "today so far". All of one round share their start.
 *
 * @throws StreamError DURATION_INVALID, OPTION_INVALID when the size is no whole multiple of the step
 */
export function cumulating(maxSize: Duration, step: Duration, alignment: WindowAlignment = {}): WindowDefinition {
  const stepMs = parsePositiveDuration(step, 'window step')
  const calendar = calendarOf(maxSize, alignment)
  if (calendar !== undefined)
    return { spec: { kind: 'cumulating', maxSizeMs: usualMs(calendar), stepMs, offsetMs: 0, calendar } }
  const maxSizeMs = parsePositiveDuration(maxSize, 'window size')
  if (maxSizeMs % stepMs !== 0) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot make cumulating window: size "${maxSize}" is no whole multiple of step "${step}"`,
      hint: "Write for example cumulating('1h', '1m')",
    })
  }
  return { spec: { kind: 'cumulating', maxSizeMs, stepMs, offsetMs: offsetOf(alignment, maxSizeMs) } }
}

/**
 * Sessions: records of a key that follow each other within `gap` (a distance equal to the gap still joins). A session ends
 * `gap` after its last record.
 *
 * @throws StreamError DURATION_INVALID
 */
export function session(gap: Duration): WindowDefinition {
  return { spec: { kind: 'session', gapMs: parsePositiveDuration(gap, 'session gap') } }
}

/**
 * Windows of `size` records of a key, whatever their times; with `slide` one row every `slide` records over the last `size`
 * (the first ones over fewer). Rows have no bounds; what is incomplete at the end gives none.
 *
 * @throws StreamError OPTION_INVALID
 */
export function counting(size: number, slide: number = size): CountingDefinition {
  for (const n of [size, slide]) {
    if (Number.isInteger(n) && n >= 1) continue
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot count windows of ${n} records: a whole number from 1 is needed`,
      hint: 'Write for example counting(100, 10)',
    })
  }
  return { spec: { kind: 'counting', size, slide } }
}

/**
 * For each record the records before it: `over('10m')` those of its key at most 10 minutes older, both ends included and records
 * of the same time too; `over(100)` the last 100 of its key, itself among them. A row is the record with the aggregates; rows come
 * in event-time order when the watermark passes them. Memory: the records of the range.
 *
 * @throws StreamError DURATION_INVALID, OPTION_INVALID
 */
export function over(range: Duration): OverDefinition {
  if (typeof range === 'string') return { spec: { kind: 'over', sizeMs: parsePositiveDuration(range, 'range') } }
  if (Number.isInteger(range) && range >= 1) return { spec: { kind: 'over', rowCount: range } }
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot look back over ${range} records: a whole number from 1 is needed`,
    hint: "Write over(100) for records, over('10m') for time",
  })
}

const CALENDAR_SIZE = /^(\d+)(d|w|mo)$/

/** The calendar of a window: sizes of days, weeks or months in a zone; without one, weeks and months of UTC. */
function calendarOf(size: Duration, { zone, offset }: WindowAlignment): CalendarSize | undefined {
  const parts = typeof size === 'string' ? CALENDAR_SIZE.exec(size.trim()) : null
  if (parts === null) {
    refuseZone({ zone }, `windows of ${typeof size === 'number' ? `${size} ms` : size}`)
    return undefined
  }
  const unit = parts[2] as CalendarSize['unit']
  // A day of UTC has always the same length: there an offset may move it.
  if (unit === 'd' && (zone === undefined || zone === 'UTC')) return undefined
  // So may a week that was moved by hand.
  if (unit === 'w' && offset !== undefined && (zone === undefined || zone === 'UTC')) return undefined
  if (offset !== undefined && parseDuration(offset, 'window offset') !== 0) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot move calendar windows of ${size} by ${offset}: their bounds are those of the calendar`,
      hint: 'Leave the offset out',
    })
  }
  const count = Number(parts[1])
  if (count < 1) parsePositiveDuration(`${count}ms`, 'window size')
  return { unit, count, zone: knownZone(zone ?? 'UTC') }
}

/** Length without a change of clocks; a month counts 30 days. For what shows it, never for bounds. */
function usualMs({ unit, count }: CalendarSize): number {
  return count * { d: 1, w: 7, mo: 30 }[unit] * 86_400_000
}

function knownZone(zone: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return zone
  } catch {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot align window to zone "${zone}": no zone of that name is known`,
      hint: 'Write for example Europe/Berlin or UTC',
    })
  }
}

function offsetOf(alignment: WindowAlignment, period: number): number {
  const offset = parseDuration(alignment.offset ?? 0, 'window offset')
  return ((offset % period) + period) % period
}

/** A wrong result is worse than an error. */
function refuseZone({ zone }: { readonly zone?: string | undefined }, what: string): void {
  if (zone === undefined || zone === 'UTC') return
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot align ${what} to zone "${zone}": a zone is for tumbling and cumulating windows of days, weeks or months`,
    hint: `Write for example tumbling('1d', { zone: '${zone}' })`,
  })
}
