/**
 * Remembers what a page shows of a pattern: the newest matches and near misses, as they were when they ended. Words are made when
 * somebody looks, so remembering costs a few numbers per match or near miss. No part of a snapshot: a restored stream begins to
 * remember anew, only its counts go on.
 */
import type { MatchOptions } from '../plan.ts'
import { keyText, rowText, shortened } from '../shown-text.ts'
import { finiteOrNull } from '../time/finite.ts'
import type { Automaton } from './compile.ts'
import { patternGraph } from './graph.ts'
import type { PatternGraph } from './graph.ts'
import { awaitedIn, reasonOfDeath, reasonOfTime } from './near-miss.ts'
import type { NearMissParts, Reason, Standing } from './near-miss.ts'
import type { Death, Nfa } from './nfa.ts'
import type { Pattern } from './pattern.ts'
import { NONE } from './runs.ts'
import type { Runs } from './runs.ts'
import type { PatternView, ViewedEvent, ViewedLive, ViewedMatch, ViewedMiss } from './view.ts'

/** Matches and near misses kept. */
const NEWEST = 24
const LIVE = 12
/** Events shown of one match. */
const EVENTS = 12

export interface WatchParts {
  readonly options: MatchOptions
  readonly pattern: Pattern
  readonly automaton: Automaton
  readonly graph: PatternGraph
  /** The definition as it was written. */
  readonly textOf: (definition: number) => string | undefined
}

interface Missed {
  readonly number: number
  readonly count: number
  readonly key: unknown
  readonly events: readonly ViewedEvent[]
  readonly standing: Standing
  readonly death: Death | undefined
  readonly timeoutMs: number
}

export class PatternWatch {
  private readonly parts: WatchParts
  private readonly near: NearMissParts
  /** Definition → number of the step in the order of the text. */
  private readonly stepOf: Int32Array
  private matches: ViewedMatch[] = []
  /** By the step reached: what ends at the first step, as most does, must not push out what got further. */
  private readonly misses: Missed[][]
  private number = 0
  private missCount = 0
  private timeoutCount = 0

  constructor(parts: WatchParts) {
    this.parts = parts
    const { options, pattern, automaton, graph } = parts
    this.near = { states: automaton.states, options, graph }
    this.stepOf = Int32Array.from(options.definitions, ({ name }) => pattern.steps.indexOf(name))
    this.misses = options.definitions.map(() => [])
  }

  matched(runs: Runs, run: number, key: unknown): void {
    this.matches.push({ number: this.number++, key: keyText(key), events: this.eventsOf(runs, run) })
    if (this.matches.length >= 2 * NEWEST) this.matches = this.matches.slice(-NEWEST)
  }

  died(runs: Runs, run: number, key: unknown, death: Death): void {
    this.missCount++
    this.remember(runs, run, key, death, 0)
  }

  timedOut(runs: Runs, run: number, key: unknown, timeoutMs: number): void {
    this.timeoutCount++
    this.remember(runs, run, key, undefined, timeoutMs)
  }

  view(nfa: Nfa, watermarkMs: number, keyOf: (keyId: number) => unknown): PatternView {
    const { options, graph } = this.parts
    const definition = (step: number) => options.definitions.findIndex(d => d.name === graph.steps[step]?.name)
    const countOf = (from: number, to: number): number => {
      if (to === graph.steps.length) return nfa.givenCounts[definition(from)] ?? 0
      const row = from < 0 ? options.definitions.length : definition(from)
      return nfa.edgeCounts[row * options.definitions.length + definition(to)] ?? 0
    }
    return {
      text: options.pattern,
      withinMs: options.withinMs ?? null,
      watermarkMs: finiteOrNull(watermarkMs),
      steps: graph.steps.map((step, i) => ({ ...step, takenCount: nfa.takenCounts[definition(i)] ?? 0 })),
      edges: graph.edges.map(edge => ({ ...edge, count: countOf(edge.from, edge.to) })),
      matchCount: nfa.givenCounts.reduce((sum, count) => sum + count, 0),
      missCount: this.missCount,
      timeoutCount: this.timeoutCount,
      liveCount: nfa.runCount,
      matches: this.matches.slice(-NEWEST),
      misses: this.newestMisses(),
      live: this.live(nfa, keyOf),
    }
  }

