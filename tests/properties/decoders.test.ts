/** Whatever bytes come: each decoder gives a value or a StreamError (of a record: a reason), at once. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { decodeAnswer } from '../../stream/connectors/kafka-fetch.ts'
import { packEnvelopes } from '../../stream/connectors/connector.ts'
import { StreamError } from '../../stream/errors.ts'
import { file, from, LocalRuntime, setRuntime } from '../../stream/index.ts'
import { readRecording } from '../../stream/recordings/recording-file.ts'
import { parseAvro } from '../../stream/schemas/avro-schema.ts'
import { decodeBatch, detectFormat } from '../../stream/schemas/decode.ts'
import { readParquetFile } from '../../stream/sinks/parquet-read.ts'
import { settings } from './settings.ts'
import type { BatchSchemas } from '../../stream/schema-model.ts'

const folder = mkdtempSync(join(tmpdir(), 'riffle-decoders-'))
const runtime = new LocalRuntime()
const mostMs = 5000

before(() => setRuntime(runtime))
after(async () => {
  await runtime.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A value, or a StreamError; and it was not long about it. */
async function valueOrError(decode: () => unknown): Promise<void> {
  const beganMs = performance.now()
  try {
    await decode()
  } catch (error) {
    assert.ok(error instanceof StreamError, `${error instanceof Error ? error.stack : String(error)}`)
  }
  assert.ok(performance.now() - beganMs < mostMs, `took ${performance.now() - beganMs} ms`)
}

/** Any bytes, and bytes that are nearly right: some of them changed, the end cut off, a piece doubled. */
function bytesNear(good: Buffer) {
  const place = fc.nat(Math.max(0, good.length - 1))
  const changed = fc
    .array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 5 })
    .map(changes => changes.reduce((all, [at, byte]) => (all.writeUInt8(byte, at), all), Buffer.from(good)))
  const cut = place.map(at => good.subarray(0, at))
  const doubled = fc.tuple(place, place).map(([a, b]) => Buffer.concat([good.subarray(0, Math.max(a, b)), good.subarray(Math.min(a, b))])) // prettier-ignore
  return fc.oneof(changed, cut, doubled, fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes))) // prettier-ignore
}

const fields = [
  { name: 's', type: 'string' },
  { name: 'n', type: ['null', 'long'] },
  { name: 'd', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
  { name: 'list', type: { type: 'array', items: 'int' } },
  { name: 'map', type: { type: 'map', values: 'double' } },
  { name: 'e', type: { type: 'enum', name: 'E', symbols: ['a', 'b'] } },
  { name: 'self', type: ['null', 'R'] },
]
const avro = JSON.stringify({ type: 'record', name: 'R', fields })
const protobuf = 'message R {}'
const schemas: BatchSchemas = {
  refs: new Map([
    [1, { type: 'AVRO', text: avro }],
    [2, { type: 'JSON', text: '{}' }],
    [3, { type: 'PROTOBUF', text: protobuf }],
    [4, { missing: 'it is gone' }],
    [5, { type: 'AVRO', text: '{"type":"nope"}' }],
  ]),
} as BatchSchemas
// s "x", n null, d 1.00, one int, one entry, e b, self null
const row = Buffer.from([2, 120, 0, 2, 100, 2, 14, 0, 2, 2, 107, 0, 0, 0, 0, 0, 0, 240, 63, 0, 2, 0])
const framed = (id: number) => Buffer.concat([Buffer.from([0, 0, 0, 0, id]), row])

test('values: every format, framed or not, with and without headers', async () => {
  const good = { rows: [decodeBatch({ ...one(framed(1)), schemas }).rows[0]] }
  assert.deepEqual(Object.keys(good.rows[0] as object), fields.map(({ name }) => name)) // prettier-ignore
  const header = fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined })
  const value = fc.oneof(bytesNear(framed(1)), bytesNear(framed(2)), fc.integer({ min: 0, max: 6 }).map(framed), bytesNear(Buffer.from('{"a":[1,"ü"]}'))) // prettier-ignore
  const format = fc.constantFrom('auto', 'avro', 'json', 'text', 'bytes')
  const keyFormat = fc.constantFrom('text', 'json', 'bytes')
  await fc.assert(
    fc.asyncProperty(value, header, format, keyFormat, async (bytes, id, how, keys) => {
      const batch = { ...one(bytes, id === undefined ? undefined : { __value_schema_id: id }), schemas }
      await valueOrError(() => {
        detectFormat(batch)
        const { rows, failures, keys: read } = decodeBatch(batch, { format: how as 'auto', keyFormat: keys as 'text' })
        assert.equal(rows.length, 1)
        assert.equal(read.length, 1)
        // A value or a reason.
        assert.notEqual(rows[0] === undefined, failures.length === 0)
      })
    }),
    settings(1000),
  )
})

