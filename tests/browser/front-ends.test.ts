/**
 * JupyterLab as hubs serve it, behind a strict content security policy: charts live, messages lost on the way, a burst; and
 * JupyterLab without the extension, from the start or after an uninstall.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { install, uninstall } from '../../kernel/install.ts'
import {
  chartsOf,
  marksDrawn,
  marksOf,
  openNotebook,
  rowsDrawn,
  sequenceAfter,
  startLab,
  stateBecomes,
  writeNotebook,
  labForFile,
} from './lab-page.ts'
import { recordMainThread } from './main-thread.ts'
import type { Page } from 'playwright-core'

/**
 * What hubs add, as strict as JupyterLab itself lives with: its settings need eval to start at all. That charts do without
 * eval is tested in chart-page.test.ts.
 */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self' ws: wss:",
].join('; ')

const its = labForFile([`--ServerApp.tornado_settings={"headers": {"Content-Security-Policy": "${POLICY}"}}`])

const CELLS = ['%topic orders --from earliest;', '%%window orders --tumbling 10s --by region']

test('behind a strict policy header: charts are live, nothing of theirs is refused, no request leaves the server', async () => {
  writeNotebook(its.lab, 'policy.ipynb', CELLS)
  const notebook = await openNotebook(its.browser, its.lab, 'policy.ipynb')
  const { page } = notebook
  const refused: string[] = []
  const foreign: string[] = []
  page.on('console', message => {
    if (/Content Security Policy/.test(message.text())) refused.push(message.text())
  })
  page.on('request', request => {
    if (!request.url().startsWith(its.lab.server.url) && !/^(data|blob):/.test(request.url()))
      foreign.push(request.url())
  })
  await notebook.runNext()
  await notebook.runNext()
  await sequenceAfter(page, 'ordersWindow', await sequenceAfter(page, 'ordersWindow', 2))
  await marksDrawn(page, 'ordersWindow', 100)
  assert.deepEqual([refused, foreign], [[], []])
  await notebook.end()
})

test('frames lost on the way to a live page leave no hole in its chart', async () => {
  // Every row counts here: an offset that is missing between two others was lost.
  const points = 'orders.map((o, m) => ({ partition: m.partition, offset: Number(m.offset), amount: o.amount }))'
  writeNotebook(its.lab, 'gap.ipynb', [
    CELLS[0] ?? '',
    `const points = ${points}`,
    '%%chart points --mark point --x offset',
  ])
  const lossy = lossyLine()
  const notebook = await openNotebook(its.browser, its.lab, 'gap.ipynb', { beforeLoad: page => lossy.install(page) })
  const { page } = notebook
  for (let i = 0; i < 3; i++) await notebook.runNext()
  await rowsDrawn(page, 'points', 1000)
  const before = await sequenceAfter(page, 'points', 3)
  await lossy.lose(3)
  await sequenceAfter(page, 'points', await sequenceAfter(page, 'points', before + 3))
  const offsets = new Map<unknown, number[]>()
  for (const { row } of await marksOf(page, 'points')) {
    const { partition, offset } = row
    offsets.set(partition, [...(offsets.get(partition) ?? []), Number(offset)])
  }
  assert.equal(offsets.size, 3)
  for (const [partition, found] of offsets) {
    // The oldest go by event time, so where the chart ends its offsets have holes of their own.
    const newest = found.sort((a, b) => a - b).slice(-200)
    assert.equal(newest.length, 200)
    assert.equal((newest[199] ?? 0) - (newest[0] ?? 0), 199, `partition ${String(partition)} has a hole`)
  }
  await notebook.end()
})

test('a burst into ten windows: no long task, the charts say what they do not show, final values are exact', async () => {
  const rows = [
    `const count = ${BURST}`,
    'const ts = new Float64Array(count), key = new Int32Array(count), value = new Float64Array(count)',
    'for (let i = 0; i < count; i++) { ts[i] = Math.floor(i / 2); key[i] = i % 10; value[i] = i % 97 }',
  ].join('\n')
  const windows = Array.from(
    { length: 10 },
    (_, i) =>
      `const w${i} = fromColumns({ ts, key, value }, { time: 'ts' }).keyBy('key').window(tumbling('1s')).aggregate({ n: riffle.count(), total: sum('value') })\nw${i}.chart({ y: 'total' })`,
  )
  writeNotebook(its.lab, 'burst.ipynb', [rows, ...windows])
  const notebook = await openNotebook(its.browser, its.lab, 'burst.ipynb', { height: 7000 })
  const { page } = notebook
  await notebook.runNext()
  const recorded = await recordMainThread(page)
  await notebook.command('notebook:run-all-below')
  for (let i = 0; i < 10; i++) await stateBecomes(page, `w${i}`, 'ended')
  for (let i = 0; i < 10; i++) await marksDrawn(page, `w${i}`, 100)
  const longest = (await recorded.stop())[0] ?? 0
  const expected = burstWindows()
  for (const chart of (await chartsOf(page)).filter(({ stream }) => /^w\d$/.test(stream))) {
    assert.match(chart.strip, /200,000 events/)
    assert.match(chart.strip, /newest \d+ of 1,000 results/)
    const drawn = (await marksOf(page, chart.stream)).filter(mark => mark.type === 'line')
    assert.ok(drawn.length > 500)
    for (const { row } of drawn)
      assert.deepEqual([row['n'], row['total']], expected.get(`${String(row['key'])} ${String(row['windowStart'])}`))
  }
  assert.ok(longest <= 100, `one task took ${Math.round(longest)} ms of processor time`)
  await notebook.end()
})

