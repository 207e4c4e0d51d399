/**
 * A plan at work. Events of its sources go in one by one, rows come out; nothing else enters, so the same events give the same
 * rows on any machine, however they are cut into batches.
 *
 *   SourceEvent ─1 decode─▶ rows ─2 event time─▶ ─3 watermark─▶ Batch ─4 operators─▶ Batch ─6 output─▶ onOutput
 *                  └────────────┴──────────────────────────────────────┴─▶ 5 side outputs: late, errors
 *
 * Phases 1 to 3 live in operators/source.ts, phase 4 in one file per operator, phase 5 in operators/refusals.ts. A push is
 * synchronous; whoever calls it owns the thread, the clock and the back-pressure (targets/local.ts, the compute worker).
 */
import type { Batch, EnvelopeBatch, LateRecord, Refused, SourceEvent, StreamState, StreamTime } from './model.ts'
import { StreamError } from './errors.ts'
import type { ScoringModel } from './models/open-models.ts'
import type { StreamErrorParts } from './errors.ts'
import type { FeedNode, PlanNode, TopicNode, WindowSpec } from './plan.ts'
import type { RowChunk } from './targets/runtime.ts'
import { buildOperator } from './operators/build.ts'
import { buildJoin } from './operators/joins/build.ts'
import type { JoinHost } from './operators/joins/build.ts'
import type { TwoInputOperator } from './operators/joins/two-inputs.ts'
import type { JoinView } from './join-view.ts'
import { Union } from './operators/joins/union.ts'
import type { ScoreModelOperator } from './operators/score-model.ts'
import { passTombstones } from './operators/tombstone.ts'
import { lambdaOf } from './operators/lambda.ts'
import { MatchOperator } from './operators/match.ts'
import { parsePattern } from './patterns/parse.ts'
import type { PatternView } from './patterns/view.ts'
import type { Operator, Provisional, StageContext } from './operators/operator.ts'
import { Collector, failureOf, Refusals, Stage } from './operators/refusals.ts'
import { singles } from './operators/singles.ts'
import { partsOf } from './operators/columns.ts'
import { SourceStage } from './operators/source.ts'
import { bytesOf, stateOf } from './state/snapshot-bytes.ts'
import { StateLimit } from './state/state-limit.ts'
import type { Weighed } from './state/state-limit.ts'
import { stepText } from './targets/outline.ts'
import { withRows } from './targets/slices.ts'
import type { Decoded } from './operators/source.ts'

export type { Decoded } from './operators/source.ts'

export interface PipelineHost extends JoinHost {
  /** All operators together may hold so much; default `RIFFLE_STATE_LIMIT`, else 1 GB. */
  readonly stateLimitBytes?: number | undefined
  /** `source`: its place in `sources`. */
  decode(batch: EnvelopeBatch, node: TopicNode, source: number): Decoded
  /** The open model of that name; absent until `setModel`. */
  model?(name: string): ScoringModel | undefined
  /** Called within `push`, zero or more times, in order; never with an empty batch. */
  onOutput(batch: Batch): void
  /** Told once each: an event time that looks like seconds. */
  onNotice?(text: string): void
}

/** Rows handed out at a time when they are made of columns: those of a large firing need not all be there at once. */
const OUTPUT_ROWS = 16_384

/** Dropped records that a ruler of windows shows. */
const LATE_SHOWN = 20

/** Counters of a pipeline; rates, lag and pausing are its driver's. */
export interface PipelineStats {
  readonly state: StreamState
  readonly recordCount: number
  readonly rowCount: number
  /** Of the result; null while unknown. Keeps the last finite value at the end. */
  readonly watermarkMs: number | null
  readonly lateCount: number
  readonly droppedCount: number
  readonly errorCount: number
  readonly stateBytes: number
  /** As in StreamStats. */
  readonly waitingCount?: number | undefined
  /** Where the sources stand in event time, and the newest dropped records. */
  readonly time: StreamTime
  readonly pattern?: PatternView | undefined
  /** The join that gives the result, while somebody looks. */
  readonly join?: JoinView | undefined
  readonly error?: StreamErrorParts | undefined
}

