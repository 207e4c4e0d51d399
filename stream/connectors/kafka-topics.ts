/** What a cluster tells of its topics beside their offsets: sizes on disk, configuration, rates; and how it is changed. */
import { readCommitted } from './kafka-client.ts'
import { offsetsAt } from './kafka-offsets.ts'
import { connectionParts } from './kafka-protocol.ts'
import type { KafkaBroker, KafkaCluster, TopicMetadata } from './kafka-client.ts'
import type { SegmentSummary, TopicChanges } from './connector.ts'

/** Records of the last so many seconds make the rate. */
const rateSeconds = 10
const topicResource = 2

export interface TopicFacts {
  readonly sizeBytes?: number | undefined
  readonly retentionMs?: number | undefined
  readonly retentionBytes?: number | undefined
  readonly compacted?: boolean | undefined
  readonly recordsPerSecond?: number | undefined
}

/** Facts by topic; what this user may not see, or the cluster does not tell, is left out. */
export async function topicFacts(
  cluster: KafkaCluster,
  topics: readonly TopicMetadata[],
  highs: ReadonlyMap<string, ReadonlyMap<number, bigint>>,
  nowMs: number,
): Promise<Map<string, TopicFacts>> {
  if (topics.length === 0) return new Map()
  const [sizes, configs, earlier] = await Promise.all([
    allowed(() => sizesOf(cluster, topics)),
    allowed(() => configsOf(cluster, topics)),
    allowed(() => offsetsAt(cluster, topics, nowMs - rateSeconds * 1000)),
  ])
  return new Map(
    topics.map(({ topic }) => {
      const config = configs?.get(topic)
      const bound = (name: string) => {
        const value = Number(config?.get(name) ?? Number.NaN)
        return Number.isNaN(value) ? undefined : value < 0 ? Infinity : value
      }
      const rate = earlier === undefined ? undefined : rateOf(earlier.get(topic), highs.get(topic))
      return [
        topic,
        {
          sizeBytes: sizes?.get(topic),
          retentionMs: bound('retention.ms'),
          retentionBytes: bound('retention.bytes'),
          compacted: config?.get('cleanup.policy')?.includes('compact'),
          recordsPerSecond: rate,
        },
      ]
    }),
  )
}

function rateOf(
  earlier: ReadonlyMap<number, bigint> | undefined,
  highs: ReadonlyMap<number, bigint> | undefined,
): number {
  let count = 0
  for (const [partition, offset] of earlier ?? [])
    if (offset >= 0n) count += Number((highs?.get(partition) ?? offset) - offset)
  return count / rateSeconds
}

/** Undefined when the cluster refuses: a list of topics is worth more than one of its columns. */
async function allowed<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch {
    return undefined
  }
}

/** Bytes on disk by topic, one copy of each partition counted: API 35 (DescribeLogDirs), which kafkajs does not know. */
async function sizesOf(cluster: KafkaCluster, topics: readonly TopicMetadata[]): Promise<Map<string, number>> {
  const { Encoder } = connectionParts()
  const leaders = new Map<number, TopicMetadata[]>()
  for (const topic of topics)
    for (const leader of new Set(topic.partitionMetadata.map(each => each.leader)))
      leaders.set(leader, [...(leaders.get(leader) ?? []), topic])
  const sizes = new Map<string, number>()
  await Promise.all(
    [...leaders].map(async ([leader, led]) => {
      const broker = await cluster.findBroker({ nodeId: String(leader) })
      const asked = led.map(({ topic, partitionMetadata }) =>
        new Encoder()
          .writeString(topic)
          .writeArray(partitionMetadata.filter(each => each.leader === leader).map(each => each.partitionId)),
      )
      const found = await broker.connectionPool.send({
        request: {
          apiKey: 35,
          apiVersion: 1,
          apiName: 'DescribeLogDirs',
          encode: () => Promise.resolve(new Encoder().writeArray(asked)),
        },
        response: { decode: bytes => Promise.resolve(logDirs(bytes)), parse: data => Promise.resolve(data) },
      })
      for (const { topic, sizeBytes } of found) sizes.set(topic, (sizes.get(topic) ?? 0) + sizeBytes)
    }),
  )
  return sizes
}

