/**
 * Fills a topic from a schedule: what is due is turned into rows and appended in order of arrival. Rows of the demo topics
 * are made here; rows of a user's body are made by `RowMaker` on another thread, because a body may never return.
 */
import { draw, saltOf } from './random.ts'
import { Schedule } from './schedule.ts'
import { zipfPick } from './zipf.ts'
import type { OutgoingRecord } from '../connectors/connector.ts'
import type { DelayOf, Due, GeneratorSpec } from './schedule.ts'
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
    spec: GeneratorSpec,
    originMs: number,
    make: RecordMaker,
    options: {
      clockOf?: string | undefined
      delayOf?: DelayOf | undefined
      density?: number
      onFailed?: (error: unknown) => void
    } = {},
  ) {
    this.#schedule = new Schedule(spec, originMs, options)
    this.#make = make
    this.#partitionSalt = saltOf(`${spec.topic}/partition`)
    this.#density = options.density ?? 1
    this.#onFailed = options.onFailed
  }

  get spec(): GeneratorSpec {
    return this.#schedule.spec
  }

  get recordsPerSecond(): number {
    return this.#ended ? 0 : this.spec.rate * this.#density * (1 + this.spec.duplicates)
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

  /** New settings from `nowMs` on; resolves when everything due before has been appended. */
  async retune(topic: TopicLog, spec: GeneratorSpec, nowMs: number): Promise<void> {
    await this.catchUp(topic, nowMs)
    this.#schedule.retune(spec, nowMs)
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    for (const record of held) this.#append(topic, record, nowMs)
    topic.announce()
  }

  async #rest(topic: TopicLog, nowMs: number, first: 'more' | Promise<'done' | 'more'>): Promise<void> {
    let state: 'done' | 'more' = await first
    while (state === 'more' && !topic.deleted) {
      await new Promise(resolve => setImmediate(resolve))
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
      const value = encoder.encode(JSON.stringify(record.row, jsonBigint) ?? 'null')
      const key = record.key === null ? null : encoder.encode(record.key)
      const skew = each.spec.skew
      const partition =
        key === null && skew !== 0
          ? zipfPick(draw(each.spec.seed, this.#partitionSalt, each.index, 0), topic.partitions.length, skew)
          : undefined
      this.#append(topic, { key, value, partition, timestampMs: record.timestampMs ?? each.atMs }, nowMs)
    })
    topic.announce()
  }

  #append(topic: TopicLog, record: OutgoingRecord, nowMs: number): void {
    const partition = topic.partitionFor(record)
    if (partition === this.spec.stall) this.#held.push({ ...record, partition })
    else topic.append({ ...record, partition }, nowMs)
  }
}

/** JSON knows no bigint: within exact numbers a number, else text. */
function jsonBigint(_name: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : String(value)
}
