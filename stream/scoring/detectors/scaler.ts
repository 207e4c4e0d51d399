/** Means and deviations of the features over the warm-up; a feature that never moved counts in hundredths of its value. */

export class Scaler {
  private readonly counts: Float64Array
  private readonly means: Float64Array
  private readonly squares: Float64Array

  constructor(features: number) {
    this.counts = new Float64Array(1)
    this.means = new Float64Array(features)
    this.squares = new Float64Array(features)
  }

  learn(row: readonly number[]): void {
    const n = ++this.counts[0]!
    for (let f = 0; f < row.length; f++) {
      const step = (row[f] as number) - (this.means[f] as number)
      this.means[f]! += step / n
      this.squares[f]! += step * ((row[f] as number) - (this.means[f] as number))
    }
  }

  deviation(f: number): number {
    const deviation = Math.sqrt((this.squares[f] as number) / Math.max(1, (this.counts[0] as number) - 1))
    return deviation > 1e-12 * Math.abs(this.means[f] as number)
      ? deviation
      : Math.abs(this.means[f] as number) / 100 || 1
  }

  scale(row: readonly number[]): number[] {
    return row.map((x, f) => (x - (this.means[f] as number)) / this.deviation(f))
  }
}
