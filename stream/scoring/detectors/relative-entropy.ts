/**
 * Histograms of the last 52 values against all kinds of histograms met before: a window that agrees with none of them, by a
 * chi-square test of the relative entropy, is new. The kinds are counted and kept; bins come from the warm-up alone.
 *
 * Source: Wang et al., "Statistical techniques for online anomaly detection in data centers" (2011), as in NAB, with bins
 * learned online and smoothed histograms.
 */
import type { DetectorOptions, Series } from '../detector.ts'
import { Ring } from '../rolling.ts'

const bins = 7
const window = 52
/** 99 % quantile of chi-square with 4 degrees of freedom: five bins between what the warm-up saw. */
const limit = 13.2767
const smoothing = 0.5
const mostKinds = 500

export class RelativeEntropy implements Series {
  private readonly warmUp: number
  private readonly values = new Ring(window)
  private training: number[] = []
  private low = 0
  private high = 0
  private fitted = false
  /** Logarithms of their histograms. */
  private kinds: number[][] = []

  constructor(options: DetectorOptions) {
    this.warmUp = options.warmUp
  }

  /** How far the window with `x` is from the nearest kind, in limits of the test; under 1 it is none new. */
  score(x: number): number {
    if (!this.fitted || this.kinds.length === 0) return 0
    return this.distance(this.histogram(x)) / limit
  }

  learn(x: number): void {
    if (this.fitted) this.take(x)
    else {
      this.training.push(x)
      if (this.training.length === this.warmUp) this.fit()
    }
  }

  private fit(): void {
    this.low = Math.min(...this.training)
    this.high = Math.max(...this.training)
    this.fitted = true
    for (const x of this.training) this.take(x)
    this.training = []
  }

  private take(x: number): void {
    if (this.values.length >= window - 1) {
      const histogram = this.histogram(x)
      if (this.kinds.length < mostKinds && this.distance(histogram) >= limit) this.kinds.push(histogram.map(Math.log))
    }
    this.values.push(x)
  }

  private histogram(x: number): number[] {
    const counts: number[] = new Array<number>(bins).fill(smoothing)
    counts[this.bin(x)]!++
    for (let i = 0; i < Math.min(window - 1, this.values.length); i++) counts[this.bin(this.values.back(i))]!++
    const sum = counts.reduce((total, c) => total + c, 0)
    return counts.map(c => c / sum)
  }

  /** 0 below the warm-up's range, 6 above, 1 to 5 in it. */
  private bin(x: number): number {
    if (x < this.low) return 0
    if (x > this.high) return bins - 1
    const inner = bins - 2
    return 1 + Math.min(inner - 1, Math.floor(((x - this.low) / (this.high - this.low)) * inner) || 0)
  }

  private distance(histogram: readonly number[]): number {
    let own = 0
    for (let b = 0; b < bins; b++) own += (histogram[b] as number) * Math.log(histogram[b] as number)
    let closest = -Infinity
    for (const logs of this.kinds) {
      let shared = 0
      for (let b = 0; b < bins; b++) shared += (histogram[b] as number) * (logs[b] as number)
      if (shared > closest) closest = shared
    }
    return 2 * window * (own - closest)
  }
}
