/**
 * Fills a topic from a schedule: what is due is turned into rows and appended in order of arrival. Rows of the demo topics
 * are made here; rows of a user's body are made by `RowMaker` on another thread, because a body may never return.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { draw, saltOf } from './random.ts'
import { zipfPick } from './zipf.ts'
import type { OutgoingRecord } from '../connectors/connector.ts'
import type { Pace } from './index-clock.ts'
import type { Due, Schedule, Travel } from './schedule.ts'
import type { TopicFeed, TopicLog } from './topic-log.ts'

/**
 * Makes the records of `due`, in the same order; undefined stands for no record. May be asynchronous. Rejecting ends the
 * feed: what was appended stays.
 */
export type RecordMaker = (
  due: readonly Due[],
) => readonly (MadeRecord | undefined)[] | Promise<readonly (MadeRecord | undefined)[]>

export interface MadeRecord {
  readonly key: string | null
  /** Encoded as JSON. */
  readonly row: unknown
  /** Timestamp of the record; default: when it happened. */
  readonly timestampMs?: number | undefined
}

/** Records per slice: a topic nobody looked at for a day is caught up without holding the thread for longer than ~20 ms. */
const sliceCount = 4096
const encoder = new TextEncoder()

export class GeneratedFeed implements TopicFeed {
  readonly #schedule: Schedule
  readonly #make: RecordMaker
  readonly #partitionSalt: number
  readonly #density: number
  readonly #onFailed: ((error: unknown) => void) | undefined
  /** Records of a stalled partition, until it is lifted. */
  #held: OutgoingRecord[] = []
  #running: Promise<void> | undefined
  #ended = false

  constructor(
    topic: string,
    schedule: Schedule,
    make: RecordMaker,
    options: { readonly density?: number; readonly onFailed?: ((error: unknown) => void) | undefined } = {},
  ) {
    this.#schedule = schedule
    this.#make = make
    this.#partitionSalt = saltOf(`${topic}/partition`)
    this.#density = options.density ?? 1
    this.#onFailed = options.onFailed
  }

  get schedule(): Schedule {
    return this.#schedule
  }

  get recordsPerSecond(): number {
    return this.#ended ? 0 : this.#schedule.clock.pace.rate * this.#density * (1 + this.#schedule.travel.duplicates)
  }

  nextDueMs(): number {
    return this.#ended ? Infinity : this.#schedule.nextDueMs()
  }

  catchUp(topic: TopicLog, nowMs: number): Promise<void> | undefined {
    if (this.#running !== undefined) return this.#running
    const first = this.#slice(topic, nowMs)
    if (first === 'done') return undefined
    this.#running = this.#rest(topic, nowMs, first).finally(() => (this.#running = undefined))
    return this.#running
  }

  /** New settings from now on; resolves when everything due before has been appended and they hold. */
  async retune(topic: TopicLog, travel: Travel, pace: Pace | undefined, now: () => number): Promise<void> {
    let nowMs = now()
    // Nothing may come between "everything due is planned" and the change, or a shared clock would split.
    for (let pending = this.catchUp(topic, nowMs); pending !== undefined; pending = this.catchUp(topic, nowMs)) {
      await pending
      nowMs = now()
    }
    this.#schedule.retune(travel, pace, nowMs)
    const held = this.#held
    this.#held = []
    for (const record of held) this.#append(topic, record, nowMs)
    if (held.length > 0) topic.announce()
  }

  async #rest(topic: TopicLog, nowMs: number, first: 'more' | Promise<'done' | 'more'>): Promise<void> {
    let state: 'done' | 'more' = await first
    while (state === 'more' && !topic.deleted) {
      await nextTurn()
      state = await this.#slice(topic, nowMs)
    }
  }

  #slice(topic: TopicLog, nowMs: number): 'done' | 'more' | Promise<'done' | 'more'> {
    if (this.#ended) return 'done'
    const due = this.#schedule.take(nowMs, sliceCount)
    if (due.length === 0) return 'done'
    const state = due.length < sliceCount ? 'done' : 'more'
    try {
      const made = this.#make(due)
      if (!(made instanceof Promise)) {
        this.#appendAll(topic, due, made, nowMs)
        return state
      }
      return made.then(
        rows => {
          this.#appendAll(topic, due, rows, nowMs)
          return state
        },
        error => this.#fail(error),
      )
    } catch (error) {
      return this.#fail(error)
    }
  }

  #fail(error: unknown): 'done' {
    this.#ended = true
    this.#onFailed?.(error)
    return 'done'
  }

  #appendAll(topic: TopicLog, due: readonly Due[], made: readonly (MadeRecord | undefined)[], nowMs: number): void {
    if (topic.deleted) return
    due.forEach((each, i) => {
      const record = made[i]
      if (record === undefined) return
      const value = encoder.encode(jsonOf(record.row))
      const key = record.key === null ? null : encoder.encode(record.key)
      const skew = each.pace.skew
      const partition =
        key === null && skew !== 0
          ? zipfPick(draw(each.pace.seed, this.#partitionSalt, each.index, 0), topic.partitions.length, skew)
          : undefined
      this.#append(topic, { key, value, partition, timestampMs: record.timestampMs ?? each.atMs }, nowMs)
    })
    topic.announce()
  }

  #append(topic: TopicLog, record: OutgoingRecord, nowMs: number): void {
    const partition = topic.partitionFor(record)
    if (partition === this.#schedule.travel.stall) this.#held.push({ ...record, partition })
    else topic.append({ ...record, partition }, nowMs)
  }
}

/** JSON knows no bigint; a replacer makes every row four times as slow, so only those that need one get it. */
function jsonOf(row: unknown): string {
  try {
    return JSON.stringify(row) ?? 'null'
  } catch {
    return JSON.stringify(row, (_name, value: unknown) => (typeof value === 'bigint' ? bigintJson(value) : value))
  }
}

/** Within exact numbers a number, else text. */
function bigintJson(value: bigint): number | string {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : String(value)
}
