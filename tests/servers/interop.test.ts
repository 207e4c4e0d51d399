/** The same records for everybody: what kcat and Java's tools write is read here, and what is written here they read. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect, createTopic, from, LocalRuntime, produce, setRuntime, topic } from '../../stream/index.ts'
import { openKafka } from '../../stream/connectors/kafka.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { ensureKcat, javaTool } from './kafka-tools.ts'
import { startKafka } from './kafka-server.ts'
import type { KafkaServer } from './kafka-server.ts'

let kafka: KafkaServer
let runtime: LocalRuntime
let broker: string

before(async () => {
  kafka = await startKafka()
  broker = `${kafka.host}:${kafka.port}`
  runtime = new LocalRuntime()
  setRuntime(runtime)
  await connect(kafka.url, { as: 'k' })
})
after(async () => {
  await runtime.close()
  await kafka?.stop()
})

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const rows = Array.from({ length: 3000 }, (_, i) => ({
  i,
  region: ['north', 'south'][i % 2],
  pad: 'abc'.repeat(i % 40),
}))
const read = async (name: string) => (await topic(`k:${name}`, { from: 'earliest', to: 'latest' })).toArray()

/** One line of kcat -J. */
interface Told {
  readonly partition: number
  readonly key: string | null
  readonly payload: string | null
  readonly headers?: readonly string[]
  readonly ts: number
}

async function byKcat(name: string): Promise<Told[]> {
  const kcat = await ensureKcat()
  const out = await kcat(['-C', '-q', '-e', '-J', '-b', broker, '-t', name, '-o', 'beginning'])
  return out
    .toString()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Told)
}

for (const codec of codecs) {
  test(`${codec}: batches of kcat and Java are read here, batches from here by kcat and Java`, async () => {
    const kcat = await ensureKcat()
    await createTopic(`k:from-kcat-${codec}`, { partitions: 1 })
    const lines = rows.map(row => JSON.stringify(row)).join('\n')
    await kcat(['-P', '-b', broker, '-t', `from-kcat-${codec}`, '-z', codec], lines)
    assert.deepEqual(await read(`from-kcat-${codec}`), rows)

    await createTopic(`k:from-java-${codec}`, { partitions: 1 })
    await javaTool(
      'org.apache.kafka.tools.ConsoleProducer',
      ['--bootstrap-server', broker, '--topic', `from-java-${codec}`, '--compression-codec', codec],
      { input: `${lines}\n` },
    )
    assert.deepEqual(await read(`from-java-${codec}`), rows)

    await from(rows).to(`k:to-${codec}`, { partitions: 1, compression: codec })
    assert.deepEqual(
      (await byKcat(`to-${codec}`)).map(({ payload }) => JSON.parse(payload!) as unknown),
      rows,
    )
    const dump = await javaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...['--bootstrap-server', broker, '--topic', `to-${codec}`, '--from-beginning'],
      ...['--max-messages', String(rows.length), '--timeout-ms', '20000'],
    ])
    assert.deepEqual(
      dump
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as unknown),
      rows,
    )
    assert.deepEqual(await read(`to-${codec}`), rows)
  })
}

test('the packed topics are smaller than the plain one', async () => {
  const connection = await openKafka(kafka.url, { as: 'sizes', clock: wallClock })
  const sizes = new Map((await connection.topics({ facts: true })).map(({ name, sizeBytes }) => [name, sizeBytes ?? 0]))
  await connection.close()
  for (const codec of codecs.filter(each => each !== 'none'))
    assert.ok(sizes.get(`to-${codec}`)! < sizes.get('to-none')! / 2, codec)
})

test('keys, headers and tombstones of kcat are read here', async () => {
  const kcat = await ensureKcat()
  await createTopic('k:told', { partitions: 1 })
  const send = (input: string, ...args: string[]) =>
    kcat(['-P', '-b', broker, '-t', 'told', '-p', '0', '-K', '|', ...args], input)
  await send('a|{"v":1}\n', '-H', 'source=lab', '-H', 'run=7')
  await send('a|\n', '-Z')
  const connection = await openKafka(kafka.url, { as: 'raw', clock: wallClock })
  const reader = await connection.read('told', { from: 'earliest', to: 'latest' })
  const { batch } = (await reader.next())!
  const part = (ranges: Int32Array, i: number) =>
    ranges[2 * i + 1]! < 0
      ? null
      : Buffer.from(batch.bytes.subarray(ranges[2 * i]!, ranges[2 * i]! + ranges[2 * i + 1]!)).toString()
  assert.deepEqual(
    [0, 1].map(i => [part(batch.keyRanges, i), part(batch.valueRanges, i)]),
    [
      ['a', '{"v":1}'],
      ['a', null],
    ],
  )
  const headers = Object.entries(batch.headers?.[0] ?? {}).map(([name, value]) => [name, Buffer.from(value).toString()])
  assert.deepEqual(headers, [
    ['source', 'lab'],
    ['run', '7'],
  ])
  await connection.close()
})

