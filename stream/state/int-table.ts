/**
 * Numbers by integer key: open addressing, an entry is one stretch of memory.
 *
 *   word 0: key (int32), row count (int32; 0 is an empty entry)      words 1…: numbers of the aggregates
 *
 * Beyond `SPLIT` entries it is 256 small tables by the upper bits of the hash: each grows by itself, so that no growth, however
 * large the table, takes longer than a few milliseconds.
 */
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
      if (ints[from * half + 1] === 0) continue
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

/** Entries of a table by key, ascending: pairs of table and entry. Radix sort: keys are integers, comparing them one by one costs more than adding them did. */
export function sortedEntries(table: IntTable): {
  readonly keys: Int32Array
  readonly tables: Uint8Array
  readonly entries: Int32Array
} {
  const { count } = table
  let keys = new Int32Array(count)
  let places = new Int32Array(count)
  const tables = new Uint8Array(count)
  const entries = new Int32Array(count)
  let n = 0
  table.tables.forEach((part, t) => {
    const half = part.words * 2
    const { ints, capacity } = part
    for (let entry = 0; entry < capacity; entry++) {
      if (ints[entry * half + 1] === 0) continue
      keys[n] = ints[entry * half] as number
      tables[n] = t
      entries[n] = entry
      places[n] = n
      n++
    }
  })
  let otherKeys = new Int32Array(count)
  let otherPlaces = new Int32Array(count)
  const counts = new Int32Array(2048)
  for (let shift = 0; shift < 32; shift += 11) {
    // The sign bit turned around: negative keys come first.
    const flip = shift === 22 ? 0x200 : 0
    counts.fill(0)
    for (let i = 0; i < n; i++) counts[(((keys[i] as number) >>> shift) & 2047) ^ flip]!++
    if (counts[((((keys[0] ?? 0) as number) >>> shift) & 2047) ^ flip] === n) continue
    let sum = 0
    for (let d = 0; d < 2048; d++) {
      const c = counts[d] as number
      counts[d] = sum
      sum += c
    }
    for (let i = 0; i < n; i++) {
      const key = keys[i] as number
      const at = counts[((key >>> shift) & 2047) ^ flip]!++
      otherKeys[at] = key
      otherPlaces[at] = places[i] as number
    }
    ;[keys, otherKeys] = [otherKeys, keys]
    ;[places, otherPlaces] = [otherPlaces, places]
  }
  const sortedTables = new Uint8Array(count)
  const sorted = new Int32Array(count)
  for (let i = 0; i < n; i++) {
    const place = places[i] as number
    sortedTables[i] = tables[place] as number
    sorted[i] = entries[place] as number
  }
  return { keys, tables: sortedTables, entries: sorted }
}
