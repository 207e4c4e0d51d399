/**
 * Writing to Kafka: an idempotent producer, records cut into requests, and a writer for streams that waits for a broker that is
 * away. A request that got no answer may have been written; the same records sent again by the same producer carry the same
 * numbers, so the broker writes them once. For that each request goes to one partition: with several, those acknowledged would be
 * sent again under new numbers.
 */
import { StreamError } from '../errors.ts'
import { isSettling, requestFailed } from './kafka-errors.ts'
import { makeKafka } from './kafka-client.ts'
import { compressionNumbers } from './kafka-codecs.ts'
import type { Compression } from './kafka-codecs.ts'
import { partitionOfKey } from './partitioner.ts'
import { requirePartition } from './read-bound.ts'
import type { Clock, Timer } from '../time/clock.ts'
import type { OutgoingRecord, RecordWriter } from './connector.ts'
import type { ClusterAddress, KafkaProducer, OutgoingMessage } from './kafka-client.ts'

/** A request holds one batch for each partition, and a broker takes 1 MB for a batch unless told otherwise. */
const requestBytes = 500_000
const requestRecords = 5000
/** A broker that says nothing for so long is told of: nobody likes to wait without knowing what for. */
const silenceMs = 1500
/** How long errors that go away by themselves may last. */
const settlingMs = 30_000

/** A producer whose records the broker writes once, however often kafkajs sends them; partitions are chosen here. */
export function makeProducer(address: ClusterAddress): KafkaProducer {
  return makeKafka(address).producer({
    allowAutoTopicCreation: false,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: () => (given: { readonly message: { readonly partition: number } }) => given.message.partition,
  })
}

/** Chooses partitions as Java does: by key, else one after the other. Throws PARTITION_UNKNOWN. */
export class Partitions {
  readonly #topic: string
  readonly count: number
  #next = 0

  constructor(topic: string, count: number) {
    this.#topic = topic
    this.count = count
  }

  of(record: OutgoingRecord): number {
    if (record.partition !== undefined) {
      requirePartition(this.#topic, record.partition, this.count)
      return record.partition
    }
    return record.key === null ? this.#next++ % this.count : partitionOfKey(record.key, this.count)
  }
}

export function messageOf(record: OutgoingRecord, partition: number, nowMs: number): OutgoingMessage {
  return {
    key: bufferOf(record.key),
    value: bufferOf(record.value),
    partition,
    timestamp: String(record.timestampMs ?? nowMs),
    headers: Object.fromEntries(Object.entries(record.headers ?? {}).map(([name, value]) => [name, bufferOf(value)!])),
  }
}

/** The records of each partition as messages, with their places among all. */
export function byPartition(
  records: readonly OutgoingRecord[],
  partitions: Partitions,
  nowMs: number,
): Map<number, { readonly message: OutgoingMessage; readonly index: number }[]> {
  const lists = new Map<number, { readonly message: OutgoingMessage; readonly index: number }[]>()
  records.forEach((record, index) => {
    const partition = partitions.of(record)
    let list = lists.get(partition)
    if (list === undefined) lists.set(partition, (list = []))
    list.push({ message: messageOf(record, partition, nowMs), index })
  })
  return lists
}

/** Messages in requests that a broker takes. */
export function* requestsOf(messages: readonly OutgoingMessage[]): Generator<readonly OutgoingMessage[]> {
  for (let at = 0; at < messages.length;) {
    let end = at
    for (let bytes = 0; end < messages.length && end - at < requestRecords; end++) {
      bytes += (messages[end]!.key?.length ?? 0) + (messages[end]!.value?.length ?? 0) + 70
      if (bytes > requestBytes && end > at) break
    }
    yield messages.slice(at, end)
    at = end
  }
}

export interface KafkaWriterOptions {
  readonly topic: string
  readonly url: string
  readonly producer: KafkaProducer
  readonly partitionCount: number
  readonly clock: Clock
  readonly compression?: Compression | undefined
  readonly onNotice: (text: string) => void
  readonly onClosed: (writer: KafkaWriter) => void
}

export class KafkaWriter implements RecordWriter {
  readonly #options: KafkaWriterOptions
  readonly #partitions: Partitions
  #closed = false
  #wake: (() => void) | undefined
  #told = false

  constructor(options: KafkaWriterOptions) {
    this.#options = options
    this.#partitions = new Partitions(options.topic, options.partitionCount)
  }

  async send(records: readonly OutgoingRecord[]): Promise<{ partition: number; offset: bigint }[]> {
    const lists = byPartition(records, this.#partitions, this.#options.clock.nowMs())
    const positions: { partition: number; offset: bigint }[] = []
    await Promise.all(
      [...lists].map(async ([partition, list]) => {
        let done = 0
        for (const messages of requestsOf(list.map(each => each.message))) {
          const first = await this.#request(messages)
          for (let i = 0; i < messages.length; i++)
            positions[list[done + i]!.index] = { partition, offset: first + BigInt(i) }
          done += messages.length
        }
      }),
    )
    return positions
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#wake?.()
    this.#options.onClosed(this)
    await this.#options.producer.disconnect().catch(() => undefined)
  }

  /** One partition's records until they are acknowledged; gives the offset of the first. */
  async #request(messages: readonly OutgoingMessage[]): Promise<bigint> {
    const { topic, url, producer, clock, compression = 'none' } = this.#options
    const beganMs = clock.nowMs()
    for (let attempt = 0; ; attempt++) {
      const silent = clock.setTimer(Math.max(0, beganMs + silenceMs - clock.nowMs()), () => this.#tellAway())
      try {
        const [answer] = await producer.sendBatch({
          acks: -1,
          compression: compressionNumbers[compression],
          topicMessages: [{ topic, messages }],
        })
        this.#tellBack(clock.nowMs() - beganMs)
        return BigInt(answer?.baseOffset ?? -1)
      } catch (cause) {
        const error = requestFailed(`write to topic "${topic}"`, url, cause)
        if (this.#closed) throw closed(topic)
        const settling = isSettling(cause) && clock.nowMs() - beganMs < settlingMs
        if (!error.retriable && !settling) throw error
        await this.#pause(Math.min(1000, 100 * 2 ** Math.min(attempt, 4)))
        if (this.#closed) throw closed(topic)
      } finally {
        silent.cancel()
      }
    }
  }

  #tellAway(): void {
    if (this.#told || this.#closed) return
    this.#told = true
    const { topic, url } = this.#options
    this.#options.onNotice(
      `Writing to topic "${topic}" waits: "${url}" does not answer, it is tried again until it does`,
    )
  }

  #tellBack(awayMs: number): void {
    if (!this.#told) return
    this.#told = false
    const { topic, url } = this.#options
    const seconds = Math.round(awayMs / 100) / 10
    this.#options.onNotice(`Writing to topic "${topic}" goes on: "${url}" was away for ${seconds} s`)
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer: Timer = this.#options.clock.setTimer(ms, resolve)
      this.#wake = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}

function closed(topic: string): StreamError {
  return new StreamError({ code: 'STREAM_STOPPED', message: `Cannot write to topic "${topic}": the writer was closed` })
}

/** The same bytes: kafkajs wants Node's own kind. */
function bufferOf(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
