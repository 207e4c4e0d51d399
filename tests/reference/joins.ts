/** Naive twins of the joins: nothing expires, everything is looked at again after every event. Imports nothing of the program. */
import { watermarks } from './watermark.ts'
import type { TwinEvent } from './watermark.ts'

export type JoinEvent =
  | {
      readonly kind: 'row'
      readonly side: 0 | 1
      readonly t: number
      readonly key: string | null
      /** Unique. */
      readonly id: number
      readonly deleted: boolean
    }
  | { readonly kind: 'idle'; readonly side: 0 | 1 }
  | { readonly kind: 'watermark'; readonly side: 0 | 1; readonly at: number }

export type JoinRow = Extract<JoinEvent, { kind: 'row' }>
export type TwinType = 'inner' | 'left' | 'right' | 'full' | 'semi' | 'anti'

export interface Joined {
  /** Index of the event that gave it; one past the last is the end. */
  readonly step: number
  readonly left: number | null
  readonly right: number | null
  readonly time: number
}

export interface TwinResult {
  readonly rows: readonly Joined[]
  /** Ids. */
  readonly late: readonly number[]
}

/** Watermark of the operator after each event: the lower input; an idle one is left out until it has caught up. */
export function lowerWatermarks(events: readonly JoinEvent[], bound: number | undefined): number[] {
  const phase: ('active' | 'idle' | 'behind')[] = ['active', 'active']
  let given = -Infinity
  return events.map((event, i) => {
    const own = [0, 1].map(side => {
      const mine: TwinEvent[] = events
        .slice(0, i + 1)
        .filter(e => e.side === side)
        .map(e => ({ ...e, partition: 0, key: '', value: null }) as TwinEvent)
      return mine.length === 0 ? -Infinity : (watermarks(mine, 1, bound).at(-1) as number)
    })
    if (event.kind === 'row' && phase[event.side] !== 'active') phase[event.side] = 'behind'
    if (event.kind === 'idle') phase[event.side] = 'idle'
    for (const side of [0, 1]) if (phase[side] === 'behind' && own[side]! >= given) phase[side] = 'active'
    const active = own.filter((_, side) => phase[side] === 'active')
    if (active.length > 0) given = Math.max(given, Math.min(...active))
    return given
  })
}

const padsLeft = (type: TwinType) => type === 'left' || type === 'full'
const padsRight = (type: TwinType) => type === 'right' || type === 'full'
const same = (l: JoinRow, r: JoinRow) => l.key !== null && l.key === r.key

interface Walk {
  /** Watermark before the event, after it. */
  readonly before: number
  readonly after: number
  readonly step: number
  readonly row: JoinRow | undefined
}

function walk(events: readonly JoinEvent[], bound: number | undefined, visit: (w: Walk) => void): void {
  const marks = lowerWatermarks(events, bound)
  events.forEach((event, step) => {
    const row = event.kind === 'row' ? event : undefined
    visit({ before: marks[step - 1] ?? -Infinity, after: marks[step]!, step, row })
  })
  visit({ before: marks.at(-1) ?? -Infinity, after: Infinity, step: events.length, row: undefined })
}

export function intervalTwin(
  events: readonly JoinEvent[],
  bound: number | undefined,
  type: TwinType,
  [lo, hi]: readonly [number, number],
): TwinResult {
  const rows: Joined[] = []
  const late: number[] = []
  const taken: JoinRow[] = []
  const done = new Set<number>()
  walk(events, bound, ({ before, after, step, row }) => {
    if (row !== undefined && row.t <= before) late.push(row.id)
    else if (row !== undefined) {
      for (const other of taken) {
        if (other.side === row.side) continue
        const [l, r] = row.side === 0 ? [row, other] : [other, row]
        if (!same(l, r) || r.t - l.t < lo || r.t - l.t > hi) continue
        rows.push({ step, left: l.id, right: r.id, time: Math.max(l.t, r.t) })
        done.add(l.id).add(r.id)
      }
      taken.push(row)
    }
    for (const one of taken) {
      const lastPartner = one.side === 0 ? one.t + hi : one.t - lo
      if (done.has(one.id) || lastPartner > after) continue
      done.add(one.id)
      if (one.side === 0 && padsLeft(type)) rows.push({ step, left: one.id, right: null, time: one.t })
      if (one.side === 1 && padsRight(type)) rows.push({ step, left: null, right: one.id, time: one.t })
    }
  })
  return { rows, late }
}

export function asOfTwin(events: readonly JoinEvent[], bound: number | undefined, type: TwinType): TwinResult {
  const rows: Joined[] = []
  const late: number[] = []
  let waiting: JoinRow[] = []
  const versions: JoinRow[] = []
  walk(events, bound, ({ before, after, step, row }) => {
    if (row !== undefined && row.t <= before) late.push(row.id)
    else if (row?.side === 0) waiting.push(row)
    else if (row !== undefined) versions.push(row)
    const due = waiting.filter(l => l.t <= after).sort((a, b) => a.t - b.t)
    waiting = waiting.filter(l => l.t > after)
    for (const l of due) {
      let found: JoinRow | undefined
      for (const v of versions) if (same(l, v) && v.t <= l.t && (found === undefined || v.t >= found.t)) found = v
      const right = found === undefined || found.deleted ? null : found.id
      if (right !== null || type === 'left') rows.push({ step, left: l.id, right, time: l.t })
    }
  })
  return { rows, late }
}

