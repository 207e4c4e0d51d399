/**
 * Quantiles: exact while a state holds at most 1,000 values, a merging t-digest beyond (Dunning and Ertl 2019, scale function
 * k1). Nothing is random: where the paper shuffles, the order of ties is fixed by the seed, so that the same values give the same
 * digest on every machine.
 */
import type { Boxed } from './boxed.ts'

/** Values up to here are kept one by one. */
export const EXACT_VALUES = 1000
/** At most about so many centroids. */
const COMPRESSION = 200

export interface Digest {
  /** Values not yet merged into centroids; all of them while `means` is empty. */
  fresh: number[]
  means: number[]
  weights: number[]
  min: number
  max: number
}

export function quantileOf(q: number): Boxed<Digest> {
  return {
    takesBack: false,
    numbers: true,
    fresh: () => ({ fresh: [], means: [], weights: [], min: Infinity, max: -Infinity }),
    add(digest, value) {
      take(digest, value as number)
      return digest
    },
    merge(into, from) {
      for (const value of from.fresh) take(into, value)
      if (from.means.length > 0) {
        compress(into, from.means, from.weights)
        into.min = Math.min(into.min, from.min)
        into.max = Math.max(into.max, from.max)
      }
      return into
    },
    result: digest => read(digest, q),
    bytes: digest => 80 + (digest.fresh.length + 2 * digest.means.length) * 8,
  }
}

function take(digest: Digest, value: number): void {
  digest.fresh.push(value)
  if (value < digest.min) digest.min = value
  if (value > digest.max) digest.max = value
  if (digest.fresh.length > EXACT_VALUES) compress(digest, [], [])
}

/** Merges everything into few centroids: fine at both ends, coarse in the middle. */
function compress(digest: Digest, means: readonly number[], weights: readonly number[]): void {
  const parts = [
    ...digest.means.map((mean, i) => ({ mean, weight: digest.weights[i] as number })),
    ...means.map((mean, i) => ({ mean, weight: weights[i] as number })),
    ...digest.fresh.map(mean => ({ mean, weight: 1 })),
  ].sort((a, b) => a.mean - b.mean || a.weight - b.weight)
  const total = parts.reduce((sum, part) => sum + part.weight, 0)
  digest.fresh = []
  digest.means = []
  digest.weights = []
  let before = 0
  let mean = 0
  let weight = 0
  let limit = total * upTo(0)
  for (const part of parts) {
    if (weight > 0 && before + weight + part.weight > limit) {
      digest.means.push(mean)
      digest.weights.push(weight)
      before += weight
      limit = total * upTo(before / total)
      mean = part.mean
      weight = part.weight
      continue
    }
    weight += part.weight
    // Equal infinities must not become NaN.
    if (part.mean !== mean) mean += ((part.mean - mean) * part.weight) / weight
  }
  if (weight > 0) {
    digest.means.push(mean)
    digest.weights.push(weight)
  }
}

/** How far a centroid may reach that begins at quantile q. */
function upTo(q: number): number {
  const k = (COMPRESSION / (2 * Math.PI)) * Math.asin(2 * q - 1) + 1
  const end = (k * 2 * Math.PI) / COMPRESSION
  return end >= Math.PI / 2 ? 1 : (Math.sin(end) + 1) / 2
}

function read(digest: Digest, q: number): number | null {
  if (digest.means.length === 0) return exact(digest.fresh, q)
  // A copy: looking at a window that is still open must not change what it gives later.
  const whole: Digest = { ...digest, fresh: digest.fresh.slice() }
  if (whole.fresh.length > 0) compress(whole, [], [])
  const { means, weights, min, max } = whole
  const total = weights.reduce((a, b) => a + b, 0)
  const target = q * total
  let before = 0
  for (let i = 0; i < means.length; i++) {
    const weight = weights[i] as number
    const middle = before + weight / 2
    if (target <= middle) {
      const left =
        i === 0 ? { at: 0, mean: min } : { at: before - (weights[i - 1] as number) / 2, mean: means[i - 1] as number }
      return between(left.at, left.mean, middle, means[i] as number, target)
    }
    before += weight
  }
  const lastMiddle = total - (weights.at(-1) as number) / 2
  return between(lastMiddle, means.at(-1) as number, total, max, target)
}

/** Linear interpolation between the two nearest ranks (type 7 of Hyndman and Fan, as numpy does). */
function exact(values: readonly number[], q: number): number | null {
  if (values.length === 0) return null
  const sorted = Float64Array.from(values).sort()
  const place = q * (sorted.length - 1)
  const below = Math.floor(place)
  return between(
    below,
    sorted[below] as number,
    below + 1,
    sorted[Math.min(below + 1, sorted.length - 1)] as number,
    place,
  )
}

function between(x0: number, y0: number, x1: number, y1: number, x: number): number {
  return x1 === x0 || y0 === y1 || x === x0 ? y0 : y0 + ((y1 - y0) * (x - x0)) / (x1 - x0)
}
