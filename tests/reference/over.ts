/** Naive twin of over windows: for each record everything before it is looked at anew. Imports nothing of the program. */
import { watermarks } from './watermark.ts'
import type { TwinEvent } from './watermark.ts'

type TwinRecord = Extract<TwinEvent, { kind: 'row' }>

export interface TwinOverRow {
  readonly record: TwinRecord
  readonly n: number
  readonly total: number | null
  readonly low: number | null
  readonly first: number | null
  readonly all: readonly number[]
}

/** Rows in order, and the late records. `size`: milliseconds back, both ends included. `rowCount`: the last so many of the key. */
export function over(
  events: readonly TwinEvent[],
  partitions: number,
  bound: number | undefined,
  range: { readonly size: number } | { readonly rowCount: number },
): { rows: TwinOverRow[]; late: TwinRecord[] } {
  const marks = watermarks(events, partitions, bound)
  const taken: TwinRecord[] = []
  const late: TwinRecord[] = []
  events.forEach((event, i) => {
    if (event.kind !== 'row') return
    if (event.t <= (i === 0 ? -Infinity : marks[i - 1]!)) late.push(event)
    else taken.push(event)
  })
  const ordered = taken.toSorted((a, b) => a.t - b.t)
  const rows = ordered.map((record, at) => {
    const own =
      'size' in range
        ? ordered.filter(r => r.key === record.key && r.t <= record.t && r.t >= record.t - range.size)
        : ordered
            .slice(0, at + 1)
            .filter(r => r.key === record.key)
            .slice(-range.rowCount)
    const numbers = own.map(r => r.value).filter(v => v !== null)
    const none = numbers.length === 0
    return {
      record,
      n: own.length,
      total: none ? null : numbers.reduce((a, b) => a + b, 0),
      low: none ? null : Math.min(...numbers),
      first: numbers[0] ?? null,
      all: numbers,
    }
  })
  return { rows, late }
}
