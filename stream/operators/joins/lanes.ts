/**
 * Follows rows through a join for whoever looks at it: which met, which wait, which left alone. Made when somebody begins to look and
 * forgotten when nobody does; no part of a snapshot, and nothing a result depends on.
 *
 *   row taken ─▶ came      two met ─▶ paired      its end is no matter of time ─▶ alone      somebody looks ─▶ view
 *
 * What it holds is bounded: the newest rows of each side. A row that had to go before its end is counted.
 */
import { roughBytes } from './size-limit.ts'
import type { JoinSideView, JoinView, UnmatchedRow, ViewedRow } from '../../join-view.ts'
import type { Side } from './two-sides.ts'

/** Rows followed of each side. */
export const FOLLOWED = 4000
/** Partners remembered of one row. */
const PARTNERS = 8
/** In a view: lefts with lines, lines, rows of a side that wait, rows that left alone. */
const MET = 32
const LINES = 64
const WAITING = 24
const ALONE = 24
const TEXT = 160
/** Rows weighed of each side, and bookkeeping beside a row. */
const WEIGHED = 64
const PER_ROW = 48

export interface LanesParts {
  /** The watermark of the join, asked whenever it is needed. */
  readonly watermarkMs: () => number
  /** A snapshot was restored, or somebody began to look in the middle. */
  readonly sinceMs: number | null
  /** Whether the join tells of its rows. Default true. */
  readonly followed?: boolean
}

/** Watermark at which a row leaves, Infinity: no time ends it. A function where it may still become later. */
export type Until = number | (() => number)

/** A row a join holds when somebody begins to look. */
export interface HeldRow {
  readonly side: Side
  readonly key: unknown
  readonly timeMs: number
  readonly row: unknown
  readonly untilMs: Until
  /** Whether it has found somebody; undefined where the join does not know. */
  readonly matched: boolean | undefined
}

interface Followed {
  readonly number: number
  readonly key: unknown
  readonly timeMs: number
  readonly row: unknown
  readonly untilMs: Until
  matched: boolean
  /** It may have found somebody before it was followed: it is never called unmatched. */
  readonly unsure: boolean
  over: boolean
  readonly partners: Followed[]
}

interface FollowedSide {
  readonly rows: Map<unknown, Followed>
  next: number
  unmatchedCount: number
  unfollowedCount: number
  weighed: number
  weighedBytes: number
}

type Alone = Omit<UnmatchedRow, 'key' | 'row'> & { readonly key: unknown; readonly row: unknown }

export class JoinLanes {
  private readonly parts: LanesParts
  private readonly sides: readonly [FollowedSide, FollowedSide] = [emptySide(), emptySide()]
  private unmatched: Alone[] = []

  constructor(parts: LanesParts) {
    this.parts = parts
  }

  /** A row was taken; it leaves when the watermark reaches `untilMs`. */
  came(side: Side, key: unknown, timeMs: number, row: unknown, untilMs: Until): void {
    this.follow({ side, key, timeMs, row, untilMs, matched: false })
  }

  /** Rows that were there before. `meets`: whether two of one key have met, where that can be told from their times. */
  begin(held: readonly HeldRow[], meets: ((leftMs: number, rightMs: number) => boolean) | undefined): void {
    const lefts = new Map<unknown, HeldRow[]>()
    for (const one of held) {
      this.follow(one)
      if (one.side === 1) continue
      const list = lefts.get(one.key)
      if (list === undefined) lefts.set(one.key, [one])
      else list.push(one)
    }
    if (meets === undefined) return
    for (const right of held) {
      if (right.side === 0) continue
      for (const left of lefts.get(right.key) ?? [])
        if (meets(left.timeMs, right.timeMs)) this.paired(left.row, right.row)
    }
  }

  paired(left: unknown, right: unknown): void {
    const l = this.sides[0].rows.get(left)
    const r = this.sides[1].rows.get(right)
    if (l !== undefined) l.matched = true
    if (r !== undefined) r.matched = true
    if (l === undefined || r === undefined) return
    // In overlapping windows two rows meet again and again.
    if (l.partners.length < PARTNERS && !l.partners.includes(r)) l.partners.push(r)
  }

