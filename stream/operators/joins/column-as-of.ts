/**
 * As-of join of columns of numbers by one integer key: the rules of as-of.ts, with loops made for the lambda at hand.
 *
 * Versions wait for the watermark as left rows do. When it reaches a left row, the versions up to its time have been put in place,
 * each over the one before: a key has one version, whatever its history, and no list is searched.
 *
 *   left row ─▶ queue ──time reached──▶ the version in the entry of its key ─▶ columns of the result
 *   version  ─▶ queue ──time reached──▶ the entry of its key
 *
 * Rows are judged one by one, released once for a batch: what comes out, and in which order, is the same as if the watermark had
 * gone along with each of them, since none that is taken is older than what would have left before it came.
 */
import type { Batch } from '../../model.ts'
import { IntEntries } from '../../state/int-entries.ts'
import type { IntEntriesState } from '../../state/int-entries.ts'
import type { StageContext } from '../operator.ts'
import { loopFrom } from '../compile.ts'
import { mergeOf, SCRATCH, versionOf } from './column-as-of-loops.ts'
import type { Merge, VersionLayout } from './column-as-of-loops.ts'
import { BLOCK, ColumnJoin, keptParts } from './column-join.ts'
import type { ColumnJoinPlan } from './column-join.ts'
import { AsOfColumnLanes } from './column-lanes.ts'
import type { ColumnLanes, HeldColumnRow } from './column-lanes.ts'
import { ColumnQueue, placeOf } from './column-queue.ts'
import type { ColumnArray, ColumnQueueState, Stretch } from './column-queue.ts'
import { ColumnSide } from './column-side.ts'
import type { PairColumns } from './pair-columns.ts'
import type { SizeLimit } from './size-limit.ts'
import type { Side } from './two-sides.ts'

export interface ColumnAsOfParts {
  readonly plan: ColumnJoinPlan
  readonly pads: boolean
  readonly out: PairColumns
  readonly limit: SizeLimit
  readonly context: StageContext
}

interface ColumnAsOfState {
  /** With their versions. */
  readonly keys: IntEntriesState
  readonly queues: readonly [ColumnQueueState, ColumnQueueState]
}

export class ColumnAsOfJoin extends ColumnJoin {
  private readonly parts: ColumnAsOfParts
  private readonly sides: readonly [ColumnSide, ColumnSide]
  private readonly queues: readonly [ColumnQueue, ColumnQueue]
  /** Each key with the newest of its versions that has come into force. */
  private readonly layout: VersionLayout
  private readonly keys: IntEntries
  private readonly merge: Merge
  private readonly scratch = SCRATCH
  private batch: Batch | undefined
  private columns: readonly ColumnArray[] = []

  constructor(parts: ColumnAsOfParts) {
    super(parts.context, parts.out)
    const { sides, pair } = parts.plan
    this.parts = parts
    this.sides = [new ColumnSide(sides[0], pair.reads[0], 1), new ColumnSide(sides[1], pair.reads[1], 1)]
    this.queues = [new ColumnQueue(this.sides[0].kinds), new ColumnQueue(this.sides[1].kinds)]
    this.layout = versionOf(this.sides[1])
    this.keys = new IntEntries(this.layout.width, 'apart')
    this.merge = mergeOf(this.sides, this.layout, parts.plan, parts.pads)
  }

  protected begin(side: Side, batch: Batch): void {
    this.batch = batch
    this.columns = this.sides[side].of(batch)
  }

  protected override straight(side: Side, batch: Batch): number {
    const { inputs } = this
    const ceilingMs = inputs.ceilingOver(side)
    if (ceilingMs === undefined) return 0
    const { watermarkMs } = inputs
    const { out } = this.parts
    const first = out.count
    const toldMs = this.takeOrdered(side, batch) ?? this.takeJudged(side, batch, ceilingMs)
    this.release(Math.max(watermarkMs, Math.min(toldMs, ceilingMs)))
    out.followed(first, { batch, watermarkMs, ceilingMs })
    this.tell(side, toldMs)
    return batch.count
  }

  protected onRun(side: Side, from: number, to: number): void {
    this.take(side, from, to, undefined, Infinity)
  }

  protected end(): void {
    this.batch = undefined
    this.columns = []
    this.check()
  }

  protected advance(watermarkMs: number): void {
    this.release(watermarkMs)
  }

