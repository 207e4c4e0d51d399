/** What a reader does with a chart by hand: looks closer, picks, presses keys, sorts and filters its table. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { becomes, chartsOf, marksOf, type Mark } from './lab-page.ts'
import { chartPageForTests, addWindows, drawn, push, rowsAre, windowRow, type ChartPage } from './one-chart.ts'
import type { Page } from 'playwright-core'

const its = chartPageForTests()

const TEN = Array.from({ length: 10 }, (_, index) => windowRow('north', index, index + 1))

const points = async (page: Page): Promise<Mark[]> => (await marksOf(page, 's')).filter(({ type }) => type === 'symbol')
/** The points that stand within the plot, by their values; a plot in this page is some 920 px wide. */
const inSight = async (page: Page): Promise<unknown[]> =>
  (await points(page)).filter(({ x }) => x !== null && x >= 0 && x <= 950).map(({ row }) => row['n'])

const byNumber = (a: unknown, b: unknown): number => Number(a) - Number(b)

async function drag(page: Page, fromX: number, toX: number): Promise<void> {
  const box = await page.locator('.riffle-vega canvas').boundingBox()
  assert.ok(box !== null)
  await page.mouse.move(box.x + fromX, box.y + 80)
  await page.mouse.down()
  await page.mouse.move(box.x + (fromX + toX) / 2, box.y + 100)
  await page.mouse.move(box.x + toX, box.y + 120)
  await page.mouse.up()
}

