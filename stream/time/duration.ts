/** Durations and instants as users write them: `500ms 10s 5m 1h 1d 1w`, `2026-01-31T00:00Z`. */
import { StreamError } from '../errors.ts'

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/**
 * Milliseconds of a duration: a number is taken as milliseconds, text needs a unit. Several parts add up (`1h30m`), a
 * leading minus is allowed (offsets).
 *
 * @throws StreamError DURATION_INVALID
 */
export function parseDuration(duration: string | number, what = 'duration'): number {
  if (typeof duration === 'number') {
    if (Number.isFinite(duration)) return duration
    throw invalid(String(duration), what)
  }
  const text = duration.trim()
  if (!/^-?(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) throw invalid(duration, what)
  let ms = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g))
    ms += Number(amount) * (UNITS[unit ?? ''] ?? 0)
  const rounded = Math.round(ms)
  return text.startsWith('-') && rounded !== 0 ? -rounded : rounded
}

/** A duration that must be a whole number of milliseconds above zero (window sizes). */
export function parsePositiveDuration(duration: string | number, what: string): number {
  const ms = parseDuration(duration, what)
  if (ms > 0 && Number.isInteger(ms)) return ms
  throw new StreamError({
    code: 'DURATION_INVALID',
    message: `Cannot use ${what} "${duration}": it must be at least 1 ms`,
    hint: 'Write for example 10s',
  })
}

/** Shortest text of a duration in one unit: 10000 → `10s`. */
export function formatDuration(ms: number): string {
  for (const unit of ['w', 'd', 'h', 'm', 's'] as const) {
    const size = UNITS[unit] ?? 1
    if (ms !== 0 && ms % size === 0) return `${ms / size}${unit}`
  }
  return `${ms}ms`
}

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?$/i

/**
 * Epoch milliseconds of an ISO instant with offset; undefined when the text is no ISO instant, `'no-offset'` when only the
 * offset is missing. Written by hand because Date.parse costs five times as much and takes texts that are no instants.
 */
export function readInstant(text: string): number | 'no-offset' | undefined {
  const parts = INSTANT.exec(text)
  if (parts === null) return undefined
  const zone = parts[8]
  if (zone === undefined) return 'no-offset'
  const year = Number(parts[1])
  const month = Number(parts[2])
  const day = Number(parts[3])
  const hour = Number(parts[4] ?? 0)
  const minute = Number(parts[5] ?? 0)
  const second = Number(parts[6] ?? 0)
  const millis = Number((parts[7] ?? '').padEnd(3, '0').slice(0, 3))
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCDate() !== day) return undefined
  let offsetMinutes = 0
  if (zone !== 'Z' && zone !== 'z') {
    const sign = zone.startsWith('-') ? -1 : 1
    offsetMinutes = sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)))
  }
  return date.getTime() + hour * 3_600_000 + minute * 60_000 + second * 1000 + millis - offsetMinutes * 60_000
}

/**
 * Epoch milliseconds of an instant a user wrote.
 *
 * @throws StreamError TIME_INVALID, also when the offset is missing
 */
export function parseInstant(text: string): number {
  const ms = readInstant(text.trim())
  if (typeof ms === 'number') return ms
  throw new StreamError({
    code: 'TIME_INVALID',
    message:
      ms === 'no-offset'
        ? `Cannot read instant "${text}": it has no offset`
        : `Cannot read instant "${text}": it is no ISO 8601 instant`,
    hint: ms === 'no-offset' ? `Write ${text}Z for UTC` : 'Write for example 2026-01-31T00:00Z',
  })
}

function invalid(text: string, what: string): StreamError {
  return new StreamError({
    code: 'DURATION_INVALID',
    message: `Cannot read ${what} "${text}": a number with a unit ms, s, m, h, d or w is needed`,
    hint: 'Write for example 500ms, 10s, 5m, 1h, 1d or 1w',
  })
}
