/** Collects the rows an operator makes while it handles one batch. */
import type { Batch } from '../model.ts'
import { emptyBatch } from './operator.ts'

export class BatchBuilder {
  private rows: unknown[] = []
  private eventTimes: number[] = []
  private before: number[] = []
  private weights: number[] = []
  private retracted = false

  /** `beforeMs` is the watermark of the output just before this row. */
  add(row: unknown, eventTimeMs: number, beforeMs: number, weight: 1 | -1 = 1): void {
    this.rows.push(row)
    this.eventTimes.push(eventTimeMs)
    this.before.push(beforeMs)
    this.weights.push(weight)
    if (weight === -1) this.retracted = true
  }

  /** The batch of all rows added since the last call. */
  take(watermarkMs: number): Batch {
    const count = this.rows.length
    if (count === 0) return emptyBatch(watermarkMs)
    const beforeMs = Float64Array.from(this.before)
    // A watermark never goes back, also not by a row made for an earlier window end.
    for (let i = 1; i < count; i++) {
      if ((beforeMs[i] as number) < (beforeMs[i - 1] as number)) beforeMs[i] = beforeMs[i - 1] as number
    }
    const batch: Batch = {
      count,
      rows: this.rows,
      eventTimesMs: Float64Array.from(this.eventTimes),
      beforeMs,
      watermarkMs,
      weights: this.retracted ? Int8Array.from(this.weights) : undefined,
    }
    this.rows = []
    this.eventTimes = []
    this.before = []
    this.weights = []
    this.retracted = false
    return batch
  }
}
