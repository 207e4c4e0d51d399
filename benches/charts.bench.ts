/**
 * Charts: what one frame costs the page, and how long a row takes from the stream's output to the screen, beside the bare widget of
 * extension/page/bare-widget.ts on the same rows in the same run. No Jupyter between.
 */
import { launchChromium, openChartPage, type OpenPage } from '../tests/browser/open-chart-page.ts'
import { median, type BenchSetup, type Measurement } from './bench.ts'
import type { Browser, CDPSession } from 'playwright-core'

const FRAMES = 60
const POINTS = 1000
const T0 = Date.UTC(2026, 0, 1, 9)

let browser: Browser | undefined

export const setup: BenchSetup = async () => {
  browser = await launchChromium()
  return () => browser?.close()
}

/** A page with one line chart of 1,000 points in five series. */
async function withChart<T>(use: (open: OpenPage) => Promise<T>): Promise<T> {
  if (browser === undefined) throw new Error('the bench was not set up')
  const open = await openChartPage(browser)
  try {
    await open.page.evaluate(() =>
      window.page.add(
        's',
        { form: 'window', by: ['k'], aggregates: ['n'], stepMs: 1000, revisions: false },
        { keep: 1000, fps: 20 },
      ),
    )
    await open.page.evaluate(rows => window.page.push('s', rows, [], {}), rowsFrom(0, POINTS / 5))
    await open.page.waitForFunction(() => document.querySelector('.riffle-chart')?.dataset['rows'] === '1000')
    return await use(open)
  } finally {
    await open.close()
  }
}

function rowsFrom(first: number, count: number): object[] {
  return Array.from({ length: count * 5 }, (_, i) => {
    const window = first + Math.floor(i / 5)
    return {
      k: `k${i % 5}`,
      windowStart: T0 + window * 1000,
      windowEnd: T0 + (window + 1) * 1000,
      n: Math.sin(window / 9 + i) * 50 + 60,
    }
  })
}

/**
 * Time the page's main thread spends per frame on script, style and layout, by Chromium's own count; hub and tap, which run in
 * the kernel otherwise, are in it. Rasterising the canvas is left out: without a GPU it is the machine's, not the chart's.
 */
async function frameMainThreadMs(): Promise<number> {
  return withChart(async ({ page }) => {
    const session = await page.context().newCDPSession(page)
    await session.send('Performance.enable')
    const before = await busyMs(session)
    for (let i = 0; i < FRAMES; i++) await drawOne(page, i)
    return ((await busyMs(session)) - before) / FRAMES
  })
}

async function busyMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics')
  const counted = new Set(['ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration'])
  return metrics.reduce((sum, metric) => (counted.has(metric.name) ? sum + metric.value * 1000 : sum), 0)
}

/** From handing a row to the tap until the frame that shows it is on the screen. */
async function producedToPaintedMs(): Promise<Record<string, number>> {
  return withChart(async ({ page }) => {
    const delays: number[] = []
    for (let i = 0; i < FRAMES; i++) delays.push(await drawOne(page, i))
    delays.sort((a, b) => a - b)
    return { p50: median(delays), p95: delays[Math.floor(delays.length * 0.95)] ?? Number.NaN }
  })
}

/** Pushes one more window and waits, inside the page, until its sequence is drawn. */
function drawOne(page: OpenPage['page'], index: number): Promise<number> {
  return page.evaluate(
    rows =>
      new Promise<number>(resolve => {
        const node = document.querySelector('.riffle-chart')
        const before = node?.dataset['seq']
        const began = performance.now()
        new MutationObserver((_, observer) => {
          if (node?.dataset['seq'] === before) return
          observer.disconnect()
          resolve(performance.now() - began)
        }).observe(node, { attributes: true })
        window.page.push('s', rows, [], {})
      }),
    rowsFrom(POINTS / 5 + index, 1),
  )
}

