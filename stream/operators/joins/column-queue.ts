/**
 * Rows of columns that wait for their time: soonest first, equal times by arrival. Rows in order stand in stretches of columns, large
 * ones in the very batch they came in; one that is older than the newest of them stands in a heap beside, so that disorder costs
 * what it is, not what waits.
 */
import type { ColumnKind } from '../columns.ts'

export type ColumnArray = Int32Array | Float64Array

/** From so many rows on a stretch is not copied: its batch stays as long as one of them waits. */
const LARGE = 1024
const MOST_OWN = 16_384

export interface ColumnQueueState {
  readonly times: Float64Array
  readonly columns: readonly ColumnArray[]
  /** Rows in order; the stragglers follow. */
  readonly inOrder: number
}

/** Waiting rows in order of time: places `first` to `end`. */
export interface Stretch {
  readonly columns: readonly ColumnArray[]
  readonly times: Float64Array
  first: number
  end: number
  /** Places there are; those of a batch are all taken. */
  readonly capacity: number
  /** Its arrays are ours to write into. */
  readonly own: boolean
}

export class ColumnQueue {
  readonly kinds: readonly ColumnKind[]
  readonly late: Stragglers
  readonly stretches: Stretch[] = []
  /** Of the rows in order; −∞ when there are none. */
  newestMs = -Infinity
  private inOrder = 0

  constructor(kinds: readonly ColumnKind[]) {
    this.kinds = kinds
    this.late = new Stragglers(kinds)
  }

  get count(): number {
    return this.inOrder + this.late.count
  }

  get bytesPerRow(): number {
    return bytesOf(this.kinds)
  }

  get bytes(): number {
    return this.inOrder * this.bytesPerRow + this.late.bytes
  }

  /** The oldest rows in order. */
  get head(): Stretch | undefined {
    return this.stretches[0]
  }

  /** Rows in order, none older than the newest here. */
  append(columns: readonly ColumnArray[], times: Float64Array, from: number, to: number): void {
    if (from === to) return
    this.newestMs = times[to - 1] as number
    // Places kept for small batches do not stand before the rows of a large one.
    if (this.inOrder === 0 && to - from >= LARGE) this.stretches.length = 0
    this.inOrder += to - from
    if (to - from >= LARGE) {
      this.stretches.push({ columns, times, first: from, end: to, capacity: to, own: false })
      return
    }
    for (let e = from; e < to;) {
      const last = this.lastWithRoom()
      const count = Math.min(to - e, last.capacity - last.end)
      last.times.set(times.subarray(e, e + count), last.end)
      columns.forEach((column, c) => last.columns[c]?.set(column.subarray(e, e + count), last.end))
      last.end += count
      e += count
    }
  }

  /** The rows of the head before place `to` have left. */
  leave(to: number): void {
    const head = this.stretches[0] as Stretch
    this.inOrder -= to - head.first
    head.first = to
    if (to < head.end) return
    if (this.inOrder === 0) this.newestMs = -Infinity
    if (this.inOrder === 0 && head.own) head.first = head.end = 0
    else this.stretches.shift()
  }

  /** Rows in order up to a time leave. */
  expire(limitMs: number): void {
    for (let head = this.head; head !== undefined; head = this.head) {
      const to = placeOf(head.times, head.first, head.end, limitMs, true)
      if (to === head.first) return
      this.leave(to)
    }
  }

  /** How many of the rows in order there are of each value of a column. */
  countsOf(column: number): Map<number, number> {
    const counts = new Map<number, number>()
    for (const { columns, first, end } of this.stretches) {
      for (const value of columns[column]?.subarray(first, end) ?? []) counts.set(value, (counts.get(value) ?? 0) + 1)
    }
    return counts
  }

  /** Of the row at a place of the head, or behind it: of the next one in order; infinity when there is none. */
  timeFrom(place: number): number {
    const { head } = this
    if (head !== undefined && place < head.end) return head.times[place] as number
    const next = this.stretches[1]
    return next === undefined ? Infinity : (next.times[next.first] as number)
  }

