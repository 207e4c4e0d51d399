/**
 * A page with the extension's panels and the engine's hub in one place, without Jupyter: what the tests of the chart itself
 * drive. The comm between both ends is a queue that may be told to lose messages. Bundled by tests/browser/open-chart-page.ts.
 */
import { ChartHub } from '../../stream/charts/hub.ts'
import { ChartPanel } from '../src/panel.ts'
import { ChartTap } from '../../stream/charts/tap.ts'
import { KernelLink } from '../src/kernel-link.ts'
import { LIVE_MIME } from '../../stream/charts/protocol.ts'
import { race } from './race.ts'
import { SAMPLE_STATS } from '../../stream/charts/sample-stats.ts'
import type { RaceResult, RaceRun } from './race.ts'
import type { Batch, StreamStats } from '../../stream/model.ts'
import type { ChartConcept } from '../../stream/charts/concept.ts'
import type { ChartOptions, FromEngine, LiveBundle } from '../../stream/charts/protocol.ts'

interface Wire {
  receive: (message: FromEngine, buffers: readonly DataView[]) => void
  /** Frames to lose from now on. */
  lose: number
  frames: number
  /** Comms that were opened. */
  comms: number
}

const wire: Wire = { receive: () => undefined, lose: 0, frames: 0, comms: 0 }
const controls: string[] = []
const hub = new ChartHub({
  clock: {
    nowMs: () => Date.now(),
    setTimer(delayMs, f) {
      const timer = setTimeout(f, delayMs)
      return { cancel: () => clearTimeout(timer) }
    },
  },
  instance: 'page',
  send: (_, message, buffers = []) => {
    if (message.type === 'frame') {
      wire.frames++
      if (wire.lose > 0) {
        wire.lose--
        return
      }
    }
    const views = buffers.map(bytes => new DataView(bytes.slice().buffer))
    queueMicrotask(() => wire.receive(structuredClone(message), views))
  },
  control: (stream, action) => controls.push(`${action} ${stream}`),
  setParam: () => undefined,
})
const link = new KernelLink({
  client: 'page',
  timers: {
    after(delayMs, f) {
      const timer = setTimeout(f, delayMs)
      return () => clearTimeout(timer)
    },
  },
  createComm: () => ({
    open: message => {
      wire.comms++
      queueMicrotask(() => hub.receive('one', message))
    },
    send: message => queueMicrotask(() => hub.receive('one', message)),
    close: () => undefined,
    disposed: false,
    onMessage: f => {
      wire.receive = f
    },
    onClose: () => undefined,
  }),
})

const charts = new Map<string, { tap: ChartTap; chartId: string; panel: ChartPanel }>()

const page = {
  wire,
  controls,
  add(stream: string, concept: ChartConcept, options: ChartOptions, trusted = true): void {
    const { chartId, tap } = hub.register({ stream, concept, options })
    const bundle = hub.bundle(chartId)?.[LIVE_MIME] as LiveBundle
    const panel = new ChartPanel(link.acquire(structuredClone(bundle)), trusted)
    document.body.append(panel.element)
    charts.set(stream, { tap: new ChartTap(tap), chartId, panel })
  },
  push(stream: string, rows: unknown[], open: unknown[], stats: Partial<StreamStats>): void {
    const chart = charts.get(stream)
    if (chart === undefined) return
    chart.tap.onBatch(batchOf(rows))
    hub.apply(chart.chartId, chart.tap.collect(open), { ...SAMPLE_STATS, ...stats }, [])
  },
  end(stream: string): void {
    hub.end(charts.get(stream)?.chartId ?? '', 'stopped', 'by %stop')
  },
  race: (kind: 'riffle' | 'bare', run: RaceRun): Promise<RaceResult> => race(kind, run, page),
  lost: (): void => link.lost('the kernel is restarting'),
  theme(light: boolean): void {
    document.body.dataset['jpThemeLight'] = String(light)
    document.body.classList.toggle('dark', !light)
    for (const { panel } of charts.values()) panel.restyle()
  },
}

function batchOf(rows: unknown[]): Batch {
  return {
    count: rows.length,
    rows,
    eventTimesMs: Float64Array.from(rows, row => Number((row as { at?: number }).at ?? 0)),
    beforeMs: new Float64Array(rows.length),
    watermarkMs: 0,
  }
}

export type ChartPage = typeof page
Object.assign(globalThis, { page })