  stateBytes(): number {
    return this.keys.bytes + this.queues[0].bytes + this.queues[1].bytes
  }

  waitingCount(): number {
    return this.queues[0].count
  }

  protected heldCounts(): readonly [number, number] {
    return [this.queues[0].count, this.queues[1].count + this.keys.count]
  }

  protected followed(): ColumnLanes {
    const { inputs, parts, queues } = this
    const [left, right] = queues
    // A version lies in a queue, and in the end in the entry of its key.
    const bytesPerRow = [left.bytesPerRow, right.bytesPerRow] as const
    const follower = new AsOfColumnLanes({ sides: parts.plan.sides, watermarks: inputs.snapshot(), bytesPerRow })
    follower.begin(left.count + right.count + this.keys.count, follows => this.rowsOf(follows))
    return follower
  }

  /** Rows that wait and versions, of the keys asked for. */
  private *rowsOf(follows: (key: number) => boolean): Iterable<HeldColumnRow> {
    const { keys, ints, width } = this.keys
    for (const place of this.keys.places()) {
      const key = keys[place] as number
      // When it came into force is not kept.
      if (ints[place * width + this.layout.mark] === 1 && follows(key)) yield { side: 1, key, timeMs: -Infinity, row: undefined } // prettier-ignore
    }
    for (const side of [0, 1] as const) {
      const of = this.sides[side]
      const rowAt = loopFrom<QueuedRow>('cols, e, k, t', `${of.declared}\nreturn ${of.rowText('arriving')}`)
      const { times, columns } = this.queues[side].snapshot()
      for (let e = 0; e < times.length; e++) {
        const key = columns[0]?.[e] as number
        const timeMs = times[e] as number
        if (follows(key)) yield { side, key, timeMs, row: rowAt(columns, e, key, timeMs) }
      }
    }
  }

  protected save(): ColumnAsOfState {
    return {
      keys: this.keys.snapshot(),
      queues: [this.queues[0].snapshot(), this.queues[1].snapshot()],
    }
  }

  protected load(state: unknown): void {
    const { keys, queues } = state as ColumnAsOfState
    this.keys.restore(keys)
    this.queues[0].restore(queues[0])
    this.queues[1].restore(queues[1])
  }

  /** Called by the loop: a left row without a version. */
  pad(timeMs: number, values: readonly number[]): void {
    if (!this.parts.pads) return
    const { fields } = this.sides[0]
    this.parts.out.addMade(Object.fromEntries(fields.map(({ name }, i) => [name, values[i]])), null, timeMs)
  }

  /** A batch whose times never go back: what of it is late stands at its beginning. The watermark before its last row, or nothing is taken. */
  private takeOrdered(side: Side, { run, eventTimesMs: times, count }: Batch): number | undefined {
    const queue = this.queues[side]
    if (run?.ordered !== true) return undefined
    let from = 0
    while (from < count && (times[from] as number) <= this.inputs.watermarkMs) from++
    if (from < count && (times[from] as number) < queue.newestMs) return undefined
    for (let e = 0; e < from; e++) this.context.drop(this.batch as Batch, e)
    queue.append(this.columns, times, from, count)
    return Math.max(run.firstMs, count > 1 ? (times[count - 2] as number) - run.trailMs : -Infinity)
  }

  private takeJudged(side: Side, { beforeMs, count }: Batch, ceilingMs: number): number {
    this.take(side, 0, count, beforeMs, ceilingMs)
    return beforeMs[count - 1] as number
  }

  /** Rows into their queue, each judged by the watermark before it. */
  private take(side: Side, from: number, to: number, befores: Float64Array | undefined, ceilingMs: number): void {
    const { columns } = this
    const batch = this.batch as Batch
    const times = batch.eventTimesMs
    const queue = this.queues[side]
    let { watermarkMs } = this.inputs
    let newestMs = queue.newestMs
    let start = from
    for (let e = from; e < to; e++) {
      if (befores !== undefined) {
        const b = befores[e] as number
        const reachedMs = b < ceilingMs ? b : ceilingMs
        if (reachedMs > watermarkMs) watermarkMs = reachedMs
      }
      const t = times[e] as number
      const late = t <= watermarkMs
      if (!late && t >= newestMs) {
        newestMs = t
        continue
      }
      queue.append(columns, times, start, e)
      start = e + 1
      if (late) this.context.drop(batch, e)
      else queue.late.add(columns, times, e)
    }
    queue.append(columns, times, start, to)
  }

