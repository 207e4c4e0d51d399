/**
 * Writing to Kafka in transactions: what is sent becomes readable at `commit`, together with the positions of the sources, or not at
 * all. The note of a commit travels as the metadata of those positions, so the broker itself says which state belongs to what it
 * shows. Opening fences an older writer of the same id and ends what it left open.
 *
 *   open ─ InitProducerId ─▶ committed note ─▶ send … send ─ commit(positions, note) ─▶ send …
 */
import { StreamError } from '../errors.ts'
import { fenced } from './fenced.ts'
import { requestFailed, typeOf } from './kafka-errors.ts'
import { makeKafka } from './kafka-client.ts'
import { byPartition, Partitions, requestsOf } from './kafka-writer.ts'
import type { Clock } from '../time/clock.ts'
import type { OutgoingRecord, SourcePositions, TransactionalWriter } from './connector.ts'
import type { ClusterAddress, KafkaProducer, KafkaTransaction } from './kafka-client.ts'

/** The broker ends a transaction that is silent for longer. */
const TRANSACTION_MS = 60_000
const NOTE = 'riffle '
/** The first group and the first transaction of a cluster make topics of their own, which takes a moment. */
const SETTLING_MS = 10_000

export interface KafkaTransactionsOptions {
  readonly address: ClusterAddress
  readonly url: string
  readonly clock: Clock
  readonly topic: string
  readonly partitionCount: number
  /** The transactional id, and the group that the positions are committed for. */
  readonly id: string
  /** Topics whose positions are committed; without any the target carries the note. */
  readonly sources: readonly string[]
  /** Ends of the target's partitions as readers of committed records see them. */
  readonly visibleEnds: () => Promise<ReadonlyMap<number, bigint>>
  readonly onClosed: (writer: KafkaTransactions) => void
}

export class KafkaTransactions implements TransactionalWriter {
  committed: string | undefined
  readonly #options: KafkaTransactionsOptions
  readonly #producer: KafkaProducer
  readonly #partitions: Partitions
  #transaction: KafkaTransaction | undefined
  #beganMs = 0
  /** Next offset after what was sent, by partition. */
  readonly #ends = new Map<number, bigint>()
  #closed = false

