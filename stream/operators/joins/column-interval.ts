/**
 * Interval join of columns of numbers by one integer key, inner: the rules of interval.ts, with loops made for the lambda at hand.
 *
 *   block of rows ─▶ entry of the key ─▶ rows of the other side's list within the bounds ─▶ columns of the result
 *                        └─▶ head of its own side's list ─▶ ring
 *
 * Rows so far ahead that none of the other side which has come can meet them wait in the batch they came in. They go into the ring
 * when the other side gets near: a list then holds few rows that are newer than those looked up in it.
 */
import type { Batch } from '../../model.ts'
import { IntEntries } from '../../state/int-entries.ts'
import type { IntEntriesState } from '../../state/int-entries.ts'
import { loopFrom } from '../compile.ts'
import type { StageContext } from '../operator.ts'
import { ENTRY, find, followWatermark, loopsOf, Met, SCRATCH, seekPairs } from './column-interval-loops.ts'
import type { Block, Course, Loops, Place } from './column-interval-loops.ts'
import { BLOCK, ColumnJoin, keptParts } from './column-join.ts'
import type { ColumnJoinPlan } from './column-join.ts'
import { IntervalColumnLanes } from './column-lanes.ts'
import type { ColumnLanes, HeldColumnRow } from './column-lanes.ts'
import { ColumnQueue, placeOf } from './column-queue.ts'
import type { ColumnArray } from './column-queue.ts'
import { ColumnRing } from './column-ring.ts'
import type { ColumnRingState } from './column-ring.ts'
import { ColumnSide } from './column-side.ts'
import type { PairColumns } from './pair-columns.ts'
import type { SizeLimit } from './size-limit.ts'
import type { Side } from './two-sides.ts'

export interface ColumnIntervalParts {
  readonly plan: ColumnJoinPlan
  readonly fromMs: number
  readonly toMs: number
  readonly out: PairColumns
  readonly limit: SizeLimit
  readonly context: StageContext
}

interface ColumnIntervalState {
  readonly keys: IntEntriesState
  readonly rings: readonly [ColumnRingState, ColumnRingState]
}

export class ColumnIntervalJoin extends ColumnJoin {
  private readonly parts: ColumnIntervalParts
  private readonly sides: readonly [ColumnSide, ColumnSide]
  private readonly rings: readonly [ColumnRing, ColumnRing]
  private readonly keys = new IntEntries(ENTRY, 'within')
  /** Rows that have looked for no partner yet, as there was none. */
  private readonly ahead: readonly [ColumnQueue, ColumnQueue]
  /** How far the time of a partner that came before may lie behind. */
  private readonly reachMs: readonly [number, number]
  private readonly loops: readonly [Loops, Loops]
  private readonly place: Place = { toldMs: -Infinity, watermarkMs: -Infinity, runningMs: -Infinity }
  private readonly met = new Met()
  private batch: Batch | undefined
  private columns: readonly ColumnArray[] = []

  constructor(parts: ColumnIntervalParts) {
    super(parts.context, parts.out)
    const { plan, fromMs, toMs } = parts
    this.parts = parts
    this.sides = [
      new ColumnSide(plan.sides[0], plan.pair.reads[0], 1),
      new ColumnSide(plan.sides[1], plan.pair.reads[1], 1),
    ]
    this.rings = [new ColumnRing(this.sides[0].words, toMs), new ColumnRing(this.sides[1].words, -fromMs)]
    this.ahead = [new ColumnQueue(this.sides[0].kinds), new ColumnQueue(this.sides[1].kinds)]
    this.reachMs = [-fromMs, toMs]
    this.loops = [loopsOf(0, this.sides, parts), loopsOf(1, this.sides, parts)]
  }

  protected begin(side: Side, batch: Batch): void {
    this.batch = batch
    this.columns = this.sides[side].of(batch)
  }

  protected override holdBack(side: Side, { eventTimesMs: times, count, run }: Batch): number {
    const other = side === 0 ? 1 : 0
    const mine = this.ahead[side]
    const newestMs = Math.max(this.rings[other].newestMs, this.ahead[other].newestMs)
    const limitMs = Math.max(newestMs + this.reachMs[side], this.inputs.watermarkMs)
    // Out of order nothing is told about the rows behind.
    const ordered = run?.ordered === true && (times[0] as number) >= mine.newestMs
    const taken = ordered ? placeOf(times, 0, count, limitMs, true) : count
    // The rows of a list are put in by arrival.
    if (taken > 0) this.bringUp(side, Infinity)
    mine.append(this.columns, times, taken, count)
    return taken
  }

