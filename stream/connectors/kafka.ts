/**
 * `kafka://host:9092[,host:9092]` as a connection: topics, offsets, producing, and readers without a group. Nothing joins a group
 * and nothing is committed, so looking into a topic leaves no trace on the cluster.
 */
import { StreamError } from '../errors.ts'
import { makeCluster, makeKafka } from './kafka-client.ts'
import { noRight, notKafka, reachLimitMs, requestFailed, requireReachable, securityWanted } from './kafka-errors.ts'
import { isLoginRefused, loginRefused, requireTls, speaksTls } from './kafka-security.ts'
import {
  allTopics,
  earliestTimestamp,
  latestTimestamp,
  led,
  listTopics,
  offsetsAt,
  topicDenied,
  topicNamed,
} from './kafka-offsets.ts'
import { TopicFetches } from './kafka-fetches.ts'
import { cursorAt } from './kafka-cursor.ts'
import { KafkaReader } from './kafka-reader.ts'
import { pause, SharedCluster, TimeoutError, withinLimit } from './kafka-shared.ts'
import { groupsOf } from './kafka-groups.ts'
import { configEntries, ownConfig, partitionLog, topicFacts } from './kafka-topics.ts'
import { unknownTopic } from './nearest-names.ts'
import { KafkaWriter, makeProducer, messageOf, Partitions, requestsOf } from './kafka-writer.ts'
import { beyondEnd, lastPerPartition, parseReadBound, requirePartition, startBound } from './read-bound.ts'
import type { SchemaRegistry } from '../schema-model.ts'
import type { Clock } from '../time/clock.ts'
import { KafkaTransactions } from './kafka-transactions.ts'
import type {
  Connection,
  GroupSummary,
  OutgoingRecord,
  ReadOptions,
  Reader,
  RecordWriter,
  SegmentSummary,
  TopicChanges,
  TopicSummary,
  TransactionOptions,
  TransactionalWriter,
  WriterOptions,
} from './connector.ts'
import type {
  ClusterAddress,
  KafkaAdmin,
  KafkaCluster,
  KafkaProducer,
  OutgoingMessage,
  TopicMetadata,
} from './kafka-client.ts'
import type { KafkaSecurity } from './kafka-security.ts'
import type { ReadBound } from './read-bound.ts'

/** kafkajs tries a few times by itself, each time with the leader it finds then. */
const sendLimitMs = 15_000

export interface KafkaOptions {
  readonly as: string
  readonly clock: Clock
  readonly registry?: SchemaRegistry | undefined
  readonly security?: KafkaSecurity | undefined
  /** Told when a reader loses its broker and when it is back. */
  readonly onNotice?: ((text: string) => void) | undefined
}

/** Opens a connection, or says within five seconds why it cannot. Throws KAFKA_UNREACHABLE. */
export async function openKafka(url: string, options: KafkaOptions): Promise<KafkaConnection> {
  const brokers = addressesOf(url)
  const clean = `kafka://${brokers.join(',')}`
  const security = options.security ?? {}
  await requireReachable(clean, brokers)
  await requireTls(clean, brokers, security)
  const address = { brokers, clientId: 'riffle', security }
  const cluster = makeCluster(address)
  let answered = false
  try {
    await withinLimit(
      (async () => {
        await cluster.connect()
        answered = true
        await cluster.refreshMetadata()
        await listTopics(cluster)
      })(),
      options.clock,
    )
  } catch (cause) {
    void cluster.disconnect().catch(() => undefined)
    // A token that is refused is answered by a closed connection.
    const byToken = security.sasl?.mechanism === 'oauthbearer' && answered && !(cause instanceof TimeoutError)
    if (byToken || isLoginRefused(cause)) throw loginRefused(clean, security, cause)
    // A port that says nothing has taken all the time there is; one that wants TLS closes at once.
    const silent = cause instanceof TimeoutError
    const wanted = answered
      ? security.sasl === undefined && !silent
        ? 'sasl'
        : undefined
      : silent
        ? undefined
        : await tlsWanted(brokers, security)
    throw wanted === undefined ? notKafka(clean, cause) : securityWanted(clean, wanted, cause)
  }
  return new KafkaConnection(clean, address, cluster, options)
}

