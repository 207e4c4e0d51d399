/**
 * The fluent API: a Stream is a plan under construction, bound to the runtime that will run it. Nothing is read before
 * somebody consumes it (`for await`, `take`, `toArray`, `chart`) or it gets a name.
 *
 * Lambdas are shipped when they are given: later changes of what they capture do not reach the stream.
 */
import type { Change, RecordMeta, Refused } from './model.ts'
import { StreamError } from './errors.ts'
import { STREAM_BRAND } from './lambdas/capture-info.ts'
import { matchOptions } from './patterns/fluent.ts'
import type { Definitions, MatchSettings, Taken } from './patterns/fluent.ts'
import type { NearMiss } from './patterns/near-miss.ts'
import type { AggregateSpec, LambdaSlot, MatchOptions, PlanNode, WindowOptions } from './plan.ts'
import type { Aggregate } from './aggregates/functions.ts'
import type { ChartOptions, MimeBundle } from './charts/protocol.ts'
import { shipGiven, shownValue } from './given.ts'
import { joinSpec } from './joins.ts'
import type { JoinBounds, JoinedRow, JoinOptions, LeftSide, RightSide } from './joins.ts'
import { asyncMapPump } from './feeds.ts'
import type { Pump } from './feeds.ts'
import { scoreOptions } from './scoring/fluent.ts'
import type { DetectorChoice, ModelScoreSettings, ScoreSettings } from './scoring/fluent.ts'
import type { Model } from './models/model.ts'
import type { Score } from './scoring/scorer.ts'
import { columnsOfRows } from './operators/columns.ts'
import { sinkOf } from './sinks/shown-sink.ts'
import type { Sink } from './sinks/shown-sink.ts'
import { defaultSinkName, targetOf } from './sinks/settings.ts'
import type { SinkSettings } from './sinks/settings.ts'
import type { RowFile } from './files.ts'
import { rememberEventTime } from './event-time-of.ts'
import { runtime } from './targets/runtime-registry.ts'
import type { RowSource, StartOptions, SubscribeOptions } from './targets/runtime.ts'
import { formatDuration, parseDuration, parsePositiveDuration } from './time/duration.ts'
import { DISPLAY } from './told.ts'
import type { CountingDefinition, Duration, OverDefinition, WindowDefinition } from './windows.ts'

/** Flattens an intersection, so that hovers show the columns of a row. */
export type Simplify<T> = { [P in keyof T]: T[P] } & {}

/** A row with its score. */
export type Scored<T> = T & { score: Score }

/** Columns every window row has beside its key and aggregates. Epoch ms, half-open. */
export interface WindowBounds {
  windowStart: number
  windowEnd: number
}

export interface Firing {
  /** `early` while the window is open, `onTime` when it closes, `late` after. */
  kind: 'early' | 'onTime' | 'late'
  /** 0, 1, … per key and window. */
  revision: number
}

export type ResultsOf<A> = { -readonly [P in keyof A]: A[P] extends Aggregate<never, infer R> ? R : never }

export type AggregatesOf<T> = Record<string, Aggregate<T, unknown>>

/** Aggregates by column name; a name that is taken is refused by the compiler. */
export type AggregatesBut<T, Taken extends PropertyKey> = AggregatesOf<T> & { readonly [P in Taken]?: never }

export interface EmitOptions {
  /** How long a closed window still takes records; each makes its row anew. Default 0. */
  readonly lateness?: Duration | undefined
  /**
   * `final` (default): one row when the window closes. `changes`: a row for each record. A duration: early rows each time the
   * watermark has passed another of it, and the final row.
   */
  readonly emit?: 'final' | 'changes' | Duration | undefined
}

type AnyWindow = WindowDefinition | CountingDefinition | OverDefinition

/** Names of the columns of a row; none when its shape is unknown. */
type ColumnNames<T> = T extends object ? (string extends keyof T ? never : keyof T) : never

/** What every stream inherits from the streams it is made of. */
export interface StreamParts {
  readonly plan: PlanNode
  readonly pumps: readonly Pump[]
  /** True when some source below has no end. */
  readonly endless: () => boolean
  readonly name?: string | undefined
}

let unnamed = 0

