/**
 * The fetch request, asked through kafkajs and answered by our own reading of its bytes (kafka-records.ts). Brokers before 2.3, and logs
 * still in the formats before 0.11, are read by kafkajs, message by message.
 */
import { Buffer } from 'node:buffer'
import { createRequire } from 'node:module'
import { StreamError } from '../errors.ts'
import { readCommitted, withoutAborted } from './kafka-client.ts'
import { magicOf, readBatches } from './kafka-records.ts'
import type { FetchedPartition, KafkaBroker, KafkaMessage, KafkaRequest } from './kafka-client.ts'
import type { Codec } from './kafka-codecs.ts'
import type { Aborted, PartitionRecords, RecordChunk, Unpack } from './kafka-records.ts'

const load = createRequire(import.meta.url)
const apiKey = 1
const version = 11

export interface FetchRequest {
  readonly topic: string
  readonly maxWaitTime: number
  readonly maxBytes: number
  readonly partitionBytes: number
  readonly partitions: readonly { readonly partition: number; readonly fetchAt: bigint }[]
}

/** What one partition answered. */
export interface FetchedRecords extends PartitionRecords {
  readonly partition: number
  /** End of what may be read: the last stable offset, or where there is none the high watermark. */
  readonly high: bigint
}

/** Asks a leader. Rejects with the broker's error of a partition, and with VALUE_UNDECODABLE for a broken batch. */
export async function fetchRecords(broker: KafkaBroker, asked: FetchRequest): Promise<readonly FetchedRecords[]> {
  const { topic, maxWaitTime, maxBytes, partitionBytes } = asked
  const partitions = asked.partitions.map(({ partition, fetchAt }) => ({
    partition,
    fetchOffset: String(fetchAt),
    maxBytes: partitionBytes,
  }))
  const request = { isolationLevel: readCommitted, maxWaitTime, minBytes: 1, maxBytes, topics: [{ topic, partitions }] }
  const range = broker.versions?.[apiKey]
  if (range === undefined || range.maxVersion < version || range.minVersion > version) {
    const { responses } = await broker.fetch(request)
    return responses.flatMap(each => each.partitions.map(byMessages))
  }
  const make = load('kafkajs/src/protocol/requests/fetch/v11/request') as (
    options: object,
  ) => KafkaRequest<readonly FetchedRecords[]>['request']
  const answer = await broker.connectionPool.send<Answer>({
    request: make({ ...request, replicaId: -1 }),
    response: { decode: decodeAnswer, parse: refuseErrors },
  })
  return answer.partitions
}

interface Answer {
  /** kafkajs waits so long before its next request. */
  readonly clientSideThrottleTime: number
  readonly partitions: readonly FetchedRecords[]
  /** The first error of a partition; 0 is none. */
  readonly errorCode: number
}

async function refuseErrors(answer: Answer): Promise<Answer> {
  if (answer.errorCode === 0) return answer
  const { createErrorFromCode } = load('kafkajs/src/protocol/error') as { createErrorFromCode(code: number): Error }
  throw createErrorFromCode(answer.errorCode)
}

/** Throws KAFKA_REFUSED for bytes that are no answer. */
export async function decodeAnswer(bytes: Buffer): Promise<Answer> {
  try {
    return await answerOf(bytes)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw unreadable('it ends too early', cause)
  }
}

function unreadable(why: string, cause: unknown): StreamError {
  return new StreamError({
    code: 'KAFKA_REFUSED',
    message: `Cannot read the answer of the broker: ${why}`,
    hint: 'Check that nothing between here and the broker changes what it sends',
    cause,
  })
}

