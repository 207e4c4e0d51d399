/** Run All, again and again in one kernel: the same streams, the same charts, the same windows, no more memory. LONG=1 does it fifty times. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { memoryBelow } from '../../benches/process-memory.ts'
import { Session, startServerWith, stopServer } from './harness.ts'
import { settledMs } from './lesson-windows.ts'
import { heapEnvironment, liveHeap } from './live-heap.ts'
import { codeCells, printed } from './notebook-run.ts'
import { tumblingCounts } from './reference-windows.ts'

const times = process.env['LONG'] === '1' ? 50 : 4
// A kernel keeps the text, the value and the compiled code of what was run: 0.12 MB each time.
const LIVE_GROWTH_MB = 4 + 0.2 * times
// Mostly garbage: 70-100 MB after some fifteen runs, and no more after fifty.
const RESIDENT_GROWTH_MB = 200
const folder = mkdtempSync(join(tmpdir(), 'riffle-again-'))
before(() => startServerWith(heapEnvironment(folder)))
after(async () => {
  await stopServer()
  rmSync(folder, { recursive: true, force: true })
})

test(`Run All of lesson 01, ${times} times in one kernel`, async () =>
  Session.use(async session => {
    const cells = await codeCells(new URL('../../notebooks/01-first-stream.ipynb', import.meta.url).pathname)
    const asked = async (source: string) => printed(await session.run(source, 'asked'))
    const seen: { streams: string; charts: string; processes: number; liveMb: number; residentMb: number }[] = []
    let windowChart = ''
    for (let time = 0; time < times; time++) {
      const runs = await Promise.all(cells.map(cell => session.run(cell.source, cell.id)))
      for (const run of runs) assert.equal(run.status, 'ok', `${time}, ${run.cellId}: ${JSON.stringify(run.outputs)}`)
      windowChart = runs.find(run => run.cellId === 'window')!.charts[0]!.chartId
      await session.live.until(windowChart, 'history drawn', c => c.status!.watermarkMs! >= settledMs)
      const supervisor = Number(await asked('process.ppid'))
      const below = await memoryBelow(supervisor)
      const ours = below.filter(each => /\/(main|cells|engine)\.js/.test(each.command)).map(each => each.pid)
      assert.equal(ours.length, 3, below.map(each => each.command).join('\n'))
      const live = await liveHeap(folder, ours)
      seen.push({
        streams: await asked('(await runtime().list()).map(s => s.name).sort().join()'),
        charts: runs.flatMap(run => run.charts.map(chart => chart.chartId)).join(),
        processes: below.length,
        liveMb: live.reduce((sum, each) => sum + each, 0),
        residentMb: below.reduce((sum, each) => sum + each.megabytes, 0),
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
    const last = seen.at(-1)!
    const told = (of: 'liveMb' | 'residentMb') => `${of} by run: ${seen.map(run => run[of].toFixed(1)).join(' ')}`
    assert.ok(last.liveMb - second!.liveMb < LIVE_GROWTH_MB, told('liveMb'))
    assert.ok(last.residentMb - second!.residentMb < RESIDENT_GROWTH_MB, told('residentMb'))
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
