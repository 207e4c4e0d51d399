/**
 * The automaton at work: partial matches of every key, one event after the other in the order of event time.
 *
 * Per event the definitions that do not look at the partial match are tried once; with the result each state has one move, the
 * same for all its runs (moves.ts). A key whose runs all stay is not walked over at all. Nothing here knows batches, watermarks
 * or lambdas' text: `operator.ts` around it does.
 */
import type { Automaton } from './compile.ts'
import { Moves } from './moves.ts'
import type { Move } from './moves.ts'
import type { MatchTuning } from './pattern.ts'
import { packNfa, unpackNfa } from './nfa-state.ts'
import type { NfaState } from './nfa-state.ts'
import { grown, larger, NONE, Runs } from './runs.ts'
import { compareTies, skippedBelow } from './skip.ts'
import { TimerHeap } from './timer-heap.ts'

/** A definition: does the event fit, given what the run has taken? */
export interface Definition {
  readonly name: string
  readonly call: (row: unknown, taken: Readonly<Record<string, readonly unknown[]>>) => unknown
  /** Looks at what was taken: tried for each run. */
  readonly perRun: boolean
}

/** A definition threw: the event takes no part. */
export class DefinitionThrew extends Error {
  readonly definition: number
  readonly error: unknown

  constructor(definition: number, error: unknown) {
    super('a definition threw')
    this.definition = definition
    this.error = error
  }
}

/** Where results go; `run` is a number in `Nfa.runs`, good until the call returns. `atMs` is the event time at which they became known. */
export interface MatchSink {
  matched(run: number, keyId: number, atMs: number): void
  timedOut(run: number, keyId: number, timeoutMs: number, atMs: number): void
  /** The run ended at this event: nothing it waits for, or what must not come. Absent: nobody wants to know. */
  readonly died?: ((run: number, keyId: number, death: Death) => void) | undefined
  /** The key holds more than it may: its runs are gone, its events are refused from now on. */
  closed(keyId: number, runCount: number, eventCount: number): void
}

export interface Death {
  readonly row: unknown
  readonly eventTimeMs: number
  /** What must not come came. */
  readonly stopped: boolean
  /** Definitions the event fits, as far as they were tried. */
  readonly mask: number
}

/** Keys looked at for runs to show. */
const LOOKED_AT = 10_000

/** Taken events one key may hold for each run it may hold. */
const EVENTS_PER_RUN = 32

export interface NfaParts {
  readonly automaton: Automaton
  readonly definitions: readonly Definition[]
  /** Numbers of the definitions that take events, in the order of the text. */
  readonly steps: readonly number[]
  readonly tuning: MatchTuning
  readonly sink: MatchSink
}

export class Nfa {
  /** Runs alive, over all keys. */
  runCount = 0
  readonly runs = new Runs()
  /** Events taken, by definition. */
  readonly takenCounts: Float64Array
  /** Events taken, by the definition taken before (the last row: the first event of a run) and by their own. */
  readonly edgeCounts: Float64Array
  /** Matches given, by the definition of their last event. */
  readonly givenCounts: Float64Array
  private readonly parts: NfaParts
  private readonly moves: Moves
  private readonly windows: readonly (number | undefined)[]
  private readonly hasStepWindows: boolean
  private readonly perRunMask: number
  private readonly tellsDeaths: boolean
  /** First and last run of each key, sorted by first event. */
  private heads = new Int32Array(64).fill(NONE)
  private tails = new Int32Array(64).fill(NONE)
  /** States runs of a key may be in, a bit each; the last bit stands for all further states. */
  private present = new Int32Array(64)
  /** Runs of each key. */
  private counts = new Int32Array(64)
  /** 1: a timer is set for the oldest run of the key. */
  private timed = new Uint8Array(64)
  /** Events the runs of the key handled last hold. */
  private eventSum = 0
  /** Complete matches that wait for runs which began earlier. */
  private held = new Map<number, number[]>()
  private timers = new TimerHeap()
  private orders = 0
  private epoch = 0
  private readonly moveOf: (Move | undefined)[]
  private readonly moveEpoch: Float64Array
  private mask = 0
  private known = 0
  private runMask = 0
  private readonly runScratch: number[] = []
  private readonly moveScratch: Move[] = []
  private readonly maskScratch: number[] = []
  private completed: number[] = []
  private readonly numberOf = (step: string): number => this.parts.definitions.findIndex(d => d.name === step)

