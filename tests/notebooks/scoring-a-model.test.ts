/** Lesson 10 as a user runs it: a model from Python, one of the notebook, the wait said, the loss curve drawn, both judged. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Session, startServer, stopServer } from './harness.ts'
import { codeCells, printed } from './notebook-run.ts'

before(startServer)
after(async () => {
  await stopServer()
  rmSync(new URL('../../notebooks/models/my-normal', import.meta.url), { recursive: true, force: true })
})

test('lesson 10: scoring a model', async () =>
  Session.use(async session => {
    const cells = await codeCells(new URL('../../notebooks/10-scoring-a-model.ipynb', import.meta.url).pathname)
    const runs = await Promise.all(cells.map(cell => session.run(cell.source, cell.id)))
    for (const run of runs) assert.equal(run.status, 'ok', `${run.cellId}: ${JSON.stringify(run.outputs)}`)
    const cell = (id: string) => runs.find(run => run.cellId === id) ?? assert.fail(`no cell ${id}`)
    assert.match(printed(cell('save')), /^Right\.$/m)
    assert.match(JSON.stringify(cell('health').outputs), /dense 6 tanh → dense 1 tanh/)
    const curve = cell('training').charts[0]
    assert.ok(curve !== undefined, 'the training shows a chart')
    // Thirty epochs, of the rows trained on and of those held back.
    await session.live.until(curve.chartId, 'the loss curve', seen => seen.rows.size >= 60)
    assert.match(JSON.stringify(cell('compared').outputs), /alerts of both/)
  }))
