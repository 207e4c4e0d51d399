/**
 * A broker that is killed for ten seconds while streams of the engine read from it and write to it: the rows before and after are those
 * of an undisturbed run, none lost, none doubled, and the strip says what happened.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect, count, createTopic, produce, runtime, setRuntime, sum, topic, tumbling } from '../../stream/index.ts'
import { openKafka } from '../../stream/connectors/kafka.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { startEngine } from '../hosted/hosted.ts'
import { collect } from './connector-contract.ts'
import { startKafka } from './kafka-server.ts'
import type { HostedEngine } from '../hosted/hosted.ts'
import type { KafkaServer } from './kafka-server.ts'

const records = 60_000
const awayMs = 10_000
// Of today: a broker that starts again forgets producers whose newest record is older than a day, and with them what they had written.
const beganMs = Math.floor(Date.now() / 10_000) * 10_000 - 600_000
const regions = ['north', 'south', 'east']
const row = (i: number) => ({ i, region: regions[i % 3]!, at: beganMs + i * 2, amount: i % 100 })

let kafka: KafkaServer
let engine: HostedEngine

before(async () => {
  ;[kafka, engine] = await Promise.all([startKafka(), startEngine()])
  setRuntime(engine.runtime())
  await connect(kafka.url, { as: 'k' })
  await createTopic('k:in', { partitions: 3, retention: 'forever' })
  for (let from = 0; from < records; from += 20_000)
    await produce('k:in', Array.from({ length: 20_000 }, (_, n) => row(from + n)), { key: 'i' }) // prettier-ignore
})
after(async () => {
  await engine?.stop()
  await kafka?.stop()
})

const statsOf = async (name: string) => (await runtime().list()).find(each => each.name === name)?.stats

/** Asks until it holds; a test that hangs is ended by its runner. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setImmediate(resolve))
}

async function away(): Promise<void> {
  await kafka.kill()
  await new Promise(resolve => wallClock.setTimer(awayMs, () => resolve(undefined)))
  await kafka.restart()
}

test(
  'a broker killed while a stream reads and a sink writes loses and doubles nothing',
  { timeout: 180_000 },
  async () => {
    const input = await topic('k:in', { from: 'earliest', to: 'latest', time: 'at', outOfOrder: '1m' })
    const copied = input.to('k:out', { key: 'i', as: 'copy', partitions: 3 })
    const windows = input.keyBy('region').window(tumbling('10s')).aggregate({ total: sum('amount'), n: count() }) // prettier-ignore
    const fired = windows.toArray()
    await until(async () => ((await statsOf('copy'))?.rowCount ?? 0) > 5000)
    assert.ok(((await statsOf('copy'))?.rowCount ?? 0) < records, 'the copy was over before the broker was killed')
    const gap = away()
    await until(async () => /waits/.test((await statsOf('copy'))?.notice ?? ''))
    await gap
    assert.equal((await copied).writtenCount, records)
    assert.match(
      (await statsOf('copy'))?.notice ?? '',
      /goes on: "kafka:\/\/127\.0\.0\.1:\d+" was away for \d+(\.\d)? s$/,
    )

    const connection = await openKafka(kafka.url, { as: 'raw', clock: wallClock })
    const { values } = await collect(await connection.read('out', { from: 'earliest', to: 'latest' }))
    await connection.close()
    const seen = values.map(text => (JSON.parse(text!) as { i: number }).i)
    assert.equal(seen.length, records)
    assert.equal(new Set(seen).size, records)

    // What a program without streams makes of the same rows.
    const expected = new Map<string, { total: number; n: number }>()
    for (let i = 0; i < records; i++) {
      const { at, region, amount } = row(i)
      const name = `${Math.floor(at / 10_000) * 10_000} ${region}`
      const window = expected.get(name) ?? { total: 0, n: 0 }
      expected.set(name, { total: window.total + amount, n: window.n + 1 })
    }
    const found = new Map(
      (await fired).map(each => [`${each.windowStart} ${each.region}`, { total: each.total, n: each.n }]),
    )
    assert.deepEqual(found, expected)
  },
)

test('a live chart says that its broker was away', { timeout: 120_000 }, async () => {
  await createTopic('k:live', { partitions: 1 })
  const live = await topic('k:live', { from: 'earliest' })
  await live.bindName('live')
  await produce('k:live', [{ v: 1 }])
  await until(async () => ((await statsOf('live'))?.rowCount ?? 0) === 1)
  await away()
  await until(async () => /was away for/.test((await statsOf('live'))?.notice ?? ''))
  await produce('k:live', [{ v: 2 }])
  await until(async () => ((await statsOf('live'))?.rowCount ?? 0) === 2)
  const shown = await runtime().show({ name: 'live', plan: live.plan })
  assert.match(String(shown['text/plain']), /Reading topic "live" goes on: "kafka:[^"]*" was away for \d/)
})