  constructor(parts: NfaParts) {
    this.parts = parts
    const { automaton, definitions } = parts
    this.moves = new Moves(automaton)
    this.windows = automaton.states.map(state => state.windowMs)
    this.hasStepWindows = this.windows.some(w => w !== undefined)
    this.perRunMask = definitions.reduce((mask, d, i) => (d.perRun ? mask | (1 << i) : mask), 0)
    this.tellsDeaths = parts.sink.died !== undefined
    this.moveOf = automaton.states.map(() => undefined)
    this.moveEpoch = new Float64Array(automaton.states.length)
    this.takenCounts = new Float64Array(definitions.length)
    this.edgeCounts = new Float64Array((definitions.length + 1) * definitions.length)
    this.givenCounts = new Float64Array(definitions.length)
  }

  /** Does the key hold runs or matches? */
  holds(keyId: number): boolean {
    return this.headOf(keyId) !== NONE || this.held.has(keyId)
  }

  /** Would the event begin a run of a key that holds none? @throws DefinitionThrew */
  begins(row: unknown): boolean {
    this.epoch++
    this.known = 0
    this.mask = 0
    return this.moveFor(this.parts.automaton.start.id, NONE, row).takes.length > 0
  }

  /** Handles one event of a key. @throws DefinitionThrew before anything changed, StreamError MATCH_FAILED */
  process(keyId: number, row: unknown, eventTimeMs: number): void {
    if (this.headOf(keyId) !== NONE) this.expire(keyId, eventTimeMs)
    this.epoch++
    this.known = 0
    this.mask = 0
    const { start } = this.parts.automaton
    if (this.headOf(keyId) === NONE) {
      const move = this.moveFor(start.id, NONE, row)
      if (move.takes.length === 0) return
      this.eventSum = 0
      this.begin(keyId, this.runs.addEvent(row, eventTimeMs, this.orders++), move)
    } else {
      const untouched = this.allStay(keyId, row)
      const startMove = this.moveFor(start.id, NONE, row)
      if (untouched && startMove.takes.length === 0) return
      this.eventSum = 0
      if (untouched) this.begin(keyId, this.runs.addEvent(row, eventTimeMs, this.orders++), startMove)
      else this.advance(keyId, row, eventTimeMs, startMove)
    }
    if (this.tooLarge(keyId)) return
    if (this.completed.length > 0 || this.held.size > 0) this.settle(keyId, eventTimeMs)
  }

  /** Ends what has become too old for time `nowMs`, over all keys; `each` is told every key looked at. */
  passTime(nowMs: number, each: (keyId: number) => void): void {
    while (this.timers.nextMs <= nowMs) {
      const told = this.timers.pop()
      // Timers of step windows have the key's number turned over.
      const keyId = told < 0 ? ~told : told
      if (told >= 0) this.timed[keyId] = 0
      if (this.headOf(keyId) === NONE) continue
      this.expire(keyId, nowMs)
      this.setTimer(keyId)
      each(keyId)
    }
  }

  /** The end of time: what has no window is gone. */
  dropAll(): void {
    for (let keyId = 0; keyId < this.heads.length; keyId++) this.dropRuns(keyId)
  }

  /** Forgets a key. */
  drop(keyId: number): void {
    this.dropRuns(keyId)
    for (const run of this.held.get(keyId) ?? []) this.runs.release(run)
    this.held.delete(keyId)
  }