export function tableTwin(events: readonly JoinEvent[], type: TwinType): TwinResult {
  const rows: Joined[] = []
  const table: JoinRow[] = []
  walk(events, undefined, ({ step, row }) => {
    if (row?.side === 1) table.push(row)
    if (row?.side !== 0) return
    const found = table.filter(r => same(row, r)).at(-1)
    const right = found === undefined || found.deleted ? null : found.id
    if (right !== null || type === 'left') rows.push({ step, left: row.id, right, time: row.t })
  })
  return { rows, late: [] }
}

function pairs(group: readonly JoinRow[], type: TwinType): { left: number | null; right: number | null }[] {
  const lefts = group.filter(g => g.side === 0)
  const rights = group.filter(g => g.side === 1)
  const matches = (l: JoinRow) => rights.filter(r => same(l, r))
  if (type === 'semi' || type === 'anti')
    return lefts.filter(l => matches(l).length > 0 === (type === 'semi')).map(l => ({ left: l.id, right: null }))
  const found: { left: number | null; right: number | null }[] = []
  for (const l of lefts) for (const r of matches(l)) found.push({ left: l.id, right: r.id })
  if (padsLeft(type)) for (const l of lefts) if (matches(l).length === 0) found.push({ left: l.id, right: null })
  if (padsRight(type)) for (const r of rights) if (!lefts.some(l => same(l, r))) found.push({ left: null, right: r.id })
  return found
}

export function windowTwin(
  events: readonly JoinEvent[],
  bound: number | undefined,
  type: TwinType,
  { size, slide }: { readonly size: number; readonly slide: number },
): TwinResult {
  const rows: Joined[] = []
  const late: number[] = []
  const taken: JoinRow[] = []
  const startsOf = (t: number) => {
    const starts: number[] = []
    for (let s = Math.floor(t / slide) * slide; s > t - size; s -= slide) starts.push(s)
    return starts
  }
  walk(events, bound, ({ before, after, step, row }) => {
    if (row !== undefined) {
      const starts = startsOf(row.t)
      if (starts.some(s => s + size - 1 > before)) taken.push(row)
      else if (starts.length > 0) late.push(row.id)
    }
    const starts = new Set(taken.flatMap(one => startsOf(one.t)))
    for (const s of starts) {
      if (s + size - 1 <= before || s + size - 1 > after) continue
      const inside = taken.filter(one => one.t >= s && one.t < s + size)
      for (const pair of pairs(inside, type)) rows.push({ step, ...pair, time: s + size - 1 })
    }
  })
  return { rows, late }
}

export function sessionTwin(
  events: readonly JoinEvent[],
  bound: number | undefined,
  type: TwinType,
  gap: number,
): TwinResult {
  const rows: Joined[] = []
  const late: number[] = []
  let open: JoinRow[] = []
  /** Rows of the session that holds `row`, among these. */
  const sessionOf = (row: JoinRow, among: readonly JoinRow[]): JoinRow[] => {
    const inside = new Set([row])
    for (let grown = true; grown;) {
      grown = false
      for (const one of among) {
        if (inside.has(one) || row.key === null || one.key !== row.key) continue
        if (![...inside].some(other => Math.abs(other.t - one.t) <= gap)) continue
        inside.add(one)
        grown = true
      }
    }
    return [...inside]
  }
  const endOf = (group: readonly JoinRow[]) => Math.max(...group.map(one => one.t)) + gap
  walk(events, bound, ({ before, after, step, row }) => {
    if (row !== undefined) {
      if (endOf(sessionOf(row, open)) - 1 <= before) late.push(row.id)
      else open.push(row)
    }
    for (let left = open; left.length > 0;) {
      const group = sessionOf(left[0]!, left)
      left = left.filter(one => !group.includes(one))
      if (endOf(group) - 1 > after) continue
      open = open.filter(one => !group.includes(one))
      for (const pair of pairs(group, type)) rows.push({ step, ...pair, time: endOf(group) - 1 })
    }
  })
  return { rows, late }
}

/** What is left of the changelog at the end. */
export function ttlTwin(
  events: readonly JoinEvent[],
  bound: number | undefined,
  type: TwinType,
  ttl: number,
): TwinResult {
  const rows: Joined[] = []
  const late: number[] = []
  const taken: JoinRow[] = []
  const matched = new Set<number>()
  walk(events, bound, ({ before, step, row }) => {
    if (row === undefined) return
    if (row.t <= before) {
      late.push(row.id)
      return
    }
    for (const other of taken) {
      if (other.side === row.side || other.t + ttl <= before) continue
      const [l, r] = row.side === 0 ? [row, other] : [other, row]
      if (!same(l, r)) continue
      rows.push({ step, left: l.id, right: r.id, time: Math.max(l.t, r.t) })
      matched.add(l.id).add(r.id)
    }
    taken.push(row)
  })
  for (const one of taken) {
    if (matched.has(one.id)) continue
    if (one.side === 0 && padsLeft(type)) rows.push({ step: 0, left: one.id, right: null, time: one.t })
    if (one.side === 1 && padsRight(type)) rows.push({ step: 0, left: null, right: one.id, time: one.t })
  }
  return { rows, late }
}
