/** Joins the hub of charts (pure, stream/charts) with the streams: taps in the worker, counters, the supervisor's comms. */
import { finiteOrNull } from '../../stream/time/finite.ts'
import { ChartHub } from '../../stream/charts/hub.ts'
import type { KeptChart } from '../../stream/charts/chart.ts'
import type { LabelWish, PeekAnswer } from '../../stream/charts/hub.ts'
import { chartConcept } from '../../stream/charts/concept.ts'
import type { ChartConcept, ScoresConcept } from '../../stream/charts/concept.ts'
import { paramBundle } from '../../stream/charts/fallback.ts'
import type {
  CellCharts,
  ChartOptions,
  FromEngine,
  MimeBundle,
  StreamLine,
  ToEngine,
  TopicLine,
} from '../../stream/charts/protocol.ts'
import type { StreamSummary } from '../../stream/targets/runtime.ts'
import type { TapFrame } from '../../stream/charts/tap.ts'
import { StreamError } from '../../stream/errors.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import { isOver } from '../../stream/model.ts'
import type { ModelStanding, StreamState, StreamStats } from '../../stream/model.ts'
import type { PlanNode } from '../../stream/plan.ts'
import { LabelFiles } from '../../stream/scoring/quality/label-files.ts'
import { mayRetract } from '../../stream/operators/may-retract.ts'
import { outline } from '../../stream/targets/outline.ts'
import { wallClock } from '../../stream/time/clock.ts'
import type { TapSpec } from './compute-protocol.ts'
import { chartRefusal, isView, knownColumns, markRefusal } from './names.ts'
import type { Params } from './params.ts'
import type { Streams } from './streams.ts'

const STATUS_MS = 500
const LIST_MS = 1000
/** A view nobody looks at goes on for so long: a page is being reloaded, a cell scrolled by. */
const UNWATCHED_MS = 60_000

export interface ChartsOptions {
  readonly instance: string
  readonly params: Params
  readonly streams: () => Streams
  topics(): Promise<readonly TopicLine[]>
  peek(connection: string, topic: string): Promise<PeekAnswer>
  /** The notebook is being saved. */
  saved(): void
  /** A chart was made; in another process `goOn` shows it again. */
  created(chart: { chartId: string; stream: string; options: ChartOptions; cellId: string | undefined }): void
  /** How a model stands, when it was trained here. */
  trained(model: string): ModelStanding | undefined
  /** Resolves when it learns again, or when it is known that it cannot; never rejects. */
  retrain(model: string): Promise<void>
  send(connection: string, message: FromEngine, buffers?: readonly Uint8Array[]): void
  /** A chart lost a field it draws; told in the cell of the chart. */
  onError(cellId: string | undefined, stream: string, error: StreamErrorParts): void
}

interface Asked {
  readonly options: ChartOptions
  readonly cellId: string | undefined
}

export class Charts {
  private readonly options: ChartsOptions
  private readonly hub: ChartHub
  /** Stream -> its charts, with what was asked of each and in which cell. */
  private readonly chartsOf = new Map<string, Map<string, Asked>>()
  private readonly timer: NodeJS.Timeout
  private readonly listTimer: NodeJS.Timeout
  private readonly unwatched = new Map<string, NodeJS.Timeout>()
  /** Views that were paused here because nobody looked, not by the user. */
  private readonly asleep = new Set<string>()
  private readonly labels = new LabelFiles()
  /** Charts of streams that go on from a checkpoint, until they are shown. */
  private readonly kept = new Map<string, KeptChart[]>()
  /** Cell -> what its output shows. */
  private readonly cells = new Map<string, readonly string[]>()

