/**
 * One stream inside the compute worker: its pipeline, its lambdas, its charts' taps and the newest rows for charts that come
 * late. Events that arrive while imports are loaded wait their turn.
 */
import { StreamError } from '../../stream/errors.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import type { Batch } from '../../stream/model.ts'
import { buildPipeline } from '../../stream/pipeline.ts'
import type { Pause, Pipeline } from '../../stream/pipeline.ts'
import { OpenModels } from '../../stream/models/open-models.ts'
import type { ModelArtifact } from '../../stream/models/artifact.ts'
import { isReadOnly } from '../../stream/lambdas/read-only.ts'
import { lambdasOf } from '../../stream/lambdas/walk.ts'
import { PlanDecoding } from '../../stream/schemas/plan-decoding.ts'
import type { SharedRows } from '../../stream/schemas/shared-rows.ts'
import { ChartTap } from '../../stream/charts/tap.ts'
import type { ColumnType } from '../../stream/connectors/connector.ts'
import { LambdaHost } from './lambda-host.ts'
import { RowTypes } from './row-types.ts'
import type { FromCompute, RunSpec, TapSpec, ToCompute } from './compute-protocol.ts'

/** Output rows kept for a chart that is attached later. */
const RECENT_ROWS = 10_000
/** Open windows drawn as provisional. */
const PROVISIONAL_ROWS = 2_000

type RunMessage = Extract<ToCompute, { type: 'event' | 'snapshot' | 'tap' | 'tap-changes' | 'look' }>

export class ComputeRun {
  private readonly spec: RunSpec
  private readonly post: (message: FromCompute, transfer?: ArrayBuffer[]) => void
  private readonly host: LambdaHost
  private readonly taps = new Map<string, ChartTap>()
  private readonly types = new RowTypes()
  private readonly models: OpenModels
  private readonly decoding: PlanDecoding
  private working: (f: () => void) => void = f => f()
  private readonly told = new Set<string>()
  private recent: Batch[] = []
  private recentCount = 0
  private pipeline: Pipeline | undefined
  private waiting: RunMessage[] | undefined = []
  private sequence: number
  private rowCount: number
  private output: Batch[] = []
  /** Something happened since the last report. */
  private changed = true
  private refusedTold = false
  /** Whether records are handled while a snapshot is written: nobody changes rows, and no transaction ends with it. */
  private readonly movesOn: boolean
  /** The snapshot under way. */
  private pieces: (() => Pause | 'done') | undefined
  private askedAgain = false
  private over = false

  constructor(
    spec: RunSpec,
    rows: SharedRows,
    progress: Int32Array,
    post: (message: FromCompute, transfer?: ArrayBuffer[]) => void,
  ) {
    this.spec = spec
    this.post = post
    // Rows that leave the worker are copied on the way.
    const readOnly = lambdasOf(spec.plan).every(({ text }) => isReadOnly(text))
    this.decoding = new PlanDecoding(rows, readOnly)
    this.movesOn = readOnly && !spec.commits
    this.models = new OpenModels(spec.plan)
    this.sequence = spec.base?.sequence ?? 0
    this.rowCount = spec.base?.rowCount ?? 0
    this.host = new LambdaHost(spec.plan, spec.params, progress, (name, text) =>
      post({ type: 'console', run: spec.run, name, text }),
    )
  }

  /** Loads imports and builds the pipeline; `working` wraps what runs the user's code. */
  async open(working: (f: () => void) => void): Promise<void> {
    this.working = working
    try {
      await this.host.load()
      for (const artifact of this.spec.models) await this.openModel(artifact)
      working(() => this.build())
    } catch (error) {
      this.fail(error)
    }
    this.goOn()
  }

  /** What came meanwhile, in its order, up to the next event that has to wait for something. */
  private goOn(): void {
    const waiting = this.waiting ?? []
    this.waiting = undefined
    for (const message of waiting) if (!this.over) this.working(() => this.receive(message))
  }

  private async openModel(artifact: ModelArtifact): Promise<void> {
    const model = await this.models.put(artifact)
    if (model === undefined) return
    // Once per model, not once for each of its versions.
    for (const text of model.predictor.notices) if (!this.told.has(text)) this.notice(text)
    for (const text of model.predictor.notices) this.told.add(text)
    this.pipeline?.setModel(model)
  }

