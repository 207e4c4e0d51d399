/**
 * The named streams of a notebook. A name is started, replaced, followed, paused and stopped; every named stream runs a plan
 * of its own from its sources, with the plans of the names it reads inlined, so replacing one restarts those that read it.
 */
import { StreamError } from '../../stream/errors.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import { isOver } from '../../stream/model.ts'
import type { ColumnType, StreamState, StreamStats } from '../../stream/model.ts'
import type { PlanNode } from '../../stream/plan.ts'
import type { StartOptions, StreamSummary } from '../../stream/targets/runtime.ts'
import type { TapFrame } from '../../stream/charts/tap.ts'
import { captureList } from '../../stream/lambdas/walk.ts'
import { columnsOf, outline } from '../../stream/targets/outline.ts'
import type { JoinView } from '../../stream/join-view.ts'
import { RateMeter } from '../../stream/targets/rate.ts'
import { resolvePlan } from '../../stream/targets/resolve.ts'
import { partsOf, resumedOf } from './checkpoints.ts'
import type { Resumed, Running } from './checkpoints.ts'
import { sinkName } from '../../stream/sinks/sink-name.ts'
import { targetText } from '../../stream/sinks/sink.ts'
import type { SinkOptions, SinkResult, SinkTarget } from '../../stream/sinks/sink.ts'
import type { TapSpec } from './compute-protocol.ts'
import { SinkTransaction } from '../../stream/sinks/transaction.ts'
import type { CheckpointStore } from '../../stream/checkpoints/store.ts'
import { EngineSink } from './engine-sink.ts'
import { notRecorded, Recorder } from '../../stream/recordings/recorder.ts'
import type { RecordingState, RecordSpec } from '../../stream/recordings/recorder.ts'
import { wallClock } from '../../stream/time/clock.ts'
import type { RunEvent } from './compute-protocol.ts'
import { Execution } from './execution.ts'
import type { ExecutionDeps } from './execution.ts'
import { isView, namesIn, requireFields } from './names.ts'
import { nearest } from './nearest.ts'

export interface StreamsDeps extends ExecutionDeps {
  params(): Readonly<Record<string, unknown>>
  onConsole(cellId: string | undefined, name: 'stdout' | 'stderr', text: string): void
  onError(cellId: string | undefined, stream: string, error: StreamErrorParts): void
  /** Another stream runs under the name; its charts' taps for the new run. */
  onReplaced(name: string): readonly TapSpec[]
  onTaps(frames: readonly (readonly [string, TapFrame])[], name: string): void
  onOver(name: string, state: StreamState, error: StreamErrorParts | undefined): void
  /** What a stream that starts was in a process before this one; undefined: a new one. */
  resume(name: string, plan: PlanNode, tell: (text: string) => void): Promise<Resumed | undefined>
  /** It goes on from its checkpoint. */
  onResumed(name: string, resumed: Resumed): void
  /** It runs, and is to be told to the engine after this one. */
  onStarted(name: string, plan: PlanNode, options: StartOptions): void
  /** It was stopped and is not to come back. */
  onStopped(name: string): void
  /** Where the states of transactions lie. */
  transactionStore(): CheckpointStore
  /** Streams of these names are others now; those among them that are named were restarted. */
  onFollow(names: ReadonlySet<string>): void
}

/** What a checkpoint may be told when it is opened and a new stream is not. */
const LEAVES_THE_PAST: ReadonlySet<string> = new Set(['POSITION_INVALID', 'SNAPSHOT_INVALID'])

/** Between two attempts at a broker that is away. */
const AGAIN_MS = 500

interface Named {
  readonly name: string
  readonly plan: PlanNode
  readonly options: StartOptions
  /** Of the present run: another one counts from zero. */
  rate: RateMeter
  execution: Execution | undefined
  state: StreamState
  error: StreamErrorParts | undefined
  /** Writes down what its sources tell it. */
  recorder?: Recorder | undefined
  /** Where its rows go, when it is a sink. */
  sink?: EngineSink | undefined
  /** The newest line about its source or target: away, or how long it was. */
  notice?: string | undefined
  /** A sink whose stream was replaced: it begins anew when the user says so. */
  held?: boolean | undefined
  /** A transaction was lost with its broker, and `beginAgain` is making it again. */
  again?: true | undefined
}

