/**
 * Aggregates of the fluent API: `sum('amount')`, `mean(o => o.amount)`. Some names, given an array, compute a number at once:
 * `mean(m.small, s => s.amount)`.
 */
import type { RecordMeta } from '../model.ts'
import { StreamError } from '../errors.ts'
import type { AggregateSpec } from '../plan.ts'
import type { Bucket } from './boxed.ts'

/** What can be summed: numbers, bigints and, for min and max, instants as Date. Skipped when null or undefined. */
export type NumberLike = number | bigint | Date | null | undefined

/** Fields of a row whose values are of a kind; any text for rows of unknown shape. */
export type FieldOf<T, V> = unknown extends T
  ? string
  : { [P in keyof T]-?: T[P] extends V ? P : unknown extends T[P] ? P : never }[keyof T] & string

export type ValueOf<T> = NoInfer<FieldOf<T, NumberLike>> | ((row: T, meta: RecordMeta) => NumberLike)

/** A lambda of the row, or of the row and its meta. */
type Read<T, V> = (row: T, meta: RecordMeta) => V

/** Functions of an aggregate of one's own, for `aggregate`. */
export interface AggregateFunctions<T, S, R> {
  /** The state of a window without rows. */
  readonly init: () => S
  /** The state with one more row. It may change the state it was given and give nothing back. */
  readonly add: (state: S, row: T, meta: RecordMeta) => S | void
  /** Two states of the same window as one; `later` holds the later rows. */
  readonly merge: (state: S, later: S) => S | void
  /** What the column shows. Default: the state. */
  readonly result?: ((state: S) => R) | undefined
  /** Undoes `add`, for rows that are retracted; without it such a window keeps all its rows. */
  readonly remove?: ((state: S, row: T, meta: RecordMeta) => S | void) | undefined
}

/** One aggregate over rows of type T with results of type R. Made by `count()`, `sum(…)` and the like. */
export interface Aggregate<in T, out R> {
  readonly kind: AggregateSpec['kind']
  readonly value: string | ((row: T, meta: RecordMeta) => unknown) | undefined
  readonly options?: AggregateOptions | undefined
  /** Never there; carries the result type. */
  readonly result?: R
}

/** What an aggregate holds beside its value; lambdas among it are shipped with the plan. */
export interface AggregateOptions {
  readonly q?: number | undefined
  readonly k?: number | undefined
  readonly tie?: string | ((...args: never[]) => unknown) | undefined
  readonly bins?: number | readonly number[] | undefined
  readonly functions?: Readonly<Record<string, unknown>> | undefined
}

/** Number of rows, whatever they hold. O(1) memory per key and window. Given an array: its length. */
export function count(): Aggregate<unknown, number>
export function count(array: readonly unknown[]): number
export function count(array?: readonly unknown[]): Aggregate<unknown, number> | number {
  return array === undefined ? { kind: 'count', value: undefined } : array.length
}

/**
 * Sum of a field or of what a lambda gives; null and undefined are skipped, NaN and text go to `.errors()`. A window without
 * any value gives null. O(1) memory per key and window. Given an array: its sum, 0 when empty.
 *
 * @example
 * ```ts
 * sum([{ v: 1 }, { v: 2 }], r => r.v) // 3
 * ```
 */
export function sum<T>(value: ValueOf<T>): Aggregate<T, number>
export function sum(array: readonly NumberLike[]): number
export function sum<E>(array: readonly E[], f: (element: E) => NumberLike): number
export function sum(value: unknown, f?: (element: never) => NumberLike): unknown {
  return Array.isArray(value) ? total(numbersOf(value, f)) : made('sum', value)
}

/** Arithmetic mean; as `sum` else. Given an array: its mean, NaN when empty. */
export function mean<T>(value: ValueOf<T>): Aggregate<T, number>
export function mean(array: readonly NumberLike[]): number
export function mean<E>(array: readonly E[], f: (element: E) => NumberLike): number
export function mean(value: unknown, f?: (element: never) => NumberLike): unknown {
  if (!Array.isArray(value)) return made('mean', value)
  const numbers = numbersOf(value, f)
  return total(numbers) / numbers.length
}

/** Smallest value; as `sum` else. Given an array: its minimum, Infinity when empty. */
export function min<T>(value: ValueOf<T>): Aggregate<T, number>
export function min(array: readonly NumberLike[]): number
export function min<E>(array: readonly E[], f: (element: E) => NumberLike): number
export function min(value: unknown, f?: (element: never) => NumberLike): unknown {
  if (!Array.isArray(value)) return made('min', value)
  return numbersOf(value, f).reduce((a, b) => (b < a ? b : a), Infinity)
}

/** Largest value; as `sum` else. Given an array: its maximum, −Infinity when empty. */
export function max<T>(value: ValueOf<T>): Aggregate<T, number>
export function max(array: readonly NumberLike[]): number
export function max<E>(array: readonly E[], f: (element: E) => NumberLike): number
export function max(value: unknown, f?: (element: never) => NumberLike): unknown {
  if (!Array.isArray(value)) return made('max', value)
  return numbersOf(value, f).reduce((a, b) => (b > a ? b : a), -Infinity)
}

/** Standard deviation of a sample (divides by n − 1); null below two values. O(1) memory per key and window. */
export function stddev<T>(value: ValueOf<T>): Aggregate<T, number> {
  return made('stddev', value) as Aggregate<T, number>
}

