/**
 * One browser connection with its charts, credit and life signs. It decides when a frame goes out and what is in it.
 *
 *   fresh -> (snapshot sent) -> following -> (parked | shown again after long | redesigned) -> fresh
 */
import { changesAfter } from './changes.ts'
import { PendingDelta } from './model.ts'
import { packFrame, valueCount } from './packed.ts'
import type { Chart } from './chart.ts'
import type { ChartChanges, ChartDelta, ChartFrame, FromEngine, ToEngine } from './protocol.ts'
import type { Clock, Timer } from '../time/clock.ts'

export const PARK_AFTER_MS = 5000
export const FORGET_AFTER_MS = 60_000
export const FORGET_HIDDEN_AFTER_MS = 300_000
/** The link of a page shows a sign of life every 10 s. */
const LISTS_AFTER_MS = 25_000
/** The fastest any connection is drawn. */
const TICK_MS = 50
/**
 * The rate of a chart is a mean: a frame may be so much of its time earlier than its turn, and turns come 2 % sooner than the rate says. Else
 * one row that comes late would hold up all rows after it that come as often as the chart is drawn.
 */
const AHEAD = 0.5
const TURN = 0.98
const STATUS_EVERY_MS = 1000
/** A page has to read a frame in one go: charts beyond this many values wait for the next one. */
const FRAME_VALUES = 20_000
/** A frame costs one credit for each so many values: of large ones only a few are under way. */
const CREDIT_VALUES = 1000

export interface ConnectionOptions {
  readonly clock: Clock
  chart(chartId: string): Chart | undefined
  send(message: FromEngine, buffers?: readonly Uint8Array[]): void
  readonly welcomeWith: { readonly protocol: number; readonly instance: string; readonly credit: number }
  /** Nothing was heard for too long. */
  silent(): void
}

type Named<T> = T extends { readonly client: string } ? Omit<T, 'client'> : never
type Answer = Named<Extract<FromEngine, { type: 'outputs' | 'streams' | 'topics' | 'peek' | 'unmatched' }>>

interface Subscription {
  visible: boolean
  sequence: number
  /** The next frame is a snapshot; pending rows do not matter until then. */
  fresh: boolean
  /** The next frame carries spec and columns. */
  respec: boolean
  endDue: boolean
  statusDue: boolean
  lastSentMs: number
  /** When rows are due by the rate of the chart alone. */
  turnMs: number
  /** Number of the last change that was sent; null: none are asked for. */
  changesTo: number | null
  readonly pending: PendingDelta
}

