/** Distance from the median of the last 1,000 values, in median absolute deviations scaled to standard ones: outliers do not move it. */
import type { Series } from '../detector.ts'
import { SortedWindow } from '../rolling.ts'
import { zOf } from './ewma.ts'

export class Mad implements Series {
  private readonly window: SortedWindow

  constructor(size = 1000) {
    this.window = new SortedWindow(size)
  }

  score(x: number): number {
    if (this.window.length < 2) return 0
    const median = this.window.median()
    return zOf(x - median, 1.4826 * this.window.medianDistance(median), this.window.length)
  }

  learn(x: number): void {
    this.window.push(x)
  }
}
