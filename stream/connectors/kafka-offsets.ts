/** Topics and offsets of a cluster by single requests, so that one deleted topic never spoils the answer about another. */
import { readCommitted } from './kafka-client.ts'
import { typeOf } from './kafka-errors.ts'
import type { KafkaCluster, TopicMetadata } from './kafka-client.ts'

export const earliestTimestamp = -2
export const latestTimestamp = -1

/** Every topic with its partitions and leaders. Rejects while no broker of the cluster is in service: then nobody leads anything. */
export async function allTopics(cluster: KafkaCluster): Promise<readonly TopicMetadata[]> {
  const { brokers, topicMetadata } = await listTopics(cluster)
  if (brokers.length === 0) throw new UnreadyError('no broker of the cluster is in service')
  return topicMetadata
}

/** As the broker answers, also one that has just come back and whom its controller has not let in yet. */
export async function listTopics(cluster: KafkaCluster) {
  const broker = await cluster.brokerPool.findConnectedBroker()
  return broker.metadata([])
}

class UnreadyError extends Error {
  readonly type = 'BROKER_NOT_AVAILABLE'
}

/** The topic, or undefined when the cluster has none of that name. */
export async function topicNamed(cluster: KafkaCluster, topic: string): Promise<TopicMetadata | undefined> {
  // Asking for all of them never fails for a missing one, and brings the names that are near.
  return (await allTopics(cluster)).find(each => each.topic === topic)
}

/** The broker's refusal when this user has no right to see the topic; undefined when it has, or there is none of that name. */
export async function topicDenied(cluster: KafkaCluster, topic: string): Promise<unknown> {
  const broker = await cluster.brokerPool.findConnectedBroker()
  try {
    await broker.metadata([topic])
  } catch (error) {
    if (typeOf(error) === 'TOPIC_AUTHORIZATION_FAILED') return error
  }
  return undefined
}

/** Without the partitions nobody leads at the moment: about them no broker answers. */
export function led(topics: readonly TopicMetadata[]): TopicMetadata[] {
  return topics.map(topic => ({
    ...topic,
    partitionMetadata: topic.partitionMetadata.filter(({ leader }) => leader >= 0),
  }))
}

class LeaderlessError extends Error {
  readonly type = 'LEADER_NOT_AVAILABLE'
}

/** Offsets at a timestamp (or -2, -1 for first and end) by topic and partition; a timestamp past the end gives -1. Rejects for a partition without a leader. */
export async function offsetsAt(
  cluster: KafkaCluster,
  topics: readonly TopicMetadata[],
  timestamp: number,
): Promise<Map<string, Map<number, bigint>>> {
  const byLeader = new Map<number, { topic: string; partitions: { partition: number; timestamp: number }[] }[]>()
  for (const { topic, partitionMetadata } of topics) {
    for (const { partitionId, leader } of partitionMetadata) {
      if (leader < 0) throw new LeaderlessError(`partition ${partitionId} of topic "${topic}" has no leader`)
      let asked = byLeader.get(leader)
      if (asked === undefined) byLeader.set(leader, (asked = []))
      let last = asked[asked.length - 1]
      if (last?.topic !== topic) asked.push((last = { topic, partitions: [] }))
      last.partitions.push({ partition: partitionId, timestamp })
    }
  }
  const found = new Map<string, Map<number, bigint>>()
  await Promise.all(
    [...byLeader].map(async ([leader, asked]) => {
      const broker = await cluster.findBroker({ nodeId: String(leader) })
      const { responses } = await broker.listOffsets({ isolationLevel: readCommitted, topics: asked })
      for (const { topic, partitions } of responses) {
        let offsets = found.get(topic)
        if (offsets === undefined) found.set(topic, (offsets = new Map()))
        for (const { partition, offset } of partitions) offsets.set(partition, BigInt(offset))
      }
    }),
  )
  return found
}
