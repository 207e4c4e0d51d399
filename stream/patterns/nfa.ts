/**
 * The automaton at work: partial matches of every key, one event after the other in the order of event time.
 *
 * Per event the definitions that do not look at the partial match are tried once; with the result each state has one move, the
 * same for all its runs (moves.ts). A key whose runs all stay is not walked over at all. Nothing here knows batches, watermarks
 * or lambdas' text: `operator.ts` around it does.
 */
import { StreamError } from '../errors.ts'
import type { Automaton } from './compile.ts'
import { Moves } from './moves.ts'
import type { Move } from './moves.ts'
import type { MatchTuning } from './pattern.ts'
import { Run, TakenEvent } from './run.ts'
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

/** Where results go. `atMs` is the event time at which they became known. */
export interface MatchSink {
  matched(run: Run, keyId: number, atMs: number): void
  timedOut(run: Run, keyId: number, timeoutMs: number, atMs: number): void
  /** The run ended at this event: nothing it waits for, or what must not come. Absent: nobody wants to know. */
  readonly died?: ((run: Run, keyId: number, death: Death) => void) | undefined
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
  private heads: (Run | undefined)[] = []
  private tails: (Run | undefined)[] = []
  /** States runs of a key may be in, a bit each; the last bit stands for all further states. */
  private present = new Int32Array(64)
  /** Runs of each key. */
  private counts = new Int32Array(64)
  /** Events the runs of the key handled last hold. */
  private eventSum = 0
  /** Complete matches that wait for runs which began earlier. */
  private held = new Map<number, Run[]>()
  private timers = new TimerHeap()
  private orders = 0
  private epoch = 0
  private readonly moveOf: (Move | undefined)[]
  private readonly moveEpoch: Float64Array
  private mask = 0
  private known = 0
  private runMask = 0
  private readonly runScratch: Run[] = []
  private readonly moveScratch: Move[] = []
  private readonly maskScratch: number[] = []
  private completed: Run[] = []

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
    return this.heads[keyId] !== undefined || this.held.has(keyId)
  }

  /** Would the event begin a run of a key that holds none? @throws DefinitionThrew */
  begins(row: unknown): boolean {
    this.epoch++
    this.known = 0
    this.mask = 0
    return this.moveFor(this.parts.automaton.start.id, undefined, row).takes.length > 0
  }

  /** Handles one event of a key. @throws DefinitionThrew before anything changed, StreamError MATCH_FAILED */
  process(keyId: number, row: unknown, eventTimeMs: number): void {
    if (this.heads[keyId] !== undefined) this.expire(keyId, eventTimeMs)
    this.epoch++
    this.known = 0
    this.mask = 0
    const { start } = this.parts.automaton
    if (this.heads[keyId] === undefined) {
      const move = this.moveFor(start.id, undefined, row)
      if (move.takes.length === 0) return
      this.eventSum = 0
      this.begin(keyId, new TakenEvent(row, eventTimeMs, this.orders++), move)
    } else {
      const untouched = this.allStay(keyId, row)
      const startMove = this.moveFor(start.id, undefined, row)
      if (untouched && startMove.takes.length === 0) return
      const event = new TakenEvent(row, eventTimeMs, this.orders++)
      this.eventSum = 0
      if (!untouched) this.advance(keyId, event)
      this.begin(keyId, event, startMove)
    }
    if (this.tooLarge(keyId)) return
    if (this.completed.length > 0 || this.held.size > 0) this.settle(keyId, eventTimeMs)
  }

  /** Ends what has become too old for time `nowMs`, over all keys; `each` is told every key looked at. */
  passTime(nowMs: number, each: (keyId: number) => void): void {
    while (this.timers.nextMs <= nowMs) {
      const keyId = this.timers.pop()
      if (this.heads[keyId] === undefined) continue
      this.expire(keyId, nowMs)
      each(keyId)
    }
  }

  /** The end of time: what has no window is gone. */
  dropAll(): void {
    this.heads = []
    this.tails = []
    this.runCount = 0
  }

  /** Forgets a key. */
  drop(keyId: number): void {
    for (let run = this.heads[keyId]; run !== undefined;) {
      const { next } = run
      run.next = undefined
      this.runCount--
      run = next
    }
    this.heads[keyId] = undefined
    this.tails[keyId] = undefined
    this.held.delete(keyId)
  }

  /** Estimate: runs and what they hold, without the rows. */
  stateBytes(): number {
    return this.runCount * 72 + this.timers.bytes()
  }

  snapshot(): NfaState {
    return {
      ...packNfa(this.heads, this.held, this.timers, this.orders),
      takenCounts: this.takenCounts.slice(),
      edgeCounts: this.edgeCounts.slice(),
      givenCounts: this.givenCounts.slice(),
    }
  }

  restore(state: NfaState): void {
    const unpacked = unpackNfa(state)
    this.timers = unpacked.timers
    this.orders = state.orders
    this.held = unpacked.held
    this.takenCounts.set(state.takenCounts)
    this.edgeCounts.set(state.edgeCounts)
    this.givenCounts.set(state.givenCounts)
    for (const [keyId, runs] of unpacked.runs) for (const run of runs) this.append(keyId, run)
  }

  /** Some runs that are alive, for looking at: the oldest of each key first, at most `limit`. */
  alive(limit: number): (readonly [keyId: number, run: Run])[] {
    const found: (readonly [number, Run])[] = []
    // Keys that hold nothing are few: their numbers are used again.
    for (let keyId = 0; keyId < this.heads.length && keyId < LOOKED_AT && found.length < limit; keyId++) {
      const head = this.heads[keyId]
      if (head !== undefined) found.push([keyId, head])
    }
    for (const [keyId, head] of found.slice()) {
      for (let run = head.next; run !== undefined && found.length < limit; run = run.next) found.push([keyId, run])
    }
    return found
  }

  private allStay(keyId: number, row: unknown): boolean {
    let bits = this.present[keyId] as number
    if (bits < 0) return false
    for (; bits !== 0; bits &= bits - 1) {
      const id = 31 - Math.clz32(bits & -bits)
      if (((this.moves.asks[id] as number) & this.perRunMask) !== 0) return false
      if (!this.moveFor(id, undefined, row).stays) return false
    }
    return true
  }

  /** What a run in state `id` does with the event; the definitions it asks for are tried now. */
  private moveFor(id: number, run: Run | undefined, row: unknown): Move {
    const asks = this.moves.asks[id] as number
    const perRun = asks & this.perRunMask
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

  private tryForRun(perRun: number, run: Run | undefined, row: unknown): number {
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

  private takenBy(run: Run | undefined): Readonly<Record<string, readonly unknown[]>> {
    const { definitions } = this.parts
    const rows = run?.rowsByStep(definitions.length)
    const taken: Record<string, readonly unknown[]> = {}
    for (const [i, definition] of definitions.entries()) taken[definition.name] = rows?.[i] ?? []
    return taken
  }

  /** New runs whose first event this is. */
  private begin(keyId: number, event: TakenEvent, move: Move): void {
    if (move.takes.length === 0) return
    const { withinMs } = this.parts.tuning
    let started = false
    for (const take of move.takes) {
      this.count(this.parts.definitions.length, take.step)
      const run = new Run(undefined, event, take.step, take.to.id)
      if (take.completes) this.completed.push(run)
      if (take.to.kind === 'final') continue
      this.append(keyId, run)
      this.watch(keyId, run)
      started = true
    }
    if (started && withinMs !== undefined) this.timers.push(event.eventTimeMs + withinMs, keyId)
  }

  /** All runs of a key with one event: first what each would do, then the doing, so that a throwing definition changes nothing. */
  private advance(keyId: number, event: TakenEvent): void {
    const { runScratch, moveScratch, maskScratch } = this
    let n = 0
    for (let run = this.heads[keyId]; run !== undefined; run = run.next) {
      runScratch[n] = run
      moveScratch[n] = this.moveFor(run.state, run, event.row)
      if (this.tellsDeaths) maskScratch[n] = this.mask | this.runMask
      n++
    }
    this.heads[keyId] = undefined
    this.tails[keyId] = undefined
    this.present[keyId] = 0
    this.runCount -= n
    for (let i = 0; i < n; i++) {
      const run = runScratch[i] as Run
      const move = moveScratch[i] as Move
      run.next = undefined
      if (move.stays) this.append(keyId, run)
      else this.moveRun(keyId, run, move, event, maskScratch[i] ?? 0)
    }
    runScratch.length = 0
    moveScratch.length = 0
  }

  private moveRun(keyId: number, run: Run, move: Move, event: TakenEvent, mask: number): void {
    const { takes, ignores, stops } = move
    if (move.completes) this.completed.push(run)
    for (let k = 0; k < takes.length; k++) {
      const take = takes[k] as Move['takes'][number]
      this.count(run.step, take.step)
      const goesOn = !stops && take.to.kind !== 'final'
      if (!goesOn && !take.completes) continue
      const taken = new Run(run, event, take.step, take.to.id)
      if (take.completes) this.completed.push(taken)
      if (!goesOn) continue
      this.append(keyId, taken)
      this.watch(keyId, taken)
    }
    if (stops || ignores.length === 0) {
      if (this.tellsDeaths && (stops || (takes.length === 0 && !move.completes)))
        this.parts.sink.died?.(run, keyId, { row: event.row, eventTimeMs: event.eventTimeMs, stopped: stops, mask })
      return
    }
    // Twins first: they copy the state the run leaves.
    for (let k = 1; k < ignores.length; k++) {
      const twin = run.twin((ignores[k] as { id: number }).id)
      this.append(keyId, twin)
      this.watch(keyId, twin)
    }
    const to = (ignores[0] as { id: number }).id
    const moved = run.state !== to
    // A match made of this run keeps its events, not its state, so changing it is safe.
    run.state = to
    this.append(keyId, run)
    if (moved) this.watch(keyId, run)
  }

  private count(from: number, step: number): void {
    const { takenCounts, edgeCounts } = this
    takenCounts[step] = (takenCounts[step] as number) + 1
    const edge = from * takenCounts.length + step
    edgeCounts[edge] = (edgeCounts[edge] as number) + 1
  }

  private give(run: Run, keyId: number, atMs: number): void {
    this.givenCounts[run.step] = (this.givenCounts[run.step] as number) + 1
    this.parts.sink.matched(run, keyId, atMs)
  }

  private append(keyId: number, run: Run): void {
    const last = this.tails[keyId]
    if (last === undefined) {
      if (keyId >= this.present.length) this.grow(keyId)
      this.heads[keyId] = run
      this.present[keyId] = 0
      this.counts[keyId] = 0
    } else last.next = run
    this.tails[keyId] = run
    this.eventSum += run.length
    const { state } = run
    this.counts[keyId] = (this.counts[keyId] as number) + 1
    this.present[keyId] = (this.present[keyId] as number) | (1 << (state < 31 ? state : 31))
    this.runCount++
  }

  private grow(keyId: number): void {
    const larger = new Int32Array(Math.max(keyId + 1, this.present.length * 2))
    larger.set(this.present)
    this.present = larger
    const counts = new Int32Array(larger.length)
    counts.set(this.counts)
    this.counts = counts
    // Holes would make slow arrays of them.
    while (this.heads.length < larger.length) {
      this.heads.push(undefined)
      this.tails.push(undefined)
    }
  }

  /** The run stands in a state that has a window of its own. */
  private watch(keyId: number, run: Run): void {
    if (!this.hasStepWindows) return
    const windowMs = this.windows[run.state]
    if (windowMs !== undefined) this.timers.push(run.event.eventTimeMs + windowMs, keyId)
  }

  /** Ends the runs of a key that are too old at `nowMs`. */
  private expire(keyId: number, nowMs: number): void {
    const { withinMs } = this.parts.tuning
    if (withinMs === undefined && !this.hasStepWindows) return
    const head = this.heads[keyId] as Run
    if (!this.hasStepWindows && nowMs - head.first.eventTimeMs < (withinMs as number)) return
    let lastMs = -Infinity
    let run: Run | undefined = head
    this.heads[keyId] = undefined
    this.tails[keyId] = undefined
    while (run !== undefined) {
      const next: Run | undefined = run.next
      run.next = undefined
      this.runCount--
      const timeoutMs = this.timeoutOf(run, nowMs)
      if (timeoutMs === undefined) this.append(keyId, run)
      else {
        lastMs = Math.max(lastMs, timeoutMs)
        if (this.moves.accepts[run.state] === true) this.completed.push(run)
        else this.parts.sink.timedOut(run, keyId, timeoutMs, Math.min(timeoutMs, nowMs))
      }
      run = next
    }
    if (lastMs > -Infinity && (this.completed.length > 0 || this.held.size > 0))
      this.settle(keyId, Math.min(lastMs, nowMs))
  }

  /** When the run became too old; the window of its step is asked first. */
  private timeoutOf(run: Run, nowMs: number): number | undefined {
    const windowMs = this.windows[run.state]
    if (windowMs !== undefined && nowMs - run.event.eventTimeMs >= windowMs) return run.event.eventTimeMs + windowMs
    const { withinMs } = this.parts.tuning
    if (withinMs !== undefined && nowMs - run.first.eventTimeMs >= withinMs) return run.first.eventTimeMs + withinMs
    return undefined
  }

  /** Gives out complete matches as the skip strategy says. */
  private settle(keyId: number, atMs: number): void {
    const { tuning } = this.parts
    const fresh = this.completed
    this.completed = []
    if (tuning.skip.kind === 'none') {
      for (const run of fresh) this.give(run, keyId, atMs)
      return
    }
    let held = this.held.get(keyId)
    if (held === undefined) {
      if (fresh.length === 0) return
      held = fresh.sort((a, b) => a.first.order - b.first.order || this.compareTies(a, b))
    } else if (fresh.length > 0) {
      fresh.sort((a, b) => a.first.order - b.first.order || this.compareTies(a, b))
      held.push(...fresh)
      held.sort((a, b) => a.first.order - b.first.order)
    }
    while (held.length > 0) {
      const match = held[0] as Run
      const oldest = this.heads[keyId]
      if (oldest !== undefined && oldest.first.order < match.first.order) break
      this.give(match, keyId, atMs)
      const below = this.skippedBelow(match)
      held = held.filter((run, i) => i > 0 && run.first.order >= below)
      this.dropBelow(keyId, below)
    }
    if (held.length === 0) this.held.delete(keyId)
    else this.held.set(keyId, held)
  }

  /** Whatever began with an event before this one is dropped. */
  private skippedBelow(match: Run): number {
    const { skip } = this.parts.tuning
    if (skip.kind === 'past-last') return match.event.order + 1
    if (skip.kind === 'to-next') return match.first.order + 1
    if (!('step' in skip)) return -1
    const orders = match.ordersOf(this.parts.definitions.findIndex(d => d.name === skip.step))
    const target = skip.kind === 'to-first' ? orders[0] : orders.at(-1)
    if (target === undefined) {
      if (!skip.mustExist) return -1
      throw new StreamError({
        code: 'MATCH_FAILED',
        rule: 'skip-target-missing',
        message: `Cannot skip to step "${skip.step}": it took no event in a match`,
        detail: 'Rule skip-target-missing',
        hint: `Write ${skip.kind}=${skip.step} without "!" to skip nothing then`,
      })
    }
    if (skip.mustExist && target === match.first.order) {
      throw new StreamError({
        code: 'MATCH_FAILED',
        rule: 'skip-to-first-element',
        message: `Cannot skip to step "${skip.step}": its event is the first of the match, the same match would come again`,
        detail: 'Rule skip-to-first-element',
        hint: `Write ${skip.kind}=${skip.step} without "!" to skip nothing then`,
      })
    }
    return target
  }

  private dropBelow(keyId: number, below: number): void {
    let run = this.heads[keyId]
    while (run !== undefined && run.first.order < below) {
      const { next } = run
      run.next = undefined
      this.runCount--
      this.counts[keyId] = (this.counts[keyId] as number) - 1
      run = next
    }
    this.heads[keyId] = run
    if (run === undefined) this.tails[keyId] = undefined
  }

  /** Which of two matches with the same first event stands first: earlier events, then longer lists. */
  private compareTies(a: Run, b: Run): number {
    for (const step of this.parts.steps) {
      const left = a.ordersOf(step)
      const right = b.ordersOf(step)
      for (let i = 0; i < Math.min(left.length, right.length); i++) {
        if (left[i] !== right[i]) return (left[i] as number) - (right[i] as number)
      }
      if (left.length !== right.length) return right.length - left.length
    }
    return 0
  }

  private tooLarge(keyId: number): boolean {
    const { maxRuns } = this.parts.tuning
    const runs = (this.counts[keyId] as number) + (this.held.get(keyId)?.length ?? 0)
    if (this.heads[keyId] === undefined || (runs <= maxRuns && this.eventSum <= maxRuns * EVENTS_PER_RUN)) return false
    const events = this.eventSum
    this.completed = []
    this.drop(keyId)
    this.parts.sink.closed(keyId, runs, events)
    return true
  }
}

const NOTHING_TAKEN: Readonly<Record<string, readonly unknown[]>> = Object.freeze({})

/** Links and events as columns: chains are too deep for a recursive serializer. */
export interface NfaState {
  readonly rows: readonly unknown[]
  readonly times: Float64Array
  readonly eventOrders: Float64Array
  /** Per link: place of its predecessor (−1: none), event, step, state. Predecessors stand before their successors. */
  readonly links: Int32Array
  readonly runs: readonly (readonly [number, readonly number[]])[]
  readonly held: readonly (readonly [number, readonly number[]])[]
  readonly timers: readonly [readonly number[], readonly number[]]
  readonly orders: number
  readonly takenCounts: Float64Array
  readonly edgeCounts: Float64Array
  readonly givenCounts: Float64Array
}

function packNfa(
  heads: readonly (Run | undefined)[],
  held: ReadonlyMap<number, readonly Run[]>,
  timers: TimerHeap,
  orders: number,
): Omit<NfaState, 'takenCounts' | 'edgeCounts' | 'givenCounts'> {
  const events = new Map<TakenEvent, number>()
  const places = new Map<Run, number>()
  const links: number[] = []
  const place = (run: Run): number => {
    const chain: Run[] = []
    for (let link: Run | undefined = run; link !== undefined && !places.has(link); link = link.prev) chain.push(link)
    for (const link of chain.reverse()) {
      let event = events.get(link.event)
      if (event === undefined) events.set(link.event, (event = events.size))
      places.set(link, places.size)
      links.push(link.prev === undefined ? -1 : (places.get(link.prev) as number), event, link.step, link.state)
    }
    return places.get(run) as number
  }
  const runs: (readonly [number, readonly number[]])[] = []
  for (const [keyId, head] of heads.entries()) {
    if (head === undefined) continue
    const of: number[] = []
    for (let run: Run | undefined = head; run !== undefined; run = run.next) of.push(place(run))
    runs.push([keyId, of])
  }
  const waiting = [...held].map(([keyId, list]) => [keyId, list.map(place)] as const)
  const taken = [...events.keys()]
  return {
    rows: taken.map(event => event.row),
    times: Float64Array.from(taken, event => event.eventTimeMs),
    eventOrders: Float64Array.from(taken, event => event.order),
    links: Int32Array.from(links),
    runs,
    held: waiting,
    timers: timers.snapshot(),
    orders,
  }
}

function unpackNfa(state: NfaState): {
  runs: (readonly [number, Run[]])[]
  held: Map<number, Run[]>
  timers: TimerHeap
} {
  const events = state.rows.map(
    (row, i) => new TakenEvent(row, state.times[i] as number, state.eventOrders[i] as number),
  )
  const links: Run[] = []
  for (let at = 0; at < state.links.length; at += 4) {
    const [prev = -1, event = 0, step = 0, id = 0] = state.links.subarray(at, at + 4)
    links.push(new Run(prev < 0 ? undefined : links[prev], events[event] as TakenEvent, step, id))
  }
  const runsOf = (places: readonly number[]): Run[] => places.map(place => links[place] as Run)
  const timers = new TimerHeap()
  timers.restore(state.timers)
  return {
    runs: state.runs.map(([keyId, places]) => [keyId, runsOf(places)] as const),
    held: new Map(state.held.map(([keyId, places]) => [keyId, runsOf(places)])),
    timers,
  }
}
