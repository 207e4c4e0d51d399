/** Avro through a real broker and a real registry: what others wrote is read, what we write is read by others. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import avsc from 'avsc'
import { makeKafka } from '../../stream/connectors/kafka-client.ts'
import { createTopic, produce, schemas, topic } from '../../stream/index.ts'
import { openRegistry } from '../../stream/schemas/http-registry.ts'
import { clusterOfFile } from './cluster-of-file.ts'
import type { AddressInfo } from 'node:net'

const { kafka, registry } = await clusterOfFile()

const order = (...more: unknown[]) => ({
  type: 'record' as const,
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'amount', type: 'long' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    ...more,
  ],
})
const read = async (name: string) => (await topic(`k:${name}`, { from: 'earliest', to: 'latest' })).toArray()

/** A producer that shares no schema code with the product: avsc makes the bytes, kafkajs sends them. */
async function foreign(name: string, records: readonly { value: Buffer | null; headers?: Record<string, Buffer> }[]) {
  const producer = makeKafka({ brokers: [`${kafka.host}:${kafka.port}`], clientId: 'foreign' }).producer({})
  await producer.connect()
  const messages = records.map(({ value, headers }) => ({
    key: null,
    value,
    partition: 0,
    ...(headers && { headers }),
  }))
  await producer.sendBatch({ acks: -1, topicMessages: [{ topic: name, messages }] })
  await producer.disconnect()
}

const frame = (id: number, payload: Buffer) => Buffer.concat([Buffer.from([0]), Buffer.from(Uint32Array.of(id).buffer).reverse(), payload]) // prettier-ignore

test('what another client wrote comes as rows of the newest version', async () => {
  await createTopic('k:orders', { partitions: 1 })
  const first = await schemas.register('k:orders-value', order())
  const second = await schemas.register('k:orders-value', order({ name: 'note', type: 'string', default: '-' }))
  assert.deepEqual([first.version, second.version], [1, 2])
  const old = avsc.Type.forSchema(order() as avsc.Schema)
  const now = avsc.Type.forSchema(order({ name: 'note', type: 'string' }) as avsc.Schema)
  await foreign('orders', [
    { value: frame(first.id, old.toBuffer({ id: 'a', amount: 1, at: 1767258000000 })) },
    { value: frame(second.id, now.toBuffer({ id: 'b', amount: 2, at: 1767258000001, note: 'n' })) },
    { value: null },
    { value: frame(9999, Buffer.from([1])) },
    { value: frame(first.id, Buffer.from([200, 1, 1])) },
    {
      value: old.toBuffer({ id: 'c', amount: 3, at: 1767258000002 }),
      headers: { __value_schema_id: frame(first.id, Buffer.alloc(0)) },
    },
  ])
  assert.deepEqual(await read('orders'), [
    { id: 'a', amount: 1, at: 1767258000000, note: '-' },
    { id: 'b', amount: 2, at: 1767258000001, note: 'n' },
    { id: 'c', amount: 3, at: 1767258000002, note: '-' },
  ])
  const stream = await topic('k:orders', { from: 'earliest', to: 'latest' })
  const refused = (await stream.errors().toArray()).map(({ offset, reason }) => [offset, reason])
  assert.deepEqual(refused, [
    [2n, 'null value (tombstone)'],
    [
      3n,
      `schema 9999 is not in the registry at ${registry.url}: name the one it was written with, %connect … --registry URL, or --format bytes`,
    ],
    [4n, 'value cannot be read by schema 1 as version 2 of orders-value: the value ends too early'],
  ])
})

test('rows are written as Avro, and the schema is registered where there is none', async () => {
  await createTopic('k:sales', { partitions: 1 })
  await produce('k:sales', [{ id: 'x', price: 1.5, soldAt: 1767258000000, tag: null }], { format: 'avro', key: 'id' })
  const written = await schemas.show('k:sales-value')
  const other = avsc.Type.forSchema(JSON.parse(written.text) as avsc.Schema)
  const connection = await (
    await import('../../stream/connectors/kafka.ts')
  ).openKafka(kafka.url, {
    as: 'raw',
    clock: (await import('../../stream/time/clock.ts')).wallClock,
  })
  const reader = await connection.read('sales', { from: 'earliest', to: 'latest' })
  const batch = (await reader.next())!.batch
  const [start, length] = [batch.valueRanges[0]!, batch.valueRanges[1]!]
  const bytes = Buffer.from(batch.bytes.subarray(start, start + length))
  assert.deepEqual([bytes[0], bytes.readUInt32BE(1)], [0, written.id])
  assert.deepEqual(
    { ...(other.fromBuffer(bytes.subarray(5)) as object) },
    { id: 'x', price: 1.5, soldAt: 1767258000000, tag: null },
  )
  await connection.close()
  assert.deepEqual(await read('sales'), [{ id: 'x', price: 1.5, soldAt: 1767258000000, tag: null }])
  await assert.rejects(produce('k:sales', [{ id: 'x', price: 'much' }], { format: 'avro' }), {
    code: 'VALUE_UNENCODABLE',
    message: 'Cannot write row 1 as version 1 of "sales-value": field price is "much" (string), double is needed',
  })
})