export class Streams {
  private readonly deps: StreamsDeps
  private readonly named = new Map<string, Named>()

  constructor(deps: StreamsDeps) {
    this.deps = deps
  }

  planOf(name: string): PlanNode | undefined {
    return this.named.get(name)?.plan
  }

  /** Inlines the names in `plan`. Throws STREAM_UNKNOWN. */
  resolve(plan: PlanNode): PlanNode {
    return resolvePlan(plan, name => this.require(name, 'read').plan)
  }

  /** Starts `plan` under `name`; what ran there is stopped, what reads the name starts again from the new one. */
  async start(name: string, plan: PlanNode, options: StartOptions): Promise<void> {
    this.refuseRing(name, plan)
    requireFields(plan, other => this.planOf(other), { name, cellId: options.cellId })
    // Unknown names are told before anything running is touched.
    this.resolve(plan)
    const before = this.named.get(name)
    const stream: Named = {
      name,
      plan,
      options,
      rate: new RateMeter(),
      execution: undefined,
      state: 'starting',
      error: undefined,
    }
    this.named.set(name, stream)
    await before?.execution?.stop()
    await before?.sink?.close()
    if (this.named.get(name) !== stream) return
    const resumed = options.listed === false ? undefined : await this.resumed(stream)
    if (this.named.get(name) !== stream) return
    if (options.listed !== false) this.deps.onStarted(name, plan, options)
    try {
      await this.launch(stream, resumed)
    } finally {
      if (before !== undefined) await this.follow(name)
    }
  }

  /** The stream begins anew, with everything it is told written down. */
  async record(name: string, spec: RecordSpec): Promise<void> {
    const stream = this.require(name, 'record')
    stream.recorder?.close()
    stream.recorder = new Recorder(spec, {
      stream: name,
      clock: wallClock,
      sources: () => stream.execution?.run.sources ?? [],
      params: () => this.deps.params(),
      tell: text => this.say(stream, text),
    })
    await stream.execution?.stop()
    await this.launch(stream)
  }

  stopRecording(name: string): RecordingState {
    const { recorder } = this.require(name, 'stop recording')
    if (recorder === undefined) throw notRecorded(name)
    return recorder.close()
  }

  private async resumed(stream: Named): Promise<Resumed | undefined> {
    const { sink } = stream.options
    if (sink?.kind === 'file' || sink?.transactional === true) return undefined
    return this.deps.resume(stream.name, this.resolve(stream.plan), text => this.say(stream, text))
  }

  private say({ options }: Named, text: string): void {
    this.deps.onConsole(options.cellId, 'stdout', `${text}\n`)
  }

  /** Listed streams that read now. */
  running(): Running[] {
    return [...this.named.values()].flatMap(({ name, plan, options, execution, state }) => {
      // A sink that writes a file begins it anew, one with transactions keeps its own state.
      const own = options.sink?.kind === 'file' || options.sink?.transactional === true
      const kept = options.listed !== false && !own && (state === 'running' || state === 'paused')
      return kept && execution !== undefined ? [{ name, plan: this.resolve(plan), execution }] : []
    })
  }

  /** With `resumed` it goes on where it was; when it cannot, it says why and begins anew. */
  private async launch(stream: Named, resumed?: Resumed): Promise<void> {
    if (resumed === undefined) return this.begin(stream)
    try {
      await this.begin(stream, resumed)
      this.deps.onResumed(stream.name, resumed)
      const at = new Date(resumed.savedAtMs).toISOString()
      this.say(stream, `Stream "${stream.name}" goes on from its checkpoint of ${at}`)
    } catch (error) {
      // The topic was made anew, or the state is of another release: the stream is worth more than its past.
      if (!(error instanceof StreamError) || !LEAVES_THE_PAST.has(error.code)) throw error
      this.say(stream, `Stream "${stream.name}" begins anew, its checkpoint does not fit: ${error.message}`)
      await stream.execution?.stop()
      await this.begin(stream)
    }
  }

