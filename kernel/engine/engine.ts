/**
 * The engine without its process: topics, streams, subscriptions, params and charts, as the methods the cells process and the
 * supervisor may call. Tests make one in their own process; kernel/engine.ts gives it sockets.
 */
import { randomUUID } from 'node:crypto'
import type { StreamErrorParts } from '../../stream/errors.ts'
import { StreamError } from '../../stream/errors.ts'
import type { PlanNode, ShippedLambda } from '../../stream/plan.ts'
import type { SourceEvent } from '../../stream/model.ts'
import type { ChartOptions, FromEngine, MimeBundle, ToEngine, TopicLine } from '../../stream/charts/protocol.ts'
import type { TopicSummary } from '../../stream/connectors/connector.ts'
import type {
  CheckpointSettings,
  CheckpointStatus,
  ConnectSettings,
  GenerateOptions,
  ParamSpec,
} from '../../stream/targets/runtime.ts'
import { callRegistry, registryOf } from '../../stream/targets/registry-access.ts'
import { describeTopic, listTopics, produceRows } from '../../stream/targets/topic-access.ts'
import { Trainings } from '../../stream/training/trainings.ts'
import { slicedPlan } from '../../stream/training/slice.ts'
import { curveRows } from '../../stream/training/spec.ts'
import type { Epoch } from '../../stream/training/spec.ts'
import type { TrainSpec } from '../../stream/training/spec.ts'
import { ModelTable } from '../../stream/models/model-table.ts'
import { wallClock } from '../../stream/time/clock.ts'
import type { RecordMaker } from '../../stream/log/generated-feed.ts'
import type { Handlers } from '../rpc.ts'
import { Charts } from './charts.ts'
import { viewName } from './names.ts'
import { Checkpoints } from './checkpoints.ts'
import { Compute } from './compute.ts'
import type { ComputeOptions, Generator } from './compute.ts'
import type { GenerateArgs } from './generator-body.ts'
import { Connections } from './connections.ts'
import { Feeds } from './feeds.ts'
import { sliceColumns } from './slices.ts'
import { Params } from './params.ts'
import { Peeks } from './peek.ts'
import { inOrder, Recall } from './recall.ts'
import type { Remembered } from './recall.ts'
import type { EngineForCells, EngineForSupervisor } from './protocol.ts'
import { Streams } from './streams.ts'
import { Subscriptions } from './subscriptions.ts'
import { planKey } from './plan-key.ts'

export interface EngineOptions extends ComputeOptions {
  /** That of the engine whose streams and charts go on here; default a new one, and pages of before ask for their cells again. */
  readonly instance?: string | undefined
  readonly connections?: Connections | undefined
  chart(connection: string, message: FromEngine, buffers?: readonly Uint8Array[]): void
  lambdaOutput(cellId: string, name: 'stdout' | 'stderr', text: string): void
  streamError(cellId: string, stream: string, error: StreamErrorParts): void
  paramChanged(name: string, value: unknown): void
  /** Something to be told to the engine after this one, should this one be killed; undefined: no longer. */
  remember?(key: string, value: Remembered | undefined): void
}

export class Engine {
  readonly instance: string
  readonly compute: Compute
  readonly connections: Connections
  readonly streams: Streams
  readonly subscriptions: Subscriptions
  private readonly options: EngineOptions
  readonly models = new ModelTable()
  private readonly trainings = new Trainings()
  private readonly params: Params
  private readonly charts: Charts
  private readonly peeks: Peeks
  private readonly checkpoints: Checkpoints
  private readonly recall: Recall
  private readonly feeds = new Feeds()
  private readonly generators = new Map<string, Generator>()

