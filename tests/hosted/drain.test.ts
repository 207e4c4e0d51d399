/** Ending a stream by hand in a real engine process: drain fires what is open, stop discards it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, feed, sum, tumbling } from '../../stream/index.ts'
import { inlineAndHosted } from './both.ts'
import { until } from './hosted.ts'

const { both, hosted } = await inlineAndHosted()

interface Reading {
  at: number
  v: number
  k: string
}
const READINGS: readonly Reading[] = [
  { at: 5, v: 1, k: 'a' },
  { at: 12, v: 2, k: 'b' },
  { at: 14, v: 3, k: 'a' },
]

for (const end of ['drain', 'stop'] as const) {
  test(`${end} of a stream that is read`, async () => {
    const rows = await both(async () => {
      const f = feed<Reading>({ time: 'at', outOfOrder: 0 })
      const windows = f
        .keyBy('k')
        .window(tumbling(10))
        .aggregate({ n: count(), total: sum('v') })
      const read: unknown[] = []
      const reading = (async () => {
        for await (const row of windows) read.push(row)
      })()
      for (const row of READINGS) await f.push(row)
      // The row of the first window is on its way: stop would take it back.
      await until(() => (read.length > 0 ? true : undefined))
      await windows[end]()
      await reading
      return read
    })
    assert.equal(rows.length, end === 'drain' ? 3 : 1)
  })
}

test('a paused stream drains: what was read but not handled is left out', async () => {
  const f = feed<Reading>({ time: 'at', outOfOrder: 0 })
  const windows = f.window(tumbling(10)).aggregate({ total: sum('v') })
  await windows.bindName('paused', { cellId: 'x' })
  await f.push(READINGS[0]!)
  await windows.pause()
  await f.push(READINGS[1]!)
  await windows.drain()
  const summary = await until(async () => (await hosted.list()).find(s => s.name === 'paused' && s.stats.rowCount > 0))
  assert.deepEqual([summary.stats.state, summary.stats.recordCount, summary.stats.rowCount], ['ended', 1, 1])
})
