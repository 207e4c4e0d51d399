/**
 * Rows of columns that wait for their time: soonest first, equal times by arrival. Rows in order stand in a ring; one that is older
 * than the newest of them stands in a heap beside it, so that disorder costs what it is, not what waits.
 *
 *   row   word 0: time   int 2: key   int 3…: values
 */
const SMALLEST = 1024

export interface ColumnQueueState {
  /** Rows in order, then the stragglers. */
  readonly rows: Int32Array
  readonly inOrder: number
}

export class ColumnQueue {
  readonly words: number
  readonly late: Stragglers
  capacity = SMALLEST
  mask = SMALLEST - 1
  ints: Int32Array
  floats: Float64Array
  /** Rows of the ring that have left, and that have come. */
  first = 0
  next = 0
  /** Of the ring; −∞ when it is empty. */
  newestMs = -Infinity

  constructor(words: number) {
    this.words = words
    this.late = new Stragglers(words)
    this.ints = new Int32Array(SMALLEST * words * 2)
    this.floats = new Float64Array(this.ints.buffer)
  }

  get count(): number {
    return this.next - this.first + this.late.count
  }

  get bytes(): number {
    return this.ints.byteLength + this.late.bytes
  }

  get soonestMs(): number {
    return Math.min(this.ringMs, this.late.soonestMs)
  }

  /** Up to a time, all rows stand in the ring. */
  isInOrder(timeMs: number): boolean {
    return this.late.count === 0 || this.late.soonestMs > timeMs
  }

  /** Takes the soonest; call only when there is one. The place holds until the next row comes. */
  take(visit: (ints: Int32Array, floats: Float64Array, place: number) => void): void {
    const { late } = this
    // Of equal times the one in the ring came first: the other was older than the ring's newest when it came.
    if (this.ringMs <= late.soonestMs) visit(this.ints, this.floats, this.first++ & this.mask)
    else visit(late.ints, late.floats, late.take())
    if (this.first === this.next) this.newestMs = -Infinity
  }

  grow(): void {
    const [first, second] = this.pieces()
    this.capacity *= 2
    this.mask = this.capacity - 1
    this.ints = new Int32Array(this.capacity * this.words * 2)
    this.floats = new Float64Array(this.ints.buffer)
    this.next -= this.first
    this.first = 0
    this.ints.set(first)
    this.ints.set(second, first.length)
  }

  snapshot(): ColumnQueueState {
    const { words, late } = this
    const half = words * 2
    const [first, second] = this.pieces()
    const rows = new Int32Array(this.count * half)
    rows.set(first)
    rows.set(second, first.length)
    const inRing = first.length + second.length
    let at = inRing
    for (const place of late.inOrder()) {
      rows.set(late.ints.subarray(place * half, (place + 1) * half), at)
      at += half
    }
    return { rows, inOrder: inRing / half }
  }

  restore({ rows, inOrder }: ColumnQueueState): void {
    const { words } = this
    const half = words * 2
    while (this.capacity < inOrder) this.grow()
    this.ints.set(rows.subarray(0, inOrder * half))
    this.next = inOrder
    if (inOrder > 0) this.newestMs = this.floats[(inOrder - 1) * words] as number
    // A copy: a snapshot's arrays lie anywhere.
    const late = rows.slice(inOrder * half)
    const floats = new Float64Array(late.buffer)
    for (let row = 0; row * half < late.length; row++) {
      const place = this.late.add(floats[row * words] as number)
      this.late.ints.set(late.subarray(row * half, (row + 1) * half), place * half)
    }
  }

  /** The rows in the ring, oldest first, where they lie. */
  private pieces(): [Int32Array, Int32Array] {
    const { ints, words, mask, first, next, capacity } = this
    const half = words * 2
    const from = first & mask
    const straight = Math.min(next - first, capacity - from)
    return [ints.subarray(from * half, (from + straight) * half), ints.subarray(0, (next - first - straight) * half)]
  }

  private get ringMs(): number {
    return this.first < this.next ? (this.floats[(this.first & this.mask) * this.words] as number) : Infinity
  }
}

/** Rows out of order: a heap of places by time, then arrival. */
class Stragglers {
  ints: Int32Array
  floats: Float64Array
  soonestMs = Infinity
  private readonly words: number
  private capacity = 64
  private heap: number[] = []
  private free: number[] = []
  private orders = new Float64Array(64)
  private arrivals = 0

  constructor(words: number) {
    this.words = words
    this.ints = new Int32Array(this.capacity * words * 2)
    this.floats = new Float64Array(this.ints.buffer)
  }

  get count(): number {
    return this.heap.length
  }

  get bytes(): number {
    return this.ints.byteLength
  }

  /** The place of one more row, for its owner to fill. */
  add(timeMs: number): number {
    const { heap } = this
    if (this.free.length === 0 && heap.length === this.capacity) this.grow()
    const place = this.free.pop() ?? heap.length
    this.floats[place * this.words] = timeMs
    this.orders[place] = this.arrivals++
    let i = heap.length
    heap.push(place)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!this.isBefore(place, heap[parent] as number)) break
      heap[i] = heap[parent] as number
      i = parent
    }
    heap[i] = place
    this.noteSoonest()
    return place
  }

  take(): number {
    const { heap } = this
    const first = heap[0] as number
    const last = heap.pop() as number
    if (heap.length > 0) this.sink(last)
    this.free.push(first)
    this.noteSoonest()
    return first
  }

  /** Places, soonest first. */
  inOrder(): number[] {
    return this.heap.toSorted((a, b) => (this.isBefore(a, b) ? -1 : 1))
  }

  private sink(place: number): void {
    const { heap } = this
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.isBefore(heap[child + 1] as number, heap[child] as number)) child++
      if (!this.isBefore(heap[child] as number, place)) break
      heap[i] = heap[child] as number
      i = child
    }
    heap[i] = place
  }

  private isBefore(a: number, b: number): boolean {
    const { floats, words, orders } = this
    const difference = (floats[a * words] as number) - (floats[b * words] as number)
    return difference === 0 ? (orders[a] as number) < (orders[b] as number) : difference < 0
  }

  private noteSoonest(): void {
    const first = this.heap[0]
    this.soonestMs = first === undefined ? Infinity : (this.floats[first * this.words] as number)
  }

  private grow(): void {
    const { ints, orders } = this
    this.capacity *= 2
    this.ints = new Int32Array(this.capacity * this.words * 2)
    this.ints.set(ints)
    this.floats = new Float64Array(this.ints.buffer)
    this.orders = new Float64Array(this.capacity)
    this.orders.set(orders)
  }
}
