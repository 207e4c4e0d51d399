/** Notebook 7 with the kernel and the prebuilt extension: a lesson runs from its first cell, and its chart moves. */
import assert from 'node:assert/strict'
import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { notebooksFolder } from '../../kernel/setup/places.ts'
import { ensureTestPython } from '../../kernel/setup/setup.ts'
import { chartsOf, HANG_LIMIT_MS, marksDrawn, sequenceAfter, startLab } from './lab-page.ts'
import { launchChromium } from './open-chart-page.ts'

const LESSON = '01-first-stream.ipynb'
const CHART = 'ordersWindow'

test('a lesson in Notebook 7: Run All, its chart is live and gets new frames', async () => {
  const lab = await startNotebook7()
  after(async () => await lab.stop())
  copyFileSync(join(notebooksFolder, LESSON), join(lab.root, LESSON))
  const browser = await launchChromium()
  after(async () => await browser.close())
  const page = await browser.newPage({ viewport: { width: 1180, height: 3000 } })
  page.setDefaultTimeout(HANG_LIMIT_MS)
  await page.goto(`${lab.server.url}notebooks/${LESSON}?token=${lab.server.token}`)
  await page.waitForSelector('body[data-notebook="notebooks"] .jp-Notebook .jp-Cell')
  await page.waitForFunction(() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle')
  await page.evaluate(() => jupyterapp.commands.execute('notebook:run-all-cells'))
  await page.waitForSelector(`.riffle-chart[data-stream="${CHART}"]`)
  await marksDrawn(page, CHART, 10)
  // Frames go on coming: the chart lives, it is not the picture that other front ends show.
  await sequenceAfter(page, CHART, await sequenceAfter(page, CHART, 2))
  assert.equal((await chartsOf(page)).find(({ stream }) => stream === CHART)?.state, 'running')
  assert.equal(await page.locator('.jp-RenderedVegaCommon5').count(), 0)
})

/** The private Jupyter serves Notebook 7 beside JupyterLab when it finds the package and its pages. */
async function startNotebook7() {
  const python = await ensureTestPython()
  const lib = join(python, '../../lib')
  const version = readdirSync(lib).find(name => name.startsWith('python3')) ?? ''
  return await startLab(
    ['--ServerApp.jpserver_extensions=notebook=True', '--JupyterNotebookApp.expose_app_in_browser=True'],
    {
      PYTHONPATH: join(lib, version, 'site-packages'),
      JUPYTER_PATH: join(python, '../../share/jupyter'),
    },
  )
}

declare const jupyterapp: {
  commands: { execute(id: string): Promise<unknown> }
  shell: { currentWidget?: { sessionContext?: { session?: { kernel?: { status: string } } } } }
}
