/**
 * Reads a topic for one pipeline: pulls batches from a Reader, delivers them one at a time (back-pressure), turns what the
 * reader knows about partitions into events: exhausted history and idle timeouts (rules.md 3), the record limit, the end.
 */
import type { Connection, Reader, ReadResult } from '../connectors/connector.ts'
import type { EnvelopeBatch, SourceEvent } from '../model.ts'
import type { HistoryMerge } from './history-merge.ts'
import { sliceBatch } from './slices.ts'
import type { TopicNode } from '../plan.ts'
import { RecordedDriver } from '../recordings/recorded-driver.ts'
import { SchemaAttacher } from '../schemas/attach-schemas.ts'
import type { Clock, Timer } from '../time/clock.ts'
import { formatDuration } from '../time/duration.ts'
import { PROCESSING_TIME } from '../time/event-time.ts'

export const TOPIC_FROM = '-10000'
export const TOPIC_IDLE_MS = 5000
/** How often the clock moves the watermark of a topic read by processing time. */
export const PROCESSING_TICK_MS = 200

export interface SourceDriverOptions {
  readonly node: TopicNode
  readonly connection: Connection
  readonly clock: Clock
  /** Handles one event; the next one is read when it resolves. */
  deliver(event: SourceEvent): Promise<void> | void
  /** A recording repeats a change of a param. */
  param?(name: string, value: unknown): Promise<void> | void
  /** One line for people: the source is away, it is back. */
  readonly onNotice?: ((text: string) => void) | undefined
  /** The read failed for good. */
  onError(error: unknown): void
  /** Next offsets to read (restore); wins over `from`. */
  readonly positions?: ReadonlyMap<number, bigint> | undefined
  /** Ends at the end offsets of now, when the topic itself is endless. */
  readonly bounded?: boolean | undefined
  readonly maxBatch?: number | undefined
  /** Keeps the histories of several topics in one order; `index` is this topic's place in it. */
  readonly merge?: { readonly history: HistoryMerge; readonly index: number } | undefined
}

export interface SourceDriver {
  /** Takes effect at a record boundary: after the batch that is being handled. */
  pause(): void
  resume(): void
  /** Idempotent. Resolves when nothing will be delivered any more. */
  stop(): Promise<void>
  lagCount(): number
  /** Resolves when everything that was there at the start has been handled, or nothing comes any more. */
  readonly caughtUp: Promise<void>
  /** Resolves at the end, the stop or the error. */
  readonly done: Promise<void>
}

/** Opens the reader and starts delivering. The first event is `partitions`. Rejects when the topic cannot be opened. */
export async function driveTopic(options: SourceDriverOptions): Promise<SourceDriver> {
  const { node, connection, positions, bounded, maxBatch } = options
  const recorded = connection.recorded?.(node.topic)
  if (recorded !== undefined) {
    const { clock, deliver, onError } = options
    const param = (name: string, value: unknown) => options.param?.(name, value)
    return new RecordedDriver(recorded, { clock, deliver, onError, param })
  }
  const to = node.options.to ?? (bounded === true ? 'latest' : undefined)
  const reader = await connection.read(node.topic, {
    from: node.options.from ?? TOPIC_FROM,
    to,
    partition: node.options.partition,
    positions,
    maxBatch,
    onNotice: options.onNotice,
  })
  return new TopicDriver(options, reader)
}

class TopicDriver implements SourceDriver {
  readonly done: Promise<void>
  readonly caughtUp: Promise<void>
  private tellCaughtUp: () => void = () => {}
  private readonly exhausted = new Set<number>()
  private readonly options: SourceDriverOptions
  private readonly reader: Reader
  private readonly idleMs: number
  private readonly schemas: SchemaAttacher | undefined
  private left: number
  private stopped = false
  private paused = false
  private wake: (() => void) | undefined
  private readonly idle = new Set<number>()
  private lastSeenMs = new Map<number, number>()
  private timer: Timer | undefined
  private queue: Promise<void> = Promise.resolve()
  /** The event time is the time of reading: the clock moves the watermark, silence does not. */
  private readonly processing: boolean
  private ticking: Timer | undefined
  private lostTold = false

