/**
 * Aggregates of the fluent API: `sum('amount')`, `mean(o => o.amount)`. The same names, given an array, compute a number at
 * once: `mean(m.small, s => s.amount)`.
 */
import type { RecordMeta } from '../model.ts'
import type { AggregateSpec } from '../plan.ts'

/** What can be summed: numbers, bigints and, for min and max, instants as Date. Skipped when null or undefined. */
export type NumberLike = number | bigint | Date | null | undefined

/** Fields of a row whose values are of a kind; any text for rows of unknown shape. */
export type FieldOf<T, V> = unknown extends T
  ? string
  : { [P in keyof T]-?: T[P] extends V ? P : unknown extends T[P] ? P : never }[keyof T] & string

export type ValueOf<T> = NoInfer<FieldOf<T, NumberLike>> | ((row: T, meta: RecordMeta) => NumberLike)

/** One aggregate over rows of type T with results of type R. Made by `count()`, `sum(…)` and the like. */
export interface Aggregate<in T, out R> {
  readonly kind: AggregateSpec['kind']
  readonly value: string | ((row: T, meta: RecordMeta) => NumberLike) | undefined
  /** Never there; carries the result type. */
  readonly result?: R
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
  return Array.isArray(value) ? total(numbersOf(value, f)) : aggregate('sum', value)
}

/** Arithmetic mean; as `sum` else. Given an array: its mean, NaN when empty. */
export function mean<T>(value: ValueOf<T>): Aggregate<T, number>
export function mean(array: readonly NumberLike[]): number
export function mean<E>(array: readonly E[], f: (element: E) => NumberLike): number
export function mean(value: unknown, f?: (element: never) => NumberLike): unknown {
  if (!Array.isArray(value)) return aggregate('mean', value)
  const numbers = numbersOf(value, f)
  return total(numbers) / numbers.length
}

/** Smallest value; as `sum` else. Given an array: its minimum, Infinity when empty. */
export function min<T>(value: ValueOf<T>): Aggregate<T, number>
export function min(array: readonly NumberLike[]): number
export function min<E>(array: readonly E[], f: (element: E) => NumberLike): number
export function min(value: unknown, f?: (element: never) => NumberLike): unknown {
  if (!Array.isArray(value)) return aggregate('min', value)
  return numbersOf(value, f).reduce((a, b) => (b < a ? b : a), Infinity)
}

/** Largest value; as `sum` else. Given an array: its maximum, −Infinity when empty. */
export function max<T>(value: ValueOf<T>): Aggregate<T, number>
export function max(array: readonly NumberLike[]): number
export function max<E>(array: readonly E[], f: (element: E) => NumberLike): number
export function max(value: unknown, f?: (element: never) => NumberLike): unknown {
  if (!Array.isArray(value)) return aggregate('max', value)
  return numbersOf(value, f).reduce((a, b) => (b > a ? b : a), -Infinity)
}

function aggregate(kind: AggregateSpec['kind'], value: unknown): Aggregate<never, number> {
  // The overloads above say what it is; the plan checks it again.
  return { kind, value: value as string }
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
