/**
 * Embedded topics: an append-only partitioned log in memory, with the demo topics in it. It belongs to one kernel; everything
 * is synchronous but the catching up of generated topics.
 */
import { StreamError } from '../errors.ts'
import { unknownTopic } from '../connectors/nearest-names.ts'
import { GeneratedFeed } from './generated-feed.ts'
import { demoHistoryMs, demoStartMs, LogClock } from './log-clock.ts'
import { IndexClock } from './index-clock.ts'
import { Schedule } from './schedule.ts'
import { TopicLog } from './topic-log.ts'
import type { DemoTopic } from './demo/demo-topic.ts'
import type { RecordMaker } from './generated-feed.ts'
import type { Clock } from '../time/clock.ts'
import type { Travel } from './schedule.ts'
import type { Pace } from './index-clock.ts'

/** What `%%generate` may change; shares 0…1. */
export interface GeneratorTuning {
  readonly rate?: number | undefined
  readonly seed?: number | undefined
  /** Share of records held back beyond the disorder bound. */
  readonly late?: number | undefined
  readonly disorderMs?: number | undefined
  readonly duplicates?: number | undefined
  readonly stall?: number | undefined
  readonly skew?: number | undefined
  readonly partitions?: number | undefined
  readonly time?: string | undefined
}

export const defaultPartitions = 3

export class Log {
  readonly clock: LogClock
  readonly #topics = new Map<string, TopicLog>()
  readonly #demos = new Map<string, DemoTopic>()
  readonly #connection: string

  constructor(clock: Clock, options: { readonly demos?: readonly DemoTopic[]; readonly connection?: string } = {}) {
    const demos = options.demos ?? []
    this.clock = new LogClock(clock, demos.length > 0 ? demoStartMs + demoHistoryMs : undefined)
    this.#connection = options.connection ?? 'embedded'
    for (const demo of demos) this.#addDemo(demo)
  }

  names(): string[] {
    return [...this.#topics.keys()]
  }

  /** True for a topic that is there at every start of a kernel, with the same records. */
  isDemo(name: string): boolean {
    return this.#demos.has(name)
  }

  /** Throws TOPIC_UNKNOWN with the nearest names. */
  topic(name: string, action = 'read'): TopicLog {
    const topic = this.#topics.get(name)
    if (topic === undefined) throw unknownTopic(action, name, this.#connection, this.names())
    return topic
  }

  create(
    name: string,
    options: { readonly partitions: number; readonly retentionBytes?: number | undefined },
  ): TopicLog {
    if (!/^[A-Za-z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
      throw new StreamError({
        code: 'OPTION_INVALID',
        message: `Cannot create topic "${name}": a name has 1 to 249 letters, digits, ".", "_" and "-"`,
      })
    }
    if (this.#topics.has(name)) {
      throw new StreamError({
        code: 'TOPIC_EXISTS',
        message: `Cannot create topic "${name}": it exists`,
        hint: `%topic ${name}`,
      })
    }
    requireCount('partitions', options.partitions, 1, 1000)
    const topic = new TopicLog(name, options)
    this.#topics.set(name, topic)
    return topic
  }

  /** Partitions grow; a smaller retention drops the oldest segments at the next append. */
  alter(
    name: string,
    changes: { readonly partitions?: number | undefined; readonly retentionBytes?: number | undefined },
  ): void {
    const topic = this.topic(name, 'alter')
    const { partitions, retentionBytes } = changes
    if (partitions !== undefined) {
      requireCount('partitions', partitions, 1, 1000)
      if (partitions < topic.partitions.length)
        throw new StreamError({
          code: 'OPTION_INVALID',
          message: `Cannot change partitions of topic "${name}": it has ${topic.partitions.length}, they only grow, ${partitions} is asked`,
          hint: `%topics alter ${name} --partitions ${topic.partitions.length + 1}`,
        })
      topic.grow(partitions)
    }
    if (retentionBytes !== undefined) topic.keep(retentionBytes)
    topic.announce()
  }

  /** Readers of the topic fail with TOPIC_UNKNOWN. */
  delete(name: string): void {
    const topic = this.topic(name, 'delete')
    this.#topics.delete(name)
    topic.deleted = true
    topic.feed = undefined
    topic.announce()
  }

  /** Brings a generated topic up to now. */
  async catchUp(topic: TopicLog): Promise<void> {
    await topic.feed?.catchUp(topic, this.clock.nowMs())
  }

  /**
   * `%%generate`: with `make` a generator of the user's own replaces whatever filled the topic (which is created when
   * missing), without it the running one is re-tuned. Takes effect at the notebook's now.
   */
  async generate(
    name: string,
    tuning: GeneratorTuning,
    make?: RecordMaker,
    onFailed?: (error: unknown) => void,
  ): Promise<void> {
    check(tuning)
    if (make === undefined) return this.#retune(name, tuning)
    const topic = this.#topics.get(name) ?? this.create(name, { partitions: tuning.partitions ?? defaultPartitions })
    await this.catchUp(topic)
    if (tuning.partitions !== undefined) topic.grow(tuning.partitions)
    this.#requireStall(topic, tuning)
    const clock = new IndexClock(name, paceFrom({ rate: 100, seed: 1, skew: 0 }, tuning, 1), this.clock.nowMs())
    const schedule = new Schedule(name, clock, travelFrom({ disorderMs: 0, late: 0, duplicates: 0 }, tuning))
    topic.parts = { timeField: tuning.time }
    topic.feed = new GeneratedFeed(name, schedule, make, { onFailed })
    topic.announce()
  }

  async #retune(name: string, tuning: GeneratorTuning): Promise<void> {
    const topic = this.topic(name, 'generate')
    const feed = topic.feed
    if (!(feed instanceof GeneratedFeed)) {
      throw new StreamError({
        code: 'OPTION_INVALID',
        message: `Cannot re-tune topic "${name}": no generator fills it`,
        hint: `%%generate ${name} with a body: (i, random, at) => ({ ... })`,
      })
    }
    this.#requireStall(topic, tuning)
    const demo = this.#demos.get(name)
    const paced = tuning.rate !== undefined || tuning.seed !== undefined || tuning.skew !== undefined
    if (paced && demo?.follows !== undefined) {
      throw new StreamError({
        code: 'OPTION_INVALID',
        message: `Cannot set rate, seed or skew of topic "${name}": it follows topic "${demo.follows}"`,
        hint: `%%generate ${demo.follows} --rate 50`,
      })
    }
    const { clock, travel } = feed.schedule
    const pace = paced ? paceFrom(clock.pace, tuning, demo?.density ?? 1) : undefined
    await feed.retune(topic, travelFrom(travel, tuning), pace, () => this.clock.nowMs())
    if (tuning.partitions !== undefined) topic.grow(tuning.partitions)
    topic.announce()
  }

  #requireStall(topic: TopicLog, tuning: GeneratorTuning): void {
    const count = Math.max(topic.partitions.length, tuning.partitions ?? 0)
    if (tuning.partitions !== undefined && tuning.partitions < topic.partitions.length) {
      throw new StreamError({
        code: 'OPTION_INVALID',
        message: `Cannot change partitions of topic "${topic.name}": it has ${topic.partitions.length}, they only grow, ${tuning.partitions} is asked`,
      })
    }
    if (tuning.stall !== undefined) requireCount('stall', tuning.stall, 0, count - 1)
  }

  #addDemo(demo: DemoTopic): void {
    const topic = this.create(demo.name, { partitions: defaultPartitions })
    topic.parts = { description: demo.description, columns: demo.columns, timeField: demo.timeField }
    const leader = demo.follows === undefined ? undefined : this.#topics.get(demo.follows)?.feed
    const clock =
      leader instanceof GeneratedFeed
        ? leader.schedule.clock
        : new IndexClock(demo.follows ?? demo.name, { rate: demo.rate, seed: 1, skew: 0 }, demoStartMs)
    const travel = { disorderMs: 3000, late: 0.004, duplicates: 0 }
    const make: RecordMaker = due =>
      due.map(({ index, atMs, nominalMs, pace: { seed, skew } }) => demo.record({ seed, index, atMs, nominalMs, skew }))
    const schedule = new Schedule(demo.name, clock, travel, demo.delayOf)
    topic.feed = new GeneratedFeed(demo.name, schedule, make, { density: demo.density })
    this.#demos.set(demo.name, demo)
  }
}

