/**
 * The default for rows of several features: the squared distance from the warm-up, by deviations of each feature and by how features
 * move together. What the warm-up saw stays the measure, so that a state that lasts stays visible.
 */
import { Detector, shares } from '../detector.ts'
import type { DetectorOptions } from '../detector.ts'
import { inverse } from './matrix.ts'
import { Scaler } from './scaler.ts'

/** Share of the correlations that is believed: few rows show many by chance. */
const trust = 0.7
/** A single row counts at most so many squared deviations a feature: one spike is not a state. */
const most = 100

export class Distance extends Detector {
  private readonly warmUp: number
  private readonly scaler: Scaler
  private training: (readonly number[])[] = []
  private metric: number[][] = []
  private learned = 0

  constructor(options: DetectorOptions) {
    super()
    this.warmUp = options.warmUp
    this.scaler = new Scaler(options.features)
  }

  /** About 1 for a usual row. */
  override scoreOne(row: readonly number[]): number {
    return this.metric.length === 0 ? 0 : this.distance(row)
  }

  override learnOne(row: readonly number[]): void {
    if (this.metric.length > 0) return
    this.scaler.learn(row)
    this.training.push(row)
    if (++this.learned >= this.warmUp) this.fit()
  }

  override causes(row: readonly number[]): readonly number[] {
    return shares(this.scaler.scale(row).map(z => z * z))
  }

  private fit(): void {
    const rows = this.training.map(row => this.scaler.scale(row))
    const size = this.training[0]!.length
    const correlations = Array.from({ length: size }, (_, i) =>
      Array.from({ length: size }, (_, j) => {
        const together = rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0) / rows.length
        return i === j ? 1 : trust * together
      }),
    )
    this.metric = inverse(correlations)
    this.training = []
  }

  private distance(row: readonly number[]): number {
    const z = this.scaler.scale(row)
    let sum = 0
    for (let i = 0; i < z.length; i++) {
      let inner = 0
      for (let j = 0; j < z.length; j++) inner += this.metric[i]![j]! * z[j]!
      sum += z[i]! * inner
    }
    return Math.min(most, sum / z.length)
  }
}
