/** The loop of scoring in a real JupyterLab: train, score, drag the threshold, brush a label, replay, see the difference. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  becomes,
  HANG_LIMIT_MS,
  labForFile,
  marksDrawn,
  openNotebook,
  stateBecomes,
  writeNotebook,
} from './lab-page.ts'
import type { Locator } from 'playwright-core'

const its = labForFile()

const CELLS = [
  '%topic sensors --from earliest --time measuredAt',
  '%record sensors sensors.rec',
  '%%train sensors --features temp,vibration --rows 1500 --epochs 10 --as normal',
  '%param limit 40 --min 0 --max 1000 --step 0.01',
  '%%score sensors --model normal --by machineId --threshold {limit} --as scored',
  '%record sensors --stop',
  '%replay sensors.rec --speed max',
  '%%score sensors --detector range --features temp,vibration --by machineId --warm-up 300 --as plain',
  "await compare(scored, plain, { rows: 7000, labels: labels('sensors.labels.json') })",
]
/** Lanes of the tab, in px from its top. */
const [VALUE_Y, SCORE_Y] = [70, 212]

test('train, score, drag the threshold, brush a label, replay, see the difference', async () => {
  writeNotebook(its.lab, 'loop.ipynb', CELLS)
  const notebook = await openNotebook(its.browser, its.lab, 'loop.ipynb', { height: 1500 })
  const { page } = notebook
  for (let cell = 0; cell < 5; cell++) await notebook.runNext()
  await marksDrawn(page, 'scored', 1000)
  const chart = page.locator('.riffle-chart[data-stream="scored"]')
  await picture(chart, 'scores-chart.png')

  await chart.getByRole('tab', { name: 'Threshold' }).click()
  const tab = chart.locator('.riffle-scores')
  await tab.getByText('unknown until something is labelled').waitFor()
  await becomes(page, async () => (await tableOf(tab))[0], ['', 'as scored', 'range rule'])

  // The threshold: the table has a column for it at once, the slider of the param follows when it is let go.
  const lanes = tab.locator('.riffle-scores-lanes')
  await lanes.scrollIntoViewIfNeeded()
  let at = await placesIn(lanes)
  await page.mouse.move(...at(0.5, 160))
  await page.mouse.down()
  await page.mouse.move(...at(0.5, 190))
  await page.mouse.move(...at(0.5, SCORE_Y))
  const moved = Number(await tab.locator('.riffle-scores-threshold').inputValue())
  assert.ok(moved > 0 && moved < 1000, String(moved))
  assert.deepEqual((await tableOf(tab))[0], ['', 'as scored', `at ${moved}`, 'range rule'])
  await page.mouse.up()
  await page.locator('.riffle-param output', { hasText: String(moved) }).waitFor({ timeout: HANG_LIMIT_MS })
  const alerts = (await tableOf(tab))[1] ?? []
  assert.ok(Number(alerts[2]) > 0, alerts.join())
  await picture(chart, 'scores-threshold.png')

  // A label: shown on the chart, kept in the file, and now precision and recall are known.
  await lanes.scrollIntoViewIfNeeded()
  at = await placesIn(lanes)
  await page.mouse.move(...at(0.4, VALUE_Y))
  await page.mouse.down()
  await page.mouse.move(...at(0.6, VALUE_Y), { steps: 4 })
  await page.mouse.up()
  await tab.locator('.riffle-scores-label').waitFor({ state: 'attached' })
  await tab.getByText('recall', { exact: true }).waitFor()
  const { windows } = JSON.parse(readFileSync(join(its.lab.root, 'sensors.labels.json'), 'utf8')) as {
    windows: string[][]
  }
  assert.equal(windows.length, 1)
  assert.ok(Date.parse(windows[0]![0]!) < Date.parse(windows[0]![1]!))
  await picture(chart, 'scores-labelled.png')

  // The same events again: the chart begins anew, threshold and label are still there.
  // A press in an output has selected its cell.
  await page.locator('.jp-Notebook .jp-Cell').nth(5).locator('.jp-InputPrompt').click()
  await notebook.runNext()
  await notebook.runNext()
  await stateBecomes(page, 'scored', 'ended')
  await tab.locator('.riffle-scores-label').waitFor({ state: 'attached' })
  await becomes(page, async () => (await tableOf(tab))[0]?.[2], `at ${moved}`)

  await notebook.runNext()
  await notebook.runNext()
  const difference = page.locator('.jp-OutputArea-output', {
    hasText: /7000 rows: \d+ alerts of both, \d+ gained, \d+ lost/,
  })
  await difference.waitFor({ timeout: HANG_LIMIT_MS })
  assert.match((await difference.textContent()) ?? '', /before\s+after[\s\S]*recall\s+[\d.]+\s+[\d.]+/)
  await difference.scrollIntoViewIfNeeded()
  await picture(page.locator('.jp-NotebookPanel'), 'scores-difference.png')
  await notebook.end()
})

/** From a share of the width and px from the top to a place on the page, as it is scrolled now. */
async function placesIn(lanes: Locator): Promise<(share: number, y: number) => [number, number]> {
  const box = (await lanes.boundingBox()) ?? assert.fail('the lanes are not on the screen')
  return (share, y) => [box.x + share * box.width, box.y + y]
}

function tableOf(tab: Locator): Promise<(string | null)[][]> {
  return tab
    .locator('.riffle-scores-quality tr')
    .evaluateAll(all =>
      (all as unknown as { cells: Iterable<{ textContent: string | null }> }[]).map(row =>
        [...row.cells].map(cell => cell.textContent),
      ),
    )
}

async function picture(place: Locator, name: string): Promise<void> {
  if (process.env['SCREENSHOTS'] !== undefined) await place.screenshot({ path: join(process.env['SCREENSHOTS'], name) })
}
