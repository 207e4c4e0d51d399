/**
 * Reads an embedded topic by demand. Two phases:
 *
 *   history (below the end offsets at subscription)   merged by smallest timestamp, then partition
 *   live                                              in order of arrival
 *
 * A history batch is cut where a partition reaches the end of its history: the partition is idle from exactly there, wherever
 * else batches are cut. Waiting costs nothing: an append wakes the reader, or a timer when a feed knows its next record.
 */
import { StreamError } from '../errors.ts'
import { beyondEnd, lastPerPartition, parseReadBound, requirePartition, startBound } from '../connectors/read-bound.ts'
import { BatchBuilder } from './batch-builder.ts'
import type { ReadBound } from '../connectors/read-bound.ts'
import type { ReadOptions, Reader, ReadResult } from '../connectors/connector.ts'
import type { Clock } from '../time/clock.ts'
import type { TopicLog } from './topic-log.ts'

/** A batch ends at this size even when `maxBatch` records would fit. */
const batchBytes = 1 << 20
/** A feed may be due every few milliseconds; looking 25 times a second is smooth and cheap. */
const shortestWaitMs = 40

interface Cursor {
  readonly partition: number
  position: number
  /** End of its history, exclusive. */
  readonly historyEnd: number
  /** Exclusive end of a bounded read; Infinity while endless or not known yet. */
  end: number
  announced: boolean
}

export class LogReader implements Reader {
  readonly starts: readonly (readonly [number, bigint])[]
  readonly #topic: TopicLog
  readonly #clock: Clock
  readonly #maxBatch: number
  readonly #cursors: Cursor[]
  /** Read every partition, also those that are added later. */
  readonly #all: boolean
  #known: number
  /** A `--to` in the future: the ends are looked up when the clock gets there. */
  #endAtMs: number | undefined
  readonly #bounded: boolean
  #unread: number[]
  #closed = false
  #lostCount = 0
  #wake: (() => void) | undefined