  constructor(options: ChartsOptions) {
    this.options = options
    this.hub = new ChartHub({
      clock: wallClock,
      instance: options.instance,
      send: options.send,
      control: (stream, action) => void this.control(stream, action),
      setParam: (name, value) => this.setParam(name, value),
      watched: chartId => this.watched(chartId),
      changes: (chartId, on) => this.watchChanges(chartId, on),
      outputs: () => this.outputs(),
      streams: () => options.streams().list(performance.now()).map(streamLine),
      topics: options.topics,
      peek: options.peek,
      stopAll: () => void this.stopAll(),
      saved: options.saved,
      label: (stream, range) => this.label(stream, range),
      retrain: stream => void this.retrain(stream),
    })
    this.timer = setInterval(() => this.tellStatus(), STATUS_MS)
    this.listTimer = setInterval(() => this.hub.tellStreams(), LIST_MS)
  }

  /** A stream that exists only to be shown reads only while it is looked at. */
  private watched(chartId: string): void {
    const name = this.streamOf(chartId)
    if (name !== undefined && this.hub.isWatched(chartId)) this.options.streams().look(name)
    if (name === undefined || !isView(name)) return
    clearTimeout(this.unwatched.get(name))
    const seen = [...(this.chartsOf.get(name)?.keys() ?? [])].some(id => this.hub.isWatched(id))
    if (seen) this.wake(name)
    else this.sleepLater(name)
  }

  private watchChanges(chartId: string, on: boolean): void {
    const name = this.streamOf(chartId)
    if (name !== undefined) this.options.streams().watchChanges(name, chartId, on)
  }

  private wake(name: string): void {
    if (this.asleep.delete(name)) void this.options.streams().resume(name)
  }

  private sleepLater(name: string): void {
    const sleep = (): void => {
      this.asleep.add(name)
      this.options.streams().pause(name)
    }
    this.unwatched.set(name, setTimeout(sleep, UNWATCHED_MS).unref())
  }

  /** A chart for a front end that draws outputs: asking for it is looking at it. */
  picture(chartId: string): { bundle: MimeBundle; over: boolean } | null {
    const bundle = this.hub.bundle(chartId)
    const name = this.streamOf(chartId)
    if (bundle === undefined || name === undefined) return null
    const streams = this.options.streams()
    if (!streams.has(name)) return { bundle, over: true }
    streams.look(name)
    if (isView(name) && !this.hub.isWatched(chartId)) {
      clearTimeout(this.unwatched.get(name))
      this.wake(name)
      this.sleepLater(name)
    }
    return { bundle, over: isOver(streams.stats(name, performance.now()).state) }
  }

  cellShows(cellId: string, chartIds: readonly string[]): void {
    if (chartIds.length === 0) this.cells.delete(cellId)
    else this.cells.set(cellId, chartIds)
  }

  private outputs(): CellCharts[] {
    return [...this.cells].flatMap(([cellId, chartIds]) => {
      const bundles = chartIds.map(chartId => this.hub.bundle(chartId)).filter(bundle => bundle !== undefined)
      return bundles.length === 0 ? [] : [{ cellId, bundles }]
    })
  }

  private async stopAll(): Promise<void> {
    const names = this.options.streams().list(performance.now())
    await Promise.all(names.map(({ name }) => this.control(name, 'stop')))
  }

  private streamOf(chartId: string): string | undefined {
    return [...this.chartsOf].find(([, charts]) => charts.has(chartId))?.[0]
  }

  private async control(stream: string, action: 'pause' | 'resume' | 'stop'): Promise<void> {
    const streams = this.options.streams()
    // A button of a chart that outlived its stream does nothing.
    if (!streams.has(stream)) return
    if (action === 'stop') await streams.stop(stream)
    else await streams[action](stream)
    this.status(stream)
  }

  private setParam(name: string, value: unknown): void {
    try {
      this.options.params.set(name, value)
    } catch {
      // The browser is told the value that holds instead of an error: its slider goes back.
      try {
        this.hub.param(name, this.options.params.shown(name).value)
      } catch {
        // A slider of an earlier kernel: no such param here.
      }
    }
  }

  /** Labels drawn on a chart go to their file; every chart of the same source shows them. */
  private label(name: string, range: LabelWish): void {
    const source = this.labelSourceOf(name)
    if (source === undefined) return
    try {
      this.labels.set(source, range)
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      this.options.onError([...(this.chartsOf.get(name)?.values() ?? [])][0]?.cellId, name, error.toJSON())
    }
    for (const other of this.chartsOf.keys()) if (this.labelSourceOf(other) === source) this.status(other, true)
  }

