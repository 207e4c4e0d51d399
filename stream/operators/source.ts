/**
 * From what a source tells to rows with event time and watermark. The only stage that knows partitions: below it there is one
 * watermark, carried per row in `beforeMs`.
 */
import { finiteOrNull } from '../time/finite.ts'
import type { Batch, Columns, EnvelopeBatch, Origin, PartitionTime, Refused, SourceEvent } from '../model.ts'
import type { FeedNode, TopicNode } from '../plan.ts'
import { looksLikeSeconds, PROCESSING_TIME, readEventTime } from '../time/event-time.ts'
import { SourceWatermark } from '../time/watermark.ts'
import type { WatermarkState } from '../time/watermark.ts'
import { columnBatch, kindOf } from './columns.ts'
import { fieldReader } from './compile.ts'
import { emptyBatch, selectOrigin } from './operator.ts'
import type { Lambda } from './operator.ts'
import type { Stage } from './refusals.ts'
import { TOMBSTONE } from './tombstone.ts'

/** Out-of-orderness bound of topics (rules.md 2). */
export const TOPIC_OUT_OF_ORDER_MS = 5000

/** Rows decoded from envelopes: one per envelope, what is in `failures` has no row. */
export interface Decoded {
  readonly rows: readonly unknown[]
  readonly keys: readonly unknown[]
  /** Ascending by index. */
  readonly failures: readonly { readonly index: number; readonly reason: string; readonly preview?: unknown }[]
}

export interface SourceParts {
  readonly node: TopicNode | FeedNode
  /** Present when the event time is given by a lambda. */
  readonly timeLambda?: Lambda | undefined
  readonly decode: (batch: EnvelopeBatch) => Decoded
  readonly stage: Stage
  readonly notice: (text: string) => void
  /** Null values are deletions, not errors. */
  readonly tombstones?: boolean | undefined
}

interface SourceState {
  readonly watermark: WatermarkState
  readonly next: readonly (readonly [number, bigint])[]
  readonly recordCount: number
  readonly ended: boolean
}

/** In the order of the numbers in time/watermark.ts. */
const PHASES = ['active', 'idle', 'catchingUp'] as const

export class SourceStage {
  recordCount = 0
  ended = false
  private readonly parts: SourceParts
  private readonly watermark: SourceWatermark
  private readonly timeField: string | undefined
  private readonly readTime: ((row: unknown) => unknown) | undefined
  private readonly readKey: ((row: unknown) => unknown) | undefined
  private next = new Map<number, bigint>()
  private saidSeconds = false

  constructor(parts: SourceParts) {
    this.parts = parts
    const { node } = parts
    const said = node.op === 'topic' ? node.options.time : node.time
    const processing = said === PROCESSING_TIME
    const time = processing ? undefined : said
    this.timeField = typeof time === 'string' ? time : undefined
    this.readTime = typeof time === 'string' ? fieldReader(time) : parts.timeLambda?.call
    this.readKey = node.op === 'topic' && node.options.key !== undefined ? fieldReader(node.options.key) : undefined
    const bound =
      node.op === 'topic' ? (node.options.outOfOrderMs ?? (processing ? 0 : TOPIC_OUT_OF_ORDER_MS)) : node.outOfOrderMs
    this.watermark = new SourceWatermark(node.op === 'topic' ? 0 : node.partitions, bound)
  }

  get watermarkMs(): number {
    return this.watermark.watermarkMs
  }

  get idle(): boolean {
    return this.watermark.allIdle
  }

  partitionTimes(): PartitionTime[] {
    const { own, phase } = this.watermark.snapshot()
    return own.map((watermarkMs, partition) => ({
      partition,
      watermarkMs: finiteOrNull(watermarkMs),
      phase: PHASES[phase[partition] as number] ?? 'active',
    }))
  }

  /** Next offset to read, by partition: where a reader goes on after a restore. */
  positions(): Map<number, bigint> {
    return new Map(this.next)
  }

  handle(event: SourceEvent): Batch {
    switch (event.kind) {
      case 'envelopes':
        return this.marked(this.envelopes(event.batch, event.processingTimeMs))
      case 'rows':
        return this.marked(this.rows(event))
      case 'watermark':
        this.watermark.tell(event.watermarkMs, event.partition)
        break
      case 'idle':
        this.watermark.idle(event.partition)
        break
      case 'partitions':
        this.watermark.grow(event.count)
        for (const [partition, offset] of event.starts ?? [])
          if (!this.next.has(partition)) this.next.set(partition, offset)
        if (event.resumed !== true) break
        for (let p = 0; p < event.count; p++) this.watermark.wake(p)
        return { ...emptyBatch(this.watermark.watermarkMs), resumed: true }
      case 'end':
        this.ended = true
        this.watermark.end()
        break
    }
    return this.marked(emptyBatch(this.watermark.watermarkMs))
  }

