/** Sinks on the built-in topics and on files: what is written, with which key, and what becomes of rows that are taken back. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { EmbeddedConnection } from '../connectors/embedded.ts'
import { file, from, LocalRuntime, runtime, setRuntime, sum, topic, tumbling, watermark } from '../index.ts'
import { MemoryRegistry } from '../schemas/memory-registry.ts'
import { VirtualClock } from '../time/clock.ts'
import type { Envelope } from '../model.ts'

const folder = mkdtempSync(join(tmpdir(), 'riffle-sinks-'))
after(() => rmSync(folder, { recursive: true, force: true }))

let connection: EmbeddedConnection

beforeEach(() => {
  const clock = new VirtualClock(1_767_258_000_000)
  connection = new EmbeddedConnection({ clock, demos: [], registry: new MemoryRegistry() })
  setRuntime(new LocalRuntime({ clock, embedded: async () => connection }))
})

const rows = [
  { id: 'a', at: 10, v: 1 },
  { id: 'b', at: 20, v: 2 },
  { id: 'a', at: 30, v: 3 },
]
const source = () => from(rows, { time: 'at' })
const read = async (name: string) => (await topic(name, { from: 'earliest', to: 'latest' })).toArray()

/** Key, value and timestamp of every record, by partition and offset. */
async function records(name: string): Promise<Envelope[]> {
  const reader = await connection.read(name, { from: 'earliest', to: 'latest' })
  const found: Envelope[] = []
  for (let result = await reader.next(); result !== null; result = await reader.next()) {
    const { batch } = result
    for (let i = 0; i < batch.count; i++) {
      const part = (ranges: Int32Array) =>
        ranges[2 * i + 1]! < 0 ? null : batch.bytes.slice(ranges[2 * i]!, ranges[2 * i]! + ranges[2 * i + 1]!)
      found.push({
        partition: batch.partitions[i]!,
        offset: batch.offsets[i]!,
        timestampMs: batch.timestampsMs[i]!,
        key: part(batch.keyRanges),
        value: part(batch.valueRanges),
        headers: batch.headers?.[i],
      })
    }
  }
  return found
}
const text = (bytes: Uint8Array | null | undefined) =>
  bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString()
const told = async (name: string) => (await records(name)).map(({ key, value }) => [text(key), text(value)])

test('a stream that ends is written and its topic is made', async () => {
  const sink = await source().to('out', { partitions: 1 })
  assert.deepEqual({ ...sink }, { name: 'rowsToOut', writtenCount: 3, refusedCount: 0, firstRefusal: undefined })
  assert.deepEqual(await read('out'), rows)
  assert.equal((await connection.describe('out')).partitions.length, 1)
})

test('the timestamp of a record is the event time of its row', async () => {
  await source().to('out', { partitions: 1 })
  assert.deepEqual(
    (await records('out')).map(({ timestampMs }) => timestampMs),
    [10, 20, 30],
  )
})

test('a key decides the partition; several fields are one JSON object', async () => {
  await source().to('one', { key: 'id', partitions: 5 })
  const found = await records('one')
  assert.deepEqual(
    found.map(({ key, partition }) => [text(key), partition]).sort((a, b) => (String(a) < String(b) ? -1 : 1)),
    [
      // murmur2 of "a" and "b" modulo 5, as Java's client has it.
      ['a', 4],
      ['a', 4],
      ['b', 1],
    ],
  )
  await source().to('two', { key: 'id,v', partitions: 1 })
  assert.equal(text((await records('two'))[0]?.key), '{"id":"a","v":1}')
})

test('headers and a partition are those asked for', async () => {
  await source().to('out', { headers: { source: 'lab' }, partition: 2 })
  const found = await records('out')
  assert.deepEqual(
    found.map(({ partition, headers }) => [partition, text(headers?.['source'])]),
    [
      [2, 'lab'],
      [2, 'lab'],
      [2, 'lab'],
    ],
  )
})

