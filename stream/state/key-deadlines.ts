/**
 * Integer keys to be looked at when the watermark gets somewhere. Deadlines lie in buckets of a thirty-second of the span they
 * usually have; only those of the bucket the watermark has reached are ordered. The owner knows the one valid deadline of each
 * key; what is entered under another one is old and is passed over.
 */
import { Deadlines } from './deadlines.ts'

export class KeyDeadlines {
  private readonly width: number
  private readonly buckets = new Map<number, number[]>()
  private readonly near = new Deadlines<number>()
  /** Deadlines up to the end of this bucket are in `near`. */
  private reached = -Infinity
  private entered = 0

  constructor(spanMs: number) {
    this.width = Math.max(1, spanMs / 32)
  }

  add(key: number, deadlineMs: number): void {
    this.entered++
    const bucket = Math.floor(deadlineMs / this.width)
    if (bucket <= this.reached) {
      this.near.add(deadlineMs, key)
      return
    }
    const list = this.buckets.get(bucket)
    if (list === undefined) this.buckets.set(bucket, [key])
    else list.push(key)
  }

  /**
   * Calls `lookAt` for each key whose deadline has come; it gives the next deadline of the key, Infinity for none. `deadlineOf`: the
   * valid deadline of a key.
   */
  due(watermarkMs: number, deadlineOf: (key: number) => number, lookAt: (key: number) => number): void {
    const bucket = Math.floor(watermarkMs / this.width)
    if (bucket > this.reached) {
      this.reached = bucket
      for (const b of [...this.buckets.keys()].filter(one => one <= bucket)) {
        for (const key of this.buckets.get(b) as number[]) {
          const deadline = deadlineOf(key)
          if (Math.floor(deadline / this.width) === b) this.near.add(deadline, key)
          else this.entered--
        }
        this.buckets.delete(b)
      }
    }
    while (this.near.isDue(watermarkMs)) {
      const atMs = this.near.soonestMs
      const key = this.near.take()
      this.entered--
      if (deadlineOf(key) !== atMs) continue
      const next = lookAt(key)
      if (next !== Infinity) this.add(key, next)
    }
  }

  bytes(): number {
    return this.entered * 16
  }
}
