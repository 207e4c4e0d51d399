/**
 * Reads a Kafka topic without a group: fetch loop → one bounded buffer a partition → batches on demand.
 *
 *   history   every partition with history left must show its next record before the smallest timestamp can be chosen
 *   live      whatever is buffered, smallest timestamp first, each partition in its own order
 *
 * What another reader of the topic has fetched is taken from there (kafka-fetches.ts).
 *
 * A reader has sockets of its own. A broker answers the requests of one connection one after the other, so the waiting fetch of
 * a quiet topic would hold up every other reader on a shared connection.
 */
import { StreamError } from '../errors.ts'
import { connectCluster } from './kafka-client.ts'
import { BatchBuilder, cursorAt, endAt, hasHead, historyDone, store, takeMerged, waitingIn } from './kafka-cursor.ts'
import { requestFailed, typeOf } from './kafka-errors.ts'
import { fetchRecords } from './kafka-fetch.ts'
import { earliestTimestamp, latestTimestamp, offsetsAt, topicNamed } from './kafka-offsets.ts'
import type { Clock } from '../time/clock.ts'
import type { Reader, ReadResult } from './connector.ts'
import type { KafkaCursor } from './kafka-cursor.ts'
import type { FetchedRecords } from './kafka-fetch.ts'
import type { TopicFetches } from './kafka-fetches.ts'
import type { KafkaCluster, TopicMetadata } from './kafka-client.ts'

/** A broker answers as soon as there is one record; this is how long it keeps a request without any. */
const longestWaitMs = 2000
const partitionBytes = 1 << 20
const fetchBytes = 4 << 20
/** How often a reader asks whether its topic has grown. */
const lookMs = 30_000
/** A fetch of 4 MB over a slow line may take a while; a request kafkajs has lost would take half a minute. */
const silenceMs = 10_000
/** A partition with so many records waiting is not fetched further: demand has to come first. */
const bufferedRecords = 5000
const bufferedBytes = 2 << 20

export interface KafkaReaderOptions {
  readonly topic: string
  readonly url: string
  /** Makes a cluster object nobody else uses; called again after each loss, since kafkajs' state after one is not to be trusted. */
  readonly makeCluster: (onSocketClosed: () => void) => KafkaCluster
  readonly clock: Clock
  /** What other readers of the topic have read is not read again. */
  readonly fetches: TopicFetches
  readonly metadata: TopicMetadata
  readonly cursors: readonly KafkaCursor[]
  /** Partitions that are not read: idle at once. */
  readonly unread: readonly number[]
  readonly bounded: boolean
  /** All partitions are read without an end: also those that are added later. */
  readonly grows: boolean
  /** A `--to` in the future. */
  readonly endAtMs: number | undefined
  readonly maxBatch: number
  readonly onNotice: (text: string) => void
  readonly onClosed: (reader: KafkaReader) => void
}

export class KafkaReader implements Reader {
  readonly starts: readonly (readonly [number, bigint])[]
  readonly #options: KafkaReaderOptions
  readonly #cursors: KafkaCursor[]
  #partitionCount: number
  #lookedMs: number
  #cluster: KafkaCluster
  /** Rejects what waits for the present cluster object. */
  #lose: (error: Error) => void = () => undefined
  #lost = new Promise<never>(() => undefined)
  /** As of the newest look: leaders change. */
  #metadata: TopicMetadata
  #leaders: ReadonlyMap<number, number>
  #unread: readonly number[]
  #endAtMs: number | undefined
  readonly #unused: () => void
  #connected = false
  /** How often in a row the cluster did not know the topic. */
  #missing = 0
  #closed = false
  #failure: unknown
  #lostCount = 0
  #lostTold = 0
  #awaySinceMs = 0
  /** Counts requests. */
  #turn = 0
  #wakeReader: (() => void) | undefined
  #wakeFetcher: (() => void) | undefined

  constructor(options: KafkaReaderOptions) {
    this.#options = options
    this.#cursors = [...options.cursors]
    this.starts = options.cursors.map(({ partition, position }) => [partition, position])
    this.#partitionCount = options.metadata.partitionMetadata.length
    this.#lookedMs = options.clock.nowMs()
    this.#metadata = options.metadata
    this.#leaders = leadersOf(options.metadata)
    this.#unread = options.unread
    this.#unused = options.fetches.use()
    this.#endAtMs = options.endAtMs
    this.#cluster = this.#freshCluster()
    void this.#fetchLoop()
  }

  get partitionCount(): number {
    return this.#partitionCount
  }