  /** Ends what an older writer of the id left open; rejects when the cluster cannot be reached. */
  static async open(options: KafkaTransactionsOptions): Promise<KafkaTransactions> {
    const writer = new KafkaTransactions(options)
    try {
      await settled(options.clock, () => writer.#begin())
      writer.committed = await settled(options.clock, () => committedNote(options))
    } catch (error) {
      await writer.close()
      throw writer.#failed('open', error)
    }
    return writer
  }

  private constructor(options: KafkaTransactionsOptions) {
    this.#options = options
    this.#partitions = new Partitions(options.topic, options.partitionCount)
    this.#producer = makeKafka(options.address).producer({
      allowAutoTopicCreation: false,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionalId: options.id,
      transactionTimeout: TRANSACTION_MS,
      createPartitioner: () => (given: { readonly message: { readonly partition: number } }) => given.message.partition,
    })
  }

  async #begin(): Promise<KafkaTransaction> {
    if (this.#transaction !== undefined) return this.#transaction
    if (this.#beganMs === 0) await this.#producer.connect()
    this.#transaction = await this.#producer.transaction()
    this.#beganMs = this.#options.clock.nowMs()
    return this.#transaction
  }

  /** The positions are those the records will have; nobody reads them before the commit. */
  async send(records: readonly OutgoingRecord[]): Promise<{ partition: number; offset: bigint }[]> {
    const { topic, clock } = this.#options
    const lists = byPartition(records, this.#partitions, clock.nowMs())
    const positions: { partition: number; offset: bigint }[] = []
    try {
      const transaction = await this.#begin()
      // One after the other: the requests of a transaction share the sequence of their producer.
      for (const [partition, list] of lists) {
        let done = 0
        for (const messages of requestsOf(list.map(each => each.message))) {
          // Nothing was sent when the marks of the last transaction are still on their way.
          const send = () => transaction.sendBatch({ acks: -1, topicMessages: [{ topic, messages }] })
          const [answer] = await settled(clock, send, BETWEEN)
          const first = BigInt(answer?.baseOffset ?? -1)
          for (let i = 0; i < messages.length; i++)
            positions[list[done + i]!.index] = { partition, offset: first + BigInt(i) }
          done += messages.length
          this.#ends.set(partition, first + BigInt(messages.length))
        }
      }
      return positions
    } catch (error) {
      throw this.#failed(`write to topic "${topic}"`, error)
    }
  }

  async commit(sources: readonly SourcePositions[], note: string): Promise<void> {
    const metadata = `${NOTE}${note}`
    const positions = sources.length > 0 ? sources : [{ topic: this.#options.topic, partitions: [[0, 0n] as const] }]
    try {
      const transaction = await this.#begin()
      const offsets = {
        consumerGroupId: this.#options.id,
        topics: positions.map(({ topic, partitions }) => ({
          topic,
          partitions: partitions.map(([partition, offset]) => ({ partition, offset: String(offset), metadata })),
        })),
      }
      // The same offsets twice are the same offsets.
      await settled(this.#options.clock, () => transaction.sendOffsets(offsets))
      await transaction.commit()
      this.#transaction = undefined
      this.committed = note
    } catch (error) {
      throw this.#failed('commit a transaction', error)
    }
  }

  /** A commit is answered before its marks stand in every partition: readers see the records a moment later. */
  async flush(): Promise<void> {
    const { clock, visibleEnds } = this.#options
    const untilMs = clock.nowMs() + SETTLING_MS
    while (this.#ends.size > 0 && clock.nowMs() < untilMs && !this.#closed) {
      const seen = await visibleEnds()
      if ([...this.#ends].every(([partition, end]) => (seen.get(partition) ?? 0n) >= end)) return
      await new Promise<void>(resolve => clock.setTimer(5, resolve))
    }
  }

  /** Idempotent. What is not committed is ended here, else by the next writer of the id or by the broker's time limit. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#options.onClosed(this)
    await this.#transaction?.abort().catch(() => undefined)
    await this.#producer.disconnect().catch(() => undefined)
  }

  #failed(action: string, cause: unknown): StreamError {
    const { url, topic, id, clock } = this.#options
    const type = typeOf(cause)
    const refused =
      type === 'INVALID_PRODUCER_EPOCH' || type === 'INVALID_TXN_STATE' || type === 'INVALID_PRODUCER_ID_MAPPING'
    const expired = clock.nowMs() - this.#beganMs > TRANSACTION_MS - 5000
    if (refused && !expired && !this.#closed) return fenced(topic, id, cause)
    const error = requestFailed(action, url, cause)
    // Whatever it was, the transaction as a whole can be begun again from the last commit.
    return error.retriable || refused || type === undefined || AGAIN.has(type) ? retriable(error) : error
  }
}

/** What goes away by itself while a broker comes back. */
const AGAIN = new Set([
  'CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS', 'NOT_COORDINATOR', 'NOT_COORDINATOR_FOR_GROUP', 'UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION', 'NETWORK_EXCEPTION', 'REQUEST_TIMED_OUT', 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID',
  'NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'KAFKA_STORAGE_ERROR',
]) // prettier-ignore

/** The broker answers a commit before it has marked every partition. */
const BETWEEN = new Set(['CONCURRENT_TRANSACTIONS'])

async function settled<T>(clock: Clock, f: () => Promise<T>, types: ReadonlySet<string> = AGAIN): Promise<T> {
  const untilMs = clock.nowMs() + SETTLING_MS
  for (;;) {
    try {
      return await f()
    } catch (error) {
      if (!types.has(typeOf(error) ?? '') || clock.nowMs() > untilMs) throw error
      await new Promise<void>(resolve => clock.setTimer(100, resolve))
    }
  }
}

const retriable = (error: StreamError): StreamError =>
  new StreamError({ ...error.toJSON(), retriable: true, cause: error })

/** The note of the newest commit of the group; undefined when there is none. */
async function committedNote(options: KafkaTransactionsOptions): Promise<string | undefined> {
  const { address, id, sources, topic } = options
  const admin = makeKafka(address).admin()
  try {
    await admin.connect()
    const found = await admin.fetchOffsets({ groupId: id, topics: sources.length > 0 ? sources : [topic] })
    const notes = found.flatMap(each => each.partitions.map(partition => partition.metadata ?? ''))
    const numbers = notes.filter(note => note.startsWith(NOTE)).map(note => note.slice(NOTE.length))
    // All partitions of one commit carry the same note; partitions that were read no further may be of an earlier one.
    return numbers.sort((a, b) => Number(b) - Number(a))[0]
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}