test('avro is registered and read back', async () => {
  await source().to('out', { format: 'avro' })
  assert.deepEqual(await connection.registry?.subjects(), ['out-value'])
  assert.deepEqual((await read('out')).length, 3)
  assert.equal((await records('out'))[0]?.value?.[0], 0)
})

test('windows that fire once are written without kind and revision', async () => {
  await source().keyBy('id').window(tumbling(100)).aggregate({ total: sum('v') }).to('out', { partitions: 1 }) // prettier-ignore
  assert.deepEqual(await read('out'), [
    { id: 'a', windowStart: 0, windowEnd: 100, total: 4 },
    { id: 'b', windowStart: 0, windowEnd: 100, total: 2 },
  ])
})

test('windows that may be revised say which firing a row is', async () => {
  const windows = from([...rows.slice(0, 2), watermark(150), { id: 'a', at: 40, v: 5 }], { time: 'at' })
    .keyBy('id')
    .window(tumbling(100), { lateness: 100 })
    .aggregate({ total: sum('v') })
  await windows.to('out', { partitions: 1, key: 'id' })
  assert.deepEqual(await read('out'), [
    { id: 'a', windowStart: 0, windowEnd: 100, total: 1, kind: 'onTime', revision: 0 },
    { id: 'b', windowStart: 0, windowEnd: 100, total: 2, kind: 'onTime', revision: 0 },
    { id: 'a', windowStart: 0, windowEnd: 100, total: 6, kind: 'late', revision: 1 },
  ])
})

test('a changelog without a key is refused, and append leaves out what is taken back', async () => {
  const running = () =>
    source()
      .keyBy('id')
      .aggregate({ total: sum('v') })
  await assert.rejects(running().to('out'), {
    code: 'OPTION_INVALID',
    message: 'Cannot write stream to topic "out": its rows may be taken back, and a record without a key cannot be',
  })
  await running().to('log', { partitions: 1, mode: 'append' })
  assert.deepEqual(await read('log'), [
    { id: 'a', total: 1 },
    { id: 'b', total: 2 },
    { id: 'a', total: 4 },
  ])
})

test('upsert: a row taken back without another is a tombstone', async () => {
  const running = source()
    .keyBy('id')
    .aggregate({ total: sum('v') })
    .filter(row => row.total < 3)
  await running.to('out', { partitions: 1, key: 'id' })
  assert.deepEqual(await told('out'), [
    ['a', '{"id":"a","total":1}'],
    ['b', '{"id":"b","total":2}'],
    // The sum of a is 4 now, which the filter leaves out.
    ['a', null],
  ])
})

test('upsert: a row that has no key is refused and counted', async () => {
  const sink = await from([{ id: 'a' }, { id: null }]).to('out', { mode: 'upsert', key: 'id' })
  assert.equal(sink.refusedCount, 1)
  assert.match(sink.firstRefusal ?? '', /its key id is null/)
  await assert.rejects(from([{ id: 'a' }]).to('out', { mode: 'upsert' }), { code: 'OPTION_INVALID' })
})

test('a row that does not fit the schema is counted, the others are written', async () => {
  const mixed = from<{ v: number | string }>([{ v: 1 }, { v: 2 }])
  await mixed.to('out', { format: 'avro' })
  const sink = await from<{ v: number | string }>([{ v: 3 }, { v: 'much' }, { v: 4 }]).to('out', { format: 'avro' })
  assert.deepEqual([sink.writtenCount, sink.refusedCount], [2, 1])
  assert.match(sink.firstRefusal ?? '', /field v is "much" \(string\), double is needed/)
})

test('a sink whose first hundred rows are all refused fails', async () => {
  await from([{ v: 1 }]).to('out', { format: 'avro' })
  const wrong = from(Array.from({ length: 150 }, () => ({ v: 'x' })))
  await assert.rejects(wrong.to('out', { format: 'avro' }), { code: 'VALUE_UNENCODABLE' })
})

