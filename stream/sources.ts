/** Where streams begin: topics, rows of the program, streams by name. */
import type { RecordMeta } from './model.ts'
import type { FeedNode, LambdaSlot, TopicOptions } from './plan.ts'
import { columnsPump, iterablePump, ROW_BATCHES } from './feeds.ts'
import { kindOf } from './operators/columns.ts'
import { Stream } from './stream.ts'
import { runtime } from './targets/runtime-registry.ts'
import { parseDuration } from './time/duration.ts'
import { PROCESSING_TIME } from './time/event-time.ts'
import type { TopicTypes } from './topic-types.ts'
import type { Duration } from './windows.ts'
import { StreamError } from './errors.ts'
import { schemaOfFile } from './schemas/schema-file.ts'
import { splitTopicName } from './topic-name.ts'
import type { Mark } from './marks.ts'

/**
 * The row type of a topic, or of a schema file: known when the notebook's types know it, else an object of anything. No topic has a
 * space in its name.
 */
export type TopicRow<N extends string, S extends string = ''> = string extends S
  ? RowOf<N>
  : S extends ''
    ? RowOf<N>
    : RowOf<`schema ${S}`>
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- rows of an unknown topic are for the user to know
type RowOf<N extends string> = N extends keyof TopicTypes ? TopicTypes[N] : Record<string, any>

export interface TopicStreamOptions<S extends string = string> {
  /** `earliest`, `latest`, `-10000`, `10m`, an instant with offset, `offset=0:120`. Default `-10000`: the last 10,000 records, then follow. */
  readonly from?: string | undefined
  /** Same forms: the stream ends there. */
  readonly to?: string | undefined
  readonly partition?: number | undefined
  /**
   * Field with the event time, or `processing-time`: when the record is read, and the clock closes windows. Without it the
   * record's own timestamp.
   */
  readonly time?: string | undefined
  /** How far the watermark trails the newest event time. Default 5s, of processing time 0. */
  readonly outOfOrder?: Duration | undefined
  /** A partition without records for so long holds the watermark no longer. Default 5s. */
  readonly idle?: Duration | undefined
  /** Field used as the key instead of the record's key. */
  readonly key?: string | undefined
  readonly format?: TopicOptions['format']
  /** File with the Avro schema of the values, for topics whose schema is in no registry. */
  readonly schema?: S | undefined
  /** Ends after so many records. */
  readonly limit?: number | undefined
}

/**
 * A topic as a stream of typed rows. `prod:orders` is topic `orders` of the connection named `prod`.
 *
 * @throws StreamError TOPIC_UNKNOWN with the nearest names, CONNECTION_UNKNOWN, DURATION_INVALID,
 * OPTION_INVALID or SCHEMA_INVALID for a schema file that is missing or is none
 */
export async function topic<N extends string, S extends string = ''>(
  name: N,
  options: TopicStreamOptions<S> = {},
): Promise<Stream<TopicRow<N, S>>> {
  const { connection, topic } = splitTopicName(name)
  const { outOfOrder, idle, schema: file, ...rest } = options
  if (file !== undefined && options.format !== undefined && !['auto', 'avro'].includes(options.format)) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot read topic "${name}" as ${options.format} by a schema: a schema file is for Avro`,
      hint: `%topic ${name} --schema ${file}`,
    })
  }
  const schema = file === undefined ? undefined : await schemaOfFile(file)
  const plan = {
    op: 'topic',
    connection,
    topic,
    options: {
      ...rest,
      ...(schema === undefined ? undefined : { schema }),
      outOfOrderMs: outOfOrder === undefined ? undefined : parseDuration(outOfOrder, 'out-of-orderness bound'),
      idleMs: idle === undefined ? undefined : parseDuration(idle, 'idle timeout'),
    },
  } as const
  await runtime().describeTopic(connection, topic)
  const endless = options.to === undefined && options.limit === undefined
  return new Stream<TopicRow<N, S>>({ plan, pumps: [], endless: () => endless })
}

export interface RowsOptions<T> {
  /**
   * Field or lambda with the event time; without it rows have the time they are pushed, and with `processing-time` that time
   * moves the watermark too.
   */
  readonly time?: (keyof T & string) | typeof PROCESSING_TIME | ((row: T, meta: RecordMeta) => unknown) | undefined
  /** Default 1. */
  readonly partitions?: number | undefined
  /** Partition of a row. Default 0. */
  readonly partition?: ((row: T) => number) | undefined
  /** The watermark trails the newest event time by this; without it only `watermark()`, `idle()` and the end move the time. */
  readonly outOfOrder?: Duration | undefined
}

/**
 * A stream of any iterable or async iterable, which ends with it. `watermark(ms)` and `idle(partition)` may stand among the
 * rows. Read once, when the stream is first consumed, and kept for later consumers.
 *
 * @example
 * ```ts
 * await from([{ at: 1, v: 2 }], { time: 'at' }).toArray() // [{ at: 1, v: 2 }]
 * ```
 */
export function from<E>(
  rows: Iterable<E> | AsyncIterable<E>,
  options: RowsOptions<Exclude<E, Mark>> = {},
): Stream<Exclude<E, Mark>> {
  const id = newId('from')
  const pump = iterablePump({ id, rows, partition: options.partition as ((row: unknown) => number) | undefined })
  const plan: FeedNode = { ...feedNode(id, options, true), complete: areThere(rows) ? true : undefined }
  return new Stream<Exclude<E, Mark>>({ plan, pumps: [pump], endless: () => false })
}

/** Rows that nobody has to wait for: those of a file, and all but what comes as it likes. */
const areThere = (rows: object | string): boolean =>
  typeof rows === 'string' || ROW_BATCHES in rows || !(Symbol.asyncIterator in rows)

/** Columns as rows would be: one field per column. */
export type RowOfColumns<C> = { -readonly [P in keyof C]: C[P] extends ArrayLike<infer V> ? V : never }

export interface ColumnsOptions<C> {
  /** Column with the event time; without it rows have the time they are pushed. */
  readonly time?: (keyof C & string) | undefined
  /** As for `from`. */
  readonly outOfOrder?: Duration | undefined
}

/**
 * A bounded stream of rows given as columns: arrays of one length, typed ones are fastest. Windows of typed columns run without
 * a row being made; read the result with `forEachBatch`.
 *
 * @throws StreamError OPTION_INVALID when the columns differ in length
 * @example
 * ```ts
 * await fromColumns({ ts: [1, 4], v: [2, 5] }, { time: 'ts' }).toArray() // [{ ts: 1, v: 2 }, { ts: 4, v: 5 }]
 * ```
 */
export function fromColumns<C extends Readonly<Record<string, ArrayLike<unknown>>>>(
  columns: C,
  options: ColumnsOptions<C> = {},
): Stream<RowOfColumns<C>> {
  const entries = Object.entries(columns)
  const count = entries[0]?.[1].length ?? 0
  const odd = entries.find(([, column]) => column.length !== count)
  if (odd !== undefined) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot read columns: "${entries[0]?.[0]}" has ${count} values, "${odd[0]}" has ${odd[1].length}`,
    })
  }
  const id = newId('columns')
  const kinds = Object.fromEntries(
    entries.flatMap(([name, column]) => {
      const kind = kindOf(column)
      return kind === undefined ? [] : [[name, kind]]
    }),
  )
  const { time, outOfOrder } = options
  const outOfOrderMs = outOfOrder === undefined ? undefined : parseDuration(outOfOrder, 'out-of-orderness bound')
  const plan: FeedNode = {
    op: 'feed',
    id,
    partitions: 1,
    time,
    outOfOrderMs,
    bounded: true,
    columns: kinds,
    complete: true,
  }
  return new Stream<RowOfColumns<C>>({ plan, pumps: [columnsPump(id, columns, count)], endless: () => false })
}

