/** What one does to topics beside reading them: connections, creating, producing, generating. */
import type { GroupSummary, TopicChanges, TopicSummary } from './connectors/connector.ts'
import { StreamError } from './errors.ts'
import { splitTopicName } from './topic-name.ts'
import { runtime } from './targets/runtime-registry.ts'
import type { ConnectSettings, GenerateOptions, ProduceResult } from './targets/runtime.ts'
import { parseDuration, parsePositiveDuration } from './time/duration.ts'
import { parseSize } from './size.ts'
import { producedText, told } from './told.ts'
import type { Duration } from './windows.ts'

/** Opens a connection, `embedded` or `kafka://host:9092`; one of the same name is replaced. */
export function connect(url: string, options: ConnectSettings = {}): Promise<{ name: string; url: string }> {
  return runtime().connect(url, options)
}

/** Topics of a connection, default the embedded ones. */
export function topics(
  options: {
    readonly connection?: string | undefined
    readonly internal?: boolean | undefined
    /** Sizes, rates, retention and schemas too. */
    readonly facts?: boolean | undefined
  } = {},
): Promise<TopicSummary[]> {
  const { connection = 'embedded', internal = false, facts = false } = options
  return runtime().listTopics(connection, { internal, facts })
}

export interface TopicMade {
  readonly name: string
  readonly partitions: number
}

export interface TopicSettings {
  readonly partitions?: number | undefined
  /** How long records are kept: `7d`, `forever`. Not for built-in topics. */
  readonly retention?: Duration | 'forever' | undefined
  /** How much is kept: `64MB`, `unlimited`. */
  readonly retentionSize?: string | number | undefined
}

/**
 * Changes a topic; what is not named stays. Partitions only grow.
 *
 * @throws StreamError TOPIC_UNKNOWN, OPTION_INVALID
 */
export async function alterTopic(name: string, settings: TopicSettings): Promise<{ readonly name: string }> {
  const { connection, topic } = splitTopicName(name)
  const changes = changesOf(settings)
  if (Object.values(changes).every(value => value === undefined))
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot alter topic "${name}": nothing to change is named`,
      hint: `%topics alter ${name} --partitions 6`,
    })
  await runtime().alterTopic(connection, topic, changes)
  return told({ name }, `topic ${name} altered`)
}

function changesOf({ partitions, retention, retentionSize }: TopicSettings): TopicChanges {
  return {
    partitions,
    retentionMs:
      retention === undefined
        ? undefined
        : retention === 'forever'
          ? Infinity
          : parsePositiveDuration(retention, 'retention'),
    retentionBytes:
      retentionSize === undefined ? undefined : retentionSize === 'unlimited' ? Infinity : parseSize(retentionSize),
  }
}

export interface LogRow {
  readonly partition: number
  /** Offset of the segment's first record; `all` where a broker does not tell its segments. */
  readonly segment: bigint | 'all'
  readonly first: bigint
  /** Offset of the last record; absent when there is none. */
  readonly last: bigint | undefined
  readonly records: number
  readonly bytes: number | undefined
  readonly oldest: string | undefined
  readonly newest: string | undefined
}

/** How a topic is stored: partitions, their segments, first and last offset with the timestamps of their records. */
export async function topicLog(name: string): Promise<LogRow[]> {
  const { connection, topic } = splitTopicName(name)
  const segments = await runtime().segments(connection, topic)
  const instant = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())
  return segments.map(({ partition, segment, firstOffset, nextOffset, sizeBytes, oldestMs, newestMs }) => ({
    partition,
    segment: segment ?? 'all',
    first: firstOffset,
    last: nextOffset > firstOffset ? nextOffset - 1n : undefined,
    records: Number(nextOffset - firstOffset),
    bytes: sizeBytes,
    oldest: instant(oldestMs),
    newest: instant(newestMs),
  }))
}

export interface GroupRow {
  readonly group: string
  readonly state: string
  readonly members: number
  readonly topics: string
  /** Records not read yet, over all partitions. */
  readonly lag: number
}

export interface GroupPartitionRow {
  readonly topic: string
  readonly partition: number
  readonly committed: bigint | undefined
  readonly end: bigint
  readonly lag: number
  readonly member: string
  readonly host: string
}

/** Consumer groups of a connection: `prod:` names one; with a group's name its partitions. Looking joins none of them. */
export async function groups(name?: undefined): Promise<GroupRow[]>
export async function groups(name: string): Promise<GroupRow[] | GroupPartitionRow[]>
export async function groups(name = ''): Promise<GroupRow[] | GroupPartitionRow[]> {
  const { connection, topic: group } = splitTopicName(name)
  const found = await runtime().groups(connection, group === '' ? undefined : group)
  if (group === '') {
    if (found.length > 0) return found.map(groupRow)
    const why = connection === 'embedded' ? ': built-in topics are read without one' : ''
    return told([], `no consumer group${why}`)
  }
  const one = found[0]
  if (one === undefined) {
    const names = (await runtime().groups(connection)).map(each => each.name)
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot show group "${group}": there is none of that name${names.length === 0 ? '' : `, there are ${names.slice(0, 8).join(', ')}`}`,
      hint: '%groups',
    })
  }
  return one.partitions.map(({ topic, partition, committedOffset, endOffset, lagCount, member, host }) => ({
    topic,
    partition,
    committed: committedOffset,
    end: endOffset,
    lag: lagCount,
    member: member ?? '',
    host: host ?? '',
  }))
}

