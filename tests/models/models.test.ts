import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { feed, from, fromColumns, model, runtime, StreamError } from '../../stream/index.ts'
import type { Model } from '../../stream/index.ts'
import { openModel } from '../../stream/models/open-model.ts'
import { folderOf, graphModel, keras3Model, onnxModel, scratch, sumModel, zipOf } from './files.ts'
import type { Files } from './files.ts'

const rows = [
  { a: 1, b: 1 },
  { a: 0, b: -2 },
  { a: 0.5, b: 0.25 },
]
const sums = [6, -5, 2.75]

const values = async (m: Model, engine: 'auto' | 'tensorflow' = 'auto') =>
  (
    await from(rows)
      .score(m, { features: ['a', 'b'], engine })
      .toArray()
  ).map(row => row.score.value)

const refused = async (place: string): Promise<StreamError> => {
  const error = await model(place).then(
    () => undefined,
    (e: unknown) => e,
  )
  assert.ok(error instanceof StreamError, `${place} was read`)
  return error
}

async function printed(f: () => Promise<unknown>): Promise<string[]> {
  const lines: string[] = []
  const { log } = console
  console.log = (line: string) => void lines.push(line)
  try {
    await f()
  } finally {
    console.log = log
  }
  return lines
}

test('a model comes from a folder, a zip, a URL and memory, and scores alike', async () => {
  const folder = folderOf(sumModel)
  assert.deepEqual(await values(await model(`file:${folder}`)), sums)
  const zip = join(scratch(), 'sum.zip')
  writeFileSync(zip, zipOf(sumModel))
  assert.deepEqual(await values(await model(zip)), sums)
  const server = createServer((request, response) => response.end(sumModel[request.url!.split('/').at(-1)!]))
  await new Promise<void>(resolve => server.listen(0, resolve))
  after(() => server.close())
  const url = `http://localhost:${(server.address() as AddressInfo).port}/models/sum`
  const read = await model(url)
  assert.equal(read.name, 'sum')
  assert.deepEqual(await values(read), sums)
  const json = JSON.parse(sumModel['model.json'] as string) as {
    modelTopology: object
    weightsManifest: { weights: object[] }[]
  }
  const inMemory = await model(
    {
      modelTopology: json.modelTopology,
      weightSpecs: json.weightsManifest[0]!.weights,
      weightData: Float32Array.of(2, 3, 1).buffer,
    },
    { as: 'inMemory' },
  )
  assert.deepEqual(await values(inMemory), sums)
})

test('TensorFlow.js in its thread gives what the compiled code gives; a graph runs there', async () => {
  assert.deepEqual(await values(await model(folderOf(sumModel), { as: 'threaded' }), 'tensorflow'), sums)
  assert.deepEqual(await values(await model(folderOf(graphModel()), { as: 'graph' })), sums)
})

test('a backend that is asked for is the one that runs; another name is refused with those there are', async () => {
  const m = await model(folderOf(sumModel), { as: 'backends' })
  for (const [engine, runs] of [
    ['cpu', 'tensorflow.js cpu'],
    ['tensorflow', 'tensorflow.js wasm'],
  ] as const) {
    const opened = await openModel(await m.artifact(), engine)
    assert.deepEqual([opened.engine, opened.notices], [runs, []])
    opened.close()
  }
  const scored = (backend: 'cpu' | 'wasm') => from(rows).score(m, { features: ['a', 'b'], backend })
  assert.deepEqual([(await scored('cpu').toArray()).map(r => r.score.value)], [sums])
  const engineOf = (stream: { plan: unknown }) =>
    (stream.plan as { options: { model: { engine: string } } }).options.model.engine
  assert.deepEqual([engineOf(scored('cpu')), engineOf(scored('wasm'))], ['cpu', 'tensorflow'])
  assert.throws(() => scored('webgl' as 'cpu'), /Cannot score with backend "webgl": backends are wasm and cpu/)
})

