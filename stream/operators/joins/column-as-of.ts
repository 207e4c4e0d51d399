/**
 * As-of join of columns of numbers by one integer key: the rules of as-of.ts, with loops made for the lambda at hand.
 *
 * Versions wait for the watermark as left rows do. When it reaches a left row, the versions up to its time have been put in place,
 * each over the one before: a key has one version, whatever its history, and no list is searched.
 *
 *   left row ─▶ queue ──time reached──▶ the version of its key ─▶ columns of the result
 *   version  ─▶ queue ──time reached──▶ number of its key ─▶ place of that number in a dense array
 */
import type { Batch } from '../../model.ts'
import { entryText, IntEntries } from '../../state/int-entries.ts'
import type { IntEntriesState } from '../../state/int-entries.ts'
import { loopFrom } from '../compile.ts'
import type { StageContext } from '../operator.ts'
import { ColumnJoin, outText, writeText } from './column-join.ts'
import type { ColumnJoinPlan } from './column-join.ts'
import { ColumnQueue } from './column-queue.ts'
import type { ColumnQueueState } from './column-queue.ts'
import { ColumnSide, prefixed } from './column-side.ts'
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
  readonly keys: IntEntriesState
  /** By number of the key. */
  readonly versions: Int32Array
  readonly queues: readonly [ColumnQueueState, ColumnQueueState]
}

export class ColumnAsOfJoin extends ColumnJoin {
  private readonly parts: ColumnAsOfParts
  private readonly sides: readonly [ColumnSide, ColumnSide]
  private readonly queues: readonly [ColumnQueue, ColumnQueue]
  /** Number of each key with a version, from 1 on. */
  private readonly keys = new IntEntries(2)
  /** Version of each key by its number. */
  private readonly versions: Versions
  private readonly loops: Loops
  private batch: Batch | undefined
  private columns: ReturnType<ColumnSide['of']> = []

  constructor(parts: ColumnAsOfParts) {
    super(parts.context, parts.out)
    const { sides, pair } = parts.plan
    this.parts = parts
    this.sides = [new ColumnSide(sides[0], pair.reads[0], 1), new ColumnSide(sides[1], pair.reads[1], 1)]
    this.queues = [new ColumnQueue(this.sides[0].words), new ColumnQueue(this.sides[1].words)]
    const layout = versionOf(this.sides[1])
    this.versions = new Versions(layout.words)
    this.loops = loopsOf(this.sides, layout, parts)
  }

  protected begin(side: Side, batch: Batch): void {
    this.batch = batch
    this.columns = this.sides[side].of(batch)
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
      this.loops.release(this, left, right, watermarkMs)
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
    return this.keys.bytes + this.versions.bytes + this.queues[0].bytes + this.queues[1].bytes
  }

  protected save(): ColumnAsOfState {
    return {
      keys: this.keys.snapshot(),
      versions: this.versions.snapshot(this.keys.count),
      queues: [this.queues[0].snapshot(), this.queues[1].snapshot()],
    }
  }