  constructor(options: SourceDriverOptions, reader: Reader) {
    this.options = options
    this.reader = reader
    this.idleMs = options.node.options.idleMs ?? TOPIC_IDLE_MS
    this.left = options.node.options.limit ?? Infinity
    this.processing = options.node.options.time === PROCESSING_TIME
    const { registry } = options.connection
    const { schema, format } = options.node.options
    this.schemas =
      registry === undefined
        ? undefined
        : // With a schema of their own the registry is not asked about values, only about keys.
          new SchemaAttacher(registry, options.node.topic, schema === undefined ? format : 'bytes')
    this.caughtUp = new Promise(resolve => {
      this.tellCaughtUp = resolve
    })
    this.done = this.run()
  }

  pause(): void {
    this.paused = true
    this.timer?.cancel()
    this.timer = undefined
    this.ticking?.cancel()
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    // Nobody was listening: the silence does not count.
    const now = this.options.clock.nowMs()
    for (const p of this.lastSeenMs.keys()) this.lastSeenMs.set(p, now)
    this.watchIdle()
    this.tick()
    this.wake?.()
  }

  async stop(): Promise<void> {
    if (!this.stopped) {
      this.stopped = true
      this.timer?.cancel()
      this.ticking?.cancel()
      this.wake?.()
      this.leaveHistory()
      await this.reader.close()
    }
    await this.done
  }

  lagCount(): number {
    return this.reader.lagCount()
  }

  /** A window cannot be made again from a topic that keeps less than the window spans. */
  private async compareRetention(): Promise<void> {
    const { node, connection, onNotice } = this.options
    const { windowMs } = node
    if (windowMs === undefined || onNotice === undefined) return
    const [summary] = await connection.describe(node.topic).then(
      told => [told],
      () => [],
    )
    const keptMs = summary?.retentionMs
    if (keptMs === undefined || keptMs >= windowMs || this.stopped) return
    onNotice(
      `A window of ${formatDuration(windowMs)} is longer than topic "${node.topic}" keeps its records (${formatDuration(keptMs)}): ` +
        'started again, it misses what is gone by then',
    )
  }

  /** Said once: what retention dropped before it was read is in no window. */
  private tellLost(lostCount: number | undefined): void {
    if (lostCount === undefined || lostCount === 0 || this.lostTold) return
    this.lostTold = true
    const { node, onNotice } = this.options
    onNotice?.(
      `Topic "${node.topic}" dropped ${lostCount.toLocaleString('en-US')} records before they were read: its retention is too short for this stream`,
    )
  }

  private async run(): Promise<void> {
    try {
      void this.compareRetention()
      const { partitionCount: count, starts } = this.reader
      await this.deliver({ kind: 'partitions', count, starts, resumed: this.options.positions !== undefined })
      const { partition } = this.options.node.options
      // Partitions nobody reads must not hold the watermark.
      if (partition !== undefined) {
        for (let p = 0; p < this.reader.partitionCount; p++) if (p !== partition) await this.markIdle(p)
      }
      this.tick()
      while (!this.stopped && this.left > 0) {
        await this.waitWhilePaused()
        if (this.stopped) break
        const result = await this.reader.next()
        if (this.stopped) break
        await this.waitWhilePaused()
        if (this.stopped) break
        if (result === null) break
        await this.handle(result)
      }
      if (!this.stopped) await this.deliver({ kind: 'end' })
    } catch (error) {
      if (!this.stopped) this.options.onError(error)
    } finally {
      this.timer?.cancel()
      this.ticking?.cancel()
      if (!this.stopped) await this.reader.close()
      this.stopped = true
      this.leaveHistory()
    }
  }

  private leaveHistory(): void {
    this.options.merge?.history.over(this.options.merge.index)
    this.tellCaughtUp()
  }

