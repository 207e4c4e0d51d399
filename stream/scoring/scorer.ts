/**
 * A detector as a stream sees it: rows of the warm-up only train; then each row gets a score, how rare it is among the scores so far,
 * and whether it is an alert. Strictly online: a score depends on the rows before it and on nothing else.
 *
 * One alert per episode: with one feature a score counts only when it is above all scores of the last rows (a fifth of the warm-up); the
 * rows between have value 0. With several features a score is a state, and rows stay anomalous as long as it lasts.
 */
import { StreamError } from '../errors.ts'
import { makeDetector, ownLimit } from './detectors/index.ts'
import type { Detector } from './detector.ts'
import { Ring, SortedWindow } from './rolling.ts'
import { readState, writeState } from './state.ts'
import { Tail } from './tail.ts'

/** What a row of a scored stream carries as `score`. */
export interface Score {
  /** In the detector's own unit, from 0; 0 in the warm-up and inside an episode that has been told. */
  value: number
  /** "1 in N": how rare such a score is in this stream; 1 in the warm-up. */
  oneIn: number
  anomalous: boolean
  /** What was compared: a value, or N when the threshold is "1 in N". */
  threshold: number
  /** Name of the detector or model. */
  model: string
  version: number
  /** Features by their share in the score, largest first. */
  causes: readonly Cause[]
  /** What the field of the labels says of the row; absent without labels. */
  label?: boolean
}

export interface Cause {
  feature: string
  share: number
}

/** `value`: a score from here on is an alert. `oneIn`: as rare as this. */
export type Threshold = { readonly value: number } | { readonly oneIn: number }

export interface ScorerOptions {
  readonly detector: string
  readonly features: readonly string[]
  /** Rows that only train. Default 750 with one feature, 400 with several. */
  readonly warmUp?: number | undefined
  /** Default: with one feature the detector's own limit, else 1 in 1,000; with several, 2.5 times as far from the median as the 99 % quantile of the warm-up; that quantile where scores have a ceiling. */
  readonly threshold?: Threshold | undefined
  /** Default 1. */
  readonly seed?: number | undefined
  /** Rows of one season; found in the warm-up when absent. */
  readonly period?: number | undefined
  /** Rows for which an alert silences smaller ones. Default a fifth of the warm-up with one feature, 0 with several. */
  readonly episode?: number | undefined
}

const topCauses = 3
const defaultOneIn = 1000
const smoothing = 0.1
/** How far above the middle of its warm-up a state is an alert, in spans from the middle to the 99 % quantile. */
const calmSpans = 2.5
/** Scores with a ceiling have no long tail: what only one calm row in a hundred reaches is far up already. */
const calmSpansBelowCeiling = 1

export function defaultWarmUp(features: number): number {
  return features === 1 ? 750 : 400
}

export class Scorer {
  private readonly options: ScorerOptions
  private readonly detector: Detector
  private readonly tail = new Tail()
  private readonly recent: Ring | undefined
  private readonly warmUp: number
  /** Scores of the warm-up as the finished detector gives them; for the default threshold of several features. */
  private training: (readonly number[])[] = []
  private limit = Infinity
  private smoothed = 0
  /** It gave a score in its warm-up. */
  private spoke = false
  private seen = 0

  constructor(options: ScorerOptions) {
    const features = options.features.length
    this.options = options
    this.warmUp = wholeNumber('warm-up', options.warmUp ?? defaultWarmUp(features), 2)
    const episode = wholeNumber('episode', options.episode ?? (features === 1 ? Math.round(this.warmUp / 5) : 0), 0)
    this.recent = episode === 0 ? undefined : new Ring(episode)
    const { seed = 1, period } = options
    if (period !== undefined) wholeNumber('period', period, 2)
    if (!Number.isInteger(seed)) wholeNumber('seed', seed, 0)
    this.detector = makeDetector(options.detector, { features, warmUp: this.warmUp, seed, period })
  }

  /** Scores one row, then learns it. Numbers in the order of the features, all finite. */
  next(row: readonly number[], threshold: Threshold | undefined = this.options.threshold): Score {
    const training = this.seen < this.warmUp
    const raw = this.rate(row)
    const score = training ? this.silent(threshold) : this.score(raw, row, threshold)
    this.learn(row, raw, training)
    return score
  }

