/**
 * The shapes that travel through the pipe, from a broker's bytes to rows with a weight.
 *
 *   Envelope (undecoded bytes + position) -> Batch (decoded rows with event time and running watermark) -> Batch (changes)
 *
 * Everything is columnar per batch: one array per field, index i is one record. Records of one partition keep their order.
 * A batch may be cut anywhere without changing a result: whatever an operator decides about row i depends only on rows
 * before i, because `beforeMs[i]` carries the watermark that was in force just before row i.
 */

import type { BatchSchemas } from './schema-model.ts'

/** A place in a topic. */
export interface Position {
  readonly partition: number
  readonly offset: bigint
}

/** One undecoded record, for code where speed does not matter (produce, peek, tests). */
export interface Envelope extends Position {
  /** The record's own timestamp (set by the producer or the log), epoch ms. */
  readonly timestampMs: number
  readonly key: Uint8Array | null
  /** null is a tombstone. */
  readonly value: Uint8Array | null
  readonly headers?: Readonly<Record<string, Uint8Array>> | undefined
}

/**
 * Undecoded records in the order they are to be handled (history: merged by smallest timestamp, then partition).
 * Keys and values lie in one buffer of exactly their size, so a batch crosses a thread by transfer, not by copy.
 */
export interface EnvelopeBatch {
  readonly count: number
  readonly partitions: Int32Array
  readonly offsets: BigInt64Array
  readonly timestampsMs: Float64Array
  readonly bytes: Uint8Array
  /** Pairs (start, length) into `bytes`, 2 × count; length −1 is null. */
  readonly keyRanges: Int32Array
  readonly valueRanges: Int32Array
  /** Absent when no record of the batch has headers. */
  readonly headers?: readonly (Readonly<Record<string, Uint8Array>> | undefined)[] | undefined
  /** The schemas its records refer to, fetched before they are decoded; absent when there is no registry. */
  readonly schemas?: BatchSchemas | undefined
  /** Number of the log they are from: two records of one log, partition and offset are the same. Absent where nobody knows. */
  readonly log?: number | undefined
}

/**
 * What a source tells a pipeline, in the order it is to be handled. A journal of these events plus a snapshot replays a
 * pipeline exactly; nothing else enters it (param changes are journalled beside them).
 */
export type SourceEvent =
  /** `processingTimeMs`: when they were read, told where that is their event time. */
  | { readonly kind: 'envelopes'; readonly batch: EnvelopeBatch; readonly processingTimeMs?: number | undefined }
  /** Rows already decoded: `from`, `feed`. `partitions` absent means all partition 0. */
  | {
      readonly kind: 'rows'
      readonly rows: readonly unknown[]
      readonly partitions?: Int32Array | undefined
      readonly keys?: readonly unknown[] | undefined
      /** When they were pushed: the event time of rows whose source names no time field. */
      readonly processingTimeMs?: number | undefined
      /** The rows as columns; `rows` is then made of them when somebody looks. */
      readonly columns?: Columns | undefined
      /** Number of rows, told beside columns. */
      readonly count?: number | undefined
      /** Event times told beside the rows; they win over the source's time field. */
      readonly eventTimesMs?: Float64Array | undefined
    }
  /** Explicit watermark of one partition, or of all when `partition` is undefined. */
  | { readonly kind: 'watermark'; readonly watermarkMs: number; readonly partition?: number | undefined }
  /** The partition turns idle now; its next record makes it active again. */
  | { readonly kind: 'idle'; readonly partition: number }
  /** The source exists with this many partitions from now on (sent first, and again when a topic grows). */
  | {
      readonly kind: 'partitions'
      readonly count: number
      /** Offset each is read from, where no record tells it yet. */
      readonly starts?: readonly (readonly [partition: number, offset: bigint])[] | undefined
      /** It goes on after a restore: what came meanwhile is history, so no partition is idle before it is at the end of that. */
      readonly resumed?: boolean | undefined
    }
  /** Bounded source: no more records; the watermark goes to +Infinity. */
  | { readonly kind: 'end' }

/** One array per field, all of one length. */
export type Columns = Readonly<Record<string, ArrayLike<unknown>>>

/** Decoded rows on their way through operators. */
export interface Batch {
  readonly count: number
  readonly rows: readonly unknown[]
  readonly eventTimesMs: Float64Array
  /** Watermark of this stream just before row i is handled; −Infinity before anything is known. Never decreases. */
  readonly beforeMs: Float64Array
  /**
   * Set where one partition's times alone move the watermark: `beforeMs[i]` is then the greatest of `firstMs` and the times before
   * it less `trailMs`, and need not be looked at. `ordered`: the times never go back.
   */
  readonly run?: { readonly firstMs: number; readonly trailMs: number; readonly ordered: boolean } | undefined
  /** Watermark after the whole batch, rows included. */
  readonly watermarkMs: number
  /** True: after this batch no partition of the source takes part in the watermark. Absent means false. */
  readonly idle?: boolean | undefined
  /** True: the source goes on after a restore and holds the watermark again. Only on batches without rows. */
  readonly resumed?: boolean | undefined
  /** +1 or −1 per row; absent means all +1. */
  readonly weights?: Int8Array | undefined
  /** The same rows as columns, where they are at hand; `rows` is then made of them when somebody looks. */
  readonly columns?: Columns | undefined
  /**
   * To be called by the one consumer of the batch when it is done with it: its arrays are written to again. Whoever does not know
   * that nobody else looks at them never calls it.
   */
  readonly release?: (() => void) | undefined
  /** Where each row came from; absent below an operator that makes new rows (a window). */
  readonly origin?: Origin | undefined
}

