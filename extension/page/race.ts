/** Riffle's charts and the bare widget on the same rows at the same rate, for the bench: how many pictures, how soon. */
import { BareWidget } from './bare-widget.ts'
import type { ChartOptions } from '../../stream/charts/protocol.ts'
import type { ChartConcept } from '../../stream/charts/concept.ts'

export interface RaceRun {
  readonly charts: number
  readonly points: number
  readonly seconds: number
}

export interface RaceResult {
  readonly updates: number
  readonly pictures: number
  readonly latenciesMs: readonly number[]
}

interface Contestant {
  /** Resolves when this much is on the screen. */
  fill(rows: object[]): Promise<void>
  push(added: object[], removed: object[], drawn: () => void): void
}

type Row = { k: string; windowStart: number; windowEnd: number; n: number }

const SERIES = 5
const T0 = Date.UTC(2026, 0, 1, 9)
const TICK_MS = 100
/** The most rows a chart of ours keeps; of more points it draws the newest, and says so. */
const LIMIT = 10_000

export interface RifflePort {
  add(stream: string, concept: ChartConcept, options: ChartOptions): void
  push(stream: string, rows: unknown[], open: unknown[], stats: object): void
}

/** `kind` draws `charts` charts of `points` points, a window of five series every 100 ms for `seconds`. */
export async function race(kind: 'riffle' | 'bare', run: RaceRun, riffle: RifflePort): Promise<RaceResult> {
  const kept = Math.floor(run.points / SERIES)
  const charts = Array.from({ length: run.charts }, (_, i) =>
    kind === 'bare' ? bare() : ours(`race${i}`, kept, riffle),
  )
  const windows = Array.from({ length: kept }, (_, at) => windowOf(at))
  await Promise.all(charts.map(chart => chart.fill(windows.flat())))
  let updates = 0
  let pictures = 0
  const latenciesMs: number[] = []
  const began = performance.now()
  await new Promise<void>(resolve => {
    const timer = setInterval(() => {
      if (performance.now() - began > run.seconds * 1000) {
        clearInterval(timer)
        resolve()
        return
      }
      const added = windowOf(kept + updates / run.charts)
      windows.push(added)
      const removed = windows.shift() ?? []
      for (const chart of charts) {
        updates++
        const pushed = performance.now()
        chart.push(added, removed, () => {
          pictures++
          latenciesMs.push(performance.now() - pushed)
        })
      }
    }, TICK_MS)
  })
  return { updates, pictures, latenciesMs }
}

function bare(): Contestant {
  const host = document.body.appendChild(document.createElement('div'))
  const widget = new BareWidget(host)
  return {
    fill: async rows => void (await widget.push(rows, [])),
    push: (added, removed, drawn) => void widget.push(added, removed).then(done => done && drawn()),
  }
}

function ours(stream: string, kept: number, riffle: RifflePort): Contestant {
  const most = Math.min(LIMIT, kept * SERIES)
  const concept: ChartConcept = { form: 'window', by: ['k'], aggregates: ['n'], stepMs: 1000, revisions: false }
  riffle.add(stream, concept, { keep: most, fps: 20 })
  const node = document.querySelector<HTMLElement>(`.riffle-chart[data-stream="${stream}"]`)
  let waiting: (() => void) | null = null
  new MutationObserver(() => {
    waiting?.()
    waiting = null
  }).observe(node as HTMLElement, { attributes: true, attributeFilter: ['data-seq'] })
  return {
    async fill(rows) {
      riffle.push(stream, rows, [], {})
      while (Number(node?.dataset['rows']) < most) await new Promise(requestAnimationFrame)
    },
    push(added, _removed, drawn) {
      // A picture that is under way will not show this; the next one does.
      waiting ??= drawn
      riffle.push(stream, added, [], {})
    },
  }
}

function windowOf(at: number): Row[] {
  return Array.from({ length: SERIES }, (_, i) => ({
    k: `k${i}`,
    windowStart: T0 + at * 1000,
    windowEnd: T0 + (at + 1) * 1000,
    n: Math.sin(at / 9 + i) * 50 + 60,
  }))
}