export class Stream<T> implements AsyncIterable<T> {
  readonly [STREAM_BRAND] = true
  private readonly parts: StreamParts
  private boundName: string | undefined
  private readonly open = new Set<RowSource>()
  /** Started under its name by this object. */
  private running = false

  /** @internal Streams are made by `topic`, `from`, `feed`, `stream` and by each other. */
  constructor(parts: StreamParts) {
    this.parts = parts
    this.boundName = parts.name
  }

  /** The name in `%streams`, `%stop`, charts and errors; undefined until it has one. */
  get name(): string | undefined {
    return this.boundName
  }

  /** What the stream computes, as plain data. */
  get plan(): PlanNode {
    return this.parts.plan
  }

  /**
   * Rows for which the lambda is true. Event time and position stay with their row.
   *
   * @throws StreamError LAMBDA_CAPTURE, LAMBDA_ASSIGNMENT
   */
  filter<S extends T>(f: (row: T, meta: RecordMeta) => row is S): Stream<S>
  filter(f: (row: T, meta: RecordMeta) => unknown): Stream<T>
  filter(f: (row: T, meta: RecordMeta) => unknown): Stream<T> {
    return this.child({ op: 'filter', input: this.input(), f: shipGiven(f, 'filter', 'o => o.amount > 0') })
  }

  /**
   * One row for each row, made by the lambda; a throwing one puts its record into `.errors()`.
   *
   * @throws StreamError LAMBDA_CAPTURE, LAMBDA_ASSIGNMENT
   */
  map<R>(f: (row: T, meta: RecordMeta) => R): Stream<R> {
    return this.child({ op: 'map', input: this.input(), f: shipGiven(f, 'map', 'o => ({ ...o, paid: true })') })
  }

  /** Any number of rows for each row. */
  flatMap<R>(f: (row: T, meta: RecordMeta) => Iterable<R>): Stream<R> {
    return this.child({ op: 'flatMap', input: this.input(), f: shipGiven(f, 'flatMap', 'o => o.lines') })
  }

  /**
   * One row for each value of the fields, of the whole row when none is named: the first one that has it. When rows may be taken back
   * and the first one is, the next one of its value takes its place. Keeps one row for each value, all rows of a changelog.
   *
   * @example
   * ```ts
   * await from([{ k: 'a', v: 1 }, { k: 'a', v: 2 }, { k: 'b', v: 3 }]).distinct('k').toArray() // v: 1 and v: 3
   * ```
   */
  distinct(...fields: readonly (keyof T & string)[]): Stream<T> {
    return this.child({ op: 'distinct', input: this.input(), by: fields })
  }

  /** All rows of both streams, in the order they come; the watermark is the lower one. */
  union<R>(other: Stream<R>): Stream<T | R> {
    const right = streamGiven(other, 'make a union', 'orders.union(refunds)').input()
    return this.with(other, { op: 'union', left: this.input(), right })
  }

  /**
   * Rows of two streams that belong together: equal in `on` and near in time (`within`, `window`), the newest row of a table
   * (`table`), the version valid at the time (`asOf`), or all that live (`ttl`). `type` says what becomes of a row without
   * partner; a pad is `null` and comes when no partner can come any more. A row whose event time is at or behind the watermark
   * of both is late: dropped and counted (a table takes all). The event time of a joined row is the later of both, of a window
   * join the end of its window − 1. Memory: the rows that wait.
   *
   * @throws StreamError OPTION_INVALID, DURATION_INVALID, LAMBDA_CAPTURE, LAMBDA_ASSIGNMENT
   * @example
   * ```ts
   * const orders = from([{ id: 1, at: 10 }, { id: 2, at: 20 }], { time: 'at' })
   * const payments = from([{ id: 1, at: 12 }], { time: 'at' })
   * await orders.join(payments, { on: 'id', within: 5, type: 'left' }, (o, p) => ({ id: o.id, paid: p?.at ?? null })).toArray()
   * // [{ id: 1, paid: 12 }, { id: 2, paid: null }]
   * ```
   */
  join<R, const O extends JoinOptions<T, R>>(other: Stream<R>, options: O): Stream<Simplify<JoinedRow<T, R, O>>>
  join<R, Out, const O extends JoinOptions<T, R>>(
    other: Stream<R>,
    options: O,
    f: (left: LeftSide<T, O>, right: RightSide<R, O>, bounds: JoinBounds) => Out,
  ): Stream<Out>
  join(other: Stream<unknown>, options: object, f?: (...args: never[]) => unknown): Stream<unknown> {
    const right = streamGiven(other, 'join', "orders.join(payments, { on: 'orderId', within: '5m' })").input()
    const spec = joinSpec(options, f)
    const joined = this.with(other, { op: 'join', left: this.input(), right, options: spec })
    if (spec.mode.kind !== 'table') return joined
    // A table alone gives nothing: the join ends with its left side.
    return new Stream<unknown>({ ...joined.parts, endless: this.parts.endless })
  }