  /** Rows of one key and window, all of which have met. */
  met({ left, right }: { readonly left: readonly unknown[]; readonly right: readonly unknown[] }): void {
    if (left.length === 0 || right.length === 0) return
    const [ofLeft, ofRight] = [this.sides[0].rows, this.sides[1].rows]
    for (const row of right) {
      const one = ofRight.get(row)
      if (one !== undefined) one.matched = true
    }
    for (const row of left) {
      const one = ofLeft.get(row)
      if (one === undefined) continue
      one.matched = true
      for (let i = 0; i < right.length && one.partners.length < PARTNERS; i++) this.paired(row, right[i])
    }
  }

  /** A row is done with, and no time said so; one that met nobody has left alone. */
  done(side: Side, row: unknown, reason: UnmatchedRow['reason'], endedMs: number | null): void {
    const one = this.sides[side].rows.get(row)
    if (one === undefined || one.over) return
    one.over = true
    if (!one.matched && !one.unsure) this.alone(side, one, reason, endedMs)
  }

  /** A row was taken back: it is as if it had never come. */
  takenBack(side: Side, row: unknown): void {
    const one = this.sides[side].rows.get(row)
    if (one === undefined) return
    this.sides[side].rows.delete(row)
    const lefts = [...this.sides[0].rows.values()]
    const met = side === 0 ? one.partners : lefts.filter(left => left.partners.includes(one))
    for (const left of lefts) if (left.partners.includes(one)) left.partners.splice(left.partners.indexOf(one), 1)
    // Who had nobody else waits again.
    for (const other of met)
      other.matched = side === 0 ? lefts.some(left => left.partners.includes(other)) : other.partners.length > 0
  }

  /** `held`: rows the join holds of each side. */
  view(held: readonly [number, number]): JoinView {
    const watermarkMs = this.parts.watermarkMs()
    this.endDue(watermarkMs)
    const rows: ViewedRow[] = []
    const lines: [number, number][] = []
    const places = new Map<Followed, number>()
    const show = (side: Side, one: Followed): number => {
      const known = places.get(one)
      if (known !== undefined) return known
      places.set(one, rows.length)
      return rows.push(viewed(side, one)) - 1
    }
    const [left, right] = this.sides
    for (const one of thinned(
      [...left.rows.values()].filter(l => l.matched),
      MET,
    )) {
      const place = show(0, one)
      for (const partner of one.partners) if (lines.length < LINES) lines.push([place, show(1, partner)])
    }
    for (const side of [0, 1] as const) {
      const waiting = [...this.sides[side].rows.values()].filter(one => !one.matched && !one.over)
      for (const one of thinned(waiting, WAITING)) show(side, one)
      for (const one of this.unmatched.slice(-ALONE)) if (one.side === side) rows.push(aloneRow(one))
    }
    return {
      watermarkMs: Number.isFinite(watermarkMs) ? watermarkMs : null,
      sinceMs: this.parts.sinceMs,
      followed: this.parts.followed ?? true,
      sides: [sideView(left, held[0]), sideView(right, held[1])],
      rows,
      lines,
      unmatched: this.unmatched.slice(-ALONE).map(one => ({ ...one, key: keyText(one.key), row: rowText(one.row) })),
    }
  }

  private follow({ side, key, timeMs, row, untilMs, matched }: HeldRow): void {
    const its = this.sides[side]
    if (its.weighed < WEIGHED) {
      its.weighed++
      its.weighedBytes += roughBytes(row, 3)
    }
    const { rows } = its
    if (rows.size >= FOLLOWED) this.forgetOldest(side)
    // The same object again is a row of its own: the one before is let go of.
    rows.delete(row)
    const known = matched === true
    rows.set(row, { number: its.next++, key, timeMs, row, untilMs, matched: known, unsure: matched === undefined, over: false, partners: [] }) // prettier-ignore
  }

