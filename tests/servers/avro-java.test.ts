/** Avro through a registry, both ways with Java: its console consumer reads what is written here, Connect writes what is read here. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTopic, produce, schemas, topic } from '../../stream/index.ts'
import { clusterOfFile } from './cluster-of-file.ts'
import { startConnect } from './connect-server.ts'
import { avroJars, javaTool } from './kafka-tools.ts'

const { kafka, registry } = await clusterOfFile()
/** Ids of four bytes, of schemas by what they say: as Confluent's. */
const settings = {
  'apicurio.registry.url': registry.url.replace('/ccompat/v7', '/registry/v2'),
  'apicurio.registry.id-handler': 'io.apicurio.registry.serde.Legacy4ByteIdHandler',
  'apicurio.registry.use-id': 'contentId',
  'apicurio.registry.headers.enabled': 'false',
}

test('Avro from here is read by Java', { timeout: 180_000 }, async () => {
  const rows = [
    { id: 'ä', amount: 1.5, n: 7, note: null },
    { id: 'b', amount: -2, n: 9_007_199_254_740_991, note: 'x' },
  ]
  await createTopic('k:sales', { partitions: 1 })
  const fields = [
    { name: 'id', type: 'string' },
    { name: 'amount', type: 'double' },
    { name: 'n', type: 'long' },
    { name: 'note', type: ['null', 'string'], default: null },
  ]
  await schemas.register('k:sales-value', { type: 'record', name: 'Sale', fields })
  await produce('k:sales', rows, { format: 'avro', key: 'id' })
  const properties = Object.entries(settings).map(([name, value]) => `value.deserializer.${name}=${value}`)
  const deserializer = 'io.apicurio.registry.serde.avro.AvroKafkaDeserializer'
  const told = await javaTool(
    'org.apache.kafka.tools.consumer.ConsoleConsumer',
    [
      ...['--bootstrap-server', `${kafka.host}:${kafka.port}`, '--topic', 'sales', '--from-beginning'],
      ...['--max-messages', '2', '--timeout-ms', '30000'],
      ...[`value.deserializer=${deserializer}`, ...properties].flatMap(each => ['--formatter-property', each]),
    ],
    { jars: await avroJars() },
  )
  assert.deepEqual(
    told
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as unknown),
    rows,
  )
})

test('Avro that Connect writes is read here', { timeout: 180_000 }, async t => {
  const server = await startConnect(`${kafka.host}:${kafka.port}`, { converters: await avroJars() })
  t.after(() => server.stop())
  const folder = mkdtempSync(join(tmpdir(), 'riffle-avro-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'lines.txt')
  writeFileSync(path, 'first\nzweite Zeile ü\n')
  await createTopic('k:lines', { partitions: 1 })
  const config = {
    'connector.class': 'FileStreamSource',
    'tasks.max': '1',
    file: path,
    topic: 'lines',
    transforms: 'row',
    'transforms.row.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
    'transforms.row.field': 'line',
    'value.converter': 'io.apicurio.registry.utils.converter.AvroConverter',
    'value.converter.apicurio.registry.auto-register': 'true',
    ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`value.converter.${name}`, value])),
  }
  const answer = await fetch(`${server.url}/connectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'source', config }),
  })
  assert.equal(answer.status, 201, await answer.text())
  const lines = await topic('k:lines', { from: 'earliest', format: 'avro' })
  assert.deepEqual(await lines.take(2), [{ line: 'first' }, { line: 'zweite Zeile ü' }])
})
