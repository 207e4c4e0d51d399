/**
 * Follows rows of a join of columns for whoever looks at it. The loops of the join know nothing of it: rows of some keys are made of
 * each batch, and joined once more beside it, plainly.
 *
 *   batch ─▶ the loops ─▶ result
 *     └─▶ rows of one key in 1, 2, 4 … ─▶ lists by key ─▶ lanes
 *
 * Where rows come faster than a look is worth, fewer keys are followed; of one key too many, none is.
 */
import type { Batch } from '../../model.ts'
import { Deadlines } from '../../state/deadlines.ts'
import { finiteOrNull } from '../../time/finite.ts'
import { InputWatermarks } from '../../time/input-watermarks.ts'
import type { InputWatermarksState } from '../../time/input-watermarks.ts'
import { rowAtOf } from '../columns.ts'
import type { SideColumns } from './column-side.ts'
import { FEWEST, FOLLOWED, JoinLanes } from './lanes.ts'
import type { HeldRow } from './lanes.ts'
import { TimedRows } from './timed-rows.ts'
import type { Side } from './two-sides.ts'

/** Rows of the keys followed, at most: those that may still meet somebody. */
const MOST = 4 * FOLLOWED
const SMALL = 4096
/** Rows between two views from which on fewer keys are followed: of columns all come at once. */
const BUSY = 2000

export interface ColumnLanesParts {
  readonly sides: readonly [SideColumns, SideColumns]
  readonly watermarks: InputWatermarksState
  /** Memory of a row the join holds of each side. */
  readonly bytesPerRow: readonly [number, number]
}

/** A row the join holds when somebody begins to look: of its columns those that the join keeps. */
export interface HeldColumnRow {
  readonly side: Side
  readonly key: number
  /** −∞: nobody knows any more, nor the row itself. It is not drawn. */
  readonly timeMs: number
  readonly row: unknown
}

export abstract class ColumnLanes {
  readonly lanes: JoinLanes
  private readonly sides: readonly [SideColumns, SideColumns]
  private readonly inputs = new InputWatermarks(2)
  /** Its id is 0: rows of this key are followed as long as any are. */
  private pinned: number | undefined
  /** Rows of the keys followed, as far as counted, and how many are let come before they are counted again. */
  private rowCount = 0
  private limit = SMALL

  constructor({ sides, watermarks, bytesPerRow }: ColumnLanesParts) {
    this.sides = sides
    const { inputs } = this
    inputs.restore(watermarks)
    this.lanes = new JoinLanes({
      watermarkMs: () => inputs.watermarkMs,
      keyOf: id => keyOf(id ^ (this.pinned ?? 0)),
      sinceMs: finiteOrNull(inputs.watermarkMs),
      bytesPerRow,
      busy: BUSY,
      regains: false,
    })
  }

  protected get watermarkMs(): number {
    return this.inputs.watermarkMs
  }

  /** What the join holds: `held` gives the rows of the keys asked for. */
  begin(count: number, held: (follows: (key: number) => boolean) => Iterable<HeldColumnRow>): void {
    const { lanes } = this
    for (let rows = count; rows > BUSY; rows /= 2) lanes.followFewer()
    const rows: HeldColumnRow[] = []
    for (const one of held(key => lanes.follows(this.idOf(key)))) rows.push(one)
    // Equal times stand in the order in which they came.
    rows.sort((a, b) => a.side - b.side || a.timeMs - b.timeMs)
    const known = rows.map(one => ({ ...this.asHeld(one), side: one.side, keyId: this.idOf(one.key) }))
    const dated = known.filter(({ timeMs }) => timeMs > -Infinity)
    lanes.begin(dated, this.meets)
    for (const { side, keyId, timeMs, row } of known) this.keep(side, keyId, timeMs, row)
    this.rowCount = rows.length
    this.boundRows()
  }

  onInput(side: Side, batch: Batch): void {
    const { inputs, lanes } = this
    if (batch.count > 0 && lanes.followed) this.onRows(side, batch)
    inputs.tell(side, batch.watermarkMs)
    if (batch.resumed === true) inputs.resume(side)
    inputs.setIdle(side, batch.idle === true)
    this.release(inputs.watermarkMs)
  }

