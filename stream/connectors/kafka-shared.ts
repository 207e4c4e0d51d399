/**
 * The one connection to a cluster that every question of a `KafkaConnection` goes through, and how long is asked:
 *
 *   settling   a topic just made, a broker just back: asked again until it is over, for as long as a person waits
 *   lost       a new connection takes its place, whoever sees the loss first makes it, and the question is asked again
 *   silent     told when the limit is over; the next question gets a new connection
 *   unready    the cluster answers that no broker of it is in service (it slept, and is let in again): a few seconds longer
 */
import { StreamError } from '../errors.ts'
import { connectCluster } from './kafka-client.ts'
import { isSettling, reachLimitMs, requestFailed, requireReachable, typeOf } from './kafka-errors.ts'
import { isLoginRefused } from './kafka-security.ts'
import type { Clock } from '../time/clock.ts'
import type { KafkaCluster } from './kafka-client.ts'

/** A broker that slept is let in again by its controller within a heartbeat or two, each of two seconds. */
const unreadyLimitMs = 12_000
const pauseMs = 100

export interface SharedClusterOptions {
  readonly url: string
  readonly brokers: readonly string[]
  readonly clock: Clock
  /** Connected, its metadata read. */
  readonly cluster: KafkaCluster
  readonly makeCluster: () => KafkaCluster
  /** Throws KAFKA_UNREACHABLE at once when nothing listens; a test puts its own here. */
  readonly reach?: typeof requireReachable
}

export class SharedCluster {
  readonly #options: SharedClusterOptions
  readonly #reach: typeof requireReachable
  #present: KafkaCluster
  /** The one that is connected and knows its brokers. */
  #ready: KafkaCluster

  constructor(options: SharedClusterOptions) {
    this.#options = options
    this.#reach = options.reach ?? requireReachable
    this.#present = options.cluster
    this.#ready = options.cluster
  }

  /** For requests that have a limit of their own. */
  get present(): KafkaCluster {
    return this.#present
  }

  /** Rejects with KAFKA_UNREACHABLE or KAFKA_REFUSED, a silent cluster within `reachLimitMs`. */
  async ask<T>(action: string, question: (cluster: KafkaCluster) => Promise<T>): Promise<T> {
    const { url, clock } = this.#options
    const beganMs = clock.nowMs()
    let untilMs = beganMs + reachLimitMs
    for (let again = false; ; again = true) {
      const cluster = this.#present
      const leftMs = Math.max(1, untilMs - clock.nowMs())
      try {
        return await withinLimit(this.#asked(cluster, question, leftMs), clock, leftMs)
      } catch (error) {
        // The next request must not wait on a connection that keeps silent, and kafkajs' state after a loss is not to be trusted.
        if (typeOf(error) === undefined && !(error instanceof StreamError)) this.#discard(cluster)
        if (isUnready(error)) untilMs = Math.min(beganMs + unreadyLimitMs, clock.nowMs() + reachLimitMs)
        if (!passes(error) || clock.nowMs() >= untilMs) throw requestFailed(action, url, error)
        // A broker that was started anew is there at once.
        if (again || typeOf(error) !== undefined) await pause(clock, pauseMs)
      }
    }
  }

  close(): Promise<void> {
    return this.#present.disconnect().catch(() => undefined)
  }

  async #asked<T>(cluster: KafkaCluster, question: (cluster: KafkaCluster) => Promise<T>, leftMs: number): Promise<T> {
    if (cluster !== this.#ready) {
      const { url, brokers } = this.#options
      await this.#reach(url, brokers, leftMs)
      await connectCluster(cluster)
      if (cluster === this.#present) this.#ready = cluster
    }
    return question(cluster)
  }

  /** A new object takes its place, unless one of those who asked beside has seen to that. */
  #discard(cluster: KafkaCluster): void {
    if (cluster !== this.#present) return
    void cluster.disconnect().catch(() => undefined)
    this.#present = this.#options.makeCluster()
  }
}

/** Whether the same question may be answered in a moment. */
function passes(error: unknown): boolean {
  if (error instanceof StreamError || error instanceof TimeoutError || isLoginRefused(error)) return false
  return typeOf(error) === undefined || isSettling(error)
}

/** It answers, but has no broker for us, or not the one that it said leads. */
function isUnready(error: unknown): boolean {
  return typeOf(error) === 'BROKER_NOT_AVAILABLE' || (error instanceof Error && error.name === 'KafkaJSBrokerNotFound')
}

/** Resolves later. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => void clock.setTimer(ms, resolve))
}

/** Fails when the cluster says nothing: kafkajs itself would wait for half a minute. */
export async function withinLimit<T>(work: Promise<T>, clock: Clock, limitMs = reachLimitMs): Promise<T> {
  let stop = () => undefined as void
  const limit = new Promise<never>((_resolve, reject) => {
    const timer = clock.setTimer(limitMs, () => reject(new TimeoutError(limitMs)))
    stop = () => timer.cancel()
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    stop()
  }
}

export class TimeoutError extends Error {
  override readonly name = 'TimeoutError'

  constructor(limitMs: number) {
    super(`no answer within ${limitMs} ms`)
  }
}