  /** Rows after the event wait until the model is open. */
  private async changeModel(artifact: ModelArtifact, handled: () => void): Promise<void> {
    this.waiting = []
    try {
      await this.openModel(artifact)
      handled()
    } catch (error) {
      this.fail(error)
    }
    this.goOn()
  }

  private build(): void {
    const { spec } = this
    this.pipeline = buildPipeline(spec.plan, {
      revive: slot => this.host.revive(slot) as never,
      decode: (batch, node, source) => this.decoding.decode(batch, node, source),
      model: name => this.models.get(name),
      onOutput: batch => this.onOutput(batch),
      describeThrow: (slot, error) => this.host.describe(slot, error),
      onNotice: text => this.notice(text),
      watched: true,
    })
    if (spec.looking) this.pipeline.watchJoin(true)
    if (spec.base !== undefined) this.pipeline.restore(spec.base.bytes)
    // Told again by a restored run as well: a record refused before was told before.
    this.refusedTold = spec.base !== undefined && this.pipeline.errors.length > 0
    for (const tap of spec.taps) this.addTap(tap, spec.base?.taps[tap.chartId])
    this.post({ type: 'started', run: spec.run, sources: this.pipeline.sources, tables: this.pipeline.tables })
  }

  receive(message: RunMessage): void {
    try {
      this.take(message)
    } catch (error) {
      // A fault of ours must end one stream, not the worker with all of them.
      this.fail(error)
    }
  }

  private take(message: RunMessage): void {
    if (this.waiting !== undefined) this.waiting.push(message)
    else if (message.type === 'tap') this.addTap(message.tap, undefined)
    else if (this.over || this.pipeline === undefined) return
    else if (message.type === 'look') this.look(this.pipeline, message.on)
    else if (message.type === 'tap-changes') this.watchChanges(message.chartId, message.on)
    else if (message.type === 'snapshot') this.snapshot(this.pipeline)
    else this.handle(this.pipeline, message)
  }

  private handle(pipeline: Pipeline, message: Extract<RunMessage, { type: 'event' }>): void {
    const { event, sequence } = message
    const begun = performance.now()
    let refusal: StreamErrorParts | undefined
    this.host.silent = sequence <= this.spec.silentUntil
    this.changed = true
    if (event.kind === 'model') {
      void this.changeModel(event.artifact, () => {
        this.sequence = sequence
        this.post({ type: 'handled', run: this.spec.run, sequence, elapsedMs: performance.now() - begun, refusal })
      })
      return
    }
    let more = false
    try {
      if (event.kind === 'param') this.host.params.set(event.name, event.value)
      else if (event.kind === 'restore') refusal = this.restore(pipeline, event.bytes)
      else more = pipeline.begin(event.source, event.event)
    } catch (error) {
      this.flush()
      return this.fail(error)
    }
    this.sequence = sequence
    this.flush()
    const elapsedMs = performance.now() - begun
    if (more) this.firePieces(pipeline, elapsedMs)
    else this.handled(pipeline, elapsedMs, refusal)
  }

  /** The rest of a firing of many rows. */
  private firePieces(pipeline: Pipeline, spentMs: number): void {
    let elapsedMs = spentMs
    this.inTurns(() => {
      const begun = performance.now()
      const more = pipeline.goOn()
      this.flush()
      this.changed = true
      elapsedMs += performance.now() - begun
      if (!more) this.handled(pipeline, elapsedMs, undefined)
      return more
    })
  }

  /** Long work in pieces: what comes for this run waits for its end, the other runs have their turn in between. */
  private inTurns(piece: () => boolean): void {
    this.waiting ??= []
    setImmediate(() => {
      if (this.over) return
      let more = false
      this.guarded(() => (more = piece()))
      if (more) this.inTurns(piece)
      else this.goOn()
    })
  }

  /** A fault ends this stream, not the worker with all of them. */
  private guarded(f: () => void): void {
    this.working(() => {
      try {
        f()
      } catch (error) {
        this.fail(error)
      }
    })
  }

