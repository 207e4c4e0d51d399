import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { EmbeddedConnection } from '../connectors/embedded.ts'
import {
  connect,
  createTopic,
  feed,
  LocalRuntime,
  param,
  produce,
  record,
  replay,
  setRuntime,
  stopRecording,
  sum,
  topic,
  tumbling,
} from '../index.ts'
import type { StreamError } from '../index.ts'
import { wallClock } from '../time/clock.ts'

const local = new LocalRuntime({
  embedded: async () => new EmbeddedConnection({ clock: wallClock, demos: [] }),
  print: () => {},
})
setRuntime(local)
after(() => local.close())
const folder = mkdtempSync(join(tmpdir(), 'riffle-recording-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const log = console.log
console.log = (...args: unknown[]) =>
  void (/replaying/.test(String(args[0])) ? lines.push(String(args[0])) : log(...args))
const lines: string[] = []

test('a replay of a feed gives what the live stream gave, changes of a param included', async () => {
  const f = feed<{ at: number; v: number }>({ time: 'at' })
  const factor = param('recorded-factor', 1)
  await factor.ready
  const made = f
    .map(row => ({ at: row.at, v: row.v * factor.value }))
    .window(tumbling(10))
    .aggregate({ total: sum('v') })
  await made.bindName('recordedTotals')
  const file = join(folder, 'totals.rec')
  await record(made, file)
  const live: unknown[] = []
  const reading = made.forEach(row => live.push(row))
  await f.push({ at: 1, v: 1 })
  await factor.set(10)
  await f.push({ at: 2, v: 2 })
  await f.watermark(9)
  await factor.set(100)
  await f.push({ at: 12, v: 3 })
  await f.end()
  await reading
  const state = await stopRecording(made)
  assert.equal(state.records, 3)
  assert.deepEqual(
    live.map(row => (row as { total: number }).total),
    [21, 300],
  )
  const again = (await replay<{ at: number; v: number }>(file, { speed: 'max' }))
    .map(row => ({ at: row.at, v: row.v * factor.value }))
    .window(tumbling(10))
    .aggregate({ total: sum('v') })
  assert.deepEqual(await again.toArray(), live)
  assert.match(lines.at(-1)!, new RegExp(`3 records of recordedTotals, hash ${state.hash}`))
})

test('a recorded topic is read by its name from a folder, and by replay, with its positions', async () => {
  await createTopic('readings', { partitions: 2 })
  await produce(
    'readings',
    [
      { at: 1, v: 1 },
      { at: 2, v: 2 },
      { at: 3, v: 3 },
    ],
    { key: 'v' },
  )
  const readings = await topic('readings', { from: 'earliest', to: 'latest', time: 'at' })
  const positioned = readings.map((row, meta) => [row['v'], meta.partition, Number(meta.offset), meta.eventTimeMs])
  const live = await positioned.toArray()
  assert.equal(live.length, 3)
  await readings.bindName('readings')
  const file = join(folder, 'readings.rec')
  const recording = await record(readings, file)
  for (let state = await recording.stop(); state.records < 3;) {
    await record(readings, file)
    await readings.toArray()
    state = await recording.stop()
  }
  const again = (await replay(file, { speed: 'max' })).map((row, meta) => [
    row['v'],
    meta.partition,
    Number(meta.offset),
    meta.eventTimeMs,
  ])
  assert.deepEqual(await again.toArray(), live)
  await connect(`file:${folder}`, { as: 'recorded' })
  const byName = await topic('recorded:readings', { from: 'earliest', to: 'latest', time: 'at' })
  assert.deepEqual(
    await byName.map((row, meta) => [row['v'], meta.partition, Number(meta.offset), meta.eventTimeMs]).toArray(),
    live,
  )
})

test('a recording is bounded; equal records have equal hashes whenever they came', async () => {
  const of = async (name: string, rows: number) => {
    const f = feed<{ at: number }>({ time: 'at' })
    const stream = f.filter(() => true)
    await stream.bindName(name)
    await record(stream, join(folder, `${name}.rec`), { rows })
    for (let at = 0; at < 5; at++) await f.push({ at }, { eventTime: at })
    return stopRecording(name)
  }
  const [bounded, other] = [await of('bounded', 2), await of('bounded', 2)]
  assert.deepEqual([bounded.records, bounded.state], [2, 'full'])
  assert.match(bounded.hash, /^[0-9a-f]{12}$/)
  assert.equal(other.records, 2)
})

test('what is no recording is told; half a line at the end is left out', async () => {
  const wrong = join(folder, 'wrong.txt')
  writeFileSync(wrong, '{"a":1}\n')
  await assert.rejects(
    replay(wrong),
    (e: StreamError) => e.code === 'RECORDING_INVALID' && /no recording of Riffle/.test(e.message),
  )
  await assert.rejects(replay(join(folder, 'none.rec')), /cannot be read/)
  const good = join(folder, 'totals.rec')
  await assert.rejects(replay(good, { speed: 'fast' }), /speed "fast": it is max or a factor/)
  const cut = join(folder, 'cut.rec')
  writeFileSync(cut, readFileSync(good))
  appendFileSync(cut, '{"t":1,"s":0,"k":"ro')
  assert.equal((await (await replay(cut, { speed: 'max' })).toArray()).length, 3)
  await assert.rejects(stopRecording('nobody'), /is not recorded/)
})
