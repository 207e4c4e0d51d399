/**
 * Conformal k-nearest-neighbour scores: the last 19 values as one vector, its distance to the 27 nearest of the older ones, and the
 * share of past distances it exceeds.
 *
 * Source: Burnaev and Ishimtsev, "Conformalized density- and distance-based anomaly detection in time-series data" (2016).
 */
import type { DetectorOptions, Series } from '../detector.ts'
import { Ring, SortedWindow } from '../rolling.ts'
import { inverse } from './matrix.ts'

const dim = 19
const neighbours = 27

interface Point {
  readonly v: number[]
  /** The metric applied to it, and its square length. */
  w: number[]
  q: number
}

export class KnnCad implements Series {
  private readonly length: number
  private readonly past = new Ring(dim - 1)
  private readonly scores: SortedWindow
  private metric: number[][] = []
  private training: Point[] = []
  private calibration: Point[] = []
  private count = 0

  constructor(options: DetectorOptions) {
    this.length = Math.max(2 * neighbours, options.warmUp - dim)
    this.scores = new SortedWindow(this.length)
  }

  /** Share of past distances that were smaller; what exceeds all of them goes on above 1. */
  score(x: number): number {
    if (this.metric.length === 0) return 0
    const distance = this.distance(this.vector(x))
    const n = this.scores.length
    const below = this.scores.below(distance) / n
    const most = this.scores.at(n - 1)
    return below < 1 ? below : 1 + (most > 0 ? 1 - most / distance : 0)
  }

  learn(x: number): void {
    if (this.past.full) this.take(this.vector(x))
    this.past.push(x)
  }

  private take(v: number[]): void {
    this.count++
    if (this.training.length < this.length && this.metric.length === 0) {
      this.training.push({ v, w: [], q: 0 })
      if (this.training.length === this.length) this.fit(true)
      return
    }
    const point = this.pointOf(v)
    this.scores.push(this.distanceOf(point, 0))
    this.calibration.push(point)
    if (this.calibration.length > this.length) {
      this.training.shift()
      this.training.push(this.calibration.shift() as Point)
    }
    if (this.count % this.length === 0) this.fit(false)
  }

  /** The metric is the inverse of the second moments, so that directions the series often takes count less. */
  private fit(first: boolean): void {
    const moments = Array.from({ length: dim }, (_, i) =>
      Array.from({ length: dim }, (_, j) => this.training.reduce((sum, { v }) => sum + v[i]! * v[j]!, 0)),
    )
    const trace = moments.reduce((sum, row, i) => sum + row[i]!, 0)
    for (let i = 0; i < dim; i++) moments[i]![i]! += 1e-9 * trace + 1e-12
    this.metric = inverse(moments)
    for (const list of [this.training, this.calibration])
      for (const point of list) Object.assign(point, this.pointOf(point.v))
    if (first) for (const point of this.training) this.scores.push(this.distanceOf(point, 1))
  }

  private vector(x: number): number[] {
    return [...this.past.toArray(), x]
  }

  private pointOf(v: number[]): Point {
    const w = this.metric.map(row => dot(row, v))
    return { v, w, q: dot(v, w) }
  }

  private distance(v: number[]): number {
    return this.distanceOf(this.pointOf(v), 0)
  }

  /** Sum of the distances to the nearest, without the `self` nearest. */
  private distanceOf(point: Point, self: number): number {
    const k = neighbours + self
    const nearest: number[] = []
    for (const { w, q } of this.training) {
      const d = Math.max(0, point.q - 2 * dot(point.v, w) + q)
      if (nearest.length === k && d >= nearest[k - 1]!) continue
      let at = nearest.length
      while (at > 0 && nearest[at - 1]! > d) at--
      nearest.splice(at, 0, d)
      if (nearest.length > k) nearest.pop()
    }
    return nearest.slice(self).reduce((sum, d) => sum + d, 0)
  }
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
