/**
 * The engine's end of every chart comm.
 *
 *   taps -> apply -> Chart (rows) -> pending delta per subscriber -> one frame per tick, against credit -> browser
 *
 * A connection without credit is sent nothing: its deltas merge, so what waits is never more than the chart keeps. After
 * 5 s without a sign of life it is parked (nothing waits, a snapshot follows), after 60 s forgotten; 5 minutes when all its
 * charts are hidden, because hidden tabs may run a timer once a minute. A message of a forgotten connection makes it known
 * again: the answering `welcome` tells the browser to subscribe anew.
 */
import { Chart } from './chart.ts'
import type { KeptChart } from './chart.ts'
import { CREDIT_AT_START, PROTOCOL_VERSION } from './protocol.ts'
import { ChartConnection } from './connection.ts'
import type { ChartConcept } from './concept.ts'
import type { CellCharts, ChartOptions, FromEngine, MimeBundle, StreamLine, ToEngine, TopicLine } from './protocol.ts'
import type { Clock } from '../time/clock.ts'
import type { StreamState, StreamStats } from '../model.ts'
import type { TapFrame, TapOptions } from './tap.ts'

export interface ChartHubOptions {
  readonly clock: Clock
  /** Random per engine process. */
  readonly instance: string
  /** `buffers` of a frame with packed rows go beside the message, in order. */
  send(connection: string, message: FromEngine, buffers?: readonly Uint8Array[]): void
  /** A button on a chart. */
  control(stream: string, action: 'pause' | 'resume' | 'stop'): void
  setParam(name: string, value: number | string | boolean): void
  /** What the cells show, what runs, what could be read: asked for by a page's panels. */
  outputs?(): readonly CellCharts[]
  streams?(): readonly StreamLine[]
  topics?(): Promise<readonly TopicLine[]>
  /** Never rejects. */
  peek?(connection: string, topic: string): Promise<PeekAnswer>
  stopAll?(): void
  /** The notebook is being saved. */
  saved?(): void
  /** Rows of a scored stream are anomalies, or not. */
  label?(stream: string, range: LabelWish): void
  /** The model that scores a stream is to learn again. */
  retrain?(stream: string): void
  /** Somebody began or ceased to look at a chart: reads that no one watches may pause. */
  watched?(chartId: string, watched: boolean): void
  /** Somebody began or ceased to ask for the changes of a chart: nobody keeps them unasked. */
  changes?(chartId: string, on: boolean): void
}

/** The newest records of a topic as text. */
export interface PeekAnswer {
  readonly lines: readonly string[]
  /** Why there are none. */
  readonly problem: string | null
}

export interface LabelWish {
  readonly fromMs: number
  readonly toMs: number
  readonly on: boolean
}

export interface ChartDefinition {
  readonly stream: string
  readonly concept: ChartConcept
  readonly options: ChartOptions
  /** Shown when the user gave none; default the stream's name. For streams without one: what they do. */
  readonly title?: string | undefined
}

export interface Registered {
  readonly chartId: string
  readonly tap: TapOptions
  /** False: the same chart of the same stream was there already. */
  readonly created: boolean
}

export class ChartHub {
  readonly #options: ChartHubOptions
  readonly #charts = new Map<string, Chart>()
  readonly #idOfDefinition = new Map<string, string>()
  readonly #connections = new Map<string, ChartConnection>()
  readonly #watched = new Set<string>()
  readonly #asked = new Set<string>()
  #nextChart = 1

  constructor(options: ChartHubOptions) {
    this.#options = options
  }

  /**
   * Makes a chart of a stream, or gives the one that shows the same stream in the same way. `goesOn`: the id it had in another
   * process. Throws DURATION_INVALID.
   */
  register(definition: ChartDefinition, goesOn?: string): Registered {
    const { stream, concept, options, title } = definition
    const id = JSON.stringify([stream, options])
    const known = this.#charts.get(this.#idOfDefinition.get(id) ?? '')
    if (known !== undefined) return { chartId: known.chartId, tap: known.tap(), created: false }
    const chartId = goesOn ?? `${stream}#${this.#nextChart}`
    this.#nextChart = Math.max(this.#nextChart, Number(chartId.slice(chartId.lastIndexOf('#') + 1))) + 1
    const chart = new Chart({ chartId, stream, concept, options, title: title ?? stream })
    this.#charts.set(chartId, chart)
    this.#idOfDefinition.set(id, chartId)
    return { chartId, tap: chart.tap(), created: true }
  }

  /** The stream of this name was replaced: its charts start anew. New taps are needed for all that is given back. */
  replace(stream: string, concept: ChartConcept): Registered[] {
    const replaced: Registered[] = []
    for (const chart of this.#charts.values()) {
      if (chart.stream !== stream) continue
      chart.replace(concept)
      this.#eachSubscriber(chart.chartId, connection => connection.redesign(chart.chartId))
      replaced.push({ chartId: chart.chartId, tap: chart.tap(), created: false })
    }
    return replaced
  }

