/**
 * The main thread's half of one running plan: what it was sent since its last snapshot (the journal), how much is on its
 * way, what came back. A run outlives the compute worker: `beginAgain` starts it on a new one from snapshot plus journal.
 */
import { StreamError } from '../../stream/errors.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import type { SourceEvent, StreamState } from '../../stream/model.ts'
import type { PipelineStats } from '../../stream/pipeline.ts'
import type { ColumnType } from '../../stream/connectors/connector.ts'
import type { ModelArtifact } from '../../stream/models/artifact.ts'
import { modelsIn } from '../../stream/models/model-table.ts'
import type { ModelTable } from '../../stream/models/model-table.ts'
import type { FeedNode, PlanNode, TopicNode } from '../../stream/plan.ts'
import type { RowChunk } from '../../stream/targets/runtime.ts'
import type { TapFrame } from '../../stream/charts/tap.ts'
import type { FromCompute, RunBase, RunEvent, RunSpec, TapSpec, ToCompute } from './compute-protocol.ts'
import { recordCount, sizeOf, sliceOf } from './slices.ts'

/** Work of one slice aimed at: small enough that ten saturated streams delay a command by a fraction of a second. */
const SLICE_MS = 8
const MOST_RECORDS = 4096
const ON_THE_WAY = 2
/** Nobody has looked for so long: a page that is reloaded, or a cell scrolled by, is back sooner. */
const LOOK_MS = 60_000
export const JOURNAL_BYTES = 16 * 2 ** 20

export interface RunOptions {
  readonly name: string
  readonly plan: PlanNode
  readonly deliver: RunSpec['deliver']
  /** What was given up to a snapshot is committed with it. */
  readonly commits?: boolean | undefined
  readonly params: Readonly<Record<string, unknown>>
  /** Where the models of the plan come from; absent where streams score with none. */
  readonly models?: ModelTable | undefined
  /** State to begin with, of a run of the same plan; the sources go on at its positions. */
  readonly base?: RunBase | undefined
  /** A snapshot came: every row up to it has been given to `onRows`, and none after it where it `commits`. */
  readonly onSnapshot?: ((base: RunBase) => void) | undefined
  /** Each event before it is handled: what a recording holds. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined
  readonly onRows?: ((chunk: RowChunk) => void) | undefined
  readonly onTaps?: ((frames: readonly (readonly [string, TapFrame])[]) => void) | undefined
  readonly onStats?: (() => void) | undefined
  readonly onEnded?: ((state: 'ended' | 'failed', error: StreamErrorParts | undefined) => void) | undefined
  readonly onConsole?: ((name: 'stdout' | 'stderr', text: string) => void) | undefined
  readonly onRefused?: ((error: StreamErrorParts) => void) | undefined
  /** Records that may be sent now; 0 waits for `resumeFlow`. Default unlimited. */
  readonly allowance?: (() => number) | undefined
}

interface Entry {
  readonly sequence: number
  readonly event: RunEvent
  readonly bytes: number
  readonly records: number
}

interface Queued {
  readonly event: RunEvent
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  /** Resolves when handled, not when sent. */
  readonly whole: boolean
}

export class Run {
  readonly id: number
  readonly options: RunOptions
  state: 'starting' | 'running' | 'ended' | 'failed' | 'stopped' = 'starting'
  error: StreamErrorParts | undefined
  stats: PipelineStats | undefined
  errors: readonly string[] = []
  columns: readonly ColumnType[] = []
  sources: readonly (TopicNode | FeedNode)[] = []
  /** Sources below a table, in the order of `sources`. */
  tables: readonly boolean[] = []
  /** Resolves when the run takes events for the first time; rejects when it cannot be built. */
  readonly started: Promise<void>

  private readonly send: (message: ToCompute) => void
  private readonly taps = new Map<string, TapSpec>()
  private settle: { resolve: () => void; reject: (error: Error) => void } | undefined
  private base: RunBase | undefined
  private baseParams: Record<string, unknown>
  private readonly baseModels = new Map<string, ModelArtifact>()
  /** Models in training: no row is sent before they are there. */
  private readonly awaited = new Set<string>()
  private unlisten: (() => void) | undefined
  private journal: Entry[] = []
  private journalBytes = 0
  private sequence = 0
  private handled = 0
  private delivered = 0
  private flowing = 0
  private queue: Queued[] = []
  private waiters: { sequence: number; resolve: () => void; reject: (error: Error) => void }[] = []
  private sliceRecords = 256
  /** When somebody last looked at the join that gives the rows; null: nobody does. */
  private lookedAtMs: number | null = null
  private paused = false
  private snapshotAsked = false
  private snapshotAtMs = Number.NEGATIVE_INFINITY
  private snapshotCostMs = 0
  private snapshotWaiters: {
    /** Events it must hold. */
    sequence: number
    resolve: (bytes: Uint8Array) => void
    reject: (error: Error) => void
  }[] = []