  /** Whether two rows held have met, by their times. */
  protected readonly meets: ((leftMs: number, rightMs: number) => boolean) | undefined
  /** What becomes of a row that waits. */
  protected abstract asHeld(row: HeldColumnRow): Omit<HeldRow, 'side' | 'keyId'>
  /** A row is taken; whether it may still meet somebody, and is kept. */
  protected abstract took(side: Side, id: number, timeMs: number, row: unknown): boolean
  protected abstract keep(side: Side, id: number, timeMs: number, row: unknown): void
  /** The watermark has come so far. */
  protected abstract release(watermarkMs: number): void
  /** Lets go of rows that can meet nobody, and of those of other keys; how many are left. */
  protected abstract sweep(follows: (id: number) => boolean): number
  protected abstract clear(): void

  private onRows(side: Side, batch: Batch): void {
    const { inputs, lanes } = this
    const { columns, count, eventTimesMs: times } = batch
    const { key } = this.sides[side]
    // Where a step before it made rows there are no columns.
    const keys = columns?.[key] ?? batch.rows.map(row => (row as Readonly<Record<string, number>>)[key])
    const rowAt = columns === undefined ? (i: number) => batch.rows[i] : rowAtOf(columns)
    let { mask } = lanes
    for (let i = 0; i < count; i++) {
      const id = this.idOf(keys[i] as number)
      if ((id & mask) !== 0) continue
      inputs.tell(side, batch.beforeMs[i] as number)
      const timeMs = times[i] as number
      if (timeMs <= inputs.watermarkMs) continue
      const row = rowAt(i)
      if (this.took(side, id, timeMs, row)) this.rowCount++
      if (lanes.mask !== mask || this.rowCount > this.limit) this.boundRows()
      if (!lanes.followed) return
      mask = lanes.mask
    }
  }

  private boundRows(): void {
    const { lanes } = this
    const follows = (id: number) => lanes.follows(id)
    this.rowCount = this.sweep(follows)
    while (this.rowCount > MOST && lanes.followFewer()) this.rowCount = this.sweep(follows)
    this.limit = Math.max(SMALL, 2 * this.rowCount)
    if (this.rowCount <= MOST && lanes.mask < FEWEST) return
    lanes.giveUp()
    this.clear()
    this.rowCount = 0
  }

  private idOf(key: number): number {
    const id = mixed(key)
    return id ^ (this.pinned ??= id)
  }
}

/** Rows of an inner interval join: each meets those of the other side within the bounds that are there. */
export class IntervalColumnLanes extends ColumnLanes {
  private readonly lists = new Map<number, readonly [TimedRows, TimedRows]>()
  /** Times of partners, from a row's own. */
  private readonly first: readonly [number, number]
  private readonly last: readonly [number, number]
  protected override readonly meets: (leftMs: number, rightMs: number) => boolean

  constructor(parts: ColumnLanesParts, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }) {
    super(parts)
    this.first = [fromMs, -toMs]
    this.last = [toMs, -fromMs]
    this.meets = (leftMs, rightMs) => rightMs - leftMs >= fromMs && rightMs - leftMs <= toMs
  }

  protected asHeld({ side, timeMs, row }: HeldColumnRow): Omit<HeldRow, 'side' | 'keyId'> {
    // The join does not know whether it has met somebody.
    return { timeMs, row, untilMs: timeMs + this.last[side], matched: undefined }
  }

  protected took(side: Side, id: number, timeMs: number, row: unknown): boolean {
    const { lanes } = this
    const untilMs = timeMs + this.last[side]
    lanes.came(side, id, timeMs, row, untilMs)
    const other = this.lists.get(id)?.[side === 0 ? 1 : 0]
    if (other !== undefined) {
      const { times, rows } = other
      const lastMs = timeMs + this.last[side]
      for (let k = other.firstFrom(timeMs + this.first[side]); k < times.length; k++) {
        if ((times[k] as number) > lastMs) break
        lanes.paired(id, side === 0 ? row : rows[k], side === 0 ? rows[k] : row)
      }
    }
    if (untilMs <= this.watermarkMs) return false
    this.keep(side, id, timeMs, row)
    return true
  }

  protected keep(side: Side, id: number, timeMs: number, row: unknown): void {
    let both = this.lists.get(id)
    if (both === undefined) this.lists.set(id, (both = [new TimedRows(), new TimedRows()]))
    both[side].insert(timeMs, row, undefined)
  }

  protected release(): void {
    // What is over meets nobody, and is let go of when there are many.
  }

  protected sweep(follows: (id: number) => boolean): number {
    let count = 0
    for (const [id, both] of this.lists) {
      both.forEach((list, side) => list.expire(this.watermarkMs - (this.last[side] as number)))
      const rows = both[0].count + both[1].count
      if (rows === 0 || !follows(id)) this.lists.delete(id)
      else count += rows
    }
    return count
  }

  protected clear(): void {
    this.lists.clear()
  }
}