  private labelSourceOf(name: string): string | undefined {
    return this.scoresOf(name)?.source
  }

  private scoresOf(name: string): ScoresConcept | undefined {
    const streams = this.options.streams()
    const plan = streams.has(name) ? streams.planOf(name) : undefined
    return plan === undefined ? undefined : chartConcept(plan, other => streams.planOf(other)).scores
  }

  /** The button of a chart whose scores have changed; every chart of the model tells how it goes. */
  private async retrain(name: string): Promise<void> {
    const model = this.scoresOf(name)?.model
    if (model === undefined || this.options.trained(model) === undefined) return
    const began = this.options.retrain(model)
    const tell = (): void => {
      for (const other of this.chartsOf.keys()) if (this.scoresOf(other)?.model === model) this.status(other)
    }
    tell()
    await began
    tell()
  }

  /** With what a chart shows beside the counters. */
  private statsOf(name: string): StreamStats {
    const streams = this.options.streams()
    const stats = { ...streams.stats(name, performance.now()), join: streams.joinOf(name) }
    const scores = this.scoresOf(name)
    if (scores === undefined) return stats
    const model = scores.model === undefined ? undefined : this.options.trained(scores.model)
    return { ...stats, labels: this.labels.of(scores.source), ...(model === undefined ? {} : { model }) }
  }

  /** The chart of a stream that goes on in this process: pages that show it find it under its id. */
  goOn(chartId: string, name: string, options: ChartOptions, cellId: string | undefined): void {
    const plan = this.options.streams().planOf(name)
    if (plan !== undefined) this.show(name, plan, options, cellId, chartId)
  }

  /** A chart of a named stream, as MIME bundle; the same chart again gives the same one. */
  show(name: string, plan: PlanNode, options: ChartOptions, cellId: string | undefined, goesOn?: string): MimeBundle {
    const streams = this.options.streams()
    const refusal = this.refusal(name, plan, { options, cellId })
    if (refusal !== undefined) throw refusal
    const concept = this.conceptOf(plan)
    const title = isView(name) ? outline(plan) : undefined
    const { chartId, tap, created } = this.hub.register({ stream: name, concept, options, title }, goesOn)
    if (created) {
      this.options.created({ chartId, stream: name, options, cellId })
      let charts = this.chartsOf.get(name)
      if (charts === undefined) this.chartsOf.set(name, (charts = new Map()))
      charts.set(chartId, { options, cellId })
      const kept = this.takeKept(name, options)
      if (kept !== undefined) this.hub.restore(chartId, kept)
      streams.addTap(name, {
        chartId,
        options: tap,
        changes: this.hub.wantsChanges(chartId),
        state: kept?.tap,
      })
      this.watched(chartId)
      this.status(name, true)
    }
    return this.hub.bundle(chartId) ?? {}
  }

  /** The charts of a stream for its checkpoint; `taps`: their states at its snapshot. */
  keep(name: string, taps: Readonly<Record<string, unknown>>): KeptChart[] {
    return [...(this.chartsOf.get(name)?.keys() ?? [])].flatMap(chartId => {
      const chart = this.hub.keep(chartId)
      const tap = taps[chartId]
      return chart === undefined || tap === undefined ? [] : [{ ...chart, tap }]
    })
  }

  /** The stream goes on from a checkpoint: so do its charts, when they are shown. */
  resumed(name: string, charts: readonly KeptChart[]): void {
    this.kept.set(name, [...charts])
  }

  private takeKept(name: string, options: ChartOptions): KeptChart | undefined {
    const kept = this.kept.get(name) ?? []
    const wanted = JSON.stringify(options)
    const index = kept.findIndex(chart => JSON.stringify(chart.options) === wanted)
    return index < 0 ? undefined : kept.splice(index, 1)[0]
  }

  showParam(name: string): MimeBundle {
    const { spec, value } = this.options.params.shown(name)
    const { min, max, step, choices } = spec
    return paramBundle({ instance: this.options.instance, name, value, min, max, step, choices })
  }

