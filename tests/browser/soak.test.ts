/**
 * Ten charts at ten frames a second, for a while: nothing grows. Views, comms, listeners and detached nodes of the page are as many after
 * 60 seconds as after 20, by Chromium's own count after a forced collection; the heap may breathe by a megabyte. LONG=1 looks for an
 * hour, SOAK_MINUTES for as long as it says.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detachedNodes, heapLimitBytes, pass, settled, soakSeconds } from './growth.ts'
import { launchChromium, openChartPage } from './open-chart-page.ts'
import type { CDPSession, Page } from 'playwright-core'

const CHARTS = 10
const QUIET_SECONDS = 2
const WARM_UP_SECONDS = 20
const SECONDS = soakSeconds(40)
const HEAP_BYTES = heapLimitBytes(SECONDS)

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
          if (window.quiet === true) return
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
    const after = await settled(
      page,
      () => counted(page, session),
      ({ listeners, detached, heapBytes }) =>
        listeners <= before.listeners && detached <= before.detached && heapBytes - before.heapBytes <= HEAP_BYTES,
    )
    assert.ok(after.frames - before.frames >= SECONDS, `${after.frames - before.frames} frames were drawn`)
    assert.deepEqual({ views: after.views, comms: after.comms }, { views: CHARTS, comms: 1 })
    assert.ok(after.listeners <= before.listeners, `${after.listeners - before.listeners} listeners more`)
    assert.ok(after.detached <= before.detached, `${after.detached - before.detached} detached nodes more`)
    const grownBytes = after.heapBytes - before.heapBytes
    assert.ok(grownBytes <= HEAP_BYTES, `the heap grew by ${grownBytes} bytes`)
    assert.deepEqual(errors, [])
  } finally {
    await browser.close()
  }
})

interface Counted {
  readonly views: number
  readonly comms: number
  readonly listeners: number
  readonly detached: number
  readonly heapBytes: number
  readonly frames: number
}

async function counted(page: Page, session: CDPSession): Promise<Counted> {
  // A text that is replaced while one counts is a node more: nothing moves meanwhile.
  await page.evaluate(() => void (window.quiet = true))
  await pass(page, QUIET_SECONDS)
  // First what makes the driver put listeners of its own into the page, then the count of them.
  const views = await page.locator('.riffle-vega canvas').count()
  const { frames, comms } = await page.evaluate(() => window.page.wire)
  const detached = await detachedNodes(page, session)
  const { metrics } = await session.send('Performance.getMetrics')
  const metric = (name: string): number => metrics.find(one => one.name === name)?.value ?? Number.NaN
  await page.evaluate(() => void (window.quiet = false))
  return {
    views,
    comms,
    frames,
    detached,
    listeners: metric('JSEventListeners'),
    heapBytes: metric('JSHeapUsedSize'),
  }
}

declare const document: { querySelectorAll(selector: string): { readonly length: number } }
declare const window: {
  quiet?: boolean
  page: {
    readonly wire: { readonly frames: number; readonly comms: number }
    add(stream: string, concept: object, options: object): void
    push(stream: string, rows: unknown[], open: unknown[], stats: object): void
  }
}
