/**
 * All that is known about kafkajs' insides, typed as far as it is used. kafkajs reads only in groups; its cluster and broker
 * classes below can fetch without one, which is what exploring needs: nothing joins, nothing is committed. Pinned to 2.2.4.
 */
import { createRequire } from 'node:module'
import type net from 'node:net'
import type { KafkaLogin, KafkaSecurity } from './kafka-security.ts'
import { registerCodecs } from './kafka-codecs.ts'

const load = createRequire(import.meta.url)

export interface KafkaMessage {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | Buffer[]>>
  readonly isControlRecord: boolean
}

export interface PartitionMetadata {
  readonly partitionId: number
  /** -1: none. */
  readonly leader: number
}

export interface TopicMetadata {
  readonly topic: string
  readonly isInternal: boolean
  readonly partitionMetadata: readonly PartitionMetadata[]
}

export interface FetchedPartition {
  readonly partition: number
  readonly highWatermark: string
  readonly lastStableOffset: string
  readonly abortedTransactions: readonly unknown[]
  readonly messages: readonly KafkaMessage[]
}

export interface KafkaBroker {
  /** By number of the request; known once it is connected. */
  readonly versions?: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> | null
  metadata(topics: readonly string[]): Promise<{
    /** Those in service. */
    readonly brokers: readonly { readonly nodeId: number }[]
    readonly topicMetadata: readonly TopicMetadata[]
  }>
  fetch(request: {
    readonly isolationLevel: number
    readonly maxWaitTime: number
    readonly minBytes: number
    readonly maxBytes: number
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly {
        readonly partition: number
        readonly fetchOffset: string
        readonly maxBytes: number
      }[]
    }[]
  }): Promise<{ readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[] }>
  listOffsets(request: {
    readonly isolationLevel: number
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[]
    }[]
  }): Promise<{
    readonly responses: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
    }[]
  }>
  describeConfigs(request: {
    readonly resources: readonly {
      readonly type: number
      readonly name: string
      readonly configNames?: readonly string[]
    }[]
    readonly includeSynonyms: boolean
  }): Promise<{
    readonly resources: readonly {
      readonly resourceName: string
      readonly configEntries: readonly {
        readonly configName: string
        readonly configValue: string
        readonly configSource?: number
      }[]
    }[]
  }>
  /** For requests that kafkajs has no method for. */
  readonly connectionPool: { send<T>(request: KafkaRequest<T>): Promise<T> }
}

export interface KafkaRequest<T> {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    encode(): Promise<unknown>
  }
  readonly response: { decode(bytes: Buffer): Promise<T>; parse(data: T): Promise<T> }
}

export interface KafkaCluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  findBroker(options: { readonly nodeId: string }): Promise<KafkaBroker>
  readonly brokerPool: { findConnectedBroker(): Promise<KafkaBroker> }
}

export interface KafkaProducer {
  isIdempotent(): boolean
  connect(): Promise<void>
  disconnect(): Promise<void>
  sendBatch(options: {
    readonly acks: number
    readonly compression?: number
    readonly topicMessages: readonly {
      readonly topic: string
      readonly messages: readonly OutgoingMessage[]
    }[]
  }): Promise<readonly { readonly partition: number; readonly baseOffset?: string }[]>
  /** The first one of a producer gets its id from the broker, which fences older producers of the transactional id. */
  transaction(): Promise<KafkaTransaction>
}

export interface KafkaTransaction {
  sendBatch: KafkaProducer['sendBatch']
  sendOffsets(options: {
    readonly consumerGroupId: string
    readonly topics: readonly {
      readonly topic: string
      // kafkajs hands the metadata on, though its types do not say so.
      readonly partitions: readonly { readonly partition: number; readonly offset: string; readonly metadata: string }[]
    }[]
  }): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
}

export interface OutgoingMessage {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly partition: number
  readonly timestamp?: string
  readonly headers?: Readonly<Record<string, Buffer>>
}

