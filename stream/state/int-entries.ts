/**
 * Entries of a few integers by integer key: open addressing, an entry is one stretch of memory.
 *
 *   int 0: key      int 1: 0 is an empty entry; its owner may use the bits above the lowest      ints 2…: the owner's
 *
 * Text of a probe is made for loops, as loops hold the array in a variable of their own: whoever grows the table reads it again.
 */
const SMALLEST = 1024
/** With fewer keys a table grows fourfold: moving entries costs more than the room. */
const SPARSE = 1 << 16

export interface IntEntriesState {
  readonly ints: Int32Array
  readonly used: number
}

export class IntEntries {
  /** Integers of an entry, a power of two. */
  readonly width: number
  ints: Int32Array
  floats: Float64Array
  capacity = SMALLEST
  /** New keys it takes before it has to grow. */
  room = SMALLEST / 2

  constructor(width: number) {
    this.width = width
    this.ints = new Int32Array(SMALLEST * width)
    this.floats = new Float64Array(this.ints.buffer)
  }

  get count(): number {
    return this.capacity / 2 - this.room
  }

  get bytes(): number {
    return this.ints.byteLength
  }

  /** Makes room for so many keys, or more; entries that are over are left out. */
  grow(isOver?: (ints: Int32Array, at: number) => boolean, wanted = 1): void {
    const { ints, width } = this
    let live = 0
    for (let at = 0; at < ints.length; at += width) {
      if (ints[at + 1] === 0) continue
      if (isOver?.(ints, at) === true) ints[at + 1] = 0
      else live++
    }
    let capacity = SMALLEST
    while (capacity < live * (live < SPARSE ? 5 : 2.5) || capacity / 2 < live + wanted) capacity *= 2
    this.refill(ints, capacity)
  }

  /** Where the entry of a key is, or would be. */
  find(key: number): number {
    const { ints, width } = this
    const mask = this.capacity * width - 1
    let at = (Math.imul(key, 0x9e3779b1) >>> 7) * width & mask // prettier-ignore
    while (ints[at + 1] !== 0 && ints[at] !== key) at = (at + width) & mask
    return at
  }

  snapshot(): IntEntriesState {
    const { ints, width, count } = this
    const saved = new Int32Array(count * width)
    let to = 0
    for (let at = 0; at < ints.length; at += width) {
      if (ints[at + 1] === 0) continue
      for (let i = 0; i < width; i++) saved[to++] = ints[at + i] as number
    }
    return { ints: saved, used: count }
  }

  restore({ ints, used }: IntEntriesState): void {
    let capacity = SMALLEST
    while (capacity < used * 2) capacity *= 2
    this.refill(ints, capacity)
  }

  private refill(from: Int32Array, capacity: number): void {
    const { width } = this
    this.capacity = capacity
    this.room = capacity / 2
    this.ints = new Int32Array(capacity * width)
    this.floats = new Float64Array(this.ints.buffer)
    for (let old = 0; old < from.length; old += width) {
      if (from[old + 1] === 0) continue
      const at = this.find(from[old] as number)
      for (let i = 0; i < width; i++) this.ints[at + i] = from[old + i] as number
      this.room--
    }
  }
}
