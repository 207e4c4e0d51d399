/**
 * Reading Avro from a real broker, decoding it, and windows over it, beside kafkajs and @platformatic/kafka with avsc and kcat, all on
 * the same topic in the same run, by processor time: broker and peers share the machine. Every pass counts its records and adds up one
 * field, so a record lost is found. Then what it costs to wait for records, and what a long tail keeps in memory.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import avsc from 'avsc'
import { Kafka, logLevel } from 'kafkajs'
import { openKafka } from '../stream/connectors/kafka.ts'
import {
  connect,
  createTopic,
  LocalRuntime,
  produce,
  schemas,
  runtime,
  setRuntime,
  sum,
  topic,
  tumbling,
} from '../stream/index.ts'
import { decodeBatch } from '../stream/schemas/decode.ts'
import { SchemaAttacher } from '../stream/schemas/attach-schemas.ts'
import { MemoryRegistry } from '../stream/schemas/memory-registry.ts'
import { wallClock } from '../stream/time/clock.ts'
import { startKafka } from '../tests/servers/kafka-server.ts'
import { startRegistry } from '../tests/servers/registry-server.ts'
import { ensureKcat } from '../tests/servers/kafka-tools.ts'
import { startEngine } from '../tests/hosted/hosted.ts'
import { median, type BenchSetup, type Measurement } from './bench.ts'
import { PeerMissing } from './peers/fetch.ts'
import { inProcess, platformatic, readByKafkajs, readByKcat, readByPlatformatic } from './peers/kafka-clients.ts'
import { memoryBelow } from './process-memory.ts'
import type { KafkaTopic, ReadTopic } from './peers/kafka-clients.ts'
import type { KafkaServer } from '../tests/servers/kafka-server.ts'

const COUNT = 200_000
const TOTAL = Array.from({ length: COUNT }, (_, i) => i % 1000).reduce((a, b) => a + b, 0)
const schema = {
  type: 'record' as const,
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'region', type: 'string' },
    { name: 'amount', type: 'double' },
    { name: 'n', type: 'int' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
}
const row = (i: number) => ({
  id: `o-${i}`,
  region: ['north', 'south', 'east', 'west'][i % 4],
  amount: i % 1000,
  n: i % 7,
  at: 1767258000000 + i,
  note: null,
})

let kafka: KafkaServer
let orders: KafkaTopic
let id = 0
let registryUrl = ''
const local = new LocalRuntime()

export const setup: BenchSetup = async () => {
  const [server, registry] = await Promise.all([startKafka(), startRegistry()])
  kafka = server
  registryUrl = registry.url
  orders = { host: kafka.host, port: kafka.port, topic: 'orders', count: COUNT }
  setRuntime(local)
  await connect(kafka.url, { as: 'k', registry: registry.url })
  await createTopic('k:orders', { partitions: 4 })
  await createTopic('k:quiet', { partitions: 3 })
  id = (await schemas.register('k:orders-value', schema)).id
  for (let at = 0; at < COUNT; at += 20_000)
    await produce('k:orders', Array.from({ length: 20_000 }, (_, i) => row(at + i)), { format: 'avro', key: 'id' }) // prettier-ignore
  return async () => {
    await local.close()
    await Promise.all([kafka.stop(), registry.stop()])
  }
}

/** A client without decoding: that it saw all is told by the count. */
async function bare(read: ReadTopic): Promise<number> {
  let count = 0
  const seconds = await read(orders, () => count++)
  assert.ok(count === COUNT || read === readByKcat)
  return COUNT / seconds
}

/** A client with avsc beside it. */
async function decoded(read: ReadTopic): Promise<number> {
  const type = avsc.Type.forSchema(schema as avsc.Schema)
  let count = 0
  let total = 0
  const seconds = await read(orders, value => {
    count++
    total += (type.fromBuffer(value.subarray(5)) as { amount: number }).amount
  })
  assert.deepEqual([count, total], [COUNT, TOTAL])
  return COUNT / seconds
}

async function ours(decode: boolean): Promise<number> {
  const registry = new MemoryRegistry()
  for (let i = 1; i < id; i++) await registry.register(`other-${i}`, { type: 'AVRO', text: `{"type":"fixed","name":"F","size":${i}}` }) // prettier-ignore
  await registry.register('orders-value', { type: 'AVRO', text: JSON.stringify(schema) })
  let count = 0
  let total = 0
  const seconds = await inProcess(async () => {
    const connection = await openKafka(kafka.url, { as: 'b', clock: wallClock })
    const reader = await connection.read('orders', { from: 'earliest', to: 'latest' })
    const attacher = new SchemaAttacher(registry, 'orders')
    for (let result = await reader.next(); result !== null; result = await reader.next()) {
      count += result.batch.count
      if (!decode) continue
      for (const each of decodeBatch(await attacher.attach(result.batch)).rows)
        total += (each as { amount: number }).amount
    }
    await connection.close()
  })
  assert.equal(count, COUNT)
  if (decode) assert.equal(total, TOTAL)
  return COUNT / seconds
}

