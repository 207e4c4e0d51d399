/** What becomes of open windows when a stream is ended by hand, and time that the clock tells. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { EmbeddedConnection } from '../connectors/embedded.ts'
import { count, createTopic, feed, LocalRuntime, over, produce, setRuntime, sum, topic, tumbling } from '../index.ts'
import { nextTurn, VirtualClock } from '../time/clock.ts'

const clock = new VirtualClock(1_000_000)
const local = new LocalRuntime({
  clock,
  embedded: async () => new EmbeddedConnection({ clock, demos: [] }),
})
setRuntime(local)
afterEach(() => setRuntime(local))

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn()
}

test('drain gives the rows of open windows and ends the read, stop discards them', async () => {
  for (const [end, wanted] of [['drain', [[0, 1], [10, 2]]], ['stop', [[0, 1]]]] as const) {
    const f = feed<{ at: number }>({ time: 'at', outOfOrder: 0 })
    const windows = f.window(tumbling(10)).aggregate({ n: count() })
    const rows: (readonly number[])[] = []
    const reading = (async () => {
      for await (const row of windows) rows.push([row.windowStart, row.n])
    })()
    for (const at of [5, 12, 14]) await f.push({ at })
    await windows[end]()
    await reading
    assert.deepEqual(rows, wanted, end)
  }
}) // prettier-ignore

test('drain of a stream read by nobody ends it as it stands: later rows count no more', async () => {
  const f = feed<{ at: number; v: number }>({ time: 'at', outOfOrder: 0 })
  const totals = f.window(tumbling(10)).aggregate({ total: sum('v') })
  await totals.bindName('totals')
  await f.push({ at: 1, v: 5 })
  await totals.drain()
  const [summary] = await local.list()
  assert.deepEqual([summary?.stats.state, summary?.stats.rowCount], ['ended', 1])
  await f.push({ at: 2, v: 7 })
  assert.equal((await local.list())[0]?.stats.recordCount, 1)
  await totals.drain()
  await totals.stop()
})

test('drain hands out what waits in an over window', async () => {
  const f = feed<{ at: number; v: number }>({ time: 'at' })
  const running = f.window(over(2)).aggregate({ total: sum('v') })
  const source = running.subscribe({})
  for (const [at, v] of [[3, 30], [1, 10], [2, 20]] as const) await f.push({ at, v })
  await source.drain?.()
  const rows = (await source.next())?.rows as { at: number; total: number }[]
  assert.deepEqual(rows.map(r => [r.at, r.total]), [[1, 10], [2, 30], [3, 50]])
  assert.equal(await source.next(), null)
  await source.close()
}) // prettier-ignore

test('by processing time a window of a topic closes when the clock says so, whatever the records carry', async () => {
  await createTopic('ticks', { partitions: 2 })
  const ticks = await topic('ticks', { from: 'earliest', time: 'processing-time' })
  const rows: unknown[] = []
  const windows = ticks.window(tumbling('1s')).aggregate({ n: count() })
  const reading = (async () => {
    for await (const { windowStart, n } of windows) rows.push([windowStart, n])
  })()
  await settle()
  await produce('ticks', [{ id: 1 }, { id: 2 }])
  await settle()
  clock.advance(400)
  await settle()
  await produce('ticks', [{ id: 3 }])
  await settle()
  assert.deepEqual(rows, [])
  // Two ticks of the clock later the second is over; nothing else came.
  clock.advance(800)
  await settle()
  assert.deepEqual(rows, [[1_000_000, 3]])
  await windows.stop()
  await reading
})

test('a feed by processing time: each push moves the watermark', async () => {
  const f = feed<{ v: number }>({ time: 'processing-time' })
  const rows: unknown[] = []
  const start = Math.ceil(clock.nowMs() / 1000) * 1000
  clock.advance(start - clock.nowMs())
  const windows = f.window(tumbling('1s')).aggregate({ total: sum('v') })
  const reading = (async () => {
    for await (const { windowStart, total } of windows) rows.push([windowStart - start, total])
  })()
  await f.push({ v: 1 })
  clock.advance(500)
  await f.push({ v: 2 })
  clock.advance(500)
  await f.push({ v: 4 })
  await settle()
  assert.deepEqual(rows, [[0, 3]])
  await f.end()
  await reading
  assert.deepEqual(rows, [[0, 3], [1000, 4]]) // prettier-ignore
})
