/**
 * Ten charts at ten frames a second in a real JupyterLab: no frame is lost unnoticed, nothing grows in the page, the server has nothing to
 * complain of; and with the tab closed its memory stays flat, although the streams run on. LONG=1 looks for an hour, SOAK_MINUTES for as
 * long as it says.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { heapLimitBytes, pass, residentBytes, settled, soakSeconds } from './growth.ts'
import { chartsOf, labForFile, openNotebook, startLab, writeNotebook } from './lab-page.ts'
import type { CDPSession, Page } from 'playwright-core'

const its = labForFile()

const CHARTS = 10
const WARM_UP_SECONDS = 10
const SECONDS = soakSeconds(15)

const CLOSED_SECONDS = soakSeconds(12)
const HEAP_BYTES = heapLimitBytes(SECONDS)
/** What a Python process breathes; ten charts buffered for one second are as much. */
const SERVER_BYTES = 3 * 1024 * 1024

const NAMES = Array.from({ length: CHARTS }, (_, i) => `soak${i}`)
const CELL = [
  // Named, since views without a name pause when nobody has looked for a minute.
  ...NAMES.map(name => `const ${name} = feed<{ k: string; at: number; n: number }>({ time: 'at' })`),
  ...NAMES.map(name => `display(${name}.chart({ mark: 'line', x: 'at', y: 'n', color: 'k', keep: 100, fps: 10 }))`),
  `const feeds = [${NAMES.join()}]`,
  'let at = 0',
  'setInterval(() => {',
  '  at += 100',
  "  for (const rows of feeds) for (const k of ['north', 'south']) void rows.push({ k, at, n: (at / 100) % 50 })",
  '}, 100);',
].join('\n')

// Side by side, each with a server of its own: an hour is an hour, not two.
describe('ten live charts', { concurrency: true }, () => {
  test('every frame follows the one before, and nothing grows in the page', async () => {
    writeNotebook(its.lab, 'soak.ipynb', [CELL])
    const notebook = await openNotebook(its.browser, its.lab, 'soak.ipynb', { height: 5000 })
    const { page } = notebook
    const session = await page.context().newCDPSession(page)
    const frames = await followFrames(session)
    await session.send('Performance.enable')
    await notebook.runNext()
    await chartsRun(page)
    // JupyterLab keeps a listener from its first save on, and saves by itself after two minutes.
    await notebook.command('docmanager:save')
    await pass(page, WARM_UP_SECONDS)
    const before = await counted(page, session)
    const framesBefore = frames.count()
    const onTheWay = await countedWhile(page, session, SECONDS)
    const after = await settled(
      page,
      () => counted(page, session),
      ({ listeners, heapBytes }) => listeners <= before.listeners && heapBytes - before.heapBytes <= HEAP_BYTES,
    )
    const counts = [before, ...onTheWay, after].map(({ listeners, heapBytes }) => `${listeners} ${heapBytes}`)
    const told = (what: string): string => `${what}; listeners and bytes of the heap by and by: ${counts.join(', ')}`
    assert.ok(frames.count() - framesBefore >= SECONDS, `${frames.count() - framesBefore} frames came`)
    assert.deepEqual(frames.unnoticedGaps(), [])
    const newest = frames.newest()
    assert.equal(newest.size, CHARTS)
    await page.waitForFunction(
      least => [...document.querySelectorAll('.riffle-chart')].every(node => Number(node.dataset['seq']) >= least),
      Math.min(...newest.values()),
    )
    assert.deepEqual({ views: after.views, comms: after.comms }, { views: CHARTS, comms: 1 })
    assert.ok(after.listeners <= before.listeners, told(`${after.listeners - before.listeners} listeners more`))
    assert.ok(after.heapBytes - before.heapBytes <= HEAP_BYTES, told('the heap grew'))
    assert.equal(await page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count(), 0)
    assert.doesNotMatch(its.lab.server.log(), /iopub/i)
    await notebook.end()
  })

  test('a closed tab costs the server nothing, although the streams run on', async () => {
    const lab = await startLab()
    try {
      writeNotebook(lab, 'closed.ipynb', [CELL])
      const notebook = await openNotebook(its.browser, lab, 'closed.ipynb', { height: 5000 })
      await notebook.runNext()
      await chartsRun(notebook.page)
      const recordsBefore = await records(notebook.page)
      await notebook.command('docmanager:save')
      await notebook.close()
      // What the page had asked for (CREDIT_AT_START frames, six seconds of them), and no more.
      await new Promise(resolve => setTimeout(resolve, 8000))
      const grown = await growthOf(lab.server.pid)
      assert.ok(grown <= SERVER_BYTES, `the server grew by ${grown} bytes with the tab closed`)
      assert.doesNotMatch(lab.server.log(), /iopub/i)

      const again = await openNotebook(its.browser, lab, 'closed.ipynb', { height: 5000 })
      await chartsRun(again.page)
      const [chart] = await chartsOf(again.page)
      assert.equal(chart?.state, 'running')
      // The streams had not stopped for want of a reader: ten ticks a second, two rows each.
      assert.ok((await records(again.page)) - recordsBefore >= CLOSED_SECONDS * 10, 'the streams ran on')
      await again.end()
    } finally {
      await lab.stop()
    }
  })
})

