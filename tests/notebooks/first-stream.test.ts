/** Lesson 01 as a user runs it, through a real Jupyter Server. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Session, startServer, stopServer } from './harness.ts'
import { assertLessonWindows, settledMs } from './lesson-windows.ts'
import { codeCells } from './notebook-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'riffle-notebook-'))
before(startServer)
after(async () => {
  await stopServer()
  rmSync(folder, { recursive: true, force: true })
})

test('Run All of lesson 01 draws the windows a plain program counts', async () =>
  Session.use(async session => {
    const cells = await codeCells(new URL('../../notebooks/01-first-stream.ipynb', import.meta.url).pathname)
    const runs = await Promise.all(cells.map(cell => session.run(cell.source, cell.id)))
    for (const run of runs) assert.equal(run.status, 'ok', `${run.cellId}: ${JSON.stringify(run.outputs)}`)
    const windows = runs.find(run => run.cellId === 'window')!
    const chart = windows.charts[0]!

    const seen = await session.live.until(
      chart.chartId,
      'windows to 09:09:30 closed',
      c => c.status!.watermarkMs! >= settledMs,
    )
    assert.ok(windows.idleAt < seen.firstFrameAt, 'the cell was idle before its first frame')
    await session.frames(chart, 5)

    const dump = await session.dump('orders', join(folder, 'orders.json'))
    const droppedCount = assertLessonWindows(session.live.chart(chart.chartId).shown.values(), dump)
    assert.ok(droppedCount > 0, 'the lesson shows late orders')
  }))
