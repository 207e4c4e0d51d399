/** What people do to a notebook with charts: reload it unsaved, move cells, open two, distrust one, change the theme, look away. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  becomes,
  chartsOf,
  HANG_LIMIT_MS,
  marksDrawn,
  marksOf,
  openNotebook,
  rowsDrawn,
  sequenceAfter,
  stateBecomes,
  streamListed,
  waitForKernel,
  writeNotebook,
  labForFile,
} from './lab-page.ts'
import type { Page } from 'playwright-core'

const its = labForFile()

const TOPIC = '%topic orders --from earliest;'
const WINDOW = '%%window orders --tumbling 10s --by region'

test('a page reload before any save puts the charts back into their cells, live', async () => {
  writeNotebook(its.lab, 'unsaved.ipynb', [TOPIC, WINDOW])
  const notebook = await openNotebook(its.browser, its.lab, 'unsaved.ipynb')
  const { page } = notebook
  await notebook.runNext()
  await notebook.runNext()
  await sequenceAfter(page, 'ordersWindow', 1)
  page.once('dialog', dialog => void dialog.accept())
  await page.reload()
  await page.waitForSelector('.jp-NotebookPanel .jp-Cell')
  await stateBecomes(page, 'ordersWindow', 'running')
  await sequenceAfter(page, 'ordersWindow', await sequenceAfter(page, 'ordersWindow', 0))
  await becomes(page, () => chartPlaces(page), [[1, 'ordersWindow']])
  await notebook.end()
})

test('a moved cell and a cell cut and pasted keep their chart live', async () => {
  writeNotebook(its.lab, 'moved.ipynb', [TOPIC, WINDOW, '1'])
  const notebook = await openNotebook(its.browser, its.lab, 'moved.ipynb')
  const { page } = notebook
  await notebook.runNext()
  await notebook.runNext()
  await sequenceAfter(page, 'ordersWindow', 1)
  await notebook.command('notebook:move-cursor-up')
  await notebook.command('notebook:move-cell-down')
  await page.waitForFunction(() => jupyterapp.shell.currentWidget.content.activeCellIndex === 2)
  await stateBecomes(page, 'ordersWindow', 'running')
  await sequenceAfter(page, 'ordersWindow', await sequenceAfter(page, 'ordersWindow', 0))
  await becomes(page, () => chartPlaces(page), [[2, 'ordersWindow']])
  await notebook.command('notebook:cut-cell')
  await page.waitForFunction(() => document.querySelectorAll('.riffle-chart').length === 0)
  await notebook.command('notebook:paste-cell-above')
  await stateBecomes(page, 'ordersWindow', 'running')
  await sequenceAfter(page, 'ordersWindow', await sequenceAfter(page, 'ordersWindow', 0))
  await notebook.end()
})

test('two notebooks have a kernel each: a stop in one leaves the other, and the panel follows the one in front', async () => {
  writeNotebook(its.lab, 'left.ipynb', [TOPIC, `${WINDOW} --as leftStream`])
  writeNotebook(its.lab, 'right.ipynb', [TOPIC, `${WINDOW} --as rightStream`])
  const notebook = await openNotebook(its.browser, its.lab, 'left.ipynb')
  const { page } = notebook
  await notebook.runNext()
  await notebook.runNext()
  await stateBecomes(page, 'leftStream', 'running')
  await notebook.command('riffle:show-streams')
  await streamListed(page, 'leftStream', 'running')
  await notebook.command('docmanager:open', { path: 'right.ipynb', options: { mode: 'split-bottom' } })
  await page.waitForFunction(() => jupyterapp.shell.currentWidget.context.path === 'right.ipynb')
  await waitForKernel(page)
  await notebook.runNext()
  await notebook.runNext()
  await stateBecomes(page, 'rightStream', 'running')
  await streamListed(page, 'rightStream', 'running')
  await page.waitForFunction(() =>
    /^2 streams · .+\/s$/.test(document.querySelector('.riffle-status')?.innerText ?? ''),
  )

  await page.waitForFunction(
    () => (document.querySelector('.riffle-spark polyline')?.getAttribute('points') ?? '') !== '',
  )
  // JupyterLab's own panel of what runs lists the streams of both.
  await notebook.command('running:show-panel')
  for (const stream of ['leftStream', 'rightStream'])
    await page.locator('.jp-RunningSessions .jp-RunningSessions-item', { hasText: stream }).first().waitFor()

  await page.getByRole('button', { name: 'Pause stream rightStream' }).first().click()
  await streamListed(page, 'rightStream', 'paused')
  await notebook.command('riffle:stop-all-streams')
  await stateBecomes(page, 'rightStream', 'stopped')
  await page.waitForSelector('.riffle-stream-list .riffle-empty')
  assert.equal((await chartsOf(page)).find(chart => chart.stream === 'leftStream')?.state, 'running')
  await notebook.end()
})

test('an untrusted notebook shows the saved frame and does not attach until its cell runs', async () => {
  writeNotebook(its.lab, 'trusted.ipynb', [TOPIC, WINDOW])
  const notebook = await openNotebook(its.browser, its.lab, 'trusted.ipynb')
  await notebook.runNext()
  await notebook.runNext()
  await sequenceAfter(notebook.page, 'ordersWindow', 3)
  await rowsDrawn(notebook.page, 'ordersWindow', 200)
  await notebook.command('docmanager:save')
  // Another source means another signature: nobody here has run it. The kernel and its streams are the same.
  const file = join(its.lab.root, 'trusted.ipynb')
  await notebook.command('filebrowser:go-to-path', { path: '' })
  const text = readFileSync(file, 'utf8').replace('orders --from earliest;', 'orders --from earliest; // read in mail')
  assert.match(text, /read in mail/)
  writeFileSync(file, text)
  const reader = await openNotebook(its.browser, its.lab, 'trusted.ipynb', { kernel: false })
  await stateBecomes(reader.page, 'ordersWindow', 'saved')
  assert.match((await chartsOf(reader.page))[0]?.strip ?? '', /saved at .* UTC, not live/)
  await marksDrawn(reader.page, 'ordersWindow', 100)
  await waitForKernel(reader.page)
  assert.equal((await chartsOf(reader.page))[0]?.state, 'saved')
  await reader.runNext()
  await reader.runNext()
  await stateBecomes(reader.page, 'ordersWindow', 'running')
  await reader.close()
  await notebook.end()
})

test('a theme switch recolours the chart in place', async () => {
  writeNotebook(its.lab, 'theme.ipynb', [TOPIC, WINDOW])
  const notebook = await openNotebook(its.browser, its.lab, 'theme.ipynb')
  const { page } = notebook
  await notebook.runNext()
  await notebook.runNext()
  // All regions have a colour.
  await rowsDrawn(page, 'ordersWindow', 200)
  const colours = async (): Promise<string[]> => [
    ...new Set((await marksOf(page, 'ordersWindow')).map(mark => mark.fill ?? '').filter(fill => fill.startsWith('#'))),
  ]
  const light = await colours()
  assert.ok(light.length > 0)
  await notebook.command('apputils:change-theme', { theme: 'JupyterLab Dark' })
  await page.waitForSelector('body[data-jp-theme-light="false"]', { state: 'attached' })
  const changed = async (): Promise<[number, boolean]> => {
    const dark = await colours()
    return [dark.length, dark.some(colour => light.includes(colour))]
  }
  await becomes(page, changed, [light.length, false])
  await notebook.end()
})

test('a chart out of sight is sent nothing although its stream has news, and catches up when it is seen again', async () => {
  writeNotebook(its.lab, 'hidden.ipynb', [TOPIC, WINDOW])
  const notebook = await openNotebook(its.browser, its.lab, 'hidden.ipynb')
  const { page } = notebook
  const line = await followLine(page)
  await notebook.runNext()
  await notebook.runNext()
  await notebook.command('riffle:show-streams')
  await sequenceAfter(page, 'ordersWindow', 3)
  // Another tab of JupyterLab in front of the notebook.
  await notebook.command('launcher:create')
  await line.until(({ hidden }) => hidden)
  // What the engine answers to a question asked later it says after it has read that: one may have been under way before.
  for (let answers = 0; answers < 2; answers++) {
    const had = line.now().topics
    await page.getByRole('button', { name: 'Refresh the list of topics' }).click()
    await line.until(({ topics }) => topics > had)
  }
  const { frames, records } = line.now()
  // A chart in sight has news with every record.
  await line.until(now => now.records >= records + 100)
  assert.equal(line.now().frames, frames)
  await page.locator('.lm-TabBar-tab', { hasText: 'hidden.ipynb' }).click()
  await line.until(now => now.frames > frames)
  const shown = await sequenceAfter(page, 'ordersWindow', 0)
  await sequenceAfter(page, 'ordersWindow', shown)
  assert.equal((await chartsOf(page))[0]?.state, 'running')
  await notebook.end()
})

/** Index of the cell that each chart stands in. */
function chartPlaces(page: Page): Promise<unknown[]> {
  return page.$$eval('.jp-Notebook .jp-Cell', cells =>
    (cells as unknown as PageNode[]).flatMap((cell, index) => {
      const chart = cell.querySelector('.riffle-chart')
      return chart === null ? [] : [[index, chart.dataset['stream']]]
    }),
  )
}