export type FeedOptions<T> = Omit<RowsOptions<T>, 'partition'>

export interface PushOptions {
  /** Default 0. */
  readonly partition?: number | undefined
  readonly key?: unknown
  /** Event time of this row, instead of what `time` reads: a tombstone has no field to read. */
  readonly eventTime?: number | undefined
}

/** A stream one pushes into. */
export class Feed<T> extends Stream<T> {
  private readonly id: string
  private readonly state: { ended: boolean }

  /** @internal Made by `feed`. */
  constructor(options: FeedOptions<T>) {
    const id = newId('feed')
    const state = { ended: false }
    super({ plan: feedNode(id, options, false), pumps: [], endless: () => !state.ended })
    this.id = id
    this.state = state
  }

  /** Resolves when all below has handled the row. `null` with a key is a tombstone. */
  async push(row: T | null, options: PushOptions = {}): Promise<void> {
    const { partition, key, eventTime } = options
    const eventTimesMs = eventTime === undefined ? undefined : Float64Array.of(eventTime)
    await runtime().feed(this.id).push([row], { partition, key, eventTimesMs })
  }

  /** No row with an event time at or below this is expected any more, in one partition or in all. */
  async watermark(watermarkMs: number, partition?: number): Promise<void> {
    await runtime().feed(this.id).watermark(watermarkMs, partition)
  }

  /** The partition holds the watermark no longer, until its next row. */
  async idle(partition: number): Promise<void> {
    await runtime().feed(this.id).idle(partition)
  }

  /** No more rows: the watermark passes everything and consumers end. */
  async end(): Promise<void> {
    this.state.ended = true
    await runtime().feed(this.id).end()
  }
}

/**
 * A stream one pushes into; pushes to several feeds are handled in their order. Consumers that come later start at the first
 * push.
 *
 * @example
 * ```ts
 * const f = feed<{ at: number }>({ time: 'at' })
 * await f.push({ at: 1 })
 * await f.end()
 * await f.toArray() // [{ at: 1 }]
 * ```
 */
export function feed<T = Record<string, unknown>>(options: FeedOptions<T> = {}): Feed<T> {
  return new Feed<T>(options)
}

/** A running stream by its name, for cells whose variables are gone. It is looked up when a consumer starts. */
export function stream<T = Record<string, unknown>>(name: string): Stream<T> {
  return new Stream<T>({ plan: { op: 'stream', name }, pumps: [], endless: () => true, name })
}

function feedNode<T>(id: string, options: RowsOptions<T>, bounded: boolean): FeedNode {
  const { time, partitions = 1, outOfOrder } = options
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot make ${partitions} partitions: a whole number from 1 is needed`,
    })
  }
  const slot: string | LambdaSlot | undefined = typeof time === 'function' ? runtime().ship(time) : time
  const trail = outOfOrder ?? (time === PROCESSING_TIME ? 0 : undefined)
  const outOfOrderMs = trail === undefined ? undefined : parseDuration(trail, 'out-of-orderness bound')
  return { op: 'feed', id, partitions, time: slot, outOfOrderMs, bounded }
}

/** Unique over processes: another cells process must never push into the feed of this one. */
function newId(kind: string): string {
  return `${kind}-${crypto.randomUUID()}`
}