export interface Pipeline {
  /** What to push: `push(i, event)` is for `sources[i]`. */
  readonly sources: readonly (TopicNode | FeedNode)[]
  /** Sources below a table, in the order of `sources`: what is there already is to be handled before the other sources begin. */
  readonly tables: readonly boolean[]
  readonly state: 'running' | 'ended' | 'failed'
  readonly error: StreamErrorParts | undefined
  /** The newest refused records, at most 100; in order for each stage. */
  readonly lateRows: readonly Refused[]
  readonly errors: readonly Refused[]
  /** Handles one event to its end. Ignored once ended or failed. Never throws for a record's or a lambda's sake. */
  push(source: number, event: SourceEvent): void
  /**
   * `push` up to its first pause: a firing of many rows comes in pieces. True: there is more of it, and other work may have its
   * turn before `goOn`. Whatever is asked of the pipeline meanwhile but counters and provisional rows finishes it first.
   */
  begin(source: number, event: SourceEvent): boolean
  /** The next piece of what `begin` left; true while there is more. */
  goOn(): boolean
  /** Somebody looks at the join that gives the result, or nobody does any more: its rows are followed or not. Without one nothing. */
  watchJoin(on: boolean): void
  /** Rows from now on are scored by this model. @throws StreamError MODEL_INVALID when it does not fit */
  setModel(model: ScoringModel): void
  stats(): PipelineStats
  /** Next offsets of a source by partition. */
  positions(source: number): Map<number, bigint>
  /** Rows of windows still open, in the shape of output rows; empty when the result has none. */
  provisional(limit?: number): RowChunk
  /** Everything needed to go on elsewhere: state, watermarks, positions, counters. */
  snapshot(): Uint8Array
  /**
   * `snapshot` with pauses for other work. At a pause that says `still` nothing may be pushed; from the first that says `moving` on
   * records may go on coming, as long as nobody changes rows that were given out: what is written is as it was at the call.
   */
  snapshotInSteps(): Generator<Pause, Uint8Array>
  /** @throws StreamError SNAPSHOT_INVALID when the snapshot is of another plan */
  restore(bytes: Uint8Array): void
}

export type Pause = 'still' | 'moving'

const SNAPSHOT_VERSION = 5

interface PipelineSnapshot {
  readonly version: number
  readonly shape: string
  readonly sources: readonly unknown[]
  readonly sourceStages: readonly unknown[]
  /** Undefined for those in pieces. */
  readonly operators: readonly unknown[]
  readonly stages: readonly unknown[]
  readonly counters: Refusals['counters']
  readonly late: Refused[]
  readonly errors: Refused[]
  readonly rowCount: number
  readonly watermarkMs: number
  readonly state: 'running' | 'ended' | 'failed'
  readonly error: StreamErrorParts | undefined
}

/** With operators whose state was written while records went on coming. */
interface SnapshotInPieces {
  readonly version: number
  /** The rest: a `PipelineSnapshot`. */
  readonly rest: Uint8Array
  /** By operator. */
  readonly pieces: readonly unknown[]
}

const SILENT: StageContext = { drop() {}, tookLate() {}, refuse() {}, threw() {}, passed() {} }

type Next = (batch: Batch) => void

/** What a node is told by those below it. */
interface Way {
  /** Side streams that want what is refused on the way. */
  readonly late: readonly Collector[]
  readonly errors: readonly Collector[]
  /** Ends in a table: its sources are read up to now before the others begin. */
  readonly table: boolean
  /** Null values are taken below, as deletions. */
  readonly tombstones: boolean
  /** The longest window on the way, 0 without one. */
  readonly windowMs: number
}

interface SourceEntry {
  readonly stage: SourceStage
  readonly context: Stage
  readonly next: Next
}

const PLAIN: Way = { late: [], errors: [], table: false, tombstones: false, windowMs: 0 }

/** Operators between the last window and the result: what provisional rows pass through. */
interface Tail {
  window: Provisional | undefined
  after: Operator[]
}

/**
 * Makes a plan ready to run. The plan holds no `stream` node any more (targets/resolve.ts); lambdas are revived once, here.
 *
 * @throws what reviving a lambda throws
 */
export function buildPipeline(plan: PlanNode, host: PipelineHost): Pipeline {
  return new RunningPipeline(plan, host)
}

