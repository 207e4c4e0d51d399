/** Deviation from the value one expects at this phase of the season, slowly learned; without a season, from the recent mean. */
import type { DetectorOptions } from '../detector.ts'
import type { Forecaster } from './likelihood.ts'
import { phaseMeans } from './holt-winters.ts'
import { findPeriod } from './period.ts'

const learning = 0.2

export class Seasonal implements Forecaster {
  private readonly warmUp: number
  private period: number
  private training: number[] = []
  private profile: number[] = []
  private recent: number | undefined
  private count = 0

  constructor(options: DetectorOptions) {
    this.warmUp = options.warmUp
    this.period = options.period ?? 0
  }

  forecast(): number | undefined {
    if (this.profile.length > 0) return this.profile[this.count % this.period]
    return this.recent
  }

  learn(x: number): void {
    if (this.count < this.warmUp) this.training.push(x)
    if (this.profile.length > 0) {
      const place = this.count % this.period
      this.profile[place]! += learning * (x - (this.profile[place] as number))
    }
    this.recent = this.recent === undefined ? x : this.recent + 0.1 * (x - this.recent)
    this.count++
    if (this.count === this.warmUp) this.fit()
  }

  private fit(): void {
    if (this.period === 0) this.period = findPeriod(this.training) ?? 0
    if (this.period > 0) this.profile = phaseMeans(this.training, this.period)
    this.training = []
  }
}
