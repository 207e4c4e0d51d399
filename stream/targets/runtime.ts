/**
 * Where streams run. The fluent API (stream/stream.ts) builds plans and asks a runtime to run them: `local` runs them in this
 * thread with plain closures; inside Jupyter the cells process sets a runtime that ships them to the engine. One suite runs
 * both and demands equal bytes.
 */
import type { GeneratorTuning } from '../log/log.ts'
import type { Columns, StreamStats } from '../model.ts'
import type { LambdaSlot, PlanNode, TopicOptions } from '../plan.ts'
import type { ModelArtifact } from '../models/artifact.ts'
import type { TrainSpec } from '../training/spec.ts'
import type { RecordingState, RecordSpec } from '../recordings/recorder.ts'
import type { SchemaRegistry } from '../schema-model.ts'
import type { ColumnType, GroupSummary, SegmentSummary, TopicChanges, TopicSummary } from '../connectors/connector.ts'
import type { SinkOptions, SinkResult, SinkTarget } from '../sinks/sink.ts'
import type { ChartOptions, MimeBundle } from '../charts/protocol.ts'

export interface Runtime {
  /** Turns a lambda into what a plan may hold: itself inline, its text and captures when shipped. Throws LAMBDA_CAPTURE, LAMBDA_ASSIGNMENT. */
  ship(f: (...args: never[]) => unknown): LambdaSlot
  /** A lambda without arguments that gives the value of a param; absent: closures are shipped as they are. */
  shipParam?(name: string): LambdaSlot
  /**
   * Starts `plan` as the stream called `name`; a running stream of that name is replaced and its consumers restart from the
   * new one. Resolves when the stream runs (not when it has rows).
   */
  start(name: string, plan: PlanNode, options?: StartOptions): Promise<void>
  /** Starts writing what a plan gives; resolves once it runs, or with `bounded` once it has ended and all is acknowledged. */
  sink(plan: PlanNode, target: SinkTarget, options: SinkOptions): Promise<SinkResult>
  /** Runs a plan for one consumer: rows since its `--from`, with back-pressure of `bufferRows`. Not listed. */
  subscribe(plan: PlanNode, options?: SubscribeOptions): RowSource
  stop(name: string): Promise<void>
  /** Reads no further, fires everything that is open and ends the stream. */
  drain(name: string): Promise<void>
  pause(name: string): Promise<void>
  resume(name: string): Promise<void>
  list(): Promise<StreamSummary[]>
  /** Opens the push side of a `FeedNode`. */
  feed(id: string): FeedPort
  describeTopic(connection: string, topic: string): Promise<TopicDescription>
  /** With `facts`: sizes, rates, retention and schemas too. */
  listTopics(
    connection: string,
    options?: { readonly internal?: boolean; readonly facts?: boolean },
  ): Promise<TopicSummary[]>
  createTopic(connection: string, topic: string, options: { readonly partitions: number } & TopicChanges): Promise<void>
  alterTopic(connection: string, topic: string, changes: TopicChanges): Promise<void>
  segments(connection: string, topic: string): Promise<SegmentSummary[]>
  groups(connection: string, name?: string): Promise<GroupSummary[]>
  deleteTopic(connection: string, topic: string): Promise<void>
  /** `%connect`: opens a connection, replacing one of the same name. Resolves with its URL without secrets. */
  connect(url: string, options: ConnectSettings): Promise<{ name: string; url: string }>
  /** Schemas of a connection. Throws OPTION_INVALID when it was opened without a registry. */
  registry(connection: string): SchemaRegistry
  /** Sends rows to a topic, as JSON unless `format` says otherwise. */
  produce(connection: string, topic: string, rows: readonly unknown[], options?: ProduceOptions): Promise<ProduceResult>
  /** Starts a seeded generator on an embedded topic, or re-tunes the topic's own when `body` is absent. */
  generate(topic: string, options: GenerateOptions, body?: LambdaSlot): Promise<void>
  /** `param(...)`: defines or redefines; resolves with its current value. */
  defineParam(spec: ParamSpec): Promise<unknown>
  setParam(name: string, value: unknown): Promise<void>
  paramValue(name: string): unknown
  /** `model(…)`: streams that score with the name do so with this model from now on, and those that wait for it go on. */
  defineModel(artifact: ModelArtifact): Promise<void>
  /** Records what the sources of a running stream tell it; the stream begins anew. */
  record(name: string, spec: RecordSpec): Promise<void>
  /** Ends the recording of a stream. Throws STREAM_UNKNOWN when there is none. */
  stopRecording(name: string): Promise<RecordingState>
  /** Begins a training on rows of `plan`; resolves when it has begun. A training of the same name is ended. */
  train(plan: PlanNode, spec: TrainSpec): Promise<void>
  /** The training of that name once more, on the newest rows of its topics; resolves when it has begun. */
  retrain(name: string): Promise<void>
  /** Ends the training of that name, or all; gives the names of those that ran. */
  stopTraining(name?: string): Promise<string[]>
  /** The model of the name, once its training is over. */
  model(name: string): Promise<ModelArtifact>
  snapshot(name: string): Promise<Uint8Array>
  restore(name: string, bytes: Uint8Array): Promise<void>
  /** `checkpoint(…)`: keeps the named streams on disk, or with `everyMs` undefined no longer; absent: tells only. */
  checkpoint(settings?: CheckpointSettings): Promise<CheckpointStatus>
  /** The MIME bundle that shows a stream: live chart, Vega-Lite 5, text. */
  show(
    stream: { readonly name: string | undefined; readonly plan: PlanNode },
    options?: ChartOptions,
  ): Promise<MimeBundle>
  showParam(name: string): Promise<MimeBundle>
  /** `.chart()` was called: where nothing displays, a text table is printed at the end (rules.md 25). */
  chart?(stream: { readonly name: string | undefined; readonly plan: PlanNode }, options: ChartOptions): void
}

