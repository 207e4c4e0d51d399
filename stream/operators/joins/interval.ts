/**
 * Interval join: rows of one key whose times lie within bounds of each other (from ≤ right − left ≤ to, both inclusive).
 *
 *   row ─▶ late when time ≤ watermark ─▶ its partners that wait, at once ─▶ waits itself
 *   waiting: until the watermark reaches the time of its last possible partner, then it leaves; padded when it found nobody
 *
 * Never padded early: what came out stays true. A pad has the time of its own row, which the watermark may have passed, so the
 * watermark below the join trails by the bound where rows are padded.
 */
import type { Batch } from '../../model.ts'
import { Deadlines } from '../../state/deadlines.ts'
import { KeyBuckets } from './key-buckets.ts'
import type { HeldRow } from './lanes.ts'
import { NO_KEY, REFUSED } from './keys.ts'
import type { JoinKeys } from './keys.ts'
import { PackedList } from './packed-list.ts'
import { KeyedCut } from './row-pieces.ts'
import type { SavedList, SavedPiece, SidePieces } from './row-pieces.ts'
import type { JoinedRows } from './rows.ts'
import { TimedRows } from './timed-rows.ts'
import type { Mark } from './timed-rows.ts'
import { TwoInputs } from './two-inputs.ts'
import type { RowJoinParts, Saving, Side } from './two-inputs.ts'

export interface IntervalParts extends RowJoinParts {
  readonly fromMs: number
  readonly toMs: number
  /** Sides whose rows are padded when they find nobody. */
  readonly pads: readonly [boolean, boolean]
}

/** How a row is saved: not padded, found nobody yet, found somebody. */
const WITHOUT = 0
const ALONE = 1
const MATCHED = 2

type List = TimedRows | PackedList | undefined
type ListsCut = KeyedCut<TimedRows | PackedList>

export class IntervalJoin extends TwoInputs<IntervalParts, ListsCut> {
  private readonly keys: JoinKeys
  private readonly out: JoinedRows
  private readonly lists: [List[], List[]] = [[], []]
  private buckets: [KeyBuckets, KeyBuckets]
  private readonly pads = new Deadlines<Mark | PackedList>()
  /** Rows without a key that wait for their pad. */
  private keyless = new Set<Mark>()
  /** While lists come back: what is padded when, rows or whole lists. */
  private coming: { things: (Mark | PackedList)[]; times: number[] } = { things: [], times: [] }
  /** The watermark of the snapshot it went on from: rows that were due by then have had their pads. */
  private restoredMs = -Infinity
  /** Times of partners, from a row's own. */
  private readonly first: readonly [number, number]
  private readonly last: readonly [number, number]
  private sequence = 0

  constructor(parts: IntervalParts) {
    super(parts)
    this.keys = parts.keys
    this.out = parts.out
    const { fromMs, toMs } = parts
    this.first = [fromMs, -toMs]
    this.last = [toMs, -fromMs]
    this.meets = (leftMs, rightMs) => rightMs - leftMs >= fromMs && rightMs - leftMs <= toMs
    this.buckets = [new KeyBuckets(toMs - fromMs), new KeyBuckets(toMs - fromMs)]
  }

  protected onRow(side: Side, batch: Batch, i: number): void {
    const timeMs = batch.eventTimesMs[i] as number
    const { watermarkMs } = this.inputs
    if (timeMs <= watermarkMs) return this.context.drop(batch, i)
    const keyId = this.keys.read(side, batch, i)
    if (keyId === REFUSED) return
    const row = batch.rows[i]
    const padded = this.parts.pads[side]
    const deadlineMs = timeMs + this.last[side]
    this.lanes?.came(side, keyId, timeMs, row, deadlineMs)
    const matched = keyId !== NO_KEY && this.match(side, keyId, timeMs, row)
    if (deadlineMs <= watermarkMs) {
      // Its last partner would be late already: nobody can come any more.
      if (padded && !matched) this.pad(side, row, timeMs)
      if (keyId !== NO_KEY) this.keys.glance(keyId)
      return
    }
    if (keyId === NO_KEY && !padded) {
      this.lanes?.done(side, row, 'noKey', null)
      return
    }
    const keyless = keyId === NO_KEY
    const mark = padded ? { side, keyless, matched, timeMs, row, sequence: this.sequence++ } : undefined
    if (mark !== undefined && !matched) this.pads.add(deadlineMs, mark)
    if (!keyless) return this.wait(side, keyId, timeMs, row, mark)
    if (mark !== undefined) this.keyless.add(mark)
    this.parts.limit.took(row, keyId, this.pads.count)
  }

