/** A real JupyterLab with a real kernel in Chromium: opens a notebook, runs its cells, waits for conditions. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { startJupyterServer, type JupyterServer } from '../../kernel/setup/jupyter-server.ts'
import { HANG_LIMIT_MS, launchChromium } from './open-chart-page.ts'
import type { Browser, Page } from 'playwright-core'

export { HANG_LIMIT_MS }

export interface Lab {
  readonly server: JupyterServer
  /** The folder the server shows. */
  readonly root: string
  stop(): Promise<void>
}

/** `env`: variables for the server, such as another data folder. */
export async function startLab(extraArgs: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Lab> {
  const root = mkdtempSync(join(tmpdir(), 'riffle-lab-'))
  const server = await startJupyterServer({ root, exposeApp: true, extraArgs, env })
  return {
    server,
    root,
    stop: async () => {
      await server.stop()
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** A lab and a browser for all tests of a file, gone after the last. */
export function labForFile(extraArgs: readonly string[] = []): { readonly lab: Lab; readonly browser: Browser } {
  let lab: Lab | undefined
  let browser: Browser | undefined
  before(async () => {
    lab = await startLab(extraArgs)
    browser = await launchChromium()
  })
  after(async () => {
    await browser?.close()
    await lab?.stop()
  })
  return {
    get lab() {
      return lab!
    },
    get browser() {
      return browser!
    },
  }
}

export function writeNotebook(
  lab: Lab,
  name: string,
  cells: readonly string[],
  { kernel, language } = { kernel: 'riffle', language: 'typescript' },
): void {
  const notebook = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: kernel, display_name: kernel, language } },
    cells: cells.map((source, index) => ({
      id: `cell-${index}`,
      cell_type: 'code',
      source,
      metadata: {},
      outputs: [],
      execution_count: null,
    })),
  }
  writeFileSync(join(lab.root, name), JSON.stringify(notebook))
}

/** What the file of a notebook holds as the first output of a cell, by MIME type. */
export function savedOutput(lab: Lab, name: string, cell: number): Readonly<Record<string, unknown>> {
  const { cells } = JSON.parse(readFileSync(join(lab.root, name), 'utf8')) as {
    cells: { outputs: { data: Record<string, unknown> }[] }[]
  }
  return cells[cell]?.outputs[0]?.data ?? {}
}

/** Rows of the picture in such an output. */
export function savedValues(output: Readonly<Record<string, unknown>>): Record<string, unknown>[] {
  return (
    (output['application/vnd.vegalite.v5+json'] as { data: { values?: Record<string, unknown>[] } }).data.values ?? []
  )
}

export interface LabPage {
  readonly page: Page
  /** Runs the selected cell and selects the next one; resolves when the kernel has answered that it is idle. */
  runNext(): Promise<void>
  command(id: string, args?: Record<string, unknown>): Promise<void>
  /** Leaves the kernel running. */
  close(): Promise<void>
  /** Ends the kernel of the notebook in front too: what runs on would slow the tests after it. */
  end(): Promise<void>
}

/** Opens `name`; with `kernel: false` without waiting for one. */
export async function openNotebook(
  browser: Browser,
  lab: Lab,
  name: string,
  options: {
    kernel?: boolean
    height?: number
    withoutExtension?: boolean
    beforeLoad?(page: Page): Promise<void>
  } = {},
): Promise<LabPage> {
  const context = await browser.newContext({ viewport: { width: 1180, height: options.height ?? 900 } })
  const page = await context.newPage()
  if (options.withoutExtension === true) await page.route('**/extensions/@riffle/**', route => route.abort())
  page.setDefaultTimeout(HANG_LIMIT_MS)
  await options.beforeLoad?.(page)
  await page.goto(`${lab.server.url}lab/tree/${name}?token=${lab.server.token}&reset`)
  await page.waitForSelector('.jp-NotebookPanel .jp-Cell')
  if (options.kernel !== false) await waitForKernel(page)
  return {
    page,
    async runNext() {
      await page.evaluate(() => jupyterapp.commands.execute('notebook:run-cell-and-select-next'))
    },
    async command(id, args = {}) {
      await page.evaluate(([command, given]) => jupyterapp.commands.execute(command, given), [id, args] as const)
    },
    close: () => context.close(),
    async end() {
      await page.evaluate(() => jupyterapp.shell.currentWidget?.sessionContext?.shutdown?.())
      await context.close()
    },
  }
}

export async function waitForKernel(page: Page): Promise<void> {
  await page.waitForFunction(() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle')
}

/** One chart's node as a test may see it (rules.md 26). */
export interface ChartState {
  readonly stream: string
  readonly seq: number
  readonly rows: number
  readonly state: string
  readonly strip: string
}

export function chartsOf(page: Page): Promise<ChartState[]> {
  return page.$$eval('.riffle-chart', nodes =>
    (nodes as unknown as PageNode[]).map(node => ({
      stream: node.dataset['stream'] ?? '',
      seq: Number(node.dataset['seq'] ?? -1),
      rows: Number(node.dataset['rows'] ?? -1),
      state: node.dataset['state'] ?? '',
      strip: node.querySelector('.riffle-strip')?.innerText ?? '',
    })),
  )
}

export interface Mark {
  readonly type: string
  readonly x: number | null
  readonly y: number | null
  readonly fill: string | null
  readonly opacity: number | null
  readonly row: Readonly<Record<string, unknown>>
}

/** The marks a chart has drawn, asked for by its DOM event. */
export function marksOf(page: Page, stream: string): Promise<Mark[]> {
  return page.$eval(`.riffle-chart[data-stream="${stream}"]`, node => {
    // No function is written here: the page does not know the helper with which the tests' compiler names one.
    const replies: unknown[] = []
    const detail = { reply: replies.push.bind(replies) }
    ;(node as unknown as EventTarget).dispatchEvent(new CustomEvent('riffle-marks', { detail }))
    return replies[0]
  }) as Promise<Mark[]>
}

/** Waits until a chart has drawn more than `count` marks: its view is made a moment after its node. */
export async function marksDrawn(page: Page, stream: string, count: number): Promise<void> {
  await page.waitForFunction(
    ([css, than]) => {
      const replies: unknown[][] = []
      const detail = { reply: replies.push.bind(replies) }
      const node = document.querySelector(css) as unknown as EventTarget | null
      node?.dispatchEvent(new CustomEvent('riffle-marks', { detail }))
      return (replies[0]?.length ?? 0) > than
    },
    [`.riffle-chart[data-stream="${stream}"]`, count] as const,
  )
}

/** Waits until a chart's `data-seq` is larger than `sequence`; gives the new one. */
export async function sequenceAfter(page: Page, stream: string, sequence: number): Promise<number> {
  const selector = `.riffle-chart[data-stream="${stream}"]`
  const found = await page.waitForFunction(
    ([css, than]) => {
      const now = Number(document.querySelector(css)?.dataset['seq'] ?? -1)
      return now > than ? now : false
    },
    [selector, sequence] as const,
  )
  return Number(await found.jsonValue())
}

/** Waits until a chart has drawn `least` rows or more: its first frame may hold none of them. */
export async function rowsDrawn(page: Page, stream: string, least: number): Promise<void> {
  await page.waitForFunction(([css, rows]) => Number(document.querySelector(css)?.dataset['rows'] ?? -1) >= rows, [
    `.riffle-chart[data-stream="${stream}"]`,
    least,
  ] as const)
}

/** Reads again with every frame of the page until it reads `expected`; what it read last is what the error shows. */
export async function becomes<T>(page: Page, read: () => Promise<T>, expected: T): Promise<void> {
  const untilMs = Date.now() + HANG_LIMIT_MS
  let found = await read()
  while (!isDeepStrictEqual(found, expected) && Date.now() < untilMs) {
    await page.evaluate(() => new Promise(requestAnimationFrame))
    found = await read()
  }
  assert.deepEqual(found, expected)
}

/** Waits until the chart's `data-state` is `state`. */
export async function stateBecomes(page: Page, stream: string, state: string): Promise<void> {
  await page.waitForSelector(`.riffle-chart[data-stream="${stream}"][data-state="${state}"]`, { state: 'attached' })
}

/** Waits until the side panel lists a stream in this state. */
export async function streamListed(page: Page, name: string, state: string): Promise<void> {
  await page.waitForSelector(`.riffle-stream[data-stream="${name}"][data-state="${state}"]`)
}

/** What exists in the page only; the tests' own program has no DOM. */
interface PageNode {
  readonly dataset: Readonly<Record<string, string>>
  readonly innerText: string
  querySelector(selector: string): PageNode | null
}
declare const document: PageNode
declare const requestAnimationFrame: (f: (ms: number) => void) => void
declare const jupyterapp: {
  commands: { execute(id: string, args?: unknown): Promise<unknown> }
  shell: {
    currentWidget: {
      sessionContext?: {
        session?: { kernel?: { status: string } | null } | null
        shutdown?(): Promise<void>
      }
    } | null
  }
}