/** A plain client on a TLS port hears nothing but that the connection was closed. */
async function tlsWanted(brokers: readonly string[], security: KafkaSecurity): Promise<'tls' | undefined> {
  return security.tls === undefined && (await speaksTls(brokers[0]!)) ? 'tls' : undefined
}

export class KafkaConnection implements Connection {
  readonly name: string
  readonly url: string
  readonly registry: SchemaRegistry | undefined
  readonly #address: ClusterAddress
  readonly #shared: SharedCluster
  readonly #clock: Clock
  readonly #onNotice: (text: string) => void
  readonly #readers = new Set<Reader>()
  /** By topic: what its readers share. */
  readonly #fetches = new Map<string, TopicFetches>()
  #producer: Promise<KafkaProducer> | undefined
  readonly #writers = new Set<KafkaWriter | KafkaTransactions>()
  /** By topic: which partition is next for a record without a key. */
  readonly #partitions = new Map<string, Partitions>()

  constructor(url: string, address: ClusterAddress, cluster: KafkaCluster, options: KafkaOptions) {
    this.url = url
    this.name = options.as
    this.registry = options.registry
    this.#address = address
    this.#clock = options.clock
    this.#shared = new SharedCluster({
      url,
      brokers: address.brokers,
      clock: options.clock,
      cluster,
      makeCluster: () => makeCluster(address),
    })
    this.#onNotice = options.onNotice ?? (() => undefined)
  }

  async topics(options: { readonly internal?: boolean; readonly facts?: boolean } = {}): Promise<TopicSummary[]> {
    const topics = await this.#shared.ask('list topics', allTopics)
    const shown = topics.filter(topic => options.internal === true || !isInternal(topic))
    const summaries = await this.#summaries(shown, options.facts === true)
    return summaries.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async describe(name: string): Promise<TopicSummary> {
    const [summary] = await this.#summaries([await this.#topic(name, 'describe')], false)
    return summary!
  }

  async create(name: string, options: { readonly partitions: number } & TopicChanges): Promise<void> {
    const topics = [{ topic: name, numPartitions: options.partitions, configEntries: configEntries(options) }]
    // A client that administers knows no waiting for a cluster that settles.
    await this.#shared.ask(`create topic "${name}"`, allTopics)
    const made = await this.#administering(`create topic "${name}"`, admin =>
      admin.createTopics({ waitForLeaders: false, topics }),
    )
    if (made) {
      await this.#settled(name)
      return
    }
    throw new StreamError({
      code: 'TOPIC_EXISTS',
      message: `Cannot create topic "${name}": it exists`,
      hint: `%topic ${name}`,
    })
  }

  async alter(name: string, changes: TopicChanges): Promise<void> {
    const topic = await this.#topic(name, 'alter')
    const { partitions } = changes
    const has = topic.partitionMetadata.length
    if (partitions !== undefined && partitions < has) throw onlyGrow(name, has, partitions)
    const entries = configEntries(changes)
    await this.#administering(`alter topic "${name}"`, async admin => {
      if (partitions !== undefined && partitions > has)
        await admin.createPartitions({ topicPartitions: [{ topic: name, count: partitions }] })
      if (entries.length === 0) return
      const own = await this.#shared.ask(`alter topic "${name}"`, cluster => ownConfig(cluster, name))
      const kept = own.filter(each => !entries.some(other => other.name === each.name))
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: 2, name, configEntries: [...kept, ...entries] }],
      })
    })
  }

  async segments(name: string): Promise<SegmentSummary[]> {
    const topic = await this.#topic(name, 'look into')
    const { partitions } = await this.describe(name)
    const bounds = new Map(partitions.map(({ partition, lowOffset, highOffset }) => [partition, { low: lowOffset, high: highOffset }])) // prettier-ignore
    return this.#shared.ask(`look into topic "${name}"`, cluster => partitionLog(cluster, topic, bounds))
  }

  async groups(name?: string): Promise<GroupSummary[]> {
    const topics = await this.#shared.ask('list groups', allTopics)
    return this.#administering('list groups', admin => groupsOf(admin, this.#shared.present, led(topics), name))
  }

  /** The brokers hear of a new topic a moment after the one that made it: only then can it be used. */
  async #settled(name: string): Promise<void> {
    const untilMs = this.#clock.nowMs() + reachLimitMs
    for (;;) {
      const topic = await this.#shared.ask(`create topic "${name}"`, cluster => topicNamed(cluster, name))
      if (topic !== undefined) {
        await this.#shared.ask(`create topic "${name}"`, cluster => offsetsAt(cluster, [topic], latestTimestamp))
        return
      }
      if (this.#clock.nowMs() > untilMs) return
      await pause(this.#clock, 50)
    }
  }

  async delete(name: string): Promise<void> {
    await this.#topic(name, 'delete')
    await this.#administering(`delete topic "${name}"`, admin => admin.deleteTopics({ topics: [name] }))
    this.#fetches.get(name)?.forget()
  }

  async produce(name: string, records: readonly OutgoingRecord[]): Promise<{ partition: number; offset: bigint }[]> {
    const count = (await this.#topic(name, 'produce to')).partitionMetadata.length
    let partitions = this.#partitions.get(name)
    if (partitions?.count !== count) this.#partitions.set(name, (partitions = new Partitions(name, count)))
    const chosen = partitions
    for (const { partition } of records) if (partition !== undefined) requirePartition(name, partition, count)
    const nowMs = this.#clock.nowMs()
    const messages = records.map(record => messageOf(record, chosen.of(record), nowMs))
    const positions: { partition: number; offset: bigint }[] = []
    for (const request of requestsOf(messages)) positions.push(...(await this.#send(name, request)))
    return positions
  }

  async writer(name: string, options: WriterOptions = {}): Promise<RecordWriter> {
    const { partitionMetadata } = await this.#topic(name, 'write to')
    const producer = await this.#connected(makeProducer(this.#address), `write to topic "${name}"`)
    const writer = new KafkaWriter({
      topic: name,
      url: this.url,
      producer,
      partitionCount: partitionMetadata.length,
      clock: this.#clock,
      compression: options.compression,
      onNotice: options.onNotice ?? this.#onNotice,
      onClosed: closed => this.#writers.delete(closed),
    })
    this.#writers.add(writer)
    return writer
  }

  async transactions(name: string, { id, sources }: TransactionOptions): Promise<TransactionalWriter> {
    const { partitionMetadata } = await this.#topic(name, 'write to')
    const writer = await KafkaTransactions.open({
      address: this.#address,
      url: this.url,
      clock: this.#clock,
      topic: name,
      partitionCount: partitionMetadata.length,
      id,
      sources,
      visibleEnds: async () =>
        (
          await this.#shared.ask(`write to topic "${name}"`, async cluster =>
            offsetsAt(cluster, [await this.#topic(name, 'write to')], latestTimestamp),
          )
        ).get(name) ?? new Map<number, bigint>(),
      onClosed: closed => this.#writers.delete(closed),
    })
    this.#writers.add(writer)
    return writer
  }

  async read(name: string, options: ReadOptions): Promise<Reader> {
    const topic = await this.#topic(name, 'read')
    const count = topic.partitionMetadata.length
    if (options.partition !== undefined) requirePartition(name, options.partition, count)
    const nowMs = this.#clock.nowMs()
    const from = parseReadBound(options.from, nowMs)
    const to = options.to === undefined ? undefined : parseReadBound(options.to, nowMs, 'to')
    for (const bound of [from, to]) if (bound?.kind === 'offset') requirePartition(name, bound.partition, count)
    const future = to?.kind === 'instant' && to.instantMs > nowMs
    const known = await this.#shared.ask(`read topic "${name}"`, cluster =>
      this.#bounds(cluster, topic, [from, future ? undefined : to]),
    )
    const read = ({ partitionId: p }: { readonly partitionId: number }) =>
      (options.partition === undefined || options.partition === p) &&
      (from.kind !== 'offset' || from.partition === p) &&
      (to?.kind !== 'offset' || to.partition === p)
    const start = startBound(from, options.positions)
    const cursors = topic.partitionMetadata.filter(read).map(({ partitionId }) => {
      const high = known.highs.get(partitionId) ?? 0n
      const position = options.positions?.get(partitionId) ?? known.at(start, partitionId)
      if (position > high) throw beyondEnd(name, partitionId, position, high)
      return cursorAt(partitionId, position, high, to === undefined || future ? undefined : known.at(to, partitionId))
    })
    const reader = new KafkaReader({
      topic: name,
      url: this.url,
      makeCluster: onSocketClosed => makeCluster(this.#address, onSocketClosed),
      clock: this.#clock,
      fetches: this.#fetchesOf(name),
      metadata: topic,
      cursors: cursors.sort((a, b) => a.partition - b.partition),
      unread: topic.partitionMetadata.filter(each => !read(each)).map(each => each.partitionId),
      bounded: to !== undefined,
      grows: to === undefined && from.kind !== 'offset' && options.partition === undefined,
      endAtMs: future ? to.instantMs : undefined,
      maxBatch: options.maxBatch ?? 4096,
      onNotice: options.onNotice ?? this.#onNotice,
      onClosed: closed => this.#readers.delete(closed),
    })
    this.#readers.add(reader)
    return reader
  }

  #fetchesOf(topic: string): TopicFetches {
    let fetches = this.#fetches.get(topic)
    if (fetches === undefined) {
      fetches = new TopicFetches(this.#clock, () => this.#fetches.delete(topic))
      this.#fetches.set(topic, fetches)
    }
    return fetches
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#readers, ...this.#writers].map(each => each.close()))
    const producer = await this.#producer?.catch(() => undefined)
    this.#producer = undefined
    await producer?.disconnect().catch(() => undefined)
    await this.#shared.close()
  }

  async #topic(name: string, action: string): Promise<TopicMetadata> {
    const topics = await this.#shared.ask(`${action} topic "${name}"`, allTopics)
    const found = topics.find(({ topic }) => topic === name)
    if (found !== undefined) return found
    // A list leaves out what the user may not see; asked by its name, the broker says so.
    const denied = await this.#shared.ask(`${action} topic "${name}"`, cluster => topicDenied(cluster, name))
    if (denied !== undefined)
      throw noRight(`${action} topic "${name}"`, this.url, this.#address.security?.sasl?.username, denied)
    const names = topics.filter(topic => !isInternal(topic)).map(({ topic }) => topic)
    throw unknownTopic(action, name, this.name, names.sort())
  }

  async #summaries(topics: readonly TopicMetadata[], withFacts: boolean): Promise<TopicSummary[]> {
    const asked = led(topics)
    const [lows, highs] = await this.#shared.ask('list offsets', cluster =>
      Promise.all([offsetsAt(cluster, asked, earliestTimestamp), offsetsAt(cluster, asked, latestTimestamp)]),
    )
    const facts = withFacts
      ? await this.#shared.ask('list topics', cluster => topicFacts(cluster, asked, highs, this.#clock.nowMs()))
      : undefined
    return topics.map(topic => ({
      name: topic.topic,
      internal: isInternal(topic),
      ...facts?.get(topic.topic),
      partitions: topic.partitionMetadata
        .map(({ partitionId }) => ({
          partition: partitionId,
          lowOffset: lows.get(topic.topic)?.get(partitionId) ?? 0n,
          highOffset: highs.get(topic.topic)?.get(partitionId) ?? 0n,
        }))
        .sort((a, b) => a.partition - b.partition),
    }))
  }

  /** First and end offsets, and those of every instant that a bound names. */
  async #bounds(cluster: KafkaCluster, topic: TopicMetadata, bounds: readonly (ReadBound | undefined)[]) {
    const ask = async (timestamp: number) =>
      (await offsetsAt(cluster, [topic], timestamp)).get(topic.topic) ?? new Map<number, bigint>()
    const instants = bounds.flatMap(bound => (bound?.kind === 'instant' ? [bound.instantMs] : []))
    const [lows, highs, ...found] = await Promise.all([
      ask(earliestTimestamp),
      ask(latestTimestamp),
      ...instants.map(ask),
    ])
    const at = (bound: ReadBound, p: number): bigint => {
      const low = lows!.get(p) ?? 0n
      const high = highs!.get(p) ?? 0n
      if (bound.kind === 'earliest') return low
      if (bound.kind === 'latest') return high
      if (bound.kind === 'offset') return bound.offset
      if (bound.kind === 'last') {
        const start = high - BigInt(lastPerPartition(bound.count, topic.partitionMetadata.length))
        return start > low ? start : low
      }
      const offset = found[instants.indexOf(bound.instantMs)]!.get(p) ?? -1n
      return offset < 0n ? high : offset
    }
    return { highs: highs!, at }
  }

  async #send(topic: string, messages: readonly OutgoingMessage[]) {
    const producer = await this.#producing()
    const answers = await this.#sending(topic, () =>
      producer.sendBatch({ acks: -1, topicMessages: [{ topic, messages }] }),
    )
    // One batch a partition and request: offsets follow one another in the order given.
    const next = new Map(answers.map(({ partition, baseOffset }) => [partition, BigInt(baseOffset ?? -1)]))
    return messages.map(({ partition }) => {
      const offset = next.get(partition) ?? -1n
      next.set(partition, offset + 1n)
      return { partition, offset }
    })
  }

  /** Never tried again from here: a request without an answer may have been written, and a second one would double it. */
  async #sending<T>(topic: string, send: () => Promise<T>): Promise<T> {
    try {
      return await withinLimit(send(), this.#clock, sendLimitMs)
    } catch (error) {
      const producer = this.#producer
      this.#producer = undefined
      void producer?.then(each => each.disconnect()).catch(() => undefined)
      throw requestFailed(`produce to topic "${topic}"`, this.url, error)
    }
  }

  #producing(): Promise<KafkaProducer> {
    this.#producer ??= this.#connected(makeProducer(this.#address), 'produce').catch((error: unknown) => {
      this.#producer = undefined
      throw error
    })
    return this.#producer
  }

  async #connected(producer: KafkaProducer, action: string): Promise<KafkaProducer> {
    try {
      await withinLimit(producer.connect(), this.#clock)
      return producer
    } catch (error) {
      void producer.disconnect().catch(() => undefined)
      throw requestFailed(action, this.url, error)
    }
  }

  async #administering<T>(action: string, f: (admin: KafkaAdmin) => Promise<T>): Promise<T> {
    const admin = makeKafka(this.#address).admin()
    try {
      await withinLimit(admin.connect(), this.#clock)
      return await f(admin)
    } catch (error) {
      throw requestFailed(action, this.url, error)
    } finally {
      await admin.disconnect().catch(() => undefined)
    }
  }
}

