/** What one does to topics beside reading them: connections, creating, producing, generating. */
import type { TopicSummary } from './connectors/connector.ts'
import { splitTopicName } from './topic-name.ts'
import { runtime } from './targets/runtime-registry.ts'
import type { ConnectSettings, GenerateOptions, ProduceResult } from './targets/runtime.ts'
import { parseDuration } from './time/duration.ts'
import { producedText, told } from './told.ts'
import type { Duration } from './windows.ts'

/** Opens a connection, `embedded` or `kafka://host:9092`; one of the same name is replaced. */
export function connect(url: string, options: ConnectSettings = {}): Promise<{ name: string; url: string }> {
  return runtime().connect(url, options)
}

/** Topics of a connection, default the embedded ones. */
export function topics(
  options: { readonly connection?: string | undefined; readonly internal?: boolean | undefined } = {},
): Promise<TopicSummary[]> {
  return runtime().listTopics(options.connection ?? 'embedded', { internal: options.internal ?? false })
}

export interface TopicMade {
  readonly name: string
  readonly partitions: number
}

/** @throws StreamError TOPIC_EXISTS */
export async function createTopic(
  name: string,
  options: { readonly partitions?: number | undefined } = {},
): Promise<TopicMade> {
  const { connection, topic } = splitTopicName(name)
  const partitions = options.partitions ?? 3
  await runtime().createTopic(connection, topic, { partitions })
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