  private handled(pipeline: Pipeline, elapsedMs: number, refusal: StreamErrorParts | undefined): void {
    this.tellRefused(pipeline)
    if (pipeline.state === 'failed') return this.fail(pipeline.error)
    this.post({ type: 'handled', run: this.spec.run, sequence: this.sequence, elapsedMs, refusal })
    if (pipeline.state === 'ended') {
      // The last state comes before the news that there will be none: a transaction or a checkpoint is closed with it.
      while (this.pieces !== undefined && this.pieces() !== 'done');
      for (const pieces = this.snapshotPieces(pipeline); pieces() !== 'done';);
      this.end('ended')
    }
  }

  /** A snapshot of another plan is told to who gave it; the stream goes on as it was. */
  private restore(pipeline: Pipeline, bytes: Uint8Array): StreamErrorParts | undefined {
    try {
      pipeline.restore(bytes)
      return undefined
    } catch (error) {
      return partsOf(error)
    }
  }

  private onOutput(batch: Batch): void {
    if (batch.count === 0) return
    this.types.see(batch.rows)
    for (const tap of this.taps.values()) tap.onBatch(batch)
    if (this.spec.deliver !== 'nothing') this.output.push(batch)
    else {
      this.recent.push(batch)
      this.recentCount += batch.count
      while (this.recentCount - this.recent[0]!.count >= RECENT_ROWS) this.recentCount -= this.recent.shift()!.count
    }
  }

  /** Sends what the event just handled gave, in one message. */
  private flush(): void {
    if (this.output.length === 0) return
    const rows: unknown[] = []
    const times: number[] = []
    const weights: number[] = []
    const watermarkMs = this.output.at(-1)!.watermarkMs
    for (const batch of this.output.splice(0)) {
      for (let i = 0; i < batch.count; i++) {
        const weight = batch.weights?.[i] ?? 1
        if (weight < 0 && this.spec.deliver === 'rows') continue
        rows.push(batch.rows[i])
        times.push(batch.eventTimesMs[i]!)
        weights.push(weight)
      }
    }
    if (rows.length === 0) return
    const at = this.rowCount
    this.rowCount += rows.length
    const eventTimesMs = Float64Array.from(times)
    const message = { type: 'rows' as const, run: this.spec.run, at, rows, eventTimesMs, watermarkMs }
    const all = weights.every(weight => weight === 1)
    try {
      this.post(all ? message : { ...message, weights: Int8Array.from(weights) })
    } catch (error) {
      // A row that holds a function or a symbol cannot leave the worker.
      throw new StreamError({
        code: 'VALUE_UNDECODABLE',
        message: `Cannot deliver rows of stream "${this.spec.name}": ${(error as Error).message}`,
        hint: 'Rows are plain data: numbers, text, arrays, objects, Map, Set, Date',
      })
    }
  }

  private notice(text: string): void {
    if (!this.host.silent) this.post({ type: 'console', run: this.spec.run, name: 'stdout', text: `${text}\n` })
  }

  private tellRefused(pipeline: Pipeline): void {
    const first = pipeline.errors[0]
    if (first === undefined || this.refusedTold) return
    this.refusedTold = true
    const place = first.partition < 0 ? '' : ` (partition ${first.partition}, offset ${first.offset})`
    this.post({
      type: 'refused',
      run: this.spec.run,
      error: {
        code: 'VALUE_UNDECODABLE',
        message: `a record was left out${place}: ${first.reason}`,
        hint: 'The stream goes on; .errors() is the stream of what was left out',
      },
    })
  }

  private addTap({ chartId, options, changes, state: kept }: TapSpec, ofBase: unknown): void {
    const tap = new ChartTap(options)
    this.taps.set(chartId, tap)
    this.changed = true
    const state = ofBase ?? kept
    if (state !== undefined) tap.restore(state as never)
    // What this run has given so far: after its base, so also after the state of the tap.
    for (const batch of this.recent) tap.onBatch(batch)
    if (changes === true || (this.over && tap.retracts)) tap.watchChanges(true, this.recent)
    if (this.over) this.post({ type: 'taps', run: this.spec.run, frames: [[chartId, tap.collect([])]] })
  }

  private watchChanges(chartId: string, on: boolean): void {
    this.taps.get(chartId)?.watchChanges(on, this.recent)
    this.changed = true
  }

  private collect(pipeline: Pipeline): void {
    if (this.taps.size === 0) return
    const provisional = pipeline.provisional(PROVISIONAL_ROWS).rows
    this.post({
      type: 'taps',
      run: this.spec.run,
      frames: [...this.taps].map(([id, tap]) => [id, tap.collect(provisional)] as const),
    })
  }

