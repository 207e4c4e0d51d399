/**
 * Waiting rows of one side in a ring, in order of arrival; the rows of a key are a list from the newest time to the oldest, in
 * which equal times stand by arrival. Rows are named by number since the start, so that a row that has left is one below `tail`.
 *
 *   ring   word 0: time   int 2: number of the row behind it in its list   int 3…: values of the row
 *
 * A row leaves when all before it have left and it has expired. What hangs behind a row that left has expired too: it is older.
 * Long lists have jumps, each row one, as far as makes any place reachable in about 2·log₂ steps (Myers' skew-binary lists).
 */
const SMALLEST = 1024
/** Rows are numbered anew before a number needs more than 31 bits. */
const LAST_NUMBER = 2 ** 30
/** Lists with more rows than this have jumps. */
export const SHORT_LIST = 24

export interface ColumnRingState {
  readonly rows: Int32Array
  readonly jumps: Int32Array
  readonly depths: Int32Array
  readonly tail: number
}

export class ColumnRing {
  readonly words: number
  /** How long a row waits from its time on. */
  readonly lastMs: number
  capacity = 0
  mask = 0
  ints = new Int32Array(0)
  floats = new Float64Array(0)
  /** By place: number of a row further behind in the list, −1 for none; how many jumps lead on from there. */
  jumps = new Int32Array(0)
  depths = new Int32Array(0)
  tail = 0
  next = 0
  /** No row of it is newer. */
  newestMs = -Infinity

  constructor(words: number, lastMs: number) {
    this.words = words
    this.lastMs = lastMs
    this.resize(SMALLEST)
  }

  get count(): number {
    return this.next - this.tail
  }

  /** Rows it takes before it has to make room. */
  get room(): number {
    return this.capacity - this.count
  }

  get bytesPerRow(): number {
    return this.words * 8 + 8
  }

  get bytes(): number {
    return this.capacity * this.bytesPerRow
  }

  expire(watermarkMs: number): void {
    const { floats, words, mask, next } = this
    const limit = watermarkMs - this.lastMs
    let { tail } = this
    while (tail < next && (floats[(tail & mask) * words] as number) <= limit) tail++
    this.tail = tail
  }

  /** Room for a row more: expired rows go, also those behind one that waits for long; `renumber` tells the lists' heads. */
  makeRoom(watermarkMs: number, renumber: (numberOf: (old: number) => number) => void): void {
    const { floats, words, mask, tail, next } = this
    const limit = watermarkMs - this.lastMs
    let live = 0
    for (let row = tail; row < next; row++) if ((floats[(row & mask) * words] as number) > limit) live++
    if (next < LAST_NUMBER && live * 2 > this.capacity) this.resize(this.capacity * 2)
    else this.compact(limit, live, renumber)
  }

  /** The first row of a list at or before a time, from row `x` on; one that has left when there is none. */
  seek(x: number, timeMs: number): number {
    const { floats, ints, jumps, words, mask, tail } = this
    while (x >= tail && (floats[(x & mask) * words] as number) > timeMs) {
      const jump = jumps[x & mask] as number
      x =
        jump >= tail && (floats[(jump & mask) * words] as number) > timeMs
          ? jump
          : (ints[(x & mask) * words * 2 + 2] as number)
    }
    return x
  }

  /** Puts a row into the list of `head`, which is newer, behind all that are newer. */
  enter(row: number, head: number, timeMs: number): void {
    const { floats, ints, jumps, words, mask, tail } = this
    const half = words * 2
    let newer = head
    for (;;) {
      const jump = jumps[newer & mask] as number
      if (jump >= tail && (floats[(jump & mask) * words] as number) > timeMs) {
        newer = jump
        continue
      }
      const behind = ints[(newer & mask) * half + 2] as number
      if (behind < tail || (floats[(behind & mask) * words] as number) <= timeMs) break
      newer = behind
    }
    ints[(row & mask) * half + 2] = ints[(newer & mask) * half + 2] as number
    ints[(newer & mask) * half + 2] = row
  }

  /** Gives the new head of a long list its jump. */
  addJump(row: number, behind: number): void {
    const { jumps, depths, mask, tail } = this
    const first = jumps[behind & mask] as number
    const second = first < tail ? -1 : (jumps[first & mask] as number)
    const middle = this.depthOf(first)
    const even = second >= tail && this.depthOf(behind) - middle === middle - this.depthOf(second)
    jumps[row & mask] = even ? second : behind
    depths[row & mask] = this.depthOf(behind) + 1
  }