  /**
   * The same rows, grouped: by fields, or by what a lambda gives (its column is named `key`).
   *
   * @throws StreamError OPTION_INVALID when a field is named twice
   */
  keyBy<K extends keyof T & string>(...fields: readonly [K, ...K[]]): KeyedStream<T, Pick<T, K>>
  keyBy<V>(f: (row: T, meta: RecordMeta) => V): KeyedStream<T, { key: V }>
  keyBy(...keys: readonly (string | ((row: T, meta: RecordMeta) => unknown))[]): KeyedStream<T, object> {
    const by = keys.map(key => (typeof key === 'string' ? { name: key } : { name: 'key', f: runtime().ship(key) }))
    refuseTwice(by.map(k => k.name))
    return new KeyedStream<T, object>(this, by)
  }

  /** Windows over all rows, without a key. */
  window(window: WindowDefinition, options?: EmitOptions): WindowedStream<T, object, WindowBounds>
  window(window: CountingDefinition): WindowedStream<T, object, object>
  window(window: OverDefinition): WindowedStream<T, object, T>
  window(window: AnyWindow, options: EmitOptions = {}): WindowedStream<T, object, object> {
    return new WindowedStream<T, object, object>(this, [], window, options)
  }

  /**
   * Event patterns over all events as one key; `keyBy(…).match` looks at each key for itself. A row for each match: step → the
   * events it took.
   *
   * @throws StreamError PATTERN_INVALID with `rule` and a caret, LAMBDA_CAPTURE, LAMBDA_ASSIGNMENT
   */
  match<N extends string>(
    pattern: string,
    definitions: Definitions<T, N>,
    options: MatchSettings = {},
  ): MatchStream<Taken<T, N>, T> {
    return matchStream(this, [], pattern, definitions, options)
  }

  /**
   * Each row with its score by a detector that learns from the rows before it, in the order they come: `score` is `{ value, oneIn,
   * anomalous, threshold, model, version, causes }`. With a lambda, the row it makes of event and score. Rows without a number for each
   * feature go to `.errors()`. With `keyBy` in front each key has a detector of its own.
   *
   * @throws StreamError OPTION_INVALID, LAMBDA_CAPTURE, LAMBDA_ASSIGNMENT
   */
  score<F extends keyof T & string, R = Scored<T>>(
    detector: DetectorChoice,
    settings: ScoreSettings<F>,
    f?: (event: T, score: Score) => R,
  ): Stream<R>
  /**
   * Each row with its score by a model: the mean squared error of giving the row back (autoencoder), of foretelling a field, or the one
   * number the model gives. Rows are scored many in one call and keep their order.
   */
  score<F extends keyof T & string, R = Scored<T>>(
    model: Model,
    settings?: ModelScoreSettings<F>,
    f?: (event: T, score: Score) => R,
  ): Stream<R>
  score(
    detector: DetectorChoice | Model,
    settings: ModelScoreSettings<string> = {},
    f?: (event: T, score: Score) => unknown,
  ): Stream<unknown> {
    return this.child({ op: 'score', input: this.input(), options: scoreOptions([], detector, settings, f) })
  }

  /** Records that came too late for every window of this stream, as rows. */
  late(): Stream<Refused<unknown>> {
    return this.child({ op: 'late', input: this.input() })
  }

  /** Records that could not be decoded or computed anywhere below, as rows with position and reason. */
  errors(): Stream<Refused<unknown>> {
    return this.child({ op: 'errors', input: this.input() })
  }