function logDirs(bytes: Buffer): { topic: string; sizeBytes: number }[] {
  const { Decoder } = connectionParts()
  const decoder = new Decoder(bytes)
  decoder.readInt32()
  const found: { topic: string; sizeBytes: number }[] = []
  decoder.readArray(directory => {
    directory.readInt16()
    directory.readString()
    directory.readArray(part => {
      const topic = part.readString()
      part.readArray(partition => {
        partition.readInt32()
        found.push({ topic, sizeBytes: Number(partition.readInt64()) })
        partition.readInt64()
        partition.readBoolean()
      })
    })
  })
  return found
}

async function configsOf(
  cluster: KafkaCluster,
  topics: readonly TopicMetadata[],
): Promise<Map<string, Map<string, string>>> {
  const broker = await cluster.brokerPool.findConnectedBroker()
  const configNames = ['retention.ms', 'retention.bytes', 'cleanup.policy', 'segment.bytes']
  const { resources } = await broker.describeConfigs({
    resources: topics.map(({ topic }) => ({ type: topicResource, name: topic, configNames })),
    includeSynonyms: false,
  })
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  )
}

/** Kafka's names of what `%topics create|alter` sets. */
export function configEntries({ retentionMs, retentionBytes }: TopicChanges): { name: string; value: string }[] {
  const text = (value: number) => (value === Infinity ? '-1' : String(Math.trunc(value)))
  return [
    ...(retentionMs === undefined ? [] : [{ name: 'retention.ms', value: text(retentionMs) }]),
    ...(retentionBytes === undefined ? [] : [{ name: 'retention.bytes', value: text(retentionBytes) }]),
  ]
}

/** Configuration that a topic has of its own: what is set replaces all of it, so what is there goes along. */
export async function ownConfig(cluster: KafkaCluster, topic: string): Promise<{ name: string; value: string }[]> {
  const broker = await cluster.brokerPool.findConnectedBroker()
  const { resources } = await broker.describeConfigs({
    resources: [{ type: topicResource, name: topic }],
    includeSynonyms: false,
  })
  const own = resources[0]?.configEntries.filter(({ configSource }) => configSource === topicSource) ?? []
  return own.map(({ configName, configValue }) => ({ name: configName, value: configValue }))
}

/** DYNAMIC_TOPIC_CONFIG of Kafka's ConfigSource. */
const topicSource = 1

/** A line a partition with its first and last record: a broker does not tell where its segments begin. */
export async function partitionLog(
  cluster: KafkaCluster,
  { topic, partitionMetadata }: TopicMetadata,
  bounds: ReadonlyMap<number, { readonly low: bigint; readonly high: bigint }>,
): Promise<SegmentSummary[]> {
  const lines = partitionMetadata.map(async ({ partitionId, leader }): Promise<SegmentSummary> => {
    const { low = 0n, high = 0n } = bounds.get(partitionId) ?? {}
    if (high <= low) return { partition: partitionId, firstOffset: low, nextOffset: high }
    const broker = await cluster.findBroker({ nodeId: String(leader) })
    const [oldest, newest] = await Promise.all([
      timestampAt(broker, topic, partitionId, low),
      timestampAt(broker, topic, partitionId, high - 1n),
    ])
    return { partition: partitionId, firstOffset: low, nextOffset: high, oldestMs: oldest, newestMs: newest }
  })
  return Promise.all(lines)
}

async function timestampAt(broker: KafkaBroker, topic: string, partition: number, offset: bigint) {
  const { responses } = await broker.fetch({
    isolationLevel: readCommitted,
    maxWaitTime: 0,
    minBytes: 0,
    maxBytes: 1_000_000,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: 1 }] }],
  })
  const messages = responses[0]?.partitions[0]?.messages ?? []
  const found = messages.find(each => BigInt(each.offset) >= offset) ?? messages[messages.length - 1]
  return found === undefined ? undefined : Number(found.timestamp)
}
