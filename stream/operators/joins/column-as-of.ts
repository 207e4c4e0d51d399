/**
 * As-of join of columns of numbers by one integer key: the rules of as-of.ts, with loops made for the lambda at hand.
 *
 * Versions wait for the watermark as left rows do. When it reaches a left row, the versions up to its time have been put in place,
 * each over the one before: a key has one version, whatever its history, and no list is searched.
 *
 *   left row ─▶ queue ──time reached──▶ the version in the entry of its key ─▶ columns of the result
 *   version  ─▶ queue ──time reached──▶ the entry of its key
 *
 * Rows of the side that lags, in the order of their times, wait where they are, in their batch: as the watermark goes along with them,
 * only those of its last millisecond ever stand in the queue.
 */
import type { Batch } from '../../model.ts'
import { IntEntries } from '../../state/int-entries.ts'
import type { IntEntriesState } from '../../state/int-entries.ts'
import type { StageContext } from '../operator.ts'
import { loopsOf, Place, versionOf } from './column-as-of-loops.ts'
import type { AsOfLoops } from './column-as-of-loops.ts'
import { ColumnJoin } from './column-join.ts'
import type { ColumnJoinPlan } from './column-join.ts'
import { ColumnQueue } from './column-queue.ts'
import type { ColumnQueueState } from './column-queue.ts'
import { ColumnSide } from './column-side.ts'
import { PairColumns } from './pair-columns.ts'
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

/** Rows a loop takes at a time: V8 makes a loop fast between two calls, not while it runs for the first time. */
const AT_ONCE = 1024

export class ColumnAsOfJoin extends ColumnJoin {
  private readonly parts: ColumnAsOfParts
  private readonly sides: readonly [ColumnSide, ColumnSide]
  private readonly queues: readonly [ColumnQueue, ColumnQueue]
  /** Each key with the newest of its versions that has come into force. */
  private readonly keys: IntEntries
  private readonly loops: AsOfLoops
  private readonly place = new Place()
  private batch: Batch | undefined
  private columns: ReturnType<ColumnSide['of']> = []

  constructor(parts: ColumnAsOfParts) {
    super(parts.context, parts.out)
    const { sides, pair } = parts.plan
    this.parts = parts
    this.sides = [new ColumnSide(sides[0], pair.reads[0], 1), new ColumnSide(sides[1], pair.reads[1], 1)]
    this.queues = [new ColumnQueue(this.sides[0].words), new ColumnQueue(this.sides[1].words)]
    const layout = versionOf(this.sides[1])
    this.keys = new IntEntries(layout.width)
    this.loops = loopsOf(this.sides, layout, parts.plan, parts.pads)
  }

  protected begin(side: Side, batch: Batch): void {
    this.batch = batch
    this.columns = this.sides[side].of(batch)
  }

  protected override straight(side: Side, batch: Batch): number {
    const { inputs, queues } = this
    const ceilingMs = inputs.ceilingOver(side)
    if (ceilingMs === undefined || queues[0].late.count > 0 || queues[1].late.count > 0) return 0
    const { place, columns, keys } = this
    const { out } = this.parts
    const { count, eventTimesMs, run } = batch
    const befores = run === undefined ? batch.beforeMs : undefined
    place.pending = place.next = 0
    place.toldMs = -Infinity
    place.watermarkMs = inputs.watermarkMs
    place.runningMs = run?.firstMs ?? 0
    const trailMs = run?.trailMs ?? 0
    const [left, right] = queues
    for (let to = 0; to < count && place.next === to;) {
      to = Math.min(count, to + AT_ONCE)
      if (befores === undefined)
        this.loops.running[side](this, out, keys, left, right, columns, eventTimesMs, to, ceilingMs, place, trailMs)
      else this.loops.straight[side](this, out, keys, left, right, columns, eventTimesMs, to, ceilingMs, place, befores)
    }
    // Judged and not yet due.
    if (place.pending < place.next)
      this.loops.wait[side](this, queues[side], columns, eventTimesMs, place.pending, place.next, -Infinity)
    this.tell(side, place.toldMs)
    return place.next
  }

  protected onRun(side: Side, from: number, to: number): void {
    const { eventTimesMs } = this.batch as Batch
    this.loops.wait[side](this, this.queues[side], this.columns, eventTimesMs, from, to, this.inputs.watermarkMs)
  }

  protected end(): void {
    this.batch = undefined
    this.columns = []
    this.check()
  }

  protected advance(watermarkMs: number): void {
    const [left, right] = this.queues
    if (left.isInOrder(watermarkMs) && right.isInOrder(watermarkMs)) {
      this.loops.release(this, this.parts.out, this.keys, left, right, watermarkMs)
      return
    }
    for (;;) {
      const timeMs = left.soonestMs
      const untilMs = Math.min(timeMs, watermarkMs)
      while (right.count > 0 && right.soonestMs <= untilMs) right.take(this.put)
      if (left.count === 0 || timeMs > watermarkMs) return
      left.take(this.give)
    }
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

  /** Called by the loops: a row that came too late. */
  late(e: number): void {
    this.context.drop(this.batch as Batch, e)
  }

  /** Called by the loops: a left row without a version. */
  pad(timeMs: number, values: readonly number[]): void {
    if (!this.parts.pads) return
    const { fields } = this.sides[0]
    this.parts.out.addMade(Object.fromEntries(fields.map(({ name }, i) => [name, values[i]])), null, timeMs)
  }

  private readonly put = (ints: Int32Array, floats: Float64Array, place: number): void =>
    this.loops.put(this, this.parts.out, this.keys, ints, floats, place)

  private readonly give = (ints: Int32Array, floats: Float64Array, place: number): void =>
    this.loops.give(this, this.parts.out, this.keys, ints, floats, place)

  private check(): void {
    const [left, right] = this.queues
    const bytes = left.count * left.words * 8 + right.count * right.words * 8 + this.keys.count * this.keys.width * 4
    const count = left.count + right.count + this.keys.count
    this.parts.limit.check(count, bytes, () => this.hottest())
  }

  private hottest(): { key: number; rows: number } {
    const counts = new Map<number, number>()
    let hottest = { key: 0, rows: 0 }
    for (const queue of this.queues) {
      const { rows } = queue.snapshot()
      for (let at = 0; at < rows.length; at += queue.words * 2) {
        const key = rows[at + 2] as number
        const count = (counts.get(key) ?? 0) + 1
        counts.set(key, count)
        if (count > hottest.rows) hottest = { key, rows: count }
      }
    }
    return hottest
  }
}

/** V8 forgets what it has compiled for a class with the last of its objects: a stream begun anew would be slow again. */
export const KEPT = [
  new Place(),
  new ColumnQueue(1),
  new IntEntries(2),
  // What its rows are made with is not looked at.
  new PairColumns({ names: [], kinds: [] } as never),
]
