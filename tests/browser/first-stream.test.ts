/** The first ten minutes, driven in a real JupyterLab: charts move, cells are idle, what is drawn is what was computed elsewhere. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  chartsOf,
  marksOf,
  openNotebook,
  rowsDrawn,
  sequenceAfter,
  stateBecomes,
  waitForKernel,
  writeNotebook,
  type LabPage,
  labForFile,
  savedOutput,
  savedValues,
} from './lab-page.ts'
import { tumblingCounts, type DumpedRecord } from '../notebooks/reference-windows.ts'
import type { Page } from 'playwright-core'

const its = labForFile()

const WINDOW = '%%window orders --tumbling 10s --by region'
/** Ten minutes of four regions, less what is still open. */
const WINDOWS_OF_HISTORY = 220

test('a cell is idle before its chart draws, the chart moves, and its marks equal windows computed elsewhere', async () => {
  const dumpFile = join(its.lab.root, 'dump.json')
  writeNotebook(its.lab, 'first.ipynb', [
    '%topics',
    '%topic orders --from earliest',
    WINDOW,
    [
      `const dump = await orders.map((o, m) => ({ partition: m.partition, offset: Number(m.offset), timestampMs: m.timestamp, row: { region: o.region, orderedAt: o.orderedAt } })).take(11000)`,
      `const fs = await import('node:fs')`,
      `fs.writeFileSync(${JSON.stringify(dumpFile)}, JSON.stringify(dump));`,
    ].join('\n'),
  ])
  // High enough for all cells: JupyterLab takes those out of sight out of the page.
  const notebook = await openNotebook(its.browser, its.lab, 'first.ipynb', { height: 2000 })
  const { page } = notebook
  await notebook.runNext()
  await notebook.runNext()
  await notebook.runNext()
  // The cell is idle although its stream runs on, without an end.
  await waitForKernel(page)
  const first = await sequenceAfter(page, 'ordersWindow', 0)
  const later = await sequenceAfter(page, 'ordersWindow', first + 5)
  assert.ok(later > first)
  if (process.env['UPDATE_SCREENSHOTS'] === '1') await takeScreenshot(notebook)
  await notebook.runNext()
  await waitForFile(dumpFile)

  const dump = JSON.parse(readFileSync(dumpFile, 'utf8')) as DumpedRecord[]
  const expected = closedWindows(dump)
  assert.ok(expected.size > 100, `${expected.size} windows to compare with`)
  await rowsDrawn(page, 'ordersWindow', WINDOWS_OF_HISTORY)
  const marks = (await marksOf(page, 'ordersWindow')).filter(mark => mark.type === 'symbol')
  const drawn = new Map(
    marks
      .filter(mark => mark.row['$open'] !== true)
      .map(mark => [`${String(mark.row['region'])} ${String(mark.row['windowStart'])}`, mark.row['count']]),
  )
  const compared = [...expected].filter(([key]) => drawn.has(key))
  assert.ok(compared.length > 100, `${compared.length} of ${expected.size} windows are drawn`)
  for (const [key, count] of compared) assert.equal(drawn.get(key), count, key)
  assert.ok(
    marks.some(mark => mark.row['$open'] === true),
    'an open window is drawn',
  )

  const charts = await chartsOf(page)
  assert.deepEqual(
    charts.map(({ stream, state }) => [stream, state]),
    [
      ['orders', 'running'],
      ['ordersWindow', 'running'],
    ],
  )
  assert.match(charts[1]?.strip ?? '', /\d+ dropped/)
  assert.match(charts[1]?.strip ?? '', /watermark \d\d:\d\d:\d\d UTC/)
  await notebook.end()
})

