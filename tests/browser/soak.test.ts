/**
 * Ten charts at ten frames a second, for a while: nothing grows. Views, listeners and nodes of the page are as many after as
 * before, by Chromium's own count after a forced collection; the heap may breathe by a megabyte. LONG=1 looks for an hour.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launchChromium, openChartPage } from './open-chart-page.ts'
import type { CDPSession, Page } from 'playwright-core'

const CHARTS = 10
const WARM_UP_SECONDS = 12
const SECONDS = process.env['LONG'] === '1' ? 3600 : 20
const HEAP_BYTES = 1024 * 1024

test('ten charts at ten frames a second leave nothing behind', async () => {
  const browser = await launchChromium()
  try {
    const { page, errors } = await openChartPage(browser)
    // All in sight: what is out of sight is not drawn.
    await page.setViewportSize({ width: 900, height: 3600 })
    await page.evaluate(
      ([charts, t0]) => {
        for (let i = 0; i < charts; i++)
          window.page.add(
            `s${i}`,
            { form: 'window', by: ['k'], aggregates: ['n'], stepMs: 1000, revisions: false },
            { keep: 100, fps: 10 },
          )
        let tick = 0
        setInterval(() => {
          const start = t0 + tick * 1000
          tick++
          for (let i = 0; i < charts; i++) {
            const rows = ['north', 'south'].map((k, at) => ({
              k,
              windowStart: start,
              windowEnd: start + 1000,
              n: ((tick * 7 + i * 3 + at * 11) % 50) + 10,
            }))
            window.page.push(`s${i}`, rows, [], {})
          }
        }, 100)
      },
      [CHARTS, Date.UTC(2026, 0, 1, 9)] as const,
    )
    const session = await page.context().newCDPSession(page)
    await session.send('Performance.enable')
    await page.waitForFunction(charts => document.querySelectorAll('.riffle-vega canvas').length === charts, CHARTS)
    await pass(page, WARM_UP_SECONDS)
    const before = await counted(page, session)
    await pass(page, SECONDS)
    const after = await counted(page, session)
    assert.ok(after.frames - before.frames >= SECONDS, `${after.frames - before.frames} frames were drawn`)
    assert.deepEqual(
      { views: after.views, listeners: after.listeners, nodes: after.nodes },
      { views: CHARTS, listeners: before.listeners, nodes: before.nodes },
    )
    const grownBytes = after.heapBytes - before.heapBytes
    assert.ok(grownBytes <= HEAP_BYTES, `the heap grew by ${grownBytes} bytes`)
    assert.deepEqual(errors, [])
  } finally {
    await browser.close()
  }
})

/** Waits in the page's own time: a busy machine draws fewer frames, not another number of seconds. */
function pass(page: Page, seconds: number): Promise<void> {
  return page.evaluate(ms => new Promise<void>(resolve => setTimeout(resolve, ms)), seconds * 1000)
}

interface Counted {
  readonly views: number
  readonly listeners: number
  readonly nodes: number
  readonly heapBytes: number
  readonly frames: number
}

async function counted(page: Page, session: CDPSession): Promise<Counted> {
  // First what makes the driver put listeners of its own into the page, then the count of them.
  const views = await page.locator('.riffle-vega canvas').count()
  const frames = await page.evaluate(() => window.page.wire.frames)
  for (let i = 0; i < 3; i++) await session.send('HeapProfiler.collectGarbage')
  const { metrics } = await session.send('Performance.getMetrics')
  const metric = (name: string): number => metrics.find(one => one.name === name)?.value ?? Number.NaN
  return {
    views,
    frames,
    listeners: metric('JSEventListeners'),
    nodes: metric('Nodes'),
    heapBytes: metric('JSHeapUsedSize'),
  }
}

declare const document: { querySelectorAll(selector: string): { readonly length: number } }
declare const window: {
  page: {
    readonly wire: { readonly frames: number }
    add(stream: string, concept: object, options: object): void
    push(stream: string, rows: unknown[], open: unknown[], stats: object): void
  }
}
