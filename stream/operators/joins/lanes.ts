/**
 * Follows rows through a join for whoever looks at it: which met, which wait, which left alone. Made when somebody begins to look and
 * forgotten when nobody does; no part of a snapshot, and nothing a result depends on.
 *
 *   row taken ─▶ came      two met ─▶ paired      its end is no matter of time ─▶ alone      somebody looks ─▶ view
 *
 * What it holds is bounded: the newest rows of each side. A row that had to go before its end is counted. Where rows come faster than
 * a look is worth, only those of one key in 2, 4, 8 … are followed: of these keys nothing is missed.
 */
import { keyText, rowText } from '../../shown-text.ts'
import { finiteOrNull } from '../../time/finite.ts'
import { roughBytes } from './size-limit.ts'
import type { JoinSideView, JoinView, UnmatchedRow, ViewedRow } from '../../join-view.ts'
import type { Side } from './two-sides.ts'

/** Rows followed of each side: those that have met nobody so far, those that have. */
export const FOLLOWED = 10_000
const MET_FOLLOWED = 2000
/** Rows between two views from which on fewer keys are followed; an eighth, and more are again. */
export const BUSY = 8000
export const FEWEST = 2 ** 20 - 1
/** Places of a list that are done with, before it is made anew. */
const SPENT = 4096
/** Partners remembered of one row. */
const PARTNERS = 8
/** Drawn: lefts with lines, lines, rows of a side that wait, rows of a side that left alone. */
const MET = 32
const LINES = 64
const WAITING = 24
const ALONE = 24
/** Rows that left alone, the newest: kept to be listed. */
export const ALONE_KEPT = 1000
/** Rows weighed of each side, and bookkeeping beside a row. */
const WEIGHED = 64
const PER_ROW = 48

export interface LanesParts {
  /** The watermark of the join, asked whenever it is needed. */
  readonly watermarkMs: () => number
  /** The key of an id, while a row of it is held. */
  readonly keyOf: (keyId: number) => unknown
  /** A snapshot was restored, or somebody began to look in the middle. */
  readonly sinceMs: number | null
  /** Memory of a row of each side, where the join knows it: otherwise some are weighed. */
  readonly bytesPerRow?: readonly [number, number]
  /** Rows between two views from which on fewer keys are followed. Default `BUSY`. */
  readonly busy?: number
  /** Whether more keys are followed again where rows come slower. Default true. */
  readonly regains?: boolean
}

/** Watermark at which a row leaves, Infinity: no time ends it. A function where it may still become later. */
export type Until = number | (() => number)

/** A row a join holds when somebody begins to look. */
export interface HeldRow {
  readonly side: Side
  readonly keyId: number
  readonly timeMs: number
  readonly row: unknown
  readonly untilMs: Until
  /** Whether it has found somebody; undefined where the join does not know. */
  readonly matched: boolean | undefined
}

interface Followed {
  readonly number: number
  readonly keyId: number
  readonly key: unknown
  readonly timeMs: number
  readonly row: unknown
  readonly untilMs: Until
  /** It may have found somebody before it was followed: it is never called unmatched. */
  readonly unsure: boolean
  state: 'waiting' | 'met' | 'gone'
  /** Its time is over, or it was looked up. */
  over: boolean
  partners: readonly Followed[]
}

interface FollowedSide {
  readonly rows: Map<unknown, Followed>
  /** Rows that have met nobody, oldest first: all that may leave alone. Those that met or went since are left standing for a while. */
  waiting: List
  waitingCount: number
  /** Rows that have met somebody: a picture shows some of the newest. */
  met: List
  next: number
  unmatchedCount: number
  unfollowedCount: number
  weighed: number
  weighedBytes: number
}

const NOBODY: readonly Followed[] = []

/** A Map would be asked for its first entry again and again, and search it behind all that were deleted. */
interface List {
  rows: Followed[]
  head: number
}

interface Alone extends Omit<UnmatchedRow, 'key' | 'row'> {
  readonly key: unknown
  readonly row: unknown
  /** As text, made once. */
  told?: UnmatchedRow
}

