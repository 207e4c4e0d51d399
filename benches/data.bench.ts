/**
 * Reading Avro from a real broker: kafkajs bare, our reader, our reader with decoding, and a window over it, beside kafkajs with
 * avsc, all on the same topic in the same run. Every pass counts its records and adds up one field, so a record lost is found.
 */
import assert from 'node:assert/strict'
import avsc from 'avsc'
import { Kafka, logLevel } from 'kafkajs'
import { openKafka } from '../stream/connectors/kafka.ts'
import {
  connect,
  createTopic,
  LocalRuntime,
  produce,
  schemas,
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
import type { BenchSetup, Measurement } from './bench.ts'

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

let url = ''
let brokers: string[] = []
let id = 0

export const setup: BenchSetup = async () => {
  const [kafka, registry] = await Promise.all([startKafka(), startRegistry()])
  url = kafka.url
  brokers = [`${kafka.host}:${kafka.port}`]
  setRuntime(new LocalRuntime())
  await connect(url, { as: 'k', registry: registry.url })
  await createTopic('k:orders', { partitions: 4 })
  id = (await schemas.register('k:orders-value', schema)).id
  for (let at = 0; at < COUNT; at += 20_000)
    await produce('k:orders', Array.from({ length: 20_000 }, (_, i) => row(at + i)), { format: 'avro', key: 'id' }) // prettier-ignore
  return async () => {
    await Promise.all([kafka.stop(), registry.stop()])
  }
}

type Pass = () => Promise<{ count: number; total?: number }>

const clockSeconds = () => performance.now() / 1000

/** Of this process: the broker and whatever else runs on the machine do not count. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Records a second of a pass that must see them all. */
async function rate(pass: Pass, now: () => number = clockSeconds): Promise<number> {
  const began = now()
  const { count, total } = await pass()
  const seconds = now() - began
  assert.equal(count, COUNT)
  if (total !== undefined) assert.equal(total, TOTAL)
  return COUNT / seconds
}

let groups = 0

/** kafkajs as its documentation shows it, with or without decoding by avsc. */
async function bare(decode: boolean): Promise<{ count: number; total?: number }> {
  const consumer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({ groupId: `bench-${process.pid}-${groups++}` }) // prettier-ignore
  const type = avsc.Type.forSchema(schema as avsc.Schema)
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  let count = 0
  let total = 0
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) {
            count++
            if (decode) total += (type.fromBuffer(value!.subarray(5)) as { amount: number }).amount
          }
          if (count >= COUNT) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return decode ? { count, total } : { count }
}

async function ours(decode: boolean): Promise<{ count: number; total?: number }> {
  const registry = new MemoryRegistry()
  for (let i = 1; i < id; i++) await registry.register(`other-${i}`, { type: 'AVRO', text: `{"type":"fixed","name":"F","size":${i}}` }) // prettier-ignore
  await registry.register('orders-value', { type: 'AVRO', text: JSON.stringify(schema) })
  const connection = await openKafka(url, { as: 'b', clock: wallClock })
  const reader = await connection.read('orders', { from: 'earliest', to: 'latest' })
  const attacher = new SchemaAttacher(registry, 'orders')
  let count = 0
  let total = 0
  for (let result = await reader.next(); result !== null; result = await reader.next()) {
    count += result.batch.count
    if (!decode) continue
    for (const each of decodeBatch(await attacher.attach(result.batch)).rows)
      total += (each as { amount: number }).amount
  }
  await connection.close()
  return decode ? { count, total } : { count }
}

async function windowed(): Promise<{ count: number; total?: number }> {
  const orders = await topic('k:orders', { from: 'earliest', to: 'latest', time: 'at', outOfOrder: '1m' })
  const windows = await orders
    .keyBy('region')
    .window(tumbling('10s'))
    .aggregate({ total: sum('amount') })
    .toArray()
  return { count: COUNT, total: windows.reduce((all, { total }) => all + total, 0) }
}

export const measurements: readonly Measurement[] = [
  {
    name: 'data.kafka-records-per-s',
    unit: 'events/s',
    runs: 3,
    measure: async () => ({
      kafkajs: await rate(() => bare(false)),
      'kafkajs-avsc': await rate(() => bare(true)),
      read: await rate(() => ours(false)),
      'read-avro': await rate(() => ours(true)),
      window: await rate(windowed),
    }),
  },
  // By CPU time, one core: the broker takes its share of the same machine.
  {
    name: 'data.avro-window-ratio',
    unit: 'ratio',
    runs: 3,
    measure: async () => {
      const peer = await rate(() => bare(true), cpuSeconds)
      return (await rate(windowed, cpuSeconds)) / peer
    },
  },
]
