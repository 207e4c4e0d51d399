/**
 * Records on their way into event-time order: taken out by (event time, arrival) once the watermark has passed them. Records
 * that arrive in order wait in a line, the others in a heap beside it.
 */
import type { Batch, Origin } from '../model.ts'

interface Waiting {
  readonly batch: Batch
  readonly index: number
  readonly eventTimeMs: number
  readonly key: unknown
  readonly arrival: number
}

export interface QueueState {
  readonly rows: readonly unknown[]
  readonly eventTimesMs: Float64Array
  readonly keys: readonly unknown[]
  readonly partitions: Int32Array
  readonly offsets: BigInt64Array
  readonly timestampsMs: Float64Array
}

export class EventQueue {
  /** The record taken out last. */
  batch!: Batch
  index = 0
  eventTimeMs = 0
  key: unknown = undefined
  private batches: Batch[] = []
  private indices: number[] = []
  private times: number[] = []
  private keys: unknown[] = []
  private arrivals: number[] = []
  private head = 0
  private readonly heap: Waiting[] = []
  private arrival = 0

  get count(): number {
    return this.batches.length - this.head + this.heap.length
  }

  push(batch: Batch, index: number, key: unknown): void {
    const eventTimeMs = batch.eventTimesMs[index] as number
    const arrival = this.arrival++
    const last = this.times.length - 1
    if (last < this.head || (this.times[last] as number) <= eventTimeMs) {
      this.batches.push(batch)
      this.indices.push(index)
      this.times.push(eventTimeMs)
      this.keys.push(key)
      this.arrivals.push(arrival)
    } else this.sift({ batch, index, eventTimeMs, key, arrival })
  }

  /** Takes out the next record with an event time at or below `watermarkMs`; false when there is none. */
  take(watermarkMs: number): boolean {
    const top = this.heap[0]
    const inLine = this.head < this.batches.length
    const time = inLine ? (this.times[this.head] as number) : Infinity
    const fromHeap =
      top !== undefined &&
      (!inLine ||
        top.eventTimeMs < time ||
        (top.eventTimeMs === time && top.arrival < (this.arrivals[this.head] as number)))
    if (fromHeap) {
      if (top.eventTimeMs > watermarkMs) return false
      this.batch = top.batch
      this.index = top.index
      this.eventTimeMs = top.eventTimeMs
      this.key = top.key
      this.removeTop()
      return true
    }
    if (!inLine || time > watermarkMs) return false
    const { head } = this
    this.batch = this.batches[head] as Batch
    this.index = this.indices[head] as number
    this.eventTimeMs = time
    this.key = this.keys[head]
    this.head++
    if (this.head === this.batches.length || (this.head >= 4096 && this.head * 2 >= this.batches.length)) this.compact()
    return true
  }

  /** In the order in which they would be taken out, so that arrival is kept. */
  snapshot(): QueueState {
    const waiting = this.sorted()
    const origins = waiting.map(w => w.batch.origin)
    return {
      rows: waiting.map(w => w.batch.rows[w.index]),
      eventTimesMs: Float64Array.from(waiting, w => w.eventTimeMs),
      keys: waiting.map(w => w.key),
      partitions: Int32Array.from(waiting, (w, i) => origins[i]?.partitions[w.index] ?? -1),
      offsets: BigInt64Array.from(waiting, (w, i) => origins[i]?.offsets[w.index] ?? -1n),
      timestampsMs: Float64Array.from(waiting, (w, i) => origins[i]?.timestampsMs[w.index] ?? w.eventTimeMs),
    }
  }

  restore(state: QueueState): void {
    const { rows, eventTimesMs, partitions, offsets, timestampsMs } = state
    const origin: Origin = { partitions, offsets, timestampsMs }
    const beforeMs = new Float64Array(rows.length).fill(-Infinity)
    const batch: Batch = { count: rows.length, rows, eventTimesMs, beforeMs, watermarkMs: -Infinity, origin }
    for (let i = 0; i < rows.length; i++) this.push(batch, i, state.keys[i])
  }

  private sorted(): Waiting[] {
    const waiting = this.heap.slice()
    for (let i = this.head; i < this.batches.length; i++) {
      waiting.push({
        batch: this.batches[i] as Batch,
        index: this.indices[i] as number,
        eventTimeMs: this.times[i] as number,
        key: this.keys[i],
        arrival: this.arrivals[i] as number,
      })
    }
    return waiting.sort(before)
  }

  private compact(): void {
    const { head } = this
    this.head = 0
    if (head === this.batches.length) {
      // Refilled at once as a rule: the arrays keep their room.
      this.batches.length = 0
      this.indices.length = 0
      this.times.length = 0
      this.keys.length = 0
      this.arrivals.length = 0
      return
    }
    this.batches = this.batches.slice(head)
    this.indices = this.indices.slice(head)
    this.times = this.times.slice(head)
    this.keys = this.keys.slice(head)
    this.arrivals = this.arrivals.slice(head)
  }

  private sift(waiting: Waiting): void {
    const { heap } = this
    let at = heap.length
    heap.push(waiting)
    while (at > 0) {
      const up = (at - 1) >> 1
      const above = heap[up] as Waiting
      if (before(above, waiting) <= 0) break
      heap[at] = above
      at = up
    }
    heap[at] = waiting
  }

  private removeTop(): void {
    const { heap } = this
    const last = heap.pop() as Waiting
    const n = heap.length
    if (n === 0) return
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= n) break
      if (down + 1 < n && before(heap[down + 1] as Waiting, heap[down] as Waiting) < 0) down++
      if (before(heap[down] as Waiting, last) >= 0) break
      heap[at] = heap[down] as Waiting
      at = down
    }
    heap[at] = last
  }
}

function before(a: Waiting, b: Waiting): number {
  return a.eventTimeMs - b.eventTimeMs || a.arrival - b.arrival
}
