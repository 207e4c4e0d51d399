/**
 * Numbers by integer key: open addressing, an entry is one stretch of memory.
 *
 *   word 0: key (int32), row count (int32; 0 is an empty entry)      words 1…: numbers of the aggregates
 *
 * Beyond `SPLIT` entries it is 256 small tables by the upper bits of the hash: each grows by itself, so that no growth, however
 * large the table, takes longer than a few milliseconds.
 */
import { orderOf } from './radix-sort.ts'

const SPLIT = 1 << 18
const SEGMENTS = 256
const SMALLEST = 1024
const FILL = 0.6

export class IntTable {
  /** 64-bit words of an entry. */
  readonly words: number
  capacity: number
  used = 0
  ints: Int32Array
  floats: Float64Array
  /** Set once it is split; the table itself is then empty. */
  segments: IntTable[] | undefined

  constructor(words: number, capacity = SMALLEST) {
    this.words = words
    this.capacity = capacity
    const buffer = new ArrayBuffer(capacity * words * 8)
    this.ints = new Int32Array(buffer)
    this.floats = new Float64Array(buffer)
  }

  /** New keys it takes before it has to grow. */
  get room(): number {
    return Math.floor(this.capacity * FILL) - this.used
  }

  get count(): number {
    return this.segments === undefined ? this.used : this.segments.reduce((sum, segment) => sum + segment.used, 0)
  }

  /** Makes room: twice the size, or split. */
  grow(): void {
    if (this.capacity < SPLIT) return this.double()
    const segments = Array.from({ length: SEGMENTS }, () => new IntTable(this.words, (this.capacity / SEGMENTS) * 2))
    this.move(key => segments[Math.imul(key, 0x9e3779b1) >>> 24] as IntTable)
    this.segments = segments
    this.capacity = 0
    this.used = 0
    this.ints = new Int32Array(0)
    this.floats = new Float64Array(0)
  }

  /** Empty, with the memory it has; false when it is too large to be worth keeping. */
  clear(): boolean {
    if (this.segments !== undefined) return false
    this.ints.fill(0)
    this.used = 0
    return true
  }

  /** A table with room, without its entries of no rows; `liveCount` are left. */
  regrown(liveCount: number): IntTable {
    const fresh = new IntTable(this.words, liveCount > this.capacity * (FILL / 2) ? this.capacity * 2 : this.capacity)
    this.move(() => fresh)
    return fresh
  }

  /** Puts a whole entry in place of another. */
  copyIn(entry: number, from: Int32Array): void {
    const half = this.words * 2
    for (let i = 0; i < half; i++) this.ints[entry * half + i] = from[i] as number
  }

  /** A small table of those of these keys that are here; not for a split one. */
  only(keys: Int32Array): IntTable {
    const few = new IntTable(this.words, 1 << Math.max(10, 33 - Math.clz32(keys.length)))
    const half = this.words * 2
    const mask = this.capacity - 1
    for (const key of keys) {
      let from = (Math.imul(key, 0x9e3779b1) >>> 7) & mask
      while (this.ints[from * half + 1] !== 0 && this.ints[from * half] !== key) from = (from + 1) & mask
      if (this.ints[from * half + 1] === 0) continue
      let at = (Math.imul(key, 0x9e3779b1) >>> 7) & (few.capacity - 1)
      while (few.ints[at * half + 1] !== 0) at = (at + 1) & (few.capacity - 1)
      few.copyIn(at, this.ints.subarray(from * half, (from + 1) * half))
      few.used++
    }
    return few
  }

  bytes(): number {
    return this.segments?.reduce((sum, segment) => sum + segment.bytes(), 0) ?? this.capacity * this.words * 8
  }

  /** The tables that hold entries. */
  get tables(): readonly IntTable[] {
    return this.segments ?? [this]
  }

  private double(): void {
    const larger = new IntTable(this.words, this.capacity * 2)
    this.move(() => larger)
    this.capacity = larger.capacity
    this.used = larger.used
    this.ints = larger.ints
    this.floats = larger.floats
  }

  private move(target: (key: number) => IntTable): void {
    const { ints, floats, words, capacity } = this
    const half = words * 2
    for (let from = 0; from < capacity; from++) {
      if ((ints[from * half + 1] as number) <= 0) continue
      const key = ints[from * half] as number
      const table = target(key)
      const mask = table.capacity - 1
      let at = (Math.imul(key, 0x9e3779b1) >>> 7) & mask
      while (table.ints[at * half + 1] !== 0) at = (at + 1) & mask
      for (let w = 0; w < words; w++) table.floats[at * words + w] = floats[from * words + w] as number
      // Copied as an integer: a NaN pattern must not be changed on its way through a double.
      table.ints[at * half] = key
      table.ints[at * half + 1] = ints[from * half + 1] as number
      table.used++
    }
  }
}

/** The first keys that are found in any of these tables, at most `limit` of each. */
export function firstKeys(tables: readonly IntTable[], limit: number): Int32Array {
  const keys = new Set<number>()
  for (const { tables: parts } of tables) {
    let left = limit
    for (const { ints, capacity, words } of parts) {
      for (let entry = 0; entry < capacity && left > 0; entry++) {
        if ((ints[entry * words * 2 + 1] as number) <= 0) continue
        keys.add(ints[entry * words * 2] as number)
        left--
      }
    }
  }
  return Int32Array.from(keys)
}

/** Entries of a table by key, ascending: pairs of table and entry. */
export function sortedEntries(table: IntTable): {
  readonly keys: Int32Array
  readonly tables: Uint8Array
  readonly entries: Int32Array
} {
  const { count } = table
  const keys = new Int32Array(count)
  const tables = new Uint8Array(count)
  const entries = new Int32Array(count)
  let n = 0
  table.tables.forEach((part, t) => {
    const from = n
    n = listEntries(part, keys, entries, n)
    if (t > 0) tables.fill(t, from, n)
  })
  const order = orderOf(keys)
  return { keys: picked(keys, order), tables: pickedBytes(tables, order), entries: picked(entries, order) }
}

function listEntries(part: IntTable, keys: Int32Array, entries: Int32Array, from: number): number {
  const half = part.words * 2
  const { ints, capacity } = part
  let n = from
  for (let entry = 0; entry < capacity; entry++) {
    if ((ints[entry * half + 1] as number) <= 0) continue
    keys[n] = ints[entry * half] as number
    entries[n++] = entry
  }
  return n
}

function picked(values: Int32Array, order: Int32Array): Int32Array {
  const out = new Int32Array(order.length)
  for (let i = 0; i < order.length; i++) out[i] = values[order[i] as number] as number
  return out
}

function pickedBytes(values: Uint8Array, order: Int32Array): Uint8Array {
  const out = new Uint8Array(order.length)
  for (let i = 0; i < order.length; i++) out[i] = values[order[i] as number] as number
  return out
}
