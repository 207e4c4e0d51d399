/**
 * Runs of records that fall into one slice while nothing fires between them, and the watermark before each run. Asked in order: each
 * run from the record on where the one before ended.
 */
import type { Batch } from '../model.ts'

export interface Runs {
  /** The watermark before record `e`. */
  beforeMs(e: number): number
  /** The record after the run from `from` on: the first outside `start` to `end`, or before which the watermark has reached `actionMs`. */
  end(from: number, start: number, end: number, actionMs: number): number
}

/** Where each record's watermark is told beside it. */
export class GivenRuns implements Runs {
  private readonly times: Float64Array
  private readonly before: Float64Array
  private readonly count: number

  constructor({ eventTimesMs, beforeMs, count }: Batch) {
    this.times = eventTimesMs
    this.before = beforeMs
    this.count = count
  }

  beforeMs(e: number): number {
    return this.before[e] as number
  }

  end(from: number, start: number, end: number, actionMs: number): number {
    const { times, before, count } = this
    let e = from + 1
    while (e < count) {
      const t = times[e] as number
      if (t < start || t >= end || (before[e] as number) >= actionMs) break
      e++
    }
    return e
  }
}

/** Where the times themselves move the watermark: it is not written down for each record to be read again. */
export class OwnRuns implements Runs {
  private readonly times: Float64Array
  private readonly count: number
  private readonly trailMs: number
  private readonly ordered: boolean
  /** Before record `seen`. */
  private runningMs: number
  private seen = 0

  constructor({ eventTimesMs, count }: Batch, { firstMs, trailMs, ordered }: NonNullable<Batch['run']>) {
    this.times = eventTimesMs
    this.count = count
    this.trailMs = trailMs
    this.ordered = ordered
    this.runningMs = firstMs
  }

  beforeMs(e: number): number {
    if (this.ordered) this.see(e - 1)
    else for (let r = this.seen; r < e; r++) this.see(r)
    this.seen = e
    return this.runningMs
  }

  end(from: number, start: number, end: number, actionMs: number): number {
    return this.ordered ? this.orderedEnd(from, end, actionMs) : this.scannedEnd(from, start, end, actionMs)
  }

  private see(e: number): void {
    if (e < 0) return
    const watermarkMs = (this.times[e] as number) - this.trailMs
    if (watermarkMs > this.runningMs) this.runningMs = watermarkMs
  }

  /** Times never go back: found by halving. */
  private orderedEnd(from: number, end: number, actionMs: number): number {
    const { times, trailMs } = this
    let least = from + 1
    let most = this.count
    while (least < most) {
      const e = (least + most) >>> 1
      if ((times[e] as number) >= end || (times[e - 1] as number) - trailMs >= actionMs) most = e
      else least = e + 1
    }
    return least
  }

  private scannedEnd(from: number, start: number, end: number, actionMs: number): number {
    const { times, trailMs, count } = this
    let running = this.runningMs
    let e = from
    let t = times[e] as number
    do {
      if (t - trailMs > running) running = t - trailMs
      if (++e === count) break
      t = times[e] as number
    } while (t >= start && t < end && running < actionMs)
    this.runningMs = running
    this.seen = e
    return e
  }
}