/** Positions of the source records behind the rows of a batch, by row index. */
export interface Origin {
  readonly partitions: Int32Array
  readonly offsets: BigInt64Array
  readonly timestampsMs: Float64Array
  readonly keys?: readonly unknown[] | undefined
  readonly headers?: readonly (Readonly<Record<string, Uint8Array>> | undefined)[] | undefined
}

/** The second argument of every lambda (rules.md 15). */
export interface RecordMeta {
  readonly key: unknown
  readonly partition: number
  readonly offset: bigint
  readonly headers: Readonly<Record<string, Uint8Array>>
  /** The record's own timestamp, epoch ms. */
  readonly timestamp: number
  readonly eventTimeMs: number
}

/** A record that was too late or could not be decoded or computed (rules.md 11). */
export interface Refused<T = unknown> {
  readonly row: T
  readonly eventTimeMs: number
  readonly partition: number
  readonly offset: bigint
  readonly reason: string
}

/** One step of a changelog: the row came (+1) or went (−1). */
export interface Change<T = unknown> {
  readonly weight: 1 | -1
  readonly row: T
}

export type StreamState = 'starting' | 'running' | 'paused' | 'ended' | 'failed' | 'stopped'

/** Nothing comes any more unless the stream is started anew. */
export function isOver(state: StreamState): boolean {
  return state === 'ended' || state === 'failed' || state === 'stopped'
}

/** Where one partition stands in event time: for people who ask why a window is still open. */
export interface PartitionTime {
  readonly partition: number
  /** null: no event yet. */
  readonly watermarkMs: number | null
  /** Only an active partition holds the watermark of its source. */
  readonly phase: 'active' | 'idle' | 'catchingUp'
}

/** A record that came after its last window had closed. */
export interface LateRecord {
  readonly eventTimeMs: number
  readonly partition: number
  readonly offset: string
  readonly reason: string
}

/** Sources in the order of the plan, each with its partitions; the newest dropped records. */
export interface StreamTime {
  readonly sources: readonly (readonly PartitionTime[])[]
  readonly late: readonly LateRecord[]
}

/** Counters of one running stream, as shown by the strip and `%streams`. */
export interface StreamStats {
  readonly state: StreamState
  /** Records read since the start, and per second over the last second or so. */
  readonly recordCount: number
  readonly recordsPerSecond: number
  /** Rows that left the stream. */
  readonly rowCount: number
  /** Epoch ms; null while unknown. */
  readonly watermarkMs: number | null
  /** Records between the position read and the end of the topic; null for unbounded feeds. */
  readonly lagCount: number | null
  /** Late but taken (kind "late"). */
  readonly lateCount: number
  /** Late beyond lateness, not taken by any window. */
  readonly droppedCount: number
  readonly errorCount: number
  readonly stateBytes: number
  /** Rows that wait for partners, over all joins of the stream; absent without one. */
  readonly waitingCount?: number | undefined
  readonly time?: StreamTime | undefined
  /** The pattern of `.match` at work; only where somebody can look at it. */
  readonly pattern?: import('./patterns/view.ts').PatternView | undefined
  /** The join that gives the rows; only while somebody looks at it. */
  readonly join?: import('./join-view.ts').JoinView | undefined
  /** What was labelled by hand of the source of a scored stream; only where somebody can look at it. */
  readonly labels?: { readonly file: string; readonly ranges: readonly (readonly [number, number])[] } | undefined
  /** The model that scores it, where it was trained here; only where somebody can look at it. */
  readonly model?: ModelStanding | undefined
  /** The newest line about its source or target: a broker is away, or how long it was. */
  readonly notice?: string | undefined
  /** What ended it, when failed. */
  readonly error?: import('./errors.ts').StreamErrorParts | undefined
}

/** How a model that was trained here stands. */
export interface ModelStanding {
  readonly version: number
  /** It learns again; the version there is scores meanwhile. */
  readonly training: boolean
  /** Why the last training gave no new version. */
  readonly problem: string | null
}

/** A column of a row type, as TypeScript. */
export interface ColumnType {
  readonly name: string
  /** TypeScript type text, e.g. `string`, `number`, `'card' | 'cash'`, `{ lat: number; lon: number }`. */
  readonly type: string
  readonly optional?: boolean | undefined
  readonly doc?: string | undefined
  /** True for epoch ms columns: tables and axes show UTC. */
  readonly instant?: boolean | undefined
}