  private forgetOldest(side: Side): void {
    const its = this.sides[side]
    const [row, one] = its.rows.entries().next().value as [unknown, Followed]
    if (!one.over && !one.matched && !one.unsure) {
      const untilMs = untilOf(one)
      if (untilMs <= this.parts.watermarkMs()) this.alone(side, one, 'time', untilMs)
      // What waits for ever is no loss: it is a version or a row of a table.
      else if (untilMs !== Infinity) its.unfollowedCount++
    }
    its.rows.delete(row)
  }

  /** Rows whose time is over: told in the order in which they left. */
  private endDue(watermarkMs: number): void {
    const due: { side: Side; one: Followed; untilMs: number }[] = []
    for (const side of [0, 1] as const) {
      for (const one of this.sides[side].rows.values()) {
        const untilMs = untilOf(one)
        if (one.over || untilMs > watermarkMs) continue
        one.over = true
        if (!one.matched && !one.unsure) due.push({ side, one, untilMs })
      }
    }
    due.sort((a, b) => a.untilMs - b.untilMs || a.one.number - b.one.number)
    for (const { side, one, untilMs } of due) this.alone(side, one, 'time', untilMs)
  }

  private alone(
    side: Side,
    { number, key, timeMs, row }: Followed,
    reason: UnmatchedRow['reason'],
    endedMs: number | null,
  ): void {
    this.sides[side].unmatchedCount++
    this.unmatched.push({ number, side, key, atMs: timeMs, endedMs: finiteOr(endedMs), reason, row })
    if (this.unmatched.length >= 4 * ALONE) this.unmatched = this.unmatched.slice(-ALONE)
  }
}

function emptySide(): FollowedSide {
  return { rows: new Map(), next: 0, unmatchedCount: 0, unfollowedCount: 0, weighed: 0, weighedBytes: 0 }
}

/** At most so many, those whose number a power of two divides: the same ones as long as they are there, so that nothing flickers. */
function thinned(rows: readonly Followed[], most: number): readonly Followed[] {
  let shown = rows
  for (let every = 2; shown.length > most; every *= 2) shown = rows.filter(one => one.number % every === 0)
  return shown
}

function sideView(side: FollowedSide, rowCount: number): JoinSideView {
  let matchedCount = 0
  let waitingCount = 0
  for (const one of side.rows.values()) {
    if (one.matched) matchedCount++
    else if (!one.over) waitingCount++
  }
  const each = PER_ROW + (side.weighed === 0 ? 0 : side.weighedBytes / side.weighed)
  const { unmatchedCount, unfollowedCount } = side
  return { rowCount, bytes: Math.round(rowCount * each), matchedCount, waitingCount, unmatchedCount, unfollowedCount }
}

function viewed(side: Side, one: Followed): ViewedRow {
  const { number, key, timeMs, matched, over } = one
  const state = matched ? 'matched' : over ? 'unmatched' : 'waiting'
  return { number, side, key: keyText(key), atMs: timeMs, state, untilMs: over ? null : finiteOr(untilOf(one)) }
}

function aloneRow({ number, side, key, atMs }: Alone): ViewedRow {
  return { number, side, key: keyText(key), atMs, state: 'unmatched', untilMs: null }
}

function untilOf({ untilMs }: Followed): number {
  return typeof untilMs === 'number' ? untilMs : untilMs()
}

function finiteOr(ms: number | null): number | null {
  return ms !== null && Number.isFinite(ms) ? ms : null
}

function keyText(key: unknown): string | null {
  if (key === null || key === undefined) return null
  return typeof key === 'string' ? shortened(key) : rowText(key)
}

function rowText(row: unknown): string {
  try {
    return shortened(
      JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ?? String(row),
    )
  } catch {
    return shortened(String(row))
  }
}

function shortened(text: string): string {
  return text.length <= TEXT ? text : `${text.slice(0, TEXT - 1)}…`
}