  constructor(id: number, options: RunOptions, send: (message: ToCompute) => void) {
    this.id = id
    this.options = options
    this.send = send
    this.baseParams = { ...options.params }
    this.base = options.base
    this.sequence = this.handled = options.base?.sequence ?? 0
    this.delivered = options.base?.rowCount ?? 0
    this.started = new Promise((resolve, reject) => (this.settle = { resolve, reject }))
    this.started.catch(() => {})
    this.listenToModels()
  }

  /** Charts show its rows; else somebody takes them. */
  get isShown(): boolean {
    return this.options.deliver === 'nothing'
  }

  get over(): boolean {
    return this.state === 'ended' || this.state === 'failed' || this.state === 'stopped'
  }

  /** Starts on a worker, a first or another one, from the last snapshot and everything sent since. */
  beginAgain(): void {
    if (this.over) return
    const spec: RunSpec = {
      run: this.id,
      name: this.options.name,
      plan: this.options.plan,
      deliver: this.options.deliver,
      params: this.baseParams,
      models: [...this.baseModels.values()],
      base: this.base,
      taps: [...this.taps.values()],
      commits: this.options.commits ?? false,
      looking: this.lookedAtMs !== null,
      silentUntil: this.handled,
    }
    this.send({ type: 'start', spec })
    this.snapshotAsked = false
    this.flowing = 0
    for (const { sequence, event, records } of this.journal) {
      this.flowing += records
      this.send({ type: 'event', run: this.id, sequence, event })
    }
    if (this.snapshotWaiters.length > 0) this.askSnapshot()
    this.pump()
  }

  private listenToModels(): void {
    const { models, plan, name: stream } = this.options
    const names = modelsIn(plan)
    if (models === undefined || names.length === 0) return
    for (const name of names) {
      const artifact = models.now(name)
      if (artifact === undefined) this.awaited.add(name)
      else this.baseModels.set(name, artifact)
    }
    if (this.awaited.size > 0)
      this.options.onConsole?.(
        'stdout',
        `${stream} waits for model ${[...this.awaited].join(', ')}, which is in training\n`,
      )
    this.unlisten = models.listen({
      onModel: artifact => {
        if (!names.includes(artifact.name) || this.over) return
        if (this.awaited.delete(artifact.name)) this.post({ kind: 'model', artifact })
        else void this.put({ kind: 'model', artifact }, false)
        this.pump()
      },
      onFailure: (name, error) => {
        if (this.awaited.has(name)) this.finish('failed', error)
      },
    })
  }

  // --- what goes down -----------------------------------------------------------------------------------------------

  /** Resolves when the run has room again after the event was sent: the source's demand. */
  deliver(source: number, event: SourceEvent): Promise<void> {
    return this.put({ kind: 'source', source, event }, false)
  }

  /** Resolves when the event and everything before it was handled. */
  handle(event: RunEvent): Promise<void> {
    return this.put(event, true)
  }

  /** What was read but not sent is dropped, as a stop would; the end of every source is handled. */
  async drain(): Promise<void> {
    for (const queued of this.queue.splice(0)) queued.resolve()
    this.paused = false
    await Promise.all(this.sources.map((_, source) => this.handle({ kind: 'source', source, event: { kind: 'end' } })))
  }

