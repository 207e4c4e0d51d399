/** The honest baseline: how far a value lies outside of all values seen, in lengths of the range seen. No model at all. */
import type { Series } from '../detector.ts'

/** Score of a value outside of a range of length 0. */
const beyondAll = 100

export class Range implements Series {
  private low = Infinity
  private high = -Infinity

  score(x: number): number {
    const excess = Math.max(this.low - x, x - this.high)
    // Nothing seen yet gives -Infinity or NaN.
    if (!(excess > 0) || this.low > this.high) return 0
    const range = this.high - this.low
    return range === 0 ? beyondAll : Math.min(beyondAll, excess / range)
  }

  learn(x: number): void {
    if (x < this.low) this.low = x
    if (x > this.high) this.high = x
  }
}

/** `score / (score + softness)`: in [0, 1), half at the softness. */
export function soften(score: number, softness: number): number {
  return score / (score + softness)
}