const SECONDS = 5
const RACES = [
  { name: '1k', charts: 1, points: 1000 },
  { name: '10k', charts: 1, points: 10_000 },
  { name: '4-charts', charts: 4, points: 1000 },
  { name: '10-charts', charts: 10, points: 1000 },
] as const

/**
 * Updates at 10 Hz, ours and the bare widget's in turn. Main thread in its own processor time per update and chart; pictures per
 * second and chart; from handing over a row to the picture with it.
 */
async function raceWithBareWidget(): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const { name, charts, points } of RACES) {
    for (const kind of ['bare', 'riffle'] as const) {
      const { mainMs, picturesPerS, p50, p95 } = await raceOne(kind, { charts, points, seconds: SECONDS })
      found[`main-thread-ms-${name}-${kind}`] = mainMs
      found[`pictures-per-s-${name}-${kind}`] = picturesPerS
      found[`painted-p50-ms-${name}-${kind}`] = p50
      found[`painted-p95-ms-${name}-${kind}`] = p95
    }
    found[`main-thread-ratio-${name}`] = ratioOf(found, `main-thread-ms-${name}-riffle`, `main-thread-ms-${name}-bare`)
    found[`pictures-ratio-${name}`] = ratioOf(found, `pictures-per-s-${name}-bare`, `pictures-per-s-${name}-riffle`)
  }
  return found
}

const ratioOf = (found: Readonly<Record<string, number>>, over: string, under: string): number =>
  (found[over] ?? Number.NaN) / (found[under] ?? Number.NaN)

async function raceOne(
  kind: 'riffle' | 'bare',
  run: { readonly charts: number; readonly points: number; readonly seconds: number },
): Promise<Record<'mainMs' | 'picturesPerS' | 'p50' | 'p95', number>> {
  if (browser === undefined) throw new Error('the bench was not set up')
  const { page, close } = await openChartPage(browser)
  try {
    // All in sight: what is out of sight is not drawn.
    await page.setViewportSize({ width: 1000, height: 400 * run.charts })
    const session = await page.context().newCDPSession(page)
    await session.send('Performance.enable', { timeDomain: 'threadTicks' })
    const before = await busyMs(session)
    const { updates, pictures, latenciesMs } = await page.evaluate(([who, what]) => window.page.race(who, what), [
      kind,
      run,
    ] as const)
    const sorted = [...latenciesMs].sort((a, b) => a - b)
    return {
      mainMs: ((await busyMs(session)) - before) / updates,
      picturesPerS: pictures / run.seconds / run.charts,
      p50: median(sorted),
      p95: sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN,
    }
  } finally {
    await close()
  }
}

export const measurements: readonly Measurement[] = [
  { name: 'charts.race', unit: 'ms', runs: 3, measure: raceWithBareWidget },
  {
    name: 'charts.ten-charts-frame-main-thread-ms',
    unit: 'ms',
    measure: async () => (await raceOne('riffle', { charts: 10, points: 1000, seconds: SECONDS })).mainMs,
  },
  { name: 'charts.frame-main-thread-ms', unit: 'ms', measure: frameMainThreadMs },
  { name: 'charts.produced-to-painted-ms', unit: 'ms', measure: producedToPaintedMs },
]

interface PageNode {
  readonly dataset: Readonly<Record<string, string>>
}
declare const document: { querySelector(selector: string): PageNode | null }
declare const MutationObserver: new (f: (records: unknown, observer: { disconnect(): void }) => void) => {
  observe(node: PageNode | null, options: object): void
}
declare const window: {
  page: {
    add(stream: string, concept: object, options: object): void
    push(stream: string, rows: object[], open: object[], stats: object): void
    race(
      kind: 'riffle' | 'bare',
      run: { readonly charts: number; readonly points: number; readonly seconds: number },
    ): Promise<{ readonly updates: number; readonly pictures: number; readonly latenciesMs: readonly number[] }>
  }
}
