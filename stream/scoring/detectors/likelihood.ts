/** Anomaly likelihood on top of a forecaster: is the mean of the newest errors larger than errors used to be? */
import type { Series } from '../detector.ts'
import { RollingMoments } from '../rolling.ts'
import { surprise } from '../tail.ts'

/** Says what comes next, then is told. */
export interface Forecaster {
  forecast(): number | undefined
  learn(x: number): void
}

export class ForecastError implements Series {
  private readonly forecaster: Forecaster
  private readonly recent = new RollingMoments(5)
  private readonly history = new RollingMoments(2000)

  constructor(forecaster: Forecaster) {
    this.forecaster = forecaster
  }

  score(x: number): number {
    const expected = this.forecaster.forecast()
    if (expected === undefined || this.history.length < 50) return 0
    const error = Math.abs(x - expected)
    const deviation = this.history.deviation()
    const rise = Math.max(error, this.recent.meanWith(error)) - this.history.mean()
    if (deviation === 0) return rise > 0 ? 1000 : 0
    return Math.min(1000, surprise(rise / deviation))
  }

  learn(x: number): void {
    const expected = this.forecaster.forecast()
    if (expected !== undefined) {
      const error = Math.abs(x - expected)
      this.recent.push(error)
      this.history.push(error)
    }
    this.forecaster.learn(x)
  }
}