  snapshot(): SourceState {
    return {
      watermark: this.watermark.snapshot(),
      next: [...this.next],
      recordCount: this.recordCount,
      ended: this.ended,
    }
  }

  restore(state: unknown): void {
    const s = state as SourceState
    this.watermark.restore(s.watermark)
    this.next = new Map(s.next)
    this.recordCount = s.recordCount
    this.ended = s.ended
  }

  /** Tells below when the source takes no part in the time of what it is joined with. */
  private marked(batch: Batch): Batch {
    return this.watermark.allIdle ? { ...batch, idle: true } : batch
  }

  private envelopes(batch: EnvelopeBatch, processingTimeMs: number | undefined): Batch {
    const decoded = this.parts.decode(batch)
    const keys =
      this.readKey === undefined ? decoded.keys : decoded.rows.map((row, i) => this.keyOf(row) ?? decoded.keys[i])
    const { partitions, offsets, timestampsMs, headers, count } = batch
    const failures =
      this.parts.tombstones === true
        ? decoded.failures.filter(({ index }) => batch.valueRanges[2 * index + 1] !== -1)
        : decoded.failures
    for (let i = count - 1, seen = 0n; i >= 0; i--) {
      // Partitions are few: a bit per partition tells when the last offset of each is known.
      const partition = partitions[i] as number
      const bit = 1n << BigInt(partition)
      if ((seen & bit) !== 0n) continue
      seen |= bit
      this.next.set(partition, (offsets[i] as bigint) + 1n)
    }
    this.recordCount += count
    const origin: Origin = { partitions, offsets, timestampsMs, keys, headers }
    const times = processingTimeMs === undefined ? timestampsMs : new Float64Array(count).fill(processingTimeMs)
    return this.timed(decoded.rows, origin, partitions, times, failures)
  }

  private rows(event: Extract<SourceEvent, { kind: 'rows' }>): Batch {
    if (event.columns !== undefined && event.partitions === undefined) {
      const batch = this.columns(event, event.columns, event.count ?? event.rows.length)
      if (batch !== undefined) return batch
    }
    const { rows, partitions, keys } = event
    const first = new Map(this.next)
    if (partitions === undefined) this.next.set(0, (this.next.get(0) ?? 0n) + BigInt(rows.length))
    else for (const p of partitions) this.next.set(p, (this.next.get(p) ?? 0n) + 1n)
    this.recordCount += rows.length
    const origin = new FeedOrigin(rows.length, partitions, first, event.processingTimeMs ?? 0, keys)
    return this.timed(rows, origin, partitions, event.eventTimesMs, [], event.eventTimesMs !== undefined)
  }

  /** Columns with a numeric time column, in one partition: no row is made. undefined when a time is none. */
  private columns(event: Extract<SourceEvent, { kind: 'rows' }>, columns: Columns, count: number): Batch | undefined {
    const times =
      this.readTime === undefined
        ? new Float64Array(count).fill(event.processingTimeMs ?? 0)
        : columns[this.timeField ?? '']
    if (times === undefined || kindOf(times) === undefined) return undefined
    const eventTimesMs = times instanceof Float64Array ? times : Float64Array.from(times as ArrayLike<number>)
    const { watermark } = this
    const run = watermark.run(eventTimesMs, count)
    if (run === undefined) return undefined
    if (!this.saidSeconds && count > 0) this.noticeSeconds(eventTimesMs[0] as number)
    const first = new Map(this.next)
    this.next.set(0, (this.next.get(0) ?? 0n) + BigInt(count))
    this.recordCount += count
    if (count > 0) this.parts.stage.passed()
    const origin = new FeedOrigin(count, undefined, first, event.processingTimeMs ?? 0, undefined)
    return columnBatch({
      count,
      columns,
      eventTimesMs,
      get beforeMs() {
        return run.before()
      },
      run: run.run,
      watermarkMs: watermark.watermarkMs,
      origin,
    })
  }

  private noticeSeconds(t: number): void {
    if (!looksLikeSeconds(t)) return
    this.saidSeconds = true
    this.parts.notice(`The event time ${t} looks like seconds; event times are milliseconds since 1970`)
  }

