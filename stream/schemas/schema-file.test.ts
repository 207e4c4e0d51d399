import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { packEnvelopes } from '../connectors/connector.ts'
import { topic } from '../sources.ts'
import { decodeBatch } from './decode.ts'
import { schemaOfFile } from './schema-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'schema-file-'))
after(() => rmSync(folder, { recursive: true }))

const path = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const shipment = path(
  'shipment.avsc',
  '{"type":"record","name":"Shipment","fields":[{"name":"n","type":"int"},{"name":"to","type":"string"}]}',
)
const hello = [...Buffer.from('hello')]

const decode = async (...values: readonly (readonly number[] | null)[]) =>
  decodeBatch(
    packEnvelopes(
      values.map((value, i) => ({
        partition: 0,
        offset: BigInt(i),
        timestampMs: i,
        key: null,
        value: value === null ? null : Uint8Array.from(value),
      })),
    ),
    { schema: { ...(await schemaOfFile(shipment)), name: 'shipment.avsc' } },
  )

test('a schema file reads values with a frame and without one', async () => {
  const { rows, failures } = await decode(
    [2, 10, ...hello],
    [0, 0, 0, 0, 9, 2, 10, ...hello],
    // Begins as a frame does: n is 0.
    [0, 10, ...hello],
  )
  assert.deepEqual(rows, [
    { n: 1, to: 'hello' },
    { n: 1, to: 'hello' },
    { n: 0, to: 'hello' },
  ])
  assert.deepEqual(failures, [])
})

test('what does not fit is refused with its position, the file and the reason', async () => {
  const { rows, failures } = await decode([2, 10, ...hello, 1], null, [...Buffer.from('{"n":1}')], [2, 10, ...hello])
  assert.deepEqual(rows, [undefined, undefined, undefined, { n: 1, to: 'hello' }])
  assert.deepEqual(
    failures.map(({ index, reason }) => [index, reason]),
    [
      [0, 'value does not fit the schema of "shipment.avsc": 1 bytes are left over'],
      [1, 'null value (tombstone)'],
      [2, 'value does not fit the schema of "shipment.avsc": the value ends too early'],
    ],
  )
})

test('a file that is missing or holds no schema is told before anything runs', async () => {
  const missing = join(folder, 'none.avsc')
  await assert.rejects(topic('orders', { schema: missing }), {
    code: 'OPTION_INVALID',
    message: `Cannot read schema file "${missing}": there is no such file`,
    hint: `%%writefile ${missing} makes one`,
  })
  const text = path('text.avsc', 'a shipment')
  await assert.rejects(topic('orders', { schema: text }), {
    code: 'SCHEMA_INVALID',
    message: /^Cannot use schema file ".*text.avsc": it is no JSON \(.+\)$/,
  })
  const wrong = path('wrong.avsc', '{"type":"record","name":"A","fields":[{"name":"b","type":"strnig"}]}')
  await assert.rejects(topic('orders', { schema: wrong }), {
    code: 'SCHEMA_INVALID',
    message: /^Cannot use schema file ".*wrong.avsc": at .+: type "strnig" is not known$/,
  })
})

test('a schema file is for Avro', async () => {
  await assert.rejects(topic('orders', { schema: shipment, format: 'json' }), {
    code: 'OPTION_INVALID',
    message: 'Cannot read topic "orders" as json by a schema: a schema file is for Avro',
    hint: `%topic orders --schema ${shipment}`,
  })
})
