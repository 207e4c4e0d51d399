/**
 * Regular join with a time to live: every row is joined with all rows of its key on the other side that still live, and the
 * result is a changelog. A padded row is taken back when its partner comes, and comes again when its last partner is taken back.
 *
 * A row lives until the watermark reaches its time + ttl, then it is forgotten; what it gave stays. A row whose time is at or
 * behind the watermark is late. Retracted rows of an input take back what they gave; of an input that is a changelog itself a row is
 * late only when it no longer lives, as it may stand for one that was taken back.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Batch } from '../../model.ts'
import { KeyBuckets } from './key-buckets.ts'
import { NO_KEY, REFUSED } from './keys.ts'
import type { HeldRow } from './lanes.ts'
import { KeyedCut } from './row-pieces.ts'
import type { SavedList, SidePieces } from './row-pieces.ts'
import { TwoInputs } from './two-inputs.ts'
import type { RowJoinParts, Saving, Side } from './two-inputs.ts'

export interface TtlParts extends RowJoinParts {
  readonly ttlMs: number
  readonly pads: readonly [boolean, boolean]
  /** Sides whose rows may be taken back. */
  readonly changelogs: readonly [boolean, boolean]
}

interface Living {
  readonly timeMs: number
  readonly row: unknown
  /** Partners among all rows that came, living or not, less those taken back. */
  partners: number
}

export class TtlJoin extends TwoInputs<TtlParts, KeyedCut<Living[]>> {
  private readonly lists: [(Living[] | undefined)[], (Living[] | undefined)[]] = [[], []]
  private buckets: [KeyBuckets, KeyBuckets]

  constructor(parts: TtlParts) {
    super(parts)
    this.buckets = [new KeyBuckets(parts.ttlMs), new KeyBuckets(parts.ttlMs)]
    this.meets = () => true
  }

  protected override takesBack(): boolean {
    return true
  }

  protected onRow(side: Side, batch: Batch, i: number): void {
    const timeMs = batch.eventTimesMs[i] as number
    const { watermarkMs } = this.inputs
    const weight = batch.weights?.[i] === -1 ? -1 : 1
    const { keys, changelogs, ttlMs } = this.parts
    // A row taken back is no newcomer: it lives or it does not.
    if (weight === 1 && timeMs + (changelogs[side] ? ttlMs : 0) <= watermarkMs) return this.context.drop(batch, i)
    const keyId = keys.read(side, batch, i)
    if (keyId === REFUSED) return
    const row = batch.rows[i]
    if (keyId === NO_KEY) {
      if (this.parts.pads[side]) this.give(side, row, null, timeMs, weight)
      if (weight === 1) this.lanes?.came(side, NO_KEY, timeMs, row, timeMs)
      this.lanes?.done(side, row, 'noKey', null)
      return
    }
    if (weight === 1) this.came(side, keyId, timeMs, row)
    else this.takeBack(side, keyId, row)
  }

  protected advance(watermarkMs: number): void {
    for (const side of [0, 1] as const) {
      this.buckets[side].take(watermarkMs, keyId => this.expire(side, keyId, watermarkMs))
    }
  }

  waitingCount(): number {
    return this.parts.limit.count
  }

  protected heldCounts(): readonly [number, number] {
    let left = 0
    for (const rows of this.lists[0]) left += rows?.length ?? 0
    return [left, this.parts.limit.count - left]
  }

  protected *held(): Iterable<HeldRow> {
    for (const side of [0, 1] as const) {
      for (const [keyId, rows] of this.lists[side].entries()) {
        for (const { timeMs, row, partners } of rows ?? [])
          yield { side, keyId, timeMs, row, untilMs: timeMs + this.parts.ttlMs, matched: partners > 0 }
      }
    }
  }

  protected beginSaving(pieces: SidePieces): Saving<KeyedCut<Living[]>> {
    const cut = new KeyedCut<Living[]>([this.lists[0], this.lists[1]], this.parts.pieceRows, (side, keyId, list) => {
      pieces[side].list(0, keyId)
      for (const { timeMs, row, partners } of list) pieces[side].add(timeMs, row, 0, partners)
      return list.length
    })
    return { cut, walk: cut.walk(), rest: () => undefined }
  }

