/** The contract on a real broker, and what only a broker over a network can do: be away, be wrong, come back. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { makeKafka } from '../../stream/connectors/kafka-client.ts'
import { openKafka } from '../../stream/connectors/kafka.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { collect, connectorContract, next, valuesOf } from './connector-contract.ts'
import { answers, produceByHand } from './kafka-protocol.ts'
import { startKafka } from './kafka-server.ts'
import { javaTool } from './kafka-tools.ts'
import { stopwatch } from './stopwatch.ts'
import type { Clock } from '../../stream/time/clock.ts'
import type { KafkaServer } from './kafka-server.ts'

let server: Promise<KafkaServer> | undefined
const kafka = () => (server ??= startKafka())

before(() => void kafka())
after(async () => (await server)?.stop())

connectorContract('Kafka', async () => {
  const { host, port, url } = await kafka()
  const connection = await openKafka(url, { as: 'local', clock: wallClock })
  return {
    connection,
    foreign: (topic, partition, records) => produceByHand(host, port, topic, partition, records),
    close: () => connection.close(),
  }
})

test('a broker that is killed and comes back costs a read no record and doubles none', async () => {
  const { url, kill, restart } = await kafka()
  const notices: string[] = []
  const connection = await openKafka(url, { as: 'local', clock: wallClock, onNotice: text => notices.push(text) })
  const topic = `killed-${process.pid}`
  await connection.create(topic, { partitions: 2 })
  const count = 30_000
  const value = (i: number) => Buffer.from(JSON.stringify({ i, pad: 'x'.repeat(200) }))
  await connection.produce(
    topic,
    Array.from({ length: count }, (_, i) => ({ key: null, value: value(i) })),
  )
  const reader = await connection.read(topic, { from: 'earliest', maxBatch: 300 })
  const seen: number[] = []
  const readTo = async (wanted: number) => {
    while (seen.length < wanted) {
      const result = await next(reader)
      assert.notEqual(result, null)
      seen.push(...valuesOf(result!).map(text => (JSON.parse(text) as { i: number }).i))
    }
  }
  await readTo(3000)
  await kill()
  const away = readTo(count + 1)
  const took = stopwatch()
  await assert.rejects(connection.topics(), { code: 'KAFKA_UNREACHABLE' })
  await assert.rejects(connection.produce(topic, [{ key: null, value: value(-1) }]), { code: 'KAFKA_UNREACHABLE' })
  assert.ok(took() < 10_000)
  await restart()
  assert.ok((await connection.topics()).some(each => each.name === topic))
  await connection.produce(topic, [{ key: null, value: value(count) }])
  await away
  assert.equal(seen.length, count + 1)
  assert.equal(new Set(seen).size, count + 1)
  await connection.close()
})

test('what a transaction took back is not read, nor is one that is open', async () => {
  const { url, host, port } = await kafka()
  const connection = await openKafka(url, { as: 'local', clock: wallClock })
  const topic = `committed-${process.pid}`
  await connection.create(topic, { partitions: 1 })
  const producer = makeKafka({ brokers: [`${host}:${port}`], clientId: 'test' }).producer({
    transactionalId: `t-${process.pid}`,
    idempotent: true,
    maxInFlightRequests: 1,
  })
  await producer.connect()
  const send = async (value: string) => {
    const transaction = await producer.transaction()
    const messages = [{ key: null, value: Buffer.from(value), partition: 0 }]
    await transaction.sendBatch({ acks: -1, topicMessages: [{ topic, messages }] })
    return transaction
  }
  await (await send('kept')).commit()
  await (await send('taken back')).abort()
  const open = await send('open')
  const read = async () => (await collect(await connection.read(topic, { from: 'earliest', to: 'latest' }))).values
  /** A commit is answered before its marks stand in the log: what is committed shows a moment later, what is not never. */
  const shows = async (...wanted: string[]) => {
    const limitMs = Date.now() + 60_000
    for (;;) {
      const seen = await read()
      assert.deepEqual(seen, wanted.slice(0, seen.length))
      if (seen.length === wanted.length) return
      assert.ok(Date.now() < limitMs, `only ${seen.join()} showed`)
    }
  }
  await shows('kept')
  await open.commit()
  await shows('kept', 'open')
  await producer.disconnect()
  await connection.close()
})

