/** Naive twin of sessions: after every record the sessions of its key are formed anew from what is kept. */
import { watermarks } from './watermark.ts'
import type { TwinEvent } from './watermark.ts'

export interface TwinSessionRow {
  readonly key: string
  readonly windowStart: number
  readonly windowEnd: number
  readonly n: number
  readonly total: number | null
  readonly kind: 'onTime' | 'late'
  readonly revision: number
}

interface Session {
  readonly key: string
  readonly start: number
  readonly end: number
  readonly values: readonly (number | null)[]
  readonly fired: boolean
  /** Revisions sent with exactly these bounds. */
  readonly sent: readonly { readonly start: number; readonly end: number; readonly revision: number }[]
}

/** Rows in order (without retractions), and the indices of late events. The end closes everything. */
export function sessions(
  events: readonly TwinEvent[],
  partitions: number,
  bound: number | undefined,
  gap: number,
  lateness: number,
): { rows: TwinSessionRow[]; late: number[] } {
  const marks = watermarks(events, partitions, bound)
  const rows: TwinSessionRow[] = []
  const late: number[] = []
  let all: Session[] = []
  const emit = (s: Session, kind: 'onTime' | 'late'): Session => {
    const same = s.sent.find(o => o.start === s.start && o.end === s.end)
    const revision = same === undefined ? 0 : same.revision + 1
    const numbers = s.values.filter(v => v !== null)
    const total = numbers.length === 0 ? null : numbers.reduce((a, b) => a + b, 0)
    rows.push({ key: s.key, windowStart: s.start, windowEnd: s.end, n: s.values.length, total, kind, revision })
    return { ...s, fired: true, sent: [{ start: s.start, end: s.end, revision }] }
  }
  const settle = (mark: number) => {
    const due = all.filter(s => !s.fired && s.end - 1 <= mark)
    due.sort((a, b) => a.end - b.end || (a.key < b.key ? -1 : 1))
    const rest = all.filter(s => !due.includes(s))
    all = [...rest, ...due.map(s => emit(s, 'onTime'))].filter(s => s.end - 1 + lateness > mark)
  }
  events.forEach((event, i) => {
    const mark = i === 0 ? -Infinity : marks[i - 1]!
    if (event.kind === 'row') {
      const near = all.filter(s => s.key === event.key && s.start <= event.t + gap && event.t <= s.end)
      const start = Math.min(event.t, ...near.map(s => s.start))
      const end = Math.max(event.t + gap, ...near.map(s => s.end))
      if (end - 1 + lateness <= mark) late.push(i)
      else {
        const values = [...near.flatMap(s => s.values), event.value]
        const merged = { key: event.key, start, end, values, fired: false, sent: near.flatMap(s => s.sent) }
        const kept = all.filter(s => !near.includes(s))
        all = [...kept, end - 1 <= mark ? emit(merged, 'late') : merged]
      }
    }
    settle(marks[i]!)
  })
  settle(Infinity)
  return { rows, late }
}
