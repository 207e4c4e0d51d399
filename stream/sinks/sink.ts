/**
 * Where the rows of a stream are written: a topic or a file. A target is plain data, so that it travels to the engine; a writer
 * takes the changes of one running stream in order. Whoever runs the stream asks `room()` of the pump in between, so a slow broker
 * slows the stream and never fills the memory.
 */
import type { Compression } from '../connectors/connector.ts'
import type { RowChunk } from '../targets/runtime.ts'

export type TopicFormat = 'json' | 'avro' | 'text' | 'bytes'
export type FileFormat = 'jsonl' | 'csv' | 'avro' | 'parquet'

export type SinkTarget = TopicTarget | FileTarget

export interface TopicTarget {
  readonly kind: 'topic'
  readonly connection: string
  readonly topic: string
  readonly format: TopicFormat
  /** Fields whose values are the record's key: one as it is, several as a JSON object. Absent: no key. */
  readonly key?: readonly string[] | undefined
  /** Absent: `upsert` for a changelog, else `append`. */
  readonly mode?: SinkMode | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly partition?: number | undefined
  readonly compression?: Compression | undefined
  /** Of the topic, when it is made because there is none. Default 3. */
  readonly partitions?: number | undefined
  /** Rows and the positions they were made from are committed together: each row once, whatever is killed on the way. */
  readonly transactional?: boolean | undefined
}

export interface FileTarget {
  readonly kind: 'file'
  readonly path: string
  readonly format: FileFormat
}

/**
 * `append`: each row that comes is a record, what is taken back is left out. `upsert`: the topic holds the newest row of each key,
 * a row that is taken back without another in its place is a tombstone.
 */
export type SinkMode = 'append' | 'upsert'

export interface SinkWriter {
  /** Changes in order; resolves when the next ones may come. */
  write(chunk: RowChunk): Promise<void>
  /** Resolves when everything given so far is acknowledged by the target. */
  flush(): Promise<void>
  /** Lets go of the target; what was not flushed may be lost. Idempotent. */
  close(): Promise<void>
  readonly counts: SinkCounts
}

export interface SinkCounts {
  /** Records the target has acknowledged. */
  readonly writtenCount: number
  /** Rows that could not be encoded. */
  readonly refusedCount: number
  /** Why the first of them was refused. */
  readonly firstRefusal?: string | undefined
}

/** What `.to()` asks of a runtime. */
export interface SinkOptions {
  /** Name in `%streams`; a running sink of another cell keeps its own unless `exact`. */
  readonly name: string
  readonly exact?: boolean | undefined
  /** Resolve when the stream has ended and all of it is acknowledged. */
  readonly bounded?: boolean | undefined
  readonly cellId?: string | undefined
}

export interface SinkResult extends SinkCounts {
  readonly name: string
}

/** `topic revenue-10s` or `file out.csv`. */
export function targetText(target: SinkTarget): string {
  if (target.kind === 'file') return `file ${target.path}`
  return `topic ${target.connection === 'embedded' ? '' : `${target.connection}:`}${target.topic}`
}
