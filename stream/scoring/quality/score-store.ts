/**
 * Scores that were kept, with what is known of their rows: any threshold is answered at once, without scoring again. Scores lie in
 * arrays; thresholds are answered by one pass, all of them by one sort.
 */
import { Curve, f1Of } from './curve.ts'
import { segmentsOf, vusPr } from './vus-pr.ts'
import type { Segment } from './vus-pr.ts'

export interface KeptScores {
  readonly scores: ArrayLike<number>
  /** Absent: nothing is known; precision and recall are null. */
  readonly labels?: ArrayLike<boolean | number> | undefined
  /** Event times, for alerts per hour. */
  readonly timesMs?: ArrayLike<number> | undefined
}

export interface Judgement {
  readonly threshold: number
  /** Rows at or above the threshold. */
  readonly alerts: number
  /** Runs of such rows. */
  readonly episodes: number
  /** Episodes per hour of event time; null when the times tell no duration. */
  readonly alertsPerHour: number | null
  /** Row by row; null without labels. */
  readonly precision: number | null
  readonly recall: number | null
  readonly f1: number | null
  /** Labelled ranges with at least one alert, of all; episodes that touch a label, of all. */
  readonly eventRecall: number | null
  readonly eventPrecision: number | null
  readonly eventF1: number | null
  /** Rows from the beginning of a found range to its first alert, mean. */
  readonly delayRows: number | null
}

const hourMs = 3_600_000

export class ScoreStore {
  private readonly scores: Float32Array
  private readonly labels: Uint8Array | undefined
  private readonly hours: number | undefined
  private readonly segments: readonly Segment[]
  private known: Curve | undefined

  constructor({ scores, labels, timesMs }: KeptScores) {
    this.scores = Float32Array.from(scores)
    this.labels = labels === undefined ? undefined : Uint8Array.from(labels, label => (label ? 1 : 0))
    this.segments = this.labels === undefined ? [] : segmentsOf(this.labels)
    let [from, to] = [Infinity, -Infinity]
    for (let i = 0; i < (timesMs?.length ?? 0); i++) {
      from = Math.min(from, timesMs![i]!)
      to = Math.max(to, timesMs![i]!)
    }
    this.hours = to > from ? (to - from) / hourMs : undefined
  }

  get size(): number {
    return this.scores.length
  }

  /** One pass. */
  judge(threshold: number): Judgement {
    const { scores, labels } = this
    const limit = Math.fround(threshold)
    let [alerts, hits, positives, episodes, touching] = [0, 0, 0, 0, 0]
    let touches = false
    for (let i = 0; i < scores.length; i++) {
      const label = labels === undefined ? 0 : labels[i]!
      positives += label
      if (scores[i]! < limit) continue
      alerts++
      hits += label
      if (i === 0 || scores[i - 1]! < limit) {
        episodes++
        touches = false
      }
      if (label === 1 && !touches) {
        touches = true
        touching++
      }
    }
    const alertsPerHour = this.hours === undefined ? null : episodes / this.hours
    const base = { threshold, alerts, episodes, alertsPerHour }
    if (labels === undefined) return { ...base, ...unknown }
    const { found, ranges, delay } = this.ranges(limit)
    const precision = share(hits, alerts)
    const recall = share(hits, positives)
    const eventPrecision = share(touching, episodes)
    const eventRecall = share(found, ranges)
    return {
      ...base,
      precision,
      recall,
      f1: f1Of(precision, recall),
      eventPrecision,
      eventRecall,
      eventF1: f1Of(eventPrecision, eventRecall),
      delayRows: found === 0 ? null : delay / found,
    }
  }

  private ranges(limit: number): { found: number; ranges: number; delay: number } {
    const { segments } = this
    let [found, delay] = [0, 0]
    for (const { from, to } of segments) {
      let at = from
      while (at <= to && this.scores[at]! < limit) at++
      if (at > to) continue
      found++
      delay += at - from
    }
    return { found, ranges: segments.length, delay }
  }

  /** Precision and recall at each score that occurs, highest first; worked out once, undefined without labels. */
  curve(): Curve | undefined {
    if (this.labels === undefined) return undefined
    return (this.known ??= new Curve(this.scores, this.labels))
  }

  /** The threshold with the best F1; undefined without labels. */
  best(): Judgement | undefined {
    const curve = this.curve()
    return curve === undefined || curve.best < 0 ? undefined : this.judge(curve.thresholds[curve.best]!)
  }

  /** See `vusPr`; undefined without labels. */
  vusPr(most?: number): number | undefined {
    return this.labels === undefined ? undefined : vusPr(this.scores, this.labels, most)
  }
}

const unknown = {
  precision: null,
  recall: null,
  f1: null,
  eventPrecision: null,
  eventRecall: null,
  eventF1: null,
  delayRows: null,
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}