async function windowed(): Promise<number> {
  let total = 0
  const seconds = await inProcess(async () => {
    const stream = await topic('k:orders', { from: 'earliest', to: 'latest', time: 'at', outOfOrder: '1m' })
    const windows = stream.keyBy('region').window(tumbling('10s')).aggregate({ total: sum('amount') }) // prettier-ignore
    for (const row of await windows.toArray()) total += row.total
  })
  assert.equal(total, TOTAL)
  return COUNT / seconds
}

type Rates = Readonly<Record<string, number>>

const peers: Readonly<Record<string, ReadTopic>> = {
  kafkajs: readByKafkajs,
  platformatic: readByPlatformatic,
  kcat: readByKcat,
}
/** kcat writes values as they are. */
const decoding = ['kafkajs', 'platformatic']

async function peerRates(): Promise<Rates> {
  const rates: Record<string, number> = {}
  for (const [name, read] of Object.entries(peers)) {
    try {
      rates[name] = await bare(read)
      if (decoding.includes(name)) rates[`${name}-avro`] = await decoded(read)
    } catch (error) {
      if (!(error instanceof PeerMissing)) throw error
      process.stdout.write(`${error.message}\n`)
    }
  }
  return rates
}

const rounds: Rates[] = []

/** Every client once, in one go. */
async function round(): Promise<Rates> {
  const rates = { ...(await peerRates()), read: await ours(false), avro: await ours(true), window: await windowed() }
  rounds.push(rates)
  return rates
}

/** Ours beside each of `others`, of the same round each; the middle of all rounds. */
async function beside(name: 'read' | 'avro' | 'window', others: readonly string[]): Promise<Rates> {
  while (rounds.length < 4) await round()
  // The first one warms all of them up.
  const warm = rounds.slice(1)
  const known = others.filter(other => warm[0]![other] !== undefined)
  return Object.fromEntries(known.map(other => [other, median(warm.map(rates => rates[name]! / rates[other]!))]))
}

/** Seconds of processor time a process has used so far. */
function usedSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Share of a core that the process takes over a while in which nothing comes. */
async function idleShare(used: () => number): Promise<number> {
  const settleMs = 3000
  const lookMs = 15_000
  await wait(settleMs)
  const [before, began] = [used(), performance.now()]
  await wait(lookMs)
  return (used() - before) / ((performance.now() - began) / 1000)
}

const ten = Array.from({ length: 10 }, (_, i) => i)

/** Ten streams of the engine's own process, each over a quiet topic of its own. */
async function idleEngine(): Promise<number> {
  const engine = await startEngine()
  setRuntime(engine.runtime())
  try {
    await connect(kafka.url, { as: 'idle' })
    for (const i of ten) {
      await createTopic(`idle:quiet-${groups}-${i}`, { partitions: 3 })
      const quiet = await topic(`idle:quiet-${groups}-${i}`, { from: 'earliest' })
      await quiet.bindName(`quiet${i}`)
    }
    return await idleShare(() => usedSeconds(engine.pid))
  } finally {
    groups++
    setRuntime(local)
    await engine.stop()
  }
}

let groups = 0

async function idleKafkajs(): Promise<number> {
  const client = new Kafka({ brokers: [`${kafka.host}:${kafka.port}`], logLevel: logLevel.NOTHING })
  const consumers = ten.map(i => client.consumer({ groupId: `idle-${groups}-${i}` }))
  groups++
  for (const consumer of consumers) {
    await consumer.connect()
    await consumer.subscribe({ topic: 'quiet', fromBeginning: true })
    await consumer.run({ eachBatch: async () => undefined })
  }
  const share = await idleShare(() => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6)
  await Promise.all(consumers.map(consumer => consumer.disconnect()))
  return share
}

async function idlePlatformatic(): Promise<number> {
  const { Consumer } = await platformatic()
  const address = `${kafka.host}:${kafka.port}`
  const consumers = ten.map(
    i => new Consumer({ groupId: `idle-p-${groups}-${i}`, clientId: 'bench', bootstrapBrokers: [address] }),
  )
  groups++
  for (const consumer of consumers) await consumer.consume({ topics: ['quiet'], mode: 'earliest', autocommit: true })
  const share = await idleShare(() => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6)
  await Promise.all(consumers.map(consumer => consumer.close(true)))
  return share
}

