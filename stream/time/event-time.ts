/**
 * When a record happened (rules.md 1): a number or bigint in ms, a Date, or ISO text with an offset. Everything else is
 * refused with a reason a person can act on; a value is never guessed.
 */
import { readInstant } from './duration.ts'

/**
 * In place of a time field: the event time is when the record was read, and the clock moves the watermark. No record is ever
 * late, and a replay of the journal gives the same rows; reading the topic a second time does not.
 */
export const PROCESSING_TIME = 'processing-time'

/** Reads one value as epoch ms; a text result is the reason why it is none. */
export function readEventTime(value: unknown, field: string): number | string {
  if (typeof value === 'number') return Number.isFinite(value) ? value : `time field "${field}" is ${value}`
  if (typeof value === 'bigint') return fromBigint(value)
  if (value instanceof Date) {
    const ms = value.getTime()
    return Number.isNaN(ms) ? `time field "${field}" is an invalid Date` : ms
  }
  if (typeof value === 'string') {
    const ms = readInstant(value)
    if (typeof ms === 'number') return ms
    const shown = JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
    return ms === 'no-offset'
      ? `time field "${field}" is ${shown}, an instant without an offset`
      : `time field "${field}" is ${shown}, no ISO instant`
  }
  if (value === undefined) return `time field "${field}" is missing`
  if (value === null) return `time field "${field}" is null`
  return `time field "${field}" is ${Array.isArray(value) ? 'an array' : `of type ${typeof value}`}`
}

/** Epoch milliseconds never exceed 8.64e15 (the range of Date); a bigint beyond it is microseconds (Avro timestamp-micros). */
function fromBigint(value: bigint): number {
  const ms = Number(value)
  return Math.abs(ms) > 8.64e15 ? Number(value / 1000n) : ms
}

/** True for values a clock in seconds would give (2001 to 2286): worth a notice, never a conversion. */
export function looksLikeSeconds(ms: number): boolean {
  return ms >= 1e9 && ms < 1e10
}
