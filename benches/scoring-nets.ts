/** The net of the benches of models, its rows, and TensorFlow.js without anything around it. */
import { createRequire } from 'node:module'
import type { Tensor, Tensorflow } from '../stream/models/tensorflow.ts'
import type { DenseLayer } from '../stream/models/topology.ts'
import { seeded } from '../tests/scoring/corpus.ts'

export const sizes = [8, 4, 2, 4, 8]

export function stackOf(seed = 3): DenseLayer[] {
  const random = seeded(seed)
  return sizes.slice(1).map((units, l) => ({
    inputs: sizes[l]!,
    units,
    activation: l === sizes.length - 2 ? 'linear' : 'relu',
    kernel: Float32Array.from({ length: sizes[l]! * units }, () => 2 * random() - 1),
    bias: Float32Array.from({ length: units }, () => 0.2 * random() - 0.1),
  }))
}

export const input = (rows: number) => Float32Array.from({ length: rows * 8 }, seeded(9))

/** Rows per second of CPU over about half a second, after a warm-up. */
export async function perSecond(rows: number, call: () => unknown): Promise<number> {
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

interface BareLayers {
  sequential(options: object): BareModel
  readonly layers: { dense(options: object): unknown }
}

export interface BareModel {
  predictOnBatch(input: Tensor): Tensor
  compile(options: object): void
  fit(x: Tensor, y: Tensor, options: object): Promise<unknown>
}

/** Undefined activations are linear; the last layer is. */
export async function bareTensorflow(units: readonly number[] = sizes): Promise<{ tf: Tensorflow; net: BareModel }> {
  const require = createRequire(import.meta.url)
  const tf = require('@tensorflow/tfjs-core') as Tensorflow
  tf.env().set('PROD', true)
  const { sequential, layers } = require('@tensorflow/tfjs-layers') as BareLayers
  require('@tensorflow/tfjs-backend-wasm')
  await tf.setBackend('wasm')
  await tf.ready()
  const dense = units.slice(1).map((size, l) =>
    layers.dense({
      units: size,
      activation: l === units.length - 2 ? 'linear' : 'relu',
      ...(l === 0 ? { inputShape: [units[0]] } : {}),
    }),
  )
  return { tf, net: sequential({ layers: dense }) }
}
