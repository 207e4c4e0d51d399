/**
 * Interval join of columns of numbers by one integer key, inner: the rules of interval.ts, with loops made for the lambda at hand.
 *
 *   run of rows ─▶ entry of the key ─▶ rows of the other side's list within the bounds ─▶ columns of the result
 *                       └─▶ head of its own side's list ─▶ ring
 */
import type { Batch } from '../../model.ts'
import { entryText, IntEntries } from '../../state/int-entries.ts'
import type { IntEntriesState } from '../../state/int-entries.ts'
import { loopFrom } from '../compile.ts'
import type { StageContext } from '../operator.ts'
import { ColumnJoin, outText, writeText } from './column-join.ts'
import type { ColumnJoinPlan } from './column-join.ts'
import { ColumnRing, SHORT_LIST } from './column-ring.ts'
import type { ColumnRingState } from './column-ring.ts'
import { ColumnSide, prefixed } from './column-side.ts'
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

/** Integers of a key's entry: key, lengths of its lists (24 at most), heads of the lists. */
const ENTRY = 4

export class ColumnIntervalJoin extends ColumnJoin {
  private readonly parts: ColumnIntervalParts
  private readonly sides: readonly [ColumnSide, ColumnSide]
  private readonly rings: readonly [ColumnRing, ColumnRing]
  private readonly keys = new IntEntries(ENTRY)
  private readonly loops: readonly [Loop, Loop]
  private readonly near = { places: new Int32Array(64) }
  private batch: Batch | undefined
  private columns: ReturnType<ColumnSide['of']> = []

  constructor(parts: ColumnIntervalParts) {
    super(parts.context, parts.out)
    const { plan, fromMs, toMs } = parts
    this.parts = parts
    this.sides = [
      new ColumnSide(plan.sides[0], plan.pair.reads[0], 1),
      new ColumnSide(plan.sides[1], plan.pair.reads[1], 1),
    ]
    this.rings = [new ColumnRing(this.sides[0].words, toMs), new ColumnRing(this.sides[1].words, -fromMs)]
    this.loops = [loopOf(0, this.sides, parts), loopOf(1, this.sides, parts)]
  }

  protected begin(side: Side, batch: Batch): void {
    this.batch = batch
    this.columns = this.sides[side].of(batch)
  }

  protected onRun(side: Side, from: number, to: number): void {
    const { eventTimesMs } = this.batch as Batch
    const run = this.loops[side]
    run(
      this,
      this.rings[side],
      this.rings[side === 0 ? 1 : 0],
      this.columns,
      eventTimesMs,
      from,
      to,
      this.inputs.watermarkMs,
    )
  }

  protected end(): void {
    this.batch = undefined
    this.columns = []
    this.check()
  }

  protected advance(watermarkMs: number): void {
    this.rings[0].expire(watermarkMs)
    this.rings[1].expire(watermarkMs)
  }

  stateBytes(): number {
    return this.keys.bytes + this.rings[0].bytes + this.rings[1].bytes
  }

  waitingCount(): number {
    return this.rings[0].count + this.rings[1].count
  }

  protected heldCounts(): readonly [number, number] {
    return [this.rings[0].count, this.rings[1].count]
  }

  protected save(): ColumnIntervalState {
    return { keys: this.keys.snapshot(), rings: [this.rings[0].snapshot(), this.rings[1].snapshot()] }
  }

  protected load(state: unknown): void {
    const { keys, rings } = state as ColumnIntervalState
    this.keys.restore(keys)
    this.rings[0].restore(rings[0])
    this.rings[1].restore(rings[1])
  }

  /** Called by the loops: a row that came too late. */
  late(e: number): void {
    this.context.drop(this.batch as Batch, e)
  }

  /** Called by the loops: room for a key. */
  growKeys(): void {
    const [left, right] = [this.rings[0].tail, this.rings[1].tail]
    this.keys.grow((ints, at) => (ints[at + 2] as number) < left && (ints[at + 3] as number) < right)
  }

  /** Called by the loops: room for a row. */
  growRing(side: Side): void {
    this.check()
    this.rings[side].makeRoom(this.inputs.watermarkMs, numberOf => {
      const { ints } = this.keys
      for (let at = 0; at < ints.length; at += ENTRY) ints[at + 2 + side] = numberOf(ints[at + 2 + side] as number)
    })
  }

  /** Called by the loops: room for places of partners. */
  growNear(): Int32Array {
    const places = new Int32Array(this.near.places.length * 2)
    places.set(this.near.places)
    return (this.near.places = places)
  }

  private check(): void {
    const [left, right] = this.rings
    const bytes = left.count * left.bytesPerRow + right.count * right.bytesPerRow
    this.parts.limit.check(left.count + right.count, bytes, () => this.hottest())
  }