function groupRow({ name, state, members, partitions }: GroupSummary): GroupRow {
  return {
    group: name,
    state,
    members: members.length,
    topics: [...new Set(partitions.map(({ topic }) => topic))].join(', '),
    lag: partitions.reduce((sum, { lagCount }) => sum + lagCount, 0),
  }
}

/** @throws StreamError TOPIC_EXISTS */
export async function createTopic(name: string, options: TopicSettings = {}): Promise<TopicMade> {
  const { connection, topic } = splitTopicName(name)
  const partitions = options.partitions ?? 3
  await runtime().createTopic(connection, topic, { ...changesOf(options), partitions })
  return told({ name, partitions }, `topic ${name} made, ${partitions} partition${partitions === 1 ? '' : 's'}`)
}

/** @throws StreamError TOPIC_UNKNOWN */
export async function deleteTopic(name: string): Promise<{ readonly name: string }> {
  const { connection, topic } = splitTopicName(name)
  await runtime().deleteTopic(connection, topic)
  return told({ name }, `topic ${name} deleted`)
}

export interface SendOptions {
  /**
   * Default `json`. `text`: a row is the text itself; `bytes`: a Uint8Array or base64 text; `avro`: by the newest version of
   * `TOPIC-value`, which is made of the rows where there is none. null is a tombstone.
   */
  readonly format?: 'json' | 'avro' | 'text' | 'bytes' | undefined
  /** Field whose value is the key. */
  readonly key?: string | undefined
  readonly partition?: number | undefined
  /** Rows per second. */
  readonly rate?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Sends rows, as JSON unless `format` says otherwise, in order; resolves with their positions once they can be read. */
export async function produce(
  name: string,
  rows: Iterable<unknown> | AsyncIterable<unknown>,
  options: SendOptions = {},
): Promise<ProduceResult> {
  const { connection, topic } = splitTopicName(name)
  const { rate, ...rest } = options
  const list: unknown[] = []
  for await (const row of rows) list.push(row)
  const sent = await runtime().produce(connection, topic, list, { ...rest, ratePerSecond: rate })
  return told(sent, producedText(name, sent.positions))
}

export interface GeneratorOptions extends Omit<GenerateOptions, 'disorderMs'> {
  /** How far records are out of order. */
  readonly disorder?: Duration | undefined
}

/**
 * Starts a seeded generator on an embedded topic: `make(i, random, at)` gives row i. Without it the topic's own generator is
 * re-tuned.
 */
export async function generate(
  name: string,
  options: GeneratorOptions = {},
  make?: (i: number, random: () => number, at: number) => unknown,
): Promise<void> {
  const { disorder, ...rest } = options
  const disorderMs = disorder === undefined ? undefined : parseDuration(disorder, 'disorder')
  await runtime().generate(
    splitTopicName(name).topic,
    { ...rest, disorderMs },
    make === undefined ? undefined : runtime().ship(make),
  )
}
