/** Run All, again and again in one kernel: the same streams, the same charts, the same windows, no more memory. LONG=1 does it fifty times. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { memoryBelow } from '../../benches/process-memory.ts'
import { Session, startServer, stopServer } from './harness.ts'
import { settledMs } from './lesson-windows.ts'
import { codeCells, printed } from './notebook-run.ts'
import { tumblingCounts } from './reference-windows.ts'

const times = process.env['LONG'] === '1' ? 50 : 4
const GROWTH_MB = 60
const folder = mkdtempSync(join(tmpdir(), 'riffle-again-'))
before(startServer)
after(async () => {
  await stopServer()
  rmSync(folder, { recursive: true, force: true })
})

test(`Run All of lesson 01, ${times} times in one kernel`, async () =>
  Session.use(async session => {
    const cells = await codeCells(new URL('../../notebooks/01-first-stream.ipynb', import.meta.url).pathname)
    const told = async (source: string) => printed(await session.run(source, 'asked'))
    const seen: { streams: string; charts: string; processes: number; megabytes: number }[] = []
    let windowChart = ''
    for (let time = 0; time < times; time++) {
      const runs = await Promise.all(cells.map(cell => session.run(cell.source, cell.id)))
      for (const run of runs) assert.equal(run.status, 'ok', `${time}, ${run.cellId}: ${JSON.stringify(run.outputs)}`)
      windowChart = runs.find(run => run.cellId === 'window')!.charts[0]!.chartId
      await session.live.until(windowChart, 'history drawn', c => c.status!.watermarkMs! >= settledMs)
      const supervisor = Number(await told('process.ppid'))
      const memory = await memoryBelow(supervisor)
      seen.push({
        streams: await told('(await runtime().list()).map(s => s.name).sort().join()'),
        charts: runs.flatMap(run => run.charts.map(chart => chart.chartId)).join(),
        processes: memory.length,
        megabytes: memory.reduce((sum, each) => sum + each.megabytes, 0),
      })
    }
    const [, second, ...later] = seen
    for (const run of later) {
      const { streams, charts, processes } = second!
      assert.deepEqual(
        { streams: run.streams, charts: run.charts, processes: run.processes },
        { streams, charts, processes },
      )
    }
    const grownMb = seen.at(-1)!.megabytes - second!.megabytes
    assert.ok(grownMb < GROWTH_MB, `memory by run: ${seen.map(run => Math.round(run.megabytes)).join(' ')} MB`)
    // A chart taken up again shows what it still holds: none of it may be another program's.
    const dump = await session.dump('orders', join(folder, 'orders.json'))
    const counted = tumblingCounts(dump, {
      time: 'orderedAt',
      by: 'region',
      sizeMs: 10_000,
      outOfOrderMs: 5_000,
      partitions: 3,
    })
    const wanted = new Set(counted.windows.map(w => `${w.key} ${w.windowStart} ${w.count}`))
    const closed = [...session.live.chart(windowChart).shown.values()].filter(
      row => Number(row['windowEnd']) <= settledMs,
    )
    const drawn = closed.map(row => `${row['region']} ${row['windowStart']} ${row['count']}`)
    assert.ok(drawn.length >= 40, `${drawn.length} windows were drawn`)
    assert.deepEqual(
      drawn.filter(row => !wanted.has(row)),
      [],
    )
  }))
