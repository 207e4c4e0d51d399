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
  rowsDrawn,
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
/** Readings around 0, then around 50; a key press asks for a model of the new ones. */
const SHIFT = [
  `const around = (mean: number, from: number) =>
  Array.from({ length: 300 }, (_, i) => ({ at: 1000 * (from + i), v: mean + Math.sin(i) }))
await createTopic('readings', { partitions: 1 })
await produce('readings', around(0, 0))`,
  '%topic readings --from earliest --time at',
  '%%train readings --features v --rows 300 --epochs 2 --as normal',
  '%%score readings --model normal --as watched',
  "await produce('readings', around(50, 300))",
  "await produce('readings', around(50, 600))",
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

test('scores that have changed ask for another training; a key press gives the next version, the stream goes on', async () => {
  writeNotebook(its.lab, 'retrain.ipynb', SHIFT)
  const notebook = await openNotebook(its.browser, its.lab, 'retrain.ipynb', { height: 1500 })
  const { page } = notebook
  for (let cell = 0; cell < 4; cell++) await notebook.runNext()
  await rowsDrawn(page, 'watched', 300)
  const chart = page.locator('.riffle-chart[data-stream="watched"]')
  await chart.getByRole('tab', { name: 'Threshold' }).click()
  const strip = chart.locator('.riffle-scores-drift-told')
  const retrain = strip.locator('button')
  await chart.getByText('unknown until something is labelled').waitFor()
  assert.deepEqual([await strip.isVisible(), await retrain.isVisible()], [false, false])

  // A press in an output has selected its cell.
  const promptOf = (cell: number) => page.locator('.jp-Notebook .jp-Cell').nth(cell).locator('.jp-InputPrompt')
  await promptOf(4).click()
  await notebook.runNext()
  await rowsDrawn(page, 'watched', 600)
  await strip.getByText(/The scores have changed at .* normal, version 1, may want to be trained again/).waitFor()
  await strip.getByRole('button', { name: /^Retrain\? normal/ }).waitFor()
  await picture(chart, 'scores-retrain.png')
  await retrain.focus()
  await page.keyboard.press('Enter')
  await strip.getByText('Scored by normal, version 2.').waitFor()
  await retrain.waitFor({ state: 'hidden' })

  // The next rows are what the new version knows: nothing has changed.
  await promptOf(5).click()
  await notebook.runNext()
  await rowsDrawn(page, 'watched', 900)
  await becomes(page, async () => (await strip.innerText()).trim(), 'Scored by normal, version 2.')
  await picture(chart, 'scores-retrained.png')
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
