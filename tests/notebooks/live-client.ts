/**
 * What the browser does with a live chart, written once more in plain JavaScript values: opens the comm, takes frames against
 * credit, keeps the rows. It imports the protocol's types and nothing that computes, so that a fault in the charts' model
 * does not hide itself.
 */
import type { Kernel } from '@jupyterlab/services'
import type { ArrivalOrder } from './notebook-run.ts'
import type { ChartRow, ChartStatus, FromEngine, LiveBundle, ToEngine } from '../../stream/charts/protocol.ts'

export interface LiveChart {
  readonly rows: ReadonlyMap<string, ChartRow>
  /** Finished windows and records ever shown, also those the chart has let go since because they are old. */
  readonly shown: ReadonlyMap<string, ChartRow>
  readonly status: ChartStatus | undefined
  readonly sequence: number
  readonly frames: number
  /** Arrival position of the first frame of this chart. */
  readonly firstFrameAt: number
  readonly ended: { readonly state: string; readonly reason: string } | undefined
}

export class LiveClient {
  readonly #comm: Kernel.IComm
  readonly #charts = new Map<string, Mutable<LiveChart>>()
  readonly #waiting = new Set<() => void>()
  readonly #client = `test-${Math.random().toString(36).slice(2)}`
  readonly #order: ArrivalOrder

  constructor(kernel: Kernel.IKernelConnection, order: ArrivalOrder) {
    this.#order = order
    this.#comm = kernel.createComm('riffle.live.v1')
    this.#comm.onMsg = message => {
      this.#receive(message.content.data as unknown as FromEngine)
    }
    this.#comm.open({} as never)
    this.#send({ type: 'hello', protocol: 1, client: this.#client })
  }

  attach(bundle: LiveBundle): void {
    const chart: Mutable<LiveChart> = {
      rows: new Map(),
      shown: new Map(),
      status: undefined,
      sequence: -1,
      frames: 0,
      firstFrameAt: -1,
      ended: undefined,
    }
    this.#charts.set(bundle.chartId, chart)
    this.#send({ type: 'subscribe', chartId: bundle.chartId, since: null, visible: true })
  }

  chart(chartId: string): LiveChart {
    const chart = this.#charts.get(chartId)
    if (chart === undefined) throw new Error(`chart ${chartId} was not attached`)
    return chart
  }

  send(message: ToEngine): void {
    this.#send(message)
  }

  /** Resolves when `holds` is true of the chart, looked at after every frame; rejects after the hang limit. */
  async until(
    chartId: string,
    what: string,
    holds: (chart: LiveChart) => boolean,
    limitMs = 60_000,
  ): Promise<LiveChart> {
    const chart = this.chart(chartId)
    if (holds(chart)) return chart
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!holds(chart)) return
        finish()
        resolve(chart)
      }
      const timer = setTimeout(() => {
        finish()
        reject(new Error(`not seen within ${limitMs} ms: ${what}; ${chart.rows.size} rows, frame ${chart.sequence}`))
      }, limitMs)
      const finish = () => {
        clearTimeout(timer)
        this.#waiting.delete(look)
      }
      this.#waiting.add(look)
    })
  }

  #receive(message: FromEngine): void {
    const position = this.#order.next()
    if (message.type !== 'frame' || message.client !== this.#client) return
    for (const frame of message.charts) {
      const chart = this.#charts.get(frame.chartId)
      if (chart === undefined) continue
      const rows = chart.rows as Map<string, ChartRow>
      if (frame.snapshot !== undefined) {
        rows.clear()
        for (const row of frame.snapshot) rows.set(row.$key, row)
      } else if (frame.delta !== undefined) {
        if (frame.sequence !== chart.sequence + 1) throw new Error(`frame ${frame.sequence} after ${chart.sequence}`)
        for (const key of frame.delta.remove) rows.delete(key)
        for (const row of frame.delta.upsert) rows.set(row.$key, row)
      }
      for (const row of [...(frame.snapshot ?? []), ...(frame.delta?.upsert ?? [])]) {
        if (row.$open !== true) (chart.shown as Map<string, ChartRow>).set(row.$key, row)
      }
      chart.sequence = frame.sequence
      chart.status = frame.status
      chart.frames += 1
      if (chart.firstFrameAt < 0) chart.firstFrameAt = position
      if (frame.end !== undefined) chart.ended = frame.end
    }
    this.#send({ type: 'credit', count: message.credit ?? 1 })
    for (const look of this.#waiting) look()
  }

  #send(message: ToEngine): void {
    this.#comm.send(message as never)
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
