/** Streams of one topic read it once: bytes are counted at the process's own sockets. */
import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { after, before, test } from 'node:test'
import { connect, createTopic, LocalRuntime, produce, setRuntime, topic } from '../../stream/index.ts'
import { openKafka } from '../../stream/connectors/kafka.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { until } from '../hosted/hosted.ts'
import { collect, next, valuesOf } from './connector-contract.ts'
import { startKafka } from './kafka-server.ts'
import type net from 'node:net'
import type { KafkaServer } from './kafka-server.ts'

let kafka: KafkaServer
const sockets: net.Socket[] = []
const received = () => sockets.reduce((sum, socket) => sum + socket.bytesRead, 0)
const onSocket = (message: unknown) => void sockets.push((message as { socket: net.Socket }).socket)

before(async () => {
  kafka = await startKafka()
  diagnostics.subscribe('net.client.socket', onSocket)
})
after(async () => {
  diagnostics.unsubscribe('net.client.socket', onSocket)
  await kafka?.stop()
})

test('a second reader of a topic costs the broker next to nothing, and at the end both wait for one answer', async () => {
  const connection = await openKafka(kafka.url, { as: 'shared', clock: wallClock })
  await connection.create('shared', { partitions: 2 })
  const value = (i: number) => Buffer.from(`${i} ${'x'.repeat(1000)}`)
  const records = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({ key: null, value: value(from + i), partition: i % 2 }))
  await connection.produce('shared', records(0, 8000))

  const before = received()
  const first = await connection.read('shared', { from: 'earliest' })
  const seen: string[] = []
  while (seen.length < 8000) seen.push(...valuesOf((await next(first))!))
  const once = received() - before
  assert.ok(once > 8_000_000, `${once} bytes were counted`)

  const second = await connection.read('shared', { from: 'earliest' })
  const again: string[] = []
  while (again.length < 8000) again.push(...valuesOf((await next(second))!))
  assert.ok(received() - before < once * 1.2, `the second reader received ${received() - before - once} bytes`)
  assert.deepEqual(again, seen)

  const live = received()
  for (let from = 8000; from < 12_000; from += 500) {
    await connection.produce('shared', records(from, from + 500))
    for (const [reader, into] of [
      [first, seen],
      [second, again],
    ] as const)
      // prettier-ignore
      while (into.length < from + 500) into.push(...valuesOf((await next(reader))!))
  }
  assert.deepEqual([...again].sort(), [...seen].sort())
  assert.ok(received() - live < 1.5 * 4_000_000, `${received() - live} bytes for 4 MB twice`)

  // Whoever comes alone reads the broker again: nothing is kept for nobody.
  await first.close()
  await second.close()
  const alone = received()
  const third = await connection.read('shared', { from: 'earliest', to: 'latest' })
  assert.equal((await collect(third)).values.length, 12_000)
  assert.ok(received() - alone > 12_000_000)
  await connection.close()
})

test('several patterns on one topic read it once', async () => {
  const runtime = new LocalRuntime({})
  setRuntime(runtime)
  await connect(kafka.url)
  await createTopic('clicks', { partitions: 1 })
  const rows = Array.from({ length: 6000 }, (_, i) => ({
    user: `u${i % 50}`,
    at: 1_767_258_000_000 + i * 10,
    kind: Math.floor(i / 50) % 3 === 2 ? 'buy' : 'look',
    pad: 'x'.repeat(800),
  }))
  await produce('clicks', rows, { key: 'user' })
  const before = received()
  const clicks = await topic('clicks', { from: 'earliest', to: 'latest', time: 'at', outOfOrder: '1s' })
  const is = (kind: string) => (row: Record<string, unknown>) => row['kind'] === kind
  const found = await Promise.all(
    ['look, buy', 'look{2} -> buy', 'buy -> look'].map(pattern =>
      clicks
        .keyBy('user')
        .match(pattern, { look: is('look'), buy: is('buy') }, { within: '5s' })
        .select(() => ({ found: 1 }))
        .toArray(),
    ),
  )
  // A user looks twice and buys, forty times over; nothing follows the last buy.
  assert.deepEqual(
    found.map(matches => matches.length),
    [2000, 2000, 1950],
  )
  const bytes = received() - before
  assert.ok(bytes > 5_000_000 && bytes < 8_000_000, `${bytes} bytes for 5 MB three times`)
  await runtime.close()
})

test('a query that is added later takes the history from memory, also one that waits for more', async () => {
  const runtime = new LocalRuntime({})
  setRuntime(runtime)
  await connect(kafka.url)
  await createTopic('readings', { partitions: 2 })
  const rows = (from: number) =>
    Array.from({ length: 5000 }, (_, i) => ({ n: from + i, at: 1_767_258_000_000 + from + i, pad: 'x'.repeat(800) }))
  await produce('readings', rows(0), { key: 'n' })
  const before = received()
  // Goes on at the end of the topic.
  const first = await topic('readings', { from: 'earliest', time: 'at' })
  let seen = 0
  void first.forEach(() => void seen++).catch(() => undefined)
  await until(() => (seen === 5000 ? true : undefined), 30_000)
  const once = received() - before
  assert.ok(once > 4_000_000, `${once} bytes were counted`)
  const later = await topic('readings', { from: 'earliest', time: 'at' })
  const found = await later.filter(row => Number(row['n']) % 1000 === 0).take(5)
  assert.deepEqual(
    found.map(row => Number(row['n'])).sort((a, b) => a - b),
    [0, 1000, 2000, 3000, 4000],
  )
  assert.ok(received() - before < once * 1.1, `the later query received ${received() - before - once} bytes`)
  await first.stop()
  await runtime.close()
})