test('a file of Keras 3 is repaired, with one line', async () => {
  let m: Model | undefined
  const lines = await printed(async () => (m = await model(folderOf(keras3Model), { as: 'keras3' })))
  assert.equal(lines.length, 1)
  assert.match(lines[0]!, /was written by Keras 3/)
  assert.deepEqual(await values(m!), sums)
  assert.deepEqual(await values(m!, 'tensorflow'), sums)
})

test('ONNX runs where onnxruntime is installed', async () => {
  const file = join(scratch(), 'sum.onnx')
  writeFileSync(file, onnxModel())
  const m = await model(file)
  assert.equal(m.name, 'sum')
  assert.deepEqual(await values(m), sums)
})

const broken: readonly (readonly [what: string, files: Files, message: RegExp])[] = [
  ['no JSON', { ...sumModel, 'model.json': '{"format":' }, /model\.json is no JSON/],
  [
    'a shard too short',
    { ...sumModel, 'group1-shard1of1.bin': new Uint8Array(8) },
    /12 bytes by model\.json, .* hold 8/,
  ],
  [
    'a shard gone',
    { 'model.json': sumModel['model.json']! },
    /"group1-shard1of1\.bin" cannot be read, it is not there/,
  ],
  [
    'NaN weights',
    { ...sumModel, 'group1-shard1of1.bin': new Uint8Array(Float32Array.of(2, NaN, 1).buffer) },
    /"dense\/kernel" holds NaN at place 1/,
  ],
  ['another JSON', { 'model.json': '{}' }, /not of TensorFlow\.js/],
]

for (const [what, files, message] of broken) {
  test(`a corrupt model is told where it is named: ${what}`, async () => {
    const error = await refused(folderOf(files))
    assert.equal(error.code, 'MODEL_INVALID')
    assert.match(error.message, message)
    assert.ok(error.hint !== undefined)
  })
}

test('a place without a model names those beside it', async () => {
  const folder = scratch()
  mkdirSync(join(folder, 'sum'))
  for (const [name, content] of Object.entries(sumModel)) writeFileSync(join(folder, 'sum', name), content)
  const error = await refused(join(folder, 'som'))
  assert.equal(error.code, 'MODEL_UNKNOWN')
  assert.match(error.detail!, /sum/)
  const cut = join(folder, 'cut.zip')
  writeFileSync(cut, zipOf(sumModel).slice(0, 100))
  assert.match((await refused(cut)).message, /no zip archive/)
})

test('a model that needs a kernel nobody has, or other features, fails at the start with the next step', async () => {
  const unknown = await model(folderOf(graphModel('FancyMul')), { as: 'fancy' })
  await assert.rejects(
    values(unknown),
    (error: StreamError) =>
      error.code === 'MODEL_UNSUPPORTED' && /operation FancyMul, which/.test(error.message) && error.hint !== undefined,
  )
  const m = await model(folderOf(sumModel))
  await assert.rejects(
    from(rows)
      .score(m, { features: ['a'] })
      .toArray(),
    /Cannot score with model "sum": it takes 2 features, 1 are given \(a\)/,
  )
})

test('a row without a number for each feature goes to errors, the others are scored in order', async () => {
  const m = await model(folderOf(sumModel))
  const given = [rows[0], { a: NaN, b: 1 }, rows[1], { b: 2 }, rows[2]] as { a: number; b: number }[]
  const stream = from(given).score(m, { features: ['a', 'b'] })
  assert.deepEqual(
    (await stream.toArray()).map(row => row.score.value),
    sums,
  )
  assert.deepEqual(
    (await stream.errors().toArray()).map(e => Number(e.offset)),
    [1, 3],
  )
})

