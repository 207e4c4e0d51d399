/**
 * Two brokers, and the leader of what is read and written changes while streams are at work: it is killed, it comes back and takes
 * its place again from the one that stands in, and it is shut down in order. No record is lost, none doubled, the watermark goes on.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect, count, runtime, setRuntime, sum, topic, tumbling } from '../../stream/index.ts'
import { makeCluster, makeKafka } from '../../stream/connectors/kafka-client.ts'
import { openKafka } from '../../stream/connectors/kafka.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { startEngine, until } from '../hosted/hosted.ts'
import { collect } from './connector-contract.ts'
import { startKafka } from './kafka-server.ts'
import type { KafkaConnection } from '../../stream/connectors/kafka.ts'
import type { HostedEngine } from '../hosted/hosted.ts'
import type { KafkaServer } from './kafka-server.ts'

const beganMs = Math.floor(Date.now() / 10_000) * 10_000 - 3_600_000
const regions = ['north', 'south', 'east']
const row = (i: number) => ({ i, region: regions[i % 3]!, at: beganMs + i * 2, amount: i % 100 })
const batchCount = 300

let first: KafkaServer
let second: KafkaServer
let engine: HostedEngine
let connection: KafkaConnection
/** Ahead of the wall clock. */
let aheadMs = 0
/** What only the first knows is true of both: it is the controller and stays. */
let address: { brokers: string[]; clientId: string }
let url: string

before(async () => {
  const starting = startEngine()
  // A leader that is back takes its partitions over at once instead of within five minutes.
  const copies = ['offsets.topic.replication.factor=2', 'transaction.state.log.replication.factor=2']
  first = await startKafka({ properties: async () => ['leader.imbalance.check.interval.seconds=1', ...copies] })
  ;[second, engine] = await Promise.all([startKafka({ joins: first, properties: async () => copies }), starting])
  url = `${first.url},${second.host}:${second.port}`
  address = { brokers: [`${first.host}:${first.port}`], clientId: 'test' }
  setRuntime(engine.runtime())
  await connect(url, { as: 'k' })
  const clock = { ...wallClock, nowMs: () => wallClock.nowMs() + aheadMs }
  connection = await openKafka(url, { as: 'raw', clock })
})
after(async () => {
  await connection?.close()
  await engine?.stop()
  await second?.stop()
  await first?.stop()
})

/** Copies on both; the second broker leads the first and last partition. */
const onBoth = [
  [2, 1],
  [1, 2],
  [2, 1],
]

async function create(name: string, copies: readonly (readonly number[])[] = onBoth): Promise<void> {
  const admin = makeKafka(address).admin()
  await admin.connect()
  const replicaAssignment = copies.map((replicas, partition) => ({ partition, replicas }))
  await until(async () => {
    try {
      const topics = [{ topic: name, replicaAssignment }]
      return await admin.createTopics({ waitForLeaders: true, topics })
    } catch {
      // The controller does not know the second broker yet.
      return undefined
    }
  })
  await admin.disconnect()
}

/** By partition, as the first broker says. */
async function leaders(name: string): Promise<readonly number[]> {
  const cluster = makeCluster(address)
  try {
    await cluster.connect()
    const broker = await cluster.brokerPool.findConnectedBroker()
    const [found] = (await broker.metadata([name])).topicMetadata
    return [...found!.partitionMetadata].sort((a, b) => a.partitionId - b.partitionId).map(each => each.leader)
  } finally {
    await cluster.disconnect()
  }
}

const ledBy = (name: string, wanted: readonly number[]) =>
  until(async () => (String(await leaders(name).catch(() => [])) === String(wanted) ? true : undefined), 60_000)

const statsOf = async (name: string) => (await runtime().list()).find(each => each.name === name)?.stats

