/**
 * What a page shows of a pattern at work: its graph with counts, the newest matches and near misses, and the partial matches that
 * are alive. Plain data, small enough to go with each status of a chart.
 */
import type { Joint } from './pattern.ts'

export interface PatternView {
  readonly text: string
  readonly withinMs: number | null
  /** Where the time of the pattern stands: what is left to a partial match is measured from here. */
  readonly watermarkMs: number | null
  readonly steps: readonly PatternStep[]
  readonly edges: readonly PatternEdge[]
  readonly matchCount: number
  readonly missCount: number
  readonly timeoutCount: number
  /** Partial matches alive, over all keys. */
  readonly liveCount: number
  /** Newest last. */
  readonly matches: readonly ViewedMatch[]
  readonly misses: readonly ViewedMiss[]
  /** Some of those alive. */
  readonly live: readonly ViewedLive[]
}

export interface PatternStep {
  readonly name: string
  /** Count as it was written: `+`, `{3,}`; empty for once. */
  readonly rounds: string
  /** Events taken for the step. */
  readonly takenCount: number
}

/** A way of the graph; `from` −1 is the start, `to` = number of steps is the match. */
export interface PatternEdge {
  readonly from: number
  readonly to: number
  readonly joint: Joint
  /** What must not come on this way. */
  readonly nots: readonly string[]
  /** Events taken along it; matches given along it, where it leads to the match. */
  readonly count: number
}

/** Number of the step and event time. */
export type ViewedEvent = readonly [step: number, eventTimeMs: number]

export interface ViewedMatch {
  readonly number: number
  /** Null: the pattern has no key. */
  readonly key: string | null
  readonly events: readonly ViewedEvent[]
}

export interface ViewedMiss {
  readonly number: number
  /** Partial matches of the key that the same event ended; the one that took most is shown. */
  readonly count: number
  readonly key: string | null
  readonly events: readonly ViewedEvent[]
  readonly reached: string
  readonly awaited: readonly string[]
  readonly reason: 'false' | 'not' | 'time'
  readonly condition: string | null
  /** The condition as it was written. */
  readonly conditionText: string | null
  /** The event that ended it, as JSON, shortened. */
  readonly event: string | null
  readonly explanation: string
  /** What would have gone on: `a -> b`. */
  readonly offer: string | null
  readonly endedMs: number
}

export interface ViewedLive {
  readonly key: string | null
  readonly events: readonly ViewedEvent[]
  readonly reached: string
  readonly awaited: readonly string[]
  /** Event time at which it runs out; null: never. */
  readonly deadlineMs: number | null
}