class RunningPipeline implements Pipeline {
  readonly sources: (TopicNode | FeedNode)[] = []
  readonly tables: boolean[] = []
  state: 'running' | 'ended' | 'failed' = 'running'
  error: StreamErrorParts | undefined
  private readonly host: PipelineHost
  private readonly shape: string
  private readonly refusals = new Refusals()
  private readonly sourceStages: SourceEntry[] = []
  private readonly operators: {
    readonly node: PlanNode
    readonly operator: Operator | TwoInputOperator
    readonly context: Stage
  }[] = []
  private readonly weighed: Weighed[] = []
  private readonly stateLimit: StateLimit
  private pattern: MatchOperator | undefined
  private join: TwoInputOperator | undefined
  private readonly tail: Tail = { window: undefined, after: [] }
  private rowCount = 0
  private watermarkMs = -Infinity
  private inTail = true
  private over = false
  /**
   * Refused records of several stages meet in one `.late()` or `.errors()` stream: a batch would give them in the order of the
   * stages, and the order would depend on where it was cut.
   */
  private oneByOne = false
  /** The event at work, and what operators have left of it: the last one goes on first, being nearest to the result. */
  private coming: { readonly entry: SourceEntry; readonly events: readonly SourceEvent[]; next: number } | undefined
  private rest: (() => void)[] = []

  constructor(plan: PlanNode, host: PipelineHost) {
    this.host = host
    this.stateLimit = new StateLimit(host.stateLimitBytes)
    this.shape = shapeOf(plan)
    this.build(plan, batch => this.output(batch), PLAIN)
    for (const { node, operator } of this.operators) this.weighed.push(weighedOf(node, operator))
  }

  get lateRows(): readonly Refused[] {
    return this.refusals.late
  }

  get errors(): readonly Refused[] {
    return this.refusals.errors
  }

  push(source: number, event: SourceEvent): void {
    for (let more = this.begin(source, event); more;) more = this.goOn()
  }

  begin(source: number, event: SourceEvent): boolean {
    this.finish()
    if (this.state !== 'running') return false
    const entry = this.sourceStages[source]
    if (entry === undefined)
      throw new StreamError({
        code: 'INTERNAL',
        message: `Cannot push to source ${source}: plan has ${this.sources.length}`,
      })
    // The record that ends a source's idleness stands alone, so that cuts do not decide who is judged before it counts.
    const wakes = this.sources.length > 1 && entry.stage.idle
    const whole = event.kind === 'rows' ? withRows(event) : event
    this.coming = { entry, events: this.oneByOne || wakes ? singles(whole) : [whole], next: 0 }
    return this.goOn()
  }

  goOn(): boolean {
    const { coming } = this
    if (coming === undefined) return false
    try {
      this.rest.pop()?.()
      while (this.rest.length === 0) {
        const event = coming.events[coming.next++]
        if (event === undefined) {
          this.coming = undefined
          this.stateLimit.check(this.recordCount(), this.weighed)
          if (this.over || this.sourceStages.every(s => s.stage.ended)) this.state = 'ended'
          return false
        }
        coming.entry.next(coming.entry.stage.handle(event))
      }
      return true
    } catch (error) {
      this.coming = undefined
      this.rest = []
      this.state = 'failed'
      this.error = failureOf(error)
      return false
    }
  }

  /** What stands between two events: snapshots, and the event after. */
  private finish(): void {
    while (this.goOn());
  }

  watchJoin(on: boolean): void {
    this.join?.watch?.(on)
  }

  setModel(model: ScoringModel): void {
    for (const { operator } of this.operators)
      if ('setModel' in operator) (operator as ScoreModelOperator).setModel(model)
  }

  stats(): PipelineStats {
    let stateBytes = 0
    let waitingCount: number | undefined
    for (const { operator } of this.operators) {
      stateBytes += operator.stateBytes()
      const waiting = 'waitingCount' in operator ? operator.waitingCount?.() : undefined
      if (waiting !== undefined) waitingCount = (waitingCount ?? 0) + waiting
    }
    return {
      state: this.state,
      recordCount: this.recordCount(),
      rowCount: this.rowCount,
      watermarkMs: this.watermarkMs === -Infinity ? null : this.watermarkMs,
      ...this.refusals.counters,
      stateBytes,
      waitingCount,
      time: { sources: this.sourceStages.map(({ stage }) => stage.partitionTimes()), late: this.newestLate() },
      pattern: this.pattern?.patternView(),
      join: this.join?.view?.(),
      error: this.error,
    }
  }

  private recordCount(): number {
    let recordCount = 0
    for (const { stage } of this.sourceStages) recordCount += stage.recordCount
    return recordCount
  }

