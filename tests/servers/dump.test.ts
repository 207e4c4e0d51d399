/**
 * Many Avro records on a broker, three partitions with records and one without, one record in twenty late: the windows equal what a
 * program of its own computes from the dump of another client. 100,000 records, with LONG=1 a million.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import { makeKafka } from '../../stream/connectors/kafka-client.ts'
import { count, createTopic, schemas, sum, topic, tumbling } from '../../stream/index.ts'
import { clusterOfFile } from './cluster-of-file.ts'
import { windowsOfDump } from './dump-windows.ts'
import { ensureKcat } from './kafka-tools.ts'
import type { Dumped } from './dump-windows.ts'

const records = process.env['LONG'] === '1' ? 1_000_000 : 100_000
const regions = ['north', 'south', 'east', 'west', 'centre']
const beganMs = Date.parse('2026-01-31T00:00:00Z')

const schema = {
  type: 'record' as const,
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'region', type: 'string' },
    { name: 'amount', type: 'long' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
}
const type = avsc.Type.forSchema(schema as avsc.Schema)

const { kafka } = await clusterOfFile()

/** Every twentieth record happened up to a minute before its neighbours, the others up to four seconds. */
function order(i: number): { id: string; region: string; amount: number; at: number } {
  const jitter = (i * 7919) % 4000
  const late = i % 20 === 19 ? 10_000 + ((i * 104_729) % 50_000) : 0
  return { id: `o-${i}`, region: regions[(i * 31) % 5]!, amount: (i * 13) % 1000, at: beganMs + i * 5 - jitter - late }
}

async function produce(id: number): Promise<void> {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(id, 1)
  const producer = makeKafka({ brokers: [`${kafka.host}:${kafka.port}`], clientId: 'foreign' }).producer({
    createPartitioner: () => (given: { readonly message: { readonly partition: number } }) => given.message.partition,
  })
  await producer.connect()
  for (let from = 0; from < records; from += 3000) {
    const messages = Array.from({ length: Math.min(3000, records - from) }, (_, n) => {
      const i = from + n
      const value = Buffer.concat([head, type.toBuffer(order(i))])
      // Partition 3 stays empty.
      return { key: null, value, partition: (i * 17) % 3, timestamp: String(beganMs + i * 5) }
    })
    await producer.sendBatch({ acks: -1, topicMessages: [{ topic: 'orders', messages }] })
  }
  await producer.disconnect()
}

/** `partition timestamp length:value`, one after the other, as kcat writes them. */
function parse(dump: Buffer): Dumped[] {
  const found: Dumped[] = []
  for (let at = 0; at < dump.length;) {
    const colon = dump.indexOf(58, at)
    const [partition, timestampMs, length] = dump.toString('latin1', at, colon).split(' ').map(Number)
    const value = dump.subarray(colon + 1, colon + 1 + length!)
    const row = type.fromBuffer(value.subarray(5)) as { region: string; amount: number; at: number }
    found.push({ partition: partition!, timestampMs: timestampMs!, key: row.region, atMs: row.at, amount: row.amount })
    at = colon + 1 + length! + 1
  }
  return found
}

test('windows over Avro on Kafka equal those of a program over the dump of kcat', async () => {
  await createTopic('k:orders', { partitions: 4, retention: 'forever' })
  const { id } = await schemas.register('k:orders-value', schema)
  await produce(id)
  const kcat = await ensureKcat()
  const broker = `${kafka.host}:${kafka.port}`
  const dump = parse(
    await kcat(['-C', '-q', '-e', '-b', broker, '-t', 'orders', '-o', 'beginning', '-f', '%p %T %S:%s\n']),
  )
  assert.equal(dump.length, records)
  const expected = windowsOfDump(dump, { sizeMs: 10_000, boundMs: 5000 })
  assert.ok(expected.dropped > records / 40, 'late records were made')

  const orders = await topic('k:orders', { from: 'earliest', to: 'latest', time: 'at', outOfOrder: '5s' })
  const windows = orders.keyBy('region').window(tumbling('10s')).aggregate({ total: sum('amount'), n: count() }) // prettier-ignore
  const rows = await windows.toArray()
  const found = rows
    .map(({ region, windowStart, total, n }) => ({ key: String(region), startMs: windowStart, total, count: n }))
    .sort((a, b) => (a.startMs === b.startMs ? (a.key < b.key ? -1 : 1) : a.startMs - b.startMs))
  assert.deepEqual(found, expected.windows)
  let dropped = 0
  await windows.late().forEachBatch((_columns, n) => (dropped += n))
  assert.equal(dropped, expected.dropped)
})