test('a reader that retention overtook goes on at the first record there is, and counts what it missed', async () => {
  const { url, host, port } = await kafka()
  const connection = await openKafka(url, { as: 'local', clock: wallClock })
  const [topic, emptied] = [`overrun-${process.pid}`, `emptied-${process.pid}`]
  const records = (length: number) => Array.from({ length }, (_, i) => ({ key: null, value: Buffer.from(String(i)) }))
  for (const each of [topic, emptied]) await connection.create(each, { partitions: 1 })
  await connection.produce(topic, records(100))
  // More than a reader keeps for somebody who does not take it.
  const follower = await connection.read(emptied, { from: 'latest' })
  assert.deepEqual((await next(follower))?.exhausted, [0])
  await connection.produce(emptied, records(12_000))
  const folder = mkdtempSync(join(tmpdir(), 'riffle-overrun-'))
  const offsets = join(folder, 'offsets.json')
  const upTo = (each: string, offset: number) => ({ topic: each, partition: 0, offset })
  writeFileSync(offsets, JSON.stringify({ version: 1, partitions: [upTo(topic, 40), upTo(emptied, 12_000)] }))
  await javaTool('org.apache.kafka.tools.DeleteRecordsCommand', [
    ...['--bootstrap-server', `${host}:${port}`],
    ...['--offset-json-file', offsets],
  ])
  rmSync(folder, { recursive: true })
  const reader = await connection.read(topic, { from: 'earliest', to: 'latest', positions: new Map([[0, 10n]]) })
  const values: (string | null)[] = []
  let lost: number | undefined
  for (let result = await next(reader); result !== null; result = await next(reader)) {
    values.push(...valuesOf(result))
    lost = result.lostCount
  }
  assert.deepEqual([values.length, values[0], values.at(-1), lost], [60, '40', '99', 30])
  // Told also when no record follows.
  let [taken, missed] = [0, 0]
  while (taken + missed < 12_000) {
    const result = await next(follower)
    taken += result!.batch.count
    missed = result!.lostCount ?? 0
  }
  assert.equal(taken + missed, 12_000)
  assert.ok(missed > 0)
  await connection.close()
})

test('a broker that keeps silent is told within five seconds by whatever is asked', async () => {
  const { url, host, port, freeze, wake } = await kafka()
  const connection = await openKafka(url, { as: 'local', clock: wallClock })
  const topic = `silent-${process.pid}`
  await connection.create(topic, { partitions: 1 })
  freeze()
  try {
    for (const ask of [
      () => connection.topics({ facts: true }),
      () => connection.describe(topic),
      () => connection.segments(topic),
      () => connection.groups(),
      () => connection.read(topic, { from: 'earliest' }),
    ]) {
      const took = stopwatch()
      await assert.rejects(ask(), { code: 'KAFKA_UNREACHABLE' })
      const tookMs = took()
      assert.ok(tookMs < 5000, `took ${tookMs} ms`)
    }
  } finally {
    wake()
  }
  // Its controller has shut out a broker that slept so long, and lets it in again a moment after its first answers.
  await answers(host, port)
  const names = await Promise.all([1, 2, 3, 4].map(async () => (await connection.describe(topic)).name))
  assert.deepEqual(names, [topic, topic, topic, topic])
  await connection.close()
})

for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
  test(`a topic that the broker compresses with ${codec} is read`, async () => {
    const { url, host, port } = await kafka()
    const topic = `${codec}-${process.pid}`
    const admin = makeKafka({ brokers: [`${host}:${port}`], clientId: 'test' }).admin()
    await admin.connect()
    const configEntries = [{ name: 'compression.type', value: codec }]
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1, configEntries }] })
    await admin.disconnect()
    const values = Array.from({ length: 2000 }, (_, i) => JSON.stringify({ i, region: 'east', pad: 'abc'.repeat(300) }))
    for (let at = 0; at < values.length; at += 500) {
      const part = values.slice(at, at + 500)
      await produceByHand(
        host,
        port,
        topic,
        0,
        part.map((value, i) => ({ key: `k${i}`, value, timestampMs: at + i })),
      )
    }
    const connection = await openKafka(url, { as: 'local', clock: wallClock })
    const read = await collect(await connection.read(topic, { from: 'earliest', to: 'latest' }))
    assert.deepEqual(read.values, values)
    await connection.close()
  })
}

test('an answer without room for all partitions costs no record', async () => {
  const { url } = await kafka()
  const connection = await openKafka(url, { as: 'wide', clock: wallClock })
  const topic = `wide-${process.pid}`
  const [partitions, each] = [12, 6]
  await connection.create(topic, { partitions })
  // Four megabytes fit into an answer, a third of what there is.
  const value = Buffer.alloc(170_000, 120)
  for (let n = 0; n < each; n++)
    await connection.produce(
      topic,
      Array.from({ length: partitions }, (_, partition) => ({ key: null, value, partition })),
    )
  const reader = await connection.read(topic, { from: 'earliest', to: 'latest' })
  const seen = new Map<number, bigint[]>()
  for (let result = await next(reader); result !== null; result = await next(reader))
    for (let i = 0; i < result.batch.count; i++) {
      const p = result.batch.partitions[i]!
      seen.set(p, [...(seen.get(p) ?? []), result.batch.offsets[i]!])
    }
  await connection.close()
  assert.equal(seen.size, partitions)
  for (const [p, offsets] of seen) assert.deepEqual(offsets, [0n, 1n, 2n, 3n, 4n, 5n], `partition ${p}`)
})

