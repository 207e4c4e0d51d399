/**
 * Streams in this thread, with plain closures: what a program gets that imports `riffle-kernel`. Topics are the embedded demo
 * topics until `connect` says otherwise.
 */
import { Checkpointer } from '../checkpoints/checkpointer.ts'
import type { Kept } from '../checkpoints/checkpointer.ts'
import { planKeyOf } from '../checkpoints/plan-key.ts'
import type { Connection, GroupSummary, SegmentSummary, TopicChanges, TopicSummary } from '../connectors/connector.ts'
import type { SchemaRegistry } from '../schema-model.ts'
import type { ChartOptions, MimeBundle } from '../charts/protocol.ts'
import { StreamError } from '../errors.ts'
import type { StreamErrorParts } from '../errors.ts'
import { isOver } from '../model.ts'
import type { StreamStats } from '../model.ts'
import type { LambdaSlot, PlanNode } from '../plan.ts'
import { keepAlive, nextTurn, wallClock } from '../time/clock.ts'
import type { Clock, Timer } from '../time/clock.ts'
import { rowsOf } from '../operators/columns.ts'
import { FeedLog } from './feed-log.ts'
import { columnsOf, outline } from './outline.ts'
import type { ModelArtifact } from '../models/artifact.ts'
import { notRecorded, Recorder } from '../recordings/recorder.ts'
import type { RecordingState, RecordSpec } from '../recordings/recorder.ts'
import { Trainings } from '../training/trainings.ts'
import { slicedPlan } from '../training/slice.ts'
import { curveRows } from '../training/spec.ts'
import type { Epoch } from '../training/spec.ts'
import type { TrainSpec } from '../training/spec.ts'
import { SharedRows } from '../schemas/shared-rows.ts'
import { ModelTable } from '../models/model-table.ts'
import { ParamTable } from './param-table.ts'
import { namesRead, resolvePlan } from './resolve.ts'
import { RunningPlan } from './running-plan.ts'
import type { PlanConsumer, PlanSurroundings } from './running-plan.ts'
import { callRegistry, registryBy, registryOf } from './registry-access.ts'
import type {
  CheckpointSettings,
  CheckpointStatus,
  ConnectSettings,
  FeedPort,
  GenerateOptions,
  ParamSpec,
  ProduceOptions,
  ProduceResult,
  RowSource,
  Runtime,
  StartOptions,
  StreamSummary,
  SubscribeOptions,
  TopicDescription,
} from './runtime.ts'
import { RowBuffer } from './subscription.ts'
import { LocalSink } from './local-sink.ts'
import { sinkName } from '../sinks/sink-name.ts'
import { targetText } from '../sinks/sink.ts'
import type { SinkOptions, SinkResult, SinkTarget, TopicTarget } from '../sinks/sink.ts'
import { SinkTransaction } from '../sinks/transaction.ts'
import { printTableAtEnd } from './text-table.ts'
import { describeTopic, listTopics, produceRows } from './topic-access.ts'

export interface LocalRuntimeOptions {
  /** Default the wall clock. */
  readonly clock?: Clock | undefined
  /** Default: the embedded topics with their demos. Tests give an empty log. */
  readonly embedded?: (() => Promise<Connection>) | undefined
  /** Told once each: an event time that looks like seconds, a key without a value. Default a line on the console's error side. */
  readonly notice?: ((text: string) => void) | undefined
  /** Where `.chart()` prints. Default the console. */
  readonly print?: ((text: string) => void) | undefined
}

/** Between two attempts at a broker that is away. */
const AGAIN_MS = 500

interface Named {
  readonly name: string
  readonly plan: PlanNode
  readonly options: StartOptions
  running: RunningPlan
  sink: LocalSink | undefined
  /** A sink whose stream was replaced waits for the user's word. */
  held: boolean
  /** A transaction was lost with its broker and is being made again; `lost`: that one too. */
  again?: { lost: boolean } | undefined
}