function one(value: Buffer, headers?: Record<string, Uint8Array>) {
  return packEnvelopes([{ partition: 0, offset: 0n, timestampMs: 0, key: value.subarray(0, 9), value, headers }])
}

test('schemas: any text is a schema or says what is wrong with it', async () => {
  const json = fc.oneof(fc.jsonValue(), fc.record({ type: fc.jsonValue(), name: fc.jsonValue(), fields: fc.jsonValue(), items: fc.jsonValue() }, { requiredKeys: [] })) // prettier-ignore
  const text = fc.oneof(json.map(value => JSON.stringify(value)), bytesNear(Buffer.from(avro)).map(String), fc.string()) // prettier-ignore
  await fc.assert(
    fc.asyncProperty(text, given => valueOrError(() => parseAvro(given))),
    settings(600),
  )
})

test('answers of a broker', async () => {
  const topic = Buffer.from([0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 116, 0, 0, 0, 1])
  const partition = Buffer.alloc(42)
  partition.writeInt32BE(20, 38)
  await fc.assert(
    fc.asyncProperty(bytesNear(Buffer.concat([topic, partition, Buffer.alloc(20, 2)])), bytes =>
      valueOrError(() => decodeAnswer(bytes)),
    ),
    settings(400),
  )
})

const rows = Array.from({ length: 20 }, (_, i) => ({ i, text: i % 3 === 0 ? 'a,"b"\nc' : 'ü', at: i * 0.5 }))

for (const ending of ['jsonl', 'csv', 'avro', 'parquet']) {
  test(`files: .${ending}`, async () => {
    const path = join(folder, `rows.${ending}`)
    await from(rows).to(file(path))
    assert.equal((await readAll(path)).length, rows.length)
    const good = readFileSync(path)
    await fc.assert(
      fc.asyncProperty(bytesNear(good), async bytes => {
        writeFileSync(path, bytes)
        await valueOrError(() => (ending === 'parquet' ? readParquetFile(path, 1000) : readAll(path)))
      }),
      // A thread each.
      settings(ending === 'parquet' ? 25 : 150),
    )
  })
}

test('a Parquet file that turns its reader round in circles is told', async () => {
  const path = join(folder, 'circle.parquet')
  await from(rows).to(file(path))
  const bytes = readFileSync(path)
  // The size of its first page: now the reader goes back.
  bytes.writeUInt8(128, 23)
  writeFileSync(path, bytes)
  await assert.rejects(readParquetFile(path, 1000), {
    code: 'VALUE_UNDECODABLE',
    message: `Cannot read file "${path}" as Parquet: it is broken, and reading it came to no end`,
  })
})

async function readAll(path: string): Promise<unknown[]> {
  const read: unknown[] = []
  for await (const each of file(path)) read.push(each)
  return read
}

test('a quoted value without an end in a long file is told, and soon', async () => {
  const path = join(folder, 'open.csv')
  writeFileSync(path, `a,b\n1,"${'""\nx'.repeat(40_000)}`)
  await assert.rejects(readAll(path), { code: 'VALUE_UNDECODABLE' })
  await valueOrError(() => readAll(path))
})

test('recordings', async () => {
  const header = JSON.stringify({ riffle: 'recording', version: 1, stream: 's', sources: [], params: {} })
  const events = [
    { t: 1, s: 0, k: 'envelopes', r: [[0, '5', 1, null, 'eA==', { h: 'eA==' }]] },
    { t: 2, s: 0, k: 'rows', v: 'AAAA' },
    { t: 3, k: 'param', name: 'p', value: 1 },
    { t: 4, s: 0, k: 'watermark', w: 5 },
    { t: 5, s: 0, k: 'end' },
  ]
  const good = Buffer.from([header, ...events.map(event => JSON.stringify(event))].join('\n'))
  const path = join(folder, 'recording.jsonl')
  await fc.assert(
    fc.asyncProperty(bytesNear(good), async bytes => {
      writeFileSync(path, bytes)
      await valueOrError(() => readRecording(path))
    }),
    settings(300),
  )
})