  /** Records that retention deleted before this reader came to them. */
  get lostCount(): number {
    return this.#lostCount
  }

  lagCount(partition?: number): number {
    let lag = 0n
    for (const cursor of this.#cursors) {
      if (partition !== undefined && cursor.partition !== partition) continue
      const high = cursor.end !== undefined && cursor.end < cursor.high ? cursor.end : cursor.high
      if (high > cursor.position) lag += high - cursor.position
    }
    return Number(lag)
  }

  async next(): Promise<ReadResult | null> {
    for (;;) {
      if (this.#closed) return null
      if (this.#failure !== undefined) throw this.#failure
      const result = this.#history() ?? this.#live() ?? this.#newlyLost()
      if (result !== undefined) {
        this.#wakeFetcher?.()
        return result
      }
      if (this.#finished()) return null
      this.#wakeFetcher?.()
      await this.#untilWoken()
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#wakeReader?.()
    this.#wakeFetcher?.()
    this.#unused()
    this.#options.onClosed(this)
    await this.#cluster.disconnect().catch(() => undefined)
  }

  #finished(): boolean {
    return (
      this.#options.bounded &&
      this.#endAtMs === undefined &&
      this.#cursors.every(c => c.end !== undefined && c.position >= c.end)
    )
  }

  #history(): ReadResult | undefined {
    const exhausted = this.#newlyExhausted()
    if (exhausted.length > 0) return this.#result(new BatchBuilder(), exhausted, false)
    const left = this.#cursors.filter(cursor => !cursor.announced)
    if (left.length === 0) return undefined
    const batch = new BatchBuilder()
    takeMerged(left, batch, { most: this.#options.maxBatch, untilHistory: true })
    const ended = this.#newlyExhausted()
    return batch.count > 0 || ended.length > 0 ? this.#result(batch, ended, false) : undefined
  }

  #live(): ReadResult | undefined {
    if (this.#cursors.some(cursor => !cursor.announced)) return undefined
    const batch = new BatchBuilder()
    takeMerged(this.#cursors, batch, { most: this.#options.maxBatch, untilHistory: false })
    return batch.count > 0 ? this.#result(batch, [], true) : undefined
  }

  /** Told also when no record follows the ones that were missed. */
  #newlyLost(): ReadResult | undefined {
    if (this.#lostCount === this.#lostTold) return undefined
    return this.#result(
      new BatchBuilder(),
      [],
      this.#cursors.every(cursor => cursor.announced),
    )
  }

  #result(batch: BatchBuilder, exhausted: readonly number[], live: boolean): ReadResult {
    this.#lostTold = this.#lostCount
    const lost = this.#lostCount === 0 ? undefined : { lostCount: this.#lostCount }
    return { batch: batch.build(), exhausted, live, ...lost }
  }

  #newlyExhausted(): number[] {
    const exhausted = [...this.#unread]
    this.#unread = []
    for (const cursor of this.#cursors) {
      if (cursor.announced || !historyDone(cursor)) continue
      cursor.announced = true
      exhausted.push(cursor.partition)
    }
    return exhausted.sort((a, b) => a - b)
  }

  #untilWoken(): Promise<void> {
    return new Promise(resolve => {
      this.#wakeReader = () => {
        this.#wakeReader = undefined
        resolve()
      }
    })
  }

  async #fetchLoop(): Promise<void> {
    let attempt = 0
    while (!this.#closed && this.#failure === undefined) {
      try {
        if (!this.#connected) await this.#connect()
        await this.#fixEnds()
        await this.#lookForPartitions()
        const wanted = this.#wanted()
        if (wanted.length === 0) {
          this.#wakeReader?.()
          if (this.#finished()) return
          await new Promise<void>(resolve => (this.#wakeFetcher = resolve))
          continue
        }
        await this.#within(this.#fetch(wanted))
        if (attempt > 1) this.#tellBack()
        attempt = 0
      } catch (error) {
        if (this.#closed) return
        await this.#recover(error, attempt++)
      }
    }
  }

  /** While there is history, only partitions that have some: a request for a quiet one would hold up the others. */
  #wanted(): readonly KafkaCursor[] {
    const history = this.#cursors.filter(cursor => cursor.fetchAt < cursor.historyEnd)
    return (history.length > 0 ? history : this.#cursors).filter(wantsMore)
  }

  async #fetch(wanted: readonly KafkaCursor[]): Promise<void> {
    const { topic, fetches } = this.#options
    const cluster = this.#cluster
    const here = wanted.flatMap(cursor => fetches.here(cursor) ?? [])
    if (here.length > 0) {
      for (const fetched of here) this.#store(fetched)
      this.#wakeReader?.()
      // Without a pause a long way through memory would hold up all others of this process.
      await new Promise<void>(resolve => setImmediate(resolve))
      return
    }
    const byLeader = new Map<number, KafkaCursor[]>()
    for (const cursor of wanted) {
      const leader = this.#leaders.get(cursor.partition) ?? -1
      const group = byLeader.get(leader)
      if (group === undefined) byLeader.set(leader, [cursor])
      else group.push(cursor)
    }
    // A partition whose reader is behind is left out; the others must not hold it up for long once it has room again.
    const ending = this.#cursors.filter(cursor => cursor.end === undefined || cursor.fetchAt < cursor.end)
    const maxWaitTime = wanted.length < ending.length ? 50 : longestWaitMs
    await Promise.all(
      [...byLeader].map(async ([leader, cursors]) => {
        const asked = cursors.map(({ partition, fetchAt }) => ({ partition, fetchAt }))
        const answer = await fetches.ask(asked, async () => {
          const broker = await cluster.findBroker({ nodeId: String(leader) })
          // An answer has room for some: each is the first in its turn.
          const turn = this.#turn++ % asked.length
          return fetchRecords(broker, {
            topic,
            maxWaitTime: this.#waitMs(maxWaitTime),
            maxBytes: fetchBytes,
            partitionBytes,
            partitions: [...asked.slice(turn), ...asked.slice(0, turn)],
          })
        })
        if (cluster !== this.#cluster) return
        for (const fetched of answer) this.#store(fetched)
        this.#wakeReader?.()
      }),
    )
  }

  #waitMs(longestMs: number): number {
    if (this.#endAtMs === undefined) return longestMs
    return Math.max(1, Math.min(longestMs, this.#endAtMs - this.#options.clock.nowMs()))
  }

  #store(fetched: FetchedRecords): void {
    const cursor = this.#cursors.find(each => each.partition === fetched.partition)
    if (cursor !== undefined) store(cursor, fetched)
  }

  /** A bound that lay in the future is looked up when its time has come. */
  async #fixEnds(): Promise<void> {
    if (this.#endAtMs === undefined || this.#options.clock.nowMs() < this.#endAtMs) return
    const { topic } = this.#options
    const metadata = this.#metadata
    const cluster = this.#cluster
    const at = (await offsetsAt(cluster, [metadata], this.#endAtMs)).get(topic)
    const ends = (await offsetsAt(cluster, [metadata], latestTimestamp)).get(topic)
    for (const cursor of this.#cursors) {
      const found = at?.get(cursor.partition) ?? -1n
      const end = found >= 0n ? found : (ends?.get(cursor.partition) ?? cursor.fetchAt)
      endAt(cursor, end)
    }
    this.#endAtMs = undefined
  }

  async #recover(error: unknown, attempt: number): Promise<void> {
    const { topic, url, clock, onNotice, fetches } = this.#options
    fetches.forget()
    const type = typeOf(error)
    if (type === 'OFFSET_OUT_OF_RANGE') {
      try {
        await this.#skipDeleted()
        this.#wakeReader?.()
        return
      } catch {
        // The broker went away meanwhile: below.
      }
    }
    // A batch that is broken stays so: asking again would be in vain.
    if (error instanceof StreamError) return this.#fail(error)
    if (type === 'TOPIC_AUTHORIZATION_FAILED') return this.#fail(requestFailed(`read topic "${topic}"`, url, error))
    if (attempt === 0) this.#awaySinceMs = clock.nowMs()
    if (attempt === 1)
      onNotice(
        `Reading topic "${topic}" waits: the connection to "${url}" was lost, it is tried again until it is back`,
      )
    const delayMs = Math.min(1000, 100 * 2 ** Math.min(attempt, 4))
    await new Promise<void>(resolve => {
      const timer = clock.setTimer(delayMs, resolve)
      this.#wakeFetcher = () => {
        if (!this.#closed) return
        timer.cancel()
        resolve()
      }
    })
    if (this.#closed) return
    void this.#cluster.disconnect().catch(() => undefined)
    this.#cluster = this.#freshCluster()
  }

  #tellBack(): void {
    const { topic, url, clock, onNotice } = this.#options
    const awayMs = Math.round((clock.nowMs() - this.#awaySinceMs) / 100) * 100
    onNotice(`Reading topic "${topic}" goes on: "${url}" was away for ${awayMs / 1000} s`)
  }

  #freshCluster(): KafkaCluster {
    this.#connected = false
    this.#lost = new Promise<never>((_resolve, reject) => (this.#lose = reject))
    // Whoever waits for it hears of it; when nobody does, nobody needs to.
    this.#lost.catch(() => undefined)
    const lose = this.#lose
    return this.#options.makeCluster(() => lose(new Error('the connection was closed')))
  }

  async #connect(): Promise<void> {
    const { topic } = this.#options
    await this.#within(connectCluster(this.#cluster))
    const metadata = await this.#within(topicNamed(this.#cluster, topic))
    if (metadata !== undefined) this.#learn(metadata)
    // A broker that has just come back may not know its topics for a moment.
    else if (++this.#missing > 5) return this.#fail(deleted(topic))
    else throw new Error(`the cluster has no topic "${topic}"`)
    this.#missing = 0
    this.#connected = true
  }

  /** Partitions may be added to a topic while it is read; nobody tells a client without a group. */
  async #lookForPartitions(): Promise<void> {
    const { grows, clock, topic } = this.#options
    if (!grows || clock.nowMs() - this.#lookedMs < lookMs) return
    const metadata = await this.#within(topicNamed(this.#cluster, topic))
    if (metadata !== undefined) this.#learn(metadata)
    this.#lookedMs = clock.nowMs()
  }

  #learn(metadata: TopicMetadata): void {
    this.#metadata = metadata
    this.#leaders = leadersOf(metadata)
    const { partitionMetadata } = metadata
    if (!this.#options.grows || partitionMetadata.length <= this.#partitionCount) return
    // A new partition has no history: all of it is live.
    for (const { partitionId } of partitionMetadata) {
      if (partitionId >= this.#partitionCount) this.#cursors.push(cursorAt(partitionId, 0n, 0n, undefined))
    }
    this.#partitionCount = partitionMetadata.length
    this.#wakeReader?.()
  }

  /** Fails as soon as the connection is lost, and when the broker says nothing for long. */
  async #within<T>(work: Promise<T>): Promise<T> {
    let stop = () => undefined as void
    const limit = new Promise<never>((_resolve, reject) => {
      const timer = this.#options.clock.setTimer(silenceMs, () => reject(new Error(`no answer within ${silenceMs} ms`)))
      stop = () => timer.cancel()
    })
    try {
      return await Promise.race([work, limit, this.#lost])
    } finally {
      stop()
    }
  }

  #fail(error: unknown): void {
    this.#failure = error
    this.#wakeReader?.()
  }

  /** Retention overtook the reader: it goes on at the first record there is, and counts what it missed. */
  async #skipDeleted(): Promise<void> {
    const { topic } = this.#options
    const metadata = this.#metadata
    const cluster = this.#cluster
    const lows = (await offsetsAt(cluster, [metadata], earliestTimestamp)).get(topic)
    const highs = (await offsetsAt(cluster, [metadata], latestTimestamp)).get(topic)
    for (const cursor of this.#cursors) {
      const low = lows?.get(cursor.partition) ?? 0n
      const high = highs?.get(cursor.partition) ?? 0n
      if (cursor.fetchAt > high) {
        return this.#fail(
          new StreamError({
            code: 'POSITION_INVALID',
            message: `Cannot go on reading topic "${topic}": partition ${cursor.partition} ends at ${high}, position ${cursor.fetchAt} is gone`,
            detail: 'The topic was deleted and created again, or the broker lost its log',
            hint: `%topic ${topic} --from earliest`,
          }),
        )
      }
      if (cursor.fetchAt >= low) continue
      this.#lostCount += Number(low - cursor.fetchAt)
      cursor.fetchAt = low
      if (!hasHead(cursor)) cursor.position = low
    }
  }
}

function leadersOf(metadata: TopicMetadata): Map<number, number> {
  return new Map(metadata.partitionMetadata.map(({ partitionId, leader }) => [partitionId, leader]))
}

function wantsMore(cursor: KafkaCursor): boolean {
  if (cursor.end !== undefined && cursor.fetchAt >= cursor.end) return false
  const { count, bytes } = waitingIn(cursor)
  return count < bufferedRecords && bytes < bufferedBytes
}

function deleted(topic: string): StreamError {
  return new StreamError({
    code: 'TOPIC_UNKNOWN',
    message: `Cannot go on reading topic "${topic}": it was deleted`,
    hint: `%topics create ${topic}`,
  })
}