test('keys, headers, timestamps and tombstones from here are read by kcat', async () => {
  const at = 1_767_258_000_000
  await from([{ id: 'ä', at, v: 1 }], { time: 'at' }).to('k:ours', {
    key: 'id',
    partitions: 1,
    headers: { by: 'riffle' },
  })
  await produce('k:ours', [null])
  const [first, second] = await byKcat('ours')
  assert.deepEqual(
    [first?.key, first?.payload, first?.headers, first?.ts],
    ['ä', '{"id":"ä","at":1767258000000,"v":1}', ['by', 'riffle'], at],
  )
  assert.equal(second?.payload, null)
})

test('keys, headers and tombstones go both ways with Java', async () => {
  await createTopic('k:java-told', { partitions: 1 })
  const properties = [
    'parse.key=true',
    'key.separator=|',
    'parse.headers=true',
    'headers.delimiter=;',
    'null.marker=NULL',
  ]
  await javaTool(
    'org.apache.kafka.tools.ConsoleProducer',
    ['--bootstrap-server', broker, '--topic', 'java-told', ...properties.flatMap(each => ['--reader-property', each])],
    { input: 'source:lab,run:7;ä|{"v":1}\nsource:lab;ä|NULL\n' },
  )
  const [first, second] = await byKcat('java-told')
  const stream = await topic('k:java-told', { from: 'earliest', to: 'latest' })
  const seen = await stream
    .map((row, meta) => ({ row, key: meta.key, run: Buffer.from(meta.headers['run'] ?? []).toString() }))
    .toArray()
  assert.deepEqual(seen, [{ row: { v: 1 }, key: 'ä', run: '7' }])
  assert.deepEqual(
    (await stream.errors().toArray()).map(({ offset, reason }) => [offset, reason]),
    [[1n, 'null value (tombstone)']],
  )
  assert.deepEqual([first?.key, second?.payload], ['ä', null])

  await from([{ id: 'ü', v: 1 }]).to('k:for-java', { key: 'id', partitions: 1, headers: { by: 'riffle' } })
  await produce('k:for-java', [null])
  const printed = [
    'print.key=true',
    'print.headers=true',
    'key.separator=|',
    'headers.separator=;',
    'null.literal=NULL',
  ]
  const told = await javaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
    ...['--bootstrap-server', broker, '--topic', 'for-java', '--from-beginning'],
    ...['--max-messages', '2', '--timeout-ms', '20000'],
    ...printed.flatMap(each => ['--formatter-property', each]),
  ])
  const [ours, gone] = told.trim().split('\n')
  assert.match(ours ?? '', /^by:riffle[|;\t]ü[|;\t]\{"id":"ü","v":1\}$/)
  assert.match(gone ?? '', /NULL$/)
})

test('a key goes to the partition that Java chooses', async () => {
  const keys = Array.from({ length: 200 }, (_, i) => `${['key', 'schlüssel', '鍵', ''][i % 4]}${i * 7919}`)
  await createTopic('k:by-java', { partitions: 7 })
  await javaTool(
    'org.apache.kafka.tools.ConsoleProducer',
    ['--bootstrap-server', broker, '--topic', 'by-java', '--reader-property', 'parse.key=true', '--reader-property', 'key.separator=|'], // prettier-ignore
    { input: keys.map(key => `${key}|${key}\n`).join('') },
  )
  await from(keys.map(key => ({ key }))).to('k:by-us', { key: 'key', partitions: 7 })
  await produce('k:by-us', keys.map(key => ({ key })), { key: 'key' }) // prettier-ignore
  const partitions = (told: readonly Told[]) => new Map(told.map(({ key, partition }) => [key, partition]))
  const ofJava = partitions(await byKcat('by-java'))
  assert.equal(ofJava.size, keys.length)
  const ours = await byKcat('by-us')
  assert.equal(ours.length, 2 * keys.length)
  for (const { key, partition } of ours) assert.equal(partition, ofJava.get(key), `key ${key}`)
})
