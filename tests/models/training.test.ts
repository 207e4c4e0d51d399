import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { from, model, train } from '../../stream/index.ts'
import type { StreamError, TensorflowBuilder } from '../../stream/index.ts'
import { scratch } from './files.ts'

/** b follows a, so one number tells both. */
const normal = Array.from({ length: 800 }, (_, i) => ({ a: Math.sin(i / 9), b: 2 * Math.sin(i / 9) + 5, c: i % 7 }))
const odd = { a: 1, b: 3, c: 0 }

test('a model learns what belongs together, tells each epoch, and knows what does not', async () => {
  const m = train(from(normal), {
    features: ['a', 'b'],
    layers: 'dense 4 tanh\ndense 1 tanh\ndense 4 tanh',
    epochs: 40,
    as: 'pair',
  })
  assert.equal(m.name, 'pair')
  const scored = await from([...normal.slice(0, 20), odd])
    .score(m)
    .toArray()
  assert.equal(scored.at(-1)!.score.anomalous, true)
  assert.equal(scored.slice(0, 20).filter(row => row.score.anomalous).length, 0)
  const curve = await m.curve.toArray()
  assert.deepEqual(
    curve.map(row => row.epoch),
    Array.from({ length: 40 }, (_, i) => i + 1),
  )
  assert.ok(curve.at(-1)!.loss < curve[0]!.loss / 10, JSON.stringify(curve.at(-1)))
  assert.ok(curve.at(-1)!.validationLoss! < 0.1)
})

test('the same rows and seed give the same model, another seed another one', async () => {
  const of = async (seed: number) =>
    (await train(from(normal), { features: ['a', 'b'], epochs: 2, seed, as: 'seeded' }).artifact()).weights
  assert.deepEqual(await of(3), await of(3))
  assert.notDeepEqual(await of(3), await of(4))
})

test('a target is foretold: the score is the error', async () => {
  const m = train(from(normal), { features: ['a'], target: 'b', epochs: 40, as: 'foretold' })
  const scores = (await from([normal[3]!, odd]).score(m).toArray()).map(row => row.score.value)
  assert.ok(scores[0]! < 0.1 && scores[1]! > 2, JSON.stringify(scores))
})

test('of one field too the score is the error of giving it back', async () => {
  const m = train(from(normal), { features: ['a'], epochs: 20, as: 'single' })
  const scores = (
    await from([...normal.slice(0, 50), { a: -40 }])
      .score(m)
      .toArray()
  ).map(row => row.score)
  assert.deepEqual([scores.every(({ value }) => value >= 0), scores.at(-1)!.anomalous], [true, true])
})

test('a stopped training keeps what whole epochs have taught', async () => {
  const m = train(from(normal), { features: ['a', 'b'], epochs: 100_000, as: 'stopped' })
  for await (const { epoch } of m.curve) {
    if (epoch < 2) continue
    await m.stop()
    break
  }
  const { training } = await m.artifact()
  assert.ok((training!['epochs'] as number) >= 2 && (training!['epochs'] as number) < 100_000)
})

test('what cannot be trained is told to those who wait', async () => {
  const few = train(from(normal.slice(0, 5)), { features: ['a'], as: 'few' })
  await assert.rejects(
    few.artifact(),
    (error: StreamError) => error.code === 'TRAINING_FAILED' && /5 rows came/.test(error.message),
  )
  await assert.rejects(from(normal).score(few).toArray(), /5 rows came, at least 10/)
  const wild = train(from(normal), {
    features: ['a', 'b'],
    rate: 1,
    layers: 'dense 8 relu\ndense 8 relu',
    epochs: 3,
    as: 'wild',
  })
  await wild.artifact().catch((error: StreamError) => assert.match(error.hint!, /--rate 0\.1/))
  assert.throws(() => train(from(normal), { features: ['a'], layers: 'dense x tanh' }), /line 1, "dense x tanh"/)
  assert.throws(() => train(from(normal), { features: ['a'], epochs: 0 }), /epochs 0: a whole number from 1/)
})

test('a function builds a model of TensorFlow.js where it is trained', async () => {
  const build = (tf: TensorflowBuilder, inputs: number) =>
    tf.sequential({
      layers: [
        tf.layers.dense({ units: 2, activation: 'elu', inputShape: [inputs] }),
        tf.layers.dense({ units: inputs }),
      ],
    })
  const m = train(from(normal.slice(0, 200)), {
    features: ['a', 'b'],
    layers: build,
    epochs: 3,
    rate: 0.05,
    as: 'built',
  })
  const { training, threshold } = await m.artifact()
  assert.equal(training!['by'], 'tensorflow')
  assert.ok(threshold! > 0)
  const none = train(from(normal), { features: ['a'], layers: () => 3, as: 'none' })
  await assert.rejects(none.artifact(), /the function gives number, a model of TensorFlow\.js is needed/)
})

const python = `
import json, struct, sys, math
folder = sys.argv[1]
model = json.load(open(folder + '/model.json'))
layers = model['modelTopology']['model_config']['config']['layers']
data = open(folder + '/weights.bin', 'rb').read()
weights, at = {}, 0
for spec in model['weightsManifest'][0]['weights']:
    n = math.prod(spec['shape'])
    weights[spec['name']] = (spec['shape'], struct.unpack('<%df' % n, data[at:at + 4 * n]))
    at += 4 * n
assert at == len(data)
x = [0.25, -0.5]
for layer in layers:
    config = layer['config']
    (inputs, units), kernel = weights[config['name'] + '/kernel']
    bias = weights[config['name'] + '/bias'][1]
    x = [bias[u] + sum(x[i] * kernel[i * units + u] for i in range(inputs)) for u in range(units)]
    if config['activation'] == 'tanh': x = [math.tanh(v) for v in x]
print(json.dumps(x))
`

test('Python reads a saved model by the rules of the format and computes the same', async () => {
  const m = train(from(normal), { features: ['a', 'b'], epochs: 5, as: 'saved' })
  const folder = await m.save(join(scratch(), 'saved'))
  const script = join(scratch(), 'read.py')
  writeFileSync(script, python)
  const [a, b] = JSON.parse(execFileSync('python3', [script, folder], { encoding: 'utf8' })) as [number, number]
  const again = await model(folder, { scaler: { mean: [0, 0], deviation: [1, 1] } })
  const [row] = await from([{ a: 0.25, b: -0.5 }])
    .score(again)
    .toArray()
  const expected = ((a - 0.25) ** 2 + (b + 0.5) ** 2) / 2
  assert.ok(Math.abs(row!.score.value - expected) < 1e-6, `${row!.score.value} ${expected}`)
})
