/** One contestant, one field of charts, measured in a real JupyterLab: what the page sees, by the same probe for all. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { openNotebook, writeNotebook, type Lab } from '../../../tests/browser/lab-page.ts'
import type { Browser, CDPSession, Page } from 'playwright-core'
import type { Contestant, Field } from './contestants.ts'

export interface RaceResult {
  /** Processor time of the page's main thread, all that it did, per row of five lines handed to a chart, and per picture drawn. */
  readonly msPerUpdate: number
  readonly msPerPicture: number
  /** Of one chart. */
  readonly picturesPerS: number
  /** From making a row in the kernel to the first picture that shows it. A row not shown by the end counts as shown then. */
  readonly p50: number | undefined
  readonly p95: number | undefined
  readonly heapGrowthMb: number
  readonly notebookKb: number
}

const TICK_MS = 100
const READY_MS = 60_000
const WARM_UP_MS = 2000

export async function raceInJupyter(
  browser: Browser,
  lab: Lab,
  contestant: Contestant,
  field: Field & { readonly seconds: number; readonly saved?: boolean },
): Promise<RaceResult> {
  const file = `${contestant.name}-${field.charts}-${field.points}.ipynb`
  writeNotebook(lab, file, [contestant.cell(field)], contestant)
  const notebook = await openNotebook(browser, lab, file, {
    // All charts in sight: what is out of sight is not drawn by everyone.
    height: 500 + field.charts * 420,
    beforeLoad: async page => void (await page.addInitScript({ path: join(import.meta.dirname, 'probe.js') })),
  })
  const { page } = notebook
  try {
    await notebook.runNext()
    await page.waitForFunction(charts => raceProbe.charts() >= charts, field.charts, { timeout: READY_MS })
    const session = await page.context().newCDPSession(page)
    await session.send('Performance.enable', { timeDomain: 'threadTicks' })
    await passed(page, WARM_UP_MS)
    const heapBefore = await heapBytes(session)
    await page.evaluate(() => void raceProbe.take())
    const busyBefore = await metric(session, 'TaskDuration')
    const { beganMs, endedMs, pictures } = await watched(page, field.seconds * 1000)
    const busyMs = ((await metric(session, 'TaskDuration')) - busyBefore) * 1000
    const heapGrowthMb = ((await heapBytes(session)) - heapBefore) / 1e6
    if (field.saved === true) await notebook.command('docmanager:save')
    const updates = ((endedMs - beganMs) / TICK_MS) * field.charts
    const agesMs = ages(pictures, { ...field, beganMs, endedMs })
    return {
      msPerUpdate: busyMs / updates,
      msPerPicture: busyMs / pictures.length,
      picturesPerS: pictures.length / ((endedMs - beganMs) / 1000) / field.charts,
      p50: agesMs[Math.floor(agesMs.length * 0.5)],
      p95: agesMs[Math.floor(agesMs.length * 0.95)],
      heapGrowthMb,
      notebookKb: statSync(join(lab.root, file)).size / 1000,
    }
  } finally {
    // Not by the page: one that has fallen behind answers late, or never.
    await endKernels(lab)
    await notebook.close()
  }
}

async function endKernels({ server }: Lab): Promise<void> {
  const headers = { Authorization: `token ${server.token}` }
  const answer = await fetch(`${server.url}api/kernels`, { headers })
  for (const { id } of (await answer.json()) as { id: string }[])
    await fetch(`${server.url}api/kernels/${id}`, { method: 'DELETE', headers })
}

/** `newestMs` is null where it cannot be seen what a picture shows. */
type Picture = readonly [chart: number, paintedMs: number, newestMs: number | null]

interface Watched {
  readonly beganMs: number
  readonly endedMs: number
  readonly pictures: readonly Picture[]
}

/** In the page's own time, by its own clock. */
function watched(page: Page, ms: number): Promise<Watched> {
  return page.evaluate(async forMs => {
    const beganMs = Date.now()
    await new Promise<void>(resolve => setTimeout(resolve, forMs))
    return { beganMs, endedMs: Date.now(), pictures: raceProbe.take() }
  }, ms)
}

function passed(page: Page, ms: number): Promise<void> {
  return page.evaluate(forMs => new Promise<void>(resolve => setTimeout(resolve, forMs)), ms)
}

/** Age of each row when it was first seen, ascending: a picture shows its newest row and those made since the picture before. */
function ages(pictures: readonly Picture[], run: Field & { beganMs: number; endedMs: number }): readonly number[] {
  const found: number[] = []
  if (pictures.every(([, , newestMs]) => newestMs === null)) return []
  for (let chart = 0; chart < run.charts; chart++) {
    let shownMs: number | undefined
    const own = pictures.filter(([of]) => of === chart)
    // What is still to be shown when the time is over is as old as that.
    for (const [, paintedMs, newestMs] of [...own, [chart, run.endedMs, run.endedMs - TICK_MS] as const]) {
      if (newestMs === null) continue
      const firstMs = shownMs === undefined ? newestMs : shownMs + TICK_MS
      for (let madeMs = firstMs; madeMs <= newestMs + TICK_MS / 2; madeMs += TICK_MS) found.push(paintedMs - madeMs)
      shownMs = Math.max(shownMs ?? 0, newestMs)
    }
  }
  return found.sort((a, b) => a - b)
}

async function heapBytes(session: CDPSession): Promise<number> {
  for (let i = 0; i < 2; i++) await session.send('HeapProfiler.collectGarbage')
  return metric(session, 'JSHeapUsedSize')
}

async function metric(session: CDPSession, name: string): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics')
  return metrics.find(each => each.name === name)?.value ?? Number.NaN
}

declare const raceProbe: { charts(): number; take(): Picture[] }
