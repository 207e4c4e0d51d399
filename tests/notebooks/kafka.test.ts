/** Law 10: lesson 01 with one line changed, on a real broker that another client filled. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { ensureTestPython } from '../../kernel/setup/setup.ts'
import { startKafka, type KafkaServer } from '../servers/kafka-server.ts'
import { Session, startServer, stopServer } from './harness.ts'
import { assertLessonWindows, settledMs } from './lesson-windows.ts'
import { codeCells } from './notebook-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'riffle-notebook-'))
let kafka: KafkaServer | undefined
before(async () => {
  await startServer()
  kafka = await startKafka()
})
after(async () => {
  await stopServer()
  await kafka?.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('lesson 01 with %connect kafka:// draws the same rows', async () => {
  const file = join(folder, 'orders.json')
  const dump = await Session.use(session => session.dump('orders', file))
  const copy = new URL('copy-to-kafka.py', import.meta.url).pathname
  const copied = await promisify(execFile)(await ensureTestPython(), [
    copy,
    `${kafka!.host}:${kafka!.port}`,
    'orders',
    '3',
    file,
  ])
  assert.equal(Number(copied.stdout), dump.length)

  const cells = await codeCells(new URL('../../notebooks/01-first-stream.ipynb', import.meta.url).pathname)
  const changed = cells.map(cell => ({
    ...cell,
    source: cell.source.replace('%connect embedded', `%connect ${kafka!.url}`),
  }))
  assert.equal(changed.filter((cell, i) => cell.source !== cells[i]!.source).length, 1, 'one cell changed')
  await Session.use(async session => {
    const runs = await Promise.all(changed.map(cell => session.run(cell.source, cell.id)))
    for (const run of runs) assert.equal(run.status, 'ok', `${run.cellId}: ${JSON.stringify(run.outputs)}`)
    const chart = runs.find(run => run.cellId === 'window')!.charts[0]!
    const seen = await session.live.until(
      chart.chartId,
      'closed to 09:09:30',
      c => (c.status?.watermarkMs ?? 0) >= settledMs,
    )
    assertLessonWindows(seen.shown.values(), dump)
  })
})
