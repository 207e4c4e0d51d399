/** What a writer does when a request gets no answer: the same records to the same partition again, by the same producer, and a word about it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../time/clock.ts'
import { KafkaWriter, makeProducer, requestsOf } from './kafka-writer.ts'
import type { KafkaProducer, OutgoingMessage } from './kafka-client.ts'

type Answer = 'ok' | Error | Promise<void>

/** A producer that answers as told, one answer a request, then always well. */
function writerWith(answers: readonly Answer[], partitionCount = 2) {
  const clock = new VirtualClock(1000)
  const sent: { partition: number; values: string[] }[] = []
  const notices: string[] = []
  const ends = new Map<number, number>()
  const left = [...answers]
  // What a writer asks of a producer, and no more.
  const asked: Pick<KafkaProducer, 'connect' | 'disconnect' | 'sendBatch'> = {
    connect: async () => undefined,
    disconnect: async () => undefined,
    sendBatch: async ({ topicMessages }) => {
      const messages = topicMessages[0]!.messages
      const partition = messages[0]!.partition
      assert.ok(messages.every(each => each.partition === partition))
      sent.push({ partition, values: messages.map(({ value }) => String(value)) })
      const answer = left.shift() ?? 'ok'
      if (answer instanceof Error) throw answer
      if (answer !== 'ok') await answer
      const base = ends.get(partition) ?? 0
      ends.set(partition, base + messages.length)
      return [{ partition, baseOffset: String(base) }]
    },
  }
  const producer = asked as KafkaProducer
  const writer = new KafkaWriter({
    topic: 't',
    url: 'kafka://h:1',
    producer,
    partitionCount,
    clock,
    onNotice: text => notices.push(text),
    onClosed: () => undefined,
  })
  return { writer, clock, sent, notices }
}

const lost = () => Object.assign(new Error('closed'), { name: 'KafkaJSConnectionClosedError' })
const refused = (type: string) => Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type })
const record = (text: string, partition: number) => ({ key: null, value: Buffer.from(text), partition })
const turns = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

test('each request holds the records of one partition, and positions come in the order given', async () => {
  const { writer, sent } = writerWith([])
  const positions = await writer.send([record('a', 1), record('b', 0), record('c', 1)])
  assert.deepEqual(positions, [
    { partition: 1, offset: 0n },
    { partition: 0, offset: 0n },
    { partition: 1, offset: 1n },
  ])
  assert.deepEqual(sent, [
    { partition: 1, values: ['a', 'c'] },
    { partition: 0, values: ['b'] },
  ])
})

test('a request without an answer is sent again as it was, and the gap has a name', async () => {
  const { writer, clock, sent, notices } = writerWith([lost(), lost(), lost(), lost(), lost()])
  const sending = writer.send([record('a', 0)])
  for (let i = 0; i < 60; i++) {
    await turns()
    clock.advance(100)
  }
  assert.deepEqual(await sending, [{ partition: 0, offset: 0n }])
  assert.equal(sent.length, 6)
  assert.ok(sent.every(each => each.values.join() === 'a' && each.partition === 0))
  assert.equal(notices[0], 'Writing to topic "t" waits: "kafka://h:1" does not answer, it is tried again until it does')
  assert.match(notices[1] ?? '', /^Writing to topic "t" goes on: "kafka:\/\/h:1" was away for \d+(\.\d)? s$/)
  assert.equal(notices.length, 2)
})

test('a refusal for good is told at once, one that settles is waited for', async () => {
  const big = writerWith([refused('MESSAGE_TOO_LARGE')])
  await assert.rejects(big.writer.send([record('a', 0)]), { code: 'KAFKA_REFUSED' })
  assert.equal(big.sent.length, 1)
  const settling = writerWith([refused('NOT_LEADER_FOR_PARTITION')])
  const sending = settling.writer.send([record('a', 0)])
  await turns()
  settling.clock.advance(1000)
  assert.equal((await sending).length, 1)
})

test('closing gives up what waits', async () => {
  const { writer } = writerWith([lost()])
  const sending = writer.send([record('a', 0)])
  await turns()
  await writer.close()
  await assert.rejects(sending, { code: 'STREAM_STOPPED' })
})

test('requests end before a broker would refuse them', () => {
  const message = (bytes: number): OutgoingMessage => ({ key: null, value: Buffer.alloc(bytes), partition: 0 })
  const cut = (sizes: readonly number[]) => [...requestsOf(sizes.map(message))].map(each => each.length)
  assert.deepEqual(cut([300_000, 300_000, 10]), [1, 2])
  assert.deepEqual(cut([900_000, 900_000]), [1, 1])
  assert.deepEqual(cut(Array.from({ length: 5001 }, () => 1)), [5000, 1])
  assert.deepEqual(cut([]), [])
})

test('producers are idempotent: what is sent again is written once', () => {
  assert.equal(makeProducer({ brokers: ['127.0.0.1:1'], clientId: 't' }).isIdempotent(), true)
})