export class JoinLanes {
  private readonly parts: LanesParts
  private readonly sides: readonly [FollowedSide, FollowedSide] = [emptySide(), emptySide()]
  private unmatched: Alone[] = []
  /** Rows are followed whose key's id has none of these bits. */
  mask = 0
  /** False: all was given up. */
  followed = true
  private cameCount = 0
  private readonly busy: number

  constructor(parts: LanesParts) {
    this.parts = parts
    this.busy = parts.busy ?? BUSY
  }

  follows(keyId: number): boolean {
    return (keyId & this.mask) === 0
  }

  /** A row was taken; it leaves when the watermark reaches `untilMs`. */
  came(side: Side, keyId: number, timeMs: number, row: unknown, untilMs: Until): void {
    if ((keyId & this.mask) !== 0) return
    if (++this.cameCount > this.busy) {
      this.followFewer()
      if ((keyId & this.mask) !== 0) return
    }
    this.follow({ side, keyId, timeMs, row, untilMs, matched: false })
  }

  /** Rows that were there before. `meets`: whether two of one key have met, where that can be told from their times. */
  begin(held: Iterable<HeldRow>, meets: ((leftMs: number, rightMs: number) => boolean) | undefined): void {
    const newest = newestOf(held)
    const lefts = new Map<number, HeldRow[]>()
    for (const one of newest) {
      this.follow(one)
      if (one.side === 1) continue
      const list = lefts.get(one.keyId)
      if (list === undefined) lefts.set(one.keyId, [one])
      else list.push(one)
    }
    if (meets === undefined) return
    for (const right of newest) {
      if (right.side === 0) continue
      for (const left of lefts.get(right.keyId) ?? [])
        if (meets(left.timeMs, right.timeMs)) this.paired(right.keyId, left.row, right.row)
    }
  }

  paired(keyId: number, left: unknown, right: unknown): void {
    if ((keyId & this.mask) !== 0) return
    const l = this.meet(0, left)
    const r = this.meet(1, right)
    if (l === undefined || r === undefined) return
    // In overlapping windows two rows meet again and again.
    if (l.partners.length < PARTNERS && !l.partners.includes(r)) l.partners = [...l.partners, r]
  }

  /** Rows of one key and window, all of which have met. */
  met(keyId: number, { left, right }: { readonly left: readonly unknown[]; readonly right: readonly unknown[] }): void {
    if ((keyId & this.mask) !== 0 || left.length === 0 || right.length === 0) return
    for (const row of right) this.meet(1, row)
    for (const row of left) {
      const one = this.meet(0, row)
      if (one === undefined) continue
      for (let i = 0; i < right.length && one.partners.length < PARTNERS; i++) this.paired(keyId, row, right[i])
    }
  }

  /** A row is done with, and no time said so; one that met nobody has left alone. */
  done(side: Side, row: unknown, reason: UnmatchedRow['reason'], endedMs: number | null): void {
    const its = this.sides[side]
    const one = its.rows.get(row)
    if (one === undefined) return
    one.over = true
    if (one.state !== 'waiting') return
    this.forget(its, one)
    if (!one.unsure) this.alone(side, one, reason, endedMs)
  }

  /** A row was taken back: it is as if it had never come. */
  takenBack(side: Side, row: unknown): void {
    const its = this.sides[side]
    const one = its.rows.get(row)
    if (one === undefined) return
    const had = one.state === 'met'
    this.forget(its, one)
    if (!had) return
    const lefts = [...standing(this.sides[0].met, 'met')]
    const met = side === 0 ? one.partners : lefts.filter(left => left.partners.includes(one))
    for (const left of lefts)
      if (left.partners.includes(one)) left.partners = left.partners.filter(other => other !== one)
    const theirs = this.sides[side === 0 ? 1 : 0]
    // Who had nobody else waits again.
    for (const other of met) {
      if (other.state !== 'met') continue
      if (side === 0 ? lefts.some(left => left.partners.includes(other)) : other.partners.length > 0) continue
      other.state = 'waiting'
      theirs.waitingCount++
      // It may stand there still, from before it met.
      theirs.waiting = { rows: [...new Set([...standing(theirs.waiting, 'waiting'), other])], head: 0 }
    }
  }