  private dropRuns(keyId: number): void {
    const { runs } = this
    for (let run = this.headOf(keyId); run !== NONE;) {
      const next = runs.next[run] as number
      runs.release(run)
      this.runCount--
      run = next
    }
    this.clear(keyId)
  }

  private headOf(keyId: number): number {
    return keyId < this.heads.length ? (this.heads[keyId] as number) : NONE
  }

  /** The key has no list any more; its runs are whoever's called this. */
  private clear(keyId: number): void {
    if (keyId >= this.heads.length) return
    this.heads[keyId] = NONE
    this.tails[keyId] = NONE
  }

  /** Runs and what they hold, without the rows. */
  stateBytes(): number {
    return this.runs.bytes() + this.timers.bytes() + this.heads.length * 17
  }

  snapshot(): NfaState {
    return {
      ...packNfa(this.runs, this.lists(), this.held, this.timers, this.orders),
      takenCounts: this.takenCounts.slice(),
      edgeCounts: this.edgeCounts.slice(),
      givenCounts: this.givenCounts.slice(),
    }
  }

  restore(state: NfaState): void {
    const unpacked = unpackNfa(this.runs, state)
    this.timers = unpacked.timers
    this.orders = state.orders
    this.held = unpacked.held
    for (const list of this.held.values()) for (const run of list) this.runs.hold(run)
    this.takenCounts.set(state.takenCounts)
    this.edgeCounts.set(state.edgeCounts)
    this.givenCounts.set(state.givenCounts)
    for (const [keyId, list] of unpacked.runs) for (const run of list) this.adopt(keyId, run)
    for (const told of unpacked.timers.keyNumbers()) {
      if (told >= 0) this.timed[this.roomFor(told)] = 1
    }
  }

  /** Some runs that are alive, for looking at: the oldest of each key first, at most `limit`. */
  alive(limit: number): (readonly [keyId: number, run: number])[] {
    const found: (readonly [number, number])[] = []
    // Keys that hold nothing are few: their numbers are used again.
    for (let keyId = 0; keyId < this.heads.length && keyId < LOOKED_AT && found.length < limit; keyId++) {
      const head = this.heads[keyId] as number
      if (head !== NONE) found.push([keyId, head])
    }
    for (const [keyId, head] of found.slice()) {
      let run = this.runs.next[head] as number
      for (; run !== NONE && found.length < limit; run = this.runs.next[run] as number) found.push([keyId, run])
    }
    return found
  }

  /** The runs of each key that has some, in their order. */
  private *lists(): IterableIterator<readonly [keyId: number, runs: readonly number[]]> {
    for (let keyId = 0; keyId < this.heads.length; keyId++) {
      const list: number[] = []
      for (let run = this.heads[keyId] as number; run !== NONE; run = this.runs.next[run] as number) list.push(run)
      if (list.length > 0) yield [keyId, list]
    }
  }

  private allStay(keyId: number, row: unknown): boolean {
    let bits = this.present[keyId] as number
    if (bits < 0) return false
    for (; bits !== 0; bits &= bits - 1) {
      const id = 31 - Math.clz32(bits & -bits)
      if (((this.moves.asks[id] as number) & this.perRunMask) !== 0) return false
      if (!this.moveFor(id, NONE, row).stays) return false
    }
    return true
  }

  /** What a run in state `id` does with the event; the definitions it asks for are tried now. */
  private moveFor(id: number, run: number, row: unknown): Move {
    const asks = this.moves.asks[id] as number
    const perRun = asks & this.perRunMask
    this.runMask = 0
    if (perRun === 0 && this.moveEpoch[id] === this.epoch) return this.moveOf[id] as Move
    const missing = asks & ~this.known & ~perRun
    if (missing !== 0) this.tryDefinitions(missing, row)
    if (perRun === 0) {
      const move = this.moves.of(id, this.mask)
      this.moveOf[id] = move
      this.moveEpoch[id] = this.epoch
      return move
    }
    this.runMask = this.tryForRun(perRun, run, row)
    return this.moves.of(id, this.mask | this.runMask)
  }

