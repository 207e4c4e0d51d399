/**
 * The contract of everything that transforms records. An operator is a deterministic function of its state and the batch; what
 * it decides about row i depends only on rows before i, so a batch may be cut anywhere. It never reads a clock.
 */
import type { Batch, Origin, RecordMeta } from '../model.ts'

export interface Operator {
  /** Handles rows in order, then the watermark after them (`batch.watermarkMs`). */
  onBatch(batch: Batch): Batch
  /** The watermark rose without a row. */
  onWatermark(watermarkMs: number): Batch
  /** The bounded input is over; the watermark is +Infinity from now on. */
  onEnd(): Batch
  /**
   * True while it has more to give of what it was handed last: a firing of many rows comes in pieces, and other work has its turn
   * between them. Where it pauses never changes a row. Absent: never.
   */
  readonly unfinished?: boolean
  /** The next piece. Until the last one only counters and `provisional` are asked. */
  goOn?(): Batch
  /** Structured-cloneable state, turned into bytes before the operator goes on: large arrays need not be copied. */
  snapshot(): unknown
  /** Called on a fresh operator of the same plan. */
  restore(state: unknown): void
  /** Called every few thousand records: it must not look at every key. */
  stateBytes(): number
  /** Keys it holds something for; absent where there are none. */
  keyCount?(): number
}

/** What an operator that fills windows also offers: rows of the windows still open, for charts. */
export interface Provisional {
  /** Rows of open windows as they would look if they closed now, at most `limit`, newest windows first. */
  provisional(limit: number): Batch
}

/** Where an operator reports what it cannot pass on. One per stage; counts are part of the pipeline's snapshot. */
export interface StageContext {
  /** A record beyond the allowed lateness: no window takes it. `reason` says it in other words. */
  drop(batch: Batch, index: number, reason?: string): void
  /** A late record that a window still took. */
  tookLate(): void
  /** A record that could not be computed; `counts` false when the record went on anyway (a NaN left out of one aggregate). */
  refuse(batch: Batch, index: number, reason: string, counts?: boolean): void
  /** A lambda threw: refuses the record with the lambda's line. */
  threw(batch: Batch, index: number, error: unknown, lambda: Lambda): void
  /** Told once each to whoever made the stream: something that is no error and may still not be meant. */
  notice?(text: string): void
  /** Rows of this stage seen without a failure; ends the "first 100 all fail" watch. */
  passed(): void
}

/** A function of the user's, ready to be called. */
export interface Lambda {
  readonly call: (row: unknown, meta?: RecordMeta) => unknown
  /** False: the second argument is never looked at, so it is not made. */
  readonly wantsMeta: boolean
  /** What was written. */
  readonly text?: string | undefined
  /** For error texts. */
  readonly describe: (error: unknown) => string
}

export const NO_TIMES = new Float64Array(0)

export function emptyBatch(watermarkMs: number): Batch {
  return { count: 0, rows: [], eventTimesMs: NO_TIMES, beforeMs: NO_TIMES, watermarkMs }
}

const NO_HEADERS: Readonly<Record<string, Uint8Array>> = Object.freeze({})

/** The second argument of lambdas (rules.md 15). */
export function metaOf(batch: Batch, i: number): RecordMeta {
  const origin = batch.origin
  return {
    key: origin?.keys?.[i] ?? null,
    partition: origin?.partitions[i] ?? 0,
    offset: origin?.offsets[i] ?? 0n,
    headers: origin?.headers?.[i] ?? NO_HEADERS,
    timestamp: origin?.timestampsMs[i] ?? (batch.eventTimesMs[i] as number),
    eventTimeMs: batch.eventTimesMs[i] as number,
  }
}

/** Origins of chosen rows, computed only when somebody looks: most pipelines never do. */
export function selectOrigin(origin: Origin | undefined, indices: Int32Array, count: number): Origin | undefined {
  return origin === undefined ? undefined : new SelectedOrigin(origin, indices, count)
}

class SelectedOrigin implements Origin {
  private readonly from: Origin
  private readonly indices: Int32Array
  private readonly count: number
  private cachedPartitions: Int32Array | undefined
  private cachedOffsets: BigInt64Array | undefined
  private cachedTimestamps: Float64Array | undefined

  constructor(from: Origin, indices: Int32Array, count: number) {
    this.from = from
    this.indices = indices
    this.count = count
  }

  get partitions(): Int32Array {
    return (this.cachedPartitions ??= Int32Array.from(
      { length: this.count },
      (_, i) => this.from.partitions[this.at(i)] as number,
    ))
  }

  get offsets(): BigInt64Array {
    return (this.cachedOffsets ??= BigInt64Array.from(
      { length: this.count },
      (_, i) => this.from.offsets[this.at(i)] as bigint,
    ))
  }

  get timestampsMs(): Float64Array {
    return (this.cachedTimestamps ??= Float64Array.from(
      { length: this.count },
      (_, i) => this.from.timestampsMs[this.at(i)] as number,
    ))
  }

  get keys(): readonly unknown[] | undefined {
    const keys = this.from.keys
    return keys === undefined ? undefined : Array.from({ length: this.count }, (_, i) => keys[this.at(i)])
  }

  get headers(): Origin['headers'] {
    const headers = this.from.headers
    return headers === undefined ? undefined : Array.from({ length: this.count }, (_, i) => headers[this.at(i)])
  }

  private at(i: number): number {
    return this.indices[i] as number
  }
}
