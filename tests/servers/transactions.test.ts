/** Transactional sinks on a real broker, from a program: each row once for readers of what is committed, over ends and starts. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { checkpoint, connect, createTopic, LocalRuntime, produce, setRuntime, sum, topic, tumbling } from '../../stream/index.ts' // prettier-ignore
import { openKafka } from '../../stream/connectors/kafka.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { until } from '../hosted/hosted.ts'
import { startKafka } from './kafka-server.ts'
import type { Connection } from '../../stream/connectors/connector.ts'
import type { KafkaServer } from './kafka-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'transactions-'))
let kafka: KafkaServer
let connection: Connection
const runtimes: LocalRuntime[] = []

before(async () => {
  // Rows have the time of last winter: a broker would delete them half a minute after its start.
  kafka = await startKafka()
  connection = await openKafka(kafka.url, { as: 'own', clock: wallClock })
})
after(async () => {
  for (const runtime of runtimes) await runtime.close()
  await connection?.close()
  await kafka?.stop()
  rmSync(folder, { recursive: true })
})

/** A program that begins: nothing of an earlier one is left but its folder. */
async function program(said: string[] = []): Promise<LocalRuntime> {
  const runtime = new LocalRuntime({ print: text => void said.push(text) })
  runtimes.push(runtime)
  setRuntime(runtime)
  await connect(kafka.url)
  await checkpoint('1h', { folder })
  return runtime
}

const rowsOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ k: `k${(from + i) % 5}`, at: 1_767_258_000_000 + (from + i) * 10, v: 1 })) // prettier-ignore

/** Values of a topic that readers of committed records see. */
async function committed(name: string): Promise<Record<string, unknown>[]> {
  const reader = await connection.read(name, { from: 'earliest', to: 'latest' })
  const values: Record<string, unknown>[] = []
  for (let result = await reader.next(); result !== null; result = await reader.next()) {
    const { batch } = result
    for (let i = 0; i < batch.count; i++) {
      const [at, length] = [batch.valueRanges[2 * i]!, batch.valueRanges[2 * i + 1]!]
      values.push(JSON.parse(Buffer.from(batch.bytes.subarray(at, at + length)).toString()) as Record<string, unknown>)
    }
  }
  await reader.close()
  return values
}

/** Sums of each key and window of everything there is now. */
async function summed(source: string, target: string, size: '10s' | '20s' = '10s') {
  const rows = await topic(source, { from: 'earliest', to: 'latest', time: 'at' })
  return rows
    .map(row => ({ k: String(row['k']), v: Number(row['v']) }))
    .keyBy('k')
    .window(tumbling(size))
    .aggregate({ total: sum('v') })
    .to(target, { key: 'k', partitions: 2, transactional: true, as: 'sums' })
}

test('a program that is run again goes on: what was written is not written again', async () => {
  await program()
  await createTopic('in', { partitions: 2 })
  await produce('in', rowsOf(0, 10_000), { key: 'k' })
  const first = await summed('in', 'out')
  assert.equal(first.writtenCount, 50)
  assert.equal((await committed('out')).length, 50)

  const said: string[] = []
  await program(said)
  const second = await summed('in', 'out')
  assert.equal(second.writtenCount, 0)
  assert.equal((await committed('out')).length, 50)
  assert.deepEqual(said, [])

  await program(said)
  await summed('in', 'out', '20s')
  assert.deepEqual(said, ['Sink "sums" begins anew: what it writes was changed since its last transaction'])
  const totals = (await committed('out')).map(row => row['total'])
  assert.deepEqual([totals.length, totals.filter(total => total === 400).length], [75, 25])
})

test('rows of an open transaction are seen by nobody; a second sink of the name ends the first', async () => {
  const runtime = await program()
  await createTopic('live', { partitions: 1 })
  const rows = await topic('live', { from: 'earliest', time: 'at' })
  await rows.to('copy', { partitions: 1, transactional: true, as: 'copy' })
  await produce('live', rowsOf(0, 100))
  await until(async () => ((await committed('copy')).length === 100 ? true : undefined))

  const other = await program()
  const again = await topic('live', { from: 'earliest', time: 'at' })
  await again.to('copy', { partitions: 1, transactional: true, as: 'copy' })
  await produce('live', rowsOf(100, 150))
  const failed = await until(async () => {
    const [summary] = await runtime.list()
    return summary?.stats.state === 'failed' ? summary.stats.error : undefined
  })
  assert.equal(failed.code, 'SINK_FENCED')
  assert.match(
    failed.message,
    /^Cannot write on to topic "copy": another sink took over the transactional id "riffle-copy-copy"$/,
  )
  await until(async () => ((await committed('copy')).length >= 150 ? true : undefined))
  const values = (await committed('copy')).map(row => row['at'])
  assert.deepEqual([values.length, new Set(values).size], [150, 150])
  await other.stop('copy')
})

test('without the state of its last transaction a sink does not guess', async () => {
  await program()
  await createTopic('lost', { partitions: 1 })
  await produce('lost', rowsOf(0, 3000))
  await summed('lost', 'sums-of-lost')
  for (const file of readdirSync(folder))
    if (file.startsWith('riffle-sums-of-lost')) truncateSync(join(folder, file), 50)
  await program()
  await assert.rejects(summed('lost', 'sums-of-lost'), {
    code: 'CHECKPOINT_INVALID',
    message: /^Cannot go on writing "sums" exactly once: its transaction \d+ is committed, its state is not there$/,
  })
})
