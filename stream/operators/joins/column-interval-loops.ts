/**
 * The loops of interval joins over columns, each over a block of rows of one side, at most `BLOCK` of them:
 *
 *   followWatermark ─▶ find ─▶ seekPairs ─▶ write        what each row needs, its partners, the rows of the result
 *                        └───────────────▶ put          the row into its ring
 *
 * They are short, so that the processor waits for many places of memory at once and their variables stay in its registers. Those
 * that depend on the lambda and its columns are made for it.
 */
import { EMPTY } from '../../state/int-entries.ts'
import type { IntEntries } from '../../state/int-entries.ts'
import { loopFrom } from '../compile.ts'
import { BLOCK, outText, writeText } from './column-join.ts'
import type { ColumnJoinPlan } from './column-join.ts'
import type { Stretch } from './column-queue.ts'
import { SHORT_LIST } from './column-ring.ts'
import type { ColumnRing } from './column-ring.ts'
import { prefixed } from './column-side.ts'
import type { ColumnSide } from './column-side.ts'
import type { PairColumns } from './pair-columns.ts'
import { MOST_ROWS, tooManyPairs } from './rows.ts'
import type { Side } from './two-sides.ts'

/** Integers of a key's entry: key, lengths of its lists (24 at most), heads of the lists. */
export const ENTRY = 4

/** Rows `from` to `from + count`. */
export interface Block extends Pick<Stretch, 'columns' | 'times'> {
  readonly from: number
  readonly count: number
}

/** What is known of each row of a block. */
export const SCRATCH = {
  /** The watermark before it. */
  watermarks: new Float64Array(BLOCK),
  /** Where the entry of its key is; −1 for a late row. */
  entries: new Int32Array(BLOCK),
  /** Head of the other side's list of the key. */
  heads: new Int32Array(BLOCK),
  /** How many partners it has. */
  counts: new Int32Array(BLOCK),
  missed: new Int32Array(BLOCK),
  near: new Int32Array(BLOCK),
}

type Scratch = typeof SCRATCH

/** How far the watermark has come within a batch. */
export interface Place {
  /** The newest watermark before a row of this side, and of both sides. */
  toldMs: number
  watermarkMs: number
  /** Of the batch alone. */
  runningMs: number
}

/** What the watermark follows along a batch: what is told of each row, or the times. */
export interface Course {
  readonly befores: Float64Array | undefined
  readonly ceilingMs: number
  readonly trailMs: number
}

/** Without a course it stands still. */
export function followWatermark(
  { watermarks }: Scratch,
  place: Place,
  { times, from, count }: Block,
  course: Course | undefined,
): void {
  let { watermarkMs } = place
  if (course === undefined) {
    watermarks.fill(watermarkMs, 0, count)
    return
  }
  const { befores, ceilingMs, trailMs } = course
  let { toldMs, runningMs } = place
  for (let i = 0; i < count; i++) {
    const beforeMs = befores === undefined ? runningMs : (befores[from + i] as number)
    if (beforeMs > toldMs) {
      toldMs = beforeMs
      const reachedMs = beforeMs < ceilingMs ? beforeMs : ceilingMs
      if (reachedMs > watermarkMs) watermarkMs = reachedMs
    }
    watermarks[i] = watermarkMs
    const trailedMs = (times[from + i] as number) - trailMs
    if (trailedMs > runningMs) runningMs = trailedMs
  }
  place.watermarkMs = watermarkMs
  place.toldMs = toldMs
  place.runningMs = runningMs
}

/** Entries and heads; a table that has room for the block. Rows at or below the watermark are told to `judge`, if there is one. */
export function find(
  { watermarks, entries, heads, missed }: Scratch,
  keys: IntEntries,
  side: Side,
  { columns, times, from, count }: Block,
  judge: { late(row: number): void } | undefined,
): void {
  const keyColumn = columns[0] as Int32Array
  const { ints } = keys
  const mask = keys.capacity * ENTRY - 1
  const head = 3 - side
  let missing = 0
  for (let i = 0; i < count; i++) {
    if (judge !== undefined && (times[from + i] as number) <= (watermarks[i] as number)) {
      judge.late(from + i)
      entries[i] = -1
      heads[i] = -1
      continue
    }
    const key = keyColumn[from + i] as number
    const at = key === EMPTY ? keys.oddPlace(-1) * ENTRY : ((Math.imul(key, 0x9e3779b1) >>> 7) * ENTRY) & mask
    entries[i] = at
    heads[i] = ints[at + head] as number
    // No branch, since nobody could foresee it.
    const differs = (ints[at] as number) ^ key
    missed[missing] = i
    missing += (differs | -differs) >>> 31
  }
  for (let j = 0; j < missing; j++) {
    const i = missed[j] as number
    const key = keyColumn[from + i] as number
    let at = entries[i] as number
    while (ints[at] !== EMPTY && ints[at] !== key) at = (at + ENTRY) & mask
    if (ints[at] === EMPTY) {
      keys.room--
      ints[at] = key
      ints[at + 1] = 0
      ints[at + 2] = -1
      ints[at + 3] = -1
    }
    entries[i] = at
    heads[i] = ints[at + head] as number
  }
}

/** Pairs of a block, at the end of the arrays: which of its rows, and the place of the partner. */
export class Met {
  rows = new Int32Array(BLOCK)
  places = new Int32Array(BLOCK)

