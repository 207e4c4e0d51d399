/**
 * Event patterns as an operator. Records wait until the watermark has reached them, then go through the automaton of their key in
 * event-time order; after them, at each watermark, what has become too old ends. Late is what the watermark has passed already.
 *
 * One node gives one of three outputs: matches, partial matches that ran out of time, or near misses.
 */
import type { Batch } from '../model.ts'
import type { MatchOptions } from '../plan.ts'
import { compilePattern } from '../patterns/compile.ts'
import type { Automaton } from '../patterns/compile.ts'
import { EventQueue } from '../patterns/event-queue.ts'
import type { QueueState } from '../patterns/event-queue.ts'
import { patternGraph } from '../patterns/graph.ts'
import { reasonOfDeath, reasonOfTime } from '../patterns/near-miss.ts'
import type { NearMissParts } from '../patterns/near-miss.ts'
import { DefinitionThrew, Nfa } from '../patterns/nfa.ts'
import type { MatchSink } from '../patterns/nfa.ts'
import type { NfaState } from '../patterns/nfa-state.ts'
import { parsePattern } from '../patterns/parse.ts'
import { RunKeys } from '../patterns/run-keys.ts'
import type { RunKeysState } from '../patterns/run-keys.ts'
import type { Pattern } from '../patterns/pattern.ts'
import type { PatternView } from '../patterns/view.ts'
import { standingOf, watchOf } from '../patterns/watch.ts'
import type { PatternWatch } from '../patterns/watch.ts'
import { BatchBuilder } from './batch-builder.ts'
import { rowMaker } from './compile.ts'
import { lambdaOf } from './lambda.ts'
import type { LambdaHost } from './lambda.ts'
import { metaOf } from './operator.ts'
import type { Lambda, Operator, StageContext } from './operator.ts'
import type { NamedReader } from './row-reader.ts'

interface MatchState {
  readonly table: RunKeysState
  readonly queue: QueueState
  readonly nfa: NfaState
  readonly closed: readonly (readonly [number, string])[]
  readonly watermarkMs: number
}

const LATE = 'behind the watermark: the pattern has gone on'

export class MatchOperator implements Operator {
  private readonly keys: readonly NamedReader[]
  private readonly context: StageContext
  private readonly options: MatchOptions
  private readonly definitions: readonly Lambda[]
  private readonly table = new RunKeys()
  private readonly queue = new EventQueue()
  private readonly nfa: Nfa
  private readonly out = new BatchBuilder()
  /** Keys that held too much, with the reason told for each further event. */
  private readonly closed = new Map<number, string>()
  private readonly watch: PatternWatch | undefined
  private watermarkMs = -Infinity

  constructor(options: MatchOptions, keys: readonly NamedReader[], host: LambdaHost, context: StageContext) {
    this.options = options
    this.keys = keys
    this.context = context
    this.definitions = options.definitions.map(({ f }) => lambdaOf(f, host))
    const pattern = parsePattern(options.pattern)
    const names = options.definitions.map(d => d.name)
    const automaton = compilePattern(pattern, names)
    const steps = pattern.steps.map(step => names.indexOf(step))
    const textOf = (i: number): string | undefined => this.definitions[i]?.text
    this.watch = host.watched === true ? watchOf({ options, pattern, automaton, textOf }) : undefined
    this.nfa = new Nfa({
      automaton,
      steps,
      tuning: { withinMs: options.withinMs, skip: options.skip, maxRuns: options.maxRuns },
      definitions: names.map((name, i) => {
        const { call, wantsMeta } = this.definitions[i] as Lambda
        return { name, perRun: wantsMeta, call: call as unknown as (row: unknown, taken: unknown) => unknown }
      }),
      sink: this.watching(this.sink(pattern, steps, automaton)),
    })
  }

  onBatch(batch: Batch): Batch {
    for (let i = 0; i < batch.count; i++) {
      const before = batch.beforeMs[i] as number
      if (before > this.watermarkMs) this.advance(before)
      if (batch.weights?.[i] === -1) {
        this.context.refuse(batch, i, 'a pattern cannot take back a row that was retracted')
      } else if ((batch.eventTimesMs[i] as number) <= this.watermarkMs) this.context.drop(batch, i, LATE)
      else this.admit(batch, i)
    }
    if (batch.watermarkMs > this.watermarkMs) this.advance(batch.watermarkMs)
    return this.out.take(this.watermarkMs)
  }

  onWatermark(watermarkMs: number): Batch {
    if (watermarkMs > this.watermarkMs) this.advance(watermarkMs)
    return this.out.take(this.watermarkMs)
  }

  onEnd(): Batch {
    return this.onWatermark(Infinity)
  }

  snapshot(): MatchState {
    return {
      table: this.table.snapshot(),
      queue: this.queue.snapshot(),
      nfa: this.nfa.snapshot(),
      closed: [...this.closed],
      watermarkMs: this.watermarkMs,
    }
  }

  restore(state: unknown): void {
    const s = state as MatchState
    this.table.restore(s.table)
    this.queue.restore(s.queue)
    this.nfa.restore(s.nfa)
    for (const [keyId, reason] of s.closed) this.closed.set(keyId, reason)
    this.watermarkMs = s.watermarkMs
  }

  stateBytes(): number {
    return this.table.count * 64 + this.nfa.stateBytes() + this.queue.count * 40
  }

