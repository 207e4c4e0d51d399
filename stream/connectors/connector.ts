/**
 * The contract of everything records come from and go to: embedded topics, Kafka, later files and others. A connector moves
 * bytes; it neither decodes nor knows what a stream is. A broker's client package appears in its connector file only.
 */
import type { ColumnType, Envelope, EnvelopeBatch } from '../model.ts'
import type { RecordedReplay } from '../recordings/recorded-driver.ts'
import type { SchemaRegistry } from '../schema-model.ts'

export type { ColumnType } from '../model.ts'

/** One reachable cluster (or the embedded log). Owned by who opened it; `close` is idempotent and ends every reader. */
export interface Connection {
  /** The `--as` name, `embedded` for the built-in topics. */
  readonly name: string
  /** URL without secrets, for `%streams` and texts. */
  readonly url: string
  /** Where its records' schemas are; carried along, never asked by a connector. */
  readonly registry?: SchemaRegistry | undefined
  /** With `facts`: sizes, rates and retention too, which cost further requests. */
  topics(options?: { readonly internal?: boolean; readonly facts?: boolean }): Promise<TopicSummary[]>
  /** Throws TOPIC_UNKNOWN with the nearest names. */
  describe(topic: string): Promise<TopicSummary>
  create(topic: string, options: { readonly partitions: number } & TopicChanges): Promise<void>
  /** Throws OPTION_INVALID for what this kind of topic cannot change. */
  alter(topic: string, changes: TopicChanges): Promise<void>
  /** How a topic is stored: a line a segment, or a partition where segments are not told. */
  segments(topic: string): Promise<SegmentSummary[]>
  /** Consumer groups; built-in topics have none, since Riffle reads without. */
  groups(name?: string): Promise<GroupSummary[]>
  delete(topic: string): Promise<void>
  /** Appends records; resolves with their positions once they can be read. A null partition is chosen by key (Java's murmur2), else round robin. */
  produce(topic: string, records: readonly OutgoingRecord[]): Promise<{ partition: number; offset: bigint }[]>
  /** Opens a writer for a stream of records: it waits for a broker that is away, and writes nothing twice. */
  writer(topic: string, options?: WriterOptions): Promise<RecordWriter>
  /** The same, in transactions; absent where there are none. Fences an older writer of the same id. */
  transactions?(topic: string, options: TransactionOptions): Promise<TransactionalWriter>
  /** Opens a reader without a group; nothing is ever committed. */
  read(topic: string, options: ReadOptions): Promise<Reader>
  /** The events of a recorded topic as they were; absent where topics are read. */
  recorded?(topic: string): RecordedReplay
  /** The connection's idea of now, epoch ms: the notebook's clock for embedded topics, the wall clock else. */
  nowMs(): number
  close(): Promise<void>
}

export interface WriterOptions {
  /** How batches are packed on their way and on disk; built-in topics keep records as they are. */
  readonly compression?: Compression | undefined
  /** One line for people: the target does not answer, it is back. Default: the connection's. */
  readonly onNotice?: ((text: string) => void) | undefined
}

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Takes records in order; owned by who opened it. */
export interface RecordWriter {
  /** Resolves with the positions, in the order given, once all are acknowledged. Rejects when the target refuses for good. */
  send(records: readonly OutgoingRecord[]): Promise<{ partition: number; offset: bigint }[]>
  /** Resolves when whoever reads now finds what was sent; absent: they do at once. */
  flush?(): Promise<void>
  /** Idempotent; gives up what is on its way. */
  close(): Promise<void>
}

export interface TransactionOptions {
  /** Names the writer over restarts; also the group whose positions are committed. */
  readonly id: string
  /** Topics of this connection that are read on the way to what is written. */
  readonly sources: readonly string[]
}

export interface TransactionalWriter extends RecordWriter {
  /** Note of the last commit under the id, this writer's or an earlier one's; undefined when there was none. */
  readonly committed: string | undefined
  /** Everything sent since the last commit can be read, and the positions and the note hold; or none of it. */
  commit(sources: readonly SourcePositions[], note: string): Promise<void>
}

/** Next offset to read of each partition. */
export interface SourcePositions {
  readonly topic: string
  readonly partitions: readonly (readonly [partition: number, offset: bigint])[]
}

export interface OutgoingRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: Readonly<Record<string, Uint8Array>> | undefined
  readonly timestampMs?: number | undefined
  readonly partition?: number | undefined
}

export interface TopicSummary {
  readonly name: string
  readonly internal: boolean
  readonly partitions: readonly PartitionSummary[]
  /** Records per second over the last seconds, when known. */
  readonly recordsPerSecond?: number | undefined
  readonly sizeBytes?: number | undefined
  readonly retentionBytes?: number | undefined
  readonly retentionMs?: number | undefined
  /** Only the newest record of each key is kept. */
  readonly compacted?: boolean | undefined
  /** Format and version of the registered schemas: `avro v3`. */
  readonly keySchema?: string | undefined
  readonly valueSchema?: string | undefined
  /** One sentence for people, demo topics have one. */
  readonly description?: string | undefined
  /** Known columns (demo topics); others are inferred from samples. */
  readonly columns?: readonly ColumnType[] | undefined
  /** Field that carries the event time, when the topic says so (demo topics). */
  readonly timeField?: string | undefined
}

