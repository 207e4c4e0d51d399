/** JupyterLab as hubs serve it, with a strict content security policy, and JupyterLab without the extension. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { marksDrawn, openNotebook, sequenceAfter, startLab, writeNotebook, type Lab } from './lab-page.ts'
import { launchChromium } from './open-chart-page.ts'
import type { Browser } from 'playwright-core'

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

let browser: Browser

before(async () => {
  browser = await launchChromium()
})

after(async () => await browser?.close())

const CELLS = ['%topic orders --from earliest;', '%%window orders --tumbling 10s --by region']

test('behind a strict policy header: charts are live, nothing of theirs is refused, no request leaves the server', async () => {
  await withLab([`--ServerApp.tornado_settings={"headers": {"Content-Security-Policy": "${POLICY}"}}`], async lab => {
    writeNotebook(lab, 'policy.ipynb', CELLS)
    const notebook = await openNotebook(browser, lab, 'policy.ipynb')
    const { page } = notebook
    const refused: string[] = []
    const foreign: string[] = []
    page.on('console', message => {
      if (/Content Security Policy/.test(message.text())) refused.push(message.text())
    })
    page.on('request', request => {
      if (!request.url().startsWith(lab.server.url) && !/^(data|blob):/.test(request.url())) foreign.push(request.url())
    })
    await notebook.runNext()
    await notebook.runNext()
    await sequenceAfter(page, 'ordersWindow', await sequenceAfter(page, 'ordersWindow', 2))
    await marksDrawn(page, 'ordersWindow', 100)
    assert.deepEqual([refused, foreign], [[], []])
    await notebook.end()
  })
})

test("without the extension JupyterLab's own renderer draws the chart, and it moves", async () => {
  await withLab([], async lab => {
    writeNotebook(lab, 'plain.ipynb', CELLS)
    const notebook = await openNotebook(browser, lab, 'plain.ipynb', { withoutExtension: true })
    const { page } = notebook
    await notebook.runNext()
    await notebook.runNext()
    await page.waitForSelector('.jp-RenderedVegaCommon5 canvas')
    assert.equal(await page.locator('.riffle-chart').count(), 0)
    const text = (): Promise<string> =>
      page.evaluate(() =>
        String(jupyterapp.shell.currentWidget.content.widgets[1]?.model.outputs.get(0).data['text/plain']),
      )
    const first = await text()
    await page.waitForFunction(
      than =>
        String(jupyterapp.shell.currentWidget.content.widgets[1]?.model.outputs.get(0).data['text/plain']) !== than,
      first,
    )
    assert.match(await text(), /^ordersWindow: running, \d+ events/)
    await page.waitForSelector('.jp-RenderedVegaCommon5 canvas')
    await notebook.end()
  })
})

async function withLab(extraArgs: readonly string[], use: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await startLab(extraArgs)
  try {
    await use(lab)
  } finally {
    await lab.stop()
  }
}

declare const jupyterapp: {
  shell: {
    currentWidget: {
      content: {
        widgets: { model: { outputs: { get(index: number): { data: Record<string, unknown> } } } }[]
      }
    }
  }
}
