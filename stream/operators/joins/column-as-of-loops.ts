/** The loop of as-of joins over columns, made for the lambda at hand: versions into the entries of their keys, left rows out. */
import { EMPTY } from '../../state/int-entries.ts'
import type { IntEntries } from '../../state/int-entries.ts'
import { loopFrom } from '../compile.ts'
import type { ColumnAsOfJoin } from './column-as-of.ts'
import { BLOCK, outText, writeText } from './column-join.ts'
import type { ColumnJoinPlan } from './column-join.ts'
import type { ColumnArray } from './column-queue.ts'
import type { ColumnSide } from './column-side.ts'
import type { PairColumns } from './pair-columns.ts'

/** What is looked up of a block. */
export const SCRATCH = {
  left: new Int32Array(BLOCK),
  right: new Int32Array(BLOCK),
  missed: new Int32Array(BLOCK),
}

/** Rows of both sides in the order of their times, at most `BLOCK` of each. */
export type Merge = (
  join: ColumnAsOfJoin,
  out: PairColumns,
  keys: IntEntries,
  left: readonly ColumnArray[],
  leftTimes: Float64Array,
  leftFrom: number,
  leftTo: number,
  right: readonly ColumnArray[],
  rightTimes: Float64Array,
  rightFrom: number,
  rightTo: number,
) => void

export interface VersionLayout {
  /** Integers of an entry. */
  readonly width: number
  /** Which of them tells whether there is a version: 1, else 0. */
  readonly mark: number
  /** Texts of the values of the version in the entry at `p` of `T` and `TF`, one for each field of the right side. */
  readonly texts: readonly string[]
}

/** The version's numbers, whether there is one, its whole numbers. */
export function versionOf({ fields, columns }: ColumnSide): VersionLayout {
  const ints = fields.filter(({ name, kind }) => kind === 'int' && name !== columns.key && name !== columns.time)
  const floats = fields.filter(field => field.name !== columns.key && !ints.includes(field))
  const mark = 2 * floats.length
  const used = mark + 1 + ints.length
  const texts = fields.map(field => {
    if (field.name === columns.key) return 'k'
    return ints.includes(field) ? `T[p + ${mark + 1 + ints.indexOf(field)}]` : `TF[(p >> 1) + ${floats.indexOf(field)}]`
  })
  return { width: floats.length > 0 && used % 2 === 1 ? used + 1 : used, mark, texts }
}

/** A text for the columns of one side. */
const inColumns = (text: string, prefix: string) => text.replaceAll(/\bc(\d+)\[e\]/g, `${prefix}c$1[e]`)

export function mergeOf(
  [left, right]: readonly [ColumnSide, ColumnSide],
  { width, mark, texts }: VersionLayout,
  { pair, kinds }: ColumnJoinPlan,
  pads: boolean,
): Merge {
  const arriving = (side: ColumnSide, prefix: string) => side.fields.map(field => inColumns(field.arriving, prefix))
  const declared = (side: ColumnSide, prefix: string) =>
    side.kinds.map((_, n) => `${prefix}c${n} = ${prefix}cols[${n}]`).join(', ')
  /** Where the entries of a block are, or would be; a loop so short that the processor waits for many of them at once. */
  const lookUp = (prefix: string, places: string) => `c = 0
    for (let i = 0; i < ${prefix}count; i++) {
      const k = ${prefix}c0[${prefix}from + i]
      const p = k === ${EMPTY} ? ${prefix === 'r' ? 'keys.oddPlace(0)' : 'm + 1'} : Math.imul(k, 0x9E3779B1) >>> 7 & m
      ${places}[i] = p * ${width}
      const d = K[p] ^ k
      missed[c] = i
      c += (d | -d) >>> 31
    }
    for (let j = 0; j < c; j++) {
      const i = missed[j], k = ${prefix}c0[${prefix}from + i]
      let p = Math.imul(k, 0x9E3779B1) >>> 7 & m, known = K[p]
      while (known !== ${EMPTY} && known !== k) { p = p + 1 & m; known = K[p] }
      ${prefix === 'r' ? `if (known === ${EMPTY}) { K[p] = k; keys.room-- }` : ''}
      ${places}[i] = p * ${width}
    }`
  const put = `const e = rfrom + j, p = RP[j], k = rc0[e], t = next
      ${arriving(right, 'r')
        .map((value, i) => (texts[i] === 'k' ? '' : `${texts[i]} = ${value}`))
        .join('; ')}
      T[p + ${mark}] = 1
      next = ++j < rcount ? rtimes[rfrom + j] : Infinity`
  return loopFrom<Merge>(
    'join, out, keys, lcols, ltimes, lfrom, lto, rcols, rtimes, rfrom, rto',
    `const { left: LP, right: RP, missed } = join.scratch, lcount = lto - lfrom, rcount = rto - rfrom
    const K = keys.keys, T = keys.ints, TF = keys.floats, m = keys.capacity - 1
    const ${declared(left, 'l')}
    const ${declared(right, 'r')}
    let c = 0
    ${lookUp('r', 'RP')}
    ${lookUp('l', 'LP')}
    let n = out.count, ${outText(kinds)}
    let j = 0, next = rcount > 0 ? rtimes[rfrom] : Infinity
    for (let i = 0; i < lcount; i++) {
      const e = lfrom + i, t = ltimes[e], k = lc0[e], p = LP[i]
      while (next <= t) {
        ${put}
      }
      ${arriving(left, 'l')
        .map((value, i) => `const l${i} = ${value}`)
        .join('; ')}
      if (T[p + ${mark}] === 0) {
        ${padText(left, { pair, kinds }, pads)}
      } else {
        ${right.fields.map((_, i) => `const r${i} = ${texts[i]}`).join('; ')}
        ${writeText(pair, kinds)}
        ot[n++] = t
      }
    }
    while (j < rcount) {
      ${put}
    }
    out.count = n`,
  )
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
        n = out.count, ${outText(kinds)}`
  const put = kinds.map((kind, i) =>
    kind === 'any'
      ? `o${i}.push(m${i})`
      : `if (typeof m${i} === 'number') o${i}[n] = m${i}; else out.putOdd(${i}, n, m${i})`,
  )
  const write = `if (n === cap) { out.count = n; out.reserve(1); ${outText(kinds)} }
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