  private hottest(): { key: number; rows: number } {
    const { ints } = this.keys
    let hottest = { key: 0, rows: -1 }
    for (let at = 0; at < ints.length; at += ENTRY) {
      if (ints[at + 1] === 0) continue
      for (const side of [0, 1] as const) {
        const { tail, mask, words, ints: rows } = this.rings[side]
        let length = 0
        for (let row = ints[at + 2 + side] as number; row >= tail; row = rows[(row & mask) * words * 2 + 2] as number)
          length++
        if (length > hottest.rows) hottest = { key: ints[at] as number, rows: length }
      }
    }
    return hottest
  }
}

type Loop = (
  join: ColumnIntervalJoin,
  mine: ColumnRing,
  other: ColumnRing,
  columns: ReturnType<ColumnSide['of']>,
  times: Float64Array,
  from: number,
  to: number,
  watermarkMs: number,
) => void

/** The loop over a run of one side. */
function loopOf(
  side: Side,
  sides: readonly [ColumnSide, ColumnSide],
  { plan, fromMs, toMs }: ColumnIntervalParts,
): Loop {
  const [mine, other] = side === 0 ? sides : [sides[1], sides[0]]
  const [first, last] = side === 0 ? [fromMs, toMs] : [-toMs, -fromMs]
  const [own, partner] = side === 0 ? ['l', 'r'] : ['r', 'l']
  const W = mine.words
  const OW = other.words
  const shift = side === 0 ? 1 : 6
  return loopFrom<Loop>(
    'join, mine, other, cols, times, from, to, W',
    `const out = join.parts.out, keys = join.keys
    ${mine.declared}
    let T = keys.ints, m = T.length - 1, left = keys.room
    let I = mine.ints, F = mine.floats, M = mine.mask, J = mine.jumps, tail = mine.tail, seq = mine.next, full = tail + mine.capacity
    const OI = other.ints, OF = other.floats, OM = other.mask, otail = other.tail
    let near = join.near.places, n = out.count, ${outText(plan.kinds, false)}
    for (let e = from; e < to; e++) {
      const t = times[e]
      if (t <= W) { join.late(e); continue }
      if (seq === full) {
        mine.next = seq
        join.growRing(${side})
        I = mine.ints, F = mine.floats, M = mine.mask, J = mine.jumps, tail = mine.tail, seq = mine.next, full = tail + mine.capacity
      }
      const k = c0[e]
      ${entryText(ENTRY)}
      if (T[p + 1] === 0) {
        if (left === 0) {
          keys.room = 0
          mine.next = seq
          join.growKeys()
          T = keys.ints, m = T.length - 1, left = keys.room, e--
          continue
        }
        left--
        T[p] = k, T[p + 1] = 1, T[p + 2] = -1, T[p + 3] = -1
      }
      let x = T[p + ${side === 0 ? 3 : 2}]
      if (x >= otail) {
        const low = t + ${first}, high = t + ${last}
        if (OF[(x & OM) * ${OW}] > high) x = other.seek(x, high)
        let c = 0
        while (x >= otail) {
          const s = x & OM
          if (OF[s * ${OW}] < low) break
          if (c === near.length) near = join.growNear()
          near[c++] = s
          x = OI[s * ${OW * 2} + 2]
        }
        if (n + c > cap) { out.count = n; out.reserve(c); ${outText(plan.kinds, false)} }
        while (c > 0) {
          const s = near[--c], u = OF[s * ${OW}]
          ${mine.fields.map((field, i) => `const ${own}${i} = ${field.arriving}`).join('; ')}
          ${other.fields.map((field, i) => `const ${partner}${i} = ${prefixed(field.stored, 'O')}`).join('; ')}
          ${writeText(plan.pair, plan.kinds)}
          ot[n++] = t > u ? t : u
        }
      }
      if (t + ${last} <= W) continue
      const h = T[p + ${2 + side}], s = seq & M
      F[s * ${W}] = t
      ${mine.filled}
      J[s] = -1
      if (h >= tail && F[(h & M) * ${W}] > t) mine.enter(seq, h, t)
      else {
        I[s * ${W * 2} + 2] = h
        T[p + ${2 + side}] = seq
        const d = T[p + 1]
        if (h < tail) T[p + 1] = d & ${~(31 << shift)} | ${1 << shift}
        else if ((d >>> ${shift} & 31) < ${SHORT_LIST}) T[p + 1] = d + ${1 << shift}
        else mine.addJump(seq, h)
      }
      seq++
    }
    keys.room = left
    mine.next = seq
    out.count = n`,
  )
}
