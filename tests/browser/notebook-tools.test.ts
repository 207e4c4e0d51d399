/** What helps people to write a notebook: the panel of topics, the picker of forms, settings, colours and mistakes in the editor. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  becomes,
  labForFile,
  openNotebook,
  sequenceAfter,
  streamListed,
  writeNotebook,
  savedOutput,
} from './lab-page.ts'
import type { Page } from 'playwright-core'

const its = labForFile()

const TOPIC = '%topic orders --from earliest;'
const WINDOW = '%%window orders --tumbling 10s --by region'

test('the panel lists topics, shows the newest records of one as text, and inserts the magic that reads one', async () => {
  // The second row turns the writing and would be markup, if it were anything but text.
  const rows = "await produce('notes', [{ n: 1 }, { n: 2, text: '<img src=x>\\u202e' }])"
  writeNotebook(its.lab, 'topics.ipynb', [`%topics create notes --partitions 1\n${rows}`])
  const notebook = await openNotebook(its.browser, its.lab, 'topics.ipynb')
  const { page } = notebook
  await notebook.runNext()
  await notebook.command('riffle:show-streams')
  const notes = page.locator('.riffle-topic details[data-topic="embedded:notes"]')
  await notes.locator('summary').click()
  const records = (): Promise<string[]> => notes.locator('.riffle-record').allInnerTexts()
  await becomes(page, records, ['{"n":2,"text":"<img src=x>\\u202e"}', '{"n":1}'])
  assert.equal(await notes.locator('img').count(), 0)
  const orders = page.locator('.riffle-topic details[data-topic="embedded:orders"]')
  await orders.locator('summary').click()
  await orders.getByText('region: ').waitFor()
  await orders.locator('.riffle-record').nth(4).waitFor()
  if (process.env['SCREENSHOTS'] !== undefined)
    await page.screenshot({ path: join(process.env['SCREENSHOTS'], 'topic-peek.png') })
  await page.getByRole('button', { name: 'Insert a cell that reads topic orders', exact: true }).click()
  await page.waitForFunction(() =>
    jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.getSource().startsWith('%topic orders'),
  )
  await notebook.end()
})

test('the picker writes its choice as a header into the cell, and a chart opens as a tab of its own', async () => {
  writeNotebook(its.lab, 'picker.ipynb', [TOPIC, WINDOW])
  const notebook = await openNotebook(its.browser, its.lab, 'picker.ipynb')
  const { page } = notebook
  await notebook.runNext()
  await notebook.runNext()
  await sequenceAfter(page, 'ordersWindow', 1)
  await page.locator('.riffle-chart[data-stream="ordersWindow"]').hover()
  await page.getByRole('button', { name: 'Choose how ordersWindow is drawn' }).click()
  await page.getByLabel('Form').selectOption('heatmap')
  await page.getByRole('button', { name: 'Write %%chart' }).click()
  await page.waitForFunction(
    source => jupyterapp.shell.currentWidget.content.widgets[1]?.model.sharedModel.getSource() === source,
    `${WINDOW}\n%%chart --mark heatmap`,
  )
  await page.waitForFunction(() => {
    const replies: { type: string }[][] = []
    const detail = { reply: replies.push.bind(replies) }
    const node = document.querySelector('.riffle-chart[data-stream="ordersWindow"]') as unknown as EventTarget | null
    node?.dispatchEvent(new CustomEvent('riffle-marks', { detail }))
    return (replies[0]?.filter(mark => mark.type === 'rect').length ?? 0) > 100
  })
  await page.locator('.riffle-chart[data-stream="ordersWindow"]').hover()
  await page.getByRole('button', { name: 'Open ordersWindow in a tab of its own' }).click()
  const own = '.riffle-own-tab .riffle-chart[data-state="running"]'
  await page.waitForSelector(own)
  const seq = (): Promise<number> => page.$eval(own, node => Number((node as unknown as PageNode).dataset['seq']))
  const first = await seq()
  await page.waitForFunction(([css, than]) => Number(document.querySelector(css)?.dataset['seq']) > than, [
    own,
    first,
  ] as const)
  await notebook.end()
})

const FEEDS = `const bought = feed<{ id: number; at: number }>({ time: 'at' })
const paid = feed<{ id: number; at: number; method: string }>({ time: 'at' });`
const SETTLED = `%%join bought paid --on id --ttl 1h --type left --as settled
(o, p) => ({ id: o.id, method: p?.method ?? null })
%%chart --mark table`
const BUY = `const t = Date.UTC(2026, 0, 1, 9)
await bought.push({ id: 1, at: t })
await bought.push({ id: 2, at: t + 1000 });`
const PAY = "await paid.push({ id: 1, at: t + 2000, method: 'card' });"

test('the table of a changelog shows the rows that hold, and on demand those that came and were taken back', async () => {
  writeNotebook(its.lab, 'changes.ipynb', [FEEDS, SETTLED, BUY, PAY])
  const notebook = await openNotebook(its.browser, its.lab, 'changes.ipynb', { height: 1000 })
  const { page } = notebook
  for (let cell = 0; cell < 3; cell++) await notebook.runNext()
  const chart = page.locator('.riffle-chart[data-stream="settled"]')
  const rows = (): Promise<string[]> => chart.locator('.riffle-table tbody tr').allInnerTexts()
  await becomes(page, rows, ['2', '1'])
  const toggle = chart.getByRole('button', { name: 'Changes of settled' })
  // By keyboard, as any button.
  await toggle.focus()
  await page.keyboard.press('Enter')
  await becomes(page, rows, ['+\t2026-01-01 09:00:01\t2', '+\t2026-01-01 09:00:00\t1'])
  assert.equal(await toggle.getAttribute('aria-pressed'), 'true')
  // The focus went to the cell of the chart.
  await page.locator('.jp-Cell').nth(3).locator('.jp-InputPrompt').click()
  await notebook.runNext()
  await becomes(page, rows, [
    '+\t2026-01-01 09:00:02\t1\tcard',
    '−\t2026-01-01 09:00:00\t1\t',
    '+\t2026-01-01 09:00:01\t2\t',
    '+\t2026-01-01 09:00:00\t1\t',
  ])
  await chart.getByText('4 changes (3 inserted, 1 retracted)').waitFor()
  await chart.locator('.riffle-strip').getByText('+3 −1').waitFor()
  assert.equal(await chart.locator('tr.riffle-retracted').count(), 1)
  if (process.env['SCREENSHOTS'] !== undefined)
    await page.screenshot({ path: join(process.env['SCREENSHOTS'], 'changes.png') })

  await notebook.command('docmanager:save')
  const data = savedOutput(its.lab, 'changes.ipynb', 1)
  const { last } = data['application/vnd.riffle.live.v1+json'] as { last?: { changes?: { entries: unknown[] } } }
  assert.equal(last?.changes?.entries.length, 4)
  assert.match([data['text/plain']].flat().join(''), /\n− 2026-01-01 09:00:00 {3}1/)

  await toggle.click()
  await becomes(page, rows, ['1\tcard', '2\t'])
  await notebook.end()
})

test('settings: a save leaves the frames in the file alone, and the status bar is free', async () => {
  writeNotebook(its.lab, 'settings.ipynb', [TOPIC, WINDOW])
  const first = await openNotebook(its.browser, its.lab, 'settings.ipynb')
  await saveSettings(first.page, '{ "saveFrames": false, "statusBar": false }')
  await first.end()
  const notebook = await openNotebook(its.browser, its.lab, 'settings.ipynb')
  const { page } = notebook
  try {
    await notebook.runNext()
    await notebook.runNext()
    await sequenceAfter(page, 'ordersWindow', await sequenceAfter(page, 'ordersWindow', 2))
    await notebook.command('riffle:show-streams')
    await streamListed(page, 'ordersWindow', 'running')
    assert.equal(await page.locator('.riffle-status button:visible').count(), 0)
    await notebook.command('docmanager:save')
    const saved = savedOutput(its.lab, 'settings.ipynb', 1)['application/vnd.riffle.live.v1+json']
    assert.equal((saved as { last?: { savedAt: unknown } }).last?.savedAt, null)
  } finally {
    await saveSettings(page, '{}')
  }
  await notebook.end()
})

test('magics have colours of their own, and the pointer tells what a magic and a variable are', async () => {
  writeNotebook(its.lab, 'editor.ipynb', [
    'const answer = 42',
    '%%window orders --tumbling 10s\nn: riffle.count()',
    'answer % 5',
  ])
  const notebook = await openNotebook(its.browser, its.lab, 'editor.ipynb')
  const { page } = notebook
  await notebook.runNext()
  const coloured = (part: string) => (): Promise<string[]> => page.locator(`.riffle-cm-${part}`).allInnerTexts()
  await becomes(page, coloured('magic'), ['%%window'])
  await becomes(page, coloured('option'), ['--tumbling'])
  await becomes(page, coloured('value'), ['orders', '10s'])
  await page.locator('.riffle-cm-magic').hover()
  await page.waitForFunction(() => document.querySelector('.riffle-hover')?.innerText.includes('%%window') === true)
  await page
    .locator('.jp-Cell')
    .nth(2)
    .locator('.cm-line')
    .hover({ position: { x: 20, y: 8 } })
  await page.waitForFunction(() => document.querySelector('.riffle-hover')?.innerText.includes('const answer') === true)
  await notebook.end()
})

test('mistakes are underlined while one types, with the words of the error, and go when they are mended', async () => {
  writeNotebook(its.lab, 'typing.ipynb', [TOPIC, '', 'neverDeclared'])
  const notebook = await openNotebook(its.browser, its.lab, 'typing.ipynb')
  const { page } = notebook
  await notebook.runNext()
  await page.locator('.jp-Cell').nth(1).locator('.cm-content').click()
  await page.keyboard.type('%%window orders --tumblin 10s')
  // Who types slowly sees what was wrong of the words before.
  await becomes(page, () => page.locator('.cm-lintRange-error').allInnerTexts(), ['--tumblin'])
  await page.locator('.cm-lintRange-error').hover()
  await page.waitForFunction(
    () => document.querySelector('.cm-tooltip-lint')?.innerText.includes('did you mean --tumbling') === true,
  )
  for (let i = 0; i < 4; i++) await page.keyboard.press('Backspace')
  await page.keyboard.type('g 10s')
  // Nor is the cell below underlined: nobody has touched it, and it may need one that has not run.
  await page.waitForFunction(() => document.querySelectorAll('.cm-lintRange').length === 0)
  await notebook.end()
})

async function saveSettings(page: Page, text: string): Promise<void> {
  await page.evaluate(raw => jupyterapp.serviceManager.settings.save('@riffle/jupyterlab:charts', raw), text)
}

interface PageNode {
  readonly dataset: Readonly<Record<string, string>>
  readonly innerText: string
}
declare const document: {
  querySelector(selector: string): PageNode | null
  querySelectorAll(selector: string): { readonly length: number }
}
declare const jupyterapp: {
  serviceManager: { settings: { save(id: string, raw: string): Promise<void> } }
  shell: {
    currentWidget: {
      content: {
        activeCell: { model: { sharedModel: { getSource(): string } } }
        widgets: readonly { model: { sharedModel: { getSource(): string } } }[]
      }
    }
  }
}