  /** The changelog: `{ weight: 1, row }` for a row that came, `{ weight: -1, row }` for one that is no longer true. */
  changes(): Stream<Change<T>> {
    return this.child({ op: 'changes', input: this.input() })
  }

  /**
   * The first `n` rows, awaited; fewer when the stream ends before. Reads from the topic's `--from`, with back-pressure.
   *
   * @throws StreamError OPTION_INVALID, STREAM_FAILED
   */
  async take(n: number): Promise<T[]> {
    if (!Number.isInteger(n) || n < 0) {
      throw new StreamError({
        code: 'OPTION_INVALID',
        message: `Cannot take ${n} rows: a whole number from 0 is needed`,
      })
    }
    return n === 0 ? [] : this.collect(n, {})
  }

  /** The first row; undefined when the stream ends without one. */
  async first(): Promise<T | undefined> {
    return (await this.collect(1, {}))[0]
  }

  /**
   * All rows of a stream that ends.
   *
   * @throws StreamError STREAM_ENDLESS at once when it does not, STREAM_FAILED
   */
  async toArray(): Promise<T[]> {
    if (this.parts.endless()) {
      throw new StreamError({
        code: 'STREAM_ENDLESS',
        message: `Cannot collect ${this.boundName === undefined ? 'stream' : `stream "${this.boundName}"`} into an array: it has no end`,
        hint: 'Use take(n) for the first n rows',
      })
    }
    return this.collect(Infinity, {})
  }

  /** Calls `f` for each row, one after the other, in this program; resolves at the end of the stream. A rejection ends it. */
  async forEach(f: (row: T) => unknown): Promise<void> {
    for await (const row of this) await f(row)
  }

  /**
   * Calls `f` with the rows as columns, one array per field, a batch at a time; resolves at the end of the stream. A rejection
   * ends it. The arrays belong to the call: copy what is to stay. Columns are those of the batch's first row.
   *
   * @example
   * ```ts
   * await from([{ v: 2 }, { v: 5 }]).forEachBatch(({ v }, count) => { for (let i = 0; i < count; i++) total += v[i] })
   * ```
   */
  async forEachBatch(
    f: (columns: { readonly [P in keyof T]: ArrayLike<T[P]> }, count: number) => unknown,
  ): Promise<void> {
    const source = this.subscribe({})
    try {
      for (let chunk = await source.next(); chunk !== null; chunk = await source.next()) {
        const columns = chunk.columns ?? columnsOfRows(chunk.rows)
        await f(columns as { readonly [P in keyof T]: ArrayLike<T[P]> }, chunk.count ?? chunk.eventTimesMs.length)
        chunk.release?.()
      }
      this.throwPumpFailure()
    } finally {
      await this.unsubscribe(source)
    }
  }

  /**
   * One row for each row, made by a function that runs in this program, not in the engine: it may await, fetch and use
   * sockets. At most `inFlight` calls run at a time (default 16), rows keep their order and event time. A rejection ends the
   * stream.
   */
  mapAsync<R>(f: (row: T) => R | Promise<R>, options: { readonly inFlight?: number | undefined } = {}): Stream<R> {
    const { inFlight = 16 } = options
    if (!Number.isInteger(inFlight) || inFlight < 1) {
      throw new StreamError({
        code: 'OPTION_INVALID',
        message: `Cannot run ${inFlight} calls at a time: a whole number from 1 is needed`,
      })
    }
    const id = `async-${crypto.randomUUID()}`
    const pump = asyncMapPump(id, () => this.subscribe({}), f as (row: unknown) => unknown, inFlight)
    const plan: PlanNode = { op: 'feed', id, partitions: 1, bounded: !this.parts.endless() }
    return new Stream<R>({ plan, pumps: [pump], endless: this.parts.endless })
  }

  /** Rows one by one with back-pressure: at most 10,000 rows are computed ahead. Leaving the loop ends the read. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    const source = this.subscribe({})
    try {
      for (let chunk = await source.next(); chunk !== null; chunk = await source.next()) {
        for (let i = 0; i < chunk.rows.length; i++) {
          rememberEventTime(chunk.rows[i], chunk.eventTimesMs[i] as number)
          yield chunk.rows[i] as T
        }
      }
      this.throwPumpFailure()
    } finally {
      await this.unsubscribe(source)
    }
  }

  /**
   * A live chart of the stream. Inside Jupyter it is shown where it is the last expression of a cell; elsewhere a text table
   * is printed at the end of the stream.
   */
  chart(options: ChartOptions = {}): Chart {
    const chart = new Chart(this, options)
    runtime().chart?.({ name: this.boundName, plan: this.input() }, options)
    this.beginPumps()
    return chart
  }