  protected override delayed(watermarkMs: number): number {
    const { pads } = this.parts
    const left = pads[0] ? Math.max(0, this.last[0]) : 0
    const right = pads[1] ? Math.max(0, this.last[1]) : 0
    return watermarkMs - Math.max(left, right)
  }

  protected advance(watermarkMs: number): void {
    if (this.pads.isDue(watermarkMs)) this.padDue(watermarkMs)
    for (const side of [0, 1] as const) {
      this.buckets[side].take(watermarkMs, keyId => this.expire(side, keyId, watermarkMs))
    }
  }

  waitingCount(): number {
    return this.parts.limit.count
  }

  protected heldCounts(): readonly [number, number] {
    const held: [number, number] = [0, 0]
    for (const side of [0, 1] as const) for (const list of this.lists[side]) held[side] += list?.count ?? 0
    for (const { side } of this.keyless) held[side]++
    return held
  }

  protected *held(): Iterable<HeldRow> {
    for (const side of [0, 1] as const) {
      for (const keyId of this.lists[side].keys()) {
        const list = this.listOf(side, keyId)
        if (list === undefined) continue
        for (let i = list.head; i < list.times.length; i++) {
          const timeMs = list.times[i] as number
          const matched = list.marks?.[i]?.matched
          yield { side, keyId, timeMs, row: list.rows[i], untilMs: timeMs + this.last[side], matched }
        }
      }
    }
  }

  protected beginSaving(pieces: SidePieces): Saving<ListsCut> {
    const { sequence } = this
    const { pieceRows } = this.parts
    const keyless = [...this.keyless]
    const cut = new KeyedCut<TimedRows | PackedList>([this.lists[0], this.lists[1]], pieceRows, (side, keyId, list) => {
      const rows = pieces[side]
      rows.list(0, keyId)
      if (list instanceof PackedList) {
        const { piece, from, to } = list
        for (let i = from; i < to; i++)
          rows.add(piece.times[i] as number, piece.row(i), piece.marks[i] as number, piece.numbers[i] as number)
        return list.count
      }
      for (let i = list.head; i < list.times.length; i++) {
        const mark = list.marks?.[i]
        const state = mark === undefined ? WITHOUT : mark.matched ? MATCHED : ALONE
        rows.add(list.times[i] as number, list.rows[i], state, mark?.sequence ?? 0)
      }
      return list.count
    })
    const walk = cut.walkWith(keyless, ({ side, timeMs, row, sequence: came }) => {
      pieces[side].list(0, NO_KEY)
      pieces[side].add(timeMs, row, ALONE, came)
    })
    return { cut, walk, rest: () => sequence }
  }

  protected begin(rest: unknown, keyCount: number): void {
    const { fromMs, toMs } = this.parts
    this.sequence = rest as number
    this.lists[0] = new Array<List>(keyCount)
    this.lists[1] = new Array<List>(keyCount)
    this.buckets = [new KeyBuckets(toMs - fromMs, keyCount), new KeyBuckets(toMs - fromMs, keyCount)]
    this.pads.clear()
    this.keyless = new Set()
    this.coming = { things: [], times: [] }
    this.restoredMs = this.inputs.watermarkMs
  }

  protected loadList(side: Side, { keyId, from, to, piece }: SavedList): void {
    const { limit } = this.parts
    if (keyId === NO_KEY) return this.loadKeyless(side, { from, to, piece })
    const packed = new PackedList(side, { keyId, piece, from, to })
    const before = this.listOf(side, keyId)
    for (let i = from; i < to; i++) this.buckets[side].add((piece.times[i] as number) + this.last[side], keyId)
    limit.tookMany(to - from, keyId, () => piece.row(from))
    if (before !== undefined) return this.unpack(side, packed, before)
    this.lists[side][keyId] = packed
    let i = from
    while (i < to && (piece.marks[i] !== ALONE || (piece.times[i] as number) + this.last[side] <= this.restoredMs)) i++
    if (i < to) this.comes(packed, (piece.times[i] as number) + this.last[side])
  }

  private loadKeyless(side: Side, { from, to, piece }: Pick<SavedList, 'from' | 'to' | 'piece'>): void {
    for (let i = from; i < to; i++) {
      const mark = this.markOf(side, piece, i, piece.row(i), true)
      this.parts.limit.took(mark.row, NO_KEY, 1)
      this.keyless.add(mark)
      this.comes(mark, mark.timeMs + this.last[side])
    }
  }