  protected load(state: unknown): void {
    const { keys, versions, queues } = state as ColumnAsOfState
    this.keys.restore(keys)
    this.versions.restore(versions)
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
    this.loops.put(this, ints, floats, place)

  private readonly give = (ints: Int32Array, floats: Float64Array, place: number): void =>
    this.loops.give(this, ints, floats, place)

  private check(): void {
    const [left, right] = this.queues
    const bytes =
      left.count * left.words * 8 + right.count * right.words * 8 + this.keys.count * (this.versions.words + 1) * 8
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

type Columns = ReturnType<ColumnSide['of']>
type Wait = (join: ColumnAsOfJoin, queue: ColumnQueue, columns: Columns, times: Float64Array, from: number, to: number, watermarkMs: number) => void // prettier-ignore
type One = (join: ColumnAsOfJoin, ints: Int32Array, floats: Float64Array, place: number) => void

interface Loops {
  readonly wait: readonly [Wait, Wait]
  /** Everything up to the watermark, when nothing is out of order. */
  release(join: ColumnAsOfJoin, left: ColumnQueue, right: ColumnQueue, watermarkMs: number): void
  /** One version into its place. */
  readonly put: One
  /** One left row out. */
  readonly give: One
}

/** The newest version of each key that has come into force, by the key's number. */
class Versions {
  readonly words: number
  ints: Int32Array
  floats: Float64Array
  /** Keys it has places for. */
  capacity = 512

  constructor(words: number) {
    this.words = words
    this.ints = new Int32Array(this.capacity * words * 2)
    this.floats = new Float64Array(this.ints.buffer)
  }

  get bytes(): number {
    return this.ints.byteLength
  }

  grow(): void {
    const { ints } = this
    this.capacity *= 2
    this.ints = new Int32Array(this.capacity * this.words * 2)
    this.ints.set(ints)
    this.floats = new Float64Array(this.ints.buffer)
  }

  snapshot(keyCount: number): Int32Array {
    return this.ints.slice(0, keyCount * this.words * 2)
  }

  restore(ints: Int32Array): void {
    while (this.ints.length < ints.length) this.grow()
    this.ints.set(ints)
  }
}

interface VersionLayout {
  readonly words: number
  /** Texts of the values of version `v` in `V` and `VF`, one for each field of the right side. */
  readonly texts: readonly string[]
}

function versionOf({ fields, columns }: ColumnSide): VersionLayout {
  const ints = fields.filter(({ name, kind }) => kind === 'int' && name !== columns.key && name !== columns.time)
  const floats = fields.filter(field => field.name !== columns.key && !ints.includes(field))
  const firstFloat = Math.ceil(ints.length / 2)
  const words = Math.max(1, firstFloat + floats.length)
  const texts = fields.map(field => {
    if (field.name === columns.key) return 'k'
    return ints.includes(field)
      ? `V[v * ${words * 2} + ${ints.indexOf(field)}]`
      : `VF[v * ${words} + ${firstFloat + floats.indexOf(field)}]`
  })
  return { words, texts }
}

function loopsOf(sides: readonly [ColumnSide, ColumnSide], { texts }: VersionLayout, { plan }: ColumnAsOfParts): Loops {
  const { pair, kinds } = plan
  const [left, right] = sides
  const begin = `const out = join.parts.out, keys = join.keys, versions = join.versions
    let T = keys.ints, m = T.length - 1, V = versions.ints, VF = versions.floats, n = out.count, ${outText(kinds, false)}`
  const put = (prefix: string) => `{
      const k = ${prefix}I[s * ${right.words * 2} + 2]
      ${entryText(2)}
      let v = T[p + 1] - 1
      if (v < 0) {
        if (keys.room === 0) {
          keys.grow()
          T = keys.ints, m = T.length - 1, p = keys.find(k)
        }
        v = keys.count
        keys.room--
        T[p] = k, T[p + 1] = v + 1
        if (v === versions.capacity) {
          versions.grow()
          V = versions.ints, VF = versions.floats
        }
      }
      ${right.fields.map((field, i) => (texts[i] === 'k' ? '' : `${texts[i]} = ${prefixed(field.stored, prefix)}`)).join('; ')}
    }`
  const give = (prefix: string) => `{
      const k = ${prefix}I[s * ${left.words * 2} + 2], u = t
      ${entryText(2)}
      const v = T[p + 1] - 1
      ${left.fields.map((field, i) => `const l${i} = ${prefixed(field.stored, prefix)}`).join('; ')}
      if (v < 0) {
        out.count = n
        join.pad(t, [${left.fields.map((_, i) => `l${i}`).join(', ')}])
        n = out.count, ${outText(kinds, false)}
      } else {
        if (n === cap) { out.count = n; out.reserve(1); ${outText(kinds, false)} }
        ${right.fields.map((_, i) => `const r${i} = ${texts[i]}`).join('; ')}
        ${writeText(pair, kinds)}
        ot[n++] = t
      }
    }`
  return {
    wait: [waitOf(left), waitOf(right)],
    release: loopFrom<Loops['release']>(
      'join, left, right, W',
      `${begin}
      const LI = left.ints, LF = left.floats, LM = left.mask, ln = left.next
      const RI = right.ints, RF = right.floats, RM = right.mask, rn = right.next
      let lf = left.first, rf = right.first
      for (;;) {
        const t = lf < ln ? LF[(lf & LM) * ${left.words}] : Infinity, due = t <= W ? t : W
        while (rf < rn) {
          const s = rf & RM, u = RF[s * ${right.words}]
          if (u > due) break
          ${put('R')}
          rf++
        }
        if (t > W || lf === ln) break
        const s = lf & LM
        ${give('L')}
        lf++
      }
      left.first = lf, right.first = rf, out.count = n
      if (lf === ln) left.newestMs = -Infinity
      if (rf === rn) right.newestMs = -Infinity`,
    ),
    put: loopFrom<One>(
      'join, I, F, s',
      `${begin}
      const u = F[s * ${right.words}]
      ${put('')}
      out.count = n`,
    ),
    give: loopFrom<One>(
      'join, I, F, s',
      `${begin}
      const t = F[s * ${left.words}]
      ${give('')}
      out.count = n`,
    ),
  }
}

/** The loop that puts a run of rows into their queue. */
function waitOf(side: ColumnSide): Wait {
  const W = side.words
  const fill = `F[s * ${W}] = t, I[s * ${W * 2} + 2] = k
      ${side.filled}`
  return loopFrom<Wait>(
    'join, queue, cols, times, from, to, W',
    `${side.declared}
    let I = queue.ints, F = queue.floats, M = queue.mask, next = queue.next, full = queue.first + queue.capacity, newest = queue.newestMs
    for (let e = from; e < to; e++) {
      const t = times[e]
      if (t <= W) { join.late(e); continue }
      const k = c0[e]
      if (t < newest) {
        const late = queue.late, s = late.add(t), I = late.ints, F = late.floats
        ${fill}
        continue
      }
      if (next === full) {
        queue.next = next
        queue.grow()
        I = queue.ints, F = queue.floats, M = queue.mask, next = queue.next, full = queue.first + queue.capacity
      }
      const s = next & M
      ${fill}
      newest = t
      next++
    }
    queue.next = next
    queue.newestMs = newest`,
  )
}
