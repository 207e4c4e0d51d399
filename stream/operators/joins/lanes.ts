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

/** Rows followed of each side: those that have met nobody so far, those that have. */
export const FOLLOWED = 10_000
const MET_FOLLOWED = 2000
/** Partners remembered of one row. */
const PARTNERS = 8
/** In a view: lefts with lines, lines, rows of a side that wait, rows that left alone. */
const MET = 32
const LINES = 64
const WAITING = 24
const ALONE = 24
/** Rows that left alone, kept to be drawn. */
const ALONE_KEPT = 512
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
  /** It may have found somebody before it was followed: it is never called unmatched. */
  readonly unsure: boolean
  /** Its time is over, or it was looked up. */
  over: boolean
  readonly partners: Followed[]
}

interface FollowedSide {
  /** Rows that have met nobody: all that may leave alone, so there is room for many. */
  readonly waiting: Map<unknown, Followed>
  /** Rows that have met somebody: a picture shows some of the newest. */
  readonly met: Map<unknown, Followed>
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
    const l = this.meet(0, left)
    const r = this.meet(1, right)
    if (l === undefined || r === undefined) return
    // In overlapping windows two rows meet again and again.
    if (l.partners.length < PARTNERS && !l.partners.includes(r)) l.partners.push(r)
  }

  /** Rows of one key and window, all of which have met. */
  met({ left, right }: { readonly left: readonly unknown[]; readonly right: readonly unknown[] }): void {
    if (left.length === 0 || right.length === 0) return
    for (const row of right) this.meet(1, row)
    for (const row of left) {
      const one = this.meet(0, row)
      if (one === undefined) continue
      for (let i = 0; i < right.length && one.partners.length < PARTNERS; i++) this.paired(row, right[i])
    }
  }

  /** A row is done with, and no time said so; one that met nobody has left alone. */
  done(side: Side, row: unknown, reason: UnmatchedRow['reason'], endedMs: number | null): void {
    const { waiting, met } = this.sides[side]
    const one = waiting.get(row)
    const found = met.get(row)
    if (found !== undefined) found.over = true
    if (one === undefined) return
    waiting.delete(row)
    if (!one.unsure) this.alone(side, one, reason, endedMs)
  }

  /** A row was taken back: it is as if it had never come. */
  takenBack(side: Side, row: unknown): void {
    const its = this.sides[side]
    its.waiting.delete(row)
    const one = its.met.get(row)
    if (one === undefined) return
    its.met.delete(row)
    const lefts = [...this.sides[0].met.values()]
    const met = side === 0 ? one.partners : lefts.filter(left => left.partners.includes(one))
    for (const left of lefts) if (left.partners.includes(one)) left.partners.splice(left.partners.indexOf(one), 1)
    // Who had nobody else waits again.
    for (const other of met) {
      if (side === 0 ? lefts.some(left => left.partners.includes(other)) : other.partners.length > 0) continue
      const theirs = this.sides[side === 0 ? 1 : 0]
      theirs.met.delete(other.row)
      theirs.waiting.set(other.row, other)
    }
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
      return rows.push(viewed(side, one, this.sides[side].met.has(one.row))) - 1
    }
    const [left, right] = this.sides
    for (const one of thinned([...left.met.values()], MET)) {
      const place = show(0, one)
      for (const partner of one.partners) if (lines.length < LINES) lines.push([place, show(1, partner)])
    }
    for (const side of [0, 1] as const) {
      for (const one of thinned([...this.sides[side].waiting.values()], WAITING)) show(side, one)
      const alone = this.unmatched.filter(one => one.side === side)
      for (const one of thinned(alone, ALONE)) rows.push(aloneRow(one))
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
    const one = {
      number: its.next++,
      key,
      timeMs,
      row,
      untilMs,
      unsure: matched === undefined,
      over: false,
      partners: [],
    }
    // The same object again is a row of its own: the one before is let go of.
    its.waiting.delete(row)
    its.met.delete(row)
    if (matched === true) this.keepMet(its, one)
    else {
      if (its.waiting.size >= FOLLOWED) this.forgetOldest(side)
      its.waiting.set(row, one)
    }
  }

  private forgetOldest(side: Side): void {
    const its = this.sides[side]
    const [row, one] = its.waiting.entries().next().value as [unknown, Followed]
    if (!one.unsure) {
      const untilMs = untilOf(one)
      if (untilMs <= this.parts.watermarkMs()) this.alone(side, one, 'time', untilMs)
      // What waits for ever is no loss: it is a version or a row of a table.
      else if (untilMs !== Infinity) its.unfollowedCount++
    }
    its.waiting.delete(row)
  }

  /** The row, which has met somebody now; undefined where it is not followed. */
  private meet(side: Side, row: unknown): Followed | undefined {
    const its = this.sides[side]
    const one = its.waiting.get(row)
    if (one === undefined) return its.met.get(row)
    its.waiting.delete(row)
    this.keepMet(its, one)
    return one
  }

  private keepMet({ met }: FollowedSide, one: Followed): void {
    if (met.size >= MET_FOLLOWED) met.delete(met.keys().next().value)
    met.set(one.row, one)
  }

  /** Rows whose time is over: told in the order in which they left. */
  private endDue(watermarkMs: number): void {
    const due: { side: Side; one: Followed; untilMs: number }[] = []
    for (const side of [0, 1] as const) {
      const { waiting, met } = this.sides[side]
      for (const one of met.values()) one.over ||= untilOf(one) <= watermarkMs
      for (const [row, one] of waiting) {
        const untilMs = untilOf(one)
        if (untilMs > watermarkMs) continue
        waiting.delete(row)
        if (!one.unsure) due.push({ side, one, untilMs })
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
    if (this.unmatched.length >= 2 * ALONE_KEPT) this.unmatched = this.unmatched.slice(-ALONE_KEPT)
  }
}

function emptySide(): FollowedSide {
  return {
    waiting: new Map(),
    met: new Map(),
    next: 0,
    unmatchedCount: 0,
    unfollowedCount: 0,
    weighed: 0,
    weighedBytes: 0,
  }
}

/** At most so many, those whose number a power of two divides: the same ones as long as they are there, so that nothing flickers. */
function thinned<T extends { readonly number: number }>(rows: readonly T[], most: number): readonly T[] {
  let shown = rows
  for (let every = 2; shown.length > most; every *= 2) shown = rows.filter(one => one.number % every === 0)
  return shown
}

function sideView(side: FollowedSide, rowCount: number): JoinSideView {
  // What no time ends is a version or a row of a table: it is kept, and waits for nobody.
  const keptCount = [...side.waiting.values()].filter(one => one.untilMs === Infinity).length
  const waitingCount = side.waiting.size - keptCount
  const each = PER_ROW + (side.weighed === 0 ? 0 : side.weighedBytes / side.weighed)
  const { unmatchedCount, unfollowedCount } = side
  const counts = { matchedCount: side.met.size, waitingCount, keptCount, unmatchedCount, unfollowedCount }
  return { rowCount, bytes: Math.round(rowCount * each), ...counts }
}

function viewed(side: Side, one: Followed, met: boolean): ViewedRow {
  const { number, key, timeMs, over } = one
  const untilMs = untilOf(one)
  const state = met || one.partners.length > 0 ? 'matched' : untilMs === Infinity ? 'kept' : 'waiting'
  return { number, side, key: keyText(key), atMs: timeMs, state, untilMs: over ? null : finiteOr(untilMs) }
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
