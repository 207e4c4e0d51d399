/**
 * As-of join: each left row with the version of its key that was valid at its time, the one with the greatest time at or before
 * it; of equal times the one that came last. A deleted version counts as absent.
 *
 *   version ─▶ late when time ≤ watermark ─▶ kept, with the last one at or before the watermark for ever
 *   left row ─▶ late when time ≤ watermark ─▶ waits until the watermark reaches its time: no earlier version can come any more
 *
 * Rows of one watermark come by left time, then arrival.
 */
import type { Batch } from '../../model.ts'
import { Deadlines } from '../../state/deadlines.ts'
import type { Deletes } from './deletes.ts'
import { NO_KEY, REFUSED } from './keys.ts'
import type { HeldRow } from './lanes.ts'
import type { JoinKeys } from './keys.ts'
import { KeyedCut } from './row-pieces.ts'
import type { SavedList, SidePieces } from './row-pieces.ts'
import { TimedRows } from './timed-rows.ts'
import { TwoInputs } from './two-inputs.ts'
import type { RowJoinParts, Saving, Side } from './two-inputs.ts'

export interface AsOfParts extends RowJoinParts {
  readonly pads: boolean
  readonly deletes: Deletes
}

interface Waiting {
  readonly keyId: number
  readonly timeMs: number
  readonly row: unknown
  readonly sequence: number
}

/** A deleted version: no row is undefined. */
const DELETED = undefined

export class AsOfJoin extends TwoInputs<AsOfParts, KeyedCut<TimedRows>> {
  private readonly keys: JoinKeys
  private versions: (TimedRows | undefined)[] = []
  private readonly waiting = new Deadlines<Waiting>()
  private sequence = 0
  /** While lists come back: the left rows. */
  private coming: Waiting[] = []

  constructor(parts: AsOfParts) {
    super(parts)
    this.keys = parts.keys
  }

  protected onRow(side: Side, batch: Batch, i: number): void {
    const timeMs = batch.eventTimesMs[i] as number
    if (timeMs <= this.inputs.watermarkMs) return this.context.drop(batch, i)
    const keyId = this.keys.read(side, batch, i)
    if (keyId === REFUSED) return
    if (side === 1) {
      if (keyId !== NO_KEY) this.version(keyId, timeMs, batch, i)
      return
    }
    const row = batch.rows[i]
    // Its end is told when it is looked up.
    this.lanes?.came(0, keyId, timeMs, row, timeMs)
    if (keyId === NO_KEY && !this.parts.pads) {
      this.lanes?.done(0, row, 'noKey', null)
      return
    }
    if (keyId !== NO_KEY) this.keys.hold(keyId)
    this.waiting.add(timeMs, { keyId, timeMs, row, sequence: this.sequence++ })
    this.parts.limit.took(row, keyId, this.waiting.count)
  }

  protected advance(watermarkMs: number): void {
    const { waiting } = this
    if (!waiting.isDue(watermarkMs)) return
    const first = waiting.take()
    if (!waiting.isDue(watermarkMs)) return this.send(first)
    const due = [first]
    while (waiting.isDue(watermarkMs)) due.push(waiting.take())
    due.sort((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence)
    for (const one of due) this.send(one)
  }

  waitingCount(): number {
    return this.waiting.count
  }

  protected heldCounts(): readonly [number, number] {
    const waiting = this.waiting.count
    return [waiting, this.parts.limit.count - waiting]
  }

  protected *held(): Iterable<HeldRow> {
    for (const { keyId, timeMs, row } of this.waiting.things)
      yield { side: 0, keyId, timeMs, row, untilMs: timeMs, matched: false }
    for (const [keyId, list] of this.versions.entries()) {
      if (list === undefined) continue
      for (let i = list.head; i < list.times.length; i++) {
        const row = list.rows[i]
        if (row !== DELETED)
          yield { side: 1, keyId, timeMs: list.times[i] as number, row, untilMs: Infinity, matched: undefined }
      }
    }
  }

  protected beginSaving(pieces: SidePieces): Saving<KeyedCut<TimedRows>> {
    const { sequence } = this
    const [left, right] = pieces
    const waiting = this.waiting.things
    const cut = new KeyedCut<TimedRows>([this.versions], this.parts.pieceRows, (_side, keyId, list) => {
      right.list(0, keyId)
      for (let i = list.head; i < list.times.length; i++) {
        right.add(list.times[i] as number, list.rows[i], 0, 0)
      }
      return list.count
    })
    const walk = cut.walkWith(waiting, ({ keyId, timeMs, row, sequence: came }) => {
      left.list(0, keyId)
      left.add(timeMs, row, 0, came)
    })
    return { cut, walk, rest: () => sequence }
  }

  protected begin(rest: unknown, keyCount: number): void {
    this.sequence = rest as number
    this.versions = new Array<TimedRows | undefined>(keyCount)
    this.coming = []
  }

  protected loadList(side: Side, { keyId, from, to, piece }: SavedList): void {
    const { limit } = this.parts
    const list = side === 0 ? undefined : (this.versions[keyId] ??= new TimedRows())
    for (let i = from; i < to; i++) {
      const row = piece.row(i)
      const timeMs = piece.times[i] as number
      if (side === 0) this.coming.push({ keyId, timeMs, row, sequence: piece.numbers[i] as number })
      else list?.insert(timeMs, row, undefined)
      limit.took(row, keyId, list?.count ?? this.coming.length)
    }
  }

  protected override loaded(): void {
    this.waiting.fill(
      this.coming,
      this.coming.map(one => one.timeMs),
    )
    this.coming = []
  }

  private version(keyId: number, timeMs: number, batch: Batch, i: number): void {
    const { deletes, limit } = this.parts
    const gone = deletes.of(batch, i)
    let list = this.versions[keyId]
    // Nothing to delete, unless an older version is still on its way: the deletion is kept all the same.
    if (gone === undefined) {
      if (list === undefined) this.keys.glance(keyId)
      return
    }
    this.cut?.before(0, keyId)
    if (list === undefined) {
      list = new TimedRows()
      this.versions[keyId] = list
      this.keys.hold(keyId)
    } else this.prune(list)
    const row = gone ? DELETED : batch.rows[i]
    if (!gone) this.lanes?.came(1, keyId, timeMs, row, Infinity)
    list.insert(timeMs, row, undefined)
    limit.took(row, keyId, list.count)
  }

  /** Versions before the last one at or before the watermark: every row that may still come is after it. */
  private prune(list: TimedRows): void {
    const last = list.firstAfter(this.inputs.watermarkMs) - 1
    if (last > list.head) this.parts.limit.count -= list.dropFront(last)
  }

  private send({ keyId, timeMs, row }: Waiting): void {
    const { out, pads, limit } = this.parts
    limit.count--
    const list = keyId === NO_KEY ? undefined : this.versions[keyId]
    let found: unknown
    if (list !== undefined) {
      const at = list.firstAfter(timeMs) - 1
      found = at < list.head ? undefined : list.rows[at]
    }
    if (found !== undefined || pads) out.add(row, found ?? null, timeMs)
    if (found !== undefined) this.lanes?.paired(keyId, row, found)
    this.lanes?.done(0, row, keyId === NO_KEY ? 'noKey' : 'absent', timeMs)
    if (keyId !== NO_KEY) this.keys.release(keyId)
  }
}
