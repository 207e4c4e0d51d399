/**
 * The named streams of a notebook. A name is started, replaced, followed, paused and stopped; every named stream runs a plan
 * of its own from its sources, with the plans of the names it reads inlined, so replacing one restarts those that read it.
 */
import { StreamError } from '../../stream/errors.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import type { ColumnType, StreamState, StreamStats } from '../../stream/model.ts'
import type { PlanNode } from '../../stream/plan.ts'
import type { StartOptions, StreamSummary } from '../../stream/targets/runtime.ts'
import type { TapFrame } from '../../stream/charts/tap.ts'
import { captureList } from '../../stream/lambdas/walk.ts'
import { columnsOf, outline } from '../../stream/targets/outline.ts'
import { RateMeter } from '../../stream/targets/rate.ts'
import { resolvePlan } from '../../stream/targets/resolve.ts'
import type { TapSpec } from './compute-protocol.ts'
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
  /** Streams of these names are others now; those among them that are named were restarted. */
  onFollow(names: ReadonlySet<string>): void
}

interface Named {
  readonly name: string
  readonly plan: PlanNode
  readonly options: StartOptions
  /** Of the present run: another one counts from zero. */
  rate: RateMeter
  execution: Execution | undefined
  state: StreamState
  error: StreamErrorParts | undefined
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
    if (this.named.get(name) !== stream) return
    try {
      await this.launch(stream)
    } finally {
      if (before !== undefined) await this.follow(name)
    }
  }

  private async launch(stream: Named): Promise<void> {
    const { name, options } = stream
    const taps = this.deps.onReplaced(name)
    const current = () => this.named.get(name) === stream && stream.execution === execution
    // What has no name of its own is called by what it does.
    const title = isView(name) ? outline(stream.plan) : name
    const execution: Execution = new Execution(this.deps, {
      name: title,
      plan: this.resolve(stream.plan),
      deliver: 'nothing',
      params: this.deps.params(),
      onTaps: frames => {
        if (current()) this.deps.onTaps(frames, name)
      },
      onConsole: (to, text) => this.deps.onConsole(options.cellId, to, text),
      onRefused: error => this.deps.onError(options.cellId, title, error),
      onEnded: (state, error) => {
        void execution.closeSources()
        if (current()) this.over(stream, state, error)
      },
    })
    stream.execution = execution
    stream.rate = new RateMeter()
    stream.state = 'starting'
    stream.error = undefined
    for (const tap of taps) execution.run.addTap(tap)
    try {
      await execution.open()
      if (current() && this.stateOf(stream) === 'starting') stream.state = 'running'
    } catch (error) {
      // A stop that came while it was opening is no failure of the cell.
      if (!current() || this.stateOf(stream) === 'stopped') return
      if (this.stateOf(stream) !== 'failed')
        this.over(stream, 'failed', error instanceof StreamError ? error.toJSON() : undefined, false)
      throw error
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
    await stream.execution?.stop()
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

  resume(name: string): void {
    const stream = this.require(name, 'resume')
    if (stream.state === 'paused') this.setPaused(stream, false)
  }

  private setPaused(stream: Named, paused: boolean): void {
    stream.state = paused ? 'paused' : 'running'
    stream.execution?.pause(paused)
  }

  addTap(name: string, tap: TapSpec): void {
    this.require(name, 'show').execution?.run.addTap(tap)
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
      time: stats?.time,
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
        outline: outline(stream.plan),
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
  }
}
