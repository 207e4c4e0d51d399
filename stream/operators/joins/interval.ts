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
import { KeyedCut } from './row-pieces.ts'
import type { SavedList, SidePieces } from './row-pieces.ts'
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
  readonly out: JoinedRows
}

/** How a row is saved: not padded, found nobody yet, found somebody. */
const WITHOUT = 0
const ALONE = 1
const MATCHED = 2

export class IntervalJoin extends TwoInputs {
  private readonly parts: IntervalParts
  private readonly keys: JoinKeys
  private readonly out: JoinedRows
  private readonly lists: [(TimedRows | undefined)[], (TimedRows | undefined)[]] = [[], []]
  private buckets: [KeyBuckets, KeyBuckets]
  private readonly pads = new Deadlines<Mark>()
  /** Rows without a key that wait for their pad. */
  private keyless = new Set<Mark>()
  /** The snapshot under way. */
  private cut: KeyedCut<TimedRows> | undefined
  /** While lists come back: the pads they wait for. */
  private coming: Mark[] = []
  /** Made for the list that comes back. */
  private readonly made: Mark[] = []
  /** Times of partners, from a row's own. */
  private readonly first: readonly [number, number]
  private readonly last: readonly [number, number]
  private sequence = 0

  constructor(parts: IntervalParts) {
    super(parts)
    this.parts = parts
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

  stateBytes(): number {
    return this.keys.bytes() + this.parts.limit.bytes
  }

  waitingCount(): number {
    return this.parts.limit.count
  }

  protected override keyOf(keyId: number): unknown {
    return this.keys.valueOf(keyId)
  }

  protected heldCounts(): readonly [number, number] {
    const held: [number, number] = [0, 0]
    for (const side of [0, 1] as const) for (const list of this.lists[side]) held[side] += list?.count ?? 0
    for (const { side } of this.keyless) held[side]++
    return held
  }

  protected override *held(): Iterable<HeldRow> {
    for (const side of [0, 1] as const) {
      for (const [keyId, list] of this.lists[side].entries()) {
        if (list === undefined) continue
        for (let i = list.head; i < list.times.length; i++) {
          const timeMs = list.times[i] as number
          const matched = list.marks?.[i]?.matched
          yield { side, keyId, timeMs, row: list.rows[i], untilMs: timeMs + this.last[side], matched }
        }
      }
    }
  }

  protected beginSaving(pieces: SidePieces): Saving {
    const { sequence } = this
    const { pieceRows } = this.parts
    const keyless = [...this.keyless]
    const cut = new KeyedCut<TimedRows>([this.lists[0], this.lists[1]], pieceRows, (side, keyId, list) => {
      const rows = pieces[side]
      rows.list(0, keyId)
      for (let i = list.head; i < list.times.length; i++) {
        const mark = list.marks?.[i]
        const state = mark === undefined ? WITHOUT : mark.matched ? MATCHED : ALONE
        rows.add(list.times[i] as number, list.rows[i], state, mark?.sequence ?? 0)
      }
      return list.count
    })
    this.cut = cut
    return {
      walk: (function* () {
        yield* cut.walk()
        for (const [n, mark] of keyless.entries()) {
          const { side } = mark
          pieces[side].list(0, NO_KEY)
          pieces[side].add(mark.timeMs, mark.row, ALONE, mark.sequence)
          if (n % pieceRows === 0) yield undefined
        }
      })(),
      over: () => {
        if (this.cut === cut) this.cut = undefined
      },
      rest: () => sequence,
    }
  }

  protected begin(rest: unknown, keyCount: number): void {
    const { fromMs, toMs } = this.parts
    this.cut = undefined
    this.sequence = rest as number
    this.lists[0] = new Array<TimedRows | undefined>(keyCount)
    this.lists[1] = new Array<TimedRows | undefined>(keyCount)
    this.buckets = [new KeyBuckets(toMs - fromMs, keyCount), new KeyBuckets(toMs - fromMs, keyCount)]
    this.keyless = new Set()
    this.coming = []
  }

  protected loadList(side: Side, { keyId, from, to, times, marks, numbers, rows }: SavedList): void {
    const { limit } = this.parts
    const buckets = this.buckets[side]
    const lastMs = this.last[side]
    const keyless = keyId === NO_KEY
    const before = keyless ? undefined : this.lists[side][keyId]
    const padded = marks[from] !== WITHOUT
    for (let i = from; i < to; i++) {
      const timeMs = times[i] as number
      const row = rows[i]
      limit.took(row, keyId, (before?.count ?? 0) + i - from + 1)
      const deadlineMs = timeMs + lastMs
      if (!keyless) buckets.add(deadlineMs, keyId)
      if (!padded) continue
      const mark = { side, keyless, matched: marks[i] === MATCHED, timeMs, row, sequence: numbers[i] as number }
      this.made[i - from] = mark
      // A row that was padded may still stand in its list, until its bucket is over.
      if (mark.matched || deadlineMs <= this.inputs.watermarkMs) continue
      if (keyless) this.keyless.add(mark)
      this.coming.push(mark)
    }
    if (keyless) return
    const own = padded ? this.made.slice(0, to - from) : undefined
    this.lists[side][keyId] = TimedRows.of({ times, rows, from, to, marks: own }, before)
  }

  protected override loaded(): void {
    this.pads.fill(this.coming, ({ side, timeMs }) => timeMs + this.last[side])
    this.coming = []
  }

  private match(side: Side, keyId: number, timeMs: number, row: unknown): boolean {
    const other = this.lists[side === 0 ? 1 : 0][keyId]
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
    const lists = this.lists[side]
    let list = lists[keyId]
    if (list === undefined) {
      list = new TimedRows()
      lists[keyId] = list
      this.keys.hold(keyId)
    }
    list.insert(timeMs, row, mark)
    this.buckets[side].add(timeMs + this.last[side], keyId)
    this.parts.limit.took(row, keyId, list.count)
  }

  private expire(side: Side, keyId: number, watermarkMs: number): void {
    const list = this.lists[side][keyId]
    if (list === undefined) return
    this.cut?.before(side, keyId)
    this.parts.limit.count -= list.expire(watermarkMs - this.last[side])
    if (list.count > 0) return
    this.lists[side][keyId] = undefined
    this.keys.release(keyId)
  }

  /** Pads of one watermark come by time, then arrival. */
  private padDue(watermarkMs: number): void {
    const due: Mark[] = []
    while (this.pads.isDue(watermarkMs)) {
      const mark = this.pads.take()
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
