/** Between a running stream and a writer: rows wait here, at most so many, and one write is on its way at a time. */
import type { RowChunk } from '../targets/runtime.ts'
import type { SinkCounts, SinkWriter } from './sink.ts'

/** Rows the stream may be ahead of its target. */
const WAITING_ROWS = 10_000
/** Rows of one write: enough that a request to a broker is worth it. */
const ROWS_AT_ONCE = 5_000

/** What is done between two rows, when everything before is written: a commit. */
export type Barrier = () => Promise<void>

export interface SinkPumpOptions {
  readonly open: () => Promise<SinkWriter>
  /** There is room again. */
  readonly onRoom: () => void
  /** The target failed for good; nothing is written after it. */
  readonly onFailed: (error: unknown) => void
}

export class SinkPump {
  /** Resolves when the target is open; rejects when it cannot be. */
  readonly opened: Promise<SinkWriter>
  private readonly options: SinkPumpOptions
  private chunks: (RowChunk | Barrier)[] = []
  private waiting = 0
  private busy: Promise<void> | undefined
  private over = false
  private writer: SinkWriter | undefined
  private failure: { readonly error: unknown } | undefined
  private drained: (() => void)[] = []

  constructor(options: SinkPumpOptions) {
    this.options = options
    this.opened = options.open().then(writer => {
      this.writer = writer
      if (this.over) void writer.close()
      return writer
    })
    this.opened.catch(() => undefined)
  }

  get counts(): SinkCounts {
    return this.writer?.counts ?? { writtenCount: 0, refusedCount: 0 }
  }

  /** Rows that may still be put. */
  room(): number {
    return Math.max(0, WAITING_ROWS - this.waiting)
  }

  /** Resolves when there is room; undefined while there is. */
  ready(): Promise<void> | undefined {
    if (this.over || this.room() > 0) return undefined
    return new Promise(resolve => this.drained.push(resolve))
  }

  put(chunk: RowChunk): void {
    if (this.over) return
    this.chunks.push(chunk)
    this.waiting += chunk.eventTimesMs.length
    this.busy ??= this.work()
  }

  /** `act` is called when all put so far is written, before anything put later. */
  barrier(act: Barrier): void {
    if (this.over) return
    this.chunks.push(act)
    this.busy ??= this.work()
  }

  /** The stream has ended: resolves when all is acknowledged. Rejects when the target failed. */
  async finish(): Promise<void> {
    const writer = await this.opened
    await this.busy
    if (this.failure !== undefined) throw this.failure.error
    if (!this.over) await writer.flush()
    await this.close()
  }

  /** Idempotent; what waits is not written. */
  async close(): Promise<void> {
    this.over = true
    this.chunks = []
    this.waiting = 0
    this.tellRoom()
    await this.writer?.close()
  }

  private async work(): Promise<void> {
    try {
      const writer = await this.opened
      while (this.chunks.length > 0 && !this.over) {
        const chunk = this.next()
        if (typeof chunk === 'function') {
          await chunk()
          continue
        }
        await writer.write(chunk)
        this.waiting = Math.max(0, this.waiting - chunk.eventTimesMs.length)
        this.tellRoom()
      }
    } catch (error) {
      if (!this.over) {
        this.failure = { error }
        await this.close()
        this.options.onFailed(error)
      }
    } finally {
      this.busy = undefined
    }
  }

  /** Small chunks of a live stream are written together. */
  private next(): RowChunk | Barrier {
    const first = this.chunks.shift()!
    if (typeof first === 'function' || this.chunks.length === 0 || first.eventTimesMs.length >= ROWS_AT_ONCE)
      return first
    const taken = [first]
    let count = first.eventTimesMs.length
    while (count < ROWS_AT_ONCE) {
      const chunk = this.chunks[0]
      if (chunk === undefined || typeof chunk === 'function') break
      this.chunks.shift()
      taken.push(chunk)
      count += chunk.eventTimesMs.length
    }
    const weights = taken.some(chunk => chunk.weights !== undefined)
    return {
      rows: taken.flatMap(chunk => chunk.rows),
      eventTimesMs: Float64Array.from(taken.flatMap(chunk => [...chunk.eventTimesMs])),
      weights: weights
        ? Int8Array.from(
            taken.flatMap(chunk => (chunk.weights === undefined ? chunk.rows.map(() => 1) : [...chunk.weights])),
          )
        : undefined,
      watermarkMs: taken[taken.length - 1]!.watermarkMs,
    }
  }

  private tellRoom(): void {
    for (const resolve of this.drained.splice(0)) resolve()
    this.options.onRoom()
  }
}