async function chartsRun(page: Page): Promise<void> {
  await page.waitForFunction(
    charts => document.querySelectorAll('.riffle-chart[data-state="running"] canvas').length === charts,
    CHARTS,
  )
}

/** Of a server in bytes while nobody looks. A step, such as Python makes now and then, is over in the next span; what piles up is not. */
async function growthOf(pid: number): Promise<number> {
  let grown = Number.NaN
  for (let span = 0; span < 3; span++) {
    const before = residentBytes(pid)
    await new Promise(resolve => setTimeout(resolve, CLOSED_SECONDS * 1000))
    grown = residentBytes(pid) - before
    if (grown <= SERVER_BYTES) break
  }
  return grown
}

/** Lets `seconds` pass and counts every minute of them, so that a growth tells when it began. */
async function countedWhile(page: Page, session: CDPSession, seconds: number): Promise<Counted[]> {
  const counts: Counted[] = []
  for (let left = seconds; left > 0; left -= 60) {
    await pass(page, Math.min(60, left))
    if (left > 60) counts.push(await counted(page, session))
    if (process.env['SOAK_TRACE'] === '1') console.error(new Date().toISOString(), JSON.stringify(counts.at(-1)))
  }
  return counts
}

interface Frames {
  count(): number
  /** Frames that follow neither the one before nor a snapshot. */
  unnoticedGaps(): readonly string[]
  /** Chart -> newest sequence. */
  newest(): ReadonlyMap<string, number>
}

/** Reads the chart frames on the page's socket, text of them only: what lies in buffers has no sequence. */
async function followFrames(session: CDPSession): Promise<Frames> {
  await session.send('Network.enable')
  const newest = new Map<string, number>()
  const gaps: string[] = []
  let count = 0
  session.on('Network.webSocketFrameReceived', ({ response }) => {
    const text = response.opcode === 1 ? response.payloadData : Buffer.from(response.payloadData, 'base64').toString()
    if (!/"type": ?"frame"/.test(text)) return
    count++
    for (const [, id = '', sequence = '', kind = ''] of text.matchAll(
      /"chartId": ?"([^"]+)", ?"sequence": ?(\d+), ?"(\w+)"/g,
    )) {
      const last = newest.get(id)
      if (last !== undefined && Number(sequence) !== last + 1 && kind !== 'snapshot')
        gaps.push(`${id}: ${sequence} after ${last}`)
      newest.set(id, Number(sequence))
    }
  })
  return { count: () => count, unnoticedGaps: () => gaps, newest: () => newest }
}

interface Counted {
  readonly views: number
  readonly comms: number
  readonly listeners: number
  readonly heapBytes: number
}

async function counted(page: Page, session: CDPSession): Promise<Counted> {
  const views = await page.locator('.riffle-vega canvas').count()
  const comms = await page.evaluate(async () => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel
    const reply = await kernel.requestCommInfo({ target_name: 'riffle.live.v1' })
    return Object.keys(reply.content.comms).length
  })
  for (let i = 0; i < 3; i++) await session.send('HeapProfiler.collectGarbage')
  const { metrics } = await session.send('Performance.getMetrics')
  const metric = (name: string): number => metrics.find(one => one.name === name)?.value ?? Number.NaN
  return { views, comms, listeners: metric('JSEventListeners'), heapBytes: metric('JSHeapUsedSize') }
}

/** Events of the first chart's stream, as its strip says. */
async function records(page: Page): Promise<number> {
  const [chart] = await chartsOf(page)
  const text = /([\d,]+) events/.exec(chart?.strip ?? '')?.[1]
  assert.ok(text !== undefined, `no count in "${chart?.strip}"`)
  return Number(text.replaceAll(',', ''))
}

interface PageNode {
  readonly dataset: Readonly<Record<string, string>>
}
declare const document: { querySelectorAll(selector: string): Iterable<PageNode> & { readonly length: number } }
declare const jupyterapp: {
  shell: {
    currentWidget: {
      sessionContext: {
        session: { kernel: { requestCommInfo(of: object): Promise<{ content: { comms: Record<string, unknown> } }> } }
      }
    }
  }
}
