/** Deviations from an exponentially weighted mean, in exponentially weighted standard deviations. */
import type { Series } from '../detector.ts'

export class Ewma implements Series {
  private readonly alpha: number
  private mean = 0
  private variance = 0
  private count = 0

  constructor(alpha = 0.01) {
    this.alpha = alpha
  }

  score(x: number): number {
    return zOf(x - this.mean, Math.sqrt(this.variance), this.count)
  }

  learn(x: number): void {
    // Plain averages first: an exponential mean that starts at 0 would take hundreds of rows to arrive.
    const alpha = Math.max(this.alpha, 1 / (this.count + 1))
    const step = x - this.mean
    this.mean += alpha * step
    this.variance = (1 - alpha) * (this.variance + alpha * step * step)
    this.count++
  }
}

/** |difference| in deviations; a thousand at most, for a series that never moved. */
export function zOf(difference: number, deviation: number, count: number): number {
  const distance = Math.abs(difference)
  if (count < 2 || distance === 0) return 0
  return Math.min(1000, distance / deviation)
}
