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
import type { KeyTableState } from '../../state/key-table.ts'
import type { StageContext } from '../operator.ts'
import { KeyBuckets } from './key-buckets.ts'
import type { HeldRow } from './lanes.ts'
import { NO_KEY, REFUSED } from './keys.ts'
import type { JoinKeys } from './keys.ts'
import { packRows, unpackRows } from './packed-rows.ts'
import type { PackedRows } from './packed-rows.ts'
import type { JoinedRows } from './rows.ts'
import type { SizeLimit } from './size-limit.ts'
import { TimedRows } from './timed-rows.ts'
import type { Mark } from './timed-rows.ts'
import { TwoInputs } from './two-inputs.ts'
import type { Side } from './two-inputs.ts'

export interface IntervalParts {
  readonly fromMs: number
  readonly toMs: number
  /** Sides whose rows are padded when they find nobody. */
  readonly pads: readonly [boolean, boolean]
  readonly keys: JoinKeys
  readonly out: JoinedRows
  readonly limit: SizeLimit
  readonly context: StageContext
}

interface SavedRow {
  readonly timeMs: number
  readonly row: unknown
  readonly mark: { readonly matched: boolean; readonly sequence: number } | undefined
}

/** Lists end to end, in columns: a row of its own objects would weigh and cost three times as much. */
interface SavedLists {
  /** Side, key and number of rows of each list. */
  readonly heads: Int32Array
  readonly times: Float64Array
  /** Of each side: both are of one shape mostly, but not of the same. */
  readonly rows: readonly [PackedRows, PackedRows]
  /** 0: not padded, 1: found nobody yet, 2: has found somebody. */
  readonly marks: Uint8Array
  readonly sequences: Float64Array
}

interface IntervalState {
  readonly keys: KeyTableState
  readonly lists: SavedLists
  /** Rows without a key that wait for their pad. */
  readonly keyless: readonly (readonly [side: Side, SavedRow])[]
  readonly sequence: number
}

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
  private readonly buckets: [KeyBuckets, KeyBuckets]
  private readonly pads = new Deadlines<Pad>()
  /** Times of partners, from a row's own. */
  private readonly first: readonly [number, number]
  private readonly last: readonly [number, number]
  private sequence = 0

  constructor(parts: IntervalParts) {
    super(parts.context, parts.out)
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
    if (mark !== undefined && !matched) this.pads.add(deadlineMs, { side, keyless: keyId === NO_KEY, mark })
    if (keyId === NO_KEY) this.parts.limit.took(row, keyId, this.pads.count)
    else this.wait(side, keyId, timeMs, row, mark)
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
    for (const pad of this.pads.things) if (pad.keyless) held[pad.side]++
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

  protected save(): IntervalState {
    const heads: number[] = []
    let count = 0
    for (const side of [0, 1] as const) {
      this.lists[side].forEach((list, keyId) => {
        if (list === undefined) return
        heads.push(side, keyId, list.count)
        count += list.count
      })
    }
    const lists = this.saveRows(heads, count)
    const keyless = this.pads.things
      .filter(pad => pad.keyless)
      .map(({ side, mark: { timeMs, row, matched, sequence } }) => {
        return [side, { timeMs, row, mark: { matched, sequence } }] as const
      })
    return { keys: this.keys.snapshot(), lists, keyless, sequence: this.sequence }
  }

  private saveRows(heads: readonly number[], count: number): SavedLists {
    const times = new Float64Array(count)
    const rows = new Array<unknown>(count)
    const marks = new Uint8Array(count)
    const sequences = new Float64Array(count)
    let at = 0
    let ofLeft = 0
    for (let h = 0; h < heads.length; h += 3) {
      const list = this.lists[heads[h] as Side][heads[h + 1] as number] as TimedRows
      for (let i = list.head; i < list.times.length; i++, at++) {
        times[at] = list.times[i] as number
        rows[at] = list.rows[i]
        const mark = list.marks?.[i]
        if (mark === undefined) continue
        marks[at] = mark.matched ? 2 : 1
        sequences[at] = mark.sequence
      }
      if (heads[h] === 0) ofLeft = at
    }
    const packed = [packRows(rows.slice(0, ofLeft)), packRows(rows.slice(ofLeft))] as const
    return { heads: Int32Array.from(heads), times, rows: packed, marks, sequences }
  }

  protected load(state: unknown): void {
    const s = state as IntervalState
    this.keys.restore(s.keys)
    this.sequence = s.sequence
    this.lists[0] = []
    this.lists[1] = []
    this.pads.clear()
    const { limit } = this.parts
    const { heads, times, marks, sequences } = s.lists
    const rows = s.lists.rows.flatMap(unpackRows)
    let at = 0
    for (let h = 0; h < heads.length; h += 3) {
      const side = heads[h] as Side
      const keyId = heads[h + 1] as number
      const list = new TimedRows()
      this.lists[side][keyId] = list
      for (const end = at + (heads[h + 2] as number); at < end; at++) {
        const timeMs = times[at] as number
        const row = rows[at]
        const mark = marks[at] === 0 ? undefined : { matched: marks[at] === 2, sequence: sequences[at] as number, timeMs, row } // prettier-ignore
        list.insert(timeMs, row, mark)
        limit.took(row, keyId, list.count)
        this.buckets[side].add(timeMs + this.last[side], keyId)
        // A row that was padded may still stand in its list, until its bucket is over.
        const padded = timeMs + this.last[side] <= this.inputs.watermarkMs
        if (mark?.matched === false && !padded) this.pads.add(timeMs + this.last[side], { side, keyless: false, mark })
      }
    }
    for (const [side, { timeMs, row, mark }] of s.keyless) {
      limit.took(row, NO_KEY, 0)
      const whole = { matched: false, sequence: mark?.sequence ?? 0, timeMs, row }
      this.pads.add(timeMs + this.last[side], { side, keyless: true, mark: whole })
    }
  }

  private match(side: Side, keyId: number, timeMs: number, row: unknown): boolean {
    const other = this.lists[side === 0 ? 1 : 0][keyId]
    if (other === undefined) return false
    const { times, rows, marks } = other
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
      if (pad.keyless) this.parts.limit.count--
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