  private tryDefinitions(missing: number, row: unknown): void {
    for (let bits = missing; bits !== 0; bits &= bits - 1) {
      const i = 31 - Math.clz32(bits & -bits)
      try {
        if ((this.parts.definitions[i] as Definition).call(row, NOTHING_TAKEN)) this.mask |= 1 << i
      } catch (error) {
        throw new DefinitionThrew(i, error)
      }
    }
    this.known |= missing
  }

  private tryForRun(perRun: number, run: number, row: unknown): number {
    const taken = this.takenBy(run)
    let mask = 0
    for (let bits = perRun; bits !== 0; bits &= bits - 1) {
      const i = 31 - Math.clz32(bits & -bits)
      try {
        if ((this.parts.definitions[i] as Definition).call(row, taken)) mask |= 1 << i
      } catch (error) {
        throw new DefinitionThrew(i, error)
      }
    }
    return mask
  }

  private takenBy(run: number): Readonly<Record<string, readonly unknown[]>> {
    const { definitions } = this.parts
    const rows = run === NONE ? undefined : this.runs.rowsByStep(run, definitions.length)
    const taken: Record<string, readonly unknown[]> = {}
    for (const [i, definition] of definitions.entries()) taken[definition.name] = rows?.[i] ?? []
    return taken
  }

  /** New runs whose first event this is. */
  private begin(keyId: number, event: number, move: Move): void {
    for (const take of move.takes) {
      this.count(this.parts.definitions.length, take.step)
      this.place(keyId, this.runs.add(NONE, event, take.step, take.to.id), take, true)
    }
    this.setTimer(keyId)
  }

  /** A run that took an event: a match, alive, or both. */
  private place(keyId: number, run: number, take: Move['takes'][number], goesOn: boolean): void {
    if (take.completes) this.complete(run)
    if (!goesOn || take.to.kind === 'final') return
    this.adopt(keyId, run)
    this.watch(keyId, run)
  }

  private complete(run: number): void {
    this.runs.hold(run)
    this.completed.push(run)
  }

  /** The oldest run of the key has a timer, one for all of them. */
  private setTimer(keyId: number): void {
    const { withinMs } = this.parts.tuning
    if (withinMs === undefined || this.headOf(keyId) === NONE || this.timed[keyId] === 1) return
    this.timed[keyId] = 1
    this.timers.push(this.runs.firstTimeOf(this.heads[keyId] as number) + withinMs, keyId)
  }

  /** All runs of a key with one event: first what each would do, then the doing, so that a throwing definition changes nothing. */
  private advance(keyId: number, row: unknown, eventTimeMs: number, startMove: Move): void {
    const { runs, runScratch, moveScratch, maskScratch } = this
    let n = 0
    for (let run = this.heads[keyId] as number; run !== NONE; run = runs.next[run] as number) {
      runScratch[n] = run
      moveScratch[n] = this.moveFor(runs.stateOf(run), run, row)
      if (this.tellsDeaths) maskScratch[n] = this.mask | this.runMask
      n++
    }
    const event = runs.addEvent(row, eventTimeMs, this.orders++)
    this.clear(keyId)
    this.runCount -= n
    for (let i = 0; i < n; i++) {
      const run = runScratch[i] as number
      const move = moveScratch[i] as Move
      if (move.stays) this.append(keyId, run)
      else if (!this.moveRun(keyId, run, move, event)) {
        if (this.tellsDeaths && (move.stops || (move.takes.length === 0 && !move.completes)))
          this.parts.sink.died?.(run, keyId, { row, eventTimeMs, stopped: move.stops, mask: maskScratch[i] ?? 0 })
        runs.release(run)
      }
    }
    this.begin(keyId, event, startMove)
    runs.forget(event)
  }