test('an incompatible version is refused by the server and explained by us', async () => {
  await schemas.register('k:stock-value', order())
  await assert.rejects(schemas.register('k:stock-value', order({ name: 'z', type: 'int' })), {
    code: 'SCHEMA_INCOMPATIBLE',
    message:
      'Cannot register a new version of "stock-value": it is not BACKWARD compatible, field z: it is new and has no default, so records of version 1 cannot be read',
    hint: 'Give it a default: "default": 0',
  })
  assert.deepEqual(
    (await schemas.check('k:stock-value', order({ name: 'z', type: 'int' }))).map(({ field, rule }) => [field, rule]),
    [['z', 'FIELD_WITHOUT_DEFAULT']],
  )
  assert.deepEqual(
    (await schemas.list('k:stock')).map(({ subject, versions }) => [subject, versions]),
    [['stock-value', '1']],
  )
  await schemas.register('k:stock-value', order({ name: 'z', type: 'int' }), { compatibility: 'FORWARD' })
  assert.equal((await schemas.show('k:stock-value')).version, 2)
  assert.deepEqual(await schemas.diff('k:stock-value'), [{ field: 'z', change: 'added', before: '', after: 'int' }])
  assert.deepEqual(await schemas.delete('k:stock-value'), [1, 2])
})

for (const [mode, breaks] of [
  ['BACKWARD', true],
  ['BACKWARD_TRANSITIVE', true],
  ['FORWARD', false],
  ['FORWARD_TRANSITIVE', false],
  ['FULL', true],
  ['FULL_TRANSITIVE', true],
  ['NONE', false],
] as const) {
  test(`the server and we say the same of a field without a default in mode ${mode}`, async () => {
    const subject = `mode-${mode.toLowerCase()}-value`
    const server = await openRegistry(registry.url)
    await schemas.register(`k:${subject}`, order())
    // Apicurio takes NONE of a subject for no mode of its own.
    await server.setMode(mode, mode === 'NONE' ? undefined : subject)
    const next = order({ name: 'z', type: 'int' })
    assert.equal((await schemas.check(`k:${subject}`, next)).length > 0, breaks)
    const registered = schemas.register(`k:${subject}`, next)
    if (breaks) await assert.rejects(registered, { code: 'SCHEMA_INCOMPATIBLE' })
    else assert.equal((await registered).version, 2)
    await server.setMode('BACKWARD')
  })
}

test('what is not there is told within five seconds', async () => {
  const server = await openRegistry(registry.url)
  await assert.rejects(server.schema(424242), { code: 'SCHEMA_UNKNOWN' })
  await assert.rejects(server.version('none-value', 'latest'), { code: 'SCHEMA_UNKNOWN' })
  await assert.rejects(server.register('bad-value', { type: 'AVRO', text: '{"type":"nope"}' }), {
    code: 'REGISTRY_REFUSED',
  })
  await assert.rejects(openRegistry(registry.url.replace('v7', 'v5')), { code: 'REGISTRY_UNREACHABLE' })
})

test("Apicurio's address does without its path", async () => {
  const server = await openRegistry(new URL(registry.url).origin)
  assert.deepEqual(await server.subjects(), await (await openRegistry(registry.url)).subjects())
  assert.equal(server.url, registry.url)
})

test('what is wrong with an address that is no registry is told of that address', async () => {
  const nothing = createServer((_request, response) => response.writeHead(404).end('{}')).listen(0, '127.0.0.1')
  await once(nothing, 'listening')
  const url = `http://127.0.0.1:${(nothing.address() as AddressInfo).port}`
  await assert.rejects(openRegistry(url), {
    code: 'REGISTRY_UNREACHABLE',
    message: `Cannot use registry "${url}": what answers there is no schema registry`,
  })
  nothing.close()
})
