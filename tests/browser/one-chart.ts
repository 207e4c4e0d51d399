/** A chart `s` of windows by region in a page of its own: makes it, gives it rows, reads what it drew. */
import { after, before, beforeEach } from 'node:test'
import { marksOf } from './lab-page.ts'
import { launchChromium, openChartPage, type OpenPage } from './open-chart-page.ts'
import type { Browser, Page } from 'playwright-core'
import type { ChartConcept } from '../../stream/charts/concept.ts'
import type { ChartOptions } from '../../stream/charts/protocol.ts'

/** A browser for all tests of a file, with a page for each of them; `reopen` gives another. */
export function chartPageForTests() {
  let browser: Browser
  let open: OpenPage | undefined
  const reopen = async (): Promise<void> => {
    await open?.close()
    open = await openChartPage(browser)
  }
  before(async () => {
    browser = await launchChromium()
  })
  after(async () => {
    await browser?.close()
  })
  beforeEach(reopen)
  return {
    reopen,
    get browser(): Browser {
      return browser
    },
    get page(): Page {
      return open!.page
    },
    get errors(): readonly string[] {
      return open!.errors
    },
  }
}

export const T0 = Date.UTC(2026, 0, 1, 9)
export const windowRow = (region: string, index: number, n: number): object => ({
  region,
  windowStart: T0 + index * 10_000,
  windowEnd: T0 + (index + 1) * 10_000,
  n,
  kind: 'onTime',
  revision: 0,
})

export async function addWindows(page: Page, options: ChartOptions = {}): Promise<void> {
  await page.evaluate(
    wished =>
      window.page.add(
        's',
        { form: 'window', by: ['region'], aggregates: ['n'], stepMs: 10_000, revisions: false },
        wished,
      ),
    options,
  )
}

export async function push(page: Page, rows: object[], openRows: object[] = []): Promise<void> {
  await page.evaluate(([closed, provisional]) => window.page.push('s', closed, provisional, {}), [
    rows,
    openRows,
  ] as const)
}

export const rowsAre = async (page: Page, count: number): Promise<void> => {
  await page.waitForSelector(`.riffle-chart[data-rows="${count}"]`)
}

/** Region, value and whether it is open, of each point. */
export const drawn = async (page: Page): Promise<unknown[]> =>
  (await marksOf(page, 's'))
    .filter(mark => mark.type === 'symbol')
    .map(mark => [mark.row['region'], mark.row['n'], mark.row['$open'] === true])

export interface PageNode {
  readonly dataset: Readonly<Record<string, string>>
  readonly innerText: string
  querySelector(selector: string): PageNode | null
}
/** What extension/page/chart-page.ts puts on the page. */
export interface ChartPage {
  readonly wire: { lose: number; readonly frames: number }
  readonly controls: readonly string[]
  add(stream: string, concept: ChartConcept, options: ChartOptions, trusted?: boolean): void
  push(stream: string, rows: unknown[], open: unknown[], stats: { state?: 'paused' }): void
  end(stream: string): void
  lost(): void
  theme(light: boolean): void
}
declare const window: { page: ChartPage }