test('a batch the model fails on goes to errors and the stream lives', async () => {
  const m = await model(folderOf(graphModel('MatMul', true)), { as: 'oneRow' })
  const columns = fromColumns({ a: [1, 0, 0.5], b: [1, -2, 0.25] }).score(m, { features: ['a', 'b'], batch: 2 })
  assert.deepEqual(
    (await columns.toArray()).map(r => [r.a, r.score.value]),
    [[0.5, 0]],
  )
  // `.errors()` would hand the model one row at a time, which it takes: the counter of the running stream tells.
  await columns.bindName('oneRowScores')
  const stats = async () => (await runtime().list()).find(each => each.name === 'oneRowScores')!.stats
  while ((await stats()).state !== 'ended') await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual([(await stats()).errorCount, (await stats()).rowCount], [2, 1])
})

test('a row for which the model gives no finite number goes to errors', async () => {
  const m = await model(folderOf(sumModel))
  const stream = from([{ a: 3e38, b: 3e38 }, ...rows]).score(m, { features: ['a', 'b'] })
  assert.deepEqual(
    (await stream.toArray()).map(r => r.score.value),
    sums,
  )
  assert.match((await stream.errors().toArray())[0]!.reason, /gives no finite number/)
})

test('another model of the name takes its place between two rows; scores say which', async () => {
  const first = await model(folderOf(sumModel), { as: 'swap' })
  const pushed = feed<{ a: number; b: number }>()
  const scores: unknown[] = []
  const reading = pushed
    .score(first, { features: ['a', 'b'] })
    .forEach(({ score }) => scores.push([score.model, score.version, score.value]))
  await pushed.push(rows[0]!)
  const other = { ...sumModel, 'group1-shard1of1.bin': new Uint8Array(Float32Array.of(0, 0, 7).buffer) }
  await model(folderOf(other), { as: 'swap' })
  await pushed.push(rows[0]!)
  await pushed.end()
  await reading
  assert.deepEqual(scores, [
    ['swap', 1, 6],
    ['swap', 2, 7],
  ])
})

test('the threshold, the scaler and the features kept with a model are used', async () => {
  const m = await model(folderOf(sumModel), {
    as: 'kept',
    features: ['a', 'b'],
    scaler: { mean: [1, 0], deviation: [2, 1] },
    threshold: 4,
  })
  const scores = (await from(rows).score(m).toArray()).map(({ score }) => [
    score.value,
    score.anomalous,
    score.threshold,
  ])
  assert.deepEqual(scores, [
    [4, true, 4],
    [-6, false, 4],
    [1.25, false, 4],
  ])
  const folder = join(scratch(), 'again')
  await m.save(folder)
  assert.match(readFileSync(join(folder, 'model.json'), 'utf8'), /"deviation"/)
  assert.deepEqual(
    (
      await from(rows)
        .score(await model(folder))
        .toArray()
    ).map(r => r.score.value),
    [4, -6, 1.25],
  )
})

test('tensors stay as many as they were', async () => {
  const artifact = await (await model(folderOf(sumModel), { as: 'counted' })).artifact()
  const predictor = await openModel(artifact, 'tensorflow')
  after(() => predictor.close())
  assert.equal(predictor.engine, 'tensorflow.js wasm')
  predictor.predict(Float32Array.of(1, 1), 1)
  const before = predictor.tensorCount
  for (let i = 0; i < 50; i++) predictor.predict(Float32Array.of(1, 1, 0, -2), 2)
  assert.equal(predictor.tensorCount, before)
  assert.ok(before! > 0)
})

test('cuts into batches do not change a score', async () => {
  const m = await model(folderOf(graphModel()), { as: 'cuts' })
  const many = Array.from({ length: 50 }, (_, i) => ({ a: Math.sin(i), b: Math.cos(3 * i) }))
  const columns = { a: many.map(r => r.a), b: many.map(r => r.b) }
  const of = async (batch: number) =>
    (
      await fromColumns(columns)
        .score(m, { features: ['a', 'b'], batch })
        .toArray()
    ).map(r => r.score)
  assert.deepEqual(await of(7), await of(1024))
})
