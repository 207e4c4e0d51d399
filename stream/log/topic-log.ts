/**
 * One embedded topic: partitions, the order of arrival over all of them, and those who wait for more. A topic may have a
 * feed (a generator): records that exist from a moment on without anybody having written them. They are appended when
 * somebody looks, so a topic that nobody reads costs nothing.
 */
import { PartitionLog } from './partition-log.ts'
import { partitionOfKey } from '../connectors/partitioner.ts'
import { nextLogNumber } from '../log-number.ts'
import type { ColumnType, OutgoingRecord } from '../connectors/connector.ts'

/** What fills a topic by itself. */
export interface TopicFeed {
  /** Appends everything that has arrived up to `nowMs`. Resolves at once (undefined) when nothing asynchronous is needed. */
  catchUp(topic: TopicLog, nowMs: number): Promise<void> | undefined
  /** When the next record arrives, epoch ms of the log's clock; Infinity for never. */
  nextDueMs(): number
  /** Records per second it makes on average. */
  readonly recordsPerSecond: number
}

export interface TopicDescriptionParts {
  readonly description?: string | undefined
  readonly columns?: readonly ColumnType[] | undefined
  readonly timeField?: string | undefined
}

/** 64 MB a topic: half an hour of a busy demo, small beside a browser tab. */
export const defaultRetentionBytes = 64 * 1024 * 1024

export class TopicLog {
  readonly name: string
  readonly number = nextLogNumber()
  readonly partitions: PartitionLog[]
  retentionBytes: number
  parts: TopicDescriptionParts
  feed: TopicFeed | undefined
  deleted = false
  #arrival = 0
  #roundRobin = 0
  readonly #waiting = new Set<() => void>()

  constructor(
    name: string,
    options: { readonly partitions: number; readonly retentionBytes?: number | undefined } & TopicDescriptionParts,
  ) {
    this.name = name
    this.retentionBytes = options.retentionBytes ?? defaultRetentionBytes
    const each = Math.floor(this.retentionBytes / options.partitions)
    this.partitions = Array.from({ length: options.partitions }, () => new PartitionLog(each))
    const { description, columns, timeField } = options
    this.parts = { description, columns, timeField }
  }

  /** Appends one record; without a partition it is chosen by key, else round robin. Gives its position. */
  append(record: OutgoingRecord, nowMs: number): { partition: number; offset: bigint } {
    const partition = this.partitionFor(record)
    const offset = this.partitions[partition]!.append(
      record.key,
      record.value,
      record.headers,
      record.timestampMs ?? nowMs,
      this.#arrival++,
    )
    return { partition, offset: BigInt(offset) }
  }

  /** Where a record goes; round robin moves on with each call. */
  partitionFor(record: OutgoingRecord): number {
    if (record.partition !== undefined) return record.partition
    if (record.key !== null) return partitionOfKey(record.key, this.partitions.length)
    return this.#roundRobin++ % this.partitions.length
  }

  /** Wakes everybody who waits; called once after a run of appends. */
  announce(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  /** Calls `wake` once, at the next announcement. Gives a way to stop waiting. */
  whenAppended(wake: () => void): () => void {
    this.#waiting.add(wake)
    return () => this.#waiting.delete(wake)
  }

  /** Partitions are only added: positions already handed out stay true. */
  grow(partitionCount: number): void {
    const each = Math.floor(this.retentionBytes / partitionCount)
    while (this.partitions.length < partitionCount) this.partitions.push(new PartitionLog(each))
  }

  /** From now on so many bytes are kept, over all partitions. */
  keep(retentionBytes: number): void {
    this.retentionBytes = retentionBytes
    for (const partition of this.partitions) partition.keep(Math.floor(retentionBytes / this.partitions.length))
  }

  get byteCount(): number {
    return this.partitions.reduce((sum, partition) => sum + partition.byteCount, 0)
  }
}