  constructor(options: EngineOptions) {
    this.options = options
    this.instance = options.instance ?? randomUUID()
    this.compute = new Compute(options)
    this.connections = options.connections ?? new Connections()
    this.params = new Params((name, value) => this.onParam(name, value))
    this.recall = new Recall((key, value) => options.remember?.(key, value))
    this.checkpoints = new Checkpoints({
      connections: this.connections,
      running: () => this.streams.running(),
      charts: (name, taps) => this.charts.keep(name, taps),
      onError: (name, error) => options.streamError(this.streams.cellOf(name) ?? '', name, error.toJSON()),
    })
    const deps = {
      compute: this.compute,
      connections: this.connections,
      feeds: this.feeds,
      models: this.models,
      params: () => this.params.all(),
    }
    this.streams = new Streams({
      ...deps,
      onConsole: (cellId, name, text) => options.lambdaOutput(cellId ?? '', name, text),
      onError: (cellId, stream, error) => options.streamError(cellId ?? '', stream, error),
      onReplaced: name => this.charts.replaced(name, this.streams.planOf(name)!),
      onTaps: (frames, name) => this.charts.taps(frames, name),
      onOver: (name, state, error) => this.charts.over(name, state, error),
      onFollow: names => this.subscriptions.follow(names),
      resume: (name, plan, tell) => this.checkpoints.resume(name, plan, tell),
      onResumed: (name, { charts }) => this.charts.resumed(name, charts),
      onStarted: (name, plan, of) => {
        this.recall.keep({ kind: 'stream', name, plan, options: of })
        // Exactly once is a promise about what happens when the engine is killed.
        if (of.sink?.kind === 'topic' && of.sink.transactional === true) this.recall.switch(true)
      },
      transactionStore: () => this.checkpoints.store,
      onStopped: name => {
        this.recall.drop('stream', name)
        void this.checkpoints.forget(name)
      },
    })
    this.subscriptions = new Subscriptions({
      ...deps,
      resolve: plan => this.streams.resolve(plan),
      console: (cellId, name, text) => options.lambdaOutput(cellId ?? '', name, text),
    })
    this.peeks = new Peeks(this.subscriptions)
    this.charts = new Charts({
      instance: this.instance,
      params: this.params,
      streams: () => this.streams,
      topics: () => this.topicLines(),
      peek: (connection, topic) => this.peeks.look(connection, topic),
      saved: () => void this.checkpoints.save(true),
      created: chart => this.recall.keep({ kind: 'chart', ...chart }),
      trained: name => this.models.standing(name),
      retrain: name => this.retrain(name),
      send: (connection, message, buffers) => options.chart(connection, message, buffers),
      onError: (cellId, stream, error) => options.streamError(cellId ?? '', stream, error),
    })
  }

  private onParam(name: string, value: number | string | boolean): void {
    this.recall.keep({ kind: 'param', spec: { ...this.params.shown(name).spec, value } })
    this.streams.setParam(name, value)
    for (const execution of this.subscriptions.executions()) execution.run.setParam(name, value)
    this.options.paramChanged(name, value)
    this.charts.param(name, value)
  }

  chartMessage(connection: string, message: ToEngine): void {
    this.charts.receive(connection, message)
  }

  /** The methods for one connection of a cells process; `owner` stands for it. */
  forCells(owner: object): Handlers<EngineForCells> {
    const push = (id: string, event: SourceEvent) => this.feeds.push(id, event)
    return {
      ...this.shared(),
      start: (name, plan, options) => this.streams.start(name, plan, options),
      sink: (plan, target, options) => this.streams.sink(plan, target, options),
      subscribe: (plan, options) => this.subscriptions.subscribe(plan, options, owner),
      rows: id => this.subscriptions.rows(id),
      unsubscribe: id => this.subscriptions.close(id),
      drainSubscription: id => this.subscriptions.drain(id),
      // A feed begins with its first push; the request keeps its place before that.
      feedOpen: () => {},
      feedPush: (id, rows, { partition, key, eventTimesMs }) =>
        push(id, {
          kind: 'rows',
          rows,
          processingTimeMs: wallClock.nowMs(),
          eventTimesMs,
          ...(partition === undefined ? {} : { partitions: new Int32Array(rows.length).fill(partition) }),
          ...(key === undefined ? {} : { keys: rows.map(() => key) }),
        }),
      feedPushColumns: (id, columns, count) =>
        push(id, {
          kind: 'rows',
          rows: [],
          columns: sliceColumns(columns, 0, count),
          count,
          processingTimeMs: wallClock.nowMs(),
        }),
      feedWatermark: (id, watermarkMs, partition) => push(id, { kind: 'watermark', watermarkMs, partition }),
      feedIdle: (id, partition) => push(id, { kind: 'idle', partition }),
      feedEnd: id => push(id, { kind: 'end' }),
      connect: (url, options) => this.connect(url, options),
      registry: (connection, method, args) => callRegistry(registryOf(this.connections.get(connection)), method, args),
      createTopic: (connection, topic, options) => this.connections.get(connection).create(topic, options),
      alterTopic: (connection, topic, changes) => this.connections.get(connection).alter(topic, changes),
      segments: (connection, topic) => this.connections.get(connection).segments(topic),
      groups: (connection, name) => this.connections.get(connection).groups(name),
      deleteTopic: (connection, topic) => this.connections.get(connection).delete(topic),
      produce: (connection, topic, rows, options) =>
        produceRows(this.connections.get(connection), topic, rows, options, wallClock),
      generate: (topic, options, body) => this.generate(topic, options, body),
      defineParam: spec => this.defineParam(spec),
      setParam: (name, value) => this.params.set(name, value),
      defineModel: artifact => this.models.define(artifact),
      model: name => this.models.ready(name),
      record: (name, spec) => this.streams.record(name, spec),
      stopRecording: name => this.streams.stopRecording(name),
      train: (plan, spec) => this.train(plan, spec),
      retrain: name => this.trainings.retrain(name),
      stopTraining: name => this.trainings.stop(name),
      snapshot: name => this.streams.snapshot(name),
      restore: (name, bytes) => this.streams.restore(name, bytes),
      checkpoint: settings => this.checkpoint(settings),
      show: (stream, options) => this.show(stream, options),
      showParam: name => this.charts.showParam(name),
    }
  }