  constructor(topic: TopicLog, clock: Clock, options: ReadOptions) {
    this.#topic = topic
    this.#clock = clock
    this.#maxBatch = options.maxBatch ?? 4096
    this.#bounded = options.to !== undefined
    const count = topic.partitions.length
    this.#known = count
    if (options.partition !== undefined) requirePartition(topic.name, options.partition, count)
    const from = parseReadBound(options.from, clock.nowMs())
    const to = options.to === undefined ? undefined : parseReadBound(options.to, clock.nowMs(), 'to')
    for (const bound of [from, to]) if (bound?.kind === 'offset') requirePartition(topic.name, bound.partition, count)
    if (to?.kind === 'instant' && to.instantMs > clock.nowMs()) this.#endAtMs = to.instantMs
    const read = (p: number) =>
      (options.partition === undefined || options.partition === p) &&
      (from.kind !== 'offset' || from.partition === p) &&
      (to?.kind !== 'offset' || to.partition === p)
    this.#all = options.partition === undefined && from.kind !== 'offset' && to === undefined
    const all = topic.partitions.map((_, p) => p)
    this.#unread = all.filter(p => !read(p))
    const start = startBound(from, options.positions)
    this.#cursors = all.filter(read).map(p => {
      const log = topic.partitions[p]!
      const asked = options.positions?.get(p)
      const position = asked === undefined ? this.#resolve(start, p) : Number(asked)
      if (position > log.highOffset) throw beyondEnd(topic.name, p, BigInt(position), BigInt(log.highOffset))
      const end = to === undefined || this.#endAtMs !== undefined ? Infinity : this.#resolve(to, p)
      return { partition: p, position, historyEnd: Math.min(log.highOffset, end), end, announced: false }
    })
    this.starts = this.#cursors.map(({ partition, position }) => [partition, BigInt(position)])
  }

  get partitionCount(): number {
    return this.#topic.partitions.length
  }

  /** Records that retention dropped before this reader came to them. */
  get lostCount(): number {
    return this.#lostCount
  }

  lagCount(partition?: number): number {
    let lag = 0
    for (const cursor of this.#cursors) {
      if (partition !== undefined && cursor.partition !== partition) continue
      const high = Math.min(this.#topic.partitions[cursor.partition]!.highOffset, cursor.end)
      lag += Math.max(0, high - cursor.position)
    }
    return lag
  }

  async next(): Promise<ReadResult | null> {
    for (;;) {
      if (this.#closed) return null
      if (this.#topic.deleted) throw this.#deleted()
      const catchingUp = this.#topic.feed?.catchUp(this.#topic, this.#clock.nowMs())
      if (catchingUp !== undefined) await catchingUp
      if (this.#closed) return null
      this.#addPartitions()
      this.#fixEnds()
      this.#skipDropped()
      const result = this.#history() ?? this.#live()
      if (result !== undefined) return result
      if (this.#bounded && this.#cursors.every(cursor => cursor.position >= cursor.end)) return null
      await this.#wait()
    }
  }

  close(): Promise<void> {
    this.#closed = true
    this.#wake?.()
    return Promise.resolve()
  }

  #resolve(bound: ReadBound, partition: number): number {
    const log = this.#topic.partitions[partition]!
    switch (bound.kind) {
      case 'earliest':
        return log.lowOffset
      case 'latest':
        return log.highOffset
      case 'last':
        return Math.max(log.lowOffset, log.highOffset - lastPerPartition(bound.count, this.#topic.partitions.length))
      case 'instant':
        return log.offsetAtTime(bound.instantMs)
      case 'offset':
        return Number(bound.offset)
    }
  }

  /** A partition that was added after the subscription has no history: all of it is live. */
  #addPartitions(): void {
    for (; this.#known < this.#topic.partitions.length; this.#known++) {
      const partition = this.#known
      if (!this.#all) this.#unread.push(partition)
      else this.#cursors.push({ partition, position: 0, historyEnd: 0, end: Infinity, announced: false })
    }
  }

  #fixEnds(): void {
    if (this.#endAtMs === undefined || this.#clock.nowMs() < this.#endAtMs) return
    for (const cursor of this.#cursors) {
      cursor.end = this.#topic.partitions[cursor.partition]!.offsetAtTime(this.#endAtMs)
    }
    this.#endAtMs = undefined
  }

  #skipDropped(): void {
    for (const cursor of this.#cursors) {
      const low = this.#topic.partitions[cursor.partition]!.lowOffset
      if (cursor.position >= low) continue
      this.#lostCount += low - cursor.position
      cursor.position = low
    }
  }

  #history(): ReadResult | undefined {
    const exhausted = this.#newlyExhausted()
    if (exhausted.length > 0)
      return { batch: new BatchBuilder(this.#topic.number).build(), exhausted, live: false, ...this.#lost() }
    const heads = this.#cursors.filter(cursor => cursor.position < cursor.historyEnd)
    if (heads.length === 0) return undefined
    const builder = new BatchBuilder(this.#topic.number)
    while (builder.count < this.#maxBatch && builder.byteCount < batchBytes) {
      const cursor = this.#smallest(heads, 'timestampsMs')!
      this.#take(builder, cursor)
      if (cursor.position >= cursor.historyEnd) break
    }
    return { batch: builder.build(), exhausted: this.#newlyExhausted(), live: false, ...this.#lost() }
  }

  #live(): ReadResult | undefined {
    const builder = new BatchBuilder(this.#topic.number)
    const heads = this.#cursors.filter(cursor => cursor.position < this.#highOf(cursor))
    while (heads.length > 0 && builder.count < this.#maxBatch && builder.byteCount < batchBytes) {
      const cursor = this.#smallest(heads, 'arrivals')!
      this.#take(builder, cursor)
      if (cursor.position >= this.#highOf(cursor)) heads.splice(heads.indexOf(cursor), 1)
    }
    return builder.count === 0 ? undefined : { batch: builder.build(), exhausted: [], live: true, ...this.#lost() }
  }

  /** Few partitions: a linear look at the heads beats a heap. Ties go to the lower partition, because heads are in that order. */
  #smallest(heads: readonly Cursor[], by: 'timestampsMs' | 'arrivals'): Cursor | undefined {
    let best: Cursor | undefined
    let bestValue = Infinity
    for (const cursor of heads) {
      const segment = this.#topic.partitions[cursor.partition]!.segmentOf(cursor.position)!
      const value = segment[by][cursor.position - segment.baseOffset]!
      if (best === undefined || value < bestValue) {
        best = cursor
        bestValue = value
      }
    }
    return best
  }

  #take(builder: BatchBuilder, cursor: Cursor): void {
    const segment = this.#topic.partitions[cursor.partition]!.segmentOf(cursor.position)!
    builder.add(cursor.partition, segment, cursor.position - segment.baseOffset)
    cursor.position++
  }

  #highOf(cursor: Cursor): number {
    return Math.min(this.#topic.partitions[cursor.partition]!.highOffset, cursor.end)
  }

  #newlyExhausted(): number[] {
    const exhausted = this.#unread
    this.#unread = []
    for (const cursor of this.#cursors) {
      if (cursor.announced || cursor.position < cursor.historyEnd) continue
      cursor.announced = true
      exhausted.push(cursor.partition)
    }
    return exhausted.sort((a, b) => a - b)
  }

  #lost(): { lostCount: number } | undefined {
    return this.#lostCount === 0 ? undefined : { lostCount: this.#lostCount }
  }

  #wait(): Promise<void> {
    const nowMs = this.#clock.nowMs()
    const dueMs = this.#topic.feed?.nextDueMs() ?? Infinity
    const wakeMs = Math.min(Math.max(dueMs, nowMs + shortestWaitMs), this.#endAtMs ?? Infinity)
    return new Promise(resolve => {
      const stopWaiting = this.#topic.whenAppended(() => wake())
      const timer = wakeMs === Infinity ? undefined : this.#clock.setTimer(Math.max(0, wakeMs - nowMs), () => wake())
      const wake = () => {
        stopWaiting()
        timer?.cancel()
        this.#wake = undefined
        resolve()
      }
      this.#wake = wake
    })
  }

  #deleted(): StreamError {
    return new StreamError({
      code: 'TOPIC_UNKNOWN',
      message: `Cannot go on reading topic "${this.#topic.name}": it was deleted`,
      hint: `%topics create ${this.#topic.name}`,
    })
  }
}