  /** The stream behind the name is another one: its charts start anew with these taps. */
  replaced(name: string, plan: PlanNode): TapSpec[] {
    this.kept.delete(name)
    const taps: TapSpec[] = []
    for (const { chartId, tap } of this.hub.replace(name, this.conceptOf(plan))) {
      const asked = this.chartsOf.get(name)?.get(chartId)
      const refusal = asked === undefined ? undefined : this.refusal(name, plan, asked)
      if (refusal === undefined) taps.push({ chartId, options: tap, changes: this.hub.wantsChanges(chartId) })
      else {
        this.hub.refuse(chartId, reasonOf(refusal))
        this.options.onError(asked?.cellId, name, refusal.toJSON())
      }
    }
    return taps
  }

  private conceptOf(plan: PlanNode): ChartConcept {
    const streams = this.options.streams()
    const concept = chartConcept(plan, other => streams.planOf(other))
    return mayRetract(streams.resolve(plan)) ? { ...concept, retracts: true } : concept
  }

  private refusal(name: string, plan: PlanNode, { options, cellId }: Asked): StreamError | undefined {
    const planOf = (other: string): PlanNode | undefined => this.options.streams().planOf(other)
    const columns = knownColumns(plan, planOf)
    const concept = chartConcept(plan, planOf)
    return (
      markRefusal(name, options.mark, concept) ??
      chartRefusal(name, [options.x, options.y, options.color], columns, cellId)
    )
  }

  taps(frames: readonly (readonly [string, TapFrame])[], name: string): void {
    const streams = this.options.streams()
    const stats = this.statsOf(name)
    for (const [chartId, frame] of frames) this.hub.apply(chartId, frame, stats, streams.errorLines(name))
    // A chart that was made after the end has its rows with its first frame, which is its last.
    if (!isOver(stats.state)) return
    for (const [chartId] of frames) this.hub.end(chartId, stats.state, `the stream is ${stats.state}`)
  }

  over(name: string, state: StreamState, error: StreamErrorParts | undefined): void {
    // The counters of its last moment stay on the chart.
    this.status(name, true)
    for (const chartId of this.chartsOf.get(name)?.keys() ?? [])
      this.hub.end(chartId, state, error === undefined ? `the stream is ${state}` : reasonOf(error))
  }

  param(name: string, value: number | string | boolean): void {
    this.hub.param(name, value)
  }

  receive(connection: string, message: ToEngine): void {
    this.hub.receive(connection, message)
  }

  private tellStatus(): void {
    for (const name of this.chartsOf.keys()) this.status(name)
  }

  private status(name: string, last = false): void {
    const streams = this.options.streams()
    const charts = this.chartsOf.get(name)
    if (charts === undefined || !streams.has(name)) return
    const stats = this.statsOf(name)
    if (!last && isOver(stats.state)) return
    if ([...charts.keys()].some(chartId => this.hub.isWatched(chartId))) streams.look(name)
    for (const chartId of charts.keys()) this.hub.apply(chartId, null, stats, streams.errorLines(name))
  }

  close(): void {
    clearInterval(this.timer)
    clearInterval(this.listTimer)
    for (const timer of this.unwatched.values()) clearTimeout(timer)
    this.hub.dispose()
  }
}

/** What happened and where: the detail names the cell and line of the lambda. */
function reasonOf(error: Pick<StreamErrorParts, 'message' | 'detail'>): string {
  return error.detail === undefined ? error.message : `${error.message} (${error.detail})`
}

function streamLine({ name, cellId, outline: text, stats }: StreamSummary): StreamLine {
  const { state, recordsPerSecond, recordCount, lagCount, lateCount, droppedCount, errorCount, stateBytes } = stats
  const watermarkMs = finiteOrNull(stats.watermarkMs)
  const counts = { recordsPerSecond, recordCount, lagCount, lateCount, droppedCount, errorCount, stateBytes }
  return { name, cellId: cellId ?? null, outline: text, state, watermarkMs, ...counts }
}
