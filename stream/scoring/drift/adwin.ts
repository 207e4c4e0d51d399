/**
 * Adaptive windowing: a window of buckets whose sizes double; it is cut where the means of its two parts differ more than chance
 * allows. Memory grows with the logarithm of the window.
 *
 * Source: Bifet and Gavaldà, "Learning from time-changing data with adaptive windowing" (2007).
 */
import type { DriftDetector } from './drift.ts'

const delta = 0.002
const perSize = 5
/** Cuts are looked for so often. */
const everyRows = 32
const leastPart = 5

interface Bucket {
  readonly count: number
  readonly sum: number
  /** Sum of squared distances to its own mean. */
  readonly squares: number
}

export class Adwin implements DriftDetector {
  /** Oldest first. */
  private buckets: Bucket[] = []
  private rows = 0

  learnOne(x: number): boolean {
    this.rows++
    this.buckets.push({ count: 1, sum: x, squares: 0 })
    this.compress()
    return this.rows % everyRows === 0 && this.cut()
  }

  /** Two oldest of a size that has too many become one of twice the size. */
  private compress(): void {
    for (let size = 1; ; size *= 2) {
      const first = this.buckets.findIndex(bucket => bucket.count === size)
      const count = this.buckets.filter(bucket => bucket.count === size).length
      if (count <= perSize) return
      this.buckets.splice(first, 2, joined(this.buckets[first]!, this.buckets[first + 1]!))
    }
  }

  private cut(): boolean {
    let drifted = false
    for (let again = true; again;) {
      again = false
      const whole = this.buckets.reduce(joined)
      let old: Bucket = { count: 0, sum: 0, squares: 0 }
      for (let i = 0; i < this.buckets.length - 1; i++) {
        old = joined(old, this.buckets[i]!)
        const count = whole.count - old.count
        if (old.count < leastPart || count < leastPart) continue
        const difference = Math.abs(old.sum / old.count - (whole.sum - old.sum) / count)
        if (difference <= bound(whole, old.count, count)) continue
        this.buckets = this.buckets.slice(1)
        drifted = true
        again = this.buckets.length > 1
        break
      }
    }
    return drifted
  }
}

function bound(whole: Bucket, before: number, after: number): number {
  const m = 1 / (1 / before + 1 / after)
  const log = Math.log((2 * Math.log(whole.count)) / delta)
  return Math.sqrt((2 / m) * (whole.squares / whole.count) * log) + (2 / (3 * m)) * log
}

function joined(a: Bucket, b: Bucket): Bucket {
  if (a.count === 0 || b.count === 0) return a.count === 0 ? b : a
  const gap = a.sum / a.count - b.sum / b.count
  return {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    squares: a.squares + b.squares + (gap * gap * a.count * b.count) / (a.count + b.count),
  }
}