  /** A method: this runs for each row, a function made within would be made for each. */
  private depthOf(row: number): number {
    const { jumps, depths, mask } = this
    return (jumps[row & mask] as number) < 0 ? 0 : (depths[row & mask] as number)
  }

  snapshot(): ColumnRingState {
    const { count, tail, words } = this
    const rows = new Int32Array(count * words * 2)
    const jumps = new Int32Array(count)
    const depths = new Int32Array(count)
    this.inPieces((from, to, at) => {
      rows.set(this.ints.subarray(from * words * 2, to * words * 2), at * words * 2)
      jumps.set(this.jumps.subarray(from, to), at)
      depths.set(this.depths.subarray(from, to), at)
    })
    return { rows, jumps, depths, tail }
  }

  restore({ rows, jumps, depths, tail }: ColumnRingState): void {
    let capacity = SMALLEST
    while (capacity < jumps.length) capacity *= 2
    this.next = tail
    this.tail = tail
    this.resize(capacity)
    this.next = tail + jumps.length
    const { words } = this
    this.inPieces((from, to, at) => {
      const count = to - from
      this.ints.set(rows.subarray(at * words * 2, (at + count) * words * 2), from * words * 2)
      this.jumps.set(jumps.subarray(at, at + count), from)
      this.depths.set(depths.subarray(at, at + count), from)
      for (let row = from; row < to; row++) this.newestMs = Math.max(this.newestMs, this.floats[row * words] as number)
    })
  }

  /** The waiting rows as one or two stretches of places; `at` counts rows from the tail. */
  private inPieces(visit: (from: number, to: number, at: number) => void): void {
    const { count, capacity, mask, tail } = this
    const from = tail & mask
    const first = Math.min(count, capacity - from)
    if (first > 0) visit(from, from + first, 0)
    if (count > first) visit(0, count - first, first)
  }

  /** The same rows under the same numbers in a ring of another size. */
  private resize(capacity: number): void {
    const { ints, jumps, depths, words } = this
    const half = words * 2
    const pieces: [from: number, to: number, at: number][] = []
    if (this.capacity > 0) this.inPieces((from, to, at) => pieces.push([from, to, at]))
    this.allocate(capacity)
    for (const [from, to, at] of pieces) {
      // A larger ring may have its seam elsewhere.
      for (let row = from; row < to;) {
        const place = (this.tail + at + row - from) & this.mask
        const count = Math.min(to - row, capacity - place)
        this.ints.set(ints.subarray(row * half, (row + count) * half), place * half)
        this.jumps.set(jumps.subarray(row, row + count), place)
        this.depths.set(depths.subarray(row, row + count), place)
        row += count
      }
    }
  }

  private compact(limit: number, live: number, renumber: (numberOf: (old: number) => number) => void): void {
    const { ints, floats, jumps, depths, words, mask, tail, next } = this
    const half = words * 2
    const numbers = new Int32Array(next - tail)
    let number = 0
    for (let row = tail; row < next; row++) {
      numbers[row - tail] = (floats[(row & mask) * words] as number) > limit ? number++ : -1
    }
    const numberOf = (old: number) => (old < tail ? -1 : (numbers[old - tail] as number))
    let capacity = SMALLEST
    while (capacity < live * 2) capacity *= 2
    this.allocate(capacity)
    this.tail = 0
    this.next = number
    for (let row = tail; row < next; row++) {
      const to = numberOf(row)
      if (to < 0) continue
      this.copy(row, to, { ints, jumps, depths, mask, half })
      const place = to & this.mask
      this.ints[place * half + 2] = numberOf(this.ints[place * half + 2] as number)
      this.jumps[place] = numberOf(this.jumps[place] as number)
    }
    renumber(numberOf)
  }

  private copy(
    row: number,
    to: number,
    from: { ints: Int32Array; jumps: Int32Array; depths: Int32Array; mask: number; half: number },
  ): void {
    const old = row & from.mask
    const place = to & this.mask
    for (let i = 0; i < from.half; i++) this.ints[place * from.half + i] = from.ints[old * from.half + i] as number
    this.jumps[place] = from.jumps[old] as number
    this.depths[place] = from.depths[old] as number
  }

  private allocate(capacity: number): void {
    this.capacity = capacity
    this.mask = capacity - 1
    this.ints = new Int32Array(capacity * this.words * 2)
    this.floats = new Float64Array(this.ints.buffer)
    this.jumps = new Int32Array(capacity).fill(-1)
    this.depths = new Int32Array(capacity)
  }
}
