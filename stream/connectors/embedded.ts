/** The built-in topics as a connection: the default, with nothing to install. */
import { StreamError } from '../errors.ts'
import { Log } from '../log/log.ts'
import { LogReader } from '../log/log-reader.ts'
import { demoTopics } from '../log/demo/index.ts'
import { requirePartition } from './read-bound.ts'
import type { RecordMaker } from '../log/generated-feed.ts'
import type { GeneratorTuning } from '../log/log.ts'
import type { DemoTopic } from '../log/demo/demo-topic.ts'
import type { SchemaRegistry } from '../schema-model.ts'
import type { Clock } from '../time/clock.ts'
import type { TopicLog } from '../log/topic-log.ts'
import { fenced } from './fenced.ts'
import type {
  Connection,
  OutgoingRecord,
  Reader,
  ReadOptions,
  RecordWriter,
  TopicSummary,
  TransactionalWriter,
  TransactionOptions,
  GroupSummary,
  SegmentSummary,
  TopicChanges,
} from './connector.ts'

export class EmbeddedConnection implements Connection {
  readonly name: string
  readonly url = 'embedded'
  readonly registry: SchemaRegistry | undefined
  /** The log itself, for what only embedded topics can do. */
  readonly log: Log
  readonly #readers = new Set<Reader>()
  /** Of transactional ids: who writes now, and the note of the last commit. */
  readonly #owners = new Map<string, object>()
  readonly #notes = new Map<string, string>()

  /** `demos: []` gives an empty log on the clock as it is, which is what tests want. */
  constructor(options: {
    readonly clock: Clock
    readonly name?: string
    readonly demos?: readonly DemoTopic[]
    readonly registry?: SchemaRegistry | undefined
  }) {
    this.registry = options.registry
    this.name = options.name ?? 'embedded'
    this.log = new Log(options.clock, { demos: options.demos ?? demoTopics, connection: this.name })
  }

  async topics(): Promise<TopicSummary[]> {
    return Promise.all(this.log.names().map(name => this.describe(name)))
  }

  async describe(name: string): Promise<TopicSummary> {
    const topic = this.log.topic(name, 'describe')
    await this.log.catchUp(topic)
    return summaryOf(topic)
  }

  create(name: string, options: { readonly partitions: number } & TopicChanges): Promise<void> {
    return settled(() => {
      requireBytes(name, options)
      this.log.create(name, options)
    })
  }

  alter(name: string, changes: TopicChanges): Promise<void> {
    return settled(() => {
      requireBytes(name, changes)
      this.log.alter(name, changes)
    })
  }

  async segments(name: string): Promise<SegmentSummary[]> {
    const topic = this.log.topic(name, 'look into')
    await this.log.catchUp(topic)
    return topic.partitions.flatMap((log, partition) =>
      log.segments
        .filter(segment => segment.count > 0 || log.segments.length === 1)
        .map(({ baseOffset, count, byteCount, timestampsMs }) => ({
          partition,
          segment: BigInt(baseOffset),
          firstOffset: BigInt(baseOffset),
          nextOffset: BigInt(baseOffset + count),
          sizeBytes: byteCount,
          oldestMs: count === 0 ? undefined : timestampsMs[0],
          newestMs: count === 0 ? undefined : timestampsMs[count - 1],
        })),
    )
  }

  /** Whoever reads here reads without a group. */
  groups(): Promise<GroupSummary[]> {
    return Promise.resolve([])
  }

  delete(name: string): Promise<void> {
    return settled(() => this.log.delete(name))
  }

  async produce(name: string, records: readonly OutgoingRecord[]): Promise<{ partition: number; offset: bigint }[]> {
    const topic = this.log.topic(name, 'produce to')
    for (const { partition } of records)
      if (partition !== undefined) requirePartition(name, partition, topic.partitions.length)
    await this.log.catchUp(topic)
    const nowMs = this.log.clock.nowMs()
    const positions = records.map(record => topic.append(record, nowMs))
    topic.announce()
    return positions
  }

  writer(name: string): Promise<RecordWriter> {
    return settled(() => void this.log.topic(name, 'write to')).then(() => ({
      send: records => this.produce(name, records),
      close: () => Promise.resolve(),
    }))
  }

  /** Records wait here until they are committed; notes live as long as the topics. */
  transactions(name: string, { id }: TransactionOptions): Promise<TransactionalWriter> {
    const owner = {}
    let waiting: OutgoingRecord[] = []
    return settled(() => void this.log.topic(name, 'write to')).then(() => {
      this.#owners.set(id, owner)
      const committed = this.#notes.get(id)
      const requireOwner = () => {
        if (this.#owners.get(id) !== owner) throw fenced(name, id)
      }
      return {
        committed,
        send: records =>
          settled(() => {
            requireOwner()
            waiting.push(...records)
          }).then(() => records.map(() => ({ partition: -1, offset: -1n }))),
        commit: async (_sources, note) => {
          requireOwner()
          const records = waiting
          waiting = []
          await this.produce(name, records)
          this.#notes.set(id, note)
        },
        close: () => Promise.resolve(),
      }
    })
  }

  async read(name: string, options: ReadOptions): Promise<Reader> {
    const topic = this.log.topic(name)
    await this.log.catchUp(topic)
    const reader = new LogReader(topic, this.log.clock, options)
    this.#readers.add(reader)
    const close = reader.close.bind(reader)
    reader.close = () => {
      this.#readers.delete(reader)
      return close()
    }
    return reader
  }

  /** `%%generate`; see `Log.generate`. */
  generate(
    name: string,
    tuning: GeneratorTuning,
    make?: RecordMaker,
    onFailed?: (error: unknown) => void,
  ): Promise<void> {
    return this.log.generate(name, tuning, make, onFailed)
  }

  nowMs(): number {
    return this.log.clock.nowMs()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#readers].map(reader => reader.close()))
  }
}

/** Built-in topics keep so many bytes, however old they are. */
function requireBytes(name: string, { retentionMs }: TopicChanges): void {
  if (retentionMs === undefined) return
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot set how long topic "${name}" keeps records: built-in topics keep them by size`,
    hint: `%topics alter ${name} --retention-size 64MB`,
  })
}

function summaryOf(topic: TopicLog): TopicSummary {
  return {
    name: topic.name,
    internal: false,
    partitions: topic.partitions.map((log, partition) => ({
      partition,
      lowOffset: BigInt(log.lowOffset),
      highOffset: BigInt(log.highOffset),
    })),
    recordsPerSecond: topic.feed === undefined ? undefined : Math.round(topic.feed.recordsPerSecond * 10) / 10,
    sizeBytes: topic.byteCount,
    retentionBytes: topic.retentionBytes,
    ...topic.parts,
  }
}

/** The log answers at once; the contract speaks in promises. */
function settled(act: () => void): Promise<void> {
  return new Promise(resolve => {
    act()
    resolve()
  })
}