  /**
   * Writes the rows to a topic (`revenue-10s`, `prod:revenue-10s`), which is made when there is none, or to a `file(…)`. Each record's
   * timestamp is the event time of its row. A stream that ends is awaited until all of it is acknowledged; an endless one is written
   * from now on and goes on until its sink is stopped. A row that cannot be written is counted and left out.
   *
   * @throws StreamError OPTION_INVALID, what opening the target throws, STREAM_FAILED
   * @example
   * ```ts
   * await from([{ id: 'a', v: 1 }]).to('values', { key: 'id' }) // { name: 'rowsToValues', writtenCount: 1, refusedCount: 0 }
   * ```
   */
  async to(target: string | RowFile, settings: SinkSettings = {}): Promise<Sink> {
    const written = targetOf(target, settings)
    const bounded = !this.parts.endless()
    const name = settings.as ?? defaultSinkName(this.boundName, written)
    const working = runtime().sink(this.input(), written, { name, exact: settings.as !== undefined, bounded })
    this.beginPumps()
    try {
      const result = await working
      if (bounded) this.throwPumpFailure()
      return sinkOf(result, written, bounded)
    } finally {
      if (bounded) for (const pump of this.parts.pumps) pump.release()
    }
  }

  /** Ends the stream and every read of this object; nothing is sent afterwards. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all([...this.open].map(source => this.unsubscribe(source)))
    if (this.boundName !== undefined) await runtime().stop(this.boundName)
    if (this.running) for (const pump of this.parts.pumps) pump.release()
    this.running = false
  }

  /**
   * Ends the stream with everything it holds: nothing more is read, the watermark passes all, open windows, joins and patterns give
   * their rows, then every read of this object ends. `stop` discards what is open instead.
   */
  async drain(): Promise<void> {
    await Promise.all([...this.open].map(async source => source.drain?.()))
    if (this.boundName !== undefined) await runtime().drain(this.boundName)
  }

  /** Stops reading at a record boundary and keeps the state. */
  async pause(): Promise<void> {
    await runtime().pause(await this.started())
  }

  /** Goes on where `pause` stopped; nothing is skipped. */
  async resume(): Promise<void> {
    await runtime().resume(await this.started())
  }

  /** State, watermarks and positions as bytes: `restore` of an equal stream goes on from there. */
  async snapshot(): Promise<Uint8Array> {
    return runtime().snapshot(await this.started())
  }

  /**
   * Goes on from a snapshot of an equal stream; rows already sent are not sent again.
   *
   * @throws StreamError SNAPSHOT_INVALID
   */
  async restore(bytes: Uint8Array): Promise<void> {
    await runtime().restore(await this.started(), bytes)
  }

  /**
   * Gives the stream its name and starts it; a running stream of that name is replaced. Called by the kernel for each
   * top-level declaration; a program may call it to have the stream listed.
   */
  async bindName(name: string, options: StartOptions = {}): Promise<void> {
    await runtime().start(name, this.parts.plan, options)
    this.boundName = name
    if (!this.running) this.beginPumps()
    this.running = true
  }

  /** Rows for one consumer. The caller closes it. */
  subscribe(options: SubscribeOptions): RowSource {
    const source = runtime().subscribe(this.input(), options)
    this.open.add(source)
    this.beginPumps()
    return source
  }

  /** What a plan above this stream holds as its input: its name, once it has one. */
  input(): PlanNode {
    return this.boundName === undefined ? this.parts.plan : { op: 'stream', name: this.boundName }
  }

  /** @internal A stream computed from this one. */
  child<R>(plan: PlanNode): Stream<R> {
    return new Stream<R>(this.partsOf(plan))
  }

  /** @internal What a stream computed from this one is made of. */
  partsOf(plan: PlanNode): StreamParts {
    return { plan, pumps: this.parts.pumps, endless: this.parts.endless }
  }