test('a reload takes the chart up again, and the file keeps its last frame for who has no kernel', async () => {
  writeNotebook(its.lab, 'saved.ipynb', ['%topic orders --from earliest', WINDOW])
  const notebook = await openNotebook(its.browser, its.lab, 'saved.ipynb')
  const { page } = notebook
  await notebook.runNext()
  await notebook.runNext()
  await sequenceAfter(page, 'ordersWindow', 3)
  await rowsDrawn(page, 'ordersWindow', WINDOWS_OF_HISTORY)
  await notebook.command('docmanager:save')
  const data = savedOutput(its.lab, 'saved.ipynb', 1)
  const live = data['application/vnd.riffle.live.v1+json'] as {
    last: { sequence: number; savedAt: string; rows: string }
  }
  assert.ok(live.last.sequence >= 3)
  const { count } = JSON.parse(live.last.rows) as { count: number }
  assert.ok(count > 100)
  assert.equal(savedValues(data).length, count)
  assert.match(String(data['image/png']), /^iVBOR/)
  assert.match(String(data['text/plain']), /^ordersWindow: running/)

  await page.reload()
  await page.waitForSelector('.jp-NotebookPanel .jp-Cell')
  await stateBecomes(page, 'ordersWindow', 'running')
  const resumed = await sequenceAfter(page, 'ordersWindow', 0)
  await sequenceAfter(page, 'ordersWindow', resumed)
  await rowsDrawn(page, 'ordersWindow', WINDOWS_OF_HISTORY)

  await notebook.command('notebook:shutdown-kernel')
  await stateBecomes(page, 'ordersWindow', 'lost')
  assert.ok((await marksOf(page, 'ordersWindow')).length > 100, 'the last frame stays')
  await notebook.command('docmanager:save')
  await notebook.close()

  // The same file on a machine without the kernel.
  const file = join(its.lab.root, 'saved.ipynb')
  writeFileSync(file, readFileSync(file, 'utf8').replace('"name": "riffle"', '"name": "nobody-has-this"'))
  const reader = await openNotebook(its.browser, its.lab, 'saved.ipynb', { kernel: false })
  await reader.page.waitForSelector('.riffle-chart[data-stream="ordersWindow"]')
  const [, chart] = await chartsOf(reader.page)
  assert.match(chart?.strip ?? '', /saved at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, not live/)
  await reader.close()
})

test('pause, resume and stop on the chart reach its stream; the others go on', async () => {
  writeNotebook(its.lab, 'buttons.ipynb', ['%topic orders --from earliest', WINDOW])
  const notebook = await openNotebook(its.browser, its.lab, 'buttons.ipynb', { height: 2000 })
  const { page } = notebook
  await notebook.runNext()
  await notebook.runNext()
  await stateBecomes(page, 'ordersWindow', 'running')
  await page.getByRole('button', { name: 'Pause stream ordersWindow' }).click()
  await stateBecomes(page, 'ordersWindow', 'paused')
  await page.getByRole('button', { name: 'Resume stream ordersWindow' }).click()
  await stateBecomes(page, 'ordersWindow', 'running')
  // By keys too: the notebook, whose shortcuts begin with some of them, hears none.
  await page.locator('.riffle-chart[data-stream="ordersWindow"] .riffle-plot').focus()
  await page.keyboard.press('+')
  await page.getByRole('button', { name: 'Show all of ordersWindow again' }).waitFor()
  await page.keyboard.press('0')
  await page.getByRole('button', { name: 'Show all of ordersWindow again' }).waitFor({ state: 'hidden' })
  await page.keyboard.press(' ')
  await stateBecomes(page, 'ordersWindow', 'paused')
  await page.keyboard.press(' ')
  await stateBecomes(page, 'ordersWindow', 'running')
  await page.getByRole('button', { name: 'Stop stream ordersWindow' }).click()
  await stateBecomes(page, 'ordersWindow', 'stopped')
  assert.equal((await chartsOf(page)).find(chart => chart.stream === 'orders')?.state, 'running')
  await notebook.end()
})

test('a second view and a second browser draw the same stream, each at its own pace', async () => {
  writeNotebook(its.lab, 'shared.ipynb', ['%topic orders --from earliest;', WINDOW])
  const one = await openNotebook(its.browser, its.lab, 'shared.ipynb')
  await one.runNext()
  await one.runNext()
  await sequenceAfter(one.page, 'ordersWindow', 1)
  await one.command('docmanager:save')
  const other = await openNotebook(its.browser, its.lab, 'shared.ipynb')
  await stateBecomes(other.page, 'ordersWindow', 'running')
  const before = await sequenceAfter(other.page, 'ordersWindow', 0)
  await sequenceAfter(other.page, 'ordersWindow', before)
  await sequenceAfter(one.page, 'ordersWindow', await sequenceAfter(one.page, 'ordersWindow', 1))
  const [here, there] = await Promise.all([closedMarks(one.page), closedMarks(other.page)])
  const common = [...here].filter(([key]) => there.has(key))
  assert.ok(common.length > 100)
  for (const [key, count] of common) assert.equal(there.get(key), count, key)
  await other.close()

  await one.command('notebook:move-cursor-up')
  await one.command('notebook:create-output-view')
  await one.page.waitForFunction(() => document.querySelectorAll('.riffle-chart[data-state="running"]').length === 2)
  await one.end()
})

