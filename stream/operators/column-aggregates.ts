/**
 * Aggregates of columns as the text of loops. An entry is `words` doubles: word 0 holds its key and its number of rows as two
 * integers, words of the caller's follow, then the numbers of each aggregate.
 *
 * In the texts `i` and `f` are the table as integers and doubles, `p` the entry, `e` the record, `v0`, `v1` … the columns of values.
 */
import { NUMERIC } from '../aggregates/numeric.ts'
import type { Batch, Columns } from '../model.ts'
import type { ColumnKind } from './columns.ts'
import type { StageContext } from './operator.ts'

export interface ColumnAggregate {
  readonly name: string
  readonly kind: keyof typeof NUMERIC
  /** Column of its values; undefined for count. */
  readonly field: string | undefined
  readonly column: ColumnKind | undefined
}

export type ColumnValues = readonly (ArrayLike<number> | undefined)[]

export interface AggregateTexts {
  readonly words: number
  /** Declares the columns. */
  readonly columns: string
  /** An entry without values. */
  readonly begin: string
  /** Record `e` into entry `p`; its row was counted. */
  readonly add: string
  /** Entry `q` of `gf` into entry `p`. */
  readonly merge: string
  /** Results of entry `p` with `rows` rows, at place `r`. */
  readonly result: string
}

export function aggregateTexts(aggregates: readonly ColumnAggregate[], firstWord: number): AggregateTexts {
  // Sums and means of whole numbers need no count of their own: every row has a value.
  const slim = (a: ColumnAggregate) => (a.kind === 'sum' || a.kind === 'mean') && a.column === 'int'
  const places: number[] = []
  let words = firstWord
  for (const a of aggregates) {
    places.push(words)
    words += slim(a) ? 1 : NUMERIC[a.kind].start.length
  }
  const W = words
  const each = (text: (a: ColumnAggregate, n: number, place: number) => string) =>
    aggregates.map((a, n) => text(a, n, places[n] as number)).join('\n')
  return {
    words,
    columns: each((a, n) => (a.field === undefined ? '' : `const v${n} = values[${n}]`)),
    begin: each((a, _n, place) =>
      (slim(a) ? [0] : NUMERIC[a.kind].start).map((value, i) => `f[p * ${W} + ${place + i}] = ${value}`).join(';'),
    ),
    add: each((a, n, place) => {
      if (slim(a)) return `f[p * ${W} + ${place}] += v${n}[e]`
      if (a.field === undefined) return ''
      return `{ const o = p * ${W} + ${place}, x = v${n}[e], w = 1; ${a.column === 'float' ? 'if (x === x) ' : ''}{ ${NUMERIC[a.kind].add} } }`
    }),
    merge: each((a, _n, place) => {
      if (slim(a)) return `f[p * ${W} + ${place}] += gf[q * ${W} + ${place}]`
      return a.field === undefined
        ? ''
        : `{ const o = p * ${W} + ${place}, g = gf, at = q * ${W} + ${place}; { const p = at; ${NUMERIC[a.kind].merge} } }`
    }),
    result: each((a, n, place) => {
      if (slim(a)) return `results[${n}][r] = f[p * ${W} + ${place}]${a.kind === 'mean' ? ' / rows' : ''}`
      return `{ const o = p * ${W} + ${place}; const y = ${NUMERIC[a.kind].result}; results[${n}][r] = y === null ? NaN : y }`
    }),
  }
}

/** Where the records of key `k` are, or would be: `p`. */
export function probeText(words: number): string {
  return `let p = Math.imul(k, 0x9E3779B1) >>> 7 & m
    while (i[p * ${words * 2} + 1] !== 0 && i[p * ${words * 2}] !== k) p = p + 1 & m`
}

/** Key and values of a batch; a filter may have made rows of its columns. */
export function keyedColumns(
  batch: Batch,
  key: string,
  aggregates: readonly ColumnAggregate[],
): { readonly keys: Int32Array; readonly values: ColumnValues } {
  const columns: Columns =
    batch.columns ??
    Object.fromEntries(
      [key, ...aggregates.flatMap(a => a.field ?? [])].map(name => [
        name,
        Float64Array.from(batch.rows, row => (row as Record<string, number>)[name] as number),
      ]),
    )
  const values = aggregates.map(a => (a.field === undefined ? undefined : (columns[a.field] as Float64Array)))
  return { keys: columns[key] as Int32Array, values }
}

/** Reports the NaN among the values of records `from` to `to`. */
export function refuseNaN(
  aggregates: readonly ColumnAggregate[],
  values: ColumnValues,
  batch: Batch,
  from: number,
  to: number,
  context: StageContext,
): void {
  for (const [a, aggregate] of aggregates.entries()) {
    if (aggregate.column !== 'float') continue
    const column = values[a] as ArrayLike<number>
    for (let e = from; e < to; e++) {
      if (column[e] === column[e]) continue
      const reason = `aggregate "${aggregate.name}" got NaN, a number is needed; the value is left out`
      context.refuse(batch, e, reason, false)
    }
  }
}

/** NaN stands for "no value" inside; outside it is null. Only floats and standard deviations can lack one. */
export function nulled(result: Float64Array, { column, kind }: ColumnAggregate): ArrayLike<unknown> {
  if (column !== 'float' && kind !== 'stddev') return result
  return result.some(value => value !== value) ? Array.from(result, value => (value === value ? value : null)) : result
}

export interface WindowColumns {
  readonly keyName: string
  readonly keys: Int32Array
  readonly starts: Float64Array
  readonly ends: Float64Array
  readonly aggregates: readonly ColumnAggregate[]
  readonly results: readonly Float64Array[]
  readonly kind: 'onTime' | 'early'
}

/** Columns of window rows; those few look at are made when they do. */
export function windowColumns({ keyName, keys, starts, ends, aggregates, results, kind }: WindowColumns): Columns {
  const columns: Record<string, ArrayLike<unknown>> = { [keyName]: keys, windowStart: starts, windowEnd: ends }
  aggregates.forEach((aggregate, a) => (columns[aggregate.name] = nulled(results[a] as Float64Array, aggregate)))
  lazily(columns, 'kind', () => new Array<string>(keys.length).fill(kind))
  lazily(columns, 'revision', () => new Int32Array(keys.length))
  return columns
}

function lazily(columns: Record<string, ArrayLike<unknown>>, name: string, make: () => ArrayLike<unknown>): void {
  let made: ArrayLike<unknown> | undefined
  Object.defineProperty(columns, name, { enumerable: true, get: () => (made ??= make()) })
}