  private look(pipeline: Pipeline, on: boolean): void {
    pipeline.watchJoin(on)
    this.changed = true
  }

  private snapshot(pipeline: Pipeline): void {
    // One at a time: who asks meanwhile wants what came meanwhile too.
    if (this.pieces !== undefined) {
      this.askedAgain = true
      return
    }
    const pieces = (this.pieces = this.snapshotPieces(pipeline))
    const first = pieces()
    if (first !== 'still') return this.goOnSaving(first)
    this.inTurns(() => {
      const next = pieces()
      if (next !== 'still') this.goOnSaving(next)
      return next === 'still'
    })
  }

  /** A piece, what has come meanwhile, the next piece. */
  private goOnSaving(pause: Pause | 'done'): void {
    if (pause === 'done') {
      this.pieces = undefined
      if (this.askedAgain) this.receive({ type: 'snapshot', run: this.spec.run })
      this.askedAgain = false
      return
    }
    setImmediate(() => {
      const { pieces } = this
      if (!this.over && pieces !== undefined) this.guarded(() => this.goOnSaving(pieces()))
    })
  }

  /** Makes the snapshot piece by piece and sends it with the last one. */
  private snapshotPieces(pipeline: Pipeline): () => Pause | 'done' {
    // Rows in the taps go out first: what the snapshot covers is not replayed, so it must have been drawn.
    this.collect(pipeline)
    const taps = Object.fromEntries([...this.taps].map(([id, tap]) => [id, tap.snapshot()]))
    const positions = pipeline.sources.map((_, i) => [...pipeline.positions(i)])
    const { sequence, rowCount } = this
    const steps = pipeline.snapshotInSteps()
    let elapsedMs = 0
    return () => {
      const begun = performance.now()
      const { done, value } = steps.next()
      elapsedMs += performance.now() - begun
      if (done !== true) return this.movesOn ? value : 'still'
      const base = { sequence, bytes: value, rowCount, taps, positions }
      this.post({ type: 'snapshot', run: this.spec.run, base, elapsedMs }, [value.buffer as ArrayBuffer])
      return 'done'
    }
  }

  /** Ten times a second. */
  tick(): void {
    this.host.tick()
  }

  /** Charts and counters of a run that moved since it was asked last; whether it did. */
  report(): boolean {
    if (!this.changed || this.pipeline === undefined || this.over) return false
    this.changed = false
    this.tell(this.pipeline)
    return true
  }

  private tell(pipeline: Pipeline): void {
    this.collect(pipeline)
    const columns: readonly ColumnType[] = this.types.columns()
    const errors = pipeline.errors
      .slice(-5)
      .map(e => (e.partition < 0 ? e.reason : `${e.partition}@${e.offset}: ${e.reason}`))
    this.post({ type: 'stats', run: this.spec.run, stats: pipeline.stats(), errors, columns })
  }

  private fail(error: unknown): void {
    this.end('failed', partsOf(error))
  }

  private end(state: 'ended' | 'failed', error?: StreamErrorParts): void {
    if (this.over) return
    // Nobody can ask any more: a stream that is over leaves its newest changes behind, for who looks later.
    for (const tap of this.taps.values()) if (tap.retracts) tap.watchChanges(true, this.recent)
    if (this.pipeline !== undefined) this.tell(this.pipeline)
    this.over = true
    this.pipeline = undefined
    this.models.close()
    this.decoding.close()
    this.post({ type: 'ended', run: this.spec.run, state, error })
  }

  /** Charts that are made after its end begin with its newest rows. */
  get isShown(): boolean {
    return this.spec.deliver === 'nothing'
  }

  close(): void {
    // Its end closed all already.
    if (this.over) return
    this.over = true
    this.models.close()
    this.decoding.close()
  }
}

function partsOf(error: unknown): StreamErrorParts {
  if (error instanceof StreamError) return error.toJSON()
  if (error instanceof Error) return { code: 'LAMBDA_THREW', message: `${error.name}: ${error.message}` }
  if (typeof error === 'object' && error !== null && 'code' in error) return error as StreamErrorParts
  return { code: 'INTERNAL', message: String(error) }
}
