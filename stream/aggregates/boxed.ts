/**
 * Aggregates that are more than numbers: each key holds a state of its own, plain data that a snapshot can hold.
 */
import { canonical } from '../state/key-table.ts'

/** `order` of a record: its event time in windows of time, always 0 where only the order of arrival counts. */
export interface Boxed<S = unknown> {
  /** A row with weight −1 undoes what it did. */
  readonly takesBack: boolean
  /** True: the value must be a number. */
  readonly numbers: boolean
  fresh(): S
  /** The state with one more value; may be the same object, changed. */
  add(state: S, value: unknown, weight: number, order: number): S
  /** Both together; `from` came later, is not changed and not kept. */
  merge(into: S, from: S): S
  /** A value the caller may keep and change. */
  result(state: S): unknown
  /** Bytes of one state, roughly. */
  bytes(state: S): number
}

interface Pick {
  value: unknown
  order: number
  count: number
}

/** The value with the smallest event time, the first to arrive of equals; or with the largest, the last of equals. */
function extremePick(better: (order: number, than: number) => boolean): Boxed<Pick> {
  const add = (state: Pick, value: unknown, order: number) => {
    if (state.count++ > 0 && !better(order, state.order)) return state
    state.value = value
    state.order = order
    return state
  }
  return {
    takesBack: false,
    numbers: false,
    fresh: () => ({ value: null, order: 0, count: 0 }),
    add: (state, value, _weight, order) => add(state, value, order),
    merge: (into, from) => (from.count === 0 ? into : add(into, from.value, from.order)),
    result: state => state.value,
    bytes: () => 56,
  }
}

const first: Boxed<Pick> = extremePick((order, than) => order < than)
const last: Boxed<Pick> = extremePick((order, than) => order >= than)

type Counts = Map<unknown, number>

function bump(counts: Counts, key: unknown, by: number): void {
  const after = (counts.get(key) ?? 0) + by
  if (after === 0) counts.delete(key)
  else counts.set(key, after)
}

function mergeCounts(into: Counts, from: Counts): Counts {
  for (const [key, n] of from) bump(into, key, n)
  return into
}

/** How often each value is there: a value that was taken back as often as it came is not there. */
const countDistinct: Boxed<Counts> = {
  takesBack: true,
  numbers: false,
  fresh: () => new Map(),
  add(counts, value, weight) {
    bump(counts, canonical(value), weight)
    return counts
  },
  merge: mergeCounts,
  result: counts => counts.size,
  bytes: counts => 48 + counts.size * 40,
}

/** Values in the order of their event times, then of arrival. */
interface Collected {
  values: unknown[]
  orders: number[]
}

const collect: Boxed<Collected> = {
  takesBack: true,
  numbers: false,
  fresh: () => ({ values: [], orders: [] }),
  add(state, value, weight, order) {
    if (weight > 0) {
      insert(state, value, order)
      return state
    }
    const wanted = canonical(value)
    const at = state.values.findIndex(v => canonical(v) === wanted)
    if (at >= 0) {
      state.values.splice(at, 1)
      state.orders.splice(at, 1)
    }
    return state
  },
  merge(into, from) {
    from.values.forEach((value, i) => insert(into, value, from.orders[i] as number))
    return into
  },
  result: state => state.values.slice(),
  bytes: state => 64 + state.values.length * 24,
}

function insert(state: Collected, value: unknown, order: number): void {
  let at = state.values.length
  while (at > 0 && (state.orders[at - 1] as number) > order) at--
  if (at === state.values.length) {
    state.values.push(value)
    state.orders.push(order)
  } else {
    state.values.splice(at, 0, value)
    state.orders.splice(at, 0, order)
  }
}

export interface Bucket {
  /** Half-open: from ≤ value < to. */
  readonly from: number
  readonly to: number
  readonly count: number
}

/** Bins of one width, aligned to 0, or between edges; below the first and from the last edge on are bins too. */
function histogram(bins: number | readonly number[]): Boxed<Counts> {
  const binOf =
    typeof bins === 'number'
      ? (value: number) => Math.floor(value / bins)
      : (value: number) => {
          let at = 0
          while (at < bins.length && value >= (bins[at] as number)) at++
          return at - 1
        }
  const bucket = (bin: number, count: number): Bucket =>
    typeof bins === 'number'
      ? { from: bin * bins, to: (bin + 1) * bins, count }
      : { from: bins[bin] ?? -Infinity, to: bins[bin + 1] ?? Infinity, count }
  return {
    takesBack: true,
    numbers: true,
    fresh: () => new Map(),
    add(counts, value, weight) {
      bump(counts, binOf(value as number), weight)
      return counts
    },
    merge: mergeCounts,
    result: counts =>
      [...counts].sort((a, b) => (a[0] as number) - (b[0] as number)).map(([b, n]) => bucket(b as number, n)),
    bytes: counts => 48 + counts.size * 40,
  }
}

export const FIRST = first
export const LAST = last
export const COUNT_DISTINCT = countDistinct
export const COLLECT = collect
export const histogramOf = histogram

interface Kept {
  readonly value: unknown
  readonly order: number
}

/**
 * An aggregate that cannot take a value back, below rows that may be retracted: keeps every value and computes the result anew.
 * Memory grows with the values of the window.
 */
export function keeping<S>(plain: Boxed<S>): Boxed<Kept[]> {
  return {
    takesBack: true,
    numbers: plain.numbers,
    fresh: () => [],
    add(kept, value, weight, order) {
      if (weight > 0) kept.push({ value, order })
      else {
        const wanted = canonical(value)
        const at = kept.findIndex(k => canonical(k.value) === wanted)
        if (at >= 0) kept.splice(at, 1)
      }
      return kept
    },
    merge(into, from) {
      into.push(...from)
      return into
    },
    result: kept => plain.result(kept.reduce((state, k) => plain.add(state, k.value, 1, k.order), plain.fresh())),
    bytes: kept => 32 + kept.length * 48,
  }
}

/** min or max as a boxed aggregate, for `keeping`. */
export function extremeOf(better: (a: number, b: number) => boolean): Boxed<{ value: number | null }> {
  const add = (state: { value: number | null }, value: number | null) => {
    if (value !== null && (state.value === null || better(value, state.value))) state.value = value
    return state
  }
  return {
    takesBack: false,
    numbers: true,
    fresh: () => ({ value: null }),
    add: (state, value) => add(state, value as number),
    merge: (into, from) => add(into, from.value),
    result: state => state.value,
    bytes: () => 32,
  }
}
