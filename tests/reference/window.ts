/** Naive twin of keyed windows: lists of values per key and window, every window looked at after every event. */
import { watermarks } from './watermark.ts'
import type { TwinEvent } from './watermark.ts'

export interface TwinWindow {
  readonly size: number
  readonly slide: number
  readonly lateness: number
}

export interface TwinRow {
  readonly key: string
  readonly windowStart: number
  readonly windowEnd: number
  readonly n: number
  readonly total: number | null
  readonly low: number | null
  readonly high: number | null
  readonly kind: 'onTime' | 'late'
  readonly revision: number
}

interface Open {
  readonly key: string
  readonly start: number
  readonly values: (number | null)[]
  fired: boolean
  revision: number
}

/** Rows in order, and the indices of events that no window took. The end closes everything. */
export function windows(
  events: readonly TwinEvent[],
  partitions: number,
  bound: number | undefined,
  window: TwinWindow,
): { rows: TwinRow[]; late: number[] } {
  const marks = watermarks(events, partitions, bound)
  const rows: TwinRow[] = []
  const late: number[] = []
  let open: Open[] = []
  const endOf = (w: Open) => w.start + window.size
  const fire = (mark: number) => {
    const due = open.filter(w => !w.fired && endOf(w) - 1 <= mark)
    due.sort((a, b) => a.start - b.start || (a.key < b.key ? -1 : 1))
    for (const w of due) {
      rows.push(rowOf(w, window.size, 'onTime'))
      w.fired = true
      w.revision++
    }
    open = open.filter(w => endOf(w) - 1 + window.lateness > mark)
  }
  events.forEach((event, i) => {
    const mark = i === 0 ? -Infinity : marks[i - 1]!
    if (event.kind === 'row') {
      let taken = false
      const last = Math.floor(event.t / window.slide) * window.slide
      const starts: number[] = []
      for (let start = last; start > event.t - window.size; start -= window.slide) starts.unshift(start)
      for (const start of starts) {
        const end = start + window.size
        if (end - 1 + window.lateness <= mark) continue
        taken = true
        let w = open.find(o => o.key === event.key && o.start === start)
        if (w === undefined) {
          w = { key: event.key, start, values: [], fired: end - 1 <= mark, revision: 0 }
          open.push(w)
        }
        w.values.push(event.value)
        if (w.fired) {
          rows.push(rowOf(w, window.size, 'late'))
          w.revision++
        }
      }
      if (!taken && starts.length > 0) late.push(i)
    }
    fire(marks[i]!)
  })
  fire(Infinity)
  return { rows, late }
}

function rowOf(w: Open, size: number, kind: 'onTime' | 'late'): TwinRow {
  const numbers = w.values.filter(v => v !== null)
  const none = numbers.length === 0
  return {
    key: w.key,
    windowStart: w.start,
    windowEnd: w.start + size,
    n: w.values.length,
    total: none ? null : numbers.reduce((a, b) => a + b, 0),
    low: none ? null : Math.min(...numbers),
    high: none ? null : Math.max(...numbers),
    kind,
    revision: w.revision,
  }
}
