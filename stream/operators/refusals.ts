/**
 * What a pipeline could not pass on: late records, and records that could not be decoded or computed. Each is counted, the
 * newest are kept, and `.late()` and `.errors()` streams below get all of them in order.
 */
import type { Batch, Refused } from '../model.ts'
import { StreamError } from '../errors.ts'
import type { StreamErrorParts } from '../errors.ts'
import { BatchBuilder } from './batch-builder.ts'
import type { Lambda, StageContext } from './operator.ts'
import { TOMBSTONE } from './tombstone.ts'

/** Refused records kept for people to look at. */
export const KEPT_REFUSALS = 100
/** A stage whose first records all fail ends the stream: the mistake is in the lambda, not in the records. */
export const ALL_FAIL_LIMIT = 100

/** Collects refused records for a `.late()` or `.errors()` stream. */
export class Collector {
  private readonly builder = new BatchBuilder()

  add(refused: Refused, beforeMs: number): void {
    this.builder.add(refused, refused.eventTimeMs, beforeMs)
  }

  take(watermarkMs: number): Batch {
    return this.builder.take(watermarkMs)
  }
}

export interface Counters {
  lateCount: number
  droppedCount: number
  errorCount: number
}

/** Thrown inside a push to end the pipeline; never leaves it. */
export class PipelineFailure extends Error {
  readonly parts: StreamErrorParts

  constructor(parts: StreamErrorParts) {
    super(parts.message)
    this.parts = parts
  }
}

export class Refusals {
  counters: Counters = { lateCount: 0, droppedCount: 0, errorCount: 0 }
  late: Refused[] = []
  errors: Refused[] = []

  dropped(refused: Refused): void {
    this.counters.droppedCount++
    keep(this.late, refused)
  }

  refused(refused: Refused): void {
    this.counters.errorCount++
    keep(this.errors, refused)
  }
}

/** The context of one stage: counts for the whole pipeline, collects for the side streams below the stage. */
export class Stage implements StageContext {
  /** What `.late()` says of a dropped row. */
  lateReason = 'later than the allowed lateness: no open window takes it'
  private readonly refusals: Refusals
  private readonly lateSinks: readonly Collector[]
  private readonly errorSinks: readonly Collector[]
  private readonly tell: ((text: string) => void) | undefined
  private failedCount = 0
  private anyPassed = false
  private first: string | undefined

  constructor(
    refusals: Refusals,
    lateSinks: readonly Collector[],
    errorSinks: readonly Collector[],
    tell?: (text: string) => void,
  ) {
    this.refusals = refusals
    this.lateSinks = lateSinks
    this.errorSinks = errorSinks
    this.tell = tell
  }

  drop(batch: Batch, index: number, reason = this.lateReason): void {
    // The retracted half of an update is no record of its own.
    if (batch.weights?.[index] === -1) return
    const refused = refusedOf(batch, index, reason)
    this.refusals.dropped(refused)
    for (const sink of this.lateSinks) sink.add(refused, batch.beforeMs[index] as number)
  }

  tookLate(): void {
    this.refusals.counters.lateCount++
  }

  refuse(batch: Batch, index: number, reason: string, counts = true): void {
    this.report(refusedOf(batch, index, reason), batch.beforeMs[index] as number)
    if (counts) this.failed(reason)
  }

  threw(batch: Batch, index: number, error: unknown, lambda: Lambda): void {
    this.refuse(batch, index, lambda.describe(error))
  }

  notice(text: string): void {
    this.tell?.(text)
  }

  passed(): void {
    this.anyPassed = true
  }

  /** A refused record that never became part of a batch. */
  report(refused: Refused, beforeMs: number): void {
    this.refusals.refused(refused)
    for (const sink of this.errorSinks) sink.add(refused, beforeMs)
  }

  failed(reason: string): void {
    if (this.anyPassed) return
    this.first ??= reason
    if (++this.failedCount < ALL_FAIL_LIMIT) return
    throw new PipelineFailure({
      code: 'STREAM_FAILED',
      message: `Stream failed: its first ${ALL_FAIL_LIMIT} records all failed`,
      detail: `First error: ${this.first}`,
      hint: 'Look at .errors() of the stream for the records and their positions',
    })
  }

  snapshot(): unknown {
    return { failedCount: this.failedCount, anyPassed: this.anyPassed, first: this.first }
  }

  restore(state: unknown): void {
    const s = state as { failedCount: number; anyPassed: boolean; first: string | undefined }
    this.failedCount = s.failedCount
    this.anyPassed = s.anyPassed
    this.first = s.first
  }
}

export function failureOf(error: unknown): StreamErrorParts {
  if (error instanceof PipelineFailure) return error.parts
  if (error instanceof StreamError) return error.toJSON()
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 'INTERNAL', message: 'Stream failed: an operator broke', detail: text }
}

function refusedOf(batch: Batch, i: number, reason: string): Refused {
  return {
    row: batch.rows[i] === TOMBSTONE ? null : batch.rows[i],
    eventTimeMs: batch.eventTimesMs[i] as number,
    partition: batch.origin?.partitions[i] ?? -1,
    offset: batch.origin?.offsets[i] ?? -1n,
    reason,
  }
}

function keep(list: Refused[], refused: Refused): void {
  list.push(refused)
  if (list.length > KEPT_REFUSALS) list.shift()
}