  protected begin(_rest: unknown, keyCount: number): void {
    const { ttlMs } = this.parts
    this.lists[0] = new Array<Living[] | undefined>(keyCount)
    this.lists[1] = new Array<Living[] | undefined>(keyCount)
    this.buckets = [new KeyBuckets(ttlMs, keyCount), new KeyBuckets(ttlMs, keyCount)]
  }

  protected loadList(side: Side, { keyId, from, to, piece }: SavedList): void {
    const { limit, ttlMs } = this.parts
    const list = (this.lists[side][keyId] ??= [])
    for (let i = from; i < to; i++) {
      const timeMs = piece.times[i] as number
      const row = piece.row(i)
      list.push({ timeMs, row, partners: piece.numbers[i] as number })
      limit.took(row, keyId, list.length)
      this.buckets[side].add(timeMs + ttlMs, keyId)
    }
  }

  private came(side: Side, keyId: number, timeMs: number, row: unknown): void {
    const other: Side = side === 0 ? 1 : 0
    const { pads, keys, limit, ttlMs } = this.parts
    const mine: Living = { timeMs, row, partners: 0 }
    this.aboutToChange(keyId)
    this.lanes?.came(side, keyId, timeMs, row, timeMs + ttlMs)
    for (const partner of this.living(other, keyId)) {
      mine.partners++
      if (++partner.partners === 1 && pads[other]) this.give(other, partner.row, null, partner.timeMs, -1)
      this.give(side, row, partner.row, Math.max(timeMs, partner.timeMs), 1)
      if (this.lanes !== undefined)
        this.lanes.paired(keyId, side === 0 ? row : partner.row, side === 0 ? partner.row : row)
    }
    if (mine.partners === 0 && pads[side]) this.give(side, row, null, timeMs, 1)
    let list = this.lists[side][keyId]
    if (list === undefined) {
      list = []
      this.lists[side][keyId] = list
      keys.hold(keyId)
    }
    list.push(mine)
    this.buckets[side].add(timeMs + ttlMs, keyId)
    limit.took(row, keyId, list.length)
  }

  private takeBack(side: Side, keyId: number, row: unknown): void {
    const other: Side = side === 0 ? 1 : 0
    const { pads, keys, limit } = this.parts
    const list = this.lists[side][keyId]
    const at = this.living(side, keyId).find(one => isDeepStrictEqual(one.row, row))
    // Forgotten already, or never taken because it was late: there is nothing to take back.
    if (list === undefined || at === undefined) return keys.glance(keyId)
    this.aboutToChange(keyId)
    list.splice(list.indexOf(at), 1)
    limit.count--
    this.lanes?.takenBack(side, at.row)
    if (at.partners === 0 && pads[side]) this.give(side, row, null, at.timeMs, -1)
    for (const partner of this.living(other, keyId)) {
      this.give(side, row, partner.row, Math.max(at.timeMs, partner.timeMs), -1)
      if (--partner.partners === 0 && pads[other]) this.give(other, partner.row, null, partner.timeMs, 1)
    }
    if (list.length === 0) this.forget(side, keyId)
  }

  /** The rows of a key, and how many partners those of the other side have. */
  private aboutToChange(keyId: number): void {
    this.cut?.before(0, keyId)
    this.cut?.before(1, keyId)
  }

  /** Rows of a key that live at this watermark: expired ones may still be in their list. */
  private living(side: Side, keyId: number): Living[] {
    const dead = this.inputs.watermarkMs - this.parts.ttlMs
    return this.lists[side][keyId]?.filter(one => one.timeMs > dead) ?? []
  }

  private expire(side: Side, keyId: number, watermarkMs: number): void {
    const list = this.lists[side][keyId]
    if (list === undefined) return
    this.cut?.before(side, keyId)
    const left = list.filter(one => one.timeMs > watermarkMs - this.parts.ttlMs)
    this.parts.limit.count -= list.length - left.length
    if (left.length > 0) this.lists[side][keyId] = left
    else this.forget(side, keyId)
  }

  private forget(side: Side, keyId: number): void {
    this.lists[side][keyId] = undefined
    this.parts.keys.release(keyId)
  }

  /** `partner` null is a pad. */
  private give(side: Side, row: unknown, partner: unknown, timeMs: number, weight: 1 | -1): void {
    if (side === 0) this.parts.out.add(row, partner, timeMs, weight)
    else this.parts.out.add(partner, row, timeMs, weight)
  }
}