test("without the extension JupyterLab's own renderer draws the chart, and it moves", async () => {
  writeNotebook(its.lab, 'plain.ipynb', CELLS)
  const notebook = await openNotebook(its.browser, its.lab, 'plain.ipynb', { withoutExtension: true })
  const { page } = notebook
  await notebook.runNext()
  await notebook.runNext()
  await page.waitForSelector('.jp-RenderedVegaCommon5 canvas')
  assert.equal(await page.locator('.riffle-chart').count(), 0)
  const first = await savedText(page)
  await page.waitForFunction(
    than => String(jupyterapp.shell.currentWidget.content.widgets[1]?.model.outputs.get(0).data['text/plain']) !== than,
    first,
  )
  assert.match(await savedText(page), /^ordersWindow: running, \d+ events/)
  await page.waitForSelector('.jp-RenderedVegaCommon5 canvas')
  await notebook.end()
})

test('after an uninstall nothing is left, and a saved notebook still shows its chart', async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'riffle-data-'))
  install(dataFolder)
  const own = await startLab([], { JUPYTER_DATA_DIR: dataFolder })
  try {
    writeNotebook(own, 'kept.ipynb', CELLS)
    const notebook = await openNotebook(its.browser, own, 'kept.ipynb')
    await notebook.runNext()
    await notebook.runNext()
    await sequenceAfter(notebook.page, 'ordersWindow', 2)
    await notebook.command('docmanager:save')
    await notebook.end()
    assert.equal(uninstall(dataFolder), true)
    // What Jupyter itself puts there stays.
    assert.deepEqual(
      readdirSync(dataFolder).filter(name => ['kernels', 'labextensions'].includes(name)),
      [],
    )
    const reader = await openNotebook(its.browser, own, 'kept.ipynb', { kernel: false })
    await reader.page.waitForSelector('.jp-RenderedVegaCommon5 canvas')
    assert.equal(await reader.page.locator('[class*="riffle"]').count(), 0)
    assert.match(await savedText(reader.page), /^ordersWindow: running, \d+ events/)
    const names = await reader.page.evaluate(() =>
      fetch('/api/kernelspecs').then(async answer => Object.keys((await answer.json()).kernelspecs)),
    )
    assert.equal(names.includes('riffle'), false)
    await reader.close()
  } finally {
    await own.stop()
    rmSync(dataFolder, { recursive: true, force: true })
  }
})

const BURST = 200_000

/** Windows of a second, by key and start: counted here, by hand. */
function burstWindows(): Map<string, [number, number]> {
  const windows = new Map<string, [number, number]>()
  for (let i = 0; i < BURST; i++) {
    const at = `${i % 10} ${Math.floor(i / 2 / 1000) * 1000}`
    const [n, total] = windows.get(at) ?? [0, 0]
    windows.set(at, [n + 1, total + (i % 97)])
  }
  return windows
}

function savedText(page: Page): Promise<string> {
  return page.evaluate(() =>
    String(jupyterapp.shell.currentWidget.content.widgets[1]?.model.outputs.get(0).data['text/plain']),
  )
}

/** The page's socket to its kernel, which loses chart frames when it is told to. */
function lossyLine(): { install(page: Page): Promise<void>; lose(count: number): Promise<void> } {
  let left = 0
  let done = (): void => undefined
  return {
    install: page =>
      page.routeWebSocket(/\/channels\?/, route => {
        const server = route.connectToServer()
        route.onMessage(message => server.send(message))
        server.onMessage(message => {
          if (left > 0 && /"type": ?"frame"/.test(message.toString())) {
            left--
            if (left === 0) done()
          } else route.send(message)
        })
      }),
    /** Resolves when as many have been lost. */
    lose: count =>
      new Promise(resolve => {
        left = count
        done = resolve
      }),
  }
}

declare const fetch: (url: string) => Promise<{ json(): Promise<{ kernelspecs: object }> }>
declare const jupyterapp: {
  shell: {
    currentWidget: {
      content: {
        widgets: { model: { outputs: { get(index: number): { data: Record<string, unknown> } } } }[]
      }
    }
  }
}