test('a slider is drawn and lambdas read what it was set to', async () => {
  // The value travels browser, engine, cells; the second cell waits until it has come.
  writeNotebook(its.lab, 'param.ipynb', [
    '%param least 100 --min 0 --max 500 --step 10',
    'for (let i = 0; i < 5000 && least.value !== 300; i++) await new Promise(r => setTimeout(r, 10))\nleast.value',
  ])
  const notebook = await openNotebook(its.browser, its.lab, 'param.ipynb')
  const { page } = notebook
  await notebook.runNext()
  const slider = page.locator('.riffle-param input')
  await slider.waitFor()
  assert.equal(await slider.inputValue(), '100')
  await slider.fill('300')
  await page.waitForFunction(() => document.querySelector('.riffle-param output')?.innerText === '300')
  // Touching the slider made its cell the active one.
  await notebook.command('notebook:move-cursor-down')
  await notebook.runNext()
  await page.waitForFunction(() => {
    const results = [...document.querySelectorAll('.jp-OutputArea-executeResult')]
    return results.at(-1)?.innerText.includes('300') === true
  })
  await notebook.end()
})

test('a kernel restart leaves the last frame with a badge, and the cell run again is live', async () => {
  writeNotebook(its.lab, 'restart.ipynb', ['%topic orders --from earliest'])
  const notebook = await openNotebook(its.browser, its.lab, 'restart.ipynb')
  const { page } = notebook
  await notebook.runNext()
  await stateBecomes(page, 'orders', 'running')
  await page.evaluate(() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart())
  await stateBecomes(page, 'orders', 'lost')
  await page.waitForFunction(
    () => document.querySelector('.riffle-strip')?.innerText.includes('run the cell again') === true,
  )
  await waitForKernel(page)
  await notebook.command('notebook:move-cursor-up')
  await notebook.runNext()
  await stateBecomes(page, 'orders', 'running')
  await notebook.end()
})

declare const document: {
  querySelectorAll(selector: string): { innerText: string; length: number }[]
  querySelector(selector: string): { innerText: string; scrollTop: number } | null
}
declare const jupyterapp: {
  shell: { currentWidget: { sessionContext: { session: { kernel: { restart(): Promise<void> } } } } }
}

async function closedMarks(page: Page): Promise<Map<string, unknown>> {
  await rowsDrawn(page, 'ordersWindow', WINDOWS_OF_HISTORY)
  const marks = (await marksOf(page, 'ordersWindow')).filter(
    mark => mark.type === 'symbol' && mark.row['$open'] !== true,
  )
  return new Map(marks.map(({ row }) => [`${String(row['region'])} ${String(row['windowStart'])}`, row['count']]))
}

/** The picture of the README: looked at by people, never compared. */
async function takeScreenshot({ page, command }: LabPage): Promise<void> {
  await page.setViewportSize({ width: 1120, height: 1180 })
  await command('application:toggle-left-area')
  await page.evaluate(() => {
    const scroller = document.querySelector('.jp-WindowedPanel-outer')
    if (scroller !== null) scroller.scrollTop = 0
  })
  await sequenceAfter(page, 'ordersWindow', await sequenceAfter(page, 'ordersWindow', 0))
  await page.screenshot({ path: 'docs/first-stream.png' })
}

function closedWindows(dump: readonly DumpedRecord[]): Map<string, number> {
  const { windows } = tumblingCounts(dump, {
    time: 'orderedAt',
    by: 'region',
    sizeMs: 10_000,
    outOfOrderMs: 5000,
    partitions: 3,
  })
  const largest = [-Infinity, -Infinity, -Infinity]
  for (const { partition, row } of dump)
    largest[partition] = Math.max(largest[partition] ?? 0, timeOf(row['orderedAt']))
  const watermarkMs = Math.min(...largest) - 5001
  return new Map(
    windows
      .filter(window => window.windowEnd - 1 <= watermarkMs)
      .map(window => [`${window.key} ${window.windowStart}`, window.count]),
  )
}

function timeOf(value: unknown): number {
  return typeof value === 'number' ? value : Date.parse(String(value))
}

async function waitForFile(path: string): Promise<void> {
  const untilMs = Date.now() + 60_000
  const complete = (): boolean => existsSync(path) && readFileSync(path, 'utf8').endsWith(']')
  while (!complete()) {
    if (Date.now() > untilMs) throw new Error(`${path} was not written`)
    await new Promise(resolve => setImmediate(resolve))
  }
}