  private with<R>(other: Stream<unknown>, plan: PlanNode): Stream<R> {
    const pumps = [...new Set([...this.parts.pumps, ...other.parts.pumps])]
    return new Stream<R>({ plan, pumps, endless: () => this.parts.endless() || other.parts.endless() })
  }

  async [DISPLAY](): Promise<MimeBundle> {
    const bundle = await runtime().show({ name: this.boundName, plan: this.input() })
    this.beginPumps()
    return bundle
  }

  /** @internal Somebody reads the plan of this stream: what pushes its rows begins. */
  beginPumps(): void {
    for (const pump of this.parts.pumps) pump.begin()
  }

  private throwPumpFailure(): void {
    for (const pump of this.parts.pumps) if (pump.failure !== undefined) throw pump.failure.error
  }

  private async collect(limit: number, options: SubscribeOptions): Promise<T[]> {
    const source = this.subscribe(options)
    const rows: T[] = []
    try {
      while (rows.length < limit) {
        const chunk = await source.next()
        if (chunk === null) {
          this.throwPumpFailure()
          break
        }
        for (let i = 0; i < chunk.rows.length && rows.length < limit; i++) {
          rememberEventTime(chunk.rows[i], chunk.eventTimesMs[i] as number)
          rows.push(chunk.rows[i] as T)
        }
      }
    } finally {
      await this.unsubscribe(source)
    }
    return rows
  }

  private async unsubscribe(source: RowSource): Promise<void> {
    if (this.open.delete(source)) for (const pump of this.parts.pumps) pump.release()
    await source.close()
  }

  /** @internal Its name; one that has none gets one and is started. */
  listedName(): Promise<string> {
    return this.started()
  }

  private async started(): Promise<string> {
    if (this.boundName === undefined) await this.bindName(`stream${++unnamed}`, { listed: false })
    return this.boundName as string
  }
}

/** Rows grouped by a key: what `window` and `aggregate` work on. */
export class KeyedStream<T, K> {
  private readonly stream: Stream<T>
  private readonly by: WindowOptions['by']

  /** @internal Made by `keyBy`. */
  constructor(stream: Stream<T>, by: WindowOptions['by']) {
    this.stream = stream
    this.by = by
  }

  /** Windows per key. */
  window(window: WindowDefinition, options?: EmitOptions): WindowedStream<T, K, WindowBounds>
  window(window: CountingDefinition): WindowedStream<T, K, object>
  window(window: OverDefinition): WindowedStream<T, K, T>
  window(window: AnyWindow, options: EmitOptions = {}): WindowedStream<T, K, object> {
    return new WindowedStream<T, K, object>(this.stream, this.by, window, options)
  }

  /**
   * Event patterns per key. Steps are joined by `,` (the very next event), `->` (events between are passed over) or `->>` (also
   * events that fit), counted by `? * + {n} {n,} {n,m}` (greedy; lazy with a further `?`), grouped by `( )`, told apart by `|`, ruled
   * out by `!`. Events are taken in the order of event time once the watermark has reached them; what comes behind it goes to
   * `.late()`. A row for each match: step → the events it took.
   *
   * Memory: a partial match is some 80 bytes for each event it took, the events themselves aside; `maxRuns` bounds them per key.
   *
   * @throws StreamError PATTERN_INVALID with `rule` and a caret, LAMBDA_CAPTURE, LAMBDA_ASSIGNMENT
   * @example
   * ```ts
   * await from([{ at: 1, v: 1 }, { at: 2, v: 9 }], { time: 'at' })
   *   .match('low -> high', { low: e => e.v < 5, high: (e, m) => e.v > 2 * m.low[0].v })
   *   .toArray() // [{ low: [{ at: 1, v: 1 }], high: [{ at: 2, v: 9 }] }]
   * ```
   */
  match<N extends string>(
    pattern: string,
    definitions: Definitions<T, N>,
    options: MatchSettings = {},
  ): MatchStream<Taken<T, N>, T> {
    return matchStream(this.stream, this.by, pattern, definitions, options)
  }

