/** What went wrong between here and a cluster, as one sentence with the next step. */
import net from 'node:net'
import { StreamError } from '../errors.ts'

/** Longest time an unreachable cluster may take to say so. */
export const reachLimitMs = 4000

/**
 * Resolves when one of the addresses takes a connection. Asked before kafkajs is, whose own errors say "Connection error" after
 * retries. Throws KAFKA_UNREACHABLE.
 */
export async function requireReachable(
  url: string,
  addresses: readonly string[],
  limitMs = reachLimitMs - 500,
): Promise<void> {
  const failures = await Promise.all(addresses.map(address => knock(address, limitMs)))
  if (failures.some(failure => failure === undefined)) return
  const { code, address } = failures[0]!
  const at = address.slice(address.lastIndexOf(':') + 1)
  const host = address.slice(0, address.lastIndexOf(':'))
  const why =
    code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? {
          told: `host "${host}" is not known`,
          hint: 'Check the spelling of the host, or the VPN and DNS of this machine',
        }
      : code === 'ECONNREFUSED'
        ? {
            told: `nothing listens on port ${at} of host "${host}"`,
            hint: `Check the port (9092 is usual) and that the broker runs: %connect kafka://${host}:9092`,
          }
        : {
            told: `host "${host}" does not answer on port ${at}`,
            hint: 'Check the host, a firewall or VPN between, and the port',
          }
  throw new StreamError({
    code: 'KAFKA_UNREACHABLE',
    message: `Cannot connect to "${url}": ${why.told}`,
    detail: `${address}: ${code}`,
    hint: why.hint,
    retriable: true,
  })
}

interface Knock {
  readonly code: string
  readonly address: string
}

function knock(address: string, limitMs: number): Promise<Knock | undefined> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  return new Promise(resolve => {
    const socket = net.connect({ host, port: Number(address.slice(colon + 1)) })
    socket.setTimeout(limitMs, () => done({ code: 'ETIMEDOUT', address }))
    socket.once('connect', () => done(undefined))
    socket.once('error', (error: NodeJS.ErrnoException) => done({ code: error.code ?? error.message, address }))
    const done = (failure: Knock | undefined) => {
      socket.destroy()
      resolve(failure)
    }
  })
}

/** A port that answers, but not as Kafka's plain protocol does. */
export function notKafka(url: string, cause: unknown): StreamError {
  return new StreamError({
    code: 'KAFKA_UNREACHABLE',
    message: `Cannot connect to "${url}": the port answers, but not in Kafka's plain protocol`,
    detail: textOf(cause),
    hint: 'Check that the port is a plaintext listener of a broker (9092 is usual), not one for TLS, a registry or a web page',
    retriable: true,
    cause,
  })
}

/** The broker answers, but not to clients without TLS or without a login. */
export function securityWanted(url: string, wanted: 'tls' | 'sasl', cause: unknown): StreamError {
  return new StreamError({
    code: wanted === 'tls' ? 'KAFKA_UNREACHABLE' : 'KAFKA_AUTHENTICATION',
    message: `Cannot connect to "${url}": ${wanted === 'tls' ? 'the port wants TLS' : 'the broker closes the connection of a client that does not log in'}`,
    detail: textOf(cause),
    hint:
      wanted === 'tls'
        ? `%connect ${url} --tls, with --ca FILE when the authority is your own`
        : `%connect ${url} --sasl scram-sha-512 --profile NAME`,
    cause,
  })
}

/** Any failure of a request, unless it is a StreamError already. */
export function requestFailed(action: string, url: string, cause: unknown): StreamError {
  if (cause instanceof StreamError) return cause
  const type = typeOf(cause)
  const refused = type !== undefined && !connectionLost(cause)
  return new StreamError({
    code: refused ? 'KAFKA_REFUSED' : 'KAFKA_UNREACHABLE',
    message: refused
      ? `Cannot ${action}: the broker at "${url}" refused with ${type}`
      : `Cannot ${action}: the connection to "${url}" was lost`,
    detail: textOf(cause),
    hint: refused ? (hints[type] ?? 'The broker log tells more') : `Check that the broker runs, then: %connect ${url}`,
    retriable: !refused,
    cause,
  })
}

/** A user who may not see a topic is not told whether there is one: neither are we. */
export function noRight(action: string, url: string, user: string | undefined, cause: unknown): StreamError {
  return new StreamError({
    code: 'KAFKA_REFUSED',
    message: `Cannot ${action}: ${user === undefined ? 'a client that does not log in' : `user "${user}"`} has no right to it`,
    detail: `${url}: TOPIC_AUTHORIZATION_FAILED`,
    hint: 'The administrator of the cluster gives the right, or connect as another user: %connect … --profile NAME',
    cause,
  })
}

const hints: Readonly<Record<string, string>> = {
  MESSAGE_TOO_LARGE: 'Send smaller records, or raise max.message.bytes of the topic',
  TOPIC_AUTHORIZATION_FAILED:
    'This user has no right to the topic: its administrator gives it, or connect as another user',
  CLUSTER_AUTHORIZATION_FAILED: 'Ask for the right to do this on the cluster',
  INVALID_REPLICATION_FACTOR: 'The cluster has fewer brokers than the topic would have copies',
  LEADER_NOT_AVAILABLE:
    'No broker that holds a copy of the partition is up: start it, or tell the administrator of the cluster',
  BROKER_NOT_AVAILABLE:
    'No broker of the cluster is in service yet: it is starting or coming back, ask again in a moment',
  POLICY_VIOLATION: 'The cluster has rules for topics, its administrator knows them',
}

/** Kafka's name of the error (`UNKNOWN_TOPIC_OR_PARTITION`), if the broker gave one. */
export function typeOf(error: unknown): string | undefined {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    const { type, errors } = at as { type?: unknown; errors?: unknown }
    if (typeof type === 'string') return type
    // Creating topics fails as a list, one error a topic.
    if (Array.isArray(errors) && errors.length > 0) return typeOf(errors[0])
  }
  return undefined
}

const settling = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'BROKER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
])

/** Errors that go away by themselves while leaders are found. */
export function isSettling(error: unknown): boolean {
  return settling.has(typeOf(error) ?? '')
}

function connectionLost(error: unknown): boolean {
  const name = error instanceof Error ? error.name : ''
  return /Connection|Timeout|BrokerNotFound|Closed/.test(name)
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
