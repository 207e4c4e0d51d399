/** Deviations from the mean of the last 1,000 values, in their standard deviations. */
import type { Series } from '../detector.ts'
import { RollingMoments } from '../rolling.ts'
import { zOf } from './ewma.ts'

export class RollingZ implements Series {
  private readonly window: RollingMoments

  constructor(size = 1000) {
    this.window = new RollingMoments(size)
  }

  score(x: number): number {
    return zOf(x - this.window.mean(), this.window.deviation(), this.window.length)
  }

  learn(x: number): void {
    this.window.push(x)
  }
}