interface Reading {
  readonly plan: PlanNode
  readonly restart: () => void
}

export class LocalRuntime implements Runtime {
  private readonly clock: Clock
  private readonly print: (text: string) => void
  private readonly connections = new Map<string, Promise<Connection>>()
  private readonly openEmbedded: () => Promise<Connection>
  private readonly feeds = new Map<string, FeedLog>()
  /** Pushes into all feeds so far: their order. */
  private pushes = 0
  private readonly named = new Map<string, Named>()
  private readonly readings = new Set<Reading>()
  private readonly params = new ParamTable()
  private readonly models = new ModelTable()
  private readonly trainings = new Trainings()
  private readonly recorders = new Map<string, Recorder>()
  private readonly checkpointer: Checkpointer
  private readonly around: PlanSurroundings

  constructor(options: LocalRuntimeOptions = {}) {
    this.clock = options.clock ?? wallClock
    this.print = options.print ?? (text => console.log(text))
    this.openEmbedded = options.embedded ?? (() => openUrl('embedded', 'embedded', this.clock))
    this.checkpointer = new Checkpointer({
      clock: this.clock,
      program: process.argv[1] ?? 'program',
      streams: () => [...this.named.values()].filter(mayGoOn).map(n => this.kept(n)),
      onError: (_name, error) => this.print(`${error.message}\n${error.hint ?? ''}`),
    })
    const notice = options.notice ?? (text => console.warn(`riffle: ${text}`))
    const told = new Set<string>()
    this.around = {
      clock: this.clock,
      notice: text => {
        if (told.has(text)) return
        told.add(text)
        notice(text)
      },
      connection: name => this.connection(name),
      feed: id => this.feedLog(id),
      rows: new SharedRows(),
      models: this.models,
      param: (name, value) => {
        if (this.params.value(name) !== undefined) this.params.set(name, value)
      },
    }
  }

  ship(f: (...args: never[]) => unknown): LambdaSlot {
    return f
  }

  async start(name: string, plan: PlanNode, options: StartOptions = {}): Promise<void> {
    const resolved = resolvePlan(plan, other => (other === name ? undefined : this.planOf(other)), [name])
    const old = this.named.get(name)
    const lost = () => {
      if (options.sink?.kind === 'topic') void this.beginAgain(named, resolved, options.sink)
    }
    const named: Named = { name, plan, options, ...this.runningOf(resolved, options.sink, lost), held: false }
    this.named.set(name, named)
    await this.end(old)
    if (options.sink?.kind === 'topic' && options.sink.transactional === true) {
      await this.beginTransaction(named, resolved, options.sink)
      return
    }
    const found = await this.checkpointer.begin(name, planKeyOf(resolved), text => this.print(text))
    if (found === undefined) await begin(named)
    else await this.goOn(named, found.bytes)
    if (old !== undefined) await this.restartConsumersOf(name)
  }

  private async beginTransaction(named: Named, plan: PlanNode, target: TopicTarget): Promise<void> {
    const { name, running, sink } = named
    const transaction = await SinkTransaction.open({
      target,
      plan,
      name,
      store: this.checkpointer.store,
      connection: other => this.connection(other),
      onRefused: () => undefined,
      tell: text => this.print(text),
      nowMs: () => this.clock.nowMs(),
    })
    if (this.named.get(name) !== named || running.stats().state === 'stopped') return transaction.writer.close()
    sink?.renew(transaction, running, this.clock)
    if (transaction.found !== undefined) await running.restore(transaction.found.bytes)
    else await running.restart()
  }