  private comes(thing: Mark | PackedList, atMs: number): void {
    this.coming.things.push(thing)
    this.coming.times.push(atMs)
  }

  private markOf(side: Side, piece: SavedPiece, i: number, row: unknown, keyless: boolean): Mark {
    const matched = piece.marks[i] === MATCHED
    return { side, keyless, matched, timeMs: piece.times[i] as number, row, sequence: piece.numbers[i] as number }
  }

  protected override loaded(): void {
    const { things, times } = this.coming
    // Rows of a list that came in parts are there already.
    if (this.pads.count === 0) this.pads.fill(things, times)
    else for (const [i, thing] of things.entries()) this.pads.add(times[i] as number, thing)
    this.coming = { things: [], times: [] }
  }

  /** The rows of a key; those that came back become objects now that somebody asks. */
  private listOf(side: Side, keyId: number): TimedRows | undefined {
    const list = this.lists[side][keyId]
    if (!(list instanceof PackedList)) return list
    const rows = new TimedRows()
    this.lists[side][keyId] = rows
    this.unpack(side, list, rows)
    return rows
  }

  private unpack(side: Side, { piece, from, to }: PackedList, into: TimedRows): void {
    const padded = this.parts.pads[side]
    for (let i = from; i < to; i++) {
      const timeMs = piece.times[i] as number
      const row = piece.row(i)
      const mark = padded ? this.markOf(side, piece, i, row, false) : undefined
      into.insert(timeMs, row, mark)
      // A row that was padded may still stand in its list, until its bucket is over.
      if (mark?.matched === false && timeMs + this.last[side] > this.restoredMs)
        this.pads.add(timeMs + this.last[side], mark)
    }
  }

  private match(side: Side, keyId: number, timeMs: number, row: unknown): boolean {
    const other = this.listOf(side === 0 ? 1 : 0, keyId)
    if (other === undefined) return false
    const { times, rows, marks } = other
    if (marks !== undefined) this.cut?.before(side === 0 ? 1 : 0, keyId)
    const lastMs = timeMs + this.last[side]
    let matched = false
    for (let k = other.firstFrom(timeMs + this.first[side]); k < times.length; k++) {
      const partnerMs = times[k] as number
      if (partnerMs > lastMs) break
      matched = true
      if (marks !== undefined) (marks[k] as Mark).matched = true
      const later = timeMs > partnerMs ? timeMs : partnerMs
      if (side === 0) this.out.add(row, rows[k], later)
      else this.out.add(rows[k], row, later)
      if (this.lanes !== undefined) this.lanes.paired(keyId, side === 0 ? row : rows[k], side === 0 ? rows[k] : row)
    }
    return matched
  }

  private wait(side: Side, keyId: number, timeMs: number, row: unknown, mark: Mark | undefined): void {
    this.cut?.before(side, keyId)
    let list = this.listOf(side, keyId)
    if (list === undefined) {
      list = new TimedRows()
      this.lists[side][keyId] = list
      this.keys.hold(keyId)
    }
    list.insert(timeMs, row, mark)
    this.buckets[side].add(timeMs + this.last[side], keyId)
    this.parts.limit.took(row, keyId, list.count)
  }

  private expire(side: Side, keyId: number, watermarkMs: number): void {
    const known = this.lists[side][keyId]
    if (known === undefined) return
    this.cut?.before(side, keyId)
    if (known instanceof PackedList && known.lastMs + this.last[side] <= watermarkMs)
      this.parts.limit.count -= known.count
    else {
      const list = this.listOf(side, keyId) as TimedRows
      this.parts.limit.count -= list.expire(watermarkMs - this.last[side])
      if (list.count > 0) return
    }
    this.lists[side][keyId] = undefined
    this.keys.release(keyId)
  }

  /** Pads of one watermark come by time, then arrival. */
  private padDue(watermarkMs: number): void {
    const due: Mark[] = []
    while (this.pads.isDue(watermarkMs)) {
      const mark = this.pads.take()
      if (mark instanceof PackedList) {
        // Its rows are entered one by one, and may be due now; unless somebody asked before.
        this.listOf(mark.side, mark.keyId)
        continue
      }
      if (mark.keyless) {
        this.keyless.delete(mark)
        this.parts.limit.count--
      }
      if (!mark.matched) due.push(mark)
    }
    due.sort((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence)
    for (const { side, row, timeMs } of due) this.pad(side, row, timeMs)
  }

  private pad(side: Side, row: unknown, timeMs: number): void {
    if (side === 0) this.out.add(row, null, timeMs)
    else this.out.add(null, row, timeMs)
  }
}