  /** Everything up to a time: soonest first, of one instant versions before left rows. */
  private release(watermarkMs: number): void {
    const [left, right] = this.queues
    for (;;) {
      const timeMs = Math.min(left.late.soonestMs, right.late.soonestMs)
      if (timeMs > watermarkMs || timeMs === Infinity) break
      this.releaseInOrder(timeMs, false)
      // Of equal times the row in order came first: the other was older than the newest of them when it came.
      this.releaseInOrder(timeMs, true, 1)
      while (right.late.soonestMs === timeMs) this.mergeOne(right.late.take(), 1)
      this.releaseInOrder(timeMs, true, 0)
      while (left.late.soonestMs === timeMs) this.mergeOne(left.late.take(), 0)
    }
    this.releaseInOrder(watermarkMs, true)
  }

  /** Rows in order up to a time, of both sides or of one, in blocks that the loop looks up at a time. */
  private releaseInOrder(limitMs: number, inclusive: boolean, only?: Side): void {
    const [left, right] = this.queues
    for (;;) {
      const l = (only === 1 ? undefined : left.head) ?? NONE
      const r = (only === 0 ? undefined : right.head) ?? NONE
      let leftEnd = placeOf(l.times, l.first, Math.min(l.end, l.first + BLOCK), limitMs, inclusive)
      let rightEnd = placeOf(r.times, r.first, Math.min(r.end, r.first + BLOCK), limitMs, inclusive)
      if (leftEnd === l.first && rightEnd === r.first) return
      const nextLeft = l === NONE ? Infinity : left.timeFrom(leftEnd)
      const nextRight = r === NONE ? Infinity : right.timeFrom(rightEnd)
      // What stands behind the block comes between.
      leftEnd = placeOf(l.times, l.first, leftEnd, nextRight, false)
      rightEnd = placeOf(r.times, r.first, rightEnd, nextLeft, true)
      this.mergeRows(l, l.first, leftEnd, r, r.first, rightEnd)
      if (leftEnd > l.first) left.leave(leftEnd)
      if (rightEnd > r.first) right.leave(rightEnd)
    }
  }

  private mergeRows(
    left: Rows,
    leftFrom: number,
    leftTo: number,
    right: Rows,
    rightFrom: number,
    rightTo: number,
  ): void {
    const { keys } = this
    const { out } = this.parts
    if (keys.room < rightTo - rightFrom) keys.grow(undefined, BLOCK)
    if (out.capacity < out.count + leftTo - leftFrom) out.reserve(leftTo - leftFrom)
    this.merge(
      this, out, keys, left.columns, left.times, leftFrom, leftTo, right.columns, right.times, rightFrom, rightTo,
    ) // prettier-ignore
  }

  /** A row out of order. */
  private mergeOne(place: number, side: Side): void {
    const { late } = this.queues[side]
    if (side === 0) this.mergeRows(late, place, place + 1, NONE, 0, 0)
    else this.mergeRows(NONE, 0, 0, late, place, place + 1)
  }

  private check(): void {
    const [left, right] = this.queues
    const bytes =
      left.count * left.bytesPerRow + right.count * right.bytesPerRow + this.keys.count * (this.keys.width + 1) * 4
    const count = left.count + right.count + this.keys.count
    this.parts.limit.check(count, bytes, () => this.hottest())
  }

  private hottest(): { key: number; rows: number } {
    const counts = new Map<number, number>()
    let hottest = { key: 0, rows: 0 }
    for (const queue of this.queues) {
      for (const key of queue.snapshot().columns[0] ?? []) {
        const count = (counts.get(key) ?? 0) + 1
        counts.set(key, count)
        if (count > hottest.rows) hottest = { key, rows: count }
      }
    }
    return hottest
  }
}

type QueuedRow = (columns: readonly ColumnArray[], place: number, key: number, timeMs: number) => object

type Rows = Pick<Stretch, 'columns' | 'times'>

const NONE: Stretch = { columns: [], times: new Float64Array(0), first: 0, end: 0, capacity: 0, own: false }

export const KEPT = new ColumnAsOfJoin(keptParts())