export interface ConnectSettings {
  /** Name of the connection. Default `embedded`: topics without a prefix are its. */
  readonly as?: string | undefined
  /** URL of a schema registry. */
  readonly registry?: string | undefined
  /** Name of a profile in the user's file: URL, login and all, so that no secret stands in a notebook. */
  readonly profile?: string | undefined
  readonly tls?: boolean | undefined
  /** File with the certificates to trust (PEM); means TLS. */
  readonly ca?: string | undefined
  readonly sasl?: 'plain' | 'scram-sha-256' | 'scram-sha-512' | 'oauthbearer' | undefined
  /** From a profile, the environment or a prompt. */
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** For `oauthbearer`, when the profile names no `tokenUrl` that gives one for user and password. */
  readonly token?: string | undefined
}

export interface CheckpointSettings {
  /** Undefined: off. */
  readonly everyMs: number | undefined
  /** Default: `.riffle-checkpoints/NOTEBOOK` beside the notebook, else in the working folder. */
  readonly folder?: string | undefined
}

export interface CheckpointStatus extends CheckpointSettings {
  readonly streams: readonly {
    readonly name: string
    readonly savedAtMs?: number | undefined
    readonly sizeBytes?: number | undefined
    /** Why it is not kept. */
    readonly refusal?: string | undefined
  }[]
}

export interface StartOptions {
  /** Which cell made it. */
  readonly cellId?: string | undefined
  /** False: an unnamed step that was continued, not listed. Default true. */
  readonly listed?: boolean | undefined
  /** Where its rows are written. */
  readonly sink?: SinkTarget | undefined
}

export interface SubscribeOptions {
  /** Rows the producer may run ahead. Default 10,000. */
  readonly bufferRows?: number | undefined
  /** Deliver retractions too. Default false. */
  readonly changes?: boolean | undefined
  /** End the read when every topic below has been read to the end offset it had at subscription. Default false. */
  readonly bounded?: boolean | undefined
  /** Which cell reads: what its lambdas print goes there. */
  readonly cellId?: string | undefined
}

/** A pull side with back-pressure. `next` resolves with rows, or null at the end of the stream; rejects when it failed. */
export interface RowSource {
  next(): Promise<RowChunk | null>
  close(): Promise<void>
  /** Nothing more is read below; `next` gives what that fires, then null. Absent: rows come from elsewhere. */
  drain?(): Promise<void>
}

export interface RowChunk {
  readonly rows: readonly unknown[]
  /** The same rows as columns, where they are at hand. */
  readonly columns?: Columns | undefined
  /** Number of rows, told beside columns. */
  readonly count?: number | undefined
  readonly eventTimesMs: Float64Array
  readonly weights?: Int8Array | undefined
  /** Watermark after these rows, when known. */
  readonly watermarkMs?: number | undefined
  /** As of a batch: for a consumer that keeps none of the arrays. */
  readonly release?: (() => void) | undefined
}

export interface FeedPushOptions {
  readonly partition?: number | undefined
  readonly key?: unknown
  /** Event time of each row, when the feed does not read it from the rows. */
  readonly eventTimesMs?: Float64Array | undefined
}

/** Pushes resolve when everything below has handled them (and in their order over all feeds). */
export interface FeedPort {
  push(rows: readonly unknown[], options?: FeedPushOptions): Promise<void>
  /** Rows as columns; where it is absent they are pushed as rows. */
  pushColumns?(columns: Columns, count: number): Promise<void>
  watermark(watermarkMs: number, partition?: number): Promise<void>
  idle(partition: number): Promise<void>
  end(): Promise<void>
}

export interface StreamSummary {
  readonly name: string
  readonly cellId?: string | undefined
  /** One line: what it does, e.g. `orders → filter → tumbling 10s by region`. */
  readonly outline: string
  readonly stats: StreamStats
  readonly columns: readonly ColumnType[]
  /** e.g. `uses threshold = 100`. */
  readonly captures: readonly { readonly name: string; readonly value: string; readonly local?: true }[]
  /** Names of streams that read this one. */
  readonly consumers: readonly string[]
}

export interface TopicDescription {
  readonly summary: TopicSummary
  /** Columns known or inferred from a sample of the newest records. */
  readonly columns: readonly ColumnType[]
  /** TypeScript type of a row. */
  readonly rowType: string
  /** The newest records, decoded, oldest first. */
  readonly sample: readonly unknown[]
}

export interface ProduceOptions {
  /** How values are written. `text`: a row is the text itself; `bytes`: a Uint8Array or base64 text; `avro`: by the newest version of TOPIC-value. Default `json`; null is a tombstone in all. */
  readonly format?: 'json' | 'avro' | 'text' | 'bytes' | undefined
  readonly key?: string | undefined
  readonly partition?: number | undefined
  readonly ratePerSecond?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface ProduceResult {
  readonly count: number
  readonly positions: readonly { partition: number; offset: bigint }[]
}

export interface GenerateOptions extends GeneratorTuning {
  /** Which cell made it: what the body prints goes there. */
  readonly cellId?: string | undefined
}

export interface ParamSpec {
  readonly name: string
  readonly value: number | string | boolean
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly step?: number | undefined
  readonly choices?: readonly (number | string)[] | undefined
}

export type { TopicOptions }
