/** Avro in a real engine process: schemas reach the worker beside the records, and it decodes as the inline pipeline does. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { count, createTopic, produce, schemas, sum, topic, tumbling } from '../../stream/index.ts'
import { inlineAndHosted } from './both.ts'

const { both } = await inlineAndHosted()

const order = (...fields: unknown[]) => ({
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'raw', type: 'bytes' },
    { name: 'amount', type: 'double' },
    ...fields,
  ],
})
const row = (i: number) => ({
  id: i % 2 === 0 ? i : 9007199254740993n + BigInt(i),
  at: 1767258000000 + i * 100,
  day: new Date(Date.UTC(2026, 0, 1)),
  raw: Uint8Array.of(i),
  amount: i / 2,
})

test('values of every kind, two versions and windows over them are the same inline and hosted', async () => {
  const rows = await both(async () => {
    await createTopic('avro-orders', { partitions: 2 })
    await schemas.register('avro-orders-value', order())
    await produce('avro-orders', Array.from({ length: 100 }, (_, i) => row(i)), { format: 'avro', partition: 0 }) // prettier-ignore
    await schemas.register('avro-orders-value', order({ name: 'region', type: 'string', default: 'eu' }))
    const newer = Array.from({ length: 100 }, (_, i) => ({ ...row(100 + i), region: 'us' }))
    await produce('avro-orders', newer, { format: 'avro', partition: 0 })
    await produce('avro-orders', [{ json: true }], { partition: 0 })
    const orders = await topic('avro-orders', { from: 'earliest', to: 'latest', time: 'at' })
    const windows = orders
      .keyBy('region')
      .window(tumbling('10s'))
      .aggregate({ n: count(), total: sum('amount') })
    const refused = await orders.errors().toArray()
    return [await orders.toArray(), await windows.toArray(), refused.map(({ offset, reason }) => [offset, reason])]
  })
  const [all, windows, refused] = rows as [unknown[], { region: string; n: number }[], unknown[]]
  assert.equal(all.length, 200)
  assert.deepEqual(all[1], { ...row(1), region: 'eu' })
  assert.deepEqual(
    windows.map(({ region, n }) => [region, n]),
    [['eu', 100], ['us', 100]],
  ) // prettier-ignore
  assert.equal(refused.length, 1)
})

test('a schema file reads what no registry knows, the same inline and hosted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'schema-file-'))
  const file = join(folder, 'shipment.avsc')
  writeFileSync(file, JSON.stringify({ type: 'record', name: 'Shipment', fields: [{ name: 'id', type: 'int' }, { name: 'to', type: 'string' }] })) // prettier-ignore
  try {
    const rows = await both(async () => {
      await createTopic('bare', { partitions: 1 })
      // 1, "eu" bare; the same in a frame of schema 7; "eu" with a length that is none.
      const values = [
        [2, 4, 0x65, 0x75],
        [0, 0, 0, 0, 7, 2, 4, 0x65, 0x75],
        [2, 5, 0x65, 0x75],
      ]
      await produce('bare', values.map(bytes => Uint8Array.from(bytes)), { format: 'bytes' }) // prettier-ignore
      const shipments = await topic('bare', { from: 'earliest', to: 'latest', schema: file })
      const refused = await shipments.errors().toArray()
      return [await shipments.toArray(), refused.map(({ offset, reason }) => [Number(offset), reason])]
    })
    assert.deepEqual(rows, [
      [{ id: 1, to: 'eu' }, { id: 1, to: 'eu' }],
      [[2, `value does not fit the schema of "${file}": a length is -3`]],
    ]) // prettier-ignore
  } finally {
    rmSync(folder, { recursive: true })
  }
})
