/** Rows to records of a topic: encoded, keyed, with the event time as timestamp; Avro registers its schema where there is none. */
import { StreamError } from '../errors.ts'
import { avroRowEncoder } from '../schemas/avro-writing.ts'
import { encodeHeaders } from '../schemas/encode.ts'
import { plainBytes } from './plain-bytes.ts'
import { rowRecords } from './row-records.ts'
import type { Connection, OutgoingRecord, RecordWriter } from '../connectors/connector.ts'
import type { RowEncoder } from '../schemas/avro-writing.ts'
import type { RowChunk } from '../targets/runtime.ts'
import type { RowRecord } from './row-records.ts'
import type { SinkCounts, SinkMode, SinkWriter, TopicTarget } from './sink.ts'

/** A sink whose first rows are all refused is wrong as a whole. */
const hopelessAfter = 100

export interface TopicWriterOptions {
  readonly mode: SinkMode
  /** Append was asked for: what is taken back is left out. */
  readonly leavesOut: boolean
  readonly hidden: readonly string[]
  /** One line for people: the target is away, it is back. */
  readonly onNotice?: ((text: string) => void) | undefined
  /** A row could not be written; the sink goes on. */
  readonly onRefused: (error: StreamError) => void
  /** In place of the connection's plain writer: one with transactions. */
  readonly records?: ((topic: string) => Promise<RecordWriter>) | undefined
}

/** Opens the topic, which is made when there is none. Throws what the connection throws. */
export async function openTopicWriter(
  connection: Connection,
  target: TopicTarget,
  options: TopicWriterOptions,
): Promise<SinkWriter> {
  if (target.format === 'avro' && connection.registry === undefined) await avroRowEncoder(undefined, target.topic, [])
  return new TopicWriter(connection, target, options, await writerOf(connection, target, options))
}

async function writerOf(
  connection: Connection,
  target: TopicTarget,
  {
    onNotice,
    records = topic => connection.writer(topic, { compression: target.compression, onNotice }),
  }: TopicWriterOptions,
): Promise<RecordWriter> {
  try {
    return await records(target.topic)
  } catch (error) {
    if (!(error instanceof StreamError) || error.code !== 'TOPIC_UNKNOWN') throw error
    await connection.create(target.topic, { partitions: target.partitions ?? 3 })
    return records(target.topic)
  }
}

class TopicWriter implements SinkWriter {
  private readonly connection: Connection
  private readonly target: TopicTarget
  private readonly options: TopicWriterOptions
  private readonly records: RecordWriter
  private readonly headers: Record<string, Uint8Array> | undefined
  private avro: RowEncoder | undefined
  private writtenCount = 0
  private refusedCount = 0
  private firstRefusal: string | undefined

  constructor(connection: Connection, target: TopicTarget, options: TopicWriterOptions, records: RecordWriter) {
    this.connection = connection
    this.target = target
    this.options = options
    this.records = records
    this.headers = encodeHeaders(target.headers)
  }

  get counts(): SinkCounts {
    const { writtenCount, refusedCount, firstRefusal } = this
    return { writtenCount, refusedCount, firstRefusal }
  }

  async write(chunk: RowChunk): Promise<void> {
    const { mode, leavesOut, hidden } = this.options
    const refuse = (error: StreamError) => this.refuse(error)
    const rows = rowRecords(chunk, { mode, leavesOut, hidden, key: this.target.key, refuse })
    if (this.target.format === 'avro') await this.openAvro(rows)
    const outgoing = rows.flatMap(row => {
      const value = this.valueOf(row)
      return value === undefined ? [] : [this.recordOf(row, value)]
    })
    if (outgoing.length === 0) return
    this.writtenCount += (await this.records.send(outgoing)).length
  }

  /** Each write waits for its acknowledgement already. */
  async flush(): Promise<void> {
    await this.records.flush?.()
  }

  close(): Promise<void> {
    return this.records.close()
  }

  private async openAvro(rows: readonly RowRecord[]): Promise<void> {
    const values = rows.flatMap(({ row }) => (row === undefined || row === null ? [] : [row]))
    if (values.length > 0) this.avro ??= await avroRowEncoder(this.connection.registry, this.target.topic, values)
  }

  private recordOf({ key, eventTimeMs }: RowRecord, value: Uint8Array | null): OutgoingRecord {
    return {
      key,
      value,
      headers: this.headers,
      // Whoever reads the topic without naming a time field has the same event times.
      timestampMs: Number.isFinite(eventTimeMs) && eventTimeMs >= 0 ? Math.trunc(eventTimeMs) : undefined,
      partition: this.target.partition,
    }
  }

  private valueOf({ row, index }: RowRecord): Uint8Array | null | undefined {
    if (row === undefined || row === null) return null
    try {
      return this.avro === undefined ? plainBytes(row, this.target.format) : this.avro(row, this.rowsBefore + index)
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      this.refuse(error)
      return undefined
    }
  }

  private get rowsBefore(): number {
    return this.writtenCount + this.refusedCount
  }

  private refuse(error: StreamError): void {
    this.refusedCount++
    this.firstRefusal ??= error.message
    if (this.writtenCount === 0 && this.refusedCount >= hopelessAfter) throw error
    this.options.onRefused(error)
  }
}
