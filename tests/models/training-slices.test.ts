/** Trainings on a part of a topic: its last minutes, between two instants, and once more on what came since. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createTopic, feed, from, LocalRuntime, model, produce, setRuntime, topic, train } from '../../stream/index.ts'
import type { Stream, StreamError } from '../../stream/index.ts'
import { EmbeddedConnection } from '../../stream/connectors/embedded.ts'
import { VirtualClock } from '../../stream/time/clock.ts'
import { scratch } from './files.ts'

const MINUTE = 60_000
const clock = new VirtualClock(Date.parse('2026-01-01T09:00:00Z'))
const lines: string[] = []
const local = new LocalRuntime({
  embedded: async () => new EmbeddedConnection({ clock, demos: [] }),
  print: text => void lines.push(text),
})
setRuntime(local)
after(() => local.close())

const around = (mean: number, count: number) => Array.from({ length: count }, (_, i) => ({ v: mean + Math.sin(i) }))

/** 100 rows around 0 at nine, 60 around 50 ten minutes later. */
async function readings(name: string) {
  await createTopic(name, { partitions: 1 })
  await produce(name, around(0, 100))
  clock.advance(10 * MINUTE)
  await produce(name, around(50, 60))
  return (await topic(name, { from: 'earliest' })) as unknown as Stream<{ v: number }>
}

const meanOf = async (m: { artifact(): Promise<{ scaler?: { mean: readonly number[] } | undefined }> }) =>
  Math.round((await m.artifact()).scaler!.mean[0]!)

test('the last minutes, or what lies between two instants, are all that is learned; steps above the topic stay', async () => {
  const began = new Date(clock.nowMs()).toISOString()
  const rows = (await readings('sliced')).filter(row => row.v < 50.9)
  const settings = { features: ['v'], epochs: 1, validation: 0 } as const
  const last = train(rows, { ...settings, last: '5m', as: 'last' })
  assert.equal(await meanOf(last), 50)
  const { training } = await last.artifact()
  assert.ok((training!['rows'] as number) < 60 && (training!['rows'] as number) > 40, String(training!['rows']))
  const until = new Date(clock.nowMs() - 5 * MINUTE).toISOString()
  const early = train(rows, { ...settings, from: began, to: until, as: 'early' })
  assert.deepEqual([await meanOf(early), (await early.artifact()).training!['rows']], [0, 100])
  const some = train(rows, { ...settings, last: '1h', rows: 30, as: 'some' })
  assert.equal((await some.artifact()).training!['rows'], 30)
})

test('a model is trained again on the newest rows; a stream that scores with it takes the new one over', async () => {
  const rows = await readings('again')
  const m = train(rows, { features: ['v'], rows: 60, epochs: 1, validation: 0, as: 'again' })
  assert.equal(await meanOf(m), 0)
  const f = feed<{ v: number }>()
  const seen: number[] = []
  const reading = f.score(m).forEach(row => void seen.push(row.score.version))
  await f.push({ v: 0 })
  await m.retrain()
  await f.push({ v: 50 })
  await f.end()
  await reading
  assert.deepEqual(seen, [1, 2])
  assert.equal(await meanOf(m), 50)
})

test('a model is a folder when its training is over; a folder that cannot be written is told', async () => {
  const rows = await readings('saved')
  const folder = join(scratch(), 'model')
  const m = train(rows, { features: ['v'], last: '5m', epochs: 1, save: `file:${folder}`, as: 'saved' })
  const { weights, threshold } = await m.artifact()
  assert.ok(existsSync(join(folder, 'model.json')))
  const again = await (await model(folder, { as: 'again' })).artifact()
  assert.deepEqual([again.weights, again.threshold], [weights, threshold])
  await train(rows, { features: ['v'], last: '5m', epochs: 1, save: '/dev/null/model', as: 'unsaved' }).artifact()
  assert.ok(lines.some(line => line.startsWith('saved is saved to ')) && lines.some(line => /ENOTDIR/.test(line)))
})

test('a slice that cannot be read is refused before anything is', async () => {
  const rows = await readings('refused')
  const refused = (f: () => unknown, text: RegExp) =>
    assert.throws(f, (error: StreamError) => text.test(error.message) && error.hint !== undefined)
  refused(() => train(rows, { features: ['v'], last: 'soon' }), /last "soon": a duration/)
  refused(() => train(rows, { features: ['v'], last: '5m', from: 'earliest' }), /one of the two/)
  refused(() => train(rows, { features: ['v'], from: 'tomorrow' }), /from "tomorrow"/)
  refused(() => train(rows, { features: ['v'], save: 'model.zip' }), /a folder is needed/)
  const pushed = train(from(around(0, 40)), { features: ['v'], last: '5m', as: 'pushed' })
  await assert.rejects(pushed.artifact(), /only topics are read again/)
  const read = train(from(around(0, 40)), { features: ['v'], epochs: 1, as: 'read' })
  await read.artifact()
  await assert.rejects(read.retrain(), /only topics are read again/)
})
