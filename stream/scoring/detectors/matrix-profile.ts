/**
 * Left matrix profile: the distance of the last 24 values, as a shape, to the most similar shape before them (of the last 1,500
 * values), taken by recurrence: one pass over the memory per value.
 *
 * Source: Yeh et al., "Matrix profile I" (2016), the incremental form.
 */
import type { Series } from '../detector.ts'

const length = 24
const memory = 1500

export class MatrixProfile implements Series {
  private values: number[] = []
  /** Products of the last shape with each older one. */
  private products: number[] = []
  private means: number[] = []
  private deviations: number[] = []

  /** 0 to about 10: z-normalised Euclidean distance. */
  score(x: number): number {
    const n = this.values.length + 1
    if (n < 4 * length) return 0
    const products = this.productsWith(x)
    const [mean, deviation] = momentsOf([...this.values.slice(n - length), x])
    let least = Infinity
    // Shapes that overlap the newest are no precedent.
    for (let j = 0; j <= n - 2 * length; j++) {
      const d = distance(products[j]!, mean, deviation, this.means[j]!, this.deviations[j]!)
      if (d < least) least = d
    }
    return Math.sqrt(least)
  }

  learn(x: number): void {
    if (this.values.length + 1 >= length) {
      this.products = this.productsWith(x)
      const [mean, deviation] = momentsOf([...this.values.slice(this.values.length + 1 - length), x])
      this.means.push(mean)
      this.deviations.push(deviation)
    }
    this.values.push(x)
    if (this.values.length > memory) {
      this.values.shift()
      this.products.shift()
      this.means.shift()
      this.deviations.shift()
    }
  }

  /** Product of the shape ending in `x` with the shape starting at each older value. */
  private productsWith(x: number): number[] {
    const { values } = this
    const n = values.length + 1
    const at = (i: number) => (i === n - 1 ? x : values[i]!)
    const start = n - length
    const products = new Array<number>(start + 1)
    if (this.products.length < start || start === 0) {
      for (let j = 0; j <= start; j++) {
        let sum = 0
        for (let i = 0; i < length; i++) sum += at(j + i) * at(start + i)
        products[j] = sum
      }
      return products
    }
    const [gone, come] = [values[start - 1]!, x]
    let first = 0
    for (let i = 0; i < length; i++) first += at(i) * at(start + i)
    products[0] = first
    for (let j = 1; j <= start; j++)
      products[j] = this.products[j - 1]! - values[j - 1]! * gone + at(j + length - 1) * come
    return products
  }
}

/** Squared distance of two z-normalised shapes; a flat one is near to flat ones only. */
function distance(product: number, mean: number, deviation: number, otherMean: number, otherDeviation: number): number {
  if (deviation === 0 || otherDeviation === 0) return deviation === otherDeviation ? 0 : 2 * length
  const correlation = (product / length - mean * otherMean) / (deviation * otherDeviation)
  return 2 * length * Math.max(0, 1 - correlation)
}

function momentsOf(values: readonly number[]): readonly [number, number] {
  const mean = values.reduce((sum, v) => sum + v, 0) / length
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / length
  // What rounding leaves of a flat shape is no shape.
  return [mean, variance > 1e-12 * mean * mean ? Math.sqrt(variance) : 0]
}
