/** Residuals of Holt-Winters (additive level, damped trend and, when the warm-up shows one, season) by their anomaly likelihood. */
import type { DetectorOptions } from '../detector.ts'
import type { Forecaster } from './likelihood.ts'
import { findPeriod } from './period.ts'

const alpha = 0.2
const beta = 0.02
const gamma = 0.2
const damping = 0.9

export class HoltWinters implements Forecaster {
  private readonly warmUp: number
  private period: number
  private training: number[] = []
  private season: number[] = []
  private level: number | undefined
  private trend = 0
  private count = 0

  constructor(options: DetectorOptions) {
    this.warmUp = options.warmUp
    this.period = options.period ?? 0
  }

  forecast(): number | undefined {
    return this.level === undefined ? undefined : this.level + damping * this.trend + this.seasonNow()
  }

  learn(x: number): void {
    if (this.count < this.warmUp) this.training.push(x)
    this.advance(x)
    if (this.count === this.warmUp) this.fit()
  }

  private advance(x: number): void {
    const season = this.seasonNow()
    const before = this.level ?? x - season
    const expected = before + damping * this.trend
    this.level = expected + alpha * (x - season - expected)
    this.trend = (1 - beta) * damping * this.trend + beta * (this.level - before)
    if (this.period > 0) {
      const place = this.count % this.period
      this.season[place] = season + gamma * (x - this.level - season)
    }
    this.count++
  }

  /** The first season starts as the mean of each phase over the warm-up. */
  private fit(): void {
    if (this.period === 0) this.period = findPeriod(this.training) ?? 0
    if (this.period > 0) {
      const mean = this.training.reduce((sum, v) => sum + v, 0) / this.training.length
      this.season = phaseMeans(this.training, this.period).map(v => v - mean)
      this.level = mean
      this.trend = 0
    }
    this.training = []
  }

  private seasonNow(): number {
    return this.period === 0 ? 0 : (this.season[this.count % this.period] ?? 0)
  }
}

export function phaseMeans(values: readonly number[], period: number): number[] {
  return Array.from({ length: period }, (_, phase) => {
    let sum = 0
    let n = 0
    for (let i = phase; i < values.length; i += period) {
      sum += values[i] as number
      n++
    }
    return n === 0 ? 0 : sum / n
  })
}