  private put(event: RunEvent, whole: boolean): Promise<void> {
    if (this.over) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.queue.push({ event, resolve, reject, whole })
      if (whole && this.paused) resolve()
      this.pump()
    })
  }

  setParam(name: string, value: unknown): void {
    void this.put({ kind: 'param', name, value }, false)
  }

  pause(paused: boolean): void {
    this.paused = paused
    // Who pushes rows by hand is not held up by a paused reader: it catches up when it goes on.
    if (paused) for (const { whole, resolve } of this.queue) if (whole) resolve()
    this.pump()
  }

  /** Sends what may be sent now; called again whenever room is made. */
  pump(): void {
    while (this.queue.length > 0 && !this.over && !this.paused && this.awaited.size === 0) {
      if (this.sequence - this.handled >= ON_THE_WAY) return
      const { event, resolve, reject, whole } = this.queue[0]!
      const records = event.kind === 'source' ? recordCount(event.event) : 0
      const room =
        records === 0 ? 0 : Math.min(this.sliceRecords, (this.options.allowance?.() ?? Infinity) - this.flowing)
      if (records > 0 && room < 1) return
      if (event.kind === 'source' && records > room) {
        this.post({ ...event, event: sliceOf(event.event, 0, room) })
        this.queue[0] = { event: { ...event, event: sliceOf(event.event, room, records) }, resolve, reject, whole }
        continue
      }
      this.queue.shift()
      this.post(event)
      if (whole) this.waiters.push({ sequence: this.sequence, resolve, reject })
      else resolve()
    }
  }

  private post(event: RunEvent): void {
    this.options.onEvent?.(event)
    const sequence = ++this.sequence
    const bytes = event.kind === 'source' ? sizeOf(event.event) : 50
    const records = event.kind === 'source' ? recordCount(event.event) : 0
    this.journal.push({ sequence, event, bytes, records })
    this.journalBytes += bytes
    this.flowing += records
    this.send({ type: 'event', run: this.id, sequence, event })
  }

  addTap(tap: TapSpec): void {
    this.taps.set(tap.chartId, tap)
    // The worker keeps the newest rows of a run that ended.
    if (this.state !== 'stopped') this.send({ type: 'tap', run: this.id, tap })
  }

  /** The changes of a chart are asked for, or not any more. */
  watchChanges(chartId: string, on: boolean): void {
    const tap = this.taps.get(chartId)
    if (tap === undefined) return
    this.taps.set(chartId, { ...tap, changes: on })
    if (!this.over) this.send({ type: 'tap-changes', run: this.id, chartId, on })
  }

  /** Somebody looks at the rows. Those of the join that gives them are followed until nobody has looked for a minute. */
  look(nowMs: number): void {
    if (this.options.plan.op !== 'join') return
    const looked = this.lookedAtMs !== null
    this.lookedAtMs = nowMs
    if (!looked && !this.over) this.send({ type: 'look', run: this.id, on: true })
  }

  private lookAway(): void {
    this.lookedAtMs = null
    this.send({ type: 'look', run: this.id, on: false })
  }

  // --- snapshots ----------------------------------------------------------------------------------------------------

  /** Once a second, less often when snapshots are dear, at once when the journal is long. */
  snapshotIfDue(nowMs: number): void {
    if (this.journal.length === 0 || this.state !== 'running' || this.snapshotAsked) return
    const due = nowMs - this.snapshotAtMs >= Math.max(1000, 20 * this.snapshotCostMs)
    if (due || this.journalBytes > JOURNAL_BYTES) this.askSnapshot()
  }

  /** State after everything sent so far. */
  takeSnapshot(): Promise<Uint8Array> {
    if (this.over) return Promise.reject(this.gone())
    return new Promise((resolve, reject) => {
      this.snapshotWaiters.push({ sequence: this.sequence, resolve, reject })
      this.askSnapshot()
    })
  }

  /** The newest snapshot with the params that hold in it; undefined before the first. */
  get checkpoint(): { readonly base: RunBase; readonly params: Readonly<Record<string, unknown>> } | undefined {
    return this.base === undefined ? undefined : { base: this.base, params: this.baseParams }
  }

  /** Events sent to the worker so far. */
  get sent(): number {
    return this.sequence
  }

  private askSnapshot(): void {
    this.snapshotAsked = true
    this.send({ type: 'snapshot', run: this.id })
  }

  private keepSnapshot(base: RunBase, elapsedMs: number, nowMs: number): void {
    this.base = base
    this.snapshotAsked = false
    this.snapshotCostMs = elapsedMs
    this.snapshotAtMs = nowMs
    let dropped = 0
    for (const entry of this.journal) {
      if (entry.sequence > base.sequence) break
      dropped++
      this.journalBytes -= entry.bytes
      if (entry.event.kind === 'model') this.baseModels.set(entry.event.artifact.name, entry.event.artifact)
      if (entry.event.kind === 'param') this.baseParams = { ...this.baseParams, [entry.event.name]: entry.event.value }
    }
    this.journal.splice(0, dropped)
    this.options.onSnapshot?.(base)
    // One that was under way when another was asked for is older than what that one waits for.
    const served = this.snapshotWaiters.filter(({ sequence }) => sequence <= base.sequence)
    this.snapshotWaiters = this.snapshotWaiters.filter(({ sequence }) => sequence > base.sequence)
    for (const waiter of served) waiter.resolve(base.bytes)
  }

  // --- what comes up ------------------------------------------------------------------------------------------------

  receive(message: FromCompute, nowMs: number): void {
    if (this.over && (message.type !== 'taps' || this.state === 'stopped')) return
    switch (message.type) {
      case 'started':
        this.sources = message.sources
        this.tables = message.tables
        this.state = 'running'
        this.settle?.resolve()
        break
      case 'handled':
        this.acknowledge(message.sequence, message.elapsedMs, message.refusal)
        break
      case 'rows':
        this.takeRows(message)
        break
      case 'stats':
        this.stats = message.stats
        this.errors = message.errors
        this.columns = message.columns
        if (this.lookedAtMs !== null && nowMs - this.lookedAtMs > LOOK_MS) this.lookAway()
        this.options.onStats?.()
        break
      case 'taps':
        this.options.onTaps?.(message.frames)
        break
      case 'snapshot':
        this.keepSnapshot(message.base, message.elapsedMs, nowMs)
        break
      case 'console':
        this.options.onConsole?.(message.name, message.text)
        break
      case 'refused':
        this.options.onRefused?.(message.error)
        break
      case 'ended':
        this.finish(message.state, message.error)
        break
      case 'generated':
        break
    }
  }

  private acknowledge(sequence: number, elapsedMs: number, refusal: StreamErrorParts | undefined): void {
    // Sequences are dense, so an entry's place is known.
    const entry = this.journal[sequence - (this.journal[0]?.sequence ?? 0)]
    const records = entry?.records ?? 0
    this.flowing = Math.max(0, this.flowing - records)
    // What a restored worker repeats was acknowledged before.
    if (sequence <= this.handled) return
    this.handled = sequence
    if (records > 0) {
      const fitting = Math.floor((SLICE_MS * records) / Math.max(elapsedMs, 0.01))
      // Growing slowly keeps one fast slice from making the next one long.
      this.sliceRecords = Math.max(1, Math.min(MOST_RECORDS, fitting, 2 * Math.max(records, this.sliceRecords)))
    }
    while (this.waiters.length > 0 && this.waiters[0]!.sequence <= sequence) {
      const { resolve, reject } = this.waiters.shift()!
      if (refusal === undefined) resolve()
      else reject(StreamError.from(refusal))
    }
    this.pump()
  }

  private takeRows(message: Extract<FromCompute, { type: 'rows' }>): void {
    const skip = this.delivered - message.at
    const { rows, eventTimesMs, weights, watermarkMs } = message
    if (skip >= rows.length) return
    this.delivered = message.at + rows.length
    const chunk: RowChunk =
      skip <= 0
        ? { rows, eventTimesMs, weights, watermarkMs }
        : { rows: rows.slice(skip), eventTimesMs: eventTimesMs.slice(skip), weights: weights?.slice(skip), watermarkMs }
    this.options.onRows?.(chunk)
  }

  /** Ends the run with this state; the worker is told unless it said so itself. */
  finish(state: 'ended' | 'failed' | 'stopped', error?: StreamErrorParts): void {
    if (this.over) return
    this.state = state
    this.error = error
    this.unlisten?.()
    if (state === 'stopped') this.send({ type: 'stop', run: this.id })
    this.settle?.reject(error === undefined ? this.gone() : StreamError.from(error))
    for (const waiter of this.waiters.splice(0)) waiter.resolve()
    for (const queued of this.queue.splice(0)) queued.resolve()
    for (const waiter of this.snapshotWaiters.splice(0)) waiter.reject(this.gone())
    this.journal = []
    this.base = undefined
    if (state !== 'stopped') this.options.onEnded?.(state, error)
  }

  private gone(): StreamError {
    return new StreamError({
      code: 'STREAM_STOPPED',
      message: `Stream "${this.options.name}" is ${this.state}`,
      hint: 'Run its cell again',
    })
  }

  /** Whether a call of this run's lambdas may be in progress. */
  get busy(): boolean {
    return !this.over && (this.sequence > this.handled || this.state === 'starting')
  }

  get streamState(): StreamState {
    return this.paused && this.state === 'running' ? 'paused' : this.state
  }
}
