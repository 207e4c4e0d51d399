/**
 * Kolmogorov–Smirnov windowing: are the newest 100 values drawn like a sample of the 300 before? Sees changes of shape that leave the mean
 * as it is.
 *
 * Source: Raab et al., "Reactive soft prototype computing for concept drift streams" (2020).
 */
import { SeededRandom } from '../random.ts'
import type { DriftDetector } from './drift.ts'

const size = 400
const newest = 100
const alpha = 0.0001

export class Kswin implements DriftDetector {
  private readonly random: SeededRandom
  private values: number[] = []

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
  }

  learnOne(x: number): boolean {
    this.values.push(x)
    if (this.values.length > size) this.values.shift()
    if (this.values.length < size) return false
    const recent = this.values.slice(-newest).sort((a, b) => a - b)
    const sample = Array.from({ length: newest }, () => this.values[this.random.below(size - newest)]!).sort(
      (a, b) => a - b,
    )
    if (distance(sample, recent) <= Math.sqrt(-Math.log(alpha / 2) / newest)) return false
    this.values = this.values.slice(-newest)
    return true
  }
}

/** Largest gap between two empirical distributions of equal size, both sorted. */
function distance(a: readonly number[], b: readonly number[]): number {
  let [i, j, most] = [0, 0, 0]
  while (i < a.length && j < b.length) {
    const x = Math.min(a[i]!, b[j]!)
    while (i < a.length && a[i]! <= x) i++
    while (j < b.length && b[j]! <= x) j++
    most = Math.max(most, Math.abs(i / a.length - j / b.length))
  }
  return most
}