  /** In `beginAgain` a transaction that is lost while it opens rejects; else it leaves that to `beginAgain`. */
  private async begin(stream: Named, resumed?: Resumed, again = false): Promise<void> {
    const { name, options } = stream
    const taps = this.deps.onReplaced(name)
    const current = () => this.named.get(name) === stream && stream.execution === execution
    // What has no name of its own is called by what it does.
    const title = isView(name) ? outline(stream.plan) : name
    const plan = this.resolve(stream.plan)
    const transaction = await this.transactionOf(stream, plan)
    if (this.named.get(name) !== stream || this.stateOf(stream) === 'stopped') {
      await transaction?.writer.close()
      return
    }
    // What was committed decides, not what was kept last.
    const past = transaction === undefined ? resumed : resumedOf(transaction.found)
    const sink = this.sinkOf(stream, plan, transaction)
    stream.sink = sink
    stream.held = false
    const { recorder } = stream
    let opening = again
    let lose: (error: StreamError) => void = () => undefined
    const lost = new Promise<never>((_resolve, reject) => (lose = reject))
    lost.catch(() => undefined)
    const execution: Execution = new Execution(this.deps, {
      onEvent: recorder === undefined ? undefined : event => note(recorder, event),
      name: title,
      plan,
      deliver: sink === undefined ? 'nothing' : 'changes',
      commits: transaction !== undefined,
      allowance: sink === undefined ? undefined : () => sink.pump.room(),
      onRows: chunk => sink?.pump.put(chunk),
      base: past?.base,
      params: past?.params ?? this.deps.params(),
      onSnapshot: base => {
        const { checkpoint } = execution.run
        if (transaction === undefined || checkpoint === undefined) return
        const parts = partsOf(checkpoint, this.deps.connections)
        sink?.pump.barrier(() => transaction.commit(parts, base.positions))
      },
      onTaps: frames => {
        if (current()) this.deps.onTaps(frames, name)
      },
      onConsole: (to, text) => this.deps.onConsole(options.cellId, to, text),
      onNotice: text => (stream.notice = text),
      onRefused: error => this.deps.onError(options.cellId, title, error),
      onEnded: (state, error) => {
        void execution.closeSources()
        recorder?.close()
        const over = (how: 'ended' | 'failed', why?: StreamErrorParts) => {
          if (!current()) return
          if (how !== 'failed' || transaction === undefined || why?.retriable !== true) this.over(stream, how, why)
          // Two that make it again would each fence the other's writer.
          else if (opening) lose(StreamError.from(why))
          else void this.beginAgain(stream, why)
        }
        if (sink === undefined) over(state, error)
        else void sink.end(state, error).then(failure => over(failure === undefined ? state : 'failed', failure))
      },
    })
    stream.execution = execution
    stream.rate = new RateMeter()
    stream.state = 'starting'
    stream.error = undefined
    for (const tap of taps) execution.run.addTap(tap)
    // What a cell has just made is about to be looked at.
    if (sink === undefined) execution.run.look(performance.now())
    try {
      // A param that was changed since is changed at a record boundary, as ever.
      if (past !== undefined)
        for (const [param, value] of Object.entries(this.deps.params()))
          if (value !== past.params[param]) execution.run.setParam(param, value)
      await Promise.race([lost, sink?.open(execution)])
      await Promise.race([lost, execution.open()])
      if (current() && this.stateOf(stream) === 'starting') stream.state = 'running'
    } catch (error) {
      // A stop that came while it was opening is no failure of the cell.
      if (!current() || this.stateOf(stream) === 'stopped') return
      const passes = error instanceof StreamError && error.retriable
      if (again && passes) throw error
      if (stream.again === true && passes) return
      if (this.stateOf(stream) !== 'failed')
        this.over(stream, 'failed', error instanceof StreamError ? error.toJSON() : undefined, false)
      throw error
    } finally {
      opening = false
    }
  }

