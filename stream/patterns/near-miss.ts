/**
 * Near misses: partial matches that came to nothing, with the step they waited for and what ended them. A row each, for tables
 * and for finding out why a pattern does not match.
 */
import type { MatchOptions } from '../plan.ts'
import { formatDuration } from '../time/duration.ts'
import type { State } from './compile.ts'
import type { PatternGraph } from './graph.ts'
import type { Death } from './nfa.ts'

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
  /** What would have passed the event over, when one came between: `a -> b`. */
  readonly offer?: string | undefined
  /** When it ended, event time. */
  readonly endedMs: number
}

export type Reason = Omit<NearMiss, 'key' | 'match' | 'event'>

/** A partial match as far as its end is concerned. */
export interface Standing {
  /** Number of the last definition that took an event. */
  readonly step: number
  readonly state: number
  readonly firstMs: number
}

export interface NearMissParts {
  readonly states: readonly State[]
  readonly options: MatchOptions
  readonly graph: PatternGraph
}

/** An event came that the run cannot go on with. */
export function reasonOfDeath(
  parts: NearMissParts,
  run: Standing,
  death: Pick<Death, 'mask' | 'stopped' | 'eventTimeMs'>,
): Reason {
  const { options } = parts
  const base = baseOf(parts, run)
  const name = (i: number) => options.definitions[i]?.name ?? ''
  const fits = (i: number) => ((death.mask >> i) & 1) === 1
  const endedMs = death.eventTimeMs
  if (death.stopped) {
    const stop = stopsOf(parts.states, run).find(fits)
    const condition = stop === undefined ? '' : name(stop)
    const explanation = `after ${base.reached} came an event that fits !${condition}`
    return { ...base, reason: 'not', condition, explanation, endedMs }
  }
  const wrong = base.awaited.filter(step => !fits(options.definitions.findIndex(d => d.name === step)))
  // Of a loop and what follows it, what follows is what was hoped for.
  const condition = wrong.find(step => step !== base.reached) ?? wrong[0]
  if (condition === undefined) {
    const explanation = `the event after ${base.reached} belongs to the greedy loop before it`
    return { ...base, reason: 'false', condition: base.awaited[0], explanation, endedMs }
  }
  const offer = offerFor(parts, base.reached, condition)
  const came = `the event after ${base.reached} came between: ${condition} is false for it`
  if (offer === undefined) return { ...base, reason: 'false', condition, explanation: came, endedMs }
  const explanation = `${came}; "${offer}" would pass it over`
  return { ...base, reason: 'false', condition, explanation, offer, endedMs }
}

/** The window ended first. */
export function reasonOfTime(parts: NearMissParts, run: Standing, timeoutMs: number): Reason {
  const base = baseOf(parts, run)
  const after = formatDuration(timeoutMs - run.firstMs)
  const explanation = `no ${base.awaited.join(' or ')} within ${after} of the first event`
  return { ...base, reason: 'time', explanation, endedMs: timeoutMs }
}

/** Steps any of which a run in this state waits for. */
export function awaitedIn({ states, options }: Pick<NearMissParts, 'states' | 'options'>, state: number): string[] {
  const steps = around(states, state).flatMap(from => (from.step < 0 ? [] : [from.step]))
  return [...new Set(steps)].map(step => options.definitions[step]?.name ?? '')
}

function baseOf(parts: NearMissParts, run: Standing): { reached: string; awaited: string[] } {
  return { reached: parts.options.definitions[run.step]?.name ?? '', awaited: awaitedIn(parts, run.state) }
}

/** Only a step that had to be the very next one could be joined more loosely. */
function offerFor({ graph }: NearMissParts, reached: string, awaited: string): string | undefined {
  const place = (step: string) => graph.steps.findIndex(({ name }) => name === step)
  const edge = graph.edges.find(({ from, to }) => from === place(reached) && to === place(awaited))
  if (edge?.joint !== 'next') return undefined
  // A loop without [consecutive].
  return edge.from === edge.to ? `${reached}${graph.steps[edge.to]?.rounds ?? ''}` : `${reached} -> ${awaited}`
}

function stopsOf(states: readonly State[], run: Standing): number[] {
  return around(states, run.state).flatMap(state =>
    state.edges.flatMap(edge =>
      edge.to.kind === 'stop' && edge.when !== true && 'of' in edge.when ? [edge.when.of] : [],
    ),
  )
}

/** States a run in this one may be said to wait in. */
function around(states: readonly State[], state: number): State[] {
  const found = [states[state] as State]
  for (const from of found) {
    for (const edge of from.edges) {
      if (edge.action === 'proceed' && !found.includes(edge.to)) found.push(edge.to)
    }
  }
  return found
}