  private newestLate(): LateRecord[] {
    return this.refusals.late.slice(-LATE_SHOWN).map(({ eventTimeMs, partition, offset, reason }) => ({
      eventTimeMs,
      partition,
      offset: String(offset),
      reason,
    }))
  }

  positions(source: number): Map<number, bigint> {
    return this.sourceStages[source]?.stage.positions() ?? new Map()
  }

  provisional(limit = 10_000): RowChunk {
    const { window, after } = this.tail
    if (window === undefined || this.state !== 'running') return { rows: [], eventTimesMs: new Float64Array(0) }
    let batch = window.provisional(limit)
    for (const operator of after) batch = operator.onBatch(batch)
    return { rows: batch.rows, eventTimesMs: batch.eventTimesMs }
  }

  snapshot(): Uint8Array {
    const steps = this.snapshotInSteps()
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
    }
  }

  *snapshotInSteps(): Generator<Pause, Uint8Array> {
    this.finish()
    const begun = this.operators.map(({ operator }) =>
      'beginSnapshot' in operator ? operator.beginSnapshot() : undefined,
    )
    const snapshot: PipelineSnapshot = {
      version: SNAPSHOT_VERSION,
      shape: this.shape,
      sources: this.sourceStages.map(s => s.stage.snapshot()),
      sourceStages: this.sourceStages.map(s => s.context.snapshot()),
      operators: this.operators.map(({ operator }) => ('beginSnapshot' in operator ? undefined : operator.snapshot())),
      stages: this.operators.map(o => o.context.snapshot()),
      counters: { ...this.refusals.counters },
      late: this.refusals.late,
      errors: this.refusals.errors,
      rowCount: this.rowCount,
      watermarkMs: this.watermarkMs,
      state: this.state,
      error: this.error,
    }
    // What shares memory with the operators at work is turned into bytes before they go on.
    const rest = yield* pausing(bytesOf(snapshot), 'still')
    if (begun.every(steps => steps === undefined)) return rest
    const pieces: unknown[] = []
    for (const steps of begun) pieces.push(steps === undefined ? undefined : yield* pausing(steps, 'moving'))
    const whole: SnapshotInPieces = { version: SNAPSHOT_VERSION, rest, pieces }
    return yield* pausing(bytesOf(whole), 'moving')
  }

  restore(bytes: Uint8Array): void {
    const s = readSnapshot(bytes)
    if (s.shape !== this.shape) {
      throw new StreamError({
        code: 'SNAPSHOT_INVALID',
        message: 'Cannot restore stream: the snapshot is of another plan',
        detail: `Snapshot of ${s.shape}, stream is ${this.shape}`,
        hint: 'Restore into a stream made by the same cell',
      })
    }
    this.finish()
    s.sources.forEach((state, i) => this.sourceStages[i]?.stage.restore(state))
    s.sourceStages.forEach((state, i) => this.sourceStages[i]?.context.restore(state))
    s.operators.forEach((state, i) => this.operators[i]?.operator.restore(state))
    s.stages.forEach((state, i) => this.operators[i]?.context.restore(state))
    this.refusals.counters = { ...s.counters }
    this.refusals.late = s.late.slice()
    this.refusals.errors = s.errors.slice()
    this.rowCount = s.rowCount
    this.watermarkMs = s.watermarkMs
    this.state = s.state
    this.error = s.error
  }

  /** Builds what stands above `next`, result first. */
  private build(node: PlanNode, next: Next, way: Way): void {
    switch (node.op) {
      case 'topic':
      case 'feed':
        this.buildSource(node, next, way)
        return
      case 'stream':
        throw new StreamError({ code: 'STREAM_UNKNOWN', message: `Cannot run stream: "${node.name}" was not resolved` })
      case 'late':
      case 'errors': {
        this.inTail = false
        const sink = new Collector()
        const isLate = node.op === 'late'
        if (refusingStages(node.input, isLate) > 1) this.oneByOne = true
        this.build(node.input, batch => next(withIdle(sink.take(batch.watermarkMs), batch)), {
          late: isLate ? [...way.late, sink] : way.late,
          errors: isLate ? way.errors : [...way.errors, sink],
          table: false,
          tombstones: false,
          windowMs: way.windowMs,
        })
        return
      }
      case 'join':
      case 'union': {
        const gives = this.inTail && this.tail.after.length === 0
        this.inTail = false
        const context = new Stage(this.refusals, way.late, way.errors, text => this.host.onNotice?.(text))
        const operator = node.op === 'union' ? new Union() : buildJoin(node, this.host, context)
        const mode = node.op === 'join' ? node.options.mode.kind : undefined
        if (mode !== 'window') context.lateReason = 'at or behind the watermark of both sides: its partners may be gone'
        if (gives && node.op === 'join') this.join = operator
        this.build(node.left, batch => next(operator.onInput(0, batch)), { ...way, tombstones: false })
        this.build(node.right, batch => next(operator.onInput(1, batch)), {
          ...way,
          table: way.table || mode === 'table',
          tombstones: mode === 'table' || mode === 'asOf',
        })
        this.operators.push({ node, operator, context })
        return
      }
      default: {
        const context = new Stage(this.refusals, way.late, way.errors, text => this.host.onNotice?.(text))
        const steps = node.op === 'filter' || node.op === 'map'
        const host = way.tombstones && steps ? passTombstones(this.host, node.op === 'filter') : this.host
        const operator = buildOperator(node, host, context)
        // The pattern nearest to the result.
        if (operator instanceof MatchOperator) this.pattern ??= operator
        this.noteTail(node, operator)
        if (node.op === 'match' && parsePattern(node.options.pattern).canBeEmpty)
          this.host.onNotice?.(`The pattern ${node.options.pattern} can match nothing; an empty match is never given`)
        const windowMs = Math.max(way.windowMs, node.op === 'window' ? spanOf(node.options.window) : 0)
        const above = steps ? way : { ...way, tombstones: false, windowMs }
        const give = (out: Batch, input: Batch): void => {
          const unfinished = operator.unfinished === true
          if (unfinished) this.rest.push(() => give(operator.goOn?.() ?? out, input))
          next(unfinished ? out : withIdle(out, input))
        }
        this.build(node.input, batch => give(run(operator, batch), batch), above)
        this.operators.push({ node, operator, context })
      }
    }
  }

  private buildSource(node: TopicNode | FeedNode, next: Next, way: Way): void {
    const context = new Stage(this.refusals, way.late, way.errors, text => this.host.onNotice?.(text))
    const slot = node.op === 'feed' && typeof node.time !== 'string' ? node.time : undefined
    const source = this.sources.length
    const stage = new SourceStage({
      node,
      timeLambda: slot === undefined ? undefined : lambdaOf(slot, this.host),
      decode: batch => {
        if (node.op !== 'topic')
          throw new StreamError({ code: 'INTERNAL', message: 'Cannot decode: a feed takes rows' })
        return this.host.decode(batch, node, source)
      },
      stage: context,
      notice: text => this.host.onNotice?.(text),
      tombstones: way.tombstones,
    })
    this.sources.push(node.op === 'topic' && way.windowMs > 0 ? { ...node, windowMs: way.windowMs } : node)
    this.tables.push(way.table)
    this.sourceStages.push({ stage, context, next })
  }

  /** Remembers the window nearest to the result when only map and filter stand between. */
  private noteTail(node: PlanNode, operator: Operator): void {
    if (!this.inTail) return
    // Operators of their own: looking at open windows must not count anything.
    if (node.op === 'map' || node.op === 'filter' || node.op === 'flatMap')
      this.tail.after.unshift(buildOperator(node, this.host, SILENT))
    else {
      this.inTail = false
      if ('provisional' in operator) this.tail.window = operator as Operator & Provisional
    }
  }

  private output(batch: Batch): void {
    // A join with a table is over with its left side: the table alone gives nothing.
    if (batch.watermarkMs === Infinity && this.tables.includes(true)) this.over = true
    if (Number.isFinite(batch.watermarkMs)) this.watermarkMs = batch.watermarkMs
    if (batch.count === 0) return
    this.rowCount += batch.count
    if (batch.columns === undefined || batch.count <= OUTPUT_ROWS) this.host.onOutput(batch)
    else for (const part of partsOf(batch, OUTPUT_ROWS)) this.host.onOutput(part)
  }
}