  forSupervisor(shutdown: () => void): Handlers<EngineForSupervisor> {
    return {
      ...this.shared(),
      connections: () => this.connections.list(),
      stopTrainings: () => this.trainings.stop(),
      chartPicture: chartId => this.charts.picture(chartId),
      cellCharts: (cellId, chartIds) => this.cellShows(cellId, chartIds),
      // The closing of the old process's socket has said it already, and the new process may be connected by now.
      cellsReplaced: () => {},
      recall: entries => this.begin(entries),
      shutdown,
    }
  }

  private shared() {
    return {
      list: () => this.streams.list(performance.now()),
      listTopics: (connection: string, options: { internal?: boolean; facts?: boolean }) =>
        listTopics(this.connections.get(connection), options),
      describeTopic: (connection: string, topic: string) => describeTopic(this.connections.get(connection), topic),
      stop: (name: string) => this.streams.stop(name),
      drain: (name: string) => this.streams.drain(name),
      pause: (name: string) => this.streams.pause(name),
      resume: (name: string) => this.streams.resume(name),
    }
  }

  private async connect(url: string, settings: ConnectSettings): Promise<{ name: string; url: string }> {
    const opened = await this.connections.connect(url, settings)
    this.recall.keep({ kind: 'connection', url, settings })
    return opened
  }

  private defineParam(spec: ParamSpec): unknown {
    const value = this.params.define(spec)
    this.recall.keep({ kind: 'param', spec: { ...spec, value: value as ParamSpec['value'] } })
    return value
  }

  private checkpoint(settings: CheckpointSettings | undefined): CheckpointStatus {
    if (settings === undefined) return this.checkpoints.status()
    const status = this.checkpoints.configure(settings)
    this.recall.keep({ kind: 'checkpoints', settings })
    this.recall.switch(this.checkpoints.on)
    return status
  }

  /** The engine before this one was killed: everything it told comes back, streams from their checkpoints. */
  private async begin(entries: readonly Remembered[]): Promise<void> {
    for (const entry of inOrder(entries)) {
      try {
        if (entry.kind === 'connection') await this.connect(entry.url, entry.settings)
        else if (entry.kind === 'param') this.defineParam(entry.spec)
        else if (entry.kind === 'checkpoints') this.checkpoint(entry.settings)
        else if (entry.kind === 'stream') await this.streams.start(entry.name, entry.plan, entry.options)
        else if (entry.kind === 'chart') this.charts.goOn(entry.chartId, entry.stream, entry.options, entry.cellId)
        else this.cellShows(entry.cellId, entry.chartIds)
      } catch (error) {
        const cellId = entry.kind === 'stream' ? entry.options.cellId : undefined
        const name = entry.kind === 'stream' ? entry.name : entry.kind
        const parts = error instanceof StreamError ? error.toJSON() : undefined
        const message = `Cannot go on after the engine was lost: ${error instanceof Error ? error.message : String(error)}`
        this.options.streamError(cellId ?? '', name, parts ?? { code: 'STREAM_FAILED', message })
      }
    }
  }

  private cellShows(cellId: string, chartIds: readonly string[]): void {
    this.charts.cellShows(cellId, chartIds)
    if (chartIds.length === 0) this.recall.drop('cell', cellId)
    else this.recall.keep({ kind: 'cell', cellId, chartIds })
  }

