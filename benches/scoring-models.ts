/**
 * Models and detectors beside other programs that do the same: a hand-written loop, TensorFlow.js bare, and from PyPI numpy, onnxruntime,
 * River, rrcf and PySAD. One thread each, rates per second of that thread's CPU where the machine is shared.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { feed, LocalRuntime, model, runtime, setRuntime } from '../stream/index.ts'
import { DensePredictor } from '../stream/models/dense-code.ts'
import type { Tensor, Tensorflow } from '../stream/models/tensorflow.ts'
import type { DenseLayer } from '../stream/models/topology.ts'
import type { Detector } from '../stream/scoring/detector.ts'
import { HalfSpaceTrees } from '../stream/scoring/detectors/half-space-trees.ts'
import { makeDetector } from '../stream/scoring/detectors/index.ts'
import { DenseTrainer } from '../stream/training/dense-trainer.ts'
import { seeded } from '../tests/scoring/corpus.ts'
import type { Measurement } from './bench.ts'
import { pythonWith } from './peers/fetch.ts'

const sizes = [8, 4, 2, 4, 8]

function stackOf(seed = 3): DenseLayer[] {
  const random = seeded(seed)
  return sizes.slice(1).map((units, l) => ({
    inputs: sizes[l]!,
    units,
    activation: l === sizes.length - 2 ? 'linear' : 'relu',
    kernel: Float32Array.from({ length: sizes[l]! * units }, () => 2 * random() - 1),
    bias: Float32Array.from({ length: units }, () => 0.2 * random() - 0.1),
  }))
}

const input = (rows: number) => Float32Array.from({ length: rows * 8 }, seeded(9))

/** Rows per second of CPU over about half a second, after a warm-up. */
async function perSecond(rows: number, call: () => unknown): Promise<number> {
  const until = performance.now() + 300
  while (performance.now() < until) call()
  const cpu = process.cpuUsage()
  const end = performance.now() + 500
  let done = 0
  while (performance.now() < end) {
    call()
    done += rows
  }
  const { user, system } = process.cpuUsage(cpu)
  return (1e6 * done) / (user + system)
}

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

interface BareLayers {
  sequential(options: object): BareModel
  readonly layers: { dense(options: object): unknown }
}

interface BareModel {
  predictOnBatch(input: Tensor): Tensor
  compile(options: object): void
  fit(x: Tensor, y: Tensor, options: object): Promise<unknown>
}

async function bareTensorflow(): Promise<{ tf: Tensorflow; net: BareModel }> {
  const require = createRequire(import.meta.url)
  const tf = require('@tensorflow/tfjs-core') as Tensorflow
  tf.env().set('PROD', true)
  const { sequential, layers } = require('@tensorflow/tfjs-layers') as BareLayers
  require('@tensorflow/tfjs-backend-wasm')
  await tf.setBackend('wasm')
  await tf.ready()
  const dense = sizes.slice(1).map((units, l) =>
    layers.dense({
      units,
      activation: l === sizes.length - 2 ? 'linear' : 'relu',
      ...(l === 0 ? { inputShape: [8] } : {}),
    }),
  )
  return { tf, net: sequential({ layers: dense }) }
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
  const bare = () => {
    const out = tf.tidy(() => net.predictOnBatch(tf.tensor(rows, [256, 8])))
    out.dataSync()
    out.dispose()
  }
  return {
    'riffle/256': await perSecond(256, () => own.predict(rows, 256)),
    'riffle/1': await perSecond(1000, () => {
      for (let i = 0; i < 1000; i++) own.predict(one, 1)
    }),
    'loop/256': await perSecond(256, () => loop(rows, 256)),
    'tensorflow.js/256': await perSecond(256, bare),
    ...python(await pythonWith('scoring'), 'dense'),
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

/** Seconds of CPU for 10,000 rows and 20 epochs of 8-4-2-4-8, batches of 128. */
async function trainingSeconds(): Promise<Record<string, number>> {
  const x = Float64Array.from({ length: 80_000 }, seeded(5))
  const seconds = async (f: () => unknown) => {
    const cpu = process.cpuUsage()
    await f()
    const { user, system } = process.cpuUsage(cpu)
    return (user + system) / 1e6
  }
  const layers = sizes
    .slice(1)
    .map((units, l) => ({ units, activation: l === 3 ? ('linear' as const) : ('relu' as const) }))
  const riffle = await seconds(() => {
    const trainer = new DenseTrainer(8, layers, 1)
    for (let epoch = 0; epoch < 20; epoch++) trainer.epoch(x, x, 128, 1e-3)
  })
  const { tf, net } = await bareTensorflow()
  const tensor = tf.tensor(Float32Array.from(x), [10_000, 8])
  net.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
  const bare = await seconds(() => net.fit(tensor, tensor, { epochs: 20, batchSize: 128, verbose: 0 }))
  return { riffle, 'tensorflow.js': bare, ratio: bare / riffle }
}

/** Slices before the clock starts: V8 compiles for one or two seconds what then runs for hours. */
const WARM_SLICES = 600
const SLICES = 1000

/** 200,000 rows a second for five seconds, in slices of 5 ms as a reader gives them, scored by TensorFlow.js in its thread. */
async function paced(scored: boolean): Promise<{ core: number; p99: number }> {
  const rows = feed<Record<string, number>>()
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const { denseArtifact } = await import('../stream/models/dense-artifact.ts')
  const artifact = denseArtifact('paced', stackOf(), {})
  const m = await model(
    { modelTopology: artifact.topology, weightSpecs: artifact.weightSpecs, weightData: artifact.weights.buffer },
    { as: 'paced' },
  )
  const stream = scored ? rows.score(m, { features: names, engine: 'tensorflow', threshold: 1e9 }) : rows
  let seen = 0
  const reading = stream.forEachBatch((_, count) => {
    seen += count
  })
  const random = seeded(4)
  const slice = Array.from({ length: 1000 }, () => Object.fromEntries(names.map(name => [name, random()])))
  const port = runtime().feed((rows.plan as { id: string }).id)
  // The thread of the model starts before the clock does.
  await port.push(slice)
  while (seen < 1000) await new Promise(resolve => setImmediate(resolve))
  const latencies: number[] = []
  const push = async (count: number) => {
    const began = performance.now()
    for (let n = 0; n < count; n++) {
      const due = began + 5 * n
      while (performance.now() < due) await new Promise(resolve => setTimeout(resolve, due - performance.now()))
      await port.push(slice)
      latencies.push(performance.now() - due)
    }
  }
  await push(WARM_SLICES)
  latencies.length = 0
  const cpu = process.cpuUsage()
  await push(SLICES)
  const { user, system } = process.cpuUsage(cpu)
  await rows.end()
  await reading
  latencies.sort((a, b) => a - b)
  // Of the five seconds that a million rows are: a machine that is behind must not look idle.
  return { core: (user + system) / (SLICES * 5000), p99: latencies[Math.floor(SLICES * 0.99)]! }
}

async function stream200k(): Promise<Record<string, number>> {
  const before = runtime()
  const local = new LocalRuntime({ print: () => {} })
  setRuntime(local)
  try {
    const [bare, scored] = [await paced(false), await paced(true)]
    return { 'core-share': scored.core - bare.core, 'p99-added-ms': scored.p99 - bare.p99 }
  } finally {
    setRuntime(before)
    await local.close()
  }
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
  { name: 'scoring.stream-200k', unit: 'ratio', runs: 1, measure: stream200k },
]