  /** False: the run itself does not go on. */
  private moveRun(keyId: number, run: number, move: Move, event: number): boolean {
    const { runs } = this
    const { takes, ignores, stops } = move
    if (move.completes) this.complete(run)
    for (let k = 0; k < takes.length; k++) {
      const take = takes[k] as Move['takes'][number]
      this.count(runs.stepOf(run), take.step)
      const goesOn = !stops && take.to.kind !== 'final'
      if (goesOn || take.completes) this.place(keyId, runs.add(run, event, take.step, take.to.id), take, goesOn)
    }
    if (stops || ignores.length === 0) return false
    // Twins first: they copy the state the run leaves.
    for (let k = 1; k < ignores.length; k++) {
      const twin = runs.twin(run, (ignores[k] as { id: number }).id)
      this.adopt(keyId, twin)
      this.watch(keyId, twin)
    }
    const to = (ignores[0] as { id: number }).id
    const moved = runs.stateOf(run) !== to
    // A match made of this run keeps its events, not its state, so changing it is safe.
    runs.setState(run, to)
    this.append(keyId, run)
    if (moved) this.watch(keyId, run)
    return true
  }

  private count(from: number, step: number): void {
    const { takenCounts, edgeCounts } = this
    takenCounts[step] = (takenCounts[step] as number) + 1
    const edge = from * takenCounts.length + step
    edgeCounts[edge] = (edgeCounts[edge] as number) + 1
  }

  private give(run: number, keyId: number, atMs: number): void {
    const step = this.runs.stepOf(run)
    this.givenCounts[step] = (this.givenCounts[step] as number) + 1
    this.parts.sink.matched(run, keyId, atMs)
  }

  /** A new run joins the list of its key, which holds it from now on. */
  private adopt(keyId: number, run: number): void {
    this.runs.hold(run)
    this.append(keyId, run)
  }

  private append(keyId: number, run: number): void {
    this.roomFor(keyId)
    const { runs } = this
    const last = this.tails[keyId] as number
    if (last === NONE) {
      this.heads[keyId] = run
      this.present[keyId] = 0
      this.counts[keyId] = 0
    } else runs.next[last] = run
    runs.next[run] = NONE
    this.tails[keyId] = run
    this.eventSum += runs.lengthOf(run)
    const state = runs.stateOf(run)
    this.counts[keyId] = (this.counts[keyId] as number) + 1
    this.present[keyId] = (this.present[keyId] as number) | (1 << (state < 31 ? state : 31))
    this.runCount++
  }

  private roomFor(keyId: number): number {
    if (keyId < this.heads.length) return keyId
    const before = this.heads.length
    const size = Math.max(keyId + 1, larger(before))
    this.heads = grown(this.heads, size).fill(NONE, before)
    this.tails = grown(this.tails, size).fill(NONE, before)
    this.present = grown(this.present, size)
    this.counts = grown(this.counts, size)
    const timed = new Uint8Array(size)
    timed.set(this.timed)
    this.timed = timed
    return keyId
  }

  /** The run stands in a state that has a window of its own. */
  private watch(keyId: number, run: number): void {
    if (!this.hasStepWindows) return
    const windowMs = this.windows[this.runs.stateOf(run)]
    if (windowMs !== undefined) this.timers.push(this.runs.timeOf(run) + windowMs, ~keyId)
  }

