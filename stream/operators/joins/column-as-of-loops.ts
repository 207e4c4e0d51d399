/** Loops of as-of joins over columns, made for the lambda at hand: rows into queues, versions into entries, left rows out. */
import { entryText } from '../../state/int-entries.ts'
import type { IntEntries } from '../../state/int-entries.ts'
import { loopFrom } from '../compile.ts'
import type { ColumnAsOfJoin } from './column-as-of.ts'
import { outText, writeText } from './column-join.ts'
import type { ColumnJoinPlan } from './column-join.ts'
import type { ColumnQueue } from './column-queue.ts'
import { prefixed } from './column-side.ts'
import type { ColumnSide } from './column-side.ts'
import type { PairColumns } from './pair-columns.ts'
import type { Side } from './two-sides.ts'

type Columns = ReturnType<ColumnSide['of']>
/** How far a straight run is: the first row that waits, the first it has not taken, and the watermark before that. */
export class Place {
  pending = 0
  next = 0
  toldMs = -Infinity
  /** Of both sides. */
  watermarkMs = -Infinity
  /** Of the batch alone. */
  runningMs = -Infinity
}
type Wait = (join: ColumnAsOfJoin, queue: ColumnQueue, columns: Columns, times: Float64Array, from: number, to: number, watermarkMs: number) => void // prettier-ignore
type One = (
  join: ColumnAsOfJoin,
  out: PairColumns,
  keys: IntEntries,
  ints: Int32Array,
  floats: Float64Array,
  place: number,
) => void
type Straight = (join: ColumnAsOfJoin, out: PairColumns, keys: IntEntries, left: ColumnQueue, right: ColumnQueue, columns: Columns, times: Float64Array, to: number, ceilingMs: number, place: Place, befores: Float64Array) => void // prettier-ignore
type Running = (join: ColumnAsOfJoin, out: PairColumns, keys: IntEntries, left: ColumnQueue, right: ColumnQueue, columns: Columns, times: Float64Array, to: number, ceilingMs: number, place: Place, trailMs: number) => void // prettier-ignore

export interface AsOfLoops {
  readonly wait: readonly [Wait, Wait]
  /** Everything up to the watermark, when nothing is out of order. */
  release(
    join: ColumnAsOfJoin,
    out: PairColumns,
    keys: IntEntries,
    left: ColumnQueue,
    right: ColumnQueue,
    watermarkMs: number,
  ): void
  /** One version into its place. */
  readonly put: One
  /** One left row out. */
  readonly give: One
  /** A batch of one side in order, the watermark going along with it: up to a row that is late or out of order. */
  readonly straight: readonly [Straight, Straight]
  /** The same where the batch's times alone move the watermark (`Batch.run`). */
  readonly running: readonly [Running, Running]
}

export interface VersionLayout {
  /** Integers of an entry. */
  readonly width: number
  /** Texts of the values of the version in the entry at `p` of `T` and `TF`, one for each field of the right side. */
  readonly texts: readonly string[]
}

/** Behind a key and its mark stand the version's numbers, then its whole numbers. */
export function versionOf({ fields, columns }: ColumnSide): VersionLayout {
  const ints = fields.filter(({ name, kind }) => kind === 'int' && name !== columns.key && name !== columns.time)
  const floats = fields.filter(field => field.name !== columns.key && !ints.includes(field))
  let width = 2
  while (width < 2 + 2 * floats.length + ints.length) width *= 2
  const texts = fields.map(field => {
    if (field.name === columns.key) return 'k'
    return ints.includes(field)
      ? `T[p + ${2 + 2 * floats.length + ints.indexOf(field)}]`
      : `TF[(p >> 1) + ${1 + floats.indexOf(field)}]`
  })
  return { width, texts }
}