/** Version 11: throttle(4) error(2) session(4) [topic [partition error high stable start [aborted] replica records]]. */
async function answerOf(bytes: Buffer): Promise<Answer> {
  const input = new Input(bytes)
  const clientSideThrottleTime = input.int32()
  let errorCode = input.int16()
  input.skip(4)
  const partitions: FetchedRecords[] = []
  for (let topics = input.int32(); topics > 0; topics--) {
    input.skip(input.int16())
    for (let left = input.int32(); left > 0; left--) {
      const partition = input.int32()
      const error = input.int16()
      const highWatermark = input.int64()
      const stable = input.int64()
      input.skip(8)
      const aborted: Aborted[] = []
      for (let n = input.int32(); n > 0; n--) aborted.push({ producerId: input.int64(), firstOffset: Number(input.int64()) }) // prettier-ignore
      input.skip(4)
      const records = input.bytes(Math.max(0, input.int32()))
      if (errorCode === 0) errorCode = error
      const high = stable >= 0n ? stable : highWatermark
      partitions.push({ partition, high, ...(error === 0 ? await recordsOf(records, aborted) : nothing) })
    }
  }
  return { clientSideThrottleTime, errorCode, partitions }
}

const nothing: PartitionRecords = { chunks: [], next: undefined }

async function recordsOf(bytes: Buffer, aborted: readonly Aborted[]): Promise<PartitionRecords> {
  const magic = magicOf(bytes)
  if (magic === undefined) return nothing
  if (magic === 2) return readBatches(bytes, aborted, unpack)
  const Decoder = load('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => unknown
  const decode = load('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as (
    decoder: unknown,
  ) => Promise<readonly KafkaMessage[]>
  const sized = Buffer.alloc(4 + bytes.length)
  sized.writeInt32BE(bytes.length)
  bytes.copy(sized, 4)
  try {
    return ofMessages(await decode(new Decoder(sized)))
  } catch (cause) {
    throw unreadable(cause instanceof Error ? cause.message : String(cause), cause)
  }
}

const unpack: Unpack = (codec, bytes) => {
  const { lookupCodec } = load('kafkajs/src/protocol/message/compression') as {
    lookupCodec(type: number): Codec | null
  }
  const found = lookupCodec(codec)
  return found === null ? Promise.reject(new Error(`codec ${codec} is unknown`)) : found.decompress(bytes)
}

function byMessages(fetched: FetchedPartition): FetchedRecords {
  const { partition, highWatermark, lastStableOffset, messages } = fetched
  const stable = BigInt(lastStableOffset)
  const last = messages.at(-1)
  const { chunks } = ofMessages(withoutAborted(fetched).filter(message => !message.isControlRecord))
  const next = last === undefined ? undefined : Number(last.offset) + 1
  return { partition, high: stable >= 0n ? stable : BigInt(highWatermark), chunks, next }
}

/** The same as chunks, from kafkajs' messages. */
export function ofMessages(messages: readonly KafkaMessage[]): PartitionRecords {
  const last = messages.at(-1)
  if (last === undefined) return nothing
  const bytes = Buffer.concat(messages.flatMap(({ key, value }) => [key, value].filter(part => part !== null)))
  const ranges = new Int32Array(4 * messages.length)
  let at = 0
  messages.forEach(({ key, value }, i) =>
    [key, value].forEach((part, k) => {
      ranges[4 * i + 2 * k] = at
      ranges[4 * i + 2 * k + 1] = part === null ? -1 : part.length
      at += part?.length ?? 0
    }),
  )
  const headed = messages.some(({ headers }) => Object.keys(headers).length > 0)
  const chunk: RecordChunk = {
    bytes,
    count: messages.length,
    offsets: Float64Array.from(messages, ({ offset }) => Number(offset)),
    timestampsMs: Float64Array.from(messages, ({ timestamp }) => Number(timestamp)),
    ranges,
    headers: headed ? messages.map(headersOf) : undefined,
  }
  return { chunks: [chunk], next: Number(last.offset) + 1 }
}

function headersOf({ headers }: KafkaMessage): Record<string, Uint8Array> | undefined {
  const names = Object.keys(headers)
  if (names.length === 0) return undefined
  return Object.fromEntries(
    names.map(name => {
      const value = headers[name]!
      return [name, new Uint8Array(Array.isArray(value) ? value.at(-1)! : value)]
    }),
  )
}

/** Numbers in network order. Reading behind the end throws, as Buffer does. */
class Input {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8))
  }

  bytes(length: number): Buffer {
    const from = this.#take(length)
    return this.#bytes.subarray(from, from + length)
  }

  skip(length: number): void {
    this.#take(Math.max(0, length))
  }

  #take(length: number): number {
    const from = this.#at
    this.#at += length
    return from
  }
}
