/**
 * Embedded topics: an append-only partitioned log in memory, with the demo topics in it. It belongs to one kernel; everything
 * is synchronous but the catching up of generated topics.
 */
import { StreamError } from '../errors.ts'
import { unknownTopic } from '../connectors/nearest-names.ts'
import { GeneratedFeed } from './generated-feed.ts'
import { demoHistoryMs, demoStartMs, LogClock } from './log-clock.ts'
import { TopicLog } from './topic-log.ts'
import type { DemoTopic } from './demo/demo-topic.ts'
import type { RecordMaker } from './generated-feed.ts'
import type { Clock } from '../time/clock.ts'
import type { GeneratorSpec } from './schedule.ts'

/** What `%%generate` may change; shares 0…1. */
export interface GeneratorTuning {
  readonly rate?: number | undefined
  readonly seed?: number | undefined
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
    const spec = tuned({ topic: name, seed: 1, rate: 100, disorderMs: 0, late: 0, duplicates: 0, skew: 0 }, tuning, 1)
    topic.parts = { timeField: tuning.time }
    topic.feed = new GeneratedFeed(spec, this.clock.nowMs(), make, onFailed === undefined ? {} : { onFailed })
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
    await feed.retune(topic, tuned(feed.spec, tuning, demo?.density ?? 1), this.clock.nowMs())
    if (tuning.partitions !== undefined) topic.grow(tuning.partitions)
    topic.announce()
    // Payments belong to their orders: they follow what changes the orders themselves.
    for (const other of this.#demos.values()) {
      if (other.follows !== name || !this.#topics.has(other.name)) continue
      const { rate, seed, skew } = tuning
      if (rate !== undefined || seed !== undefined || skew !== undefined)
        await this.#retune(other.name, { rate, seed, skew })
    }
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
    const spec: GeneratorSpec = {
      topic: demo.name,
      seed: 1,
      rate: demo.rate / demo.density,
      disorderMs: 3000,
      late: 0.004,
      duplicates: 0,
      skew: 0,
    }
    const make: RecordMaker = due =>
      due.map(({ index, atMs, spec: { seed, skew } }) => demo.record({ seed, index, atMs, skew }))
    topic.feed = new GeneratedFeed(spec, demoStartMs, make, {
      clockOf: demo.follows,
      delayOf: demo.delayOf,
      density: demo.density,
    })
    this.#demos.set(demo.name, demo)
  }
}

/** `--stall` and `--skew` hold until the next re-tuning names others: every `%%generate` line says all that is unusual. */
function tuned(spec: GeneratorSpec, tuning: GeneratorTuning, density: number): GeneratorSpec {
  return {
    topic: spec.topic,
    seed: tuning.seed ?? spec.seed,
    rate: tuning.rate === undefined ? spec.rate : tuning.rate / density,
    disorderMs: tuning.disorderMs ?? spec.disorderMs,
    late: tuning.late ?? spec.late,
    duplicates: tuning.duplicates ?? spec.duplicates,
    stall: tuning.stall,
    skew: tuning.skew ?? spec.skew,
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