  /** Topics of all connections, for the topic browser; a broker that does not answer is left out. */
  private async topicLines(): Promise<TopicLine[]> {
    const lines = this.connections.list().map(async ({ name }) => {
      const topics = await this.connections.get(name).topics({})
      return topics.map(topic => topicLine(name, topic))
    })
    const told = await Promise.allSettled(lines)
    return told.flatMap(one => (one.status === 'fulfilled' ? one.value : []))
  }

  private async show(
    stream: { name: string | undefined; plan: PlanNode; cellId?: string | undefined },
    options: ChartOptions,
  ): Promise<MimeBundle> {
    const { cellId } = stream
    let { name } = stream
    if (name === undefined) {
      // The same expression shown again, by the same cell or another, is the same view.
      name = viewName(planKey(stream.plan))
      if (!this.streams.has(name)) await this.streams.start(name, stream.plan, { listed: false, cellId })
    } else if (!this.streams.has(name)) await this.streams.start(name, stream.plan, { cellId })
    return this.charts.show(name, this.streams.planOf(name) ?? stream.plan, options, cellId)
  }

  /** Rows are read as any reader of the engine's reads them; the curve is a feed, so its chart is a stream's chart. */
  private async train(plan: PlanNode, spec: TrainSpec): Promise<void> {
    const { cellId = '' } = spec
    const owner = {}
    await this.trainings.begin(spec, ({ name, slice, curve }) => {
      const sliced = slice === undefined ? plan : slicedPlan(this.streams.resolve(plan), slice, name)
      const source = () => {
        const id = this.subscriptions.subscribe(sliced, { cellId }, owner)
        return {
          next: () => this.subscriptions.rows(id),
          drain: () => this.subscriptions.drain(id),
          close: () => this.subscriptions.close(id),
        }
      }
      const around = {
        models: this.models,
        epoch: async (row: Epoch) => {
          const processingTimeMs = wallClock.nowMs()
          await this.feeds.push(`${curve}-chart`, { kind: 'rows', rows: curveRows(row), processingTimeMs })
          await this.feeds.push(curve, { kind: 'rows', rows: [row], processingTimeMs })
        },
        over: async () => {
          await this.feeds.push(`${curve}-chart`, { kind: 'end' })
          await this.feeds.push(curve, { kind: 'end' })
        },
        tell: (text: string) => this.options.lambdaOutput(cellId, 'stdout', text),
      }
      return { source, around }
    })
  }

  /** Asked for by a page: who cannot be trained again goes on with what it has, and says why. */
  private async retrain(name: string): Promise<void> {
    try {
      await this.trainings.retrain(name)
    } catch (error) {
      const parts = error instanceof StreamError ? error.toJSON() : undefined
      const message = `Cannot train model "${name}" again: ${error instanceof Error ? error.message : String(error)}`
      this.models.fail(name, parts ?? { code: 'TRAINING_FAILED', message })
    }
  }

  private async generate(topic: string, options: GenerateOptions, body: ShippedLambda | undefined): Promise<void> {
    const embedded = this.connections.requireEmbedded(topic)
    if (body === undefined) return embedded.generate(topic, options)
    const cellId = options.cellId ?? ''
    const generator = this.compute.generator(topic, body, this.params.all(), (name, text) =>
      this.options.lambdaOutput(cellId, name, text),
    )
    const make: RecordMaker = due =>
      generator.call({ due, topic, time: options.time } satisfies GenerateArgs) as ReturnType<RecordMaker>
    try {
      await embedded.generate(topic, options, make, error => {
        const parts =
          error instanceof StreamError
            ? error.toJSON()
            : { code: 'LAMBDA_THREW' as const, message: (error as Error).message }
        generator.close()
        this.options.streamError(cellId, topic, {
          ...parts,
          hint: parts.hint ?? `Correct the body and run %%generate ${topic} again`,
        })
      })
    } catch (error) {
      generator.close()
      throw error
    }
    this.generators.get(topic)?.close()
    this.generators.set(topic, generator)
  }

  async close(): Promise<void> {
    this.charts.close()
    await this.checkpoints.close()
    await this.streams.close()
    await this.connections.close()
    await this.compute.close()
  }
}

function topicLine(connection: string, topic: TopicSummary): TopicLine {
  return {
    connection,
    name: topic.name,
    partitionCount: topic.partitions.length,
    recordCount: topic.partitions.reduce((sum, { lowOffset, highOffset }) => sum + Number(highOffset - lowOffset), 0),
    recordsPerSecond: topic.recordsPerSecond ?? null,
    description: topic.description ?? null,
    columns: (topic.columns ?? []).map(({ name, type }) => ({ name, type })),
  }
}