  /** What the broker took with it is made again from the last commit, once it is back. */
  private async beginAgain(named: Named, plan: PlanNode, target: TopicTarget): Promise<void> {
    // Two that make it again would each fence the other's writer.
    if (named.again !== undefined) {
      named.again.lost = true
      return
    }
    const over = () => this.named.get(named.name) !== named || named.running.stats().state === 'stopped'
    const again = (named.again = { lost: false })
    try {
      for (;;) {
        await new Promise<void>(resolve => this.clock.setTimer(AGAIN_MS, resolve))
        if (over()) return
        again.lost = false
        try {
          await named.sink?.drop()
          await this.beginTransaction(named, plan, target)
          if (!again.lost) return
        } catch (error) {
          if (error instanceof StreamError && error.retriable) continue
          named.sink?.fail(error)
          return
        }
      }
    } finally {
      named.again = undefined
    }
  }

  async sink(plan: PlanNode, target: SinkTarget, options: SinkOptions): Promise<SinkResult> {
    const others = [...this.named.values()].map(other => ({
      name: other.name,
      cellId: other.options.cellId,
      over: isOver(other.running.stats().state),
    }))
    const name = sinkName(options, others)
    await this.start(name, plan, { cellId: options.cellId, sink: target })
    const { sink } = this.find(name)
    if (options.bounded === true) await sink?.ended
    return { name, writtenCount: 0, refusedCount: 0, ...sink?.counts }
  }

  private runningOf(
    resolved: PlanNode,
    target: SinkTarget | undefined,
    onLost?: () => void,
  ): Pick<Named, 'running' | 'sink'> {
    if (target === undefined) return { running: new RunningPlan(resolved, this.around, unheard), sink: undefined }
    const sink = new LocalSink({
      plan: resolved,
      target,
      connection: name => this.connection(name),
      onFailed: error => running.failWith(error),
      onLost,
    })
    const running: RunningPlan = new RunningPlan(resolved, this.around, sink)
    return { running, sink }
  }

  private async end(named: Named | undefined): Promise<void> {
    await named?.running.stop()
    await named?.sink?.close()
  }

  subscribe(plan: PlanNode, options: SubscribeOptions = {}): RowSource {
    let running: RunningPlan | undefined
    let alive: Timer | undefined
    const rest = () => {
      alive?.cancel()
      alive = undefined
    }
    const onClose = async () => {
      this.readings.delete(reading)
      rest()
      await running?.stop()
    }
    const buffer = new RowBuffer(options, { onClose, onDrain: async () => running?.drain() })
    const finish = (error: StreamErrorParts | undefined) => {
      rest()
      buffer.end(error)
    }
    const begin = () => {
      const old = running
      buffer.reset()
      const consumer = { onBatch: buffer.add.bind(buffer), ready: buffer.ready.bind(buffer), onEnd: finish }
      running = new RunningPlan(this.resolve(plan), this.around, consumer, options.bounded)
      alive ??= keepAlive()
      const started = running
      void (async () => {
        await old?.stop()
        await started.start()
      })().catch((error: unknown) => finish(partsOf(error)))
    }
    const reading: Reading = { plan, restart: begin }
    this.readings.add(reading)
    try {
      begin()
    } catch (error) {
      finish(partsOf(error))
    }
    return buffer
  }

  /** A checkpoint that does not fit the topics of now is told, and the stream begins anew. */
  private async goOn({ name, running, sink }: Named, bytes: Uint8Array): Promise<void> {
    await sink?.open()
    try {
      await running.restore(bytes)
    } catch (error) {
      if (!(error instanceof StreamError) || !['POSITION_INVALID', 'SNAPSHOT_INVALID'].includes(error.code)) throw error
      this.print(`Stream "${name}" begins anew, its checkpoint does not fit: ${error.message}`)
      await running.restart()
    }
  }

  private kept({ name, plan, running }: Named): Kept {
    const resolved = this.resolve(plan)
    return {
      name,
      key: planKeyOf(resolved),
      refusal: readsFeed(resolved) ? 'it reads rows that the program pushes' : undefined,
      progress: () => running.handledCount,
      state: async () => ({ meta: undefined, bytes: running.snapshot(), progress: running.handledCount }),
    }
  }

