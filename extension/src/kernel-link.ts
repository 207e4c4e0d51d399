/**
 * The browser's end of the chart comm: one per kernel connection, opened when the first chart of the page attaches.
 *
 *   attach -> comm_open hello -> welcome -> subscribe per chart -> frames -> (drawn) -> credit
 *
 * Credit is given back when a frame has been drawn, not when it came, so a slow page is sent less. Handlers return nothing:
 * everything a kernel says waits behind a promise returned here. No DOM: a fake kernel tests this file.
 */
import { COMM_TARGET, CREDIT_AT_START, PROTOCOL_VERSION } from '../../stream/charts/protocol.ts'
import { unpackFrame } from '../../stream/charts/packed.ts'
import { LiveChart } from './live-chart.ts'
import type {
  CellCharts,
  ChartFrame,
  FromEngine,
  LiveBundle,
  StreamLine,
  ToEngine,
  TopicLine,
} from '../../stream/charts/protocol.ts'

/** What is needed of a comm; `IComm` of JupyterLab fits. */
export interface LinkComm {
  open(data: ToEngine): void
  send(data: ToEngine): void
  close(): void
  /** True once the kernel connection threw the comm away, which it does without a word when a kernel restarts. */
  readonly disposed: boolean
  /** `buffers` of the message, each from its own byte 0. */
  onMessage(f: (message: FromEngine, buffers: readonly DataView[]) => void): void
  onClose(f: () => void): void
}

export type TopicPeek = Extract<FromEngine, { type: 'peek' }>

export interface LinkTimers {
  /** Calls `f` after `delayMs`; the answer cancels. */
  after(delayMs: number, f: () => void): () => void
}

export interface LinkOptions {
  readonly client: string
  readonly timers: LinkTimers
  createComm(target: string): LinkComm
}

/** Credit of one frame waits for that of the next: each message makes the kernel busy for a moment. */
const CREDIT_EVERY_MS = 3000
const KEEP_ALIVE_MS = 10_000
const ASK_EVERY_MS = 1000
/** With this much owed, and as much under way, the engine has none left: it is paid at once. At ten frames a second that is every three seconds. */
const CREDIT_SHORT = CREDIT_AT_START / 2
/** A chart whose last view is gone stays subscribed this long: a moved cell attaches again at once. */
const GRACE_MS = 5000

