/**
 * How rare a score is: "1 in N" of the scores of this stream so far. Inside what was seen it is the empirical share; beyond, the
 * tail above the 90 % quantile is taken as exponential, as peaks over a threshold are in the limit for light tails.
 */
import { SortedWindow } from './rolling.ts'

/** Newest scores a rank is taken among. */
const kept = 2000
const tailShare = 0.1

export class Tail {
  private readonly scores = new SortedWindow(kept)

  learn(score: number): void {
    this.scores.push(score)
  }

  /** N of "1 in N": from 1, and as rare as the newest 2,000 scores can tell, at most the square of how many were seen. */
  oneIn(score: number): number {
    return this.rarity(score, this.scores.below(score))
  }

  /** `oneIn` and then `learn`, with one look for the place of the score. */
  take(score: number): number {
    const below = this.scores.below(score)
    const oneIn = this.rarity(score, below)
    this.scores.push(score, below)
    return oneIn
  }

  private rarity(score: number, below: number): number {
    const n = this.scores.length
    if (n === 0) return 1
    const above = n - below
    const tailCount = Math.max(1, Math.floor(n * tailShare))
    // Ranks near the end are noisy; they and what lies beyond follow the tail.
    if (above > tailCount / 4) return (n + 1) / (above + 1)
    const start = this.scores.at(n - tailCount)
    let excess = 0
    for (let i = n - tailCount; i < n; i++) excess += this.scores.at(i) - start
    const mean = excess / tailCount
    // Beyond what was seen a tail may be believed only so far.
    const most = (n + 1) ** 2
    if (mean <= 0) return score > start ? most : (n + 1) / (above + 1)
    const oneIn = (n / tailCount) * Math.exp((score - start) / mean)
    // Never less than the rank says of the largest scores seen.
    return Math.min(most, Math.max(oneIn, (n + 1) / (tailCount / 4 + 1)))
  }
}

/**
 * Anomaly likelihood of an error: how far the mean of the newest errors stands above what errors used to be, as −log10 of its
 * probability under a normal law. From 0 (usual) without a ceiling.
 *
 * Source: Ahmad et al., "Unsupervised real-time anomaly detection for streaming data" (2017); there it saturates at 1.
 */
export function surprise(z: number): number {
  if (z <= 0) return 0
  // −log10 of twice the upper tail; the asymptotic form where the tail underflows.
  if (z > 6) return ((z * z) / 2 + Math.log(z * Math.sqrt(Math.PI / 2))) / Math.LN10
  const t = 1 / (1 + 0.2316419 * z)
  const poly = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return -Math.log10(Math.min(1, 2 * 0.3989422804014327 * Math.exp((-z * z) / 2) * poly))
}