/** How far back a window looks, as far as its definition tells. */
function spanOf(window: WindowSpec | undefined): number {
  if (window === undefined) return 0
  if (window.kind === 'cumulating') return window.maxSizeMs
  return 'sizeMs' in window ? (window.sizeMs ?? 0) : 0
}

function weighedOf(node: PlanNode, operator: Operator | TwoInputOperator): Weighed {
  const wayOut =
    node.op === 'join'
      ? 'Join within a shorter time or on a key with more values'
      : node.op === 'window' && node.options.window === undefined
        ? 'Use a key with fewer values, or a window that closes'
        : 'Use a key with fewer values, a shorter window or less lateness'
  return {
    title: stepText(node),
    wayOut,
    stateBytes: () => operator.stateBytes(),
    keyCount: () => ('keyCount' in operator ? operator.keyCount?.() : undefined),
  }
}

/** Stages below that may report to one side stream: windows drop late records, sources and lambdas refuse broken ones. */
function refusingStages(node: PlanNode, late: boolean): number {
  if (node.op === 'topic' || node.op === 'feed') return late ? 0 : 1
  if (node.op === 'stream') return 0
  if (node.op === 'join' || node.op === 'union')
    return refusingStages(node.left, late) + refusingStages(node.right, late) + 1
  const own = late
    ? (node.op === 'window' && node.options.window !== undefined) || node.op === 'match'
    : node.op !== 'changes'
  return refusingStages(node.input, late) + (own ? 1 : 0)
}