  /** A transaction that was lost with its broker is made again from the last commit, until the broker is back. */
  private async beginAgain(stream: Named, why: StreamErrorParts): Promise<void> {
    const given = () => this.named.get(stream.name) !== stream || this.stateOf(stream) === 'stopped'
    this.say(stream, `Sink "${stream.name}" waits: ${why.message}. It goes on from its last transaction`)
    stream.state = 'starting'
    stream.again = true
    try {
      await this.untilBegun(stream, given)
    } finally {
      stream.again = undefined
    }
  }

  private async untilBegun(stream: Named, given: () => boolean): Promise<void> {
    const lost = stream.sink
    for (;;) {
      // How the old run ends does not matter any more.
      await stream.execution?.stop().catch(() => undefined)
      const { sink } = stream
      await (sink === lost ? lost?.pump.close() : sink?.close())?.catch(() => undefined)
      await sink?.transaction?.end().catch(() => undefined)
      await new Promise<void>(resolve => wallClock.setTimer(AGAIN_MS, resolve))
      if (given()) return lost?.over(Promise.resolve())
      try {
        await this.begin(stream, undefined, true)
        if (!given()) this.say(stream, `Sink "${stream.name}" goes on`)
        return lost?.over(stream.sink?.done ?? Promise.resolve())
      } catch (error) {
        if (given() || (error instanceof StreamError && error.retriable)) continue
        lost?.over(Promise.reject(error as Error))
        const parts = error instanceof StreamError ? error.toJSON() : undefined
        if (this.stateOf(stream) !== 'failed') this.over(stream, 'failed', parts)
        return
      }
    }
  }

  // Read through a call: the state changes while something is awaited.
  private stateOf(stream: Named): StreamState {
    return stream.state
  }

  private over(stream: Named, state: 'ended' | 'failed', error: StreamErrorParts | undefined, tell = true): void {
    stream.state = state
    stream.error = error
    const title = isView(stream.name) ? outline(stream.plan) : stream.name
    if (error !== undefined && tell) this.deps.onError(stream.options.cellId, title, error)
    this.deps.onOver(stream.name, state, error)
  }

  /** Restarts, in order of dependence, what reads `name`; one whose field is gone is left failed. */
  private async follow(name: string): Promise<void> {
    const changed = new Set([name])
    for (const stream of this.readersOf(name)) {
      changed.add(stream.name)
      if (stream.state === 'stopped') continue
      const paused = stream.state === 'paused'
      await stream.execution?.stop()
      if (stream.sink !== undefined) {
        await this.hold(stream, name)
        continue
      }
      try {
        requireFields(stream.plan, other => this.planOf(other), { name: stream.name, cellId: stream.options.cellId })
        await this.launch(stream)
        if (paused) this.setPaused(stream, true)
      } catch (error) {
        const parts =
          error instanceof StreamError
            ? error.toJSON()
            : { code: 'STREAM_FAILED' as const, message: (error as Error).message }
        if (this.stateOf(stream) === 'failed') this.deps.onError(stream.options.cellId, stream.name, parts)
        else this.over(stream, 'failed', parts)
      }
    }
    this.deps.onFollow(changed)
  }

  /** What was written cannot be taken back: a sink goes on only when the user says so. */
  private async hold(stream: Named, changed: string): Promise<void> {
    await stream.sink?.close()
    stream.held = true
    stream.state = 'paused'
    this.say(stream, `${changed} changed: %resume ${stream.name}`)
  }

  private async transactionOf(stream: Named, plan: PlanNode): Promise<SinkTransaction | undefined> {
    const { sink: target, cellId } = stream.options
    if (target?.kind !== 'topic' || target.transactional !== true) return undefined
    return SinkTransaction.open({
      target,
      plan,
      name: stream.name,
      store: this.deps.transactionStore(),
      connection: name => this.deps.connections.get(name),
      onRefused: error => this.deps.onError(cellId, stream.name, error.toJSON()),
      tell: text => this.say(stream, text),
      nowMs: () => wallClock.nowMs(),
    })
  }