/**
 * Value of the record with the smallest event time, the first to arrive of equals; in running aggregates and counting windows
 * the first to arrive. null and undefined are skipped.
 */
export function first<T, const F extends FieldOf<T, unknown>>(
  field: F,
): Aggregate<T, F extends keyof T ? T[F] : unknown>
export function first<T, V>(value: Read<T, V>): Aggregate<T, V>
export function first(value: unknown): unknown {
  return made('first', value)
}

/** Value of the record with the largest event time, the last to arrive of equals; as `first` else. */
export function last<T, const F extends FieldOf<T, unknown>>(field: F): Aggregate<T, F extends keyof T ? T[F] : unknown>
export function last<T, V>(value: Read<T, V>): Aggregate<T, V>
export function last(value: unknown): unknown {
  return made('last', value)
}

/** Number of different values, exact: dates by time, objects by content. Memory grows with the number of values. */
export function countDistinct<T>(value: NoInfer<FieldOf<T, unknown>> | Read<T, unknown>): Aggregate<T, number> {
  return made('countDistinct', value) as Aggregate<T, number>
}

/**
 * The values as an array, in the order of their event times; without a value the rows. null and undefined are skipped. Memory
 * grows with the number of records.
 */
export function collect<T>(): Aggregate<T, T[]>
export function collect<T, const F extends FieldOf<T, unknown>>(
  field: F,
): Aggregate<T, (F extends keyof T ? T[F] : unknown)[]>
export function collect<T, V>(value: Read<T, V>): Aggregate<T, V[]>
export function collect(value?: unknown): unknown {
  return made('collect', value)
}

/**
 * The value below which a share `q` of the values lies (0.5 is the median), between two values by linear interpolation. Exact to
 * 1,000 values per key and window, beyond that from a t-digest, whose rank is off by less than 1 % and least at both ends.
 *
 * @throws StreamError OPTION_INVALID when q is not between 0 and 1
 */
export function quantile<T>(value: ValueOf<T>, q: number): Aggregate<T, number> {
  if (!(q >= 0 && q <= 1)) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot compute quantile ${q}: it must be between 0 and 1`,
      hint: "Write for example quantile('amount', 0.95)",
    })
  }
  return made('quantile', value, { q }) as Aggregate<T, number>
}

/**
 * How many values lie in which bin: `[{ from, to, count }]`, bins half-open, without empty ones. `bins` is their width, or the
 * edges between them; values below the first and from the last edge on have bins that reach to infinity.
 *
 * @throws StreamError OPTION_INVALID
 */
export function histogram<T>(value: ValueOf<T>, bins: number | readonly number[]): Aggregate<T, Bucket[]> {
  const right =
    typeof bins === 'number'
      ? bins > 0 && Number.isFinite(bins)
      : bins.length > 0 && bins.every((edge, i) => Number.isFinite(edge) && (i === 0 || edge > (bins[i - 1] as number)))
  if (!right) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot count into bins ${JSON.stringify(bins)}: a width above 0 or ascending edges are needed`,
      hint: "Write for example histogram('amount', 10) or histogram('amount', [0, 10, 100])",
    })
  }
  return made('histogram', value, { bins }) as unknown as Aggregate<T, Bucket[]>
}

/**
 * The `k` rows with the largest value, each with its `rank` from 1. Of equal values the one with the smaller `tie` is first,
 * without `tie` the first to arrive. Memory: k rows per key and window.
 *
 * @throws StreamError OPTION_INVALID
 */
export function topK<T>(
  k: number,
  by: ValueOf<T>,
  options: { readonly tie?: NoInfer<FieldOf<T, unknown>> | Read<T, unknown> | undefined } = {},
): Aggregate<T, (T & { rank: number })[]> {
  if (!Number.isInteger(k) || k < 1) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot keep the top ${k} rows: a whole number from 1 is needed`,
      hint: "Write for example topK(10, 'amount')",
    })
  }
  return made('topK', by, { k, tie: options.tie }) as unknown as Aggregate<T, (T & { rank: number })[]>
}

/**
 * An aggregate of one's own. States are plain data; windows that share slices merge them, so `merge` must give what adding all
 * rows to one state gives.
 *
 * @example
 * ```ts
 * const product = aggregate({ init: () => 1, add: (p, r: { v: number }) => p * r.v, merge: (a, b) => a * b })
 * ```
 */
export function aggregate<T, S, R = S>(functions: AggregateFunctions<T, S, R>): Aggregate<T, R> {
  for (const name of ['init', 'add', 'merge'] as const) {
    if (typeof functions[name] === 'function') continue
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot make aggregate: "${name}" is no function`,
      hint: 'Write aggregate({ init: () => 0, add: (state, row) => …, merge: (a, b) => …, result: state => … })',
    })
  }
  return made('custom', undefined, { functions: { ...functions } }) as unknown as Aggregate<T, R>
}

function made(kind: AggregateSpec['kind'], value: unknown, options?: AggregateOptions): Aggregate<never, number> {
  // The overloads above say what it is; the plan checks it again.
  return { kind, value: value as string, ...(options === undefined ? {} : { options }) }
}

function numbersOf(array: readonly unknown[], f: ((element: never) => NumberLike) | undefined): number[] {
  const numbers: number[] = []
  for (const element of array) {
    const value = f === undefined ? (element as NumberLike) : f(element as never)
    if (value !== null && value !== undefined) numbers.push(Number(value))
  }
  return numbers
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}
