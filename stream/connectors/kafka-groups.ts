/** Consumer groups of a cluster: who is in them, how far they have come. Looking joins none of them. */
import { latestTimestamp, offsetsAt } from './kafka-offsets.ts'
import { assignmentOf } from './kafka-protocol.ts'
import type { GroupPartition, GroupSummary } from './connector.ts'
import type { KafkaAdmin, KafkaCluster, TopicMetadata } from './kafka-client.ts'

/** All groups, or the one named; an unknown one is found as none. */
export async function groupsOf(
  admin: KafkaAdmin,
  cluster: KafkaCluster,
  topics: readonly TopicMetadata[],
  name: string | undefined,
): Promise<GroupSummary[]> {
  const listed = (await admin.listGroups()).groups.filter(({ groupId }) => name === undefined || groupId === name)
  if (listed.length === 0) return []
  const { groups } = await admin.describeGroups(listed.map(({ groupId }) => groupId))
  const committed = await Promise.all(groups.map(({ groupId }) => admin.fetchOffsets({ groupId })))
  const wanted = new Set(committed.flat().map(({ topic }) => topic))
  const ends = await offsetsAt(cluster, topics.filter(({ topic }) => wanted.has(topic)), latestTimestamp) // prettier-ignore
  return groups
    .map(({ groupId, state, members }, i): GroupSummary => {
      const assigned = members.map(member => ({ ...member, partitions: assignmentOf(member.memberAssignment) }))
      const holder = (topic: string, partition: number) =>
        assigned.find(each => each.partitions.get(topic)?.includes(partition) === true)
      const partitions = committed[i]!.flatMap(({ topic, partitions: of }) =>
        of.map(({ partition, offset }): GroupPartition => {
          const at = BigInt(offset)
          const end = ends.get(topic)?.get(partition) ?? 0n
          const member = holder(topic, partition)
          return {
            topic,
            partition,
            committedOffset: at < 0n ? undefined : at,
            endOffset: end,
            lagCount: Number(end - (at < 0n ? 0n : at)),
            member: member?.clientId,
            host: member?.clientHost,
          }
        }),
      )
      return {
        name: groupId,
        state: state.toLowerCase(),
        members: assigned.map(({ clientId, clientHost }) => ({ client: clientId, host: clientHost })),
        partitions: partitions.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1)), // prettier-ignore
      }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