export class ChartConnection {
  /** A panel with the list of streams is open there. */
  watchesStreams = false
  readonly #options: ConnectionOptions
  readonly #subscriptions = new Map<string, Subscription>()
  #client = ''
  /** The page reads packed rows. */
  #binary = false
  /** Below nothing after a frame that cost more than was left. */
  #credit = 0
  /** When the browser last said anything. */
  #heardMs: number
  #tick: Timer | null = null
  #tickDueMs = 0
  #watchdog: Timer | null = null
  #closed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#heardMs = options.clock.nowMs()
  }

  has(chartId: string): boolean {
    return this.#subscriptions.has(chartId)
  }

  sees(chartId: string): boolean {
    return this.#subscriptions.get(chartId)?.visible === true
  }

  hello({ client, protocol, binary }: Extract<ToEngine, { type: 'hello' }>): void {
    this.#subscriptions.clear()
    this.#binary = binary === true
    this.watchesStreams = false
    this.welcome(client)
    if (protocol === this.#options.welcomeWith.protocol) return
    this.#send({
      type: 'error',
      client,
      message: `Cannot show live charts: the extension speaks version ${protocol}, the kernel version ${this.#options.welcomeWith.protocol}`,
      hint: 'Run riffle install and reload the page',
    })
  }

  welcome(client: string): void {
    this.#client = client
    this.#credit = this.#options.welcomeWith.credit
    this.#send({ type: 'welcome', client, ...this.#options.welcomeWith })
  }

  /** A sign of life: the clocks of parking and forgetting start again. */
  alive(): void {
    this.#heardMs = this.#options.clock.nowMs()
    if (this.#watchdog === null && !this.#closed) this.#watch(PARK_AFTER_MS)
  }

  subscribe(chartId: string, visible: boolean, changes: boolean): void {
    if (this.#options.chart(chartId) === undefined) {
      this.gone(chartId, 'the kernel does not know this chart; run its cell again')
      return
    }
    const sequence = this.#subscriptions.get(chartId)?.sequence ?? 0
    this.#subscriptions.set(chartId, {
      visible,
      sequence,
      fresh: true,
      respec: true,
      endDue: this.#options.chart(chartId)?.end !== undefined,
      statusDue: true,
      lastSentMs: -Infinity,
      turnMs: -Infinity,
      changesTo: changes ? 0 : null,
      pending: new PendingDelta(),
    })
    this.#schedule()
  }

  unsubscribe(chartId: string): void {
    this.#subscriptions.delete(chartId)
  }

  setVisible(chartId: string, visible: boolean): void {
    const subscription = this.#subscriptions.get(chartId)
    if (subscription === undefined) return
    subscription.visible = visible
    this.#schedule()
  }

  /** Whether changes are asked for, in sight or not. */
  asksChanges(chartId: string): boolean {
    return typeof this.#subscriptions.get(chartId)?.changesTo === 'number'
  }

  /** The next frame has all changes that are known, those after it what came since. */
  askChanges(chartId: string, on: boolean): void {
    const subscription = this.#subscriptions.get(chartId)
    if (subscription === undefined) return
    subscription.changesTo = on ? 0 : null
    this.#schedule()
  }

  addCredit(count: number): void {
    const most = this.#options.welcomeWith.credit
    this.#credit = Math.min(most, this.#credit + Math.max(0, Math.floor(count)))
    this.#schedule()
  }

  changed(chartId: string, delta: ChartDelta | null): void {
    const subscription = this.#subscriptions.get(chartId)
    const chart = this.#options.chart(chartId)
    if (subscription === undefined || chart === undefined) return
    subscription.statusDue = true
    if (delta !== null && !subscription.fresh) {
      subscription.pending.add(delta)
      // More waits than a snapshot would hold: take the snapshot.
      if (subscription.pending.size > 2 * chart.retention.rows) this.#park(subscription)
    }
    this.#schedule()
  }

  /** Columns, spec or the whole stream changed. */
  redesign(chartId: string): void {
    const subscription = this.#subscriptions.get(chartId)
    if (subscription === undefined) return
    this.#park(subscription)
    subscription.respec = true
    this.#schedule()
  }

  ended(chartId: string): void {
    const subscription = this.#subscriptions.get(chartId)
    if (subscription === undefined) return
    subscription.endDue = true
    this.#schedule()
  }

  gone(chartId: string, reason: string): void {
    this.#subscriptions.delete(chartId)
    this.#send({ type: 'gone', client: this.#client, chartId, reason })
  }

  /** An answer that is no frame: it costs no credit. */
  tell(answer: Answer): void {
    this.#send({ ...answer, client: this.#client })
  }

  close(): void {
    this.#closed = true
    this.#tick?.cancel()
    this.#watchdog?.cancel()
    this.#subscriptions.clear()
  }

  /** Nothing waits for this subscriber any more; its next frame is a snapshot. */
  #park(subscription: Subscription): void {
    subscription.fresh = true
    subscription.pending.clear()
  }

  #schedule(): void {
    if (this.#closed || this.#credit <= 0) return
    const nowMs = this.#options.clock.nowMs()
    let dueMs = Infinity
    for (const [chartId, subscription] of this.#subscriptions)
      dueMs = Math.min(dueMs, this.#dueMs(chartId, subscription))
    // A tick that waits for the next status must not hold up rows that came since.
    if (dueMs === Infinity || (this.#tick !== null && this.#tickDueMs <= dueMs)) return
    this.#tick?.cancel()
    this.#tickDueMs = dueMs
    this.#tick = this.#options.clock.setTimer(Math.max(0, dueMs - nowMs), () => {
      this.#tick = null
      this.#sendFrame()
      this.#schedule()
    })
  }

  /** When a chart may be sent next; Infinity when it has nothing to say. Hidden charts say nothing but their end. */
  #dueMs(chartId: string, subscription: Subscription): number {
    const chart = this.#options.chart(chartId)
    if (chart === undefined) return Infinity
    if (subscription.endDue) return subscription.lastSentMs
    if (!subscription.visible) return Infinity
    const changed = !subscription.pending.empty || newChanges(chart, subscription) !== undefined
    if (subscription.fresh || subscription.respec || changed) {
      return Math.max(subscription.lastSentMs + TICK_MS, subscription.turnMs - AHEAD * everyMs(chart))
    }
    return subscription.statusDue ? subscription.lastSentMs + STATUS_EVERY_MS : Infinity
  }

  #sendFrame(): void {
    const nowMs = this.#options.clock.nowMs()
    const charts: ChartFrame[] = []
    const buffers: Uint8Array[] = []
    let values = 0
    // Who has waited longest comes first, so that a chart left out of a full frame is in the next one.
    const longestFirst = [...this.#subscriptions].sort(([, a], [, b]) => a.lastSentMs - b.lastSentMs)
    for (const [chartId, subscription] of longestFirst) {
      const chart = this.#options.chart(chartId)
      // A chart due within half a tick rides along: one message for all.
      if (chart === undefined || this.#dueMs(chartId, subscription) > nowMs + TICK_MS / 2) continue
      const plain = this.#frameOf(chart, subscription, nowMs)
      values += valueCount(plain)
      const { frame, buffers: own } = this.#binary ? packFrame(plain, buffers.length) : { frame: plain, buffers: [] }
      charts.push(frame)
      buffers.push(...own)
      if (values >= FRAME_VALUES) break
    }
    if (charts.length === 0) return
    const credit = Math.max(1, Math.ceil(values / CREDIT_VALUES))
    this.#credit -= credit
    const message: FromEngine = { type: 'frame', client: this.#client, charts, ...(credit > 1 ? { credit } : {}) }
    if (buffers.length === 0) this.#send(message)
    else this.#send(message, buffers)
  }

  #frameOf(chart: Chart, subscription: Subscription, nowMs: number): ChartFrame {
    const content = subscription.fresh
      ? { snapshot: chart.rows }
      : subscription.pending.empty
        ? {}
        : { delta: subscription.pending.take() }
    // A snapshot takes the place of all a page knows, its changes included.
    if (subscription.fresh && subscription.changesTo !== null) subscription.changesTo = 0
    const changes = newChanges(chart, subscription)
    if (changes !== undefined) subscription.changesTo = changes.upTo
    const frame: ChartFrame = {
      chartId: chart.chartId,
      sequence: ++subscription.sequence,
      ...content,
      ...(changes === undefined ? {} : { changes }),
      status: chart.status,
      ...(subscription.respec ? { respec: chart.respec } : {}),
      ...(chart.end !== undefined ? { end: chart.end } : {}),
    }
    subscription.pending.clear()
    subscription.fresh = false
    subscription.respec = false
    subscription.endDue = false
    subscription.statusDue = false
    subscription.lastSentMs = nowMs
    subscription.turnMs = Math.max(nowMs, subscription.turnMs) + TURN * everyMs(chart)
    return frame
  }

  #watch(delayMs: number): void {
    this.#watchdog = this.#options.clock.setTimer(delayMs, () => {
      this.#watchdog = null
      const silentMs = this.#options.clock.nowMs() - this.#heardMs
      const hidden = this.#subscriptions.size > 0 && ![...this.#subscriptions.values()].some(({ visible }) => visible)
      if (silentMs >= (hidden ? FORGET_HIDDEN_AFTER_MS : FORGET_AFTER_MS)) {
        this.#options.silent()
        return
      }
      // A page that says nothing for two signs of life gets no lists either: they would pile up in a server.
      if (silentMs >= LISTS_AFTER_MS) this.watchesStreams = false
      if (silentMs >= PARK_AFTER_MS && this.#credit <= 0)
        for (const subscription of this.#subscriptions.values()) this.#park(subscription)
      this.#watch(PARK_AFTER_MS)
    })
  }

  #send(message: FromEngine, buffers?: readonly Uint8Array[]): void {
    if (!this.#closed) this.#options.send(message, buffers)
  }
}

function everyMs({ fps }: Chart): number {
  return Math.max(TICK_MS, 1000 / fps)
}

function newChanges(chart: Chart, { changesTo }: Subscription): ChartChanges | undefined {
  return changesTo === null || chart.changes === undefined ? undefined : changesAfter(chart.changes, changesTo)
}
