/** Models and trainings in a real engine process: the same scores as inline, waiting said, Stop heeded, restored after a worker's end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTopic, deleteTopic, feed, from, model, produce, setRuntime, topic, train } from '../../stream/index.ts'
import type { Scored, Stream, StreamError } from '../../stream/index.ts'
import type { TrainedStatus } from '../../stream/charts/protocol.ts'
import { folderOf, graphModel, sumModel } from '../models/files.ts'
import { inlineAndHosted } from './both.ts'
import { BrowserEnd } from './browser-end.ts'
import { until } from './hosted.ts'

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

test('wrong input is told the same way inline and hosted: what, and the next step; other rows and streams go on', async () => {
  const told = async (program: () => Promise<unknown>): Promise<readonly unknown[]> => {
    const error = await program().then(
      () => assert.fail('nothing was told'),
      (e: StreamError) => e,
    )
    assert.ok(error.hint !== undefined && error.hint !== '', error.message)
    return [error.code, error.message.replace(/"[^"]*riffle-[^"]*"/, '"FOLDER"'), error.hint]
  }
  const files = { ...sumModel }
  const folder = folderOf(files)
  const cut = folderOf({ ...sumModel, 'group1-shard1of1.bin': new Uint8Array(8) })
  const fancy = folderOf(graphModel('FancyMul'))
  const given = [rows[0], { at: 1, a: NaN, b: 1 }, rows[2], { at: 3, b: 2 }, rows[4]] as typeof rows
  const answers = await both(async () => {
    const m = await model(folder, { as: 'good' })
    const stream = from(given, { time: 'at' }).score(m, inputs)
    const refused = await stream.errors().toArray()
    const all = [
      ...refused.map(({ offset, reason }) => [Number(offset), reason]),
      await told(() =>
        from(rows, { time: 'at' })
          .score(m, { features: ['a'] })
          .toArray(),
      ),
      await told(() => model(cut)),
      await told(async () =>
        from(rows, { time: 'at' })
          .score(await model(fancy, { as: 'fancy' }), inputs)
          .toArray(),
      ),
    ]
    const scored = await stream.toArray()
    return [...all, ...scored.map(row => row.at)]
  })
  assert.deepEqual(
    answers.map(answer => (Array.isArray(answer) ? answer[0] : answer)),
    [1, 3, 'MODEL_INVALID', 'MODEL_INVALID', 'MODEL_UNSUPPORTED', 0, 2, 4],
  )
  assert.match(String((answers[4] as string[])[1]), /FancyMul/)
})

test('a model of another shape under the name of one in use is told to who reads; what was scored before is kept', async () => {
  await both(async () => {
    const f = feed<{ a: number; b: number }>()
    const read = f.score(await model(folderOf(sumModel), { as: 'kept' }), inputs)[Symbol.asyncIterator]()
    await f.push({ a: 1, b: 1 })
    const first = (await read.next()).value!.score.value
    const wide = new Uint8Array(Float32Array.of(1, 1, 1, 0).buffer)
    const json = String(sumModel['model.json']).replace('[null,2]', '[null,3]').replace('[2,1]', '[3,1]')
    await model(folderOf({ ...sumModel, 'model.json': json, 'group1-shard1of1.bin': wide }), { as: 'kept' })
    const error = await read.next().then(
      () => assert.fail('nothing was told'),
      (e: StreamError) => e,
    )
    assert.deepEqual(
      [first, error.code, error.message, error.hint],
      [
        6,
        'MODEL_INVALID',
        'Cannot score with model "kept": it takes 3 features, 2 are given (a, b)',
        'Name as many fields as it takes: --features a,b',
      ],
    )
    return [first]
  })
})

test('a page asks for another training: rows score by version 2; a topic that is gone is told, and rows score on', async () => {
  setRuntime(hosted)
  const around = (mean: number) => Array.from({ length: 60 }, (_, i) => ({ v: mean + Math.sin(i) }))
  await createTopic('readings', { partitions: 1 })
  await produce('readings', around(0))
  const readings = (await topic('readings', { from: 'earliest' })) as unknown as Stream<{ v: number }>
  const m = train(readings, { features: ['v'], rows: 60, epochs: 1, as: 'asked' })
  await m.artifact()
  const f = feed<{ v: number }>()
  const plan = f.score(m).input()
  await hosted.start('marked', plan, {})
  const page = new BrowserEnd(engine, 'page')
  const chartId = page.open(await hosted.show({ name: 'marked', plan }, {}))
  const becomes = (check: (trained: TrainedStatus) => boolean) =>
    until(() => {
      page.drain()
      const trained = page.last.get(chartId)?.status.scores?.trained
      return trained !== undefined && check(trained) ? trained : undefined
    })
  assert.deepEqual(await becomes(() => true), { version: 1, training: false, problem: null, sinceMs: null })
  await produce('readings', around(50))
  page.send({ type: 'retrain', chartId })
  page.send({ type: 'retrain', chartId })
  await becomes(({ version, training }) => version === 2 && !training)
  assert.equal(Math.round((await m.artifact()).scaler!.mean[0]!), 50)

  await deleteTopic('readings')
  page.send({ type: 'retrain', chartId })
  const { version, problem } = await becomes(trained => trained.problem !== null)
  assert.equal(version, 2)
  assert.match(problem!, /readings/)
  await f.push({ v: 50 })
  const scored = await until(() => (page.drain(), [...page.rows.get(chartId)!.values()][0]))
  assert.ok(Number(scored['score']) < 5, JSON.stringify(scored))
  await hosted.stop('marked')
})
