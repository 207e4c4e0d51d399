/** What a cluster tells of itself: sizes, rates, schemas and retention of topics, how they are stored, groups; and altering topics. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeKafka } from '../../stream/connectors/kafka-client.ts'
import { alterTopic, createTopic, groups, produce, topicLog, topics } from '../../stream/index.ts'
import { clusterOfFile } from './cluster-of-file.ts'
import { javaTool } from './kafka-tools.ts'

const { kafka } = await clusterOfFile()

const bootstrap = () => ['--bootstrap-server', `${kafka.host}:${kafka.port}`]

test('topics come with size, rate, retention and schemas', async () => {
  await createTopic('k:orders', { partitions: 3, retention: '2d', retentionSize: '10MB' })
  const rows = Array.from({ length: 200 }, (_, i) => ({ id: `o${i}`, v: i }))
  await produce('k:orders', rows, { format: 'avro', key: 'id' })
  const [orders] = await topics({ connection: 'k', facts: true })
  assert.ok(orders !== undefined && orders.sizeBytes !== undefined && orders.sizeBytes > 2000)
  // All 200 were written within the ten seconds the rate looks back.
  assert.equal(orders.recordsPerSecond, 20)
  assert.deepEqual([orders.retentionMs, orders.retentionBytes], [172_800_000, 10_000_000])
  assert.deepEqual([orders.keySchema, orders.valueSchema], [undefined, 'avro v1'])
})

test('altering keeps what it does not name, and Java sees it', async () => {
  await createTopic('k:grows', { partitions: 1, retention: '1h' })
  await alterTopic('k:grows', { partitions: 4 })
  await alterTopic('k:grows', { retentionSize: '5MB' })
  const grows = (await topics({ connection: 'k', facts: true })).find(each => each.name === 'grows')
  assert.deepEqual([grows?.partitions.length, grows?.retentionMs, grows?.retentionBytes], [4, 3_600_000, 5_000_000])
  await alterTopic('k:grows', { retention: 'forever' })
  const told = await javaTool('org.apache.kafka.tools.TopicCommand', [...bootstrap(), '--describe', '--topic', 'grows'])
  assert.match(told, /PartitionCount: 4/)
  assert.match(told, /retention\.ms=-1/)
  assert.match(told, /retention\.bytes=5000000/)
  await assert.rejects(alterTopic('k:grows', { partitions: 2 }), {
    code: 'OPTION_INVALID',
    message: 'Cannot change partitions of topic "grows": it has 4, they only grow, 2 is asked',
  })
  await assert.rejects(alterTopic('k:grow', { partitions: 9 }), { code: 'TOPIC_UNKNOWN' })
})

test('the log of a topic has first and last offset and their timestamps', async () => {
  await createTopic('k:logged', { partitions: 2 })
  await produce('k:logged', [{ i: 1 }, { i: 2 }, { i: 3 }], { partition: 1 })
  const [empty, full] = await topicLog('k:logged')
  assert.deepEqual({ ...empty }, { partition: 0, segment: 'all', first: 0n, last: undefined, records: 0, bytes: undefined, oldest: undefined, newest: undefined }) // prettier-ignore
  assert.deepEqual([full?.first, full?.last, full?.records], [0n, 2n, 3])
  assert.match(full?.oldest ?? '', /^\d{4}-\d\d-\d\dT/)
  assert.ok((full?.oldest ?? '') <= (full?.newest ?? ''))
})

test('groups are told with members and lag, and looking makes none', async () => {
  await createTopic('k:read', { partitions: 2 })
  await produce('k:read', Array.from({ length: 10 }, (_, i) => ({ i })), { partition: 0 }) // prettier-ignore
  assert.deepEqual([...(await groups('k:'))], [])
  const consumer = makeKafka({ brokers: [`${kafka.host}:${kafka.port}`], clientId: 'billing-1' }).consumer({
    groupId: 'billing',
  })
  await consumer.connect()
  await consumer.subscribe({ topic: 'read', fromBeginning: true })
  let seen = 0
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachMessage: async () => {
          if (++seen === 10) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.commitOffsets([{ topic: 'read', partition: 0, offset: '4' }])
  assert.deepEqual(
    (await groups('k:')).map(row => ({ ...row })),
    [{ group: 'billing', state: 'stable', members: 1, topics: 'read', lag: 6 }],
  )
  const rows = (await groups('k:billing')).map(row => ({ ...row }))
  assert.deepEqual(
    rows.map(row => 'partition' in row && [row.topic, row.partition, row.committed, row.end, row.lag, row.member]),
    [['read', 0, 4n, 10n, 6, 'billing-1']],
  )
  await consumer.disconnect()
  await assert.rejects(groups('k:biling'), {
    message: 'Cannot show group "biling": there is none of that name, there are billing',
  })
})