  private sinkOf(stream: Named, plan: PlanNode, transaction: SinkTransaction | undefined): EngineSink | undefined {
    const { sink: target, cellId } = stream.options
    if (target === undefined) return undefined
    return new EngineSink({
      target,
      plan,
      transaction,
      connection: name => this.deps.connections.get(name),
      onRefused: error => this.deps.onError(cellId, stream.name, error),
      onNotice: text => (stream.notice = text),
    })
  }

  /** Starts a sink under a name of its own; see `Runtime.sink`. */
  async sink(plan: PlanNode, target: SinkTarget, options: SinkOptions): Promise<SinkResult> {
    const running = [...this.named.values()].map(({ name, options: { cellId }, state }) => ({
      name,
      cellId,
      over: isOver(state),
    }))
    const name = sinkName(options, running)
    await this.start(name, plan, { cellId: options.cellId, sink: target })
    const sink = this.named.get(name)?.sink
    if (options.bounded === true) await sink?.done
    return { name, writtenCount: 0, refusedCount: 0, ...sink?.pump.counts }
  }

  /** Streams that read `name`, directly or through others, a stream after those it reads. */
  private readersOf(name: string): Named[] {
    const order: Named[] = []
    const seen = new Set<string>([name])
    const add = (of: string) => {
      for (const stream of this.named.values()) {
        if (seen.has(stream.name) || !namesIn(stream.plan).includes(of)) continue
        seen.add(stream.name)
        add(stream.name)
        order.unshift(stream)
      }
    }
    add(name)
    return order
  }

  private refuseRing(name: string, plan: PlanNode): void {
    const seen = new Set<string>()
    const reads = (of: PlanNode): boolean =>
      namesIn(of).some(other => {
        if (other === name) return true
        if (seen.has(other)) return false
        seen.add(other)
        const found = this.planOf(other)
        return found !== undefined && reads(found)
      })
    if (!reads(plan)) return
    throw new StreamError({
      code: 'STREAM_SELF_REFERENCE',
      message: `Cannot start stream "${name}": it reads itself`,
      hint: 'Give the result another name: --as NAME',
    })
  }

  private require(name: string, action: string): Named {
    const stream = this.named.get(name)
    if (stream !== undefined) return stream
    const names = [...this.named.values()].filter(s => s.state !== 'stopped').map(s => s.name)
    throw new StreamError({
      code: 'STREAM_UNKNOWN',
      message: `Cannot ${action} stream "${name}": no stream has this name${names.length === 0 ? '' : `, there are ${names.slice(0, 8).join(', ')}`}`,
      hint: `${nearest(name, names)}%streams lists them`,
    })
  }

  async stop(name: string): Promise<void> {
    const stream = this.require(name, 'stop')
    if (stream.state === 'stopped') return
    const running = stream.state !== 'failed' && stream.state !== 'ended'
    stream.state = 'stopped'
    this.deps.onStopped(name)
    await stream.execution?.stop()
    await stream.sink?.close()
    if (running) this.deps.onOver(name, 'stopped', undefined)
  }

  /** Fires what is open and ends the stream; it stays listed as ended. */
  async drain(name: string): Promise<void> {
    const stream = this.require(name, 'drain')
    await stream.execution?.drain()
  }

  pause(name: string): void {
    const stream = this.require(name, 'pause')
    if (stream.state === 'running') this.setPaused(stream, true)
  }

  async resume(name: string): Promise<void> {
    const stream = this.require(name, 'resume')
    if (stream.held === true) await this.begin(stream)
    else if (stream.state === 'paused') this.setPaused(stream, false)
  }

  private setPaused(stream: Named, paused: boolean): void {
    stream.state = paused ? 'paused' : 'running'
    stream.execution?.pause(paused)
  }

  addTap(name: string, tap: TapSpec): void {
    this.require(name, 'show').execution?.run.addTap(tap)
  }

  /** Somebody looks at the stream: the rows of the join that gives it, if one does, are followed for a while. */
  look(name: string): void {
    this.named.get(name)?.execution?.run.look(performance.now())
  }

  /** What was seen of it; undefined where nobody looks, or where there is none. */
  joinOf(name: string): JoinView | undefined {
    return this.named.get(name)?.execution?.run.stats?.join
  }

