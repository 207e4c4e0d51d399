/** Avro on the built-in topics, through the public API: the same as on a broker with a registry. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { EmbeddedConnection } from '../connectors/embedded.ts'
import { framed } from '../schemas/framing.ts'
import { MemoryRegistry } from '../schemas/memory-registry.ts'
import { createTopic, produce, runtime, schemas, setRuntime, topic } from '../index.ts'
import { VirtualClock } from '../time/clock.ts'
import { LocalRuntime } from './local.ts'

let connection: EmbeddedConnection

beforeEach(async () => {
  const clock = new VirtualClock(1767258000000)
  connection = new EmbeddedConnection({ clock, demos: [], registry: new MemoryRegistry() })
  setRuntime(new LocalRuntime({ clock, embedded: async () => connection }))
  await createTopic('orders', { partitions: 1 })
})

const order = (...fields: unknown[]) => ({
  type: 'record',
  name: 'Order',
  fields: [{ name: 'id', type: 'string' }, ...fields],
})
const read = async (format?: 'avro' | 'auto' | 'json' | 'bytes') =>
  (await topic('orders', { from: 'earliest', to: 'latest', format })).toArray()
const send = (value: Uint8Array | null, headers?: Record<string, Uint8Array>) =>
  connection.produce('orders', [{ key: null, value, headers }])

test('rows written as Avro come back, and their schema is there', async () => {
  await produce('orders', [{ id: 'a', amount: 1, at: 1767258000000 }, null], { format: 'avro', key: 'id' })
  assert.deepEqual(await read(), [{ id: 'a', amount: 1, at: 1767258000000 }])
  assert.deepEqual(await schemas.list(), [
    { subject: 'orders-value', versions: '1', id: 1, type: 'AVRO', compatibility: 'BACKWARD' },
  ])
  const { columns, rowType } = await runtime().describeTopic('embedded', 'orders')
  assert.equal(rowType, '{ id: string; amount: number; at: number }')
  assert.deepEqual(
    columns.map(({ instant }) => instant === true),
    [false, false, true],
  )
})

test('records of an older version are read as the newest there was when the read began', async () => {
  await schemas.register('orders-value', order())
  await produce('orders', [{ id: 'a' }], { format: 'avro' })
  assert.deepEqual(await read(), [{ id: 'a' }])
  await schemas.register('orders-value', order({ name: 'note', type: 'string', default: 'none' }))
  await produce('orders', [{ id: 'b', note: 'n' }], { format: 'avro' })
  assert.deepEqual(await read(), [
    { id: 'a', note: 'none' },
    { id: 'b', note: 'n' },
  ])
})

test('what cannot be decoded is refused with its position and why', async () => {
  const { id } = await schemas.register('orders-value', order())
  await send(framed(id, Uint8Array.of(2, 97)))
  await send(framed(id, Uint8Array.of(200, 1)))
  await send(framed(77, Uint8Array.of(2, 97)))
  await send(Uint8Array.of(2, 98), { __value_schema_id: framed(id, new Uint8Array()) })
  await send(Uint8Array.of(0, 1))
  const stream = await topic('orders', { from: 'earliest', to: 'latest', format: 'avro' })
  assert.deepEqual(await stream.toArray(), [{ id: 'a' }, { id: 'b' }])
  assert.deepEqual(
    (await stream.errors().toArray()).map(({ offset, reason }) => [offset, reason]),
    [
      [1n, 'value cannot be read by schema 1: the value ends too early'],
      [
        2n,
        'schema 77 is not in the registry at embedded: name the one it was written with, %connect … --registry URL, or --format bytes',
      ],
      [4n, 'value of 2 bytes is too short for the number of a schema: --format bytes reads it'],
    ],
  )
})

test('--format says how the same record is read', async () => {
  await produce('orders', [{ id: 'a' }])
  assert.deepEqual(await read('auto'), [{ id: 'a' }])
  assert.deepEqual(await read('json'), [{ id: 'a' }])
  const avro = await topic('orders', { from: 'earliest', to: 'latest', format: 'avro' })
  const [refused] = await avro.errors().toArray()
  assert.equal(
    refused?.reason,
    'value names no schema (its first byte is 0x7b, not 0, and no header __value_schema_id): --format json or bytes reads it',
  )
  await schemas.register('orders-value', order())
  await produce('orders', [{ id: 'b' }], { format: 'avro' })
  assert.deepEqual((await read('bytes')).at(-1), { value: Uint8Array.of(0, 0, 0, 0, 1, 2, 98) })
})

test('a row that does not fit is told before anything is sent', async () => {
  await schemas.register('orders-value', order({ name: 'n', type: 'int' }))
  await assert.rejects(
    produce(
      'orders',
      [
        { id: 'a', n: 1 },
        { id: 'b', n: 1.5 },
      ],
      { format: 'avro' },
    ),
    {
      code: 'VALUE_UNENCODABLE',
      message: 'Cannot write row 2 as version 1 of "orders-value": field n is 1.5 (number), int is needed',
    },
  )
  assert.deepEqual(await read(), [])
  await assert.rejects(produce('other', [{ 'a-b': 1 }], { format: 'avro' }), {
    message: /"a-b" is no name of an Avro field/,
  })
})

test('a file, another mode and a difference', async () => {
  await schemas.register('orders-value', order({ name: 'n', type: 'int' }))
  const without = order()
  assert.deepEqual(await schemas.check('orders-value', without), [])
  assert.deepEqual(await schemas.check('orders-value', without, { compatibility: 'FULL' }), [
    {
      field: 'n',
      rule: 'FIELD_REMOVED_WITHOUT_DEFAULT',
      version: 1,
      reason: 'it is gone, and version 1, which still reads it, has no default for it',
      fix: 'Keep it, or register a version first that gives it a default: "default": 0',
    },
  ])
  assert.deepEqual(await schemas.diff('orders-value', { schema: without }), [
    { field: 'n', change: 'removed', before: 'int', after: '' },
  ])
  await assert.rejects(schemas.register('orders-value', { file: 'no-such.avsc' }), {
    hint: '%%writefile no-such.avsc makes one',
  })
  await assert.rejects(schemas.check('orders-value', without, { compatibility: 'SOME' as never }), {
    code: 'OPTION_INVALID',
  })
})