/** Processor seconds of the engine for a million records of a topic, each read by one stream or by four: a window each. */
async function streamsOfATopic(): Promise<Rates> {
  const engine = await startEngine()
  setRuntime(engine.runtime())
  try {
    await connect(kafka.url, { as: 'many', registry: registryUrl })
    await createTopic('many:lines', { partitions: 4 }).catch(() => undefined)
    const lines = await topic('many:lines', { from: 'earliest', to: 'latest' })
    if ((await lines.take(1)).length === 0)
      for (let at = 0; at < COUNT; at += 20_000)
        await produce('many:lines', Array.from({ length: 20_000 }, (_, i) => row(at + i)), { format: 'json', key: 'id' }) // prettier-ignore
    const seconds: Record<string, number> = {}
    // The first round warms up.
    for (const round of [0, 1, 2])
      for (const [format, name] of [
        ['json', 'many:lines'],
        ['avro', 'many:orders'],
      ] as const)
        // prettier-ignore
        for (const count of [1, 4]) {
          const before = usedSeconds(engine.pid)
          const totals = await Promise.all(Array.from({ length: count }, () => totalOf(name)))
          assert.deepEqual(totals, Array.from({ length: count }, () => TOTAL))
          const used = ((usedSeconds(engine.pid) - before) * 1e6) / COUNT
          const place = `${format}-${count}`
          if (round > 0) seconds[place] = Math.min(seconds[place] ?? Infinity, used)
        }
    return seconds
  } finally {
    setRuntime(local)
    await engine.stop()
  }
}

async function totalOf(name: string): Promise<number> {
  const stream = await topic(name, { from: 'earliest', to: 'latest', time: 'at', outOfOrder: '1m' })
  const windows = stream.keyBy('region').window(tumbling('10s')).aggregate({ total: sum('amount') }) // prettier-ignore
  return (await windows.toArray()).reduce((all, { total }) => all + total, 0)
}

const tailed = 1_000_000
const lineBytes = 1000

/** A gigabyte that kcat writes while a stream of the engine follows: its memory before, at the most, and at the end. */
async function tailMemory(): Promise<Rates> {
  const engine = await startEngine()
  setRuntime(engine.runtime())
  try {
    await connect(kafka.url, { as: 'tail' })
    const name = `long-${groups++}`
    await createTopic(`tail:${name}`, { partitions: 3 })
    const tail = await topic(`tail:${name}`, { from: 'latest', format: 'text' })
    await tail.bindName('tail')
    const memory = async () => (await memoryBelow(engine.pid)).reduce((sum, { megabytes }) => sum + megabytes, 0)
    const rows = async () => (await runtime().list()).find(each => each.name === 'tail')?.stats.rowCount ?? 0
    const before = await memory()
    const { command, env } = await ensureKcat()
    const line = 'x'.repeat(lineBytes - 1)
    const write = `yes ${line} | head -n ${tailed} | "${command}" -P -b ${kafka.host}:${kafka.port} -t ${name}`
    const written = new Promise<number | null>(resolve =>
      spawn('sh', ['-c', write], { env, stdio: ['ignore', 'ignore', 'inherit'] }).once('close', resolve),
    )
    let peak = before
    while ((await rows()) < tailed) {
      peak = Math.max(peak, await memory())
      await wait(100)
    }
    assert.equal(await written, 0)
    return { before, peak, after: await memory() }
  } finally {
    setRuntime(local)
    await engine.stop()
  }
}

export const measurements: readonly Measurement[] = [
  { name: 'data.records-per-cpu-second', unit: 'events/s', runs: 4, measure: round },
  {
    name: 'data.read-ratio',
    unit: 'ratio',
    runs: 1,
    measure: () => beside('read', ['kafkajs', 'platformatic', 'kcat']),
  },
  {
    name: 'data.read-avro-ratio',
    unit: 'ratio',
    runs: 1,
    measure: () => beside('avro', ['kafkajs-avro', 'platformatic-avro', 'kcat']),
  },
  {
    name: 'data.window-ratio',
    unit: 'ratio',
    runs: 1,
    measure: () => beside('window', ['kafkajs-avro', 'platformatic-avro', 'kcat']),
  },
  // The budget: beside the bare client that only reads and decodes.
  {
    name: 'data.avro-window-ratio',
    unit: 'ratio',
    runs: 1,
    measure: async () => (await beside('window', ['kafkajs-avro']))['kafkajs-avro']!,
  },
  // Of one core.
  {
    name: 'data.ten-idle-subscriptions-ratio',
    unit: 'ratio',
    runs: 1,
    measure: async () => ({
      riffle: await idleEngine(),
      kafkajs: await idleKafkajs(),
      platformatic: await idlePlatformatic(),
    }),
  },
  { name: 'data.streams-of-a-topic-s', unit: 's', runs: 1, measure: streamsOfATopic },
  { name: 'data.tail-1gb-mb', unit: 'MB', runs: 1, measure: tailMemory },
]
