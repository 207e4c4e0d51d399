/** `eventTime(row)`: rows handed to a program keep their event time beside them, not in them. */
import { StreamError } from './errors.ts'

const times = new WeakMap<object, number>()

/** Called for each row a consumer gets. Primitives have no place to remember it. */
export function rememberEventTime(row: unknown, eventTimeMs: number): void {
  if (typeof row === 'object' && row !== null && windowTime(row) !== eventTimeMs) times.set(row, eventTimeMs)
}

/** Rows of windows carry their time: a map of millions of them would cost more than computing them did. */
function windowTime(row: object): number | undefined {
  const end: unknown = 'windowEnd' in row && 'revision' in row ? row.windowEnd : undefined
  return typeof end === 'number' ? end - 1 : undefined
}

/**
 * Event time of a row got from `for await`, `take`, `first`, `toArray` or `forEach`, epoch ms. In a lambda the second
 * argument has it.
 *
 * @throws StreamError TIME_INVALID for anything else
 */
export function eventTime(row: object): number {
  // A row that is a number or a text has no place to remember it.
  const ms =
    typeof row === 'object' && (row as object | null) !== null ? (times.get(row) ?? windowTime(row)) : undefined
  if (ms !== undefined) return ms
  throw new StreamError({
    code: 'TIME_INVALID',
    message: `Cannot tell the event time of a row: it ${typeof row === 'object' ? 'was not read from a stream' : 'is no object'}`,
    hint: 'In a lambda use its second argument: (row, { eventTimeMs }) => …',
  })
}