  /** Ends the runs of a key that are too old at `nowMs`. */
  private expire(keyId: number, nowMs: number): void {
    const { withinMs } = this.parts.tuning
    if (withinMs === undefined && !this.hasStepWindows) return
    const { runs } = this
    const head = this.heads[keyId] as number
    if (!this.hasStepWindows && nowMs - runs.firstTimeOf(head) < (withinMs as number)) return
    let lastMs = -Infinity
    this.clear(keyId)
    for (let run = head; run !== NONE;) {
      const next = runs.next[run] as number
      this.runCount--
      const timeoutMs = this.timeoutOf(run, nowMs)
      if (timeoutMs === undefined) this.append(keyId, run)
      else {
        lastMs = Math.max(lastMs, timeoutMs)
        if (this.moves.accepts[runs.stateOf(run)] === true) this.complete(run)
        else this.parts.sink.timedOut(run, keyId, timeoutMs, Math.min(timeoutMs, nowMs))
        runs.release(run)
      }
      run = next
    }
    if (lastMs > -Infinity && (this.completed.length > 0 || this.held.size > 0))
      this.settle(keyId, Math.min(lastMs, nowMs))
  }

  /** When the run became too old; the window of its step is asked first. */
  private timeoutOf(run: number, nowMs: number): number | undefined {
    const { runs } = this
    const windowMs = this.windows[runs.stateOf(run)]
    if (windowMs !== undefined && nowMs - runs.timeOf(run) >= windowMs) return runs.timeOf(run) + windowMs
    const { withinMs } = this.parts.tuning
    const firstMs = runs.firstTimeOf(run)
    return withinMs !== undefined && nowMs - firstMs >= withinMs ? firstMs + withinMs : undefined
  }

  /** Gives out complete matches as the skip strategy says. */
  private settle(keyId: number, atMs: number): void {
    const { tuning } = this.parts
    const { runs } = this
    const fresh = this.completed
    this.completed = []
    if (tuning.skip.kind === 'none') {
      for (const run of fresh) {
        this.give(run, keyId, atMs)
        runs.release(run)
      }
      return
    }
    let held = this.held.get(keyId)
    if (held === undefined && fresh.length === 0) return
    if (fresh.length > 1)
      fresh.sort((a, b) => runs.firstOrderOf(a) - runs.firstOrderOf(b) || compareTies(runs, this.parts.steps, a, b))
    if (held === undefined) held = fresh
    else if (fresh.length > 0) {
      held.push(...fresh)
      held.sort((a, b) => runs.firstOrderOf(a) - runs.firstOrderOf(b))
    }
    while (held.length > 0) {
      const match = held[0] as number
      const oldest = this.headOf(keyId)
      if (oldest !== NONE && runs.firstOrderOf(oldest) < runs.firstOrderOf(match)) break
      this.give(match, keyId, atMs)
      const below = skippedBelow(runs, match, tuning.skip, this.numberOf)
      const left: number[] = []
      held.forEach((run, i) => {
        if (i > 0 && runs.firstOrderOf(run) >= below) left.push(run)
        else runs.release(run)
      })
      held = left
      this.dropBelow(keyId, below)
    }
    if (held.length === 0) this.held.delete(keyId)
    else this.held.set(keyId, held)
  }

  private dropBelow(keyId: number, below: number): void {
    const { runs } = this
    let run = this.headOf(keyId)
    if (run === NONE) return
    while (run !== NONE && runs.firstOrderOf(run) < below) {
      const next = runs.next[run] as number
      runs.release(run)
      this.runCount--
      this.counts[keyId] = (this.counts[keyId] as number) - 1
      run = next
    }
    this.heads[keyId] = run
    if (run === NONE) this.tails[keyId] = NONE
  }

  private tooLarge(keyId: number): boolean {
    const { maxRuns } = this.parts.tuning
    if (this.headOf(keyId) === NONE) return false
    const runs = (this.counts[keyId] as number) + (this.held.get(keyId)?.length ?? 0)
    if (runs <= maxRuns && this.eventSum <= maxRuns * EVENTS_PER_RUN) return false
    const events = this.eventSum
    for (const run of this.completed) this.runs.release(run)
    this.completed = []
    this.drop(keyId)
    this.parts.sink.closed(keyId, runs, events)
    return true
  }
}

const NOTHING_TAKEN: Readonly<Record<string, readonly unknown[]>> = Object.freeze({})