export interface KafkaAdmin {
  connect(): Promise<void>
  disconnect(): Promise<void>
  createTopics(options: {
    readonly waitForLeaders: boolean
    readonly topics: readonly {
      readonly topic: string
      readonly numPartitions?: number
      readonly replicaAssignment?: readonly { readonly partition: number; readonly replicas: readonly number[] }[]
      readonly configEntries?: readonly { readonly name: string; readonly value: string }[]
    }[]
  }): Promise<boolean>
  createPartitions(options: {
    readonly topicPartitions: readonly { readonly topic: string; readonly count: number }[]
  }): Promise<boolean>
  deleteTopics(options: { readonly topics: readonly string[] }): Promise<void>
  alterConfigs(options: {
    readonly validateOnly: boolean
    readonly resources: readonly {
      readonly type: number
      readonly name: string
      readonly configEntries: readonly { readonly name: string; readonly value: string }[]
    }[]
  }): Promise<unknown>
  listGroups(): Promise<{ readonly groups: readonly { readonly groupId: string }[] }>
  describeGroups(groups: readonly string[]): Promise<{
    readonly groups: readonly {
      readonly groupId: string
      readonly state: string
      readonly members: readonly {
        readonly clientId: string
        readonly clientHost: string
        readonly memberAssignment: Buffer
      }[]
    }[]
  }>
  fetchOffsets(options: { readonly groupId: string }): Promise<
    readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
    }[]
  >
  fetchOffsets(options: { readonly groupId: string; readonly topics: readonly string[] }): Promise<
    readonly {
      readonly topic: string
      readonly partitions: readonly {
        readonly partition: number
        readonly offset: string
        readonly metadata: string | null
      }[]
    }[]
  >
}

/** Joins a group: nothing here does; tests play other clients by it. */
export interface KafkaConsumer {
  connect(): Promise<void>
  disconnect(): Promise<void>
  subscribe(options: { readonly topic: string; readonly fromBeginning: boolean }): Promise<void>
  run(options: { readonly autoCommit: boolean; readonly eachMessage: () => Promise<void> }): Promise<void>
  commitOffsets(
    offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: string }[],
  ): Promise<void>
}

interface KafkaRoot {
  consumer(options: { readonly groupId: string }): KafkaConsumer
  producer(options: object): KafkaProducer
  admin(options?: object): KafkaAdmin
}

/** What every connection to a cluster shares. Few and short retries: this connector decides itself what to try again. */
export interface ClusterAddress {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly security?: KafkaSecurity | undefined
}

/** kafkajs' own names for it. The certificate is verified: nothing here ever turns that off. */
function securityOf({ security }: ClusterAddress): object {
  const { tls, sasl } = security ?? {}
  return {
    ...(tls === undefined ? undefined : { ssl: tls.ca === undefined ? true : { ca: [tls.ca] } }),
    ...(sasl === undefined
      ? undefined
      : { sasl: loginOf(sasl), authenticationTimeout: 4000, reauthenticationThreshold: 10_000 }),
  }
}

function loginOf(sasl: KafkaLogin): object {
  if (sasl.mechanism !== 'oauthbearer') return sasl
  return { mechanism: sasl.mechanism, oauthBearerProvider: async () => ({ value: await sasl.token() }) }
}

const retry = { retries: 2, initialRetryTime: 100, maxRetryTime: 500 }
const timeouts = { connectionTimeout: 2000, requestTimeout: 30_000, enforceRequestTimeout: true }

/** Committed transactions only: what was aborted never happened. */
export const readCommitted = 1

/**
 * A cluster object of its own: its sockets are shared with nobody. `onSocketClosed` is called when one of them closes, because
 * kafkajs may leave a request that was on its way unanswered for its whole time limit of half a minute.
 */