test('an unknown format, mode or ending is told with what is allowed', async () => {
  await assert.rejects(source().to('out', { format: 'xml' as 'json' }), {
    message: 'Cannot write stream: format "xml" is none of json, avro, text, bytes',
  })
  await assert.rejects(source().to('out', { mode: 'both' as 'append' }), { code: 'OPTION_INVALID' })
  assert.throws(() => file('rows.xls'), { code: 'OPTION_INVALID', message: /its name ends in none of \.jsonl/ })
  await assert.rejects(source().to(file(join(folder, 'x.csv')), { key: 'id' }), {
    message: 'Cannot write stream: key means nothing for a file',
  })
})

test('what a source throws is told by its sink', async () => {
  const broken = from(
    (function* () {
      yield { v: 1 }
      throw new Error('the source broke')
    })(),
  )
  await assert.rejects(broken.to('out'), /the source broke/)
})

test('an endless stream is written as it comes, and no more once its sink is stopped', async () => {
  await connection.create('in', { partitions: 1 })
  const endless = await topic('in', { from: 'earliest' })
  const sink = await endless.to('out', { as: 'copy', partitions: 1 })
  assert.equal(sink.name, 'copy')
  const appended = new Promise<void>(resolve => connection.log.topic('out').whenAppended(resolve))
  await connection.produce('in', [{ key: null, value: Buffer.from('{"v":1}') }])
  await appended
  assert.deepEqual(await read('out'), [{ v: 1 }])
  assert.deepEqual(
    (await runtime().list()).map(({ name, outline }) => [name, outline]),
    [['copy', 'in → topic out']],
  )
  await runtime().stop('copy')
  await connection.produce('in', [{ key: null, value: Buffer.from('{"v":2}') }])
  assert.equal((await records('out')).length, 1)
})

test('two sinks of one program into the same topic both run', async () => {
  await connection.create('in', { partitions: 1 })
  const endless = await topic('in', { from: 'earliest' })
  const names = [await endless.to('out'), await endless.to('out')].map(({ name }) => name)
  assert.deepEqual(names, ['rowsToOut', 'rowsToOut2'])
  // A sink at work keeps its program alive.
  for (const name of names) await runtime().stop(name)
})

test('files: JSON lines, CSV and Avro are written and read', async () => {
  const odd = [
    { id: 'a, "b"', v: 1.5, note: null, ok: true },
    { id: 'line\nline', v: -2, note: 'x', ok: false },
  ]
  for (const name of ['rows.jsonl', 'rows.csv', 'rows.avro', 'rows.parquet']) {
    const path = join(folder, name)
    const sink = await from(odd).to(file(path))
    assert.equal(sink.writtenCount, 2, name)
    assert.deepEqual(await from(file(path)).toArray(), odd, name)
  }
  assert.equal(
    readFileSync(join(folder, 'rows.csv'), 'utf8'),
    'id,v,note,ok\r\n"a, ""b""",1.5,,true\r\n"line\nline",-2,x,false\r\n',
  )
})

test('a changelog in a file says the weight of each row', async () => {
  const path = join(folder, 'changes.jsonl')
  await source().keyBy('id').aggregate({ total: sum('v') }).to(file(path)) // prettier-ignore
  assert.deepEqual(await from(file(path)).toArray(), [
    { id: 'a', total: 1, weight: 1 },
    { id: 'b', total: 2, weight: 1 },
    { id: 'a', total: 1, weight: -1 },
    { id: 'a', total: 4, weight: 1 },
  ])
})

test('a file that cannot be written or read is told by its reason', async () => {
  await assert.rejects(source().to(file(join(folder, 'no', 'such', 'x.csv'))), {
    message: /its folder is not there/,
  })
  await assert.rejects(from(file(join(folder, 'none.jsonl'))).toArray(), { message: /there is no such file/ })
})
