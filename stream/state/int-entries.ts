/**
 * Entries of a few integers by integer key: open addressing.
 *
 *   within: an entry is one stretch of memory, the key its first integer      ints: key a b c   key a b c   …
 *   apart:  keys stand in an array of their own                               keys: key key …   ints: a b c   a b c   …
 *
 * Within suits who needs the entry of each key it looks up; apart who looks many up before it comes to the entries: four bytes of a
 * place are touched then, and the keys stay in the processor's caches. A place without a key holds EMPTY. The key that equals EMPTY
 * has a place of its own behind the others.
 *
 * Text of a probe is made for loops, as loops hold the arrays in variables of their own: whoever grows the table reads them again.
 */
export const EMPTY = 0x5bd1e995
const SMALLEST = 8192
/** With fewer keys a table grows fourfold: moving entries costs more than the room. */
const SPARSE = 1 << 15

const NONE = new Int32Array(0)

export interface IntEntriesState {
  readonly ints: Int32Array
  /** Where they stand apart. */
  readonly keys: Int32Array | undefined
}

export class IntEntries {
  /** Integers of an entry, with the key where it is within; even where numbers of eight bytes are among them. */
  readonly width: number
  /** Of a place to the next in `keys`. */
  readonly stride: number
  /** The same array as `ints` where keys are within. */
  keys = NONE
  ints = NONE
  floats = new Float64Array(0)
  capacity = 0
  /** New keys it takes before it has to grow. */
  room = 0
  /** The key that equals EMPTY is one of its keys. */
  private hasOdd = false

  constructor(width: number, keys: 'within' | 'apart') {
    this.width = width
    this.stride = keys === 'apart' ? 1 : width
    this.clear(SMALLEST)
  }

  get count(): number {
    return this.capacity / 2 - this.room + (this.hasOdd ? 1 : 0)
  }

  get bytes(): number {
    return this.ints.byteLength + (this.isApart ? this.keys.byteLength : 0)
  }

  private get isApart(): boolean {
    return this.keys !== this.ints
  }

  /** Places that have a key. */
  *places(): Generator<number> {
    const { keys, capacity, stride } = this
    for (let place = 0; place < capacity; place++) if (keys[place * stride] !== EMPTY) yield place
    if (this.hasOdd) yield capacity
  }

  /** Makes room for so many keys, or more; entries that are over are left out. */
  grow(isOver?: (ints: Int32Array, at: number) => boolean, wanted = 1): void {
    const { keys, ints, width, stride, capacity: before, hasOdd } = this
    const stays = (place: number) =>
      (place === before ? hasOdd : keys[place * stride] !== EMPTY) && isOver?.(ints, place * width) !== true
    let live = 0
    for (let place = 0; place <= before; place++) if (stays(place)) live++
    let capacity = SMALLEST
    while (capacity < live * (live < SPARSE ? 5 : 2.5) || capacity / 2 < live + wanted) capacity *= 2
    this.clear(capacity)
    for (let place = 0; place <= before; place++)
      if (stays(place)) this.put(keys[place * stride] as number, ints, place * width)
  }

  /** Of the key that equals EMPTY, from now on one of its keys; what its integers are at first, the key apart. */
  oddPlace(first: number): number {
    const { capacity, width, stride } = this
    if (!this.hasOdd) this.ints.fill(first, capacity * width + (stride === 1 ? 0 : 1), (capacity + 1) * width)
    this.hasOdd = true
    return capacity
  }

  snapshot(): IntEntriesState {
    const { keys, ints, count, width } = this
    const saved = { ints: new Int32Array(count * width), keys: this.isApart ? new Int32Array(count) : undefined }
    let to = 0
    for (const place of this.places()) {
      if (saved.keys !== undefined) saved.keys[to] = keys[place] as number
      for (let i = 0; i < width; i++) saved.ints[to * width + i] = ints[place * width + i] as number
      to++
    }
    return saved
  }

  restore({ ints, keys = ints }: IntEntriesState): void {
    const { width, stride } = this
    const count = keys.length / stride
    let capacity = SMALLEST
    while (capacity < count * 2) capacity *= 2
    this.clear(capacity)
    for (let i = 0; i < count; i++) this.put(keys[i * stride] as number, ints, i * width)
  }

  /** A key that is new, with the integers at `from[at]` and behind. */
  private put(key: number, from: Int32Array, at: number): void {
    const { keys, ints, width, stride } = this
    const mask = this.capacity - 1
    let place = (Math.imul(key, 0x9e3779b1) >>> 7) & mask
    if (key === EMPTY) place = this.oddPlace(0)
    else {
      while (keys[place * stride] !== EMPTY) place = (place + 1) & mask
      keys[place * stride] = key
      this.room--
    }
    for (let i = 0; i < width; i++) ints[place * width + i] = from[at + i] as number
  }

  private clear(capacity: number): void {
    const { width, stride } = this
    this.capacity = capacity
    this.room = capacity / 2
    this.hasOdd = false
    // One place more, for the odd key; a whole number of words.
    this.ints = new Int32Array((capacity + 2) * width)
    this.floats = new Float64Array(this.ints.buffer)
    this.keys = stride === 1 ? new Int32Array(capacity + 1) : this.ints
    for (let at = 0; at < this.keys.length; at += stride) this.keys[at] = EMPTY
  }
}