  /** Scores per key: each has a detector of its own, which learns from its rows alone. */
  score<F extends keyof T & string, R = Scored<T>>(
    detector: DetectorChoice,
    settings: ScoreSettings<F>,
    f?: (event: T, score: Score) => R,
  ): Stream<R>
  /** Scores by one model for all keys; how rare a score is, is told for each key by itself. */
  score<F extends keyof T & string, R = Scored<T>>(
    model: Model,
    settings?: ModelScoreSettings<F>,
    f?: (event: T, score: Score) => R,
  ): Stream<R>
  score(
    detector: DetectorChoice | Model,
    settings: ModelScoreSettings<string> = {},
    f?: (event: T, score: Score) => unknown,
  ): Stream<unknown> {
    const options = scoreOptions(this.by, detector, settings, f)
    return this.stream.child({ op: 'score', input: this.stream.input(), options })
  }

  /**
   * A running aggregate: one row per record with the state of its key so far. Time plays no part. Memory grows with the
   * number of keys.
   */
  aggregate<A extends AggregatesBut<T, keyof K | keyof Firing>>(
    aggregates: A,
  ): Stream<Simplify<K & ResultsOf<A> & Firing>> {
    const options: WindowOptions = {
      by: this.by,
      aggregates: namedAggregates(aggregates, this.by, false),
      latenessMs: 0,
      emit: 'changes',
    }
    return this.stream.child({ op: 'window', input: this.stream.input(), options })
  }
}

/** Matches of a pattern: a row each, step → the events it took, oldest first. */
export class MatchStream<M, T> extends Stream<M> {
  private readonly outputOf: <R>(output: MatchOptions['output']) => Stream<R>

  /** @internal Made by `match`. */
  constructor(parts: StreamParts, outputOf: <R>(output: MatchOptions['output']) => Stream<R>) {
    super(parts)
    this.outputOf = outputOf
  }

  /** One row for each match, made by the lambda. */
  select<R>(f: (match: M) => R): Stream<R> {
    return this.map(f)
  }

  /** Partial matches that ran out of time; `timeoutMs` is when. */
  timeouts(): Stream<{ match: M; timeoutMs: number }> {
    return this.outputOf('timeouts')
  }

  /** Partial matches that came to nothing, with what they waited for and the event and condition that ended them. */
  nearMisses(): Stream<NearMiss<M, T>> {
    return this.outputOf('nearMisses')
  }
}

function matchStream<T, N extends string>(
  stream: Stream<T>,
  by: WindowOptions['by'],
  pattern: string,
  definitions: Definitions<T, N>,
  settings: MatchSettings,
): MatchStream<Taken<T, N>, T> {
  const options = matchOptions(by, pattern, definitions, settings)
  const plan = (output: MatchOptions['output']): PlanNode => ({
    op: 'match',
    input: stream.input(),
    options: { ...options, output },
  })
  return new MatchStream<Taken<T, N>, T>(stream.partsOf(plan('matches')), <R>(output: MatchOptions['output']) =>
    stream.child<R>(plan(output)),
  )
}

/** Windows waiting for their aggregates. */
export class WindowedStream<T, K, Bounds = WindowBounds> {
  private readonly stream: Stream<T>
  private readonly by: WindowOptions['by']
  private readonly definition: AnyWindow
  private readonly latenessMs: number
  private readonly emit: WindowOptions['emit']

  /** @internal Made by `window`. */
  constructor(stream: Stream<T>, by: WindowOptions['by'], definition: AnyWindow, options: EmitOptions) {
    this.stream = stream
    this.by = by
    this.definition = definition
    this.latenessMs = latenessOf(options.lateness ?? 0)
    const { emit = 'final' } = options
    this.emit =
      emit === 'final' || emit === 'changes' ? emit : { everyMs: parsePositiveDuration(emit, 'emit interval') }
  }

