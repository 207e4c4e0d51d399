/** A join at work in a real JupyterLab: its lanes, what waits and what left alone, in words too, and what of it is saved. */
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

const FEEDS = `const orders = feed<{ at: number; id: string; amount: number }>({ time: 'at' });
const payments = feed<{ at: number; id: string }>({ time: 'at' });`
const JOIN = `%%join orders payments --on id --within 0s..10m --type left --as paid
(o, p) => ({ id: o.id, paidAt: p?.at ?? null })`
/** o-1 is paid at once, o-2 after its time, o-3 has two payments, o-4 is waited for. */
const PUSH = `const t = Date.UTC(2026, 0, 1, 9)
const order = (minute: number, id: string) => orders.push({ at: t + minute * 60_000, id, amount: 10 })
const pay = (minute: number, id: string) => payments.push({ at: t + minute * 60_000, id })
await order(0, 'o-1')
await order(1, 'o-2')
await pay(2, 'o-1')
await order(8, 'o-3')
await pay(9, 'o-3')
await pay(10, 'o-3')
await orders.watermark(t + 11 * 60_000)
await payments.watermark(t + 11 * 60_000)
await pay(12, 'o-2')
await order(13, 'o-4')
await orders.watermark(t + 14 * 60_000)
await payments.watermark(t + 14 * 60_000);`

/** Of three symbols the third has no quote, and two trades of the second come before its first: 42 find none. */
const COLUMNS = `const at = (count: number, step: number) => Float64Array.from({ length: count }, (_, i) => Date.UTC(2026, 0, 1, 9) + i * step)
const trades = fromColumns({ at: at(120, 1000), symbol: Int32Array.from({ length: 120 }, (_, i) => i % 3), size: at(120, 10) }, { time: 'at' })
const quotes = fromColumns({ at: at(24, 5000), symbol: Int32Array.from({ length: 24 }, (_, i) => i % 2), bid: at(24, 10) }, { time: 'at' });
%%join trades quotes --on symbol --as-of --as quoted
(t, q) => ({ size: t.size, bid: q.bid })`

test('lanes show who met, who waits until when and who left alone; the Join tab says it in words, and the file keeps it', async () => {
  writeNotebook(its.lab, 'joins.ipynb', [FEEDS, JOIN, PUSH, COLUMNS])
  const notebook = await openNotebook(its.browser, its.lab, 'joins.ipynb', { height: 1500 })
  const { page } = notebook
  for (let cell = 0; cell < 4; cell++) await notebook.runNext()

  await marksDrawn(page, 'paid', 8)
  const drawn = async (what: string): Promise<string[]> => {
    const rows = (await marksOf(page, 'paid')).map(({ row }) => row).filter(row => row['what'] === what)
    const texts = rows.map(row => `${String(row['stream'] ?? row['id'])} ${String(row['key'] ?? '')} ${String(row['state'] ?? '')}`) // prettier-ignore
    return [...new Set(texts)].sort()
  }
  await becomes(page, () => drawn('row'), [
    'orders o-1 matched',
    'orders o-2 no partner',
    'orders o-3 matched',
    'orders o-4 waiting',
    'payments o-1 matched',
    'payments o-2 no partner',
    'payments o-3 matched',
  ])
  await becomes(page, async () => (await drawn('line')).length, 3)
  await becomes(page, () => drawn('stay'), ['orders o-4 waiting'])
  const chart = page.locator('.riffle-chart[data-stream="paid"]')
  const label = chart.locator('.riffle-plot')
  assert.match((await label.getAttribute('aria-label')) ?? '', /^Chart of paid, orders: \d+ rows? held/)
  if (process.env['SCREENSHOTS'] !== undefined)
    await chart.screenshot({ path: join(process.env['SCREENSHOTS'], 'join-lanes.png') })

  await chart.getByRole('tab', { name: 'Join' }).click()
  const tab = chart.locator('.riffle-join')
  await tab.getByText('o-4').first().waitFor({ timeout: HANG_LIMIT_MS })
  const why = 'no partner came in time'
  await becomes(page, () => cellsOf(tab), [
    ['payments', 'o-2', '09:12:00', '09:12:00', `${why}: it gave no row`, '{"at":1767258720000,"id":"o-2"}'],
    ['orders', 'o-2', '09:01:00', '09:11:00', `${why}: it came out with null`, '{"at":1767258060000,"id":"o-2","amount":10}'], // prettier-ignore
    ['orders', 'o-4', '09:13:00', '09:23:00', '9m 00s'],
  ])
  assert.equal(
    await tab.locator('.riffle-join-what').textContent(),
    'orders and payments: left join within 0ms..10m on id · watermark of both sides 09:14:00',
  )
  await becomes(
    page,
    async () => (await tab.locator('.riffle-pattern-counts').nth(1).textContent())?.replace(/ \(.*\)/, ''),
    'orders: 2 rows held, 1 without a partner so far, 1 left without one',
  )
  if (process.env['SCREENSHOTS'] !== undefined)
    await chart.screenshot({ path: join(process.env['SCREENSHOTS'], 'join-tab.png') })

  await notebook.command('docmanager:save')
  const data = savedOutput(its.lab, 'joins.ipynb', 1)
  const values = savedValues(data)
  assert.deepEqual(
    values
      .filter(row => row['what'] === 'row' && row['state'] === 'waiting')
      .map(row => [row['key'], row['leaves at']]),
    [['o-4', '2026-01-01 09:23:00']],
  )
  assert.match(String(data['text/plain']), /orders: 2 rows held/)

  await marksDrawn(page, 'quoted', 8)
  const quoted = page.locator('.riffle-chart[data-stream="quoted"]')
  if (process.env['SCREENSHOTS'] !== undefined)
    await quoted.screenshot({ path: join(process.env['SCREENSHOTS'], 'join-columns.png') })
  await quoted.getByRole('tab', { name: 'Join' }).click()
  // More than each status tells.
  await becomes(page, async () => (await cellsOf(quoted.locator('.riffle-join'))).length, 42)
  const [newest] = await cellsOf(quoted.locator('.riffle-join'))
  assert.deepEqual(newest?.slice(0, 4), ['trades', '2', '09:01:59', '09:01:59'])
  if (process.env['SCREENSHOTS'] !== undefined)
    await quoted.screenshot({ path: join(process.env['SCREENSHOTS'], 'join-columns-tab.png') })
  await notebook.end()
})

function cellsOf(tab: Locator): Promise<(string | null)[][]> {
  return tab
    .locator('tbody tr')
    .evaluateAll(all =>
      (all as unknown as { cells: Iterable<{ textContent: string | null }> }[]).map(row =>
        [...row.cells].map(cell => cell.textContent),
      ),
    )
}
