/** The last N values of a series, and what they would be with one more: scoring looks, learning pushes. */

export class Ring {
  readonly size: number
  private readonly values: Float64Array
  count = 0

  constructor(size: number) {
    this.size = size
    this.values = new Float64Array(size)
  }

  push(x: number): void {
    this.values[this.count++ % this.size] = x
  }

  get length(): number {
    return Math.min(this.count, this.size)
  }

  get full(): boolean {
    return this.count >= this.size
  }

  /** 0 is the newest. */
  back(i: number): number {
    return this.values[(this.count - 1 - i) % this.size] as number
  }

  /** Oldest first. */
  toArray(): number[] {
    const n = this.length
    return Array.from({ length: n }, (_, i) => this.back(n - 1 - i))
  }
}

/** Mean and deviation of a window. Sums are rebuilt each round, so that rounding never piles up. */
export class RollingMoments {
  private readonly ring: Ring
  private origin = 0
  private sum = 0
  private squares = 0

  constructor(size: number) {
    this.ring = new Ring(size)
  }

  get full(): boolean {
    return this.ring.full
  }

  get length(): number {
    return this.ring.length
  }

  /** Of the window after `x`, which is not kept. */
  meanWith(x: number): number {
    const [sum, , n] = this.sumsWith(x)
    return this.origin + sum / n
  }

  deviationWith(x: number): number {
    const [sum, squares, n] = this.sumsWith(x)
    return deviation(sum, squares, n)
  }

  mean(): number {
    return this.ring.length === 0 ? 0 : this.origin + this.sum / this.ring.length
  }

  deviation(): number {
    return this.ring.length === 0 ? 0 : deviation(this.sum, this.squares, this.ring.length)
  }

  push(x: number): void {
    if (this.ring.count === 0) this.origin = x
    if (this.ring.full) {
      const old = this.ring.back(this.ring.size - 1) - this.origin
      this.sum -= old
      this.squares -= old * old
    }
    this.ring.push(x)
    this.sum += x - this.origin
    this.squares += (x - this.origin) ** 2
    if (this.ring.count % this.ring.size === 0) this.rebuild()
  }

  private sumsWith(x: number): readonly [number, number, number] {
    const origin = this.ring.count === 0 ? (this.origin = x) : this.origin
    const old = this.ring.full ? this.ring.back(this.ring.size - 1) - origin : 0
    const n = this.ring.full ? this.ring.size : this.ring.length + 1
    return [this.sum - old + (x - origin), this.squares - old * old + (x - origin) ** 2, n]
  }

  private rebuild(): void {
    const values = this.ring.toArray()
    this.origin = values.reduce((sum, v) => sum + v, 0) / values.length
    this.sum = 0
    this.squares = 0
    for (const v of values) {
      this.sum += v - this.origin
      this.squares += (v - this.origin) ** 2
    }
  }
}

function deviation(sum: number, squares: number, n: number): number {
  return Math.sqrt(Math.max(0, (squares - (sum * sum) / n) / n))
}

/** The last N values in order of size: medians, quantiles, ranks. */
export class SortedWindow {
  private readonly ring: Ring
  private readonly sorted: Float64Array

  constructor(size: number) {
    this.ring = new Ring(size)
    this.sorted = new Float64Array(size)
  }

  get length(): number {
    return this.ring.length
  }

  /** @param at `below(x)`, when the caller has asked for it */
  push(x: number, at = this.below(x)): void {
    const { sorted, ring } = this
    const n = ring.length
    if (!ring.full) {
      sorted.copyWithin(at + 1, at, n)
      sorted[at] = x
    } else {
      // Only what lies between the place that is left and the one that is taken moves.
      const left = this.below(ring.back(ring.size - 1))
      if (at > left) {
        sorted.copyWithin(left, left + 1, at)
        sorted[at - 1] = x
      } else {
        sorted.copyWithin(at + 1, at, left)
        sorted[at] = x
      }
    }
    ring.push(x)
  }

  /** How many are smaller than `x`. */
  below(x: number): number {
    return lowerBound(this.sorted, this.ring.length, x)
  }

  at(i: number): number {
    return this.sorted[i] as number
  }

  /** The smallest value that at least the share `q` does not exceed. */
  quantile(q: number): number {
    return this.at(Math.min(this.length - 1, Math.max(0, Math.ceil(q * this.length) - 1)))
  }

  median(): number {
    const n = this.length
    return n % 2 === 1 ? this.at((n - 1) / 2) : (this.at(n / 2 - 1) + this.at(n / 2)) / 2
  }

  /** Median of the distances to `center`, walking outwards from it. */
  medianDistance(center: number): number {
    const n = this.length
    let right = this.below(center)
    let left = right - 1
    let distance = 0
    for (let taken = 0; taken <= (n - 1) / 2; taken++) {
      const toLeft = left >= 0 ? center - this.at(left) : Infinity
      const toRight = right < n ? this.at(right) - center : Infinity
      distance = Math.min(toLeft, toRight)
      if (toLeft <= toRight) left--
      else right++
    }
    return distance
  }
}

/** Without a branch on what is compared: which half it is cannot be foretold, and a wrong guess costs more than the step. */
function lowerBound(sorted: Float64Array, length: number, x: number): number {
  let from = 0
  let count = length
  while (count > 1) {
    const half = count >> 1
    from += Number(sorted[from + half - 1]! < x) * half
    count -= half
  }
  return count === 1 && sorted[from]! < x ? from + 1 : from
}
