/**
 * Near misses: partial matches that came to nothing, with the step they waited for and what ended them. A row each, for tables
 * and for finding out why a pattern does not match.
 */
import type { MatchOptions } from '../plan.ts'
import { formatDuration } from '../time/duration.ts'
import type { State } from './compile.ts'
import type { Death } from './nfa.ts'
import type { Run } from './run.ts'

export interface NearMiss<M = Record<string, unknown[]>, T = unknown> {
  /** Value of the key; of several key fields an object. Absent without a key. */
  readonly key?: unknown
  /** What was taken. */
  readonly match: M
  /** The last step that took an event. */
  readonly reached: string
  /** Steps any of which would have gone on. */
  readonly awaited: readonly string[]
  readonly reason: 'false' | 'not' | 'time'
  /** The event that ended it; absent when the time ran out. */
  readonly event?: T | undefined
  /** The condition that was false, or the one after `!` that was true. */
  readonly condition?: string | undefined
  readonly explanation: string
  /** When it ended, event time. */
  readonly endedMs: number
}

export interface NearMissParts {
  readonly matchOf: (run: Run) => Record<string, unknown>
  readonly keyOf: (keyId: number) => unknown
  readonly states: readonly State[]
  readonly options: MatchOptions
}

/** An event came that the run cannot go on with. */
export function missedAt(parts: NearMissParts, run: Run, keyId: number, death: Death): NearMiss {
  const { options } = parts
  const base = baseOf(parts, run, keyId)
  const name = (i: number) => options.definitions[i]?.name ?? ''
  const fits = (i: number) => ((death.mask >> i) & 1) === 1
  if (death.stopped) {
    const stop = stopsOf(parts.states, run).find(fits)
    const condition = stop === undefined ? '' : name(stop)
    return {
      ...base,
      reason: 'not',
      event: death.row,
      condition,
      explanation: `after ${base.reached} came an event that fits !${condition}`,
      endedMs: death.eventTimeMs,
    }
  }
  const condition = base.awaited.find(step => !fits(options.definitions.findIndex(d => d.name === step)))
  const arrow = `${base.reached}, ${base.awaited[0] ?? ''}`
  return {
    ...base,
    reason: 'false',
    event: death.row,
    condition: condition ?? base.awaited[0],
    explanation:
      condition === undefined
        ? `the event after ${base.reached} belongs to the greedy loop before it`
        : `the event after ${base.reached} came between: ${condition} is false for it; "${arrow.replace(',', ' ->')}" would pass it over`,
    endedMs: death.eventTimeMs,
  }
}

/** The window ended first. */
export function missedByTime(parts: NearMissParts, run: Run, keyId: number, timeoutMs: number): NearMiss {
  const base = baseOf(parts, run, keyId)
  const after = formatDuration(timeoutMs - run.first.eventTimeMs)
  return {
    ...base,
    reason: 'time',
    explanation: `no ${base.awaited.join(' or ')} within ${after} of the first event`,
    endedMs: timeoutMs,
  }
}

function baseOf(
  parts: NearMissParts,
  run: Run,
  keyId: number,
): { key?: unknown; match: Record<string, unknown[]>; reached: string; awaited: string[] } {
  const key = parts.keyOf(keyId)
  const { definitions } = parts.options
  const steps = around(parts.states, run).flatMap(state => (state.step < 0 ? [] : [state.step]))
  return {
    ...(key === undefined ? {} : { key }),
    match: parts.matchOf(run) as Record<string, unknown[]>,
    reached: definitions[run.step]?.name ?? '',
    awaited: [...new Set(steps)].map(step => definitions[step]?.name ?? ''),
  }
}

function stopsOf(states: readonly State[], run: Run): number[] {
  return around(states, run).flatMap(state =>
    state.edges.flatMap(edge =>
      edge.to.kind === 'stop' && edge.when !== true && 'of' in edge.when ? [edge.when.of] : [],
    ),
  )
}

/** States the run may be said to wait in. */
function around(states: readonly State[], run: Run): State[] {
  const found = [states[run.state] as State]
  for (const from of found) {
    for (const edge of from.edges) {
      if (edge.action === 'proceed' && !found.includes(edge.to)) found.push(edge.to)
    }
  }
  return found
}