  /** Records of the history, each second when its turn has come over all topics. */
  private async deliverHistory(batch: EnvelopeBatch): Promise<void> {
    const { merge } = this.options
    let start = 0
    while (start < batch.count && !this.stopped) {
      let end = batch.count
      if (merge !== undefined && !merge.history.isAlone(merge.index)) {
        const second = merge.history.secondOf(batch.timestampsMs[start] as number)
        end = start + 1
        while (end < batch.count && merge.history.secondOf(batch.timestampsMs[end] as number) <= second) end++
        await merge.history.turn(merge.index, second)
        await this.waitWhilePaused()
        if (this.stopped) return
      }
      const whole = start === 0 && end === batch.count
      await this.deliver(this.read(whole ? batch : sliceBatch(batch, start, end)))
      start = end
    }
  }

  private async handle({ batch, exhausted, live, lostCount }: ReadResult): Promise<void> {
    this.tellLost(lostCount)
    const taken = batch.count > this.left ? sliceBatch(batch, 0, this.left) : batch
    this.left -= taken.count
    if (live) this.leaveHistory()
    if (taken.count > 0) {
      const whole = this.schemas === undefined ? taken : await this.schemas.attach(taken)
      if (this.stopped) return
      if (live) await this.deliver(this.read(whole))
      else await this.deliverHistory(whole)
    }
    const now = this.options.clock.nowMs()
    for (const p of taken.partitions) {
      this.idle.delete(p)
      if (live) this.lastSeenMs.set(p, now)
    }
    for (const p of exhausted) {
      this.exhausted.add(p)
      // What came while its history was read is there already: without it the watermark would run past these records.
      if (this.reader.lagCount(p) === 0) await this.markIdle(p)
      else this.lastSeenMs.set(p, now)
    }
    const read = this.options.node.options.partition === undefined ? this.reader.partitionCount : 1
    if (this.exhausted.size >= read) this.leaveHistory()
    if (live) {
      for (let p = 0; p < this.reader.partitionCount; p++) if (!this.lastSeenMs.has(p)) this.lastSeenMs.set(p, now)
    }
    if (this.lastSeenMs.size > 0) this.watchIdle()
  }

  /** One timer for the partition that is silent longest. */
  private watchIdle(): void {
    this.timer?.cancel()
    this.timer = undefined
    if (this.stopped || this.paused || this.processing) return
    const { clock } = this.options
    let next = Infinity
    for (const [p, seen] of this.lastSeenMs) if (!this.idle.has(p)) next = Math.min(next, seen + this.idleMs)
    if (next === Infinity) return
    this.timer = clock.setTimer(Math.max(0, next - clock.nowMs()), () => {
      const now = clock.nowMs()
      for (const [p, seen] of this.lastSeenMs) if (!this.idle.has(p) && seen + this.idleMs <= now) void this.markIdle(p)
      this.watchIdle()
    })
  }

  private markIdle(partition: number): Promise<void> {
    if (this.idle.has(partition) || this.processing) return Promise.resolve()
    this.idle.add(partition)
    return this.deliver({ kind: 'idle', partition })
  }

  private read(batch: EnvelopeBatch): SourceEvent {
    if (!this.processing) return { kind: 'envelopes', batch }
    return { kind: 'envelopes', batch, processingTimeMs: this.options.clock.nowMs() }
  }

  /** Processing time goes on without records: windows close although nothing comes. */
  private tick(): void {
    this.ticking?.cancel()
    if (!this.processing || this.stopped || this.paused) return
    const { clock } = this.options
    this.ticking = clock.setTimer(PROCESSING_TICK_MS, () => {
      void this.deliver({ kind: 'watermark', watermarkMs: clock.nowMs() - 1 })
      this.tick()
    })
  }

  /** Events of the reader and of the idle timer go out one after the other. */
  private deliver(event: SourceEvent): Promise<void> {
    const delivered = this.queue.then(async () => {
      if (!this.stopped) await this.options.deliver(event)
    })
    this.queue = delivered.catch(() => {})
    return delivered
  }

  private async waitWhilePaused(): Promise<void> {
    while (this.paused && !this.stopped) {
      await new Promise<void>(resolve => {
        this.wake = resolve
      })
      this.wake = undefined
    }
  }
}