  /** Puts a record in line; its key is read now, so that a key that cannot be read is told at once. */
  private admit(batch: Batch, i: number): void {
    const { keys } = this
    let key: unknown
    let at: NamedReader | undefined
    try {
      const row = batch.rows[i]
      if (keys.length === 1) {
        at = keys[0] as NamedReader
        key = at.lambda?.wantsMeta === true ? at.lambda.call(row, metaOf(batch, i)) : at.read(row)
      } else if (keys.length > 1) {
        const columns: Record<string, unknown> = {}
        for (at of keys)
          columns[at.name] = at.lambda?.wantsMeta === true ? at.lambda.call(row, metaOf(batch, i)) : at.read(row)
        key = columns
      }
    } catch (error) {
      if (at?.lambda !== undefined) this.context.threw(batch, i, error, at.lambda)
      else this.context.refuse(batch, i, error instanceof Error ? error.message : String(error))
      return
    }
    this.queue.push(batch, i, key)
  }

  private advance(to: number): void {
    const { queue, nfa } = this
    while (queue.take(to)) this.handle()
    nfa.passTime(to, this.released)
    if (to === Infinity) nfa.dropAll()
    this.watermarkMs = to
  }

  private handle(): void {
    const { queue, nfa, table } = this
    const row = queue.batch.rows[queue.index]
    let keyId = table.idOf(queue.key)
    try {
      if (keyId === undefined) {
        if (!nfa.begins(row)) {
          this.context.passed()
          return
        }
        keyId = table.add(queue.key)
      } else if (this.closed.size > 0) {
        const reason = this.closed.get(keyId)
        if (reason !== undefined) {
          this.context.refuse(queue.batch, queue.index, reason, false)
          return
        }
      }
      nfa.process(keyId, row, queue.eventTimeMs)
      this.context.passed()
    } catch (error) {
      if (!(error instanceof DefinitionThrew)) throw error
      this.context.threw(queue.batch, queue.index, error.error, this.definitions[error.definition] as Lambda)
    }
    if (keyId !== undefined) this.released(keyId)
  }

  /** A key is known while it holds something, or is closed. */
  private readonly released = (keyId: number): void => {
    if (!this.nfa.holds(keyId) && !this.closed.has(keyId)) this.table.remove(keyId)
  }

  private sink(pattern: Pattern, steps: readonly number[], automaton: Automaton): MatchSink {
    const { options } = this
    const count = options.definitions.length
    const make = rowMaker(pattern.steps)
    const matchOf = (run: number) => {
      const rows = this.nfa.runs.rowsByStep(run, count)
      return make(steps.map(step => rows[step]))
    }
    const closed: MatchSink['closed'] = (keyId, runs, events) => this.close(keyId, runs, events)
    const nothing = () => undefined
    if (options.output === 'matches')
      return { matched: (run, _key, atMs) => this.emit(matchOf(run), atMs), timedOut: nothing, closed }
    if (options.output === 'timeouts') {
      const timedOut: MatchSink['timedOut'] = (run, _key, timeoutMs, atMs) =>
        this.emit({ match: matchOf(run), timeoutMs }, atMs)
      return { matched: nothing, timedOut, closed }
    }
    const near: NearMissParts = { states: automaton.states, options, graph: patternGraph(pattern) }
    const missed = (run: number, keyId: number) => {
      const key = this.keyValue(keyId)
      return { ...(key === undefined ? {} : { key }), match: matchOf(run) }
    }
    return {
      matched: nothing,
      timedOut: (run, keyId, timeoutMs, atMs) =>
        this.emit({ ...missed(run, keyId), ...reasonOfTime(near, standingOf(this.nfa.runs, run), timeoutMs) }, atMs),
      died: (run, keyId, death) => {
        const row = {
          ...missed(run, keyId),
          ...reasonOfDeath(near, standingOf(this.nfa.runs, run), death),
          event: death.row,
        }
        this.emit(row, death.eventTimeMs)
      },
      closed,
    }
  }

  /** The same, remembered for whoever looks. */
  private watching(sink: MatchSink): MatchSink {
    const { watch } = this
    if (watch === undefined) return sink
    return {
      matched: (run, keyId, atMs) => {
        watch.matched(this.nfa.runs, run, this.keyValue(keyId))
        sink.matched(run, keyId, atMs)
      },
      timedOut: (run, keyId, timeoutMs, atMs) => {
        watch.timedOut(this.nfa.runs, run, this.keyValue(keyId), timeoutMs)
        sink.timedOut(run, keyId, timeoutMs, atMs)
      },
      died: (run, keyId, death) => {
        watch.died(this.nfa.runs, run, this.keyValue(keyId), death)
        sink.died?.(run, keyId, death)
      },
      closed: sink.closed,
    }
  }

  /** What a page shows of the pattern; undefined when nobody can look. */
  patternView(): PatternView | undefined {
    return this.watch?.view(this.nfa, this.watermarkMs, keyId => this.keyValue(keyId))
  }

  /** Nothing below a result may be late: it was not known before this watermark. */
  private emit(row: unknown, atMs: number): void {
    this.out.add(row, Math.max(atMs, this.watermarkMs + 1), this.watermarkMs)
  }

  private close(keyId: number, runs: number, events: number): void {
    const { pattern, maxRuns } = this.options
    const reason =
      `pattern "${pattern}" held ${runs} partial matches with ${events} events of key ${shown(this.keyValue(keyId))}, ` +
      `at most ${maxRuns} are allowed: the key is closed`
    this.closed.set(keyId, reason)
    this.context.refuse(this.queue.batch, this.queue.index, reason, false)
  }

  private keyValue(keyId: number): unknown {
    return this.table.valueOf(keyId)
  }
}

function shown(key: unknown): string {
  return key === undefined ? 'all events' : (JSON.stringify(key) ?? String(key))
}
