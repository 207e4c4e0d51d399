/**
 * What readers of one topic fetched, kept for the others: a second stream over a topic reads what the first has read without
 * asking the broker, and at the end of the topic both wait for one answer.
 *
 *   here    pieces of a partition in memory, the newest positions within a bound; gone with the topic's last reader
 *   joined  a request that is on its way for the same positions
 *
 * Records of a log never change, so a piece is right for everybody. A topic deleted and created again would be the exception:
 * pieces live only while a reader is open, and any trouble with the topic (`forget`) drops them: what is fetched from then on counts
 * as another log.
 */
import { nextLogNumber } from '../log-number.ts'
import type { Clock } from '../time/clock.ts'
import type { FetchedRecords } from './kafka-fetch.ts'
import { FetchedPieces, sizeOf } from './kafka-pieces.ts'

/** Kept for each topic that is read; whoever is further behind asks the broker. */
const keptBytes = 64 << 20
/** A request this old is not joined: what kafkajs has lost would be waited for in vain. */
const joinableMs = 1000

export interface Wanted {
  readonly partition: number
  readonly fetchAt: bigint
}

interface OnItsWay {
  readonly sinceMs: number
  readonly answer: Promise<readonly FetchedRecords[]>
}

export class TopicFetches {
  readonly #clock: Clock
  readonly #onUnused: () => void
  readonly #pieces: FetchedPieces
  #users = 0
  #log = nextLogNumber()
  readonly #onItsWay = new Map<string, OnItsWay>()

  constructor(clock: Clock, onUnused: () => void = () => undefined, limitBytes = keptBytes) {
    this.#clock = clock
    this.#onUnused = onUnused
    this.#pieces = new FetchedPieces(limitBytes)
  }

  /** One more reader; the function it gets says that it has ended. */
  use(): () => void {
    this.#users++
    let over = false
    return () => {
      if (over) return
      over = true
      if (--this.#users > 0) return
      this.forget()
      this.#onUnused()
    }
  }

  /** What was fetched with the record at the position, or undefined. */
  here({ partition, fetchAt }: Wanted): FetchedRecords | undefined {
    return this.#pieces.at(partition, fetchAt)?.fetched
  }

  /** Asks the broker, unless somebody asks for just these positions already. */
  async ask(
    wanted: readonly Wanted[],
    request: () => Promise<readonly FetchedRecords[]>,
  ): Promise<readonly FetchedRecords[]> {
    const name = wanted.map(({ partition, fetchAt }) => `${partition}:${fetchAt}`).join()
    const nowMs = this.#clock.nowMs()
    const other = this.#onItsWay.get(name)
    if (other !== undefined && nowMs - other.sinceMs < joinableMs) {
      // The other's loss is the other's: this reader asks over its own connection then.
      const answer = await other.answer.catch(() => undefined)
      if (answer !== undefined) return answer
    }
    const log = this.#log
    const mine = { sinceMs: nowMs, answer: request().then(answer => answer.map(each => ofLog(each, log))) }
    this.#onItsWay.set(name, mine)
    try {
      const answer = await mine.answer
      for (const fetched of answer) this.#keep(fetched, wanted)
      return answer
    } finally {
      if (this.#onItsWay.get(name) === mine) this.#onItsWay.delete(name)
    }
  }

  /** The topic is not what it was, or nobody reads it. */
  forget(): void {
    this.#pieces.clear()
    this.#onItsWay.clear()
    this.#log = nextLogNumber()
  }

  #keep(fetched: FetchedRecords, wanted: readonly Wanted[]): void {
    const { chunks, next, partition } = fetched
    const from = wanted.find(each => each.partition === partition)?.fetchAt
    if (next === undefined || from === undefined) return
    this.#pieces.put({ fetched, partition, from, next: BigInt(next), bytes: sizeOf(chunks) })
  }
}

function ofLog(fetched: FetchedRecords, log: number): FetchedRecords {
  return { ...fetched, chunks: fetched.chunks.map(chunk => ({ ...chunk, log })) }
}