  /** Forgets a chart; browsers that show it keep its last frame. */
  remove(chartId: string): void {
    this.#charts.delete(chartId)
    for (const [id, known] of this.#idOfDefinition) if (known === chartId) this.#idOfDefinition.delete(id)
    for (const connection of this.#connections.values()) connection.gone(chartId, 'the stream is not there any more')
  }

  /** What a checkpoint holds of a chart; undefined for an unknown one. */
  keep(chartId: string): Omit<KeptChart, 'tap'> | undefined {
    return this.#charts.get(chartId)?.keep()
  }

  /** The chart goes on where it stood in another process. Before its first frame. */
  restore(chartId: string, kept: Omit<KeptChart, 'tap'>): void {
    this.#charts.get(chartId)?.restore(kept)
  }

  /** What the tap saw (null: nothing), with the counters of the stream. Called per tick, at least once a second. */
  apply(chartId: string, frame: TapFrame | null, stats: StreamStats, errors: readonly string[]): void {
    const chart = this.#charts.get(chartId)
    if (chart === undefined) return
    chart.setStats(stats, errors)
    const applied = frame === null ? null : chart.apply(frame)
    this.#eachSubscriber(chartId, connection => {
      if (applied?.redesigned === true) connection.redesign(chartId)
      else connection.changed(chartId, applied?.delta ?? null)
    })
  }

  /** The stream ended, failed or was stopped; the last frame says so. */
  end(chartId: string, state: StreamState, reason: string): void {
    this.#charts.get(chartId)?.finish(state, reason)
    this.#eachSubscriber(chartId, connection => connection.ended(chartId))
  }

  /** The stream goes on without what this chart draws; the chart says so until another stream takes its place. */
  refuse(chartId: string, reason: string): void {
    this.#charts.get(chartId)?.refuse(reason)
    this.#eachSubscriber(chartId, connection => connection.ended(chartId))
  }

  /** A message of a browser; one that is not of this protocol is ignored. */
  receive(connectionId: string, message: ToEngine): void {
    if (!wellFormed(message)) return
    if (message.type === 'bye') {
      this.#forget(connectionId)
      return
    }
    const known = this.#connections.get(connectionId)
    const connection = known ?? this.#open(connectionId)
    if (message.type === 'hello') connection.hello(message)
    else if (known === undefined) connection.welcome('')
    connection.alive()
    this.#handle(connection, message)
    this.#tellWatched()
  }