interface WaitingLeft {
  readonly id: number
  readonly timeMs: number
  readonly row: unknown
  readonly sequence: number
}

/** Rows of an as-of join: a left row is looked up when the watermark reaches it. */
export class AsOfColumnLanes extends ColumnLanes {
  private readonly versions = new Map<number, TimedRows>()
  private readonly waiting = new Deadlines<WaitingLeft>()
  /** Left rows up to here have been looked up. */
  private releasedMs = -Infinity
  private sequence = 0

  protected asHeld({ side, timeMs, row }: HeldColumnRow): Omit<HeldRow, 'side' | 'keyId'> {
    return side === 0
      ? { timeMs, row, untilMs: timeMs, matched: false }
      : { timeMs, row, untilMs: Infinity, matched: undefined }
  }

  protected took(side: Side, id: number, timeMs: number, row: unknown): boolean {
    this.lanes.came(side, id, timeMs, row, side === 0 ? timeMs : Infinity)
    this.keep(side, id, timeMs, row)
    return true
  }

  protected keep(side: Side, id: number, timeMs: number, row: unknown): void {
    if (side === 0) {
      this.waiting.add(timeMs, { id, timeMs, row, sequence: this.sequence++ })
      return
    }
    let list = this.versions.get(id)
    if (list === undefined) this.versions.set(id, (list = new TimedRows()))
    list.insert(timeMs, row, undefined)
  }

  protected release(watermarkMs: number): void {
    this.releasedMs = watermarkMs
    const { waiting, lanes } = this
    const due: WaitingLeft[] = []
    while (waiting.isDue(watermarkMs)) due.push(waiting.take())
    due.sort((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence)
    for (const { id, timeMs, row } of due) {
      const list = this.versions.get(id)
      const at = list === undefined ? -1 : list.firstAfter(timeMs) - 1
      if (list !== undefined && at >= list.head) lanes.paired(id, row, list.rows[at])
      lanes.done(0, row, 'absent', timeMs)
    }
  }

  protected sweep(follows: (id: number) => boolean): number {
    let count = 0
    for (const [id, list] of this.versions) {
      // The last one before whoever comes next stays.
      const last = list.firstAfter(this.releasedMs) - 1
      if (last > list.head) list.dropFront(last)
      if (follows(id)) count += list.count
      else this.versions.delete(id)
    }
    const left = this.waiting.things.filter(one => follows(one.id))
    this.waiting.fill(
      left,
      left.map(one => one.timeMs),
    )
    return count + left.length
  }

  protected clear(): void {
    this.versions.clear()
    this.waiting.clear()
  }
}

const SPREAD = 0x9e3779b1
/** SPREAD times it is 1, of 32 bits: each round of Newton's doubles the bits that are right. */
const UNSPREAD = [1, 2, 3, 4, 5].reduce(inverse => Math.imul(inverse, 2 - Math.imul(SPREAD, inverse)), SPREAD)

/** A key's bits in another order, the lowest as good as any: no two keys give the same. */
function mixed(key: number): number {
  const spread = Math.imul(key, SPREAD)
  return (spread << 16) | (spread >>> 16)
}

function keyOf(id: number): number {
  return Math.imul((id << 16) | (id >>> 16), UNSPREAD)
}