  /**
   * One row per key and window: key fields, `windowStart`, `windowEnd` (epoch ms, half-open), the aggregates, `kind` and
   * `revision`. A window closes when the watermark reaches its end − 1; at the end of a bounded stream all close. Rows of one
   * firing are sorted by end, then key; their event time is windowEnd − 1. Memory: a few numbers per key and open window.
   *
   * @throws StreamError OPTION_INVALID when a name is used twice
   * @example
   * ```ts
   * const rows = await from([{ at: 1, v: 2 }, { at: 4, v: 5 }], { time: 'at' })
   *   .window(tumbling(10))
   *   .aggregate({ total: sum('v') })
   *   .toArray()
   * // [{ windowStart: 0, windowEnd: 10, total: 7, kind: 'onTime', revision: 0 }]
   * ```
   */
  aggregate<A extends AggregatesBut<T, keyof K | ColumnNames<Bounds> | keyof Firing>>(
    aggregates: A,
  ): Stream<Simplify<K & Bounds & ResultsOf<A> & Firing>> {
    const options: WindowOptions = {
      window: this.definition.spec,
      by: this.by,
      aggregates: namedAggregates(aggregates, this.by, !['counting', 'over'].includes(this.definition.spec.kind)),
      latenessMs: this.latenessMs,
      emit: this.emit,
    }
    return this.stream.child({ op: 'window', input: this.stream.input(), options })
  }
}

/** What a chart needs of its stream, whatever its rows are. */
export type Charted = Pick<Stream<unknown>, 'name' | 'input'>

/** A chart to show: `[Symbol.for('Jupyter.display')]` gives its bundle. */
export class Chart {
  readonly stream: Charted
  readonly options: ChartOptions

  /** @internal Made by `chart`. */
  constructor(stream: Charted, options: ChartOptions) {
    this.stream = stream
    this.options = options
  }

  async [DISPLAY](): Promise<MimeBundle> {
    return runtime().show({ name: this.stream.name, plan: this.stream.input() }, this.options)
  }
}

function streamGiven(other: unknown, action: string, example: string): Stream<unknown> {
  if (typeof other === 'object' && other !== null && STREAM_BRAND in other) return other as Stream<unknown>
  const rows = Array.isArray(other) ? '; from(rows) makes one' : ''
  const keyed = other instanceof KeyedStream ? '; the other side is not grouped' : ''
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot ${action} with ${shownValue(other)}: a stream is needed${rows}${keyed}`,
    hint: `Write for example ${example}`,
  })
}

function namedAggregates(
  aggregates: Readonly<Record<string, Aggregate<never, unknown>>>,
  by: WindowOptions['by'],
  bounds: boolean,
): WindowOptions['aggregates'] {
  const named = Object.entries(aggregates).map(([name, aggregate]) => ({
    name,
    aggregate: specOf(checked(name, aggregate)),
  }))
  const taken = [...by.map(k => k.name), ...(bounds ? ['windowStart', 'windowEnd'] : []), 'kind', 'revision']
  refuseTwice([...taken, ...named.map(a => a.name)])
  return named
}

function checked(name: string, aggregate: unknown): Aggregate<never, unknown> {
  if (typeof aggregate === 'object' && aggregate !== null && 'kind' in aggregate)
    return aggregate as Aggregate<never, unknown>
  const shown = typeof aggregate === 'function' ? 'a function' : (JSON.stringify(aggregate) ?? String(aggregate))
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot compute column "${name}": ${shown.slice(0, 60)} is no aggregate`,
    hint: `Write for example ${name}: count() or ${name}: sum('amount')`,
  })
}

/** An aggregate as plain data: its lambdas are shipped. */
function specOf({ kind, value, options = {} }: Aggregate<never, unknown>): AggregateSpec {
  const { functions, tie, ...rest } = options
  return {
    kind,
    value: shipped(value),
    ...rest,
    ...(tie === undefined ? {} : { tie: shipped(tie) }),
    ...(functions === undefined ? {} : { functions: shippedFunctions(functions) }),
  }
}

function shipped<V>(value: V): V | LambdaSlot {
  return typeof value === 'function' ? runtime().ship(value as unknown as () => unknown) : value
}

function shippedFunctions(functions: Readonly<Record<string, unknown>>): AggregateSpec['functions'] {
  const entries = Object.entries(functions).filter(([, f]) => f !== undefined)
  // `aggregate` has checked that init, add and merge are there.
  return Object.fromEntries(entries.map(([name, f]) => [name, shipped(f)])) as unknown as AggregateSpec['functions']
}

function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice === undefined) return
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot make rows with two columns "${twice}"`,
    hint: 'Give the aggregate another name',
  })
}

function latenessOf(lateness: Duration): number {
  const ms = parseDuration(lateness, 'lateness')
  if (ms >= 0) return ms
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot use lateness "${formatDuration(ms)}": it must not be negative`,
  })
}