test('a partition that is added while a reader follows is read from its first record', async () => {
  const { url, host, port } = await kafka()
  let shiftMs = 0
  const clock: Clock = { nowMs: () => wallClock.nowMs() + shiftMs, setTimer: (ms, f) => wallClock.setTimer(ms, f) }
  const connection = await openKafka(url, { as: 'local', clock })
  const topic = `grows-${process.pid}`
  await connection.create(topic, { partitions: 1 })
  const reader = await connection.read(topic, { from: 'earliest' })
  assert.deepEqual((await next(reader))?.exhausted, [0])
  const admin = makeKafka({ brokers: [`${host}:${port}`], clientId: 'test' }).admin()
  await admin.connect()
  await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] })
  await admin.disconnect()
  await produceByHand(host, port, topic, 1, [{ key: null, value: 'new', timestampMs: 1 }])
  shiftMs = 60_000
  assert.deepEqual((await next(reader))?.exhausted, [1])
  assert.equal(reader.partitionCount, 2)
  assert.deepEqual(valuesOf((await next(reader))!), ['new'])
  await connection.close()
})

test('nothing joins a group and nothing is committed', async () => {
  const { url, host, port } = await kafka()
  const connection = await openKafka(url, { as: 'local', clock: wallClock })
  const topic = `traceless-${process.pid}`
  await connection.create(topic, { partitions: 1 })
  await produceByHand(host, port, topic, 0, [{ key: null, value: 'v', timestampMs: 1 }])
  const reader = await connection.read(topic, { from: 'earliest' })
  await next(reader)
  const internal = await connection.topics({ internal: true })
  assert.deepEqual(
    internal.filter(each => each.name === '__consumer_offsets'),
    [],
  )
  await connection.close()
})

async function fails(url: string): Promise<{ code: string; message: string; hint: string; tookMs: number }> {
  const took = stopwatch()
  try {
    await (await openKafka(url, { as: 'x', clock: wallClock })).close()
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint: string }
    return { code, message, hint, tookMs: took() }
  }
  return assert.fail(`${url} opened`)
}

test('an unknown host is told within five seconds', async () => {
  const error = await fails('kafka://no-such-host.invalid:9092')
  assert.equal(error.code, 'KAFKA_UNREACHABLE')
  assert.match(error.message, /host "no-such-host\.invalid" (is not known|does not answer)/)
  assert.ok(error.tookMs < 5000)
})

test('a port where nothing listens is told with the next step', async () => {
  const closed = net.createServer()
  await new Promise<void>(resolve => closed.listen(0, '127.0.0.1', resolve))
  const { port } = closed.address() as net.AddressInfo
  await new Promise(resolve => closed.close(resolve))
  const error = await fails(`kafka://127.0.0.1:${port}`)
  assert.equal(
    error.message,
    `Cannot connect to "kafka://127.0.0.1:${port}": nothing listens on port ${port} of host "127.0.0.1"`,
  )
  assert.match(error.hint, /%connect kafka:\/\/127\.0\.0\.1:9092/)
  assert.ok(error.tookMs < 5000)
})

for (const [kind, answer] of [
  ['says nothing', undefined],
  ['is a web server', 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n'],
] as const) {
  test(`a port that ${kind} is told within five seconds`, async t => {
    const sockets = new Set<net.Socket>()
    const other = net.createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('data', () => answer !== undefined && socket.end(answer))
    })
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      other.close()
    })
    const { port } = other.address() as net.AddressInfo
    const error = await fails(`kafka://127.0.0.1:${port}`)
    assert.equal(error.code, 'KAFKA_UNREACHABLE')
    assert.match(error.message, /the port answers, but not in Kafka's plain protocol/)
    assert.ok(error.tookMs < 5000, `took ${error.tookMs} ms`)
  })
}

test('a secret in the URL is refused and not repeated', async () => {
  const error = await fails('kafka://alice:secret@localhost:9092')
  assert.equal(error.code, 'OPTION_INVALID')
  assert.doesNotMatch(error.message + error.hint, /secret/)
})