  watchChanges(name: string, chartId: string, on: boolean): void {
    this.named.get(name)?.execution?.run.watchChanges(chartId, on)
  }

  cellOf(name: string): string | undefined {
    return this.named.get(name)?.options.cellId
  }

  has(name: string): boolean {
    return this.named.has(name)
  }

  snapshot(name: string): Promise<Uint8Array> {
    const stream = this.require(name, 'take a snapshot of')
    if (stream.execution === undefined) throw this.notRunning(stream)
    return stream.execution.run.takeSnapshot()
  }

  /** Puts the state of a snapshot in place of the stream's own, at a record boundary. */
  async restore(name: string, bytes: Uint8Array): Promise<void> {
    const stream = this.require(name, 'restore')
    if (stream.execution === undefined || stream.execution.run.over) throw this.notRunning(stream)
    await stream.execution.run.handle({ kind: 'restore', bytes })
    if (stream.error !== undefined) throw StreamError.from(stream.error)
  }

  private notRunning(stream: Named): StreamError {
    return new StreamError({
      code: 'STREAM_STOPPED',
      message: `Cannot reach the state of stream "${stream.name}": it is ${stream.state}`,
      hint: 'Run its cell again',
    })
  }

  setParam(name: string, value: unknown): void {
    for (const stream of this.named.values()) stream.execution?.run.setParam(name, value)
  }

  stats(name: string, nowMs: number): StreamStats {
    const stream = this.require(name, 'read')
    const stats = stream.execution?.run.stats
    const recordCount = stats?.recordCount ?? 0
    const rate = stream.rate.rate(nowMs, recordCount)
    return {
      state: stream.state,
      recordCount,
      recordsPerSecond: stream.state === 'running' ? rate : 0,
      rowCount: stats?.rowCount ?? 0,
      watermarkMs: stats?.watermarkMs ?? null,
      lagCount: stream.execution?.lagCount() ?? null,
      lateCount: stats?.lateCount ?? 0,
      droppedCount: stats?.droppedCount ?? 0,
      errorCount: stats?.errorCount ?? 0,
      stateBytes: stats?.stateBytes ?? 0,
      waitingCount: stats?.waitingCount,
      time: stats?.time,
      pattern: stats?.pattern,
      notice: stream.notice,
      error: stream.error,
    }
  }

  errorLines(name: string): readonly string[] {
    const stream = this.named.get(name)
    const lines = stream?.execution?.run.errors ?? []
    return stream?.error === undefined ? lines : [stream.error.message, ...lines]
  }

  /** Listed streams, oldest first; stopped ones are gone. */
  list(nowMs: number): StreamSummary[] {
    return [...this.named.values()]
      .filter(stream => stream.options.listed !== false && stream.state !== 'stopped')
      .map(stream => ({
        name: stream.name,
        cellId: stream.options.cellId,
        outline: `${outline(stream.plan)}${stream.options.sink === undefined ? '' : ` → ${targetText(stream.options.sink)}`}`,
        stats: this.stats(stream.name, nowMs),
        columns: this.columns(stream),
        captures: captureList(stream.plan),
        consumers: [...this.named.values()]
          .filter(s => s.state !== 'stopped' && namesIn(s.plan).includes(stream.name))
          .map(s => s.name),
      }))
  }

  /** What the rows showed; before the first one what the plan says. */
  private columns(stream: Named): readonly ColumnType[] {
    const seen = stream.execution?.run.columns ?? []
    if (seen.length > 0) return seen
    const known = (plan: PlanNode): readonly ColumnType[] | undefined => {
      const found = plan.op === 'stream' ? this.named.get(plan.name) : undefined
      return found === undefined ? undefined : this.columns(found)
    }
    return columnsOf(stream.plan, known) ?? []
  }

  async close(): Promise<void> {
    await Promise.all([...this.named.values()].map(async stream => stream.execution?.stop()))
    await Promise.all([...this.named.values()].map(async stream => stream.sink?.close()))
  }
}

function note(recorder: Recorder, event: RunEvent): void {
  if (event.kind === 'source') recorder.source(event.source, event.event)
  if (event.kind === 'param') recorder.param(event.name, event.value)
}