test('a part that was dragged over stays in sight while rows, a new series and another theme come, until it is let go', async () => {
  const { page, errors } = its
  await addWindows(page)
  await push(page, TEN)
  await rowsAre(page, 10)
  const all = await inSight(page)
  assert.deepEqual(all, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  const at = async (n: number): Promise<number> => (await points(page)).find(({ row }) => row['n'] === n)?.x ?? -1
  // The plot begins some 50 px from the canvas's left; between the third point and a little right of the fifth.
  const [third, fifth] = [await at(3), await at(5)]
  await drag(page, third + 20, fifth + 70)
  await becomes(page, () => inSight(page), [3, 4, 5])
  await page.getByRole('button', { name: 'Show all of s again' }).waitFor()
  const held = await at(4)
  await push(page, [windowRow('north', 10, 11)])
  await rowsAre(page, 11)
  assert.equal(await at(4), held)
  // A region that was not there makes another picture.
  await push(page, [windowRow('south', 3, 40)])
  await rowsAre(page, 12)
  await becomes(page, async () => (await inSight(page)).sort(byNumber), [3, 4, 5, 40])
  const fills = async (): Promise<string> => (await points(page)).map(({ fill }) => fill).join()
  const light = await fills()
  await page.evaluate(() => window.page.theme(false))
  await becomes(page, async () => (await fills()) === light, false)
  assert.deepEqual((await inSight(page)).sort(byNumber), [3, 4, 5, 40])
  await page.getByRole('button', { name: 'Show all of s again' }).click()
  await becomes(page, async () => (await inSight(page)).length, 12)
  assert.equal(await page.getByRole('button', { name: 'Show all of s again' }).count(), 0)
  assert.deepEqual(errors, [])
})

test('a brush of the user stays on its rows when others come and when the picture is built anew', async () => {
  const { page } = its
  const opacity = { condition: { param: 'brush', empty: false, value: 1 }, value: 0.2 }
  const spec = {
    params: [{ name: 'brush', select: { type: 'interval', encodings: ['x'] } }],
    mark: { type: 'point', clip: true, filled: true, size: 60 },
    encoding: { opacity },
  }
  await addWindows(page, { spec })
  await push(page, TEN)
  await rowsAre(page, 10)
  const picked = async (): Promise<unknown[]> =>
    (await points(page)).filter(mark => mark.opacity === 1).map(({ row }) => row['n'])
  assert.deepEqual(await picked(), [])
  const at = async (n: number): Promise<number> => (await points(page)).find(({ row }) => row['n'] === n)?.x ?? -1
  await drag(page, (await at(3)) + 20, (await at(5)) + 70)
  await becomes(page, picked, [3, 4, 5])
  await push(page, [windowRow('north', 10, 11)])
  await rowsAre(page, 11)
  assert.deepEqual(await picked(), [3, 4, 5])
  await push(page, [windowRow('south', 3, 40)])
  await rowsAre(page, 12)
  await becomes(page, async () => (await picked()).sort(byNumber), [3, 4, 5, 40])
})

test('keys on a chart: space pauses its stream, plus looks closer, 0 shows all; its label says what it is', async () => {
  const { page } = its
  await addWindows(page)
  await push(page, TEN)
  await rowsAre(page, 10)
  const plot = page.getByRole('img')
  const label = 'Chart of s, 10 points, newest n north 10 at 2026-01-01 09:01:40: running'
  await becomes(page, async () => (await plot.getAttribute('aria-label'))?.startsWith(label), true)
  const keys = 'Space pauses and resumes the stream. Plus and minus zoom, arrow keys move, 0 shows all.'
  await becomes(page, async () => (await plot.getAttribute('aria-description'))?.startsWith(keys), true)
  await plot.focus()
  await page.keyboard.press('+')
  await becomes(page, async () => (await inSight(page)).length < 10, true)
  const closer = await inSight(page)
  await page.keyboard.press('ArrowRight')
  await becomes(page, async () => Number((await inSight(page)).at(-1)) > Number(closer.at(-1)), true)
  await page.keyboard.press('0')
  await becomes(page, async () => (await inSight(page)).length, 10)
  assert.deepEqual(await page.evaluate(() => window.page.controls), [])
  await page.keyboard.press(' ')
  await page.waitForFunction(() => window.page.controls.length > 0)
  assert.deepEqual(await page.evaluate(() => window.page.controls), ['pause s'])
})

test('two fingers look closer, on a screen and on a trackpad, and what is below them stays there', async () => {
  const { page, errors } = its
  await addWindows(page)
  await push(page, TEN)
  await rowsAre(page, 10)
  const box = await page.locator('.riffle-vega canvas').boundingBox()
  assert.ok(box !== null)
  const at = async (n: number): Promise<number> => (await points(page)).find(({ row }) => row['n'] === n)?.x ?? -1
  const [third, fifth] = [await at(3), await at(5)]
  const cdp = await page.context().newCDPSession(page)
  const touch = async (type: 'touchStart' | 'touchMove' | 'touchEnd', xs: readonly number[]): Promise<void> => {
    const touchPoints = xs.map((x, id) => ({ x: box.x + x, y: box.y + 100, id }))
    await cdp.send('Input.dispatchTouchEvent', { type, touchPoints })
  }
  // Of points two apart the fingers make what is three apart.
  const apart = fifth - third
  await touch('touchStart', [third, fifth])
  await touch('touchMove', [third, fifth + apart / 4])
  await touch('touchMove', [third, fifth + apart / 2])
  await touch('touchEnd', [])
  await becomes(page, async () => Math.round((await at(5)) - (await at(3))), Math.round(1.5 * apart))
  await page.getByRole('button', { name: 'Show all of s again' }).click()
  await becomes(page, async () => (await inSight(page)).length, 10)
  await page.getByRole('img').focus()
  await page.mouse.move(box.x + third, box.y + 100)
  await page.keyboard.down('Control')
  await page.mouse.wheel(0, -50)
  await page.keyboard.up('Control')
  await becomes(page, async () => (await inSight(page)).length < 10, true)
  assert.deepEqual(errors, [])
})

test('the table is sorted by a click or a key on a column, and filtered by what is typed', async () => {
  const { page } = its
  await addWindows(page)
  await push(page, [windowRow('north', 0, 5), windowRow('south', 1, 9), windowRow('north', 2, 7)])
  await rowsAre(page, 3)
  await page.getByRole('tab', { name: 'Table' }).click()
  const values = (): Promise<string[]> => page.locator('.riffle-table tbody td:last-child').allInnerTexts()
  await becomes(page, values, ['7', '9', '5'])
  const head = page.locator('.riffle-table th', { hasText: /^n$/ })
  await head.click()
  await becomes(page, values, ['9', '7', '5'])
  assert.equal(await head.getAttribute('aria-sort'), 'descending')
  await head.press('Enter')
  await becomes(page, values, ['5', '7', '9'])
  assert.equal(await head.getAttribute('aria-sort'), 'ascending')
  await page.getByRole('searchbox').fill('nor')
  await becomes(page, values, ['5', '7'])
})

test('every control is reached by the Tab key and seen then; PNG and CSV are saved by Enter', async () => {
  const { page } = its
  await addWindows(page)
  await push(page, [windowRow('north', 0, 5), windowRow('=south', 0, 7)])
  await rowsAre(page, 2)
  await page.locator('.riffle-strip').getByText('live').waitFor()
  const focused = (): Promise<string> =>
    page.$eval(':focus', node => {
      const { textContent, className, parentElement } = node as unknown as FocusedNode
      const seen = getComputedStyle(parentElement).opacity === '1'
      return `${className.includes('riffle-plot') ? 'picture' : (textContent ?? '')}${seen ? '' : ' (not seen)'}`
    })
  const reached: string[] = []
  const saved: string[] = []
  for (let i = 0; i < 7; i++) {
    await page.keyboard.press('Tab')
    const name = await focused()
    reached.push(name)
    if (name !== 'PNG' && name !== 'CSV') continue
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
    const bytes = readFileSync(await download.path())
    saved.push(download.suggestedFilename(), name === 'PNG' ? bytes.toString('latin1', 1, 4) : bytes.toString('utf8'))
  }
  assert.deepEqual(reached, ['Chart', 'picture', 'Clear', 'PNG', 'CSV', 'Pause', 'Stop'])
  assert.deepEqual(saved, [
    's.png',
    'PNG',
    's.csv',
    [
      'region,windowStart,windowEnd,n',
      "'=south,2026-01-01T09:00:00.000Z,2026-01-01T09:00:10.000Z,7",
      'north,2026-01-01T09:00:00.000Z,2026-01-01T09:00:10.000Z,5',
      '',
    ].join('\r\n'),
  ])
})

test('a title stands above its chart once', async () => {
  const { page } = its
  const places = async (): Promise<unknown[]> => (await points(page)).map(({ x, y }) => [x, y])
  await addWindows(page)
  await push(page, TEN)
  await rowsAre(page, 10)
  const untitled = await places()
  await its.reopen()
  await addWindows(its.page, { title: 'Orders by region' })
  await push(its.page, TEN)
  await rowsAre(its.page, 10)
  assert.equal(await its.page.locator('.riffle-title').innerText(), 'Orders by region')
  // A title inside the picture would push its points down.
  const titled = (await marksOf(its.page, 's')).filter(({ type }) => type === 'symbol').map(({ x, y }) => [x, y])
  assert.deepEqual(titled, untitled)
  assert.equal((await drawn(its.page)).length, 10)
  assert.equal((await chartsOf(its.page))[0]?.state, 'running')
})

declare const window: { page: ChartPage }

/** What exists in the page only. */
interface FocusedNode {
  readonly textContent: string | null
  readonly className: string
  readonly parentElement: object
}
declare const getComputedStyle: (node: object) => { readonly opacity: string }