export function loopsOf(
  sides: readonly [ColumnSide, ColumnSide],
  { width, texts }: VersionLayout,
  { pair, kinds }: ColumnJoinPlan,
  pads: boolean,
): AsOfLoops {
  const [left, right] = sides
  const begin = `let T = keys.ints, TF = keys.floats, m = T.length - 1, n = out.count, ${outText(kinds, false)}`
  const rings = `const LI = left.ints, LF = left.floats, LM = left.mask, ln = left.next
      const RI = right.ints, RF = right.floats, RM = right.mask, rn = right.next
      let lf = left.first, rf = right.first`
  const leave = `left.first = lf, right.first = rf, out.count = n
      if (lf === ln) left.newestMs = -Infinity
      if (rf === rn) right.newestMs = -Infinity`
  /** The version of key `k`, whose values have these texts, into its entry. */
  const put = (values: readonly string[]) => `${entryText(width)}
      if (T[p + 1] === 0) {
        if (keys.room === 0) {
          keys.grow()
          T = keys.ints, TF = keys.floats, m = T.length - 1, p = keys.find(k)
        }
        keys.room--
        T[p] = k, T[p + 1] = 1
      }
      ${values.map((value, i) => (texts[i] === 'k' ? '' : `${texts[i]} = ${value}`)).join('; ')}`
  const pad = padText(left, { pair, kinds }, pads)
  /** The left row of key `k` and time `t`, whose values have these texts, out. */
  const give = (values: readonly string[]) => `${entryText(width)}
      ${values.map((value, i) => `const l${i} = ${value}`).join('; ')}
      if (T[p + 1] === 0) {
        ${pad}
      } else {
        if (n === cap) { out.count = n; out.reserve(1); ${outText(kinds, false)} }
        ${right.fields.map((_, i) => `const r${i} = ${texts[i]}`).join('; ')}
        ${writeText(pair, kinds)}
        ot[n++] = t
      }`
  const stored = (side: ColumnSide, prefix: string) => side.fields.map(field => prefixed(field.stored, prefix))
  const arriving = (side: ColumnSide) => side.fields.map(field => field.arriving)
  const putFrom = (prefix: string) => `const k = ${prefix}I[s * ${right.words * 2} + 2]
      ${put(stored(right, prefix))}`
  const giveFrom = (prefix: string) => `const k = ${prefix}I[s * ${left.words * 2} + 2], u = t
      ${give(stored(left, prefix))}`
  /** Everything of both rings up to `W`, and of the rows of one side from `pend` up to `e` that wait in their batch. */
  const release = (arrives: Side | undefined) => `for (;;) {
        let t = lf < ln ? LF[(lf & LM) * ${left.words}] : ${arrives === 0 ? 'pend < e ? times[pend] : Infinity' : 'Infinity'}
        const due = t <= W ? t : W
        while (rf < rn) {
          const s = rf & RM, u = RF[s * ${right.words}]
          if (u > due) break
          ${putFrom('R')}
          rf++
        }
        ${
          arrives === 1
            ? `for (; pend < e; pend++) {
          const t = times[pend]
          if (t > due) break
          const e = pend, k = c0[e]
          ${put(arriving(right))}
        }`
            : ''
        }
        if (t > W || t === Infinity) break
        ${arrives === undefined ? '' : 'if (stepped !== before) { out.count = n; out.beforeMs = stepped = before }'}
        ${
          arrives === 0
            ? `if (lf === ln) {
          const e = pend++, k = c0[e]
          ${give(arriving(left))}
          continue
        }`
            : ''
        }
        const s = lf & LM
        ${giveFrom('L')}
        lf++
      }`
  const straight = (side: Side, before: string, after: string) => `${begin}
      ${sides[side].declared}
      ${rings}
      let pend = place.pending, e = place.next, told = place.toldMs, W = place.watermarkMs, before = W, stepped = out.beforeMs
      let newest = e === 0 ? ${side === 0 ? 'left' : 'right'}.newestMs : times[e - 1]${after === '' ? '' : ', running = place.runningMs'}
      for (; e < to; e++) {
        const b = ${before}
        if (b > told) {
          told = b
          const w = b < ceiling ? b : ceiling
          if (w > W) {
            before = W
            W = w
            ${release(side)}
          }
        }
        const t = times[e]
        if (t <= W || t < newest) break
        newest = t
        ${after}
      }
      ${leave}
      place.pending = pend, place.next = e, place.toldMs = told, place.watermarkMs = W${after === '' ? '' : ', place.runningMs = running'}`
  const straightOf = (side: Side) =>
    loopFrom<Straight>(
      'join, out, keys, left, right, cols, times, to, ceiling, place, befores',
      straight(side, 'befores[e]', ''),
    )
  const runningOf = (side: Side) =>
    loopFrom<Running>(
      'join, out, keys, left, right, cols, times, to, ceiling, place, trail',
      straight(side, 'running', 'if (t - trail > running) running = t - trail'),
    )
  return {
    wait: [waitOf(left), waitOf(right)],
    release: loopFrom<AsOfLoops['release']>(
      'join, out, keys, left, right, W',
      `${begin}
      ${rings}
      ${release(undefined)}
      ${leave}`,
    ),
    put: loopFrom<One>(
      'join, out, keys, I, F, s',
      `${begin}
      const u = F[s * ${right.words}]
      ${putFrom('')}
      out.count = n`,
    ),
    give: loopFrom<One>(
      'join, out, keys, I, F, s',
      `${begin}
      const t = F[s * ${left.words}]
      ${giveFrom('')}
      out.count = n`,
    ),
    straight: [straightOf(0), straightOf(1)],
    running: [runningOf(0), runningOf(1)],
  }
}

/** Text that gives the left row with `l0`, `l1` … without a version; the lambda itself is called where its text throws. */
function padText(
  { fields }: ColumnSide,
  { pair, kinds }: Pick<ColumnJoinPlan, 'pair' | 'kinds'>,
  pads: boolean,
): string {
  if (!pads) return ''
  const values = pair.fields.map(([, { missing }], i) => `m${i} = ${missing}`).join(', ')
  const call = `out.count = n
        join.pad(t, [${fields.map((_, i) => `l${i}`).join(', ')}])
        n = out.count, ${outText(kinds, false)}`
  const put = kinds.map((kind, i) =>
    kind === 'any'
      ? `o${i}.push(m${i})`
      : `if (typeof m${i} === 'number') o${i}[n] = m${i}; else out.putOdd(${i}, n, m${i})`,
  )
  const write = `if (n === cap) { out.count = n; out.reserve(1); ${outText(kinds, false)} }
        ${put.join('; ')}
        ot[n++] = t`
  const names = kinds.map((_, i) => `m${i}`).join(', ')
  if (!pair.fields.some(([, { missing }]) => missing.includes('null.')))
    return `const ${values}
        ${write}`
  return `let ${names}, threw = false
        try { ${values} } catch { threw = true }
        if (threw) {
          ${call}
        } else {
          ${write}
        }`
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