/** What stands is left as it is. Infinity: without a bound. */
export interface TopicChanges {
  /** Partitions are only ever added. */
  readonly partitions?: number | undefined
  readonly retentionMs?: number | undefined
  readonly retentionBytes?: number | undefined
}

export interface SegmentSummary {
  readonly partition: number
  /** Offset of its first record; absent: the whole partition. */
  readonly segment?: bigint | undefined
  readonly firstOffset: bigint
  /** Offset behind its last record. */
  readonly nextOffset: bigint
  readonly sizeBytes?: number | undefined
  /** Timestamps of its first and last record. */
  readonly oldestMs?: number | undefined
  readonly newestMs?: number | undefined
}

export interface GroupSummary {
  readonly name: string
  /** `stable`, `empty`, `preparingrebalance` … in Kafka's words. */
  readonly state: string
  readonly members: readonly { readonly client: string; readonly host: string }[]
  readonly partitions: readonly GroupPartition[]
}

export interface GroupPartition {
  readonly topic: string
  readonly partition: number
  /** Absent: nothing committed yet. */
  readonly committedOffset?: bigint | undefined
  readonly endOffset: bigint
  readonly lagCount: number
  readonly member?: string | undefined
  readonly host?: string | undefined
}

export interface PartitionSummary {
  readonly partition: number
  readonly lowOffset: bigint
  /** Offset the next record will get. */
  readonly highOffset: bigint
}

export interface ReadOptions {
  /** Same forms as `TopicOptions.from`/`to`; default `-10000` and endless. */
  readonly from: string
  readonly to?: string | undefined
  readonly partition?: number | undefined
  /** Exact start positions (restore); wins over `from`. Partition -> next offset; one that is not told is new and read whole. */
  readonly positions?: ReadonlyMap<number, bigint> | undefined
  /** One line for people: the source is away, it is back. Default: the connection's. */
  readonly onNotice?: ((text: string) => void) | undefined
  /** Most records in one batch. Default 4096. */
  readonly maxBatch?: number | undefined
}

/**
 * Pulls batches: the reader buffers at most a bounded amount, `next` is demand. History (below the end offsets at
 * subscription) comes merged by smallest timestamp, then partition; afterwards the live tail in arrival order.
 */
export interface Reader {
  readonly partitionCount: number
  /** Offset each partition is read from; those that were added since are read whole. */
  readonly starts: readonly (readonly [partition: number, offset: bigint])[]
  /** Next batch, or null at the end of a bounded read. Waits for data; rejects when the reader fails for good. */
  next(): Promise<ReadResult | null>
  /** Records between the position read and the end of the topic, or of one partition. */
  lagCount(partition?: number): number
  close(): Promise<void>
}

export interface ReadResult {
  readonly batch: EnvelopeBatch
  /** Partitions at the end of their history after this batch: idle at once until their next record (rules.md 3), if it has not come yet. */
  readonly exhausted: readonly number[]
  /** True for batches of the live tail: `idleMs` counts. */
  readonly live: boolean
  /** Records so far that retention dropped before this reader came to them; absent means none. */
  readonly lostCount?: number | undefined
}

/** Opens `embedded`, `kafka://host:port` … by URL scheme. */
export interface Connector {
  readonly scheme: string
  open(url: string, options: ConnectOptions): Promise<Connection>
}

export interface ConnectOptions {
  readonly as: string
}

/** Packs envelopes into one batch with an exact-size buffer. */
export function packEnvelopes(envelopes: readonly Envelope[]): EnvelopeBatch {
  const count = envelopes.length
  let size = 0
  for (const e of envelopes) size += (e.key?.length ?? 0) + (e.value?.length ?? 0)
  const bytes = new Uint8Array(size)
  const partitions = new Int32Array(count)
  const offsets = new BigInt64Array(count)
  const timestampsMs = new Float64Array(count)
  const keyRanges = new Int32Array(count * 2)
  const valueRanges = new Int32Array(count * 2)
  let at = 0
  const put = (ranges: Int32Array, i: number, part: Uint8Array | null) => {
    ranges[2 * i] = at
    ranges[2 * i + 1] = part === null ? -1 : part.length
    if (part !== null) {
      bytes.set(part, at)
      at += part.length
    }
  }
  let headed = false
  envelopes.forEach((e, i) => {
    partitions[i] = e.partition
    offsets[i] = e.offset
    timestampsMs[i] = e.timestampMs
    put(keyRanges, i, e.key)
    put(valueRanges, i, e.value)
    if (e.headers !== undefined) headed = true
  })
  const headers = headed ? envelopes.map(e => e.headers) : undefined
  return { count, partitions, offsets, timestampsMs, bytes, keyRanges, valueRanges, headers }
}