function run(operator: Operator, batch: Batch): Batch {
  if (batch.count > 0) return operator.onBatch(batch)
  return batch.watermarkMs === Infinity ? operator.onEnd() : operator.onWatermark(batch.watermarkMs)
}

/** A step passes on whether its input takes part in the time. */
function withIdle(batch: Batch, input: Batch): Batch {
  if (input.resumed === true) return { ...batch, resumed: true }
  return input.idle === true && batch.idle !== true ? { ...batch, idle: true } : batch
}

function* pausing<T>(steps: Generator<undefined, T>, pause: Pause): Generator<Pause, T> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    yield pause
  }
}

function readSnapshot(bytes: Uint8Array): PipelineSnapshot {
  const whole = readState(bytes) as PipelineSnapshot | SnapshotInPieces | null
  if (whole?.version !== SNAPSHOT_VERSION)
    throw new StreamError({
      code: 'SNAPSHOT_INVALID',
      message: `Cannot restore stream: the snapshot is of version ${whole?.version ?? 'none'}, this Riffle reads version ${SNAPSHOT_VERSION}`,
      hint: 'It is of another release: run the cell of the stream again, it begins anew',
    })
  if (!('pieces' in whole)) return whole
  const rest = readState(whole.rest) as PipelineSnapshot
  return { ...rest, operators: rest.operators.map((operator, i) => operator ?? whole.pieces[i]) }
}

function readState(bytes: Uint8Array): unknown {
  try {
    return stateOf(bytes)
  } catch (cause) {
    throw new StreamError({
      code: 'SNAPSHOT_INVALID',
      message: 'Cannot restore stream: the bytes are no snapshot',
      cause,
    })
  }
}

/** What must be equal for a snapshot to fit: operators and their options, not the lambdas' text. */
function shapeOf(node: PlanNode): string {
  switch (node.op) {
    case 'topic':
      return `topic(${node.connection}:${node.topic})`
    case 'feed':
      return `feed(${node.partitions})`
    case 'stream':
      return `stream(${node.name})`
    case 'window': {
      const { by, aggregates, latenessMs, emit, window } = node.options
      const parts = [
        window ?? null,
        by.map(k => k.name),
        aggregates.map(a => [a.name, a.aggregate.kind]),
        latenessMs,
        emit,
      ]
      return `${shapeOf(node.input)}>window${JSON.stringify(parts)}`
    }
    case 'match': {
      const { by, pattern, withinMs, skip, output } = node.options
      return `${shapeOf(node.input)}>match${JSON.stringify([by.map(k => k.name), pattern, withinMs, skip, output])}`
    }
    case 'score': {
      const { by, detector, features, warmUp, seed, period, episode } = node.options
      const parts = [by.map(k => k.name), detector, features, warmUp, seed, period, episode]
      return `${shapeOf(node.input)}>score${JSON.stringify(parts)}`
    }
    case 'join': {
      const { mode, type, on } = node.options
      const parts = [mode, type, on.length]
      return `(${shapeOf(node.left)},${shapeOf(node.right)})>join${JSON.stringify(parts)}`
    }
    case 'union':
      return `(${shapeOf(node.left)},${shapeOf(node.right)})>union`
    case 'distinct':
      return `${shapeOf(node.input)}>distinct${JSON.stringify(node.by)}`
    default:
      return `${shapeOf(node.input)}>${node.op}`
  }
}
