/** How long a question to a cluster is asked, and what happens to the connection, on a clock that is moved and clusters that answer as told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../errors.ts'
import { VirtualClock } from '../time/clock.ts'
import { allTopics } from './kafka-offsets.ts'
import { SharedCluster } from './kafka-shared.ts'
import type { KafkaBroker, KafkaCluster } from './kafka-client.ts'

interface Told {
  /** Whether brokers are in service at that time. */
  readonly inService?: (atMs: number) => boolean
  readonly reach?: () => Promise<void>
}

/** A connection whose clusters are counted; `question` is answered by the number of the cluster it was put to. */
function sharing({ inService = () => true, reach = async () => undefined }: Told = {}) {
  const clock = new VirtualClock(0)
  const closed: number[] = []
  const connected: number[] = []
  let made = 0
  const make = () => {
    const number = made++
    const broker: Pick<KafkaBroker, 'metadata'> = {
      metadata: async () => ({
        brokers: inService(clock.nowMs()) ? [{ nodeId: 1 }] : [],
        topicMetadata: [{ topic: 't', isInternal: false, partitionMetadata: [] }],
      }),
    }
    const cluster: KafkaCluster & { readonly number: number } = {
      number,
      connect: async () => void connected.push(number),
      disconnect: async () => void closed.push(number),
      refreshMetadata: async () => undefined,
      findBroker: async () => broker as KafkaBroker,
      brokerPool: { findConnectedBroker: async () => broker as KafkaBroker },
    }
    return cluster
  }
  const shared = new SharedCluster({
    url: 'kafka://h:1',
    brokers: ['h:1'],
    clock,
    cluster: make(),
    makeCluster: make,
    reach,
  })
  return { shared, clock, closed, connected }
}

const numberOf = (cluster: KafkaCluster) => (cluster as KafkaCluster & { readonly number: number }).number
const lost = () => Object.assign(new Error('closed'), { name: 'KafkaJSConnectionClosedError' })
const notFound = () => Object.assign(new Error('Broker 1 not found in the cached metadata'), { name: 'KafkaJSBrokerNotFound' }) // prettier-ignore
const refused = (type: string) => Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type })

/** Moves the clock until the answer is there; gives it with its time. */
async function answered<T>(clock: VirtualClock, answer: Promise<T>) {
  let result: { value: T } | { error: StreamError } | undefined
  void answer.then(
    value => (result = { value }),
    (error: StreamError) => (result = { error }),
  )
  for (;;) {
    await new Promise<void>(resolve => setImmediate(resolve))
    if (result !== undefined) return { ...result, tookMs: clock.nowMs() }
    assert.ok(clock.nowMs() < 60_000, 'no answer within a minute')
    clock.advance(50)
  }
}

const names = async (cluster: KafkaCluster) => (await allTopics(cluster)).map(({ topic }) => topic)

test('a broker that slept and is not let in again yet is waited for', async () => {
  const { shared, clock } = sharing({ inService: atMs => atMs >= 6000 })
  assert.deepEqual(await answered(clock, shared.ask('list topics', names)), { value: ['t'], tookMs: 6000 })
})

test('a cluster without a broker in service is told of after twelve seconds', async () => {
  const { shared, clock } = sharing({ inService: () => false })
  const result = await answered(clock, shared.ask('list topics', names))
  assert.ok('error' in result)
  assert.equal(
    result.error.message,
    'Cannot list topics: the broker at "kafka://h:1" refused with BROKER_NOT_AVAILABLE',
  )
  assert.match(result.error.hint!, /ask again in a moment/)
  assert.ok(result.tookMs >= 12_000 && result.tookMs < 12_200, `told after ${result.tookMs} ms`)
})

test('a leader that is out of service is looked for anew until it is back', async () => {
  const { shared, clock } = sharing()
  const question = async (cluster: KafkaCluster) => {
    if (clock.nowMs() < 5000) throw notFound()
    return numberOf(cluster) > 0
  }
  assert.deepEqual(await answered(clock, shared.ask('list offsets', question)), { value: true, tookMs: 5000 })
})

test('a connection that is lost again and again is told of when the time is over', async () => {
  const { shared, clock } = sharing()
  const result = await answered(
    clock,
    shared.ask('list offsets', () => Promise.reject(lost())),
  )
  assert.ok('error' in result)
  assert.equal(result.error.code, 'KAFKA_UNREACHABLE')
  assert.ok(result.tookMs >= 4000 && result.tookMs < 4200, `told after ${result.tookMs} ms`)
})

test('a connection is lost for many who ask, and one new one takes its place', async () => {
  const { shared, clock, closed, connected } = sharing()
  const question = async (cluster: KafkaCluster) => {
    if (numberOf(cluster) === 0) throw lost()
    return numberOf(cluster)
  }
  const asked = Promise.all([1, 2, 3, 4].map(() => shared.ask('list topics', question)))
  assert.deepEqual(await answered(clock, asked), { value: [1, 1, 1, 1], tookMs: 0 })
  assert.deepEqual([closed, new Set(connected)], [[0], new Set([1])])
})

test('a loss that somebody sees late does not cost the others their new connection', async () => {
  const { shared, clock, closed } = sharing()
  let fail = (_error: Error) => undefined as void
  const late = shared.ask('a', cluster =>
    numberOf(cluster) === 0 ? new Promise<number>((_resolve, reject) => (fail = reject)) : Promise.resolve(numberOf(cluster)),
  ) // prettier-ignore
  const first = shared.ask('b', async cluster => {
    if (numberOf(cluster) === 0) throw lost()
    return numberOf(cluster)
  })
  assert.deepEqual(await answered(clock, first), { value: 1, tookMs: 0 })
  fail(lost())
  assert.deepEqual(await answered(clock, late), { value: 1, tookMs: 0 })
  assert.deepEqual(closed, [0])
})

test('a silent cluster is told of within four seconds, and the next question gets a connection of its own', async () => {
  const { shared, clock, closed } = sharing()
  const result = await answered(
    clock,
    shared.ask('list topics', () => new Promise<never>(() => undefined)),
  )
  assert.ok('error' in result)
  assert.deepEqual([result.error.code, result.tookMs, closed], ['KAFKA_UNREACHABLE', 4000, [0]])
  assert.deepEqual(
    await answered(
      clock,
      shared.ask('list topics', async cluster => numberOf(cluster)),
    ),
    {
      value: 1,
      tookMs: 4000,
    },
  )
})

test('what the broker refuses is told at once, what settles is asked again for four seconds', async () => {
  const { shared, clock, closed } = sharing()
  const denied = await answered(clock, shared.ask('list topics', () => Promise.reject(refused('TOPIC_AUTHORIZATION_FAILED')))) // prettier-ignore
  assert.ok('error' in denied)
  assert.deepEqual([denied.error.code, denied.tookMs], ['KAFKA_REFUSED', 0])
  const leaderless = await answered(clock, shared.ask('list topics', () => Promise.reject(refused('LEADER_NOT_AVAILABLE')))) // prettier-ignore
  assert.ok('error' in leaderless)
  assert.deepEqual([leaderless.error.code, leaderless.tookMs], ['KAFKA_REFUSED', 4000])
  assert.deepEqual(closed, [])
})

test('a port where nothing listens any more is told at once', async () => {
  const gone = new StreamError({ code: 'KAFKA_UNREACHABLE', message: 'Cannot connect: nothing listens' })
  const { shared, clock } = sharing({ reach: () => Promise.reject(gone) })
  const result = await answered(
    clock,
    shared.ask('list topics', () => Promise.reject(lost())),
  )
  assert.deepEqual(result, { error: gone, tookMs: 0 })
})
