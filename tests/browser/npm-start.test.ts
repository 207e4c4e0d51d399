/** Minutes 0:00 to 3:00: `npm start` prints an address, "Run All" of lesson 01 there draws a chart that moves within a minute. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Readable } from 'node:stream'
import { packageRoot } from '../../kernel/setup/places.ts'
import { Session } from '../notebooks/harness.ts'
import { startKernel } from '../notebooks/notebook-run.ts'
import { tumblingCounts } from '../notebooks/reference-windows.ts'
import { HANG_LIMIT_MS, marksOf, rowsDrawn, sequenceAfter } from './lab-page.ts'
import { launchChromium } from './open-chart-page.ts'

const settledMs = Date.UTC(2026, 0, 1, 9, 9, 30)

test('npm start, Run All: a chart moves within a minute and shows what a plain program counts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'riffle-start-'))
  const start = spawn('npm', ['start', '--', '--no-open'], { cwd: packageRoot, detached: true, stdio: ['ignore', 'pipe', 'inherit'] }) // prettier-ignore
  const ended = once(start, 'exit')
  const browser = await launchChromium()
  try {
    const address = await printedAddress(start.stdout)
    const page = await browser.newPage({ viewport: { width: 1180, height: 5000 } })
    page.setDefaultTimeout(HANG_LIMIT_MS)
    await page.goto(`${address.origin}/lab/tree/01-first-stream.ipynb${address.search}`)
    await page.waitForSelector('.jp-NotebookPanel .jp-Cell')
    // JupyterLab runs nothing, and says nothing, when Run All comes before the kernel answered.
    await page.waitForSelector('text="Riffle (TypeScript) | Idle"')
    const pressed = Date.now()
    await page.click('.lm-MenuBar-item:has-text("Run")')
    await page.click('.lm-Menu-item[data-command="runmenu:run-all"]')
    await page.waitForSelector('.riffle-chart[data-stream="ordersWindow"]')
    const first = await sequenceAfter(page, 'ordersWindow', 0)
    await sequenceAfter(page, 'ordersWindow', first + 3)
    assert.ok(Date.now() - pressed < 60_000, `moving after ${Date.now() - pressed} ms`)

    // The built-in history is the same in every kernel: another one dumps it for the program that counts.
    const running = await startKernel({ url: address.origin, token: address.searchParams.get('token')! })
    const dump = await new Session(running).dump('orders', join(folder, 'orders.json'))
    await running.dispose()
    const options = { time: 'orderedAt', by: 'region', sizeMs: 10_000, outOfOrderMs: 5_000, partitions: 3 }
    const wanted = tumblingCounts(dump, options)
      .windows.filter(w => w.windowEnd <= settledMs)
      .map(w => `${w.key} ${w.windowEnd} ${w.count}`)
    await rowsDrawn(page, 'ordersWindow', 220)
    const drawn = (await marksOf(page, 'ordersWindow'))
      .map(mark => mark.row)
      .filter(row => Number(row['windowEnd']) <= settledMs && row['$open'] !== true)
      .map(row => `${String(row['region'])} ${String(row['windowEnd'])} ${String(row['count'])}`)
    assert.ok(new Set(drawn).size > 4 * 50, `${drawn.length} marks`)
    assert.deepEqual([...new Set(drawn)].filter(mark => !wanted.includes(mark)), []) // prettier-ignore
  } finally {
    await browser.close()
    if (start.exitCode === null) process.kill(-start.pid!, 'SIGINT')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
})

function printedAddress(output: Readable): Promise<URL> {
  return new Promise((resolve, reject) => {
    let text = ''
    output.on('data', chunk => {
      text += String(chunk)
      const address = /https?:\/\/\S+token=\w+/.exec(text)
      if (address !== null) resolve(new URL(address[0]))
    })
    output.on('end', () => reject(new Error(`npm start ended without an address: ${text}`)))
  })
}
