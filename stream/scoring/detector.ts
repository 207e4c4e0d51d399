/**
 * The contract of every detector: score a row by what was learned from the rows before it, then learn it. Nothing is ever asked of
 * a later row, so a score never changes.
 */
import { readState, writeState } from './state.ts'

export interface DetectorOptions {
  /** How many numbers a row has. */
  readonly features: number
  /** Rows at the start that only train; what a detector fits once is fitted from them. */
  readonly warmUp: number
  readonly seed: number
  /** Rows of one season; found in the warm-up when absent. */
  readonly period?: number | undefined
}

export abstract class Detector {
  /**
   * How unusual a row is after all rows learned so far: from 0, in the unit of the detector, without a ceiling where it has
   * none. Learns nothing.
   */
  abstract scoreOne(row: readonly number[]): number

  abstract learnOne(row: readonly number[]): void

  /** Share of each feature in the score of a row; sums to 1, or all 0 when the row is as expected. */
  causes(row: readonly number[]): readonly number[] {
    return row.length === 1 ? [1] : row.map(() => 0)
  }

  /** Between these a limit for states lies: below the first all is usual, the second is the largest score there is. */
  limits(): readonly [least: number, most: number] {
    return [0, Infinity]
  }

  /** Scores rows in order, each before it is learned. */
  scoreBatch(rows: readonly (readonly number[])[]): Float64Array {
    const scores = new Float64Array(rows.length)
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as readonly number[]
      scores[i] = this.scoreOne(row)
      this.learnOne(row)
    }
    return scores
  }

  /** All that was learned, as JSON. */
  toJSON(): unknown {
    return readState(this)
  }

  /** Takes what `toJSON` of a detector with the same options gave. */
  fromJSON(state: unknown): this {
    writeState(this, state)
    return this
  }
}

/** A detector of one number at a time. */
export interface Series {
  score(x: number): number
  learn(x: number): void
}

/** One series per feature. Several are put on one scale by their mean score in the second half of the warm-up, and added. */
export class SeriesDetector extends Detector {
  private readonly series: readonly Series[]
  private readonly sums: Float64Array
  private readonly calmFrom: number
  private readonly warmUp: number
  private learned = 0

  constructor(options: DetectorOptions, make: (options: DetectorOptions) => Series) {
    super()
    this.series = Array.from({ length: options.features }, (_, f) => make({ ...options, seed: options.seed + f }))
    this.sums = new Float64Array(options.features)
    this.warmUp = options.warmUp
    this.calmFrom = Math.floor(options.warmUp / 2)
  }

  override scoreOne(row: readonly number[]): number {
    const [only] = this.series
    if (this.series.length === 1 && only !== undefined) return only.score(row[0] as number)
    let score = 0
    for (let f = 0; f < this.series.length; f++) score += this.scaled(f, row[f] as number)
    return score / this.series.length
  }

  override learnOne(row: readonly number[]): void {
    const calm = this.series.length > 1 && this.learned >= this.calmFrom && this.learned < this.warmUp
    for (let f = 0; f < this.series.length; f++) {
      const series = this.series[f] as Series
      if (calm) this.sums[f]! += series.score(row[f] as number)
      series.learn(row[f] as number)
    }
    this.learned++
  }

  override causes(row: readonly number[]): readonly number[] {
    return shares(row.map((x, f) => this.scaled(f, x)))
  }

  /** One is the mean score of calm rows: a detector that is silent on them has no smaller measure. */
  override limits(): readonly [number, number] {
    return [1, Infinity]
  }

  private scaled(f: number, x: number): number {
    const mean = (this.sums[f] as number) / Math.max(1, this.warmUp - this.calmFrom)
    // A feature that never moved in the warm-up has no scale of its own: a hundredth of the unit of the detector.
    return (this.series[f] as Series).score(x) / Math.max(mean, 0.01)
  }
}

export function shares(parts: readonly number[]): readonly number[] {
  const sum = parts.reduce((total, part) => total + part, 0)
  return sum > 0 && Number.isFinite(sum) ? parts.map(part => part / sum) : parts.map(() => 0)
}