function onlyGrow(name: string, has: number, asked: number): StreamError {
  return new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot change partitions of topic "${name}": it has ${has}, they only grow, ${asked} is asked`,
    hint: `%topics alter ${name} --partitions ${has + 1}`,
  })
}

/** `kafka://a:9092,b` → `['a:9092', 'b:9092']`. Throws OPTION_INVALID. */
function addressesOf(url: string): string[] {
  const rest = url.replace(/^kafka:\/\//, '').replace(/\/+$/, '')
  if (rest.includes('@')) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: 'Cannot connect to Kafka: the URL holds a user name or password, which a notebook would keep',
      hint: `%connect kafka://${rest.slice(rest.lastIndexOf('@') + 1)}`,
    })
  }
  const brokers = rest.split(',').map(each => (/:\d+$/.test(each) ? each : `${each}:9092`))
  for (const broker of brokers) {
    const port = Number(broker.slice(broker.lastIndexOf(':') + 1))
    if (/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d+$/.test(broker) && port > 0 && port < 65536) continue
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot connect to "${url}": "${broker}" is no host and port`,
      hint: '%connect kafka://localhost:9092',
    })
  }
  return brokers
}

function isInternal({ topic, isInternal: internal }: TopicMetadata): boolean {
  return internal || topic.startsWith('__') || topic.startsWith('_confluent')
}
