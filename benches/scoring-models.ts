/**
 * Models and detectors beside other programs that do the same: a hand-written loop, TensorFlow.js bare, and from PyPI numpy, onnxruntime,
 * River, rrcf and PySAD. One thread each, rates per second of that thread's CPU where the machine is shared.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { DensePredictor } from '../stream/models/dense-code.ts'
import type { DenseLayer } from '../stream/models/topology.ts'
import type { Detector } from '../stream/scoring/detector.ts'
import { HalfSpaceTrees } from '../stream/scoring/detectors/half-space-trees.ts'
import { makeDetector } from '../stream/scoring/detectors/index.ts'
import { DenseTrainer } from '../stream/training/dense-trainer.ts'
import { seeded } from '../tests/scoring/corpus.ts'
import type { Measurement } from './bench.ts'
import { pythonWith } from './peers/fetch.ts'
import { bareTensorflow, input, perSecond, sizes, stackOf } from './scoring-nets.ts'

/** What one would write by hand: loops over Float32Array weights, a row of them per unit. */
function handLoop(stack: readonly DenseLayer[]): (rows: Float32Array, count: number) => Float32Array {
  const layers = stack.map(({ inputs, units, kernel, bias, activation }) => {
    const weights = new Float32Array(units * (inputs + 1))
    for (let u = 0; u < units; u++) {
      for (let i = 0; i < inputs; i++) weights[u * (inputs + 1) + i] = kernel[i * units + u]!
      weights[u * (inputs + 1) + inputs] = bias[u]!
    }
    return { inputs, units, weights, relu: activation === 'relu', values: new Float32Array(units) }
  })
  const out = new Float32Array(2048 * 8)
  return (rows, count) => {
    for (let r = 0; r < count; r++) {
      let from: Float32Array = rows.subarray(r * 8, r * 8 + 8)
      for (const { inputs, units, weights, relu, values } of layers) {
        let w = 0
        for (let u = 0; u < units; u++) {
          let sum = weights[w + inputs]!
          for (let i = 0; i < inputs; i++) sum += weights[w + i]! * from[i]!
          values[u] = relu && sum < 0 ? 0 : sum
          w += inputs + 1
        }
        from = values
      }
      out.set(from, r * 8)
    }
    return out
  }
}

function python(executable: string, what: string): Record<string, number> {
  const script = join(import.meta.dirname, 'peers/python/scoring_peers.py')
  const done = spawnSync(executable, [script, what], { encoding: 'utf8', timeout: 120_000 })
  if (done.status !== 0) throw new Error(`${what}: ${done.stderr.split('\n').slice(-3).join(' ')}`)
  return JSON.parse(done.stdout) as Record<string, number>
}

async function denseRates(): Promise<Record<string, number>> {
  const stack = stackOf()
  const [own, loop, rows] = [new DensePredictor(stack), handLoop(stack), input(256)]
  const one = rows.subarray(0, 8)
  const { tf, net } = await bareTensorflow()
  const bare = (of: Float32Array, count: number) => {
    const out = tf.tidy(() => net.predictOnBatch(tf.tensor(of, [count, 8])))
    out.dataSync()
    out.dispose()
  }
  const mine = await perSecond(1000, () => {
    for (let i = 0; i < 1000; i++) own.predict(one, 1)
  })
  const tensorflow = await perSecond(1, () => bare(one, 1))
  const peers = python(await pythonWith('scoring'), 'dense')
  return {
    'riffle/256': await perSecond(256, () => own.predict(rows, 256)),
    'riffle/1': mine,
    'loop/256': await perSecond(256, () => loop(rows, 256)),
    'tensorflow.js/256': await perSecond(256, () => bare(rows, 256)),
    'tensorflow.js/1': tensorflow,
    ...peers,
    'ratio-1-to-tensorflow.js': mine / tensorflow,
    'ratio-1-to-numpy': mine / peers['numpy/1']!,
  }
}

async function detectorRates(): Promise<Record<string, number>> {
  const random = seeded(7)
  const vectors = Array.from({ length: 1000 }, () => Array.from({ length: 8 }, random))
  const rate = async (made: Detector) => {
    for (const row of vectors) made.learnOne(row)
    let at = 0
    return perSecond(200, () => {
      for (let i = 0; i < 200; i++) {
        const row = vectors[at++ % 1000]!
        made.scoreOne(row)
        made.learnOne(row)
      }
    })
  }
  const settings = { features: 8, warmUp: 400, seed: 1 }
  const mine: Record<string, number> = {
    'riffle/half-space-trees': await rate(new HalfSpaceTrees(settings, 10)),
    'riffle/rrcf': await rate(makeDetector('rrcf', settings)),
  }
  const peers = python(await pythonWith('scoring'), 'detectors')
  return {
    ...mine,
    ...peers,
    // As many trees, as deep, as the peers have.
    'half-space-trees-to-river': mine['riffle/half-space-trees']! / peers['river/half-space-trees']!,
    'rrcf-to-rrcf': mine['riffle/rrcf']! / peers['rrcf/rrcf']!,
  }
}

/** The autoencoder of the public connected-cars example, which trains on 10,000 rows in batches of 100. */
const cars = [18, 14, 7, 7, 18]

/** Seconds of CPU for 10,000 rows and 20 epochs, beside TensorFlow.js on wasm. */
async function trainingSeconds(): Promise<Record<string, number>> {
  const small = await trained(sizes, 128)
  const large = await trained(cars, 100)
  return {
    riffle: small.riffle,
    'tensorflow.js': small.bare,
    ratio: small.bare / small.riffle,
    'cars-riffle': large.riffle,
    'cars-tensorflow.js': large.bare,
    'cars-ratio': large.bare / large.riffle,
  }
}

async function trained(units: readonly number[], batch: number): Promise<{ riffle: number; bare: number }> {
  const width = units[0]!
  const x = Float64Array.from({ length: 10_000 * width }, seeded(5))
  const layers = units
    .slice(1)
    .map((size, l) => ({ units: size, activation: l === units.length - 2 ? ('linear' as const) : ('relu' as const) }))
  const riffle = await seconds(() => {
    const trainer = new DenseTrainer(width, layers, 1)
    for (let epoch = 0; epoch < 20; epoch++) trainer.epoch(x, x, batch, 1e-3)
  })
  const { tf, net } = await bareTensorflow(units)
  const tensor = tf.tensor(Float32Array.from(x), [10_000, width])
  net.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
  const bare = await seconds(() => net.fit(tensor, tensor, { epochs: 20, batchSize: batch, verbose: 0 }))
  return { riffle, bare }
}

async function seconds(f: () => unknown): Promise<number> {
  const cpu = process.cpuUsage()
  await f()
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / 1e6
}

export const modelMeasurements: readonly Measurement[] = [
  { name: 'scoring.dense-rows-per-cpu-s', unit: 'events/s', runs: 1, measure: denseRates },
  {
    name: 'scoring.autoencoder-to-loop-ratio',
    unit: 'ratio',
    measure: async () => {
      const [own, loop, rows] = [new DensePredictor(stackOf()), handLoop(stackOf()), input(256)]
      const mine = await perSecond(256, () => own.predict(rows, 256))
      return mine / (await perSecond(256, () => loop(rows, 256)))
    },
  },
  { name: 'scoring.detector-rows-per-cpu-s', unit: 'events/s', runs: 1, measure: detectorRates },
  { name: 'scoring.training-cpu-s', unit: 's', runs: 1, measure: trainingSeconds },
]