  snapshot(): ColumnQueueState {
    const { count, kinds, late } = this
    const times = new Float64Array(count)
    const columns = kinds.map(kind => arrayOf(kind, count))
    let at = 0
    for (const { columns: from, times: timesFrom, first, end } of this.stretches) {
      times.set(timesFrom.subarray(first, end), at)
      from.forEach((column, c) => columns[c]?.set(column.subarray(first, end), at))
      at += end - first
    }
    for (const place of late.inOrder()) {
      times[at] = late.times[place] as number
      columns.forEach((column, c) => (column[at] = late.columns[c]?.[place] as number))
      at++
    }
    return { times, columns, inOrder: this.inOrder }
  }

  restore({ times, columns, inOrder }: ColumnQueueState): void {
    // Copies: a snapshot's arrays lie anywhere.
    if (inOrder > 0) {
      const own = { times: times.slice(0, inOrder), columns: columns.map(column => column.slice(0, inOrder)) }
      this.stretches.push({ ...own, first: 0, end: inOrder, capacity: inOrder, own: true })
      this.newestMs = times[inOrder - 1] as number
      this.inOrder = inOrder
    }
    for (let row = inOrder; row < times.length; row++) this.late.add(columns, times, row)
  }

  private lastWithRoom(): Stretch {
    const last = this.stretches.at(-1)
    if (last !== undefined && last.end < last.capacity) return last
    const capacity = last === undefined ? LARGE : Math.min(MOST_OWN, last.capacity * 2)
    const fresh = {
      columns: this.kinds.map(kind => arrayOf(kind, capacity)),
      times: new Float64Array(capacity),
      first: 0,
      end: 0,
      capacity,
      own: true,
    }
    this.stretches.push(fresh)
    return fresh
  }
}

/** The first place from `from` to `to` whose time is beyond the limit. */
export function placeOf(times: Float64Array, from: number, to: number, limitMs: number, inclusive: boolean): number {
  if (to > from) {
    const last = times[to - 1] as number
    if (last < limitMs || (inclusive && last === limitMs)) return to
  }
  while (from < to) {
    const middle = (from + to) >>> 1
    const t = times[middle] as number
    if (t < limitMs || (inclusive && t === limitMs)) from = middle + 1
    else to = middle
  }
  return from
}

/** Rows out of order: a heap of places by time, then arrival. */
class Stragglers {
  columns: ColumnArray[]
  times = new Float64Array(64)
  soonestMs = Infinity
  private readonly kinds: readonly ColumnKind[]
  private heap: number[] = []
  private free: number[] = []
  private orders = new Float64Array(64)
  private arrivals = 0

  constructor(kinds: readonly ColumnKind[]) {
    this.kinds = kinds
    this.columns = kinds.map(kind => arrayOf(kind, 64))
  }

  get count(): number {
    return this.heap.length
  }

  get bytes(): number {
    return this.times.length * (8 + bytesOf(this.kinds))
  }

  add(columns: readonly ColumnArray[], times: Float64Array, row: number): void {
    const { heap } = this
    if (this.free.length === 0 && heap.length === this.times.length) this.grow()
    const place = this.free.pop() ?? heap.length
    this.times[place] = times[row] as number
    this.orders[place] = this.arrivals++
    this.columns.forEach((column, c) => (column[place] = columns[c]?.[row] as number))
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
  }

  /** The place of the soonest, which holds until the next row comes; call only when there is one. */
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
    const { times, orders } = this
    const difference = (times[a] as number) - (times[b] as number)
    return difference === 0 ? (orders[a] as number) < (orders[b] as number) : difference < 0
  }

  private noteSoonest(): void {
    const first = this.heap[0]
    this.soonestMs = first === undefined ? Infinity : (this.times[first] as number)
  }

  private grow(): void {
    const { columns, times, orders, kinds } = this
    const capacity = times.length * 2
    this.times = new Float64Array(capacity)
    this.times.set(times)
    this.orders = new Float64Array(capacity)
    this.orders.set(orders)
    this.columns = kinds.map((kind, c) => {
      const column = arrayOf(kind, capacity)
      column.set(columns[c] as ColumnArray)
      return column
    })
  }
}

function arrayOf(kind: ColumnKind, count: number): ColumnArray {
  return kind === 'int' ? new Int32Array(count) : new Float64Array(count)
}

/** Of a row with its time. */
function bytesOf(kinds: readonly ColumnKind[]): number {
  return kinds.reduce((sum, kind) => sum + (kind === 'int' ? 4 : 8), 8)
}
