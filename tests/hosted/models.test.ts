/** Models and trainings in a real engine process: the same scores as inline, waiting said, Stop heeded, restored after a worker's end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feed, from, model, train } from '../../stream/index.ts'
import type { Scored } from '../../stream/index.ts'
import { folderOf, graphModel, sumModel } from '../models/files.ts'
import { inlineAndHosted } from './both.ts'

const { both, hosted, engine } = await inlineAndHosted()

const rows = Array.from({ length: 300 }, (_, i) => ({ at: i, a: Math.sin(i / 5), b: Math.cos(i / 5) }))
const inputs = { features: ['a', 'b'] } as const

test('scores by a model are the same inline and hosted, a refused row and a swap included', async () => {
  const of = async (weights: readonly number[], as: string) =>
    model(folderOf({ ...sumModel, 'group1-shard1of1.bin': new Uint8Array(Float32Array.from(weights).buffer) }), { as })
  await both(async () => {
    const f = feed<{ a: number; b: number }>()
    const stream = f.score(await of([2, 3, 1], 'both'), inputs)
    const read = stream[Symbol.asyncIterator]()
    await f.push({ a: 1, b: 1 })
    await f.push({ a: NaN, b: 1 })
    await f.push({ a: 1, b: 2 })
    const values = [(await read.next()).value, (await read.next()).value]
    await of([0, 0, 7], 'both')
    await f.push({ a: 1, b: 1 })
    values.push((await read.next()).value)
    await read.return?.()
    const scores = values.map(row => row!.score.value)
    assert.deepEqual(scores, [6, 9, 7])
    return scores
  })
})

test('a graph of TensorFlow.js scores in the engine as inline', async () => {
  const folder = folderOf(graphModel())
  const scores = await both(async () =>
    (
      await from(rows, { time: 'at' })
        .score(await model(folder, { as: 'graphBoth' }), inputs)
        .toArray()
    ).map(r => r.score.value),
  )
  assert.equal(scores.length, 300)
})

test('a training gives the same model inline and hosted; a stream that scores with it waits and says so', async () => {
  await both(async () => {
    const m = train(from(rows, { time: 'at' }), { ...inputs, epochs: 5, as: 'waited' })
    const scored = from(rows, { time: 'at' }).score(m)
    const [values, curve] = await Promise.all([scored.toArray(), m.curve.toArray()])
    return [...values.map((row: Scored<{ at: number }>) => [row.at, row.score.value]), ...curve]
  })
  const said = engine.notices.filter(n => n.type === 'lambdaOutput').map(n => n.text)
  assert.ok(
    said.some(text => /waits for model waited, which is in training/.test(text)),
    JSON.stringify(said),
  )
})

test('Stop of the kernel ends a training; what whole epochs have taught stays', async () => {
  const m = train(from(rows, { time: 'at' }), { ...inputs, epochs: 100_000, as: 'endless' })
  for await (const { epoch } of m.curve) {
    if (epoch < 2) continue
    assert.deepEqual(await engine.supervisor.call('stopTrainings'), ['endless'])
    break
  }
  assert.ok(((await m.artifact()).training!['epochs'] as number) >= 2)
  assert.equal((await hosted.model('endless')).version, 1)
})