function paceFrom(pace: Pace, tuning: GeneratorTuning, density: number): Pace {
  return {
    rate: tuning.rate === undefined ? pace.rate : tuning.rate / density,
    seed: tuning.seed ?? pace.seed,
    skew: tuning.skew ?? pace.skew,
  }
}

/** A stall is lifted by the next `%%generate` that does not name it; everything else stays until it is named. */
function travelFrom(travel: Travel, tuning: GeneratorTuning): Travel {
  return {
    disorderMs: tuning.disorderMs ?? travel.disorderMs,
    late: tuning.late ?? travel.late,
    duplicates: tuning.duplicates ?? travel.duplicates,
    stall: tuning.stall,
  }
}

function check(tuning: GeneratorTuning): void {
  if (tuning.rate !== undefined && !(tuning.rate > 0 && tuning.rate <= 100_000))
    refuse('rate', tuning.rate, 'above 0 and at most 100000 records a second')
  for (const option of ['late', 'duplicates'] as const) {
    const share = tuning[option]
    if (share !== undefined && !(share >= 0 && share <= 1)) refuse(option, share, '0% to 100%')
  }
  if (tuning.disorderMs !== undefined && !(tuning.disorderMs >= 0 && tuning.disorderMs <= 3_600_000))
    refuse('disorder', tuning.disorderMs, '0ms to 1h')
  if (tuning.skew !== undefined && !(tuning.skew >= 0 && tuning.skew <= 10)) refuse('skew', tuning.skew, '0 to 10')
  if (tuning.seed !== undefined && !Number.isSafeInteger(tuning.seed)) refuse('seed', tuning.seed, 'a whole number')
  if (tuning.partitions !== undefined) requireCount('partitions', tuning.partitions, 1, 1000)
}

function requireCount(option: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    refuse(option, value, `a whole number from ${least} to ${most}`)
}

function refuse(option: string, value: number, allowed: string): never {
  throw new StreamError({ code: 'OPTION_INVALID', message: `Cannot set ${option}: ${value} is not ${allowed}` })
}
