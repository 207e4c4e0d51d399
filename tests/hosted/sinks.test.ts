/** Sinks in the engine: the same records as inline, back-pressure, names per cell, and what happens when the stream is replaced. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTopic, from, produce, runtime, stream, sum, topic, tumbling } from '../../stream/index.ts'
import { inlineAndHosted } from './both.ts'

const { both, notebook, engine } = await inlineAndHosted()
type Row = Record<string, unknown>
const stateOf = async (name: string) => (await runtime().list()).find(each => each.name === name)?.stats.state
const read = async (name: string) => (await topic(name, { from: 'earliest', to: 'latest' })).toArray()

test('a sink writes the same inline and in the engine', async () => {
  const rows = Array.from({ length: 25_000 }, (_, i) => ({ id: `k${i % 7}`, at: i, v: i % 10 }))
  const written = await both(async () => {
    const windows = from(rows, { time: 'at' }).keyBy('id').window(tumbling(1000)).aggregate({ total: sum('v') }) // prettier-ignore
    const sink = await windows.to('windows', { key: 'id', format: 'avro', partitions: 2, as: 'w' })
    assert.equal(sink.writtenCount, 175)
    const all = await from(rows, { time: 'at' }).to('copy', { partitions: 1, as: 'c' })
    assert.equal(all.writtenCount, 25_000)
    return [...(await read('windows')), ...(await read('copy'))]
  })
  assert.equal(written.length, 25_175)
})

test('upsert gives the newest row of each key', async () => {
  await both(async () => {
    const rows = Array.from({ length: 500 }, (_, i) => ({ id: `k${i % 3}`, v: 1 }))
    await from(rows).keyBy('id').aggregate({ total: sum('v') }).to('totals', { key: 'id', partitions: 1, as: 't' }) // prettier-ignore
    const newest = new Map((await read('totals')).map(row => [row['id'], row['total']]))
    assert.deepEqual([...newest], [
      ['k0', 167],
      ['k1', 167],
      ['k2', 166],
    ]) // prettier-ignore
    return [...newest]
  })
})

test('a sink waits when the stream it reads is replaced, and goes on when told', async () => {
  await createTopic('in', { partitions: 1 })
  const feed = await topic('in', { from: 'earliest' })
  const times = (by: number) => feed.map(notebook.lambda((row: Row) => ({ v: Number(row['v']) * by }), { by }))
  await times(2).bindName('doubled')
  const sink = await stream('doubled').to('held', { partitions: 1 })
  assert.equal(sink.name, 'doubledToHeld')
  await times(3).bindName('doubled')
  await engine.notice(
    (each): each is Extract<typeof each, { type: 'lambdaOutput' }> =>
      each.type === 'lambdaOutput' && each.text.includes('doubled changed: %resume doubledToHeld'),
  )
  assert.equal(await stateOf(sink.name), 'paused')
  await runtime().resume(sink.name)
  assert.equal(await stateOf(sink.name), 'running')
  await runtime().stop(sink.name)
})

test('a sink whose topic is deleted fails by itself', async () => {
  await createTopic('source', { partitions: 1 })
  const sink = await (await topic('source', { from: 'earliest' })).to('gone', { partitions: 1 })
  await runtime().deleteTopic('embedded', 'gone')
  await produce('source', [{ v: 1 }])
  const notice = await engine.notice(
    (each): each is Extract<typeof each, { type: 'streamError' }> =>
      each.type === 'streamError' && each.stream === sink.name,
  )
  assert.equal(notice.error.code, 'TOPIC_UNKNOWN')
  assert.equal(await stateOf(sink.name), 'failed')
})

test('a sink of a connection that is not open is refused', async () => {
  await createTopic('from-here', { partitions: 1 })
  const rows = await topic('from-here', { from: 'earliest', to: 'latest' })
  await assert.rejects(rows.to('nowhere:out'), { code: 'CONNECTION_UNKNOWN' })
})
