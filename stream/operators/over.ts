/**
 * Aggregates over the records before each record: `over('10m')` those at most 10 minutes older (both ends belong to it, records of
 * the same time to each other's), `over(100)` the last 100 of the key.
 *
 *   record ─▶ waits ─▶ watermark ≥ its time ─▶ joins the queue of its key ─▶ itself with the aggregates of the queue
 *
 * Rows come out in the order of their event times, ties in the order of arrival. A record at or behind the watermark is late and
 * dropped: rows that came out before it would have been wrong.
 */
import type { Batch } from '../model.ts'
import type { Layout, Store } from '../aggregates/layout.ts'
import { KeyTable } from '../state/key-table.ts'
import type { KeyTableState } from '../state/key-table.ts'
import { emptyQueue, oldestTime, popOldest, pushRecord, queueLength, total } from '../state/over-queue.ts'
import type { OverQueue } from '../state/over-queue.ts'
import { BatchBuilder } from './batch-builder.ts'
import { rowMaker } from './compile.ts'
import type { Operator, StageContext } from './operator.ts'
import type { RowReader } from './row-reader.ts'

interface Waiting {
  readonly timeMs: number
  /** Order of arrival. */
  readonly arrival: number
  readonly keyId: number
  readonly row: unknown
  readonly values: Store
}

interface OverState {
  readonly table: KeyTableState
  readonly waiting: readonly Waiting[]
  readonly arrivals: number
  readonly queues: readonly (readonly [number, OverQueue])[]
  readonly watermarkMs: number
}

export interface OverParts {
  /** One of both. */
  readonly sizeMs: number | undefined
  readonly rowCount: number | undefined
  readonly keyNames: readonly string[]
  readonly layout: Layout
  readonly aggregateNames: readonly string[]
  readonly reader: RowReader
  readonly context: StageContext
}

export class OverOperator implements Operator {
  private readonly parts: OverParts
  private readonly make: (values: readonly unknown[]) => Record<string, unknown>
  private readonly table: KeyTable
  /** A heap by time, then arrival. */
  private waiting: Waiting[] = []
  private arrivals = 0
  private queues = new Map<number, OverQueue>()
  /** Records in all queues. */
  private queued = 0
  private watermarkMs = -Infinity
  private readonly out = new BatchBuilder()

  constructor(parts: OverParts) {
    this.parts = parts
    this.make = rowMaker([...parts.keyNames, ...parts.aggregateNames, 'kind', 'revision'])
    this.table = new KeyTable(parts.keyNames.length)
  }

  onBatch(batch: Batch): Batch {
    const { reader, layout, context } = this.parts
    for (let i = 0; i < batch.count; i++) {
      const before = batch.beforeMs[i] as number
      if (before > this.watermarkMs) this.advance(before)
      const timeMs = batch.eventTimesMs[i] as number
      if (batch.weights?.[i] === -1) {
        context.refuse(batch, i, 'an over window cannot take back a row that was retracted')
        continue
      }
      if (timeMs <= this.watermarkMs) {
        context.drop(batch, i)
        continue
      }
      const keyId = reader.read(batch, i, this.table)
      if (keyId < 0) continue
      const values = layout.single()
      reader.addTo(values, 0, 1, timeMs)
      this.table.hold(keyId)
      push(this.waiting, { timeMs, arrival: this.arrivals++, keyId, row: batch.rows[i], values })
    }
    return this.onWatermark(batch.watermarkMs)
  }

  onWatermark(watermarkMs: number): Batch {
    if (watermarkMs > this.watermarkMs) this.advance(watermarkMs)
    return this.out.take(watermarkMs)
  }

  onEnd(): Batch {
    return this.onWatermark(Infinity)
  }

  snapshot(): OverState {
    const { waiting, arrivals, watermarkMs } = this
    return { table: this.table.snapshot(), waiting, arrivals, queues: [...this.queues], watermarkMs }
  }

  restore(state: unknown): void {
    const s = state as OverState
    this.table.restore(s.table)
    this.waiting = [...s.waiting]
    this.arrivals = s.arrivals
    this.queues = new Map(s.queues)
    this.queued = 0
    for (const queue of this.queues.values()) this.queued += queueLength(queue)
    this.watermarkMs = s.watermarkMs
  }

  keyCount(): number {
    return this.table.liveCount
  }

  stateBytes(): number {
    const record = 96 + this.parts.layout.stride * 8
    return this.table.bytes() + (this.waiting.length + this.queued) * record
  }

  private advance(to: number): void {
    const from = this.watermarkMs
    while (this.waiting.length > 0 && (this.waiting[0] as Waiting).timeMs <= to) {
      const { timeMs } = this.waiting[0] as Waiting
      // All of one time go in before the first comes out: they belong to each other's range.
      const peers: Waiting[] = []
      while (this.waiting.length > 0 && (this.waiting[0] as Waiting).timeMs === timeMs) peers.push(pop(this.waiting))
      this.handle(peers, timeMs, Math.max(from, timeMs - 1))
    }
    this.watermarkMs = to
  }

  private handle(peers: readonly Waiting[], timeMs: number, beforeMs: number): void {
    const { layout, rowCount, sizeMs } = this.parts
    this.queued += peers.length
    if (sizeMs !== undefined)
      for (const peer of peers) pushRecord(this.queueOf(peer.keyId), layout, timeMs, peer.values)
    for (const peer of peers) {
      const queue = this.queueOf(peer.keyId)
      if (rowCount !== undefined) {
        pushRecord(queue, layout, timeMs, peer.values)
        while (queueLength(queue) > rowCount) this.forget(queue, peer.keyId)
      } else if (sizeMs !== undefined) while (oldestTime(queue) < timeMs - sizeMs) this.forget(queue, peer.keyId)
      this.out.add(this.row(peer, queue), timeMs, beforeMs)
    }
  }

  /** A key without records is forgotten, its queue too. */
  private forget(queue: OverQueue, keyId: number): void {
    popOldest(queue, this.parts.layout)
    this.queued--
    this.table.release(keyId)
  }

  private queueOf(keyId: number): OverQueue {
    let queue = this.queues.get(keyId)
    if (queue === undefined) {
      queue = emptyQueue(this.parts.layout)
      this.queues.set(keyId, queue)
    }
    return queue
  }

  private row({ keyId, row }: Waiting, queue: OverQueue): Record<string, unknown> {
    const { layout, keyNames } = this.parts
    const values: unknown[] = keyNames.map((_, c) => this.table.valueOf(keyId, c))
    layout.results(values, total(queue, layout), 0)
    values.push('onTime', 0)
    const columns = this.make(values)
    return typeof row === 'object' && row !== null ? { ...row, ...columns } : { value: row, ...columns }
  }
}

function earlier(a: Waiting, b: Waiting): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.arrival < b.arrival)
}

function push(heap: Waiting[], entry: Waiting): void {
  let i = heap.length
  heap.push(entry)
  while (i > 0) {
    const parent = (i - 1) >> 1
    const above = heap[parent] as Waiting
    if (!earlier(entry, above)) break
    heap[i] = above
    i = parent
  }
  heap[i] = entry
}

function pop(heap: Waiting[]): Waiting {
  const top = heap[0] as Waiting
  const entry = heap.pop() as Waiting
  if (heap.length === 0) return top
  let i = 0
  for (;;) {
    let child = 2 * i + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && earlier(heap[child + 1] as Waiting, heap[child] as Waiting)) child++
    if (!earlier(heap[child] as Waiting, entry)) break
    heap[i] = heap[child] as Waiting
    i = child
  }
  heap[i] = entry
  return top
}
