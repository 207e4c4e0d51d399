/** Windows of the fluent API: `tumbling('10s')`. Sizes are durations (`10s`) or numbers of milliseconds. */
import type { WindowSpec } from './plan.ts'
import { StreamError } from './errors.ts'
import { parseDuration, parsePositiveDuration } from './time/duration.ts'

export type Duration = string | number

export interface WindowDefinition {
  readonly spec: Exclude<WindowSpec, { kind: 'counting' }>
}

/** A window whose rows have no bounds. */
export interface CountingDefinition {
  readonly spec: Extract<WindowSpec, { kind: 'counting' }>
}

export interface WindowAlignment {
  /** Moves all bounds; may be negative. Default 0, which is 1970-01-01T00:00Z. */
  readonly offset?: Duration | undefined
}

/**
 * Windows of one size, one after the other: `[start, start + size)`, aligned to 1970-01-01T00:00Z plus `offset`.
 *
 * @throws StreamError DURATION_INVALID
 * @example
 * ```ts
 * tumbling('10s').spec // { kind: 'tumbling', sizeMs: 10000, offsetMs: 0 }
 * ```
 */
export function tumbling(size: Duration, alignment: WindowAlignment = {}): WindowDefinition {
  const sizeMs = parsePositiveDuration(size, 'window size')
  refuseZone(alignment)
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
  refuseZone(alignment)
  return { spec: { kind: 'hopping', sizeMs, slideMs, offsetMs: offsetOf(alignment, slideMs) } }
}

/**
 * Windows that grow by `step` until `maxSize` and then start anew: "today so far". All of one round share their start.
 *
 * @throws StreamError DURATION_INVALID, OPTION_INVALID when the size is no whole multiple of the step
 */
export function cumulating(maxSize: Duration, step: Duration, alignment: WindowAlignment = {}): WindowDefinition {
  const maxSizeMs = parsePositiveDuration(maxSize, 'window size')
  const stepMs = parsePositiveDuration(step, 'window step')
  refuseZone(alignment)
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

function offsetOf(alignment: WindowAlignment, period: number): number {
  const offset = parseDuration(alignment.offset ?? 0, 'window offset')
  return ((offset % period) + period) % period
}

/** A wrong result is worse than an error: bounds in a zone are not there yet. */
function refuseZone(alignment: object): void {
  const zone: unknown = Reflect.get(alignment, 'zone')
  if (zone === undefined || zone === 'UTC') return
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot align window to zone "${String(zone)}": this version aligns windows to UTC`,
    hint: 'Leave the zone out, or shift the bounds with offset',
  })
}