  async checkpoint(settings?: CheckpointSettings): Promise<CheckpointStatus> {
    return settings === undefined ? this.checkpointer.status() : this.checkpointer.configure(settings)
  }

  async stop(name: string): Promise<void> {
    const named = this.find(name)
    await this.checkpointer.forget(name)
    await this.end(named)
  }

  drain(name: string): Promise<void> {
    return settled(() => this.find(name).running.drain())
  }

  pause(name: string): Promise<void> {
    return settled(() => this.find(name).running.pause())
  }

  async resume(name: string): Promise<void> {
    const named = this.find(name)
    if (!named.held) return named.running.resume()
    named.held = false
    Object.assign(named, this.runningOf(this.resolve(named.plan), named.options.sink))
    await begin(named)
  }

  async list(): Promise<StreamSummary[]> {
    return [...this.named.values()].filter(n => n.options.listed !== false).map(n => this.summary(n))
  }

  feed(id: string): FeedPort {
    const log = this.feedLog(id)
    const { clock } = this
    return {
      async push(rows, options = {}) {
        const { partition = 0, key, eventTimesMs } = options
        const partitions = partition === 0 ? undefined : new Int32Array(rows.length).fill(partition)
        const keys = key === undefined ? undefined : rows.map(() => key)
        await log.push({ kind: 'rows', rows, partitions, keys, processingTimeMs: clock.nowMs(), eventTimesMs })
        // Consumers waiting for rows get their turn before the pusher goes on.
        await nextTurn()
      },
      async pushColumns(columns, count) {
        let made: readonly unknown[] | undefined
        await log.push({
          kind: 'rows',
          columns,
          count,
          processingTimeMs: clock.nowMs(),
          get rows() {
            return (made ??= rowsOf(columns, count))
          },
        })
        await nextTurn()
      },
      async watermark(watermarkMs, partition) {
        await log.push({ kind: 'watermark', watermarkMs, partition })
        await nextTurn()
      },
      async idle(partition) {
        await log.push({ kind: 'idle', partition })
        await nextTurn()
      },
      async end() {
        if (!log.ended) await log.push({ kind: 'end' })
        await nextTurn()
      },
    }
  }

  async describeTopic(connection: string, topic: string): Promise<TopicDescription> {
    return describeTopic(await this.connection(connection), topic)
  }

  async listTopics(
    connection: string,
    options: { readonly internal?: boolean; readonly facts?: boolean } = {},
  ): Promise<TopicSummary[]> {
    return listTopics(await this.connection(connection), options)
  }

  async alterTopic(connection: string, topic: string, changes: TopicChanges): Promise<void> {
    await (await this.connection(connection)).alter(topic, changes)
  }

  async segments(connection: string, topic: string): Promise<SegmentSummary[]> {
    return (await this.connection(connection)).segments(topic)
  }

  async groups(connection: string, name?: string): Promise<GroupSummary[]> {
    return (await this.connection(connection)).groups(name)
  }

  async createTopic(
    connection: string,
    topic: string,
    options: { readonly partitions: number } & TopicChanges,
  ): Promise<void> {
    await (await this.connection(connection)).create(topic, options)
  }

  async deleteTopic(connection: string, topic: string): Promise<void> {
    await (await this.connection(connection)).delete(topic)
  }

  async connect(url: string, options: ConnectSettings = {}): Promise<{ name: string; url: string }> {
    const name = options.as ?? 'embedded'
    const connection = await openUrl(url, name, this.clock, options)
    const old = this.connections.get(name)
    this.connections.set(name, Promise.resolve(connection))
    await (await old)?.close()
    return { name, url: connection.url }
  }

  registry(connection: string): SchemaRegistry {
    return registryBy(async (method, args) => callRegistry(registryOf(await this.connection(connection)), method, args))
  }

  async produce(
    connection: string,
    topic: string,
    rows: readonly unknown[],
    options: ProduceOptions = {},
  ): Promise<ProduceResult> {
    return produceRows(await this.connection(connection), topic, rows, options, this.clock)
  }

