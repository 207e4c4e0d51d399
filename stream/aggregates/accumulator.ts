/**
 * Aggregates as fields of one Float64Array: each key of a slice owns `stride` numbers, the first is its row count.
 *
 * null and undefined are skipped by all but `count`; NaN and what is no number is left out and reported (rules.md 14). An
 * aggregate without any value gives null. A row with weight −1 takes its value back: count, sum and mean can, min and max
 * cannot and say so.
 */
import type { AggregateSpec } from '../plan.ts'

export interface Accumulator {
  /** Numbers it keeps per key, beside the shared row count. */
  readonly width: number
  readonly takesValue: boolean
  readonly takesBack: boolean
  init(f: Float64Array, at: number): void
  /** `at` is where the fields of this aggregate start; `weight` is 1 or −1. */
  add(f: Float64Array, at: number, value: number, weight: number): void
  merge(into: Float64Array, at: number, from: Float64Array, fromAt: number): void
  /** `rows` is the shared row count of the key. */
  result(f: Float64Array, at: number, rows: number): unknown
}

const count: Accumulator = {
  width: 0,
  takesValue: false,
  takesBack: true,
  init() {},
  add() {},
  merge() {},
  result: (_f, _at, rows) => rows,
}

/** Fields: total, number of values. */
const sum: Accumulator = {
  width: 2,
  takesValue: true,
  takesBack: true,
  init(f, at) {
    f[at] = 0
    f[at + 1] = 0
  },
  add(f, at, value, weight) {
    f[at] = (f[at] as number) + value * weight
    f[at + 1] = (f[at + 1] as number) + weight
  },
  merge(into, at, from, fromAt) {
    into[at] = (into[at] as number) + (from[fromAt] as number)
    into[at + 1] = (into[at + 1] as number) + (from[fromAt + 1] as number)
  },
  result: (f, at) => (f[at + 1] === 0 ? null : (f[at] as number)),
}

const mean: Accumulator = {
  ...sum,
  result: (f, at) => (f[at + 1] === 0 ? null : (f[at] as number) / (f[at + 1] as number)),
}

/** Field: the extreme; ±Infinity with a count of values beside it, because a value may itself be infinite. */
function extreme(start: number, better: (a: number, b: number) => number): Accumulator {
  return {
    width: 2,
    takesValue: true,
    takesBack: false,
    init(f, at) {
      f[at] = start
      f[at + 1] = 0
    },
    add(f, at, value) {
      f[at] = better(f[at] as number, value)
      f[at + 1] = (f[at + 1] as number) + 1
    },
    merge(into, at, from, fromAt) {
      into[at] = better(into[at] as number, from[fromAt] as number)
      into[at + 1] = (into[at + 1] as number) + (from[fromAt + 1] as number)
    },
    result: (f, at) => (f[at + 1] === 0 ? null : (f[at] as number)),
  }
}

const ACCUMULATORS: Readonly<Record<AggregateSpec['kind'], Accumulator>> = {
  count,
  sum,
  mean,
  min: extreme(Infinity, (a, b) => (b < a ? b : a)),
  max: extreme(-Infinity, (a, b) => (b > a ? b : a)),
}

export function accumulatorOf(kind: AggregateSpec['kind']): Accumulator {
  return ACCUMULATORS[kind]
}

/** All aggregates of one window, with the places of their fields. */
export interface Layout {
  readonly accumulators: readonly Accumulator[]
  /** Where the fields of aggregate a start, counted from the first field of the key. */
  readonly offsets: readonly number[]
  readonly stride: number
}

export function layoutOf(kinds: readonly AggregateSpec['kind'][]): Layout {
  const accumulators = kinds.map(accumulatorOf)
  const offsets: number[] = []
  let stride = 1
  for (const a of accumulators) {
    offsets.push(stride)
    stride += a.width
  }
  return { accumulators, offsets, stride }
}