test('a leader that goes, comes back and goes costs no record and doubles none', { timeout: 180_000 }, async () => {
  for (const name of ['in', 'out', 'windows']) await create(name)
  const input = await topic('k:in', { from: 'earliest', time: 'at', outOfOrder: '1m' })
  await input.to('k:out', { key: 'i', as: 'copy' })
  const windows = input.keyBy('region').window(tumbling('10s')).aggregate({ total: sum('amount'), n: count() }) // prettier-ignore
  await windows.to('k:windows', { key: 'region', as: 'fired' })

  const writer = await connection.writer('in')
  let sent = 0
  const value = (each: object) => Buffer.from(JSON.stringify(each))
  /** Goes on until `event` is over, never far before the copy. */
  const writeDuring = async (event: Promise<unknown>) => {
    let over = false
    const ended = event.finally(() => (over = true))
    do {
      const records = Array.from({ length: batchCount }, (_, n) => ({ key: Buffer.from(String(sent + n)), value: value(row(sent + n)) })) // prettier-ignore
      await writer.send(records)
      sent += batchCount
      await until(async () => (over || ((await statsOf('copy'))?.rowCount ?? 0) > sent - 20 * batchCount ? true : undefined)) // prettier-ignore
    } while (!over)
    await ended
    // All of it comes from the new leader.
    await until(async () => (((await statsOf('copy'))?.rowCount ?? 0) >= sent ? true : undefined))
  }

  await writeDuring(until(async () => (((await statsOf('copy'))?.rowCount ?? 0) > 0 ? true : undefined)))
  const before = (await statsOf('copy'))!
  await writeDuring(second.kill().then(() => ledBy('in', [1, 1, 1])))
  await writeDuring(second.restart().then(() => ledBy('in', [2, 1, 2])))
  await writeDuring(second.shutDown().then(() => ledBy('in', [1, 1, 1])))

  const lastMs = row(sent - 1).at
  // Every window up to here ends: each partition sees a time far behind it.
  await writer.send(
    [0, 1, 2].map(partition => ({ key: null, partition, value: value({ ...row(sent + partition), at: lastMs + 600_000 }) })), // prettier-ignore
  )
  const all = sent + 3
  const after = await until(async () => {
    const stats = await statsOf('copy')
    return stats !== undefined && stats.rowCount >= all && stats.watermarkMs === lastMs + 539_999 ? stats : undefined
  })
  assert.equal(after.rowCount, all)
  assert.ok(after.watermarkMs! > before.watermarkMs!)
  assert.equal(after.state, 'running')

  // What a program without streams makes of the same rows.
  const expected = new Map<string, { total: number; n: number }>()
  for (let i = 0; i < sent; i++) {
    const { at, region, amount } = row(i)
    const name = `${Math.floor(at / 10_000) * 10_000} ${region}`
    const window = expected.get(name) ?? { total: 0, n: 0 }
    expected.set(name, { total: window.total + amount, n: window.n + 1 })
  }
  const rows = async (name: string) =>
    (await collect(await connection.read(name, { from: 'earliest', to: 'latest' }))).values.map(
      text => JSON.parse(text!) as Record<string, unknown>,
    )
  const fired = await until(async () => {
    const found = await rows('windows')
    return found.length >= expected.size ? found : undefined
  })
  assert.deepEqual(
    new Map(fired.map(each => [`${Number(each['windowStart'])} ${String(each['region'])}`, { total: each['total'], n: each['n'] }])), // prettier-ignore
    expected,
  )
  assert.equal(fired.length, expected.size)
  for (const name of ['in', 'out']) {
    const seen = (await rows(name)).map(each => Number(each['i']))
    assert.equal(seen.length, all, `records of ${name}`)
    assert.equal(new Set(seen).size, all, `records of ${name} without doubles`)
  }
  await writer.close()
})

test('a transactional sink commits on with the new leader, each row once', { timeout: 240_000 }, async () => {
  await second.restart()
  for (const name of ['source', 'committed']) await create(name)
  await ledBy('committed', [2, 1, 2])
  const input = await topic('k:source', { from: 'earliest', time: 'at', outOfOrder: '1m' })
  await input.to('k:committed', { key: 'i', as: 'once', transactional: true })
  const all = () => until(async () => ((await values()).length >= sent ? true : undefined), 100_000)
  const values = async () => (await collect(await connection.read('committed', { from: 'earliest', to: 'latest' }))).values // prettier-ignore
  const writer = await connection.writer('source')
  let sent = 0
  const send = async () => {
    await writer.send(Array.from({ length: batchCount }, (_, n) => ({ key: Buffer.from(String(sent + n)), value: Buffer.from(JSON.stringify(row(sent + n))) }))) // prettier-ignore
    sent += batchCount
  }
  await send()
  await all()
  await send()
  await second.kill()
  await send()
  await ledBy('committed', [1, 1, 1])
  await all()
  const seen = (await values()).map(text => (JSON.parse(text!) as { i: number }).i)
  assert.deepEqual([seen.length, new Set(seen).size], [sent, sent])
  await writer.close()
})

test('an end that lies in the future is found with the leader of then', { timeout: 120_000 }, async () => {
  await second.restart()
  await create('ends')
  await ledBy('ends', [2, 1, 2])
  await connection.produce('ends', [0, 1, 2].map(partition => ({ key: null, value: Buffer.from('{}'), partition }))) // prettier-ignore
  const reader = await connection.read('ends', { from: 'earliest', to: new Date(Date.now() + 3_600_000).toISOString() })
  const reading = collect(reader)
  await second.shutDown()
  await ledBy('ends', [1, 1, 1])
  aheadMs = 7_200_000
  assert.equal((await reading).values.length, 3)
  aheadMs = 0
})

test('a topic whose only broker is away disturbs no other topic', { timeout: 120_000 }, async () => {
  await second.restart()
  await create('alone', [[2]])
  await create('other')
  await connection.produce('alone', [{ key: null, value: Buffer.from('{}') }])
  await second.shutDown()
  await ledBy('other', [1, 1, 1])
  const fresh = await openKafka(url, { as: 'fresh', clock: wallClock })
  try {
    const names = (await fresh.topics({ facts: true })).map(each => each.name)
    assert.ok(names.includes('alone') && names.includes('other'), String(names))
    await fresh.create('made', { partitions: 1 })
    await fresh.produce('other', [{ key: null, value: Buffer.from('{"v":1}') }])
    const { values } = await collect(await fresh.read('other', { from: 'earliest', to: 'latest' }))
    assert.deepEqual(values, ['{"v":1}'])
    await assert.rejects(fresh.read('alone', { from: 'earliest' }), {
      code: 'KAFKA_REFUSED',
      message: /^Cannot read topic "alone": the broker at "kafka:[^"]+" refused with LEADER_NOT_AVAILABLE$/,
      hint: 'No broker that holds a copy of the partition is up: start it, or tell the administrator of the cluster',
    })
  } finally {
    await fresh.close()
  }
})