  async generate(topic: string, options: GenerateOptions, body?: LambdaSlot): Promise<void> {
    const { localGenerator } = await import('./local-generator.ts')
    await localGenerator(await this.connection('embedded'), topic, options, body)
  }

  async defineParam(spec: ParamSpec): Promise<unknown> {
    return this.params.define(spec)
  }

  async setParam(name: string, value: unknown): Promise<void> {
    this.params.set(name, value)
    for (const recorder of this.recorders.values()) recorder.param(name, value)
  }

  paramValue(name: string): unknown {
    return this.params.value(name)
  }

  async defineModel(artifact: ModelArtifact): Promise<void> {
    await this.models.define(artifact)
  }

  async record(name: string, spec: RecordSpec): Promise<void> {
    const named = this.find(name)
    const recorder = new Recorder(spec, {
      stream: name,
      clock: this.clock,
      sources: () => named.running.sources,
      params: () => this.params.all(),
      tell: text => this.print(text),
    })
    this.recorders.get(name)?.close()
    this.recorders.set(name, recorder)
    const old = named.running
    named.running = new RunningPlan(this.resolve(named.plan), this.around, {
      onBatch() {},
      onEnd: () => void recorder.close(),
      onEvent: (source, event) => recorder.source(source, event),
    })
    await old.stop()
    await named.running.start()
  }

  async stopRecording(name: string): Promise<RecordingState> {
    const recorder = this.recorders.get(name)
    if (recorder !== undefined) return recorder.close()
    throw notRecorded(name)
  }

  async train(plan: PlanNode, spec: TrainSpec): Promise<void> {
    await this.trainings.begin(spec, asked => {
      const { slice, name } = asked
      const sliced = slice === undefined ? plan : slicedPlan(this.resolve(plan), slice, name)
      const curve = this.feed(asked.curve)
      const chart = this.feed(`${asked.curve}-chart`)
      const alive = keepAlive()
      const around = {
        models: this.models,
        epoch: async (row: Epoch) => {
          await chart.push(curveRows(row))
          await curve.push([row])
        },
        over: async () => {
          alive.cancel()
          await chart.end()
          await curve.end()
        },
        tell: (text: string) => this.print(text.trimEnd()),
      }
      return { source: () => this.subscribe(sliced), around }
    })
  }

  retrain(name: string): Promise<void> {
    return this.trainings.retrain(name)
  }

  stopTraining(name?: string): Promise<string[]> {
    return this.trainings.stop(name)
  }

  model(name: string): Promise<ModelArtifact> {
    return this.models.ready(name)
  }

  async snapshot(name: string): Promise<Uint8Array> {
    return this.find(name).running.snapshot()
  }

  async restore(name: string, bytes: Uint8Array): Promise<void> {
    await this.find(name).running.restore(bytes)
  }

  async show(stream: { readonly name: string | undefined; readonly plan: PlanNode }): Promise<MimeBundle> {
    return { 'text/plain': `${stream.name ?? 'stream'}: ${outline(stream.plan)}` }
  }

  async showParam(name: string): Promise<MimeBundle> {
    return { 'text/plain': `${name} = ${String(this.params.value(name))}` }
  }

  chart(stream: { readonly name: string | undefined; readonly plan: PlanNode }, options: ChartOptions): void {
    if (options.mark === 'none') return
    const title = options.title ?? stream.name ?? outline(stream.plan)
    void printTableAtEnd(
      this.subscribe(stream.plan, { changes: true }),
      { title, changes: options.changes === true },
      this.print,
    )
  }

  /** Stops everything and closes all connections. */
  async close(): Promise<void> {
    await this.checkpointer.close()
    await Promise.all([...this.named.values()].map(n => this.end(n)))
    for (const connection of this.connections.values()) await (await connection).close()
    this.connections.clear()
  }