  /** Half of the keys: of the others nothing is known from now on. False: there are no fewer. */
  followFewer(): boolean {
    this.cameCount = 0
    if (this.mask === FEWEST) return false
    this.mask = Math.min(FEWEST, 2 * this.mask + 1)
    for (const its of this.sides)
      for (const one of [...its.rows.values()]) if (!this.follows(one.keyId)) this.forget(its, one)
    return true
  }

  /** Rows are counted from now on, and no more: what was seen of them so far would not be true for long. */
  giveUp(): void {
    this.followed = false
    for (const its of this.sides) for (const one of [...its.rows.values()]) this.forget(its, one)
  }

  /** `held`: rows the join holds of each side. */
  view(held: readonly [number, number]): JoinView {
    const watermarkMs = this.parts.watermarkMs()
    this.endDue(watermarkMs)
    if (this.cameCount < this.busy / 8 && this.parts.regains !== false) this.mask >>= 1
    this.cameCount = 0
    const rows: ViewedRow[] = []
    const lines: [number, number][] = []
    const places = new Map<Followed, number>()
    const show = (side: Side, one: Followed): number => {
      const known = places.get(one)
      if (known !== undefined) return known
      places.set(one, rows.length)
      return rows.push(viewed(side, one)) - 1
    }
    const { bytesPerRow } = this.parts
    const [left, right] = this.sides
    for (const one of thinned([...standing(left.met, 'met')], MET)) {
      const place = show(0, one)
      for (const partner of one.partners) if (lines.length < LINES) lines.push([place, show(1, partner)])
    }
    for (const side of [0, 1] as const) {
      for (const one of thinned([...standing(this.sides[side].waiting, 'waiting')], WAITING)) show(side, one)
      const alone = this.unmatched.filter(one => one.side === side)
      for (const one of thinned(alone, ALONE)) rows.push(aloneRow(one))
    }
    return {
      watermarkMs: finiteOrNull(watermarkMs),
      sinceMs: this.parts.sinceMs,
      followed: this.followed,
      everyKey: this.mask + 1,
      sides: [sideView(left, held[0], bytesPerRow?.[0]), sideView(right, held[1], bytesPerRow?.[1])],
      rows,
      lines,
      unmatched: this.unmatched.slice(-ALONE_KEPT).map(one => (one.told ??= toldOf(one))),
    }
  }

  private follow({ side, keyId, timeMs, row, untilMs, matched }: HeldRow): void {
    const its = this.sides[side]
    if (its.weighed < WEIGHED) {
      its.weighed++
      its.weighedBytes += roughBytes(row, 3)
    }
    const before = its.rows.get(row)
    // The same object again is a row of its own: the one before is let go of.
    if (before !== undefined) this.forget(its, before)
    const number = its.next++
    const key = this.parts.keyOf(keyId)
    const unsure = matched === undefined
    const one: Followed = { number, keyId, key, timeMs, row, untilMs, unsure, state: 'waiting', over: false, partners: NOBODY } // prettier-ignore
    its.rows.set(row, one)
    if (matched === true) return this.keepMet(its, one)
    if (its.waitingCount >= FOLLOWED) this.forgetOldest(side)
    its.waitingCount++
    its.waiting.rows.push(one)
    if (its.waiting.rows.length > 4 * FOLLOWED) its.waiting = { rows: [...standing(its.waiting, 'waiting')], head: 0 }
  }

  /** The row, which has met somebody now; undefined where it is not followed. */
  private meet(side: Side, row: unknown): Followed | undefined {
    const its = this.sides[side]
    const one = its.rows.get(row)
    if (one?.state !== 'waiting') return one
    its.waitingCount--
    this.keepMet(its, one)
    return one
  }

  private keepMet(its: FollowedSide, one: Followed): void {
    one.state = 'met'
    its.met.rows.push(one)
    if (its.met.rows.length - its.met.head <= MET_FOLLOWED) return
    const oldest = shift(its.met)
    if (oldest.state === 'met') this.forget(its, oldest)
  }

  private forget(its: FollowedSide, one: Followed): void {
    if (one.state === 'waiting') its.waitingCount--
    one.state = 'gone'
    its.rows.delete(one.row)
  }

