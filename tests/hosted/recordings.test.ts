/** A recording made in a real engine process: its replay gives the bytes of the live stream, changes of a param included. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createTopic, param, produce, record, replay, setRuntime, stopRecording, topic } from '../../stream/index.ts'
import { engineOfFile } from './engine-of-file.ts'
import { until } from './hosted.ts'

const root = mkdtempSync(join(tmpdir(), 'riffle-hosted-'))
after(() => rmSync(root, { recursive: true, force: true }))

const { runtime, notebook } = await engineOfFile()
setRuntime(runtime)

test('records, their cuts, idle partitions and params come again as they were', async () => {
  const file = join(mkdtempSync(join(root, 'each-')), 'live.rec')
  await createTopic('live', { partitions: 2 })
  const factor = param('live-factor', 1)
  await factor.ready
  const lambda = notebook.lambda(
    (row: { v: number }, meta: { partition: number }) => [row.v * factor.value, meta.partition],
    {
      factor,
    },
  )
  const live = await topic('live', { from: 'earliest', idle: '100ms' })
  const scaled = live.map(lambda as never)
  await scaled.bindName('scaled')
  await record(scaled, file)
  const recorded = async (count: number) =>
    until(async () =>
      (await runtime.list()).find(s => s.name === 'scaled')!.stats.recordCount === count ? true : undefined,
    )
  await produce('live', [{ v: 1 }, { v: 2 }])
  await recorded(2)
  await factor.set(10)
  await produce('live', [{ v: 3 }])
  await recorded(3)
  await factor.set(100)
  await produce('live', [{ v: 4 }])
  await recorded(4)
  const state = await stopRecording('scaled')
  assert.equal(state.records, 4)
  const again = (await replay(file, { speed: 'max' })).map(lambda as never)
  const values = ((await again.toArray()) as [number, number][]).map(([v]) => v)
  assert.deepEqual(
    [...values].sort((a, b) => a - b),
    [1, 2, 30, 400],
  )
})