  private summary(n: Named): StreamSummary {
    const stats: StreamStats = n.held ? { ...n.running.stats(), state: 'paused' } : n.running.stats()
    const consumers = [...this.named.values()]
      .filter(other => other !== n && this.reads(other.plan, n.name))
      .map(other => other.name)
    const columns = columnsOf(this.resolve(n.plan), () => undefined) ?? []
    const { cellId, sink } = n.options
    const text = sink === undefined ? outline(n.plan) : `${outline(n.plan)} → ${targetText(sink)}`
    return { name: n.name, cellId, outline: text, stats, columns, captures: [], consumers }
  }

  private async restartConsumersOf(name: string): Promise<void> {
    for (const other of [...this.named.values()]) {
      if (other.name === name || !this.reads(other.plan, name)) continue
      if (other.sink !== undefined) {
        other.held = true
        await this.end(other)
        this.print(`${name} changed: %resume ${other.name}`)
        continue
      }
      const old = other.running
      other.running = new RunningPlan(this.resolve(other.plan), this.around, unheard)
      await old.stop()
      await other.running.start()
    }
    for (const reading of this.readings) if (this.reads(reading.plan, name)) reading.restart()
  }

  private reads(plan: PlanNode, name: string): boolean {
    return namesRead(plan, other => this.planOf(other)).has(name)
  }

  private resolve(plan: PlanNode): PlanNode {
    return resolvePlan(plan, name => this.planOf(name))
  }

  private planOf(name: string): PlanNode | undefined {
    return this.named.get(name)?.plan
  }

  private find(name: string): Named {
    const named = this.named.get(name)
    if (named !== undefined) return named
    throw new StreamError({
      code: 'STREAM_UNKNOWN',
      message: `Cannot find stream "${name}": no stream of that name is running`,
      detail: this.named.size === 0 ? undefined : `Running: ${[...this.named.keys()].join(', ')}`,
    })
  }

  private feedLog(id: string): FeedLog {
    let log = this.feeds.get(id)
    if (log === undefined) {
      log = new FeedLog(id, undefined, () => this.pushes++)
      this.feeds.set(id, log)
    }
    return log
  }

  private connection(name: string): Promise<Connection> {
    let connection = this.connections.get(name)
    if (connection === undefined && name === 'embedded') {
      connection = this.openEmbedded()
      this.connections.set(name, connection)
    }
    if (connection !== undefined) return connection
    return Promise.reject(
      new StreamError({
        code: 'CONNECTION_UNKNOWN',
        message: `Cannot find connection "${name}": open are ${['embedded', ...this.connections.keys()].join(', ')}`,
        hint: `%connect URL --as ${name}`,
      }),
    )
  }
}

/** Opens the target before the first row is read. */
async function begin({ running, sink }: Named): Promise<void> {
  await sink?.open()
  await running.start()
}

const unheard: PlanConsumer = { onBatch() {}, onEnd() {} }

/** Listed, and not over. */
function mayGoOn({ running, options }: Named): boolean {
  return options.listed !== false && ['starting', 'running', 'paused'].includes(running.stats().state)
}

function readsFeed(plan: PlanNode): boolean {
  if (plan.op === 'join' || plan.op === 'union') return readsFeed(plan.left) || readsFeed(plan.right)
  return plan.op === 'feed' || ('input' in plan && readsFeed(plan.input))
}

/** Connectors are loaded when a topic is first used: a program of `from` streams needs none. */
async function openUrl(url: string, as: string, clock: Clock, settings: ConnectSettings = {}): Promise<Connection> {
  const { openTopics } = await import('./open-topics.ts')
  return openTopics(url, settings, { as, clock })
}

function partsOf(error: unknown): StreamErrorParts {
  if (error instanceof StreamError) return error.toJSON()
  return { code: 'STREAM_FAILED', message: `Cannot start stream: ${String(error)}` }
}

/** A rejection instead of a throw: callers of a runtime only ever await. */
function settled(f: () => void | Promise<void>): Promise<void> {
  return Promise.resolve().then(f)
}