  private remember(runs: Runs, run: number, key: unknown, death: Death | undefined, timeoutMs: number): void {
    const standing = standingOf(runs, run)
    const list = this.misses[standing.step] as Missed[]
    const missed = {
      number: this.number++,
      count: 1,
      key,
      events: this.eventsOf(runs, run),
      standing,
      death,
      timeoutMs,
    }
    // One event often ends many partial matches of its key: they are one near miss with a count, told of the one that took most.
    const last = list.at(-1)
    if (last?.death !== undefined && last.key === key && last.death.row === death?.row) {
      const most = last.events.length >= missed.events.length ? last : missed
      list[list.length - 1] = { ...most, count: last.count + 1 }
    } else list.push(missed)
    if (list.length >= 2 * NEWEST) list.splice(0, list.length - NEWEST)
  }

  /** An equal share of each step reached, in the order in which they ended. */
  private newestMisses(): ViewedMiss[] {
    const reached = this.misses.filter(list => list.length > 0)
    const share = Math.ceil(NEWEST / Math.max(1, reached.length))
    return reached
      .flatMap(list => list.slice(-share))
      .sort((a, b) => a.number - b.number)
      .map(missed => this.shown(missed))
  }

  private shown({ number, count, key, events, standing, death, timeoutMs }: Missed): ViewedMiss {
    const reason: Reason =
      death === undefined ? reasonOfTime(this.near, standing, timeoutMs) : reasonOfDeath(this.near, standing, death)
    const { condition } = reason
    const text = this.parts.textOf(this.parts.options.definitions.findIndex(d => d.name === condition))
    return {
      number,
      count,
      key: keyText(key),
      events,
      reached: reason.reached,
      awaited: reason.awaited,
      reason: reason.reason,
      condition: condition ?? null,
      conditionText: text === undefined ? null : shortened(asTyped(text)),
      event: death === undefined ? null : rowText(death.row),
      explanation: reason.explanation,
      offer: reason.offer ?? null,
      endedMs: reason.endedMs,
    }
  }

  private live(nfa: Nfa, keyOf: (keyId: number) => unknown): ViewedLive[] {
    const { options, automaton } = this.parts
    const { runs } = nfa
    const found: ViewedLive[] = []
    for (const [keyId, run] of nfa.alive(LIVE)) {
      const stepMs = automaton.states[runs.stateOf(run)]?.windowMs
      const ends = [
        ...(options.withinMs === undefined ? [] : [runs.firstTimeOf(run) + options.withinMs]),
        ...(stepMs === undefined ? [] : [runs.timeOf(run) + stepMs]),
      ]
      found.push({
        key: keyText(keyOf(keyId)),
        events: this.eventsOf(runs, run),
        reached: options.definitions[runs.stepOf(run)]?.name ?? '',
        awaited: awaitedIn(this.near, runs.stateOf(run)),
        deadlineMs: ends.length === 0 ? null : Math.min(...ends),
      })
    }
    return found
  }

  /** The first event and the newest, oldest first. */
  private eventsOf(runs: Runs, run: number): readonly ViewedEvent[] {
    const events: ViewedEvent[] = []
    const tell = (link: number) => events.push([this.stepOf[runs.stepOf(link)] as number, runs.timeOf(link)])
    let link = run
    for (; link !== NONE && events.length < EVENTS - 1; link = runs.prevOf(link)) tell(link)
    if (link !== NONE) {
      while (runs.prevOf(link) !== NONE) link = runs.prevOf(link)
      tell(link)
    }
    return events.reverse()
  }
}

/** A partial match as far as its end is concerned. */
export function standingOf(runs: Runs, run: number): Standing {
  return { step: runs.stepOf(run), state: runs.stateOf(run), firstMs: runs.firstTimeOf(run) }
}

export function watchOf(parts: Omit<WatchParts, 'graph'>): PatternWatch {
  return new PatternWatch({ ...parts, graph: patternGraph(parts.pattern) })
}

/** As it was typed: in one line, the API without the name a magic puts before it. */
function asTyped(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/\briffle\.(?=\w+\()/g, '')
}