  private forgetOldest(side: Side): void {
    const its = this.sides[side]
    let one = shift(its.waiting)
    while (one.state !== 'waiting') one = shift(its.waiting)
    this.forget(its, one)
    if (one.unsure) return
    const untilMs = untilOf(one)
    if (untilMs <= this.parts.watermarkMs()) this.alone(side, one, 'time', untilMs)
    // What waits for ever is no loss: it is a version or a row of a table.
    else if (untilMs !== Infinity) its.unfollowedCount++
  }

  /** Rows whose time is over: told in the order in which they left. */
  private endDue(watermarkMs: number): void {
    const due: { side: Side; one: Followed; untilMs: number }[] = []
    for (const side of [0, 1] as const) {
      const its = this.sides[side]
      for (const one of standing(its.met, 'met')) one.over ||= untilOf(one) <= watermarkMs
      for (const one of standing(its.waiting, 'waiting')) {
        const untilMs = untilOf(one)
        if (untilMs > watermarkMs) continue
        this.forget(its, one)
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
    this.unmatched.push({ number, side, key, atMs: timeMs, endedMs: finiteOrNull(endedMs), reason, row })
    if (this.unmatched.length >= 2 * ALONE_KEPT) this.unmatched = this.unmatched.slice(-ALONE_KEPT)
  }
}

function shift(list: List): Followed {
  const one = list.rows[list.head++] as Followed
  if (list.head > SPENT && list.head * 2 > list.rows.length) {
    list.rows = list.rows.slice(list.head)
    list.head = 0
  }
  return one
}

/** What a list holds, oldest first, less what has become something else. */
function* standing({ rows, head }: List, state: Followed['state']): Iterable<Followed> {
  for (let i = head; i < rows.length; i++) {
    const one = rows[i] as Followed
    if (one.state === state) yield one
  }
}

/** The newest of each side, oldest first. */
function newestOf(held: Iterable<HeldRow>): HeldRow[] {
  const sides: [HeldRow[], HeldRow[]] = [[], []]
  const newest = (rows: HeldRow[]): HeldRow[] => rows.sort((a, b) => a.timeMs - b.timeMs).slice(-FOLLOWED)
  for (const one of held) {
    const rows = sides[one.side]
    rows.push(one)
    if (rows.length >= 8 * FOLLOWED) sides[one.side] = newest(rows)
  }
  return [...newest(sides[0]), ...newest(sides[1])]
}

function emptySide(): FollowedSide {
  return {
    rows: new Map(),
    waiting: { rows: [], head: 0 },
    waitingCount: 0,
    met: { rows: [], head: 0 },
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

function sideView(side: FollowedSide, rowCount: number, bytesPerRow: number | undefined): JoinSideView {
  // What no time ends is a version or a row of a table: it is kept, and waits for nobody.
  let keptCount = 0
  for (const one of standing(side.waiting, 'waiting')) if (one.untilMs === Infinity) keptCount++
  let matchedCount = 0
  for (const _ of standing(side.met, 'met')) matchedCount++
  const waitingCount = side.waitingCount - keptCount
  const each = bytesPerRow ?? PER_ROW + (side.weighed === 0 ? 0 : side.weighedBytes / side.weighed)
  const { unmatchedCount, unfollowedCount } = side
  const counts = { matchedCount, waitingCount, keptCount, unmatchedCount, unfollowedCount }
  return { rowCount, bytes: Math.round(rowCount * each), ...counts }
}

function viewed(side: Side, one: Followed): ViewedRow {
  const { number, key, timeMs, over } = one
  const untilMs = untilOf(one)
  const state = one.state === 'met' || one.partners.length > 0 ? 'matched' : untilMs === Infinity ? 'kept' : 'waiting'
  return { number, side, key: keyOf(key), atMs: timeMs, state, untilMs: over ? null : finiteOrNull(untilMs) }
}

function toldOf({ number, side, key, atMs, endedMs, reason, row }: Alone): UnmatchedRow {
  return { number, side, key: keyOf(key), atMs, endedMs, reason, row: rowText(row) }
}

function aloneRow({ number, side, key, atMs }: Alone): ViewedRow {
  return { number, side, key: keyOf(key), atMs, state: 'unmatched', untilMs: null }
}

function untilOf({ untilMs }: Followed): number {
  return typeof untilMs === 'number' ? untilMs : untilMs()
}

/** A key that is null is none. */
function keyOf(key: unknown): string | null {
  return key === null ? null : keyText(key)
}