export function makeCluster(address: ClusterAddress, onSocketClosed: () => void = () => undefined): KafkaCluster {
  prepare()
  const Cluster = load('kafkajs/src/cluster') as new (options: object) => KafkaCluster
  const socketFactory = (load('kafkajs/src/network/socketFactory') as () => (options: object) => net.Socket)()
  return new Cluster({
    logger: silentLogger(),
    retry,
    offsets: new Map(),
    // Only what was open can be lost: a broker that refuses is no loss while another one answers.
    socketFactory: (options: object) => {
      const socket = socketFactory(options)
      return socket.once('connect', () => socket.once('close', onSocketClosed))
    },
    brokers: address.brokers,
    clientId: address.clientId,
    ...securityOf(address),
    ...timeouts,
    metadataMaxAge: 300_000,
    allowAutoTopicCreation: false,
    maxInFlightRequests: null,
    isolationLevel: readCommitted,
  })
}

/** The public client, for producing and for creating topics. */
export function makeKafka(address: ClusterAddress): KafkaRoot {
  prepare()
  const { Kafka } = load('kafkajs') as { Kafka: new (options: object) => KafkaRoot }
  return new Kafka({
    brokers: address.brokers,
    clientId: address.clientId,
    ...securityOf(address),
    ...timeouts,
    retry: { ...retry, retries: 5 },
    logLevel: 0,
    logCreator: () => () => undefined,
  })
}

/** Connects, and learns which brokers there are: leaders are asked for by their number. */
export async function connectCluster(cluster: KafkaCluster): Promise<void> {
  await cluster.connect()
  await cluster.refreshMetadata()
}

/** Messages of aborted transactions taken out; control records are still there. */
export function withoutAborted(partition: FetchedPartition): readonly KafkaMessage[] {
  if (partition.abortedTransactions.length === 0) return partition.messages
  const filter = load('kafkajs/src/consumer/filterAbortedMessages') as (given: object) => readonly KafkaMessage[]
  return filter({ messages: partition.messages, abortedTransactions: partition.abortedTransactions })
}

let prepared = false

function prepare(): void {
  if (prepared) return
  prepared = true
  // One line at each producer otherwise; the partition is always chosen here.
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] ??= '1'
  const codecs = load('kafkajs/src/protocol/message/compression') as Parameters<typeof registerCodecs>[0]
  registerCodecs(codecs)
  tolerateLeaderless()
  // After its first request kafkajs arms a 1 ms timer for ever (tulios/kafkajs#1751): 4 % of a core for each idle connection.
  const queue = load('kafkajs/src/network/requestQueue') as {
    prototype: { pending: unknown[]; scheduleCheckPendingRequests(this: { pending: unknown[] }): void }
  }
  const arm = queue.prototype.scheduleCheckPendingRequests
  queue.prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) arm.call(this)
  }
}

/** Partitions without a leader, without all of their copies, or without a listener for us. */
const withoutLeader = new Set([5, 9, 72])

/** kafkajs refuses an answer about all topics when one of them has no leader: a topic of others that is away would stop everything. */
function tolerateLeaderless(): void {
  interface Answer {
    readonly topicMetadata: readonly {
      readonly partitionMetadata: readonly { readonly partitionErrorCode: number }[]
    }[]
  }
  type Make = (options: object) => Pick<KafkaRequest<Answer>, 'request' | 'response'>
  const metadata = load('kafkajs/src/protocol/requests/metadata') as {
    protocol(options: { readonly version: number }): Make
  }
  const { protocol } = metadata
  metadata.protocol = version => options => {
    const { request, response } = protocol(version)(options)
    const parse = (data: Answer) => {
      const topicMetadata = data.topicMetadata.map(topic => ({
        ...topic,
        partitionMetadata: topic.partitionMetadata.map(each =>
          withoutLeader.has(each.partitionErrorCode) ? { ...each, partitionErrorCode: 0 } : each,
        ),
      }))
      return response.parse({ ...data, topicMetadata })
    }
    return { request, response: { ...response, parse } }
  }
}

function silentLogger(): unknown {
  const { createLogger, LEVELS } = load('kafkajs/src/loggers') as {
    createLogger(options: object): unknown
    LEVELS: { NOTHING: number }
  }
  return createLogger({ level: LEVELS.NOTHING, logCreator: () => () => undefined })
}