interface Heard {
  /** The page said that its chart is out of sight. */
  readonly hidden: boolean
  readonly frames: number
  /** Answers to questions for topics. */
  readonly topics: number
  /** Records of all streams, as the newest list for the side panel says. */
  readonly records: number
}

/** What page and kernel say to each other about charts, in order. */
async function followLine(
  page: Page,
): Promise<{ now(): Heard; until(wanted: (heard: Heard) => boolean): Promise<void> }> {
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  let heard: Heard = { hidden: false, frames: 0, topics: 0, records: 0 }
  let wake = (): void => undefined
  const tell = (part: Partial<Heard>): void => {
    heard = { ...heard, ...part }
    wake()
  }
  const textOf = ({ response }: SocketFrame): string =>
    response.opcode === 1 ? response.payloadData : Buffer.from(response.payloadData, 'base64').toString()
  session.on('Network.webSocketFrameSent', frame => {
    const text = textOf(frame)
    if (/"type": ?"visibility"/.test(text)) tell({ hidden: /"visible": ?false/.test(text) })
  })
  session.on('Network.webSocketFrameReceived', frame => {
    const text = textOf(frame)
    if (/"type": ?"frame"/.test(text)) tell({ frames: heard.frames + 1 })
    else if (/"type": ?"topics"/.test(text)) tell({ topics: heard.topics + 1 })
    else if (/"type": ?"streams"/.test(text))
      tell({ records: [...text.matchAll(/"recordCount": ?(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0) })
  })
  return {
    now: () => heard,
    until: wanted =>
      new Promise((resolve, reject) => {
        const limit = setTimeout(() => reject(new Error(`still ${JSON.stringify(heard)}`)), HANG_LIMIT_MS)
        wake = () => {
          if (!wanted(heard)) return
          clearTimeout(limit)
          wake = () => undefined
          resolve()
        }
        wake()
      }),
  }
}

interface SocketFrame {
  readonly response: { readonly opcode: number; readonly payloadData: string }
}

interface PageNode {
  readonly dataset: Readonly<Record<string, string>>
  readonly innerText: string
  getAttribute(name: string): string | null
  querySelector(selector: string): PageNode | null
}
declare const document: {
  querySelector(selector: string): PageNode | null
  querySelectorAll(selector: string): { readonly length: number }
}
declare const jupyterapp: {
  shell: {
    currentWidget: {
      context: { path: string }
      content: {
        activeCellIndex: number
        activeCell: { model: { sharedModel: { getSource(): string } } }
        widgets: readonly { model: { sharedModel: { getSource(): string } } }[]
      }
    }
  }
}