  /** A param has a new value: every slider follows. */
  param(name: string, value: number | string | boolean): void {
    for (const connection of this.#connections.keys()) this.#options.send(connection, { type: 'param', name, value })
  }

  /** The MIME bundle of a chart as it stands now; undefined for an unknown one. */
  bundle(chartId: string): MimeBundle | undefined {
    return this.#charts.get(chartId)?.bundle(this.#options.instance, 0)
  }

  /** Whether a browser has this chart in view. */
  isWatched(chartId: string): boolean {
    return this.#watched.has(chartId)
  }

  /** Whether the changes of a chart are wanted: by its own options, or by a page. */
  wantsChanges(chartId: string): boolean {
    return this.#charts.get(chartId)?.options.changes === true || this.#asked.has(chartId)
  }

  dispose(): void {
    for (const id of [...this.#connections.keys()]) this.#forget(id)
  }

  #open(id: string): ChartConnection {
    const { clock, instance, send } = this.#options
    const connection = new ChartConnection({
      clock,
      chart: chartId => this.#charts.get(chartId),
      send: (message, buffers) => send(id, message, buffers),
      welcomeWith: { protocol: PROTOCOL_VERSION, instance, credit: CREDIT_AT_START },
      silent: () => this.#forget(id),
    })
    this.#connections.set(id, connection)
    return connection
  }

  #handle(connection: ChartConnection, message: ToEngine): void {
    switch (message.type) {
      case 'subscribe':
        connection.subscribe(message.chartId, message.visible, message.changes === true)
        break
      case 'changes':
        connection.askChanges(message.chartId, message.on)
        break
      case 'unsubscribe':
        connection.unsubscribe(message.chartId)
        break
      case 'visibility':
        connection.setVisible(message.chartId, message.visible)
        break
      case 'credit':
        connection.addCredit(message.count)
        break
      case 'control':
        this.#control(connection, message)
        break
      case 'set-param':
        this.#options.setParam(message.name, message.value)
        break
      case 'label':
        this.#label(connection, message)
        break
      case 'retrain':
        this.#retrain(connection, message.chartId)
        break
      case 'unmatched': {
        const { chartId } = message
        connection.tell({ type: 'unmatched', chartId, rows: this.#charts.get(chartId)?.unmatched ?? [] })
        break
      }
      case 'outputs':
        connection.tell({ type: 'outputs', cells: this.#options.outputs?.() ?? [] })
        break
      case 'watch-streams':
        connection.watchesStreams = message.on
        if (message.on) connection.tell({ type: 'streams', streams: this.#options.streams?.() ?? [] })
        break
      case 'topics':
        void this.#options.topics?.().then(topics => connection.tell({ type: 'topics', topics }))
        break
      case 'peek': {
        const { connection: at, topic } = message
        const told = { type: 'peek', connection: at, topic } as const
        void this.#options.peek?.(at, topic).then(answer => connection.tell({ ...told, ...answer }))
        break
      }
      case 'control-stream':
        this.#options.control(message.stream, message.action)
        break
      case 'stop-all':
        this.#options.stopAll?.()
        break
      case 'saved':
        this.#options.saved?.()
        break
      default:
        break
    }
  }

  /** The list of streams for every panel that is open. Called once a second. */
  tellStreams(): void {
    const watching = [...this.#connections.values()].filter(connection => connection.watchesStreams)
    if (watching.length === 0) return
    const streams = this.#options.streams?.() ?? []
    for (const connection of watching) connection.tell({ type: 'streams', streams })
  }

  #control(connection: ChartConnection, { chartId, action }: Extract<ToEngine, { type: 'control' }>): void {
    const chart = this.#charts.get(chartId)
    if (chart === undefined) connection.gone(chartId, 'the kernel does not know this chart')
    // `clear` empties the view of one browser; the stream has no part in it.
    else if (action !== 'clear') this.#options.control(chart.stream, action)
  }

  #label(connection: ChartConnection, { chartId, fromMs, toMs, on }: Extract<ToEngine, { type: 'label' }>): void {
    const chart = this.#charts.get(chartId)
    if (chart === undefined) connection.gone(chartId, 'the kernel does not know this chart')
    else this.#options.label?.(chart.stream, { fromMs, toMs, on })
  }

  #retrain(connection: ChartConnection, chartId: string): void {
    const chart = this.#charts.get(chartId)
    if (chart === undefined) connection.gone(chartId, 'the kernel does not know this chart')
    // A page of yesterday may ask it of a chart that has another concept by now.
    else if (chart.status.scores?.trained !== undefined) this.#options.retrain?.(chart.stream)
  }

  #forget(id: string): void {
    this.#connections.get(id)?.close()
    this.#connections.delete(id)
    this.#tellWatched()
  }

  #eachSubscriber(chartId: string, f: (connection: ChartConnection) => void): void {
    for (const connection of this.#connections.values()) if (connection.has(chartId)) f(connection)
  }

  #tellWatched(): void {
    for (const chartId of this.#charts.keys()) {
      this.#tellAsked(chartId)
      const watched = [...this.#connections.values()].some(connection => connection.sees(chartId))
      if (watched === this.#watched.has(chartId)) continue
      if (watched) this.#watched.add(chartId)
      else this.#watched.delete(chartId)
      this.#options.watched?.(chartId, watched)
    }
  }

  #tellAsked(chartId: string): void {
    const asked = [...this.#connections.values()].some(connection => connection.asksChanges(chartId))
    if (asked === this.#asked.has(chartId)) return
    const before = this.wantsChanges(chartId)
    if (asked) this.#asked.add(chartId)
    else this.#asked.delete(chartId)
    const wanted = this.wantsChanges(chartId)
    if (wanted !== before) this.#options.changes?.(chartId, wanted)
  }
}

/** What a Date can hold. */
function isInstant(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15
}

/** Whoever can open a comm can send anything: fields that are counted with or looked up by are checked. */
function wellFormed(message: ToEngine): boolean {
  switch (message.type) {
    case 'hello':
      return typeof message.client === 'string'
    case 'subscribe':
    case 'visibility':
      return typeof message.chartId === 'string' && typeof message.visible === 'boolean'
    case 'changes':
      return typeof message.chartId === 'string' && typeof message.on === 'boolean'
    case 'unsubscribe':
    case 'retrain':
    case 'unmatched':
      return typeof message.chartId === 'string'
    case 'control':
      return typeof message.chartId === 'string' && ['pause', 'resume', 'stop', 'clear'].includes(message.action)
    case 'label':
      return (
        typeof message.chartId === 'string' &&
        typeof message.on === 'boolean' &&
        isInstant(message.fromMs) &&
        isInstant(message.toMs) &&
        message.fromMs <= message.toMs
      )
    case 'credit':
      return Number.isFinite(message.count)
    case 'set-param':
      return typeof message.name === 'string' && ['number', 'string', 'boolean'].includes(typeof message.value)
    case 'watch-streams':
      return typeof message.on === 'boolean'
    case 'peek':
      return typeof message.connection === 'string' && typeof message.topic === 'string'
    case 'control-stream':
      return typeof message.stream === 'string' && ['pause', 'resume', 'stop'].includes(message.action)
    case 'outputs':
    case 'topics':
    case 'stop-all':
    case 'saved':
    case 'bye':
      return true
    default:
      return false
  }
}
