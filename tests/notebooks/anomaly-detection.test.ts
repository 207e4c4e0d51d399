/** Lesson 11 as a user runs it, through a real Jupyter Server. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Session, startServer, stopServer } from './harness.ts'
import { codeCells } from './notebook-run.ts'

before(startServer)
after(stopServer)

test('Run All of lesson 11 scores the sensors, finds troubles and draws the scores', async () =>
  Session.use(async session => {
    const cells = await codeCells(new URL('../../notebooks/11-anomaly-detection.ipynb', import.meta.url).pathname)
    const runs = await Promise.all(cells.map(cell => session.run(cell.source, cell.id)))
    for (const run of runs) assert.equal(run.status, 'ok', `${run.cellId}: ${JSON.stringify(run.outputs)}`)
    const textOf = (id: string) => runs.find(run => run.cellId === id)?.outputs.at(-1)?.text ?? ''
    const numberIn = (id: string, name: string) => Number(new RegExp(`${name}: (-?[\\d.]+)`).exec(textOf(id))?.[1])

    // The same records on every machine, so the same scores.
    assert.ok(numberIn('measure', 'f1') > 0.4, textOf('measure'))
    // The wanderings of a machine are no trouble, so nothing here is near 100; both are far better than no alert.
    for (const id of ['nab', 'nab-baseline']) assert.ok(numberIn(id, 'score') > 20, textOf(id))

    const chart = runs.find(run => run.cellId === 'scored')?.charts[0]
    assert.ok(chart !== undefined)
    const seen = await session.live.until(chart.chartId, 'scores of both kinds', c => {
      const kinds = new Set([...c.rows.values()].map(row => (row as { anomalous?: unknown }).anomalous))
      return kinds.has(true) && kinds.has(false)
    })
    assert.ok([...seen.rows.values()].every(row => typeof (row as { score?: unknown }).score === 'number'))
  }))
