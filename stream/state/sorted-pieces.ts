/**
 * The entries of tables by key, ascending, in pieces: ten million keys take seconds to sort, and a firing must not hold up the
 * thread for so long.
 *
 *   tables ─▶ buckets of neighbouring keys (a pass over all, in steps) ─▶ few thousand at a time: sorted, given out
 */
import type { IntTable } from './int-table.ts'
import { orderOf } from './radix-sort.ts'

/** Entries with their keys, ascending; `tables` and `entries` tell where each of them is. */
export interface Entries {
  readonly keys: Int32Array
  readonly tables: Uint8Array
  readonly entries: Int32Array
}

/** Work between two pauses: some 10 ms. */
const STEP = 1 << 19
const BUCKETS = 4096
/** A table has an index of 8 bits, an entry one of 24. */
const ENTRY_BITS = 24

/** Keys in no order, each with the place of its entry. */
interface Placed {
  keys: Int32Array
  places: Uint32Array
}

/** Gives undefined where it may pause, else entries of at least one and about `size` keys. */
export function* sortedPieces(tables: readonly IntTable[], size: number): Generator<Entries | undefined> {
  const all = yield* placed(tables)
  yield* pieces(all, size)
}

function* placed(tables: readonly IntTable[]): Generator<undefined, Placed> {
  const count = tables.reduce((sum, table) => sum + table.used, 0)
  const keys = new Int32Array(count)
  const places = new Uint32Array(count)
  let n = 0
  let done = 0
  for (const [t, table] of tables.entries()) {
    n = list(table, t, keys, places, n)
    done += table.capacity
    if (done < STEP) continue
    done = 0
    yield undefined
  }
  return { keys: keys.subarray(0, n), places: places.subarray(0, n) }
}

function list(table: IntTable, t: number, keys: Int32Array, places: Uint32Array, from: number): number {
  const { ints, capacity, words } = table
  const half = words * 2
  const high = (t << ENTRY_BITS) >>> 0
  let n = from
  for (let entry = 0; entry < capacity; entry++) {
    if ((ints[entry * half + 1] as number) <= 0) continue
    keys[n] = ints[entry * half] as number
    places[n++] = high + entry
  }
  return n
}

function* pieces(all: Placed, size: number): Generator<Entries | undefined> {
  if (all.keys.length <= size) {
    if (all.keys.length > 0) yield sorted(all)
    return
  }
  const { starts, placed: parted } = yield* buckets(all)
  // The first order is of no use any more, and may be large.
  all.keys = new Int32Array(0)
  all.places = new Uint32Array(0)
  const part = (from: number, to: number): Placed => ({
    keys: parted.keys.subarray(from, to),
    places: parted.places.subarray(from, to),
  })
  let from = 0
  for (let b = 1; b <= BUCKETS; b++) {
    const to = starts[b] as number
    const next = b < BUCKETS ? (starts[b + 1] as number) : to
    if (to === from || (b < BUCKETS && next - from <= size)) continue
    // A bucket of very many neighbours is divided again: its keys are all different, so that comes to an end.
    yield* pieces(part(from, to), size)
    from = to
  }
}

function sorted({ keys, places }: Placed): Entries {
  const order = orderOf(keys)
  const n = keys.length
  const out = { keys: new Int32Array(n), tables: new Uint8Array(n), entries: new Int32Array(n) }
  for (let i = 0; i < n; i++) {
    const at = order[i] as number
    const place = places[at] as number
    out.keys[i] = keys[at] as number
    out.tables[i] = place >>> ENTRY_BITS
    out.entries[i] = place & ((1 << ENTRY_BITS) - 1)
  }
  return out
}

/** The same keys, neighbours together: bucket `b` is `starts[b]` to `starts[b + 1]`. */
function* buckets({ keys, places }: Placed): Generator<undefined, { starts: Int32Array; placed: Placed }> {
  const n = keys.length
  const least = { of: Infinity }
  const most = { of: -Infinity }
  for (let from = 0; from < n; from += STEP) {
    extremes(keys, from, Math.min(n, from + STEP), least, most)
    yield undefined
  }
  let shift = 0
  while ((most.of - least.of) / 2 ** shift >= BUCKETS) shift++
  const starts = new Int32Array(BUCKETS + 1)
  for (let from = 0; from < n; from += STEP) {
    countKeys(keys, from, Math.min(n, from + STEP), least.of, shift, starts)
    yield undefined
  }
  for (let b = 0; b < BUCKETS; b++) starts[b + 1] = (starts[b + 1] as number) + (starts[b] as number)
  const next = starts.slice()
  const placed = { keys: new Int32Array(n), places: new Uint32Array(n) }
  for (let from = 0; from < n; from += STEP) {
    scatterKeys({ keys, places }, from, Math.min(n, from + STEP), least.of, shift, next, placed)
    yield undefined
  }
  return { starts, placed }
}

// Loops of their own: they are compiled, a long generator would run slow.
function extremes(keys: Int32Array, from: number, to: number, least: { of: number }, most: { of: number }): void {
  let low = least.of
  let high = most.of
  for (let i = from; i < to; i++) {
    const key = keys[i] as number
    if (key < low) low = key
    if (key > high) high = key
  }
  least.of = low
  most.of = high
}

/** `starts[b + 1]` counts bucket b. */
function countKeys(keys: Int32Array, from: number, to: number, least: number, shift: number, starts: Int32Array): void {
  for (let i = from; i < to; i++) {
    const b = (((keys[i] as number) - least) >>> shift) + 1
    starts[b] = (starts[b] as number) + 1
  }
}

function scatterKeys(
  { keys, places }: Placed,
  from: number,
  to: number,
  least: number,
  shift: number,
  next: Int32Array,
  into: Placed,
): void {
  for (let i = from; i < to; i++) {
    const key = keys[i] as number
    const b = (key - least) >>> shift
    const at = next[b] as number
    next[b] = at + 1
    into.keys[at] = key
    into.places[at] = places[i] as number
  }
}
