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
  /** All of the window but its newest value, and how many of them are in each bin. */
  private readonly values = new Ring(window - 1)
  private readonly counts = new Float64Array(bins)
  /** A row is scored and then learned: its distance is needed twice. */
  private askedFor = NaN
  private asked = 0
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
    this.asked = this.distance(this.histogram(x))
    this.askedFor = x
    return this.asked / limit
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
    if (this.values.full) {
      const distance = x === this.askedFor ? this.asked : this.distance(this.histogram(x))
      if (this.kinds.length < mostKinds && distance >= limit) this.kinds.push(this.histogram(x).map(Math.log))
      this.counts[this.bin(this.values.back(window - 2))]!--
    }
    this.askedFor = NaN
    this.counts[this.bin(x)]!++
    this.values.push(x)
  }

  private histogram(x: number): number[] {
    const sum = this.values.length + 1 + bins * smoothing
    const here = this.bin(x)
    return Array.from(this.counts, (count, b) => (count + smoothing + (b === here ? 1 : 0)) / sum)
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
