/** One consumer's rows, inline: a bounded buffer between a running plan and whoever pulls. */
import type { Batch } from '../model.ts'
import { StreamError } from '../errors.ts'
import type { StreamErrorParts } from '../errors.ts'
import type { RowChunk, RowSource, SubscribeOptions } from './runtime.ts'

export const BUFFER_ROWS = 10_000

/** What runs below a buffer. */
interface PlanBelow {
  onClose(): Promise<void>
  onDrain(): Promise<void>
}

export class RowBuffer implements RowSource {
  private readonly limit: number
  private readonly changes: boolean
  private readonly plan: PlanBelow
  private batches: Batch[] = []
  private buffered = 0
  private over: { readonly error: StreamErrorParts | undefined } | undefined
  private closed = false
  private waiting: (() => void) | undefined
  private drained: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

  constructor(options: SubscribeOptions, plan: PlanBelow) {
    this.limit = options.bufferRows ?? BUFFER_ROWS
    this.changes = options.changes ?? false
    this.plan = plan
  }

  add(batch: Batch): void {
    if (this.closed) return
    this.batches.push(batch)
    this.buffered += batch.count
    this.wake()
  }

  end(error: StreamErrorParts | undefined): void {
    this.over ??= { error }
    this.wake()
  }

  /** The stream below was replaced: rows of the old one are not handed out any more. */
  reset(): void {
    this.batches = []
    this.buffered = 0
    this.over = undefined
    this.release()
  }

  /** Back-pressure: undefined while there is room. */
  ready(): Promise<void> | undefined {
    if (this.buffered < this.limit || this.closed) return undefined
    if (this.drained === undefined) {
      let resolve = () => {}
      const promise = new Promise<void>(r => {
        resolve = r
      })
      this.drained = { promise, resolve }
    }
    return this.drained.promise
  }

  async next(): Promise<RowChunk | null> {
    for (;;) {
      const batch = this.batches.shift()
      if (batch !== undefined) {
        this.buffered -= batch.count
        if (this.buffered < this.limit) this.release()
        const chunk = this.chunk(batch)
        if ((chunk.count ?? chunk.eventTimesMs.length) > 0) return chunk
        continue
      }
      if (this.closed) return null
      if (this.over !== undefined) {
        if (this.over.error !== undefined) throw StreamError.from(this.over.error)
        return null
      }
      await new Promise<void>(resolve => {
        this.waiting = resolve
      })
    }
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.batches = []
    this.buffered = 0
    this.release()
    this.wake()
    await this.plan.onClose()
  }

  async drain(): Promise<void> {
    if (!this.closed) await this.plan.onDrain()
  }

  private chunk(batch: Batch): RowChunk {
    const { weights, columns, count } = batch
    if (this.changes || weights === undefined) {
      // Rows that are columns are made when somebody looks, their times too.
      if (columns === undefined)
        return { rows: batch.rows, eventTimesMs: batch.eventTimesMs, weights, watermarkMs: batch.watermarkMs }
      return {
        columns,
        count,
        get eventTimesMs() {
          return batch.eventTimesMs
        },
        weights,
        get watermarkMs() {
          return batch.watermarkMs
        },
        release: batch.release,
        get rows() {
          return batch.rows
        },
      }
    }
    const { rows, eventTimesMs } = batch
    const kept: number[] = []
    for (let i = 0; i < batch.count; i++) if (weights[i] !== -1) kept.push(i)
    return {
      rows: kept.map(i => rows[i]),
      eventTimesMs: Float64Array.from(kept, i => eventTimesMs[i] as number),
      watermarkMs: batch.watermarkMs,
    }
  }

  private wake(): void {
    const { waiting } = this
    this.waiting = undefined
    waiting?.()
  }

  private release(): void {
    const { drained } = this
    this.drained = undefined
    drained?.resolve()
  }
}
