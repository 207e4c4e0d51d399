/**
 * The default for one series: does any summary of it leave the range it has always kept (the value, its mean, lows, highs and
 * spread), or does its histogram look like none before? Window lengths and weights are measured, not learned.
 */
import type { DetectorOptions, Series } from '../detector.ts'
import { Ring, RollingMoments } from '../rolling.ts'
import { Range, soften } from './range.ts'
import { RelativeEntropy } from './relative-entropy.ts'

const softness = 0.2
const entropyWeight = 0.5
/** Far outside goes on counting, a little: without it nothing would be above the largest score. */
const ceilingless = 0.02

export class SeriesEnsemble implements Series {
  private readonly mean = new RollingMoments(50)
  private readonly spread = new RollingMoments(100)
  private readonly extremes = new Ring(29)
  private readonly ranges = {
    value: new Range(),
    mean: new Range(),
    low: new Range(),
    high: new Range(),
    spread: new Range(),
  }
  private readonly entropy: RelativeEntropy

  constructor(options: DetectorOptions) {
    this.entropy = new RelativeEntropy(options)
  }

  score(x: number): number {
    let most = this.ranges.value.score(x)
    if (this.mean.full) most = Math.max(most, this.ranges.mean.score(this.mean.meanWith(x)))
    if (this.extremes.full) {
      const [low, high] = this.extremesWith(x)
      most = Math.max(most, this.ranges.low.score(low), this.ranges.high.score(high))
    }
    if (this.spread.full) most = Math.max(most, this.ranges.spread.score(this.spread.deviationWith(x)))
    const isNew = this.entropy.score(x) >= 1 ? 1 : 0
    return soften(most, softness) + entropyWeight * isNew + ceilingless * Math.log1p(most)
  }

  learn(x: number): void {
    this.ranges.value.learn(x)
    if (this.mean.full) this.ranges.mean.learn(this.mean.meanWith(x))
    if (this.extremes.full) {
      const [low, high] = this.extremesWith(x)
      this.ranges.low.learn(low)
      this.ranges.high.learn(high)
    }
    if (this.spread.full) this.ranges.spread.learn(this.spread.deviationWith(x))
    this.mean.push(x)
    this.spread.push(x)
    this.extremes.push(x)
    this.entropy.learn(x)
  }

  private extremesWith(x: number): readonly [number, number] {
    let low = x
    let high = x
    for (let i = 0; i < this.extremes.length; i++) {
      const v = this.extremes.back(i)
      if (v < low) low = v
      if (v > high) high = v
    }
    return [low, high]
  }
}