  /** Judges each record against the watermark before it, then lets it raise the watermark. */
  private timed(
    rows: readonly unknown[],
    origin: Origin,
    partitions: Int32Array | undefined,
    timestampsMs: Float64Array | undefined,
    failures: Decoded['failures'],
    told = false,
  ): Batch {
    const { watermark } = this
    const readTime = told ? undefined : this.readTime
    const { stage } = this.parts
    const tombstones = this.parts.tombstones === true
    const deleted: number[] = []
    const count = rows.length
    const eventTimesMs = new Float64Array(count)
    const beforeMs = new Float64Array(count)
    const kept = new Int32Array(count)
    let n = 0
    let f = 0
    for (let i = 0; i < count; i++) {
      const row = rows[i]
      let t: number
      const failure = failures[f]
      if (failure !== undefined && failure.index === i) {
        f++
        this.refuse(failure.preview ?? row, origin, i, failure.reason)
        continue
      }
      if (tombstones && (row === null || row === undefined) && (origin.keys?.[i] ?? null) !== null) {
        // There is no row to read a time from.
        t = timestampsMs === undefined ? (origin.timestampsMs[i] as number) : (timestampsMs[i] as number)
        deleted.push(n)
      } else if (row === null || row === undefined) {
        this.refuse(row, origin, i, row === null ? 'null value' : 'no value')
        continue
      } else if (readTime === undefined) {
        t = timestampsMs === undefined ? (origin.timestampsMs[i] as number) : (timestampsMs[i] as number)
      } else {
        const value = this.timeOf(readTime, row, origin, i)
        if (value === undefined) continue
        t = value
      }
      beforeMs[n] = watermark.watermarkMs
      eventTimesMs[n] = t
      kept[n++] = i
      watermark.record(partitions === undefined ? 0 : (partitions[i] as number), t)
    }
    if (n > 0) stage.passed()
    if (n === count && deleted.length === 0)
      return { count, rows, eventTimesMs, beforeMs, watermarkMs: watermark.watermarkMs, origin }
    const chosen = Array.from({ length: n }, (_, k) => rows[kept[k] as number])
    for (const k of deleted) chosen[k] = TOMBSTONE
    return {
      count: n,
      rows: chosen,
      eventTimesMs: eventTimesMs.subarray(0, n),
      beforeMs: beforeMs.subarray(0, n),
      watermarkMs: watermark.watermarkMs,
      origin: selectOrigin(origin, kept, n),
    }
  }

  private timeOf(readTime: (row: unknown) => unknown, row: unknown, origin: Origin, i: number): number | undefined {
    let value: unknown
    try {
      value = readTime(row)
    } catch (error) {
      this.refuse(row, origin, i, this.parts.timeLambda?.describe(error) ?? String(error))
      return undefined
    }
    const t = readEventTime(value, this.timeField ?? 'time')
    if (typeof t === 'string') {
      this.refuse(row, origin, i, t)
      return undefined
    }
    if (!this.saidSeconds) this.noticeSeconds(t)
    return t
  }

  private refuse(row: unknown, origin: Origin, i: number, reason: string): void {
    const refused: Refused = {
      row: row ?? null,
      eventTimeMs: origin.timestampsMs[i] as number,
      partition: origin.partitions[i] as number,
      offset: origin.offsets[i] as bigint,
      reason,
    }
    this.parts.stage.report(refused, this.watermark.watermarkMs)
    this.parts.stage.failed(`${reason} (partition ${refused.partition}, offset ${refused.offset})`)
  }

  private keyOf(row: unknown): unknown {
    return row === null || typeof row !== 'object' ? null : this.readKey?.(row)
  }
}

/** Positions of pushed rows, counted per partition; made only when somebody looks. */
class FeedOrigin implements Origin {
  readonly keys: readonly unknown[] | undefined
  private readonly count: number
  private readonly given: Int32Array | undefined
  private readonly first: ReadonlyMap<number, bigint>
  private readonly processingTimeMs: number
  private cachedOffsets: BigInt64Array | undefined
  private cachedPartitions: Int32Array | undefined
  private cachedTimestamps: Float64Array | undefined

  constructor(
    count: number,
    given: Int32Array | undefined,
    first: ReadonlyMap<number, bigint>,
    processingTimeMs: number,
    keys: readonly unknown[] | undefined,
  ) {
    this.count = count
    this.given = given
    this.first = first
    this.processingTimeMs = processingTimeMs
    this.keys = keys
  }

  get partitions(): Int32Array {
    return (this.cachedPartitions ??= this.given ?? new Int32Array(this.count))
  }

  get timestampsMs(): Float64Array {
    return (this.cachedTimestamps ??= new Float64Array(this.count).fill(this.processingTimeMs))
  }

  get offsets(): BigInt64Array {
    if (this.cachedOffsets !== undefined) return this.cachedOffsets
    const next = new Map(this.first)
    const offsets = new BigInt64Array(this.count)
    for (let i = 0; i < this.count; i++) {
      const partition = this.given === undefined ? 0 : (this.given[i] as number)
      const offset = next.get(partition) ?? 0n
      offsets[i] = offset
      next.set(partition, offset + 1n)
    }
    return (this.cachedOffsets = offsets)
  }
}
