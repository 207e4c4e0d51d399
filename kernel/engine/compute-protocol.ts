/**
 * What the engine's main thread and the compute worker tell each other. The worker is a deterministic function of these
 * messages: a run's snapshot plus the events after it give the same rows again, which is how the main thread restores all
 * runs after it had to end a worker.
 */
import type { SourceEvent } from '../../stream/model.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import type { ModelArtifact } from '../../stream/models/artifact.ts'
import type { FeedNode, PlanNode, TopicNode } from '../../stream/plan.ts'
import type { PipelineStats } from '../../stream/pipeline.ts'
import type { ColumnType } from '../../stream/connectors/connector.ts'
import type { TapFrame, TapOptions } from '../../stream/charts/tap.ts'

export interface RunSpec {
  readonly run: number
  readonly name: string
  /** Named streams inlined. */
  readonly plan: PlanNode
  /** Whether output rows are wanted by the main thread (a subscription), retractions included or not. */
  readonly deliver: 'nothing' | 'rows' | 'changes'
  readonly params: Readonly<Record<string, unknown>>
  /** Models the plan scores with; one in training comes as an event. */
  readonly models: readonly ModelArtifact[]
  readonly base?: RunBase | undefined
  readonly taps: readonly TapSpec[]
  /** A snapshot ends a transaction: rows after it are not given before it. */
  readonly commits: boolean
  /** Somebody looks at the join that gives the rows. */
  readonly looking: boolean
  /** Events up to this one were handled by a worker before: what lambdas print is not printed again. */
  readonly silentUntil: number
}

export interface TapSpec {
  readonly chartId: string
  readonly options: TapOptions
  /** Changes are kept for it from the start (`tap-changes` says otherwise later). */
  readonly changes?: boolean | undefined
  /** Of the tap of this chart in a process before this one, at the snapshot the run began with. */
  readonly state?: unknown
}

/** State of a run after event `sequence`. */
export interface RunBase {
  readonly sequence: number
  readonly bytes: Uint8Array
  /** Rows delivered up to here. */
  readonly rowCount: number
  readonly taps: Readonly<Record<string, unknown>>
  /** Next offset of each partition, by source: where readers go on. */
  readonly positions: readonly (readonly (readonly [partition: number, offset: bigint])[])[]
}

/** What a run handles in order; `sequence` counts them. */
export type RunEvent =
  | { readonly kind: 'source'; readonly source: number; readonly event: SourceEvent }
  | { readonly kind: 'param'; readonly name: string; readonly value: unknown }
  /** Rows after it are scored by this model. */
  | { readonly kind: 'model'; readonly artifact: ModelArtifact }
  /** `stream.restore(bytes)`. */
  | { readonly kind: 'restore'; readonly bytes: Uint8Array }

export type ToCompute =
  | { readonly type: 'start'; readonly spec: RunSpec }
  | { readonly type: 'event'; readonly run: number; readonly sequence: number; readonly event: RunEvent }
  | { readonly type: 'snapshot'; readonly run: number }
  | { readonly type: 'tap'; readonly run: number; readonly tap: TapSpec }
  /** Somebody asks for the changes of a chart, or nobody does any more. */
  | { readonly type: 'tap-changes'; readonly run: number; readonly chartId: string; readonly on: boolean }
  /** Somebody looks at the join that gives the rows, or nobody does any more. */
  | { readonly type: 'look'; readonly run: number; readonly on: boolean }
  | { readonly type: 'stop'; readonly run: number }
  /** Makes rows with a shipped generator body; answered by `generated`. */
  | {
      readonly type: 'generator'
      readonly run: number
      readonly plan: PlanNode
      readonly params: Readonly<Record<string, unknown>>
    }
  | { readonly type: 'generate'; readonly run: number; readonly call: number; readonly args: readonly unknown[] }

export type FromCompute =
  | {
      readonly type: 'started'
      readonly run: number
      readonly sources: readonly (TopicNode | FeedNode)[]
      /** Sources below a table: what is in them is read before the others begin. */
      readonly tables: readonly boolean[]
    }
  | {
      readonly type: 'rows'
      readonly run: number
      /** Rows delivered before these since the run's beginning; a restored worker repeats some. */
      readonly at: number
      readonly rows: readonly unknown[]
      readonly eventTimesMs: Float64Array
      readonly weights?: Int8Array | undefined
      /** Watermark after the last of the rows. */
      readonly watermarkMs: number
    }
  | {
      readonly type: 'handled'
      readonly run: number
      readonly sequence: number
      readonly elapsedMs: number
      /** Why a `restore` was not taken. */
      readonly refusal?: StreamErrorParts | undefined
    }
  | {
      readonly type: 'stats'
      readonly run: number
      readonly stats: PipelineStats
      readonly errors: readonly string[]
      readonly columns: readonly ColumnType[]
    }
  | {
      readonly type: 'taps'
      readonly run: number
      readonly frames: readonly (readonly [chartId: string, frame: TapFrame])[]
    }
  | { readonly type: 'snapshot'; readonly run: number; readonly base: RunBase; readonly elapsedMs: number }
  | { readonly type: 'console'; readonly run: number; readonly name: 'stdout' | 'stderr'; readonly text: string }
  /** The first record that could not be decoded or computed; told once. */
  | { readonly type: 'refused'; readonly run: number; readonly error: StreamErrorParts }
  /** The run takes no more events. */
  | {
      readonly type: 'ended'
      readonly run: number
      readonly state: 'ended' | 'failed'
      readonly error?: StreamErrorParts | undefined
    }
  | {
      readonly type: 'generated'
      readonly run: number
      readonly call: number
      readonly value?: unknown
      readonly error?: StreamErrorParts | undefined
    }

/** Cells of the shared progress array, written by the worker at each call of a lambda, watched by the main thread. */
export const PROGRESS = {
  /** Run whose events are handled now, 0 between. */
  run: 0,
  /** Calls of lambdas begun so far (wraps). */
  calls: 1,
  /** 1 while a lambda is being called. */
  inside: 2,
  /** Which lambda of the run, in the order of `lambdasOf(plan)`. */
  lambda: 3,
  cells: 4,
} as const

/** What the worker is given when it is made. */
export interface ComputeData {
  readonly progress: SharedArrayBuffer
}
