/**
 * Interval join of columns of numbers by one integer key, inner: the rules of interval.ts, with loops made for the lambda at hand.
 *
 *   run of rows ─▶ entry of the key ─▶ rows of the other side's list within the bounds ─▶ columns of the result
 *                       └─▶ head of its own side's list ─▶ ring
 *
 * Rows so far ahead that none of the other side which has come can meet them wait in the batch they came in. They go into the ring
 * when the other side gets near: a list then holds few rows that are newer than those looked up in it.
 */
import type { Batch } from '../../model.ts'
import { EMPTY, IntEntries } from '../../state/int-entries.ts'
import type { IntEntriesState } from '../../state/int-entries.ts'
import { loopFrom } from '../compile.ts'
import type { StageContext } from '../operator.ts'
import { BLOCK, ColumnJoin, keptParts, outText, writeText } from './column-join.ts'
import type { ColumnJoinPlan } from './column-join.ts'
import { IntervalColumnLanes } from './column-lanes.ts'
import type { ColumnLanes, HeldColumnRow } from './column-lanes.ts'
import { ColumnQueue, placeOf } from './column-queue.ts'
import type { ColumnArray, Stretch } from './column-queue.ts'
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
  private readonly keys = new IntEntries(ENTRY, 'within')
  /** Rows that have looked for no partner yet, as there was none. */
  private readonly ahead: readonly [ColumnQueue, ColumnQueue]
  /** How far the time of a partner that came before may lie behind. */
  private readonly reachMs: readonly [number, number]
  private readonly loops: Readonly<Record<Moves, readonly [Loop, Loop]>>
  private readonly place: Place = { toldMs: -Infinity, watermarkMs: -Infinity, runningMs: -Infinity }
  private readonly scratch = SCRATCH
  private readonly near = { places: new Int32Array(64) }
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
    const loops = (moves: Moves) => [loopOf(0, this.sides, parts, moves), loopOf(1, this.sides, parts, moves)] as const
    this.loops = { still: loops('still'), told: loops('told'), running: loops('running'), none: loops('none') }
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
        this.block(side, this.loops.none[side], { columns, times }, e, Math.min(end, e + BLOCK))
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
    this.takeRows(side, this.loops.still[side], from, to)
  }

  protected override straight(side: Side, batch: Batch, count: number): number {
    const { run } = batch
    const ceilingMs = this.inputs.ceilingOver(side)
    if (ceilingMs === undefined || this.inputs.isHeldBy(side === 0 ? 1 : 0)) return 0
    const { place } = this
    place.watermarkMs = this.inputs.watermarkMs
    place.toldMs = -Infinity
    place.runningMs = run?.firstMs ?? -Infinity
    const loop = this.loops[run === undefined ? 'told' : 'running'][side]
    const befores = run === undefined ? batch.beforeMs : undefined
    this.takeRows(side, loop, 0, count, { befores, ceilingMs, trailMs: run?.trailMs ?? 0 })
    return count
  }

  /** Rows of the batch at hand. */
  private takeRows(side: Side, loop: Loop, from: number, to: number, moves?: Course): void {
    const { columns, place } = this
    const { eventTimesMs: times } = this.batch as Batch
    for (let e = from; e < to; e += BLOCK) {
      const end = Math.min(to, e + BLOCK)
      this.bringUpPartners(side, times, e, end)
      this.block(side, loop, { columns, times }, e, end, moves)
      if (moves !== undefined) this.tell(side, place.toldMs)
    }
  }

  private block(side: Side, loop: Loop, rows: Rows, from: number, to: number, course = STILL): void {
    const { keys, rings } = this
    const [mine, other] = side === 0 ? rings : [rings[1], rings[0]]
    if (keys.room < to - from) this.growKeys()
    while (mine.room < to - from) this.growRing(side)
    const { befores, ceilingMs, trailMs } = course
    loop(this, mine, other, rows.columns, rows.times, from, to, this.place, befores, ceilingMs, trailMs)
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

  /** Called by the loops: a row that came too late. */
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

  /** Called by the loops: room for places of partners. */
  growNear(): Int32Array {
    const places = new Int32Array(this.near.places.length * 2)
    places.set(this.near.places)
    return (this.near.places = places)
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

interface Place {
  /** The newest watermark before a row of this side, and of both sides. */
  toldMs: number
  watermarkMs: number
  /** Of the batch alone. */
  runningMs: number
}

type Loop = (
  join: ColumnIntervalJoin,
  mine: ColumnRing,
  other: ColumnRing,
  columns: readonly ColumnArray[],
  times: Float64Array,
  from: number,
  to: number,
  place: Place,
  befores: Float64Array | undefined,
  ceilingMs: number,
  trailMs: number,
) => void

type Rows = Pick<Stretch, 'columns' | 'times'>

/** What the watermark follows along a batch. */
interface Course {
  readonly befores: Float64Array | undefined
  readonly ceilingMs: number
  readonly trailMs: number
}

const STILL: Course = { befores: undefined, ceilingMs: 0, trailMs: 0 }

type KeptRow = (ints: Int32Array, floats: Float64Array, place: number, key: number, timeMs: number) => object

/**
 * How the watermark moves along a batch: it stands still, is told for each row, or follows the times. With none the rows have been
 * judged and have no partners: they are put into the ring.
 */
type Moves = 'still' | 'told' | 'running' | 'none'

/** What is looked up of a block of rows, one loop each: short loops have the processor wait for many places of memory at once. */
const SCRATCH = {
  entries: new Int32Array(BLOCK),
  heads: new Int32Array(BLOCK),
  seconds: new Int32Array(BLOCK),
  missed: new Int32Array(BLOCK),
  watermarks: new Float64Array(BLOCK),
}

/** Looks at the second and third rows of the lists, so that they are near when they are read. */
const nearText = (words: number) => `for (let i = 0; i < count; i++) {
      const x = X[i]
      Y[i] = x < otail ? -1 : OI[(x & OM) * ${words * 2} + 2]
    }
    for (let i = 0; i < count; i++) {
      const x = Y[i]
      if (x >= otail) Y[i] = OI[(x & OM) * ${words * 2} + 2]
    }`

/** The loops over a block of rows of one side, at most `BLOCK` of them. */
function loopOf(
  side: Side,
  sides: readonly [ColumnSide, ColumnSide],
  { plan, fromMs, toMs }: ColumnIntervalParts,
  moves: Moves,
): Loop {
  const [mine, other] = side === 0 ? sides : [sides[1], sides[0]]
  const [first, last] = side === 0 ? [fromMs, toMs] : [-toMs, -fromMs]
  const [own, partner] = side === 0 ? ['l', 'r'] : ['r', 'l']
  const W = mine.words
  const OW = other.words
  const shift = side === 0 ? 0 : 5
  const step = {
    none: '',
    still: '',
    told: 'const b = befores[e]',
    running: 'const b = running',
  }[moves]
  const moving = moves === 'told' || moves === 'running'
  const probes = moves !== 'none'
  /** The partners of a row. */
  const probeText = `let x = X[i]
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
        ${moving ? 'if (c > 0 && B[i] !== stepped) { out.count = n; out.beforeMs = stepped = B[i] }' : ''}
        if (n + c > cap) { out.count = n; out.reserve(c); ${outText(plan.kinds, false)} }
        while (c > 0) {
          const s = near[--c], u = OF[s * ${OW}]
          ${mine.fields.map((field, i) => `const ${own}${i} = ${field.arriving}`).join('; ')}
          ${other.fields.map((field, i) => `const ${partner}${i} = ${prefixed(field.stored, 'O')}`).join('; ')}
          ${writeText(plan.pair, plan.kinds)}
          ot[n++] = t > u ? t : u
        }
      }`
  return loopFrom<Loop>(
    'join, mine, other, cols, times, from, to, place, befores, ceiling, trail',
    `const out = join.parts.out, keys = join.keys, count = to - from
    ${mine.declared}
    const T = keys.ints, m = keys.capacity * ${ENTRY} - 1
    const I = mine.ints, F = mine.floats, M = mine.mask, J = mine.jumps, tail = mine.tail
    const OI = other.ints, OF = other.floats, OM = other.mask, otail = other.tail
    const { entries: P, heads: X, seconds: Y, missed: Z${moving ? ', watermarks: B' : ''} } = join.scratch
    let W = place.watermarkMs, told = place.toldMs, running = place.runningMs, c = 0
    for (let i = 0; i < count; i++) {
      const e = from + i, t = times[e]
      ${step}
      ${moving ? 'if (b > told) { told = b; const w = b < ceiling ? b : ceiling; if (w > W) W = w }\n      B[i] = W' : ''}
      ${moves === 'running' ? 'if (t - trail > running) running = t - trail' : ''}
      ${probes ? 'if (t <= W) { join.late(e); P[i] = X[i] = -1; continue }' : ''}
      const k = c0[e], p = k === ${EMPTY} ? keys.oddPlace(-1) * ${ENTRY} : (Math.imul(k, 0x9E3779B1) >>> 7) * ${ENTRY} & m
      P[i] = p
      X[i] = T[p + ${3 - side}]
      const d = T[p] ^ k
      Z[c] = i
      c += (d | -d) >>> 31
    }
    place.watermarkMs = W, place.toldMs = told, place.runningMs = running
    let left = keys.room
    for (let j = 0; j < c; j++) {
      const i = Z[j], k = c0[from + i]
      let p = P[i]
      while (T[p] !== ${EMPTY} && T[p] !== k) p = p + ${ENTRY} & m
      if (T[p] === ${EMPTY}) {
        left--
        T[p] = k, T[p + 1] = 0, T[p + 2] = -1, T[p + 3] = -1
      }
      P[i] = p
      X[i] = T[p + ${3 - side}]
    }
    keys.room = left
    ${probes ? nearText(OW) : ''}
    let seq = mine.next, newest = mine.newestMs, near = join.near.places, n = out.count, ${outText(plan.kinds, false)}
    ${moving ? 'let stepped = out.beforeMs' : ''}
    for (let i = 0; i < count; i++) {
      const p = P[i]
      if (p < 0) continue
      const e = from + i, t = times[e], k = c0[e]
      ${probes ? probeText : ''}
      if (t + ${last} <= ${moving ? 'B[i]' : 'W'}) continue
      const h = T[p + ${2 + side}], s = seq & M
      F[s * ${W}] = t
      ${mine.filled}
      J[s] = -1
      if (t < newest && h >= tail && F[(h & M) * ${W}] > t) mine.enter(seq, h, t)
      else {
        if (t > newest) newest = t
        I[s * ${W * 2} + 2] = h
        T[p + ${2 + side}] = seq
        const d = T[p + 1]
        if (h < tail) T[p + 1] = d & ${~(31 << shift)} | ${1 << shift}
        else if ((d >>> ${shift} & 31) < ${SHORT_LIST}) T[p + 1] = d + ${1 << shift}
        else mine.addJump(seq, h)
      }
      seq++
    }
    mine.next = seq
    mine.newestMs = newest
    out.count = n`,
  )
}

export const KEPT = new ColumnIntervalJoin(keptParts())
