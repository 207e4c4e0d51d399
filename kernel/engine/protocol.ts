/**
 * What the engine process answers. Two peers talk to it: the cells process (plans one way, rows asked for the other) over a
 * Unix socket in a private folder, and the supervisor (charts, listings, completion) over the child's IPC channel. Both use
 * `kernel/rpc.ts`: requests with an answer, notices without. Values are v8-serialised, so bigint, Map and typed arrays pass.
 */
import type { StreamErrorParts } from '../../stream/errors.ts'
import type { RecordingState, RecordSpec } from '../../stream/recordings/recorder.ts'
import type { Columns } from '../../stream/model.ts'
import type { TrainSpec } from '../../stream/training/spec.ts'
import type { ModelArtifact } from '../../stream/models/artifact.ts'
import type { PlanNode, ShippedLambda } from '../../stream/plan.ts'
import type { GroupSummary, SegmentSummary, TopicChanges, TopicSummary } from '../../stream/connectors/connector.ts'
import type { SinkOptions, SinkResult, SinkTarget } from '../../stream/sinks/sink.ts'
import type { ChartOptions, FromEngine, MimeBundle, ToEngine } from '../../stream/charts/protocol.ts'
import type { Remembered } from './recall.ts'
import type {
  CheckpointSettings,
  CheckpointStatus,
  ConnectSettings,
  FeedPushOptions,
  GenerateOptions,
  ParamSpec,
  ProduceOptions,
  ProduceResult,
  RowChunk,
  StartOptions,
  StreamSummary,
  SubscribeOptions,
  TopicDescription,
} from '../../stream/targets/runtime.ts'

/** Requests of the cells process; each method mirrors one of `Runtime`. */
export interface EngineForCells {
  start(name: string, plan: PlanNode, options: StartOptions): void
  /** See `Runtime.sink`; answers when the sink runs, or with `bounded` when all is written. */
  sink(plan: PlanNode, target: SinkTarget, options: SinkOptions): SinkResult
  stop(name: string): void
  drain(name: string): void
  pause(name: string): void
  resume(name: string): void
  list(): StreamSummary[]
  /** Opens a subscription and gives its id; `rows` pulls, and answers null at the end. */
  subscribe(plan: PlanNode, options: SubscribeOptions): string
  rows(subscription: string): RowChunk | null
  unsubscribe(subscription: string): void
  drainSubscription(subscription: string): void
  feedOpen(id: string): void
  feedPush(id: string, rows: readonly unknown[], options: FeedPushOptions): void
  feedPushColumns(id: string, columns: Columns, count: number): void
  feedWatermark(id: string, watermarkMs: number, partition: number | undefined): void
  feedIdle(id: string, partition: number): void
  feedEnd(id: string): void
  connect(url: string, options: ConnectSettings): { name: string; url: string }
  /** A method of the connection's `SchemaRegistry`. */
  registry(connection: string, method: string, args: readonly unknown[]): unknown
  describeTopic(connection: string, topic: string): TopicDescription
  listTopics(connection: string, options: { internal?: boolean; facts?: boolean }): TopicSummary[]
  createTopic(connection: string, topic: string, options: { partitions: number } & TopicChanges): void
  alterTopic(connection: string, topic: string, changes: TopicChanges): void
  segments(connection: string, topic: string): SegmentSummary[]
  groups(connection: string, name: string | undefined): GroupSummary[]
  deleteTopic(connection: string, topic: string): void
  produce(connection: string, topic: string, rows: readonly unknown[], options: ProduceOptions): ProduceResult
  generate(topic: string, options: GenerateOptions, body: ShippedLambda | undefined): void
  defineParam(spec: ParamSpec): unknown
  setParam(name: string, value: unknown): void
  defineModel(artifact: ModelArtifact): void
  model(name: string): ModelArtifact
  record(name: string, spec: RecordSpec): void
  stopRecording(name: string): RecordingState
  train(plan: PlanNode, spec: TrainSpec): void
  retrain(name: string): void
  stopTraining(name: string | undefined): string[]
  snapshot(name: string): Uint8Array
  restore(name: string, bytes: Uint8Array): void
  /** Keeps the named streams on disk; without settings tells only. */
  checkpoint(settings: CheckpointSettings | undefined): CheckpointStatus
  show(
    stream: { name: string | undefined; plan: PlanNode; cellId?: string | undefined },
    options: ChartOptions,
  ): MimeBundle
  showParam(name: string): MimeBundle
}

/** Requests of the supervisor. */
export interface EngineForSupervisor extends Pick<
  EngineForCells,
  'list' | 'listTopics' | 'describeTopic' | 'stop' | 'drain' | 'pause' | 'resume'
> {
  /** A chart as it stands now, for front ends that draw outputs and not frames; asking counts as looking at it. */
  chartPicture(chartId: string): { bundle: MimeBundle; over: boolean } | null
  /** The charts that a cell's output shows, in order: what a page that lost them may put back. */
  cellCharts(cellId: string, chartIds: readonly string[]): void
  /** Interrupt ends trainings; gives the names of those that ran. */
  stopTrainings(): string[]
  /** Connections open now, by name. */
  connections(): { name: string; url: string }[]
  /** The cells process was replaced: its subscriptions end as CELLS_RESTARTED, named streams go on. */
  cellsReplaced(): void
  /** What the engine before this one told with `remember`; answered when everything runs again. */
  recall(entries: readonly Remembered[]): void
  shutdown(): void
}

/** Notices from the supervisor. `connection` identifies one comm. */
export type SupervisorNotice = { readonly type: 'chart'; readonly connection: string; readonly message: ToEngine }

/** Notices to the supervisor. */
export type EngineNotice =
  | { readonly type: 'ready'; readonly path: string; readonly instance: string }
  | {
      readonly type: 'chart'
      readonly connection: string
      readonly message: FromEngine
      readonly buffers?: readonly Uint8Array[] | undefined
    }
  /** `console` in a lambda, already limited to 20 lines a second: goes to the cell that made the stream. */
  | {
      readonly type: 'lambdaOutput'
      readonly cellId: string
      readonly name: 'stdout' | 'stderr'
      readonly text: string
    }
  /** A stream's error, told once in the cell that made it (stderr text after idle). */
  | { readonly type: 'streamError'; readonly cellId: string; readonly stream: string; readonly error: StreamErrorParts }
  /** To be told to the next engine, should this one be killed; without a value no longer. */
  /** A password the engine uses: nothing that the notebook sees may hold it. */
  | { readonly type: 'secret'; readonly secret: string }
  | { readonly type: 'remember'; readonly key: string; readonly value: Remembered | undefined }

/** Notices to the cells process. */
export type CellsNotice = { readonly type: 'param'; readonly name: string; readonly value: unknown }