  grow(): void {
    const size = this.rows.length
    if (size > MOST_ROWS) throw tooManyPairs()
    for (const name of ['rows', 'places'] as const) {
      const array = new Int32Array(size * 2)
      array.set(this[name], size)
      this[name] = array
    }
  }
}

/** Rings of fewer places stay near by themselves. */
const FAR_FROM = 16_384

/**
 * The pairs of a block, in the order of its rows, and their number. Pairs are sought first and written afterwards, in a loop that
 * knows how many there are: how long a list is cannot be foreseen, and the processor should stumble over it once. A list goes from
 * the newest row to the oldest, so the arrays are filled from their end, beginning with the last row.
 */
export function seekPairs(
  scratch: Scratch,
  met: Met,
  other: ColumnRing,
  { times, from, count }: Block,
  lowMs: number,
  highMs: number,
): number {
  const { heads, counts } = scratch
  const { ints, floats, mask, words, tail } = other
  const half = words * 2
  if (mask >= FAR_FROM) bringNear(scratch, other, count)
  let { rows, places } = met
  let to = rows.length
  for (let i = count - 1; i >= 0; i--) {
    let row = heads[i] as number
    let partners = 0
    if (row >= tail) {
      const time = times[from + i] as number
      const newestMs = time + highMs
      const oldestMs = time + lowMs
      let place = row & mask
      if ((floats[place * words] as number) > newestMs) {
        row = ints[place * half + 2] as number
        if (row >= tail && (floats[(row & mask) * words] as number) > newestMs) row = other.seek(row, newestMs) | 0
        place = row & mask
      }
      while (row >= tail && (floats[place * words] as number) >= oldestMs) {
        if (to === 0) {
          to = rows.length
          met.grow()
          ;({ rows, places } = met)
        }
        rows[--to] = i
        places[to] = place
        partners++
        row = ints[place * half + 2] as number
        place = row & mask
      }
    }
    counts[i] = partners
  }
  return rows.length - to
}

/** Looks at the second and third rows of the lists, so that they are near when they are read. */
function bringNear({ heads, near }: Scratch, { ints, mask, words, tail }: ColumnRing, count: number): void {
  for (let i = 0; i < count; i++) {
    const row = heads[i] as number
    near[i] = row < tail ? -1 : (ints[(row & mask) * words * 2 + 2] as number)
  }
  for (let i = 0; i < count; i++) {
    const row = near[i] as number
    if (row >= tail) near[i] = ints[(row & mask) * words * 2 + 2] as number
  }
}

/** Those made for a lambda and its columns. */
export interface Loops {
  /** The last `pairs` pairs as rows of the result, which has room for them. */
  readonly write: (met: Met, pairs: number, other: ColumnRing, rows: Block, out: PairColumns) => void
  /** Rows that are not over go into their ring, which has room for them. */
  readonly put: (scratch: Scratch, entries: Int32Array, mine: ColumnRing, rows: Block) => void
}

interface LoopParts {
  readonly plan: ColumnJoinPlan
  readonly fromMs: number
  readonly toMs: number
}

export function loopsOf(side: Side, sides: readonly [ColumnSide, ColumnSide], parts: LoopParts): Loops {
  const [mine, other] = side === 0 ? sides : [sides[1], sides[0]]
  const { plan, fromMs, toMs } = parts
  return { write: writeLoop(side, mine, other, plan), put: putLoop(side, mine, side === 0 ? toMs : -fromMs) }
}

function writeLoop(side: Side, mine: ColumnSide, other: ColumnSide, plan: ColumnJoinPlan): Loops['write'] {
  const [own, partner] = side === 0 ? ['l', 'r'] : ['r', 'l']
  return loopFrom(
    'met, pairs, other, { columns: cols, times, from }, out',
    `const { rows, places } = met, OI = other.ints, OF = other.floats, end = rows.length
    ${mine.declared}
    let n = out.count
    const ${outText(plan.kinds)}
    for (let q = end - pairs; q < end; q++) {
      const s = places[q], e = from + rows[q], t = times[e], k = c0[e], u = OF[s * ${other.words}]
      ${mine.fields.map((field, i) => `const ${own}${i} = ${field.arriving}`).join('; ')}
      ${other.fields.map((field, i) => `const ${partner}${i} = ${prefixed(field.stored, 'O')}`).join('; ')}
      ${writeText(plan.pair, plan.kinds)}
      const later = (u > t) | 0
      ot[n++] = u * later + t * (1 - later)
    }
    out.count = n`,
  )
}

function putLoop(side: Side, mine: ColumnSide, lastMs: number): Loops['put'] {
  const W = mine.words
  const shift = side === 0 ? 0 : 5
  return loopFrom(
    'scratch, T, mine, { columns: cols, times, from, count }',
    `const { entries, watermarks } = scratch
    ${mine.declared}
    const I = mine.ints, F = mine.floats, M = mine.mask, J = mine.jumps, tail = mine.tail
    let seq = mine.next, newest = mine.newestMs
    for (let i = 0; i < count; i++) {
      const p = entries[i]
      if (p < 0) continue
      const e = from + i, t = times[e]
      if (t + ${lastMs} <= watermarks[i]) continue
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
    mine.newestMs = newest`,
  )
}