  /** What the detector says; as a state, smoothed over about ten rows. */
  private rate(row: readonly number[]): number {
    const raw = this.detector.scoreOne(row)
    return this.recent !== undefined ? raw : this.smoothed + smoothing * (raw - this.smoothed)
  }

  private score(raw: number, row: readonly number[], threshold: Threshold | undefined): Score {
    const told = this.recent !== undefined && raw <= largest(this.recent)
    const value = told ? 0 : raw
    const oneIn = told ? 1 : this.tail.oneIn(raw)
    const { kind, number } = this.compared(threshold)
    const anomalous = value > 0 && (kind === 'value' ? value >= number : oneIn >= number)
    return { value, oneIn, anomalous, threshold: number, ...this.signed(), causes: anomalous ? this.causes(row) : [] }
  }

  private learn(row: readonly number[], raw: number, training: boolean): void {
    this.detector.learnOne(row)
    this.smoothed = raw
    this.seen++
    if (training) this.train(row, raw)
    else {
      this.recent?.push(raw)
      this.tail.learn(raw)
    }
  }

  private train(row: readonly number[], raw: number): void {
    // A state has its measure from the finished detector, and so has a detector that says nothing before it has learned.
    this.spoke ||= this.recent !== undefined && raw > 0
    if (this.spoke && this.seen > this.warmUp / 2) this.tail.learn(raw)
    this.training.push(row)
    if (this.seen < this.warmUp) return
    if (!this.spoke) this.calibrate()
    this.training = []
  }

  /** The finished detector over the second half of its own warm-up, on a copy. */
  private calibrate(): void {
    const { features, seed = 1, period } = this.options
    const copy = makeDetector(this.options.detector, { features: features.length, warmUp: this.warmUp, seed, period })
    copy.fromJSON(this.detector.toJSON())
    const rows = this.training.slice(-Math.floor(this.warmUp / 2))
    const scores = new SortedWindow(rows.length)
    const weight = this.recent === undefined ? smoothing : 1
    let score: number | undefined
    for (const row of rows) {
      const raw = copy.scoreOne(row)
      copy.learnOne(row)
      score = score === undefined ? raw : score + weight * (raw - score)
      scores.push(score)
      this.tail.learn(score)
    }
    this.smoothed = score ?? 0
    const high = scores.quantile(0.99)
    const [least, most] = this.detector.limits()
    const spans = most === Infinity ? calmSpans : calmSpansBelowCeiling
    const limit = scores.median() + spans * (high - scores.median())
    this.limit = Math.max(least, Math.min(limit, (high + most) / 2))
  }

  private compared(threshold: Threshold | undefined): { readonly kind: 'value' | 'oneIn'; readonly number: number } {
    if (threshold !== undefined && 'value' in threshold) return { kind: 'value', number: threshold.value }
    if (threshold !== undefined) return { kind: 'oneIn', number: threshold.oneIn }
    const limit = this.recent === undefined ? this.limit : ownLimit(this.options.detector)
    return limit === undefined ? { kind: 'oneIn', number: defaultOneIn } : { kind: 'value', number: limit }
  }

  private silent(threshold: Threshold | undefined): Score {
    const { number } = this.compared(threshold)
    return { value: 0, oneIn: 1, anomalous: false, threshold: number, ...this.signed(), causes: [] }
  }

  private signed(): { readonly model: string; readonly version: number } {
    return { model: this.options.detector, version: 1 }
  }

  private causes(row: readonly number[]): Cause[] {
    const shares = this.detector.causes(row)
    return this.options.features
      .map((feature, f) => ({ feature, share: shares[f] ?? 0 }))
      .filter(({ share }) => share > 0)
      .sort((a, b) => b.share - a.share)
      .slice(0, topCauses)
  }

  toJSON(): unknown {
    const { detector, tail, recent, training, limit, smoothed, spoke, seen } = this
    return readState({ detector, tail, recent, training, limit, smoothed, spoke, seen })
  }

  /** Takes what `toJSON` of a scorer with the same options gave. */
  fromJSON(state: unknown): this {
    writeState(this, state)
    return this
  }
}

function largest(ring: Ring): number {
  let most = -Infinity
  for (let i = 0; i < ring.length; i++) most = Math.max(most, ring.back(i))
  return most
}

function wholeNumber(what: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot score with ${what} ${value}: a whole number from ${least} is needed`,
  })
}
