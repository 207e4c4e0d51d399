/** A pattern at work in a real JupyterLab: its graph, its near misses, its timeline, and what of them is saved. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  becomes,
  HANG_LIMIT_MS,
  marksDrawn,
  marksOf,
  openNotebook,
  writeNotebook,
  labForFile,
  savedOutput,
  savedValues,
} from './lab-page.ts'
import type { Locator } from 'playwright-core'

const its = labForFile()

const FEED = `const visits = feed<{ at: number; user: string; page: string }>({ time: 'at' });`
const PATTERN = `%%cep visits --by user --within 10m --as bought
pattern: login, purchase
login: c => c.page === 'login'
purchase: c => c.page === 'purchase'
select: m => ({ user: m.login[0].user, at: m.purchase[0].at })`
/** ann buys at once, bob looks around first, cleo has logged in and is waited for, dan's ten minutes are over. */
const PUSH = `const t = Date.UTC(2026, 0, 1, 9)
const click = (minute: number, user: string, page: string) => visits.push({ at: t + minute * 60_000, user, page })
await click(0, 'dan', 'login')
await click(5, 'ann', 'login')
await click(6, 'bob', 'login')
await click(7, 'ann', 'purchase')
await click(8, 'bob', 'cart')
await click(9, 'cleo', 'login')
await visits.watermark(t + 12 * 60_000);`

test('the graph counts what the engine took, near misses name the false condition, and the timeline is saved', async () => {
  writeNotebook(its.lab, 'pattern.ipynb', [FEED, PATTERN, PUSH])
  const notebook = await openNotebook(its.browser, its.lab, 'pattern.ipynb')
  const { page } = notebook
  for (let cell = 0; cell < 3; cell++) await notebook.runNext()

  // Ann's line with two points, a cross where bob's ended, the login that waits.
  await marksDrawn(page, 'bought', 6)
  const points = async (): Promise<string[]> => {
    const drawn = (await marksOf(page, 'bought')).filter(mark => mark.type === 'symbol')
    const texts = drawn.map(({ row }) => `${String(row['$lane'])} ${String(row['what'])} ${String(row['step'])}`)
    return [...new Set(texts)].sort()
  }
  await becomes(page, points, [
    'ann match login',
    'ann match purchase',
    'bob near miss login',
    'bob near miss not purchase',
    'cleo waiting login',
    'dan near miss login',
  ])

  const chart = page.locator('.riffle-chart[data-stream="bought"]')
  await chart.getByRole('tab', { name: 'Pattern' }).click()
  const tab = chart.locator('.riffle-pattern')
  await tab.getByText('purchase is false').first().waitFor({ timeout: HANG_LIMIT_MS })
  await becomes(page, () => waysOf(tab), ['start>login 4', 'login>purchase 1', 'purchase>match 1'])
  await becomes(page, () => stepsOf(tab), ['login 4', 'purchase 1', 'match 1'])
  assert.match(
    (await tab.locator('.riffle-pattern-counts').textContent()) ?? '',
    /1 match · 1 ended by an event · 1 ran out of time · 1 waiting$/,
  )
  const event = '{"at":1767258480000,"user":"bob","page":"cart"}'
  const why = "purchase is false: c => c.page === 'purchase' — came between; login -> purchase would pass it over"
  await becomes(page, () => cellsOf(tab), [
    ['dan', 'login', 'no purchase within 10m of the first event', '', '09:10:00'],
    ['bob', 'login', why, event, '09:08:00'],
    ['cleo', 'login (1)', 'purchase', '7m 00s'],
  ])
  if (process.env['SCREENSHOTS'] !== undefined)
    await chart.screenshot({ path: join(process.env['SCREENSHOTS'], 'pattern-tab.png') })
  await chart.getByRole('tab', { name: 'Chart' }).click()
  if (process.env['SCREENSHOTS'] !== undefined)
    await chart.screenshot({ path: join(process.env['SCREENSHOTS'], 'pattern-timeline.png') })

  await notebook.command('docmanager:save')
  const data = savedOutput(its.lab, 'pattern.ipynb', 1)
  const values = savedValues(data)
  assert.deepEqual(
    values.filter(row => row['what'] === 'match').map(row => [row['$lane'], row['step'], row['$at']]),
    [
      ['ann', 'login', Date.UTC(2026, 0, 1, 9, 5)],
      ['ann', 'purchase', Date.UTC(2026, 0, 1, 9, 7)],
    ],
  )
  assert.match(String(data['image/png']), /^iVBOR/)
  await notebook.end()
})

interface Drawn {
  readonly dataset: Readonly<Record<string, string>>
}

function waysOf(tab: Locator): Promise<string[]> {
  return tab
    .locator('.riffle-way')
    .evaluateAll(all =>
      (all as unknown as Drawn[]).map(({ dataset }) => `${dataset['from']}>${dataset['to']} ${dataset['count']}`),
    )
}

function stepsOf(tab: Locator): Promise<string[]> {
  return tab
    .locator('.riffle-step[data-step]')
    .evaluateAll(all => (all as unknown as Drawn[]).map(({ dataset }) => `${dataset['step']} ${dataset['count']}`))
}

function cellsOf(tab: Locator): Promise<(string | null)[][]> {
  return tab
    .locator('tbody tr')
    .evaluateAll(all =>
      (all as unknown as { cells: Iterable<{ textContent: string | null }> }[]).map(row =>
        [...row.cells].map(cell => cell.textContent),
      ),
    )
}
