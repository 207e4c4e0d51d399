/** An instant as people write it. */
import { StreamError } from '../../errors.ts'

/** Epoch ms, a Date, or ISO text with an offset. @throws StreamError TIME_INVALID */
export function parseInstant(value: number | Date | string): number {
  const ms = typeof value === 'number' ? value : value instanceof Date ? value.getTime() : zoned(value)
  if (Number.isFinite(ms)) return ms
  throw new StreamError({
    code: 'TIME_INVALID',
    message: `Cannot use "${String(value)}" as an instant: epoch ms, a Date or ISO text with an offset is needed`,
    hint: '2026-01-01T09:05:00Z',
  })
}

function zoned(text: string): number {
  return /(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? Date.parse(text) : NaN
}
