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

interface Pad {
  readonly side: Side
  readonly keyless: boolean
  readonly mark: Mark
}

export class IntervalJoin extends TwoInputs {
  private readonly parts: IntervalParts
  private readonly keys: JoinKeys
  private readonly out: JoinedRows
  private readonly lists: [(TimedRows | undefined)[], (TimedRows | undefined)[]] = [[], []]
  private buckets: [KeyBuckets, KeyBuckets]
  private readonly pads = new Deadlines<Pad>()
  /** Rows without a key that wait for their pad. */
  private keyless = new Set<Pad>()
  /** The snapshot under way. */
  private cut: KeyedCut<TimedRows> | undefined
  /** While lists come back: the pads they wait for. */
  private coming: Pad[] = []
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
    const mark: Mark | undefined = padded ? { matched, timeMs, row, sequence: this.sequence++ } : undefined
    const pad = mark !== undefined && !matched ? { side, keyless: keyId === NO_KEY, mark } : undefined
    if (pad !== undefined) this.pads.add(deadlineMs, pad)
    if (keyId !== NO_KEY) return this.wait(side, keyId, timeMs, row, mark)
    if (pad !== undefined) this.keyless.add(pad)
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
    for (const pad of this.keyless) held[pad.side]++
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
        for (const [n, { side, mark }] of keyless.entries()) {
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
    const list = keyId === NO_KEY ? undefined : (this.lists[side][keyId] ??= new TimedRows())
    for (let i = from; i < to; i++) {
      const timeMs = times[i] as number
      const row = rows[i]
      const mark = marks[i] === WITHOUT ? undefined : { matched: marks[i] === MATCHED, sequence: numbers[i] as number, timeMs, row } // prettier-ignore
      list?.insert(timeMs, row, mark)
      limit.took(row, keyId, list?.count ?? 0)
      const deadlineMs = timeMs + lastMs
      if (list !== undefined) buckets.add(deadlineMs, keyId)
      // A row that was padded may still stand in its list, until its bucket is over.
      if (mark === undefined || mark.matched || deadlineMs <= this.inputs.watermarkMs) continue
      const pad = { side, keyless: list === undefined, mark }
      if (pad.keyless) this.keyless.add(pad)
      this.coming.push(pad)
    }
  }

  protected override loaded(): void {
    this.pads.fill(this.coming, ({ side, mark }) => mark.timeMs + this.last[side])
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
    const due: Pad[] = []
    while (this.pads.isDue(watermarkMs)) {
      const pad = this.pads.take()
      if (this.keyless.delete(pad)) this.parts.limit.count--
      if (!pad.mark.matched) due.push(pad)
    }
    due.sort((a, b) => a.mark.timeMs - b.mark.timeMs || a.mark.sequence - b.mark.sequence)
    for (const { side, mark } of due) this.pad(side, mark.row, mark.timeMs)
  }

  private pad(side: Side, row: unknown, timeMs: number): void {
    if (side === 0) this.out.add(row, null, timeMs)
    else this.out.add(null, row, timeMs)
  }
}
