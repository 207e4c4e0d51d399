/** Sinks on a real broker: keys, headers, Avro with registration, tombstones; and a broker that is killed while a sink writes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTopic, from, produce, sum, topic, tumbling } from '../../stream/index.ts'
import { openKafka } from '../../stream/connectors/kafka.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { clusterOfFile } from './cluster-of-file.ts'

const { kafka } = await clusterOfFile()

const read = async (name: string) => (await topic(`k:${name}`, { from: 'earliest', to: 'latest' })).toArray()

test('windows go to Kafka as Avro and come back as they were', async () => {
  const rows = Array.from({ length: 1000 }, (_, i) => ({ id: `k${i % 5}`, at: 1_767_258_000_000 + i * 10, v: i % 3 }))
  const windows = from(rows, { time: 'at' }).keyBy('id').window(tumbling('1s')).aggregate({ total: sum('v') }) // prettier-ignore
  const expected = await windows.toArray()
  const sink = await windows.to('k:windows', { format: 'avro', key: 'id', headers: { by: 'riffle' } })
  assert.equal(sink.writtenCount, expected.length)
  const back = await read('windows')
  const order = (row: Record<string, unknown>) => `${String(row['windowStart'])} ${String(row['id'])}`
  assert.deepEqual(
    back.sort((a, b) => (order(a) < order(b) ? -1 : 1)),
    expected.map(({ kind: _kind, revision: _revision, ...row }) => row).sort((a, b) => (order(a) < order(b) ? -1 : 1)),
  )
})

test('upsert leaves a tombstone for a key whose row is gone', async () => {
  const rows = [
    { id: 'a', v: 1 },
    { id: 'b', v: 1 },
    { id: 'a', v: 5 },
  ]
  await from(rows)
    .keyBy('id')
    .aggregate({ total: sum('v') })
    .filter(row => row.total < 3)
    .to('k:totals', { key: 'id', partitions: 1 })
  const connection = await openKafka(kafka.url, { as: 'raw', clock: wallClock })
  const reader = await connection.read('totals', { from: 'earliest', to: 'latest' })
  const tombstones: boolean[] = []
  for (let result = await reader.next(); result !== null; result = await reader.next())
    for (let i = 0; i < result.batch.count; i++) tombstones.push(result.batch.valueRanges[2 * i + 1] === -1)
  assert.deepEqual(tombstones, [false, false, true])
  await connection.close()
})

test('a broker that is killed while a sink writes costs no record and doubles none', async () => {
  const count = 60_000
  await createTopic('k:before', { partitions: 3 })
  const batch = (from: number) => Array.from({ length: 5000 }, (_, i) => ({ i: from + i, pad: 'x'.repeat(100) }))
  for (let at = 0; at < count; at += 5000) await produce('k:before', batch(at), { key: 'i' })
  const notices: string[] = []
  const other = await openKafka(kafka.url, { as: 'w', clock: wallClock, onNotice: text => notices.push(text) })
  await other.create('after', { partitions: 3 })
  const writer = await other.writer('after')
  const acknowledged: { partition: number; offset: bigint; i: number }[] = []
  let killed: Promise<void> | undefined
  for (let at = 0; at < count; at += 500) {
    const records = Array.from({ length: 500 }, (_, i) => ({ key: null, value: Buffer.from(String(at + i)) }))
    const sending = writer.send(records)
    // The kill falls among the requests, the restart ten seconds later.
    if (at === 10_000)
      killed = (async () => {
        await kafka.kill()
        await new Promise(resolve => wallClock.setTimer(10_000, () => resolve(undefined)))
        await kafka.restart()
      })()
    const positions = await sending
    positions.forEach((position, i) => acknowledged.push({ ...position, i: at + i }))
  }
  await killed
  await writer.close()
  assert.match(notices[0] ?? '', /^Writing to topic "after" waits: "kafka:\/\/127\.0\.0\.1:\d+" does not answer/)
  assert.match(notices[1] ?? '', /^Writing to topic "after" goes on/)
  const reader = await other.read('after', { from: 'earliest', to: 'latest' })
  const found = new Map<string, string>()
  const seen: number[] = []
  for (let result = await reader.next(); result !== null; result = await reader.next()) {
    const { batch: read } = result
    for (let i = 0; i < read.count; i++) {
      const start = read.valueRanges[2 * i]!
      const value = Buffer.from(read.bytes.subarray(start, start + read.valueRanges[2 * i + 1]!)).toString()
      seen.push(Number(value))
      found.set(`${read.partitions[i]}@${read.offsets[i]}`, value)
    }
  }
  assert.equal(seen.length, count)
  assert.equal(new Set(seen).size, count)
  for (const { partition, offset, i } of acknowledged) assert.equal(found.get(`${partition}@${offset}`), String(i))
  await other.close()
})
