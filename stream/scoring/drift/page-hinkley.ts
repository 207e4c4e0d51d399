/**
 * Page–Hinkley: the sum of deviations from the mean so far, beyond what is tolerated, against its lowest and highest. In units of the
 * deviation of the first rows, so that one setting fits all numbers.
 *
 * Source: Page, "Continuous inspection schemes" (1954).
 */
import type { DriftDetector } from './drift.ts'

const leastRows = 50
const tolerated = 0.25
const limit = 40

export class PageHinkley implements DriftDetector {
  private rows = 0
  private mean = 0
  private squares = 0
  private deviation = 0
  private up = 0
  private down = 0
  private lowest = 0
  private highest = 0

  learnOne(x: number): boolean {
    this.rows++
    const step = x - this.mean
    this.mean += step / this.rows
    this.squares += step * (x - this.mean)
    if (this.rows < leastRows) return false
    if (this.deviation === 0) this.deviation = Math.sqrt(this.squares / this.rows) || Math.abs(this.mean) / 100 || 1
    const z = (x - this.mean) / this.deviation
    this.up += z - tolerated
    this.down += z + tolerated
    this.lowest = Math.min(this.lowest, this.up)
    this.highest = Math.max(this.highest, this.down)
    if (this.up - this.lowest <= limit && this.highest - this.down <= limit) return false
    this.rows = this.mean = this.squares = this.deviation = this.up = this.down = this.lowest = this.highest = 0
    return true
  }
}