export class KernelLink {
  readonly #options: LinkOptions
  readonly #charts = new Map<string, LiveChart>()
  readonly #params = new Map<string, Set<(value: number | string | boolean) => void>>()
  readonly #streamFollowers = new Set<(streams: readonly StreamLine[]) => void>()
  #outputsFollower: ((cells: readonly CellCharts[]) => void) | null = null
  #topicAskers: ((topics: readonly TopicLine[]) => void)[] = []
  #peekers: { readonly connection: string; readonly topic: string; readonly answer: (peek: TopicPeek) => void }[] = []
  /** Nobody can see lists in a hidden page. */
  #listsPaused = false
  #comm: LinkComm | null = null
  #instance: string | null = null
  #owed = 0
  /** Whether a frame came since the last sign of life. */
  #heard = false
  /** Charts whose snapshot was asked for a moment ago: deltas that were under way are not worth asking again. */
  readonly #asked = new Set<LiveChart>()
  #creditTimer: (() => void) | null = null
  #keepAlive: (() => void) | null = null
  #disposed = false

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** Whether charts or params wait while there is no comm. */
  get idle(): boolean {
    if (this.#comm !== null) return false
    const lists = this.#streamFollowers.size > 0 || this.#outputsFollower !== null
    return lists || this.#charts.size > 0 || this.#params.size > 0
  }

  /** The model of a chart, shared by all its views. `release` it when a view goes. */
  acquire(bundle: LiveBundle): LiveChart {
    const id = `${bundle.instance} ${bundle.chartId}`
    this.#noticeDisposal()
    let chart = this.#charts.get(id)
    if (chart === undefined) {
      chart = new LiveChart(bundle, {
        send: message => this.#send(message),
        visibility: (chartId, visible) => this.#send({ type: 'visibility', chartId, visible }),
      })
      this.#charts.set(id, chart)
      if (this.#instance !== null) this.#subscribe(chart)
    }
    // Without a welcome yet, every chart is subscribed when it comes.
    this.#connect()
    chart.viewCount++
    return chart
  }

  release(chart: LiveChart): void {
    chart.viewCount--
    if (chart.viewCount > 0) return
    this.#options.timers.after(GRACE_MS, () => {
      const id = `${chart.instance} ${chart.chartId}`
      if (chart.viewCount > 0 || this.#charts.get(id) !== chart) return
      this.#charts.delete(id)
      this.#send({ type: 'unsubscribe', chartId: chart.chartId })
    })
  }

  /** Follows a param; the answer stops following. */
  followParam(name: string, f: (value: number | string | boolean) => void): () => void {
    const followers = this.#params.get(name) ?? new Set()
    this.#params.set(name, followers.add(f))
    this.#connect()
    return () => followers.delete(f)
  }

  setParam(name: string, value: number | string | boolean): void {
    this.#noticeDisposal()
    this.#connect()
    this.#send({ type: 'set-param', name, value })
  }

  /** Tells which charts the cells of this kernel show, now and after each reconnect. */
  followOutputs(f: (cells: readonly CellCharts[]) => void): void {
    this.#outputsFollower = f
    if (this.#instance !== null) this.#send({ type: 'outputs' })
    this.#connect()
  }

  /** The list of streams once a second; the answer stops following. */
  followStreams(f: (streams: readonly StreamLine[]) => void): () => void {
    const first = this.#streamFollowers.size === 0
    this.#streamFollowers.add(f)
    if (first && this.#instance !== null) this.#watchStreams()
    this.#connect()
    return () => {
      this.#streamFollowers.delete(f)
      if (this.#streamFollowers.size === 0) this.#watchStreams()
    }
  }

  /** The page went out of sight, or came back. */
  pauseLists(paused: boolean): void {
    if (paused === this.#listsPaused) return
    this.#listsPaused = paused
    if (this.#streamFollowers.size > 0) this.#watchStreams()
  }

  askTopics(f: (topics: readonly TopicLine[]) => void): void {
    this.#topicAskers.push(f)
    this.#connect()
    this.#send({ type: 'topics' })
  }

  /** The newest records of a topic, told once. */
  askPeek(connection: string, topic: string, answer: (peek: TopicPeek) => void): void {
    this.#peekers.push({ connection, topic, answer })
    this.#connect()
    this.#send({ type: 'peek', connection, topic })
  }

  controlStream(stream: string, action: 'pause' | 'resume' | 'stop'): void {
    this.#connect()
    this.#send({ type: 'control-stream', stream, action })
  }

  /** The notebook is being saved. */
  saved(): void {
    if (this.#instance !== null) this.#send({ type: 'saved' })
  }

  stopAll(): void {
    this.#connect()
    this.#send({ type: 'stop-all' })
  }

  #watchStreams(): void {
    this.#send({ type: 'watch-streams', on: this.#streamFollowers.size > 0 && !this.#listsPaused })
  }

  /** The kernel restarts or the connection was lost: comms are gone without a word. */
  lost(reason: string): void {
    this.#dropComm()
    for (const chart of this.#charts.values()) chart.lost(reason)
    for (const follow of this.#streamFollowers) follow([])
  }

  /** The kernel answers again. */
  reconnect(): void {
    this.#noticeDisposal()
    if (this.idle) this.#connect()
  }

  dispose(): void {
    if (this.#disposed) return
    this.#send({ type: 'bye' })
    this.#disposed = true
    this.#comm?.close()
    this.#dropComm()
    this.#charts.clear()
    this.#params.clear()
    this.#streamFollowers.clear()
    this.#outputsFollower = null
    this.#topicAskers = []
    this.#peekers = []
  }

  #connect(): void {
    if (this.#comm !== null || this.#disposed) return
    const comm = this.#options.createComm(COMM_TARGET)
    this.#comm = comm
    comm.onMessage((message, buffers) => this.#receive(message, buffers))
    comm.onClose(() => {
      if (this.#comm !== comm) return
      this.#dropComm()
      for (const chart of this.#charts.values()) chart.lost('the kernel closed the connection')
    })
    comm.open({ type: 'hello', protocol: PROTOCOL_VERSION, client: this.#options.client, binary: true })
    this.#stayAlive()
  }

  /** True when the comm was thrown away meanwhile; then there is none any more. */
  #noticeDisposal(): boolean {
    if (this.#comm?.disposed !== true) return false
    this.#dropComm()
    return true
  }

  #receive(message: FromEngine, buffers: readonly DataView[]): void {
    if ('client' in message && message.client !== '' && message.client !== this.#options.client) return
    switch (message.type) {
      case 'welcome':
        this.#instance = message.instance
        this.#owed = 0
        for (const chart of this.#charts.values()) this.#subscribe(chart)
        if (this.#outputsFollower !== null) this.#send({ type: 'outputs' })
        if (this.#streamFollowers.size > 0) this.#watchStreams()
        break
      case 'outputs':
        this.#outputsFollower?.(message.cells)
        break
      case 'streams':
        for (const follow of this.#streamFollowers) follow(message.streams)
        break
      case 'topics':
        for (const answer of this.#topicAskers.splice(0)) answer(message.topics)
        break
      case 'peek':
        this.#tellPeek(message)
        break
      case 'frame':
        this.#applyFrame(message, buffers)
        break
      case 'unmatched':
        this.#find(message.chartId)?.toldUnmatched(message.rows)
        break
      case 'gone':
        this.#find(message.chartId)?.gone(message.reason)
        break
      case 'param':
        for (const follow of this.#params.get(message.name) ?? []) follow(message.value)
        break
      case 'error':
        for (const chart of this.#charts.values())
          chart.gone(message.hint === null ? message.message : `${message.message}. ${message.hint}`)
        break
    }
  }

  #tellPeek(peek: TopicPeek): void {
    const asked = (each: { connection: string; topic: string }): boolean =>
      each.connection === peek.connection && each.topic === peek.topic
    const answered = this.#peekers.filter(asked)
    this.#peekers = this.#peekers.filter(each => !asked(each))
    for (const { answer } of answered) answer(peek)
  }

  #applyFrame({ charts, credit = 1 }: Extract<FromEngine, { type: 'frame' }>, buffers: readonly DataView[]): void {
    this.#heard = true
    const painted: Promise<void>[] = []
    for (const frame of charts) {
      const chart = this.#find(frame.chartId)
      if (chart === undefined) continue
      if (applied(chart, frame, buffers) === 'gap') this.#askAgain(chart)
      painted.push(chart.painted())
    }
    void Promise.all(painted).then(() => this.#owe(credit))
  }

  #owe(credit: number): void {
    const short = this.#owed < CREDIT_SHORT && this.#owed + credit >= CREDIT_SHORT
    this.#owed += credit
    if (this.#creditTimer !== null && !short) return
    this.#creditTimer?.()
    this.#creditTimer = this.#options.timers.after(this.#owed < CREDIT_SHORT ? CREDIT_EVERY_MS : 0, () => {
      this.#creditTimer = null
      this.#payCredit()
    })
  }

  #payCredit(): void {
    const count = this.#owed
    this.#owed = 0
    this.#send({ type: 'credit', count })
  }

  #stayAlive(): void {
    this.#keepAlive?.()
    this.#keepAlive = this.#options.timers.after(KEEP_ALIVE_MS, () => {
      // Frames may get lost under way, and their credit with them: a quiet line gets all of it again (the engine caps it).
      if (!this.#heard && this.#creditTimer === null) this.#owed = CREDIT_AT_START
      this.#heard = false
      if (this.#noticeDisposal()) this.reconnect()
      else {
        this.#payCredit()
        this.#stayAlive()
      }
    })
  }

  #askAgain(chart: LiveChart): void {
    if (this.#asked.has(chart)) return
    this.#asked.add(chart)
    this.#options.timers.after(ASK_EVERY_MS, () => this.#asked.delete(chart))
    this.#subscribe(chart)
    // The credit of what was lost is lost with it: the engine gets all of it again, and caps it.
    this.#owed = CREDIT_AT_START
    this.#payCredit()
  }

  #subscribe(chart: LiveChart): void {
    if (chart.instance !== this.#instance) {
      chart.gone('the kernel was restarted; run the cell again')
      return
    }
    chart.connecting()
    const { chartId, sequence: since, visible } = chart
    this.#send({ type: 'subscribe', chartId, since, visible, ...(chart.changes === null ? {} : { changes: true }) })
  }

  #find(chartId: string): LiveChart | undefined {
    return this.#instance === null ? undefined : this.#charts.get(`${this.#instance} ${chartId}`)
  }

  #dropComm(): void {
    this.#comm = null
    this.#instance = null
    this.#owed = 0
    this.#creditTimer?.()
    this.#creditTimer = null
    this.#keepAlive?.()
    this.#keepAlive = null
  }

  #send(message: ToEngine): void {
    if (this.#comm !== null && !this.#disposed) this.#comm.send(message)
  }
}

/** A frame whose bytes are not there is as good as lost. */
function applied(chart: LiveChart, frame: ChartFrame, buffers: readonly DataView[]): 'applied' | 'gap' {
  try {
    return chart.apply(unpackFrame(frame, buffers))
  } catch {
    return 'gap'
  }
}