  /** Rows that were ahead go into their ring, up to a time. */
  private bringUp(side: Side, limitMs: number): void {
    const queue = this.ahead[side]
    for (let head = queue.head; head !== undefined && head.first < head.end; head = queue.head) {
      const { columns, times, first } = head
      const end = placeOf(times, first, head.end, limitMs, true)
      if (end === first) return
      for (let e = first; e < end; e += BLOCK)
        this.takeAhead(side, { columns, times, from: e, count: Math.min(end - e, BLOCK) })
      queue.leave(end)
    }
  }

  private bringUpAll(): void {
    this.bringUp(0, Infinity)
    this.bringUp(1, Infinity)
  }

  /** Those that rows of this side, `from` to `to`, may meet. */
  private bringUpPartners(side: Side, times: Float64Array, from: number, to: number): void {
    const other = side === 0 ? 1 : 0
    const { head } = this.ahead[other]
    if (head === undefined) return
    let newestMs = -Infinity
    for (let e = from; e < to; e++) newestMs = Math.max(newestMs, times[e] as number)
    this.bringUp(other, newestMs + this.reachMs[other])
  }

  protected onRun(side: Side, from: number, to: number): void {
    this.place.watermarkMs = this.inputs.watermarkMs
    this.takeRows(side, from, to)
  }

  protected override straight(side: Side, batch: Batch, count: number): number {
    const { run } = batch
    const ceilingMs = this.inputs.ceilingOver(side)
    if (ceilingMs === undefined || this.inputs.isHeldBy(side === 0 ? 1 : 0)) return 0
    const { place } = this
    place.watermarkMs = this.inputs.watermarkMs
    place.toldMs = -Infinity
    place.runningMs = run?.firstMs ?? -Infinity
    const befores = run === undefined ? batch.beforeMs : undefined
    this.takeRows(side, 0, count, { befores, ceilingMs, trailMs: run?.trailMs ?? 0 })
    return count
  }

  /** Rows of the batch at hand. */
  private takeRows(side: Side, from: number, to: number, course?: Course): void {
    const { columns } = this
    const { eventTimesMs: times } = this.batch as Batch
    for (let e = from; e < to; e += BLOCK) {
      const rows = { columns, times, from: e, count: Math.min(to - e, BLOCK) }
      this.bringUpPartners(side, times, e, e + rows.count)
      this.look(side, rows, course)
      this.meet(side, rows)
      this.loops[side].put(SCRATCH, this.keys.ints, this.rings[side], rows)
      if (course !== undefined) this.tell(side, this.place.toldMs)
    }
  }

  /** Rows that have been judged and have no partners go into their ring. */
  private takeAhead(side: Side, rows: Block): void {
    this.look(side, rows, undefined, true)
    this.loops[side].put(SCRATCH, this.keys.ints, this.rings[side], rows)
  }

  /** Finds what each row of a block needs; late rows are dropped. */
  private look(side: Side, rows: Block, course: Course | undefined, areJudged = false): void {
    const { keys, rings } = this
    if (keys.room < rows.count) this.growKeys()
    while (rings[side].room < rows.count) this.growRing(side)
    followWatermark(SCRATCH, this.place, rows, course)
    find(SCRATCH, keys, side, rows, areJudged ? undefined : this)
  }

  private meet(side: Side, rows: Block): void {
    const { met } = this
    const { out, fromMs, toMs } = this.parts
    const other = this.rings[side === 0 ? 1 : 0]
    const [lowMs, highMs] = side === 0 ? [fromMs, toMs] : [-toMs, -fromMs]
    const pairs = seekPairs(SCRATCH, met, other, rows, lowMs, highMs)
    if (pairs === 0) return
    if (out.count + pairs > out.capacity) out.reserve(pairs)
    out.leave(SCRATCH.counts, SCRATCH.watermarks, rows.count)
    this.loops[side].write(met, pairs, other, rows, out)
  }

  protected end(): void {
    this.batch = undefined
    this.columns = []
    this.check()
  }

  protected advance(watermarkMs: number): void {
    for (const side of [0, 1] as const) {
      this.rings[side].expire(watermarkMs)
      this.ahead[side].expire(watermarkMs - this.rings[side].lastMs)
    }
  }

  stateBytes(): number {
    return this.keys.bytes + this.rings[0].bytes + this.rings[1].bytes + this.ahead[0].bytes + this.ahead[1].bytes
  }

  waitingCount(): number {
    const [left, right] = this.heldCounts()
    return left + right
  }

  protected heldCounts(): readonly [number, number] {
    return [this.rings[0].count + this.ahead[0].count, this.rings[1].count + this.ahead[1].count]
  }

  protected followed(): ColumnLanes {
    this.bringUpAll()
    const { inputs, parts, rings } = this
    const bytesPerRow = [rings[0].bytesPerRow, rings[1].bytesPerRow] as const
    const follower = new IntervalColumnLanes(
      { sides: parts.plan.sides, watermarks: inputs.snapshot(), bytesPerRow },
      parts,
    )
    follower.begin(this.waitingCount(), follows => this.rowsOf(follows))
    return follower
  }

  /** Rows that wait, of the keys asked for. */
  private *rowsOf(follows: (key: number) => boolean): Iterable<HeldColumnRow> {
    const { ints } = this.keys
    const { watermarkMs } = this.inputs
    for (const side of [0, 1] as const) {
      const { tail, mask, words, lastMs, ints: rows, floats } = this.rings[side]
      const rowAt = loopFrom<KeptRow>('I, F, s, k, u', `return ${this.sides[side].rowText('stored')}`)
      for (const place of this.keys.places()) {
        const key = ints[place * ENTRY] as number
        if (!follows(key)) continue
        const held: HeldColumnRow[] = []
        for (
          let row = ints[place * ENTRY + 2 + side] as number;
          row >= tail;
          row = rows[(row & mask) * words * 2 + 2] as number
        ) {
          const place = row & mask
          const timeMs = floats[place * words] as number
          if (timeMs + lastMs <= watermarkMs) break
          held.push({ side, key, timeMs, row: rowAt(rows, floats, place, key, timeMs) })
        }
        // A list goes from the newest to the oldest, of equal times too.
        yield* held.reverse()
      }
    }
  }

  protected save(): ColumnIntervalState {
    this.bringUpAll()
    return { keys: this.keys.snapshot(), rings: [this.rings[0].snapshot(), this.rings[1].snapshot()] }
  }

  protected load(state: unknown): void {
    const { keys, rings } = state as ColumnIntervalState
    this.keys.restore(keys)
    this.rings[0].restore(rings[0])
    this.rings[1].restore(rings[1])
  }

  /** A row that came too late. */
  late(e: number): void {
    this.context.drop(this.batch as Batch, e)
  }

  private growKeys(): void {
    const [left, right] = [this.rings[0].tail, this.rings[1].tail]
    this.keys.grow((ints, at) => (ints[at + 2] as number) < left && (ints[at + 3] as number) < right, BLOCK)
  }

  private growRing(side: Side): void {
    this.check()
    this.rings[side].makeRoom(this.inputs.watermarkMs, numberOf => {
      const { ints } = this.keys
      for (const place of this.keys.places()) {
        const at = place * ENTRY + 2 + side
        ints[at] = numberOf(ints[at] as number)
      }
    })
  }

  private check(): void {
    const [left, right] = this.rings
    const bytes = left.count * left.bytesPerRow + right.count * right.bytesPerRow
    this.parts.limit.check(this.waitingCount(), bytes + this.ahead[0].bytes + this.ahead[1].bytes, () => this.hottest())
  }

  private hottest(): { key: number; rows: number } {
    const { ints } = this.keys
    let hottest = { key: 0, rows: -1 }
    for (const side of [0, 1] as const) {
      const counts = this.ahead[side].countsOf(0)
      const { tail, mask, words, ints: rows } = this.rings[side]
      for (const place of this.keys.places()) {
        const key = ints[place * ENTRY] as number
        let length = counts.get(key) ?? 0
        for (
          let row = ints[place * ENTRY + 2 + side] as number;
          row >= tail;
          row = rows[(row & mask) * words * 2 + 2] as number
        )
          length++
        counts.set(key, length)
      }
      for (const [key, rows] of counts) if (rows > hottest.rows) hottest = { key, rows }
    }
    return hottest
  }
}

type KeptRow = (ints: Int32Array, floats: Float64Array, place: number, key: number, timeMs: number) => object

export const KEPT = new ColumnIntervalJoin(keptParts())
