/** A model of TensorFlow.js in the thread: loaded from memory, tried on a row of zeros, its tensors counted. */
import { StreamError } from '../errors.ts'
import type { ModelArtifact } from './artifact.ts'
import type { HostedModel } from './model-worker.ts'
import { firstLine, loadTensorflow, missingKernel, useCpu } from './tensorflow.ts'
import type { LoadedTensorflow, Tensor, TensorflowModel } from './tensorflow.ts'

/** @throws StreamError MODEL_UNSUPPORTED, MODEL_INVALID */
export async function openTensorflow(artifact: ModelArtifact, backend: 'wasm' | 'cpu'): Promise<HostedModel> {
  const loaded = await loadTensorflow(artifact.from, backend)
  let opened: Opened
  try {
    opened = await tried(loaded, artifact)
  } catch (error) {
    const kernel = missingKernel(error)
    if (kernel === undefined || loaded.tf.getBackend() === 'cpu') throw explained(artifact, error)
    await useCpu(loaded, `model "${artifact.name}" needs kernel ${kernel}, which wasm has not`)
    opened = await tried(loaded, artifact).catch((again: unknown) => {
      throw explained(artifact, again)
    })
  }
  const { tf } = loaded
  const { model, inputs, steps, outputs } = opened
  return {
    engine: `tensorflow.js ${tf.getBackend()}`,
    atOnce: true,
    inputs,
    steps,
    outputs,
    notices: [...artifact.notices, ...(loaded.notice === undefined ? [] : [loaded.notice])],
    predict: (rows, count) => run(loaded, model, rows, shapeOf(count, steps, inputs, opened.rank)),
    tensorCount: () => tf.memory().numTensors,
  }
}

interface Opened {
  readonly model: TensorflowModel
  readonly inputs: number
  readonly steps: number
  readonly outputs: number
  readonly rank: number
}

async function tried(loaded: LoadedTensorflow, artifact: ModelArtifact): Promise<Opened> {
  const { tf, layers } = loaded
  const source = tf.io.fromMemory({
    modelTopology: artifact.topology,
    weightSpecs: artifact.weightSpecs,
    weightData: artifact.weights.slice().buffer,
    ...(artifact.signature === undefined ? {} : { signature: artifact.signature }),
  })
  const model = await (artifact.format === 'graph'
    ? loaded.converter().loadGraphModel(source)
    : layers.loadLayersModel(source))
  const shape = model.inputs[0]?.shape ?? []
  if (model.inputs.length !== 1) throw wrongShape(artifact, `it has ${model.inputs.length} inputs`)
  const [inputs, steps] = [shape.at(-1), shape.length === 3 ? shape[1] : 1]
  if ((shape.length !== 2 && shape.length !== 3) || !isSize(inputs) || !isSize(steps))
    throw wrongShape(artifact, `its input has shape [${shape.map(n => n ?? 'any').join(', ')}]`)
  // Loading builds no kernel: the first prediction does.
  const first = run(loaded, model, new Float32Array(inputs * steps), shapeOf(1, steps, inputs, shape.length))
  return { model, inputs, steps, outputs: first.length, rank: shape.length }
}

/** The tensor leaves tidy and is read outside: an array returned from it would be walked value by value. */
function run(
  { tf }: LoadedTensorflow,
  model: TensorflowModel,
  rows: Float32Array,
  shape: readonly number[],
): Float32Array {
  const result = tf.tidy(() => {
    const input = tf.tensor(rows, shape)
    const out = model.predictOnBatch === undefined ? model.predict(input) : model.predictOnBatch(input)
    return Array.isArray(out) ? (out[0] as Tensor) : 'dataSync' in out ? (out as Tensor) : Object.values(out)[0]!
  })
  try {
    return result.dataSync()
  } finally {
    result.dispose()
  }
}

function shapeOf(count: number, steps: number, inputs: number, rank: number): number[] {
  return rank === 3 ? [count, steps, inputs] : [count, inputs]
}

function isSize(n: number | null | undefined): n is number {
  return typeof n === 'number' && n > 0
}

function wrongShape(artifact: ModelArtifact, why: string): StreamError {
  return new StreamError({
    code: 'MODEL_INVALID',
    message: `Cannot score with model "${artifact.name}": ${why}, rows need [any, features] or [any, steps, features]`,
    hint: 'Save it with one input of a fixed size',
  })
}

function explained(artifact: ModelArtifact, error: unknown): StreamError {
  if (error instanceof StreamError) return error
  const kernel = missingKernel(error)
  const op = /Unknown (?:op '?|(?:layer|activation|initializer|regularizer)[^:]*: )(\w+)/.exec(firstLine(error))?.[1]
  if (kernel !== undefined || op !== undefined)
    return new StreamError({
      code: 'MODEL_UNSUPPORTED',
      message: `Cannot score with model "${artifact.name}": it needs ${kernel === undefined ? `operation ${op}` : `kernel ${kernel}`}, which TensorFlow.js has not`,
      detail: firstLine(error),
      hint: 'Convert it to ONNX and load the .onnx file, or replace the layer',
    })
  return new StreamError({
    code: 'MODEL_INVALID',
    message: `Cannot score with model "${artifact.name}": TensorFlow.js does not load it`,
    detail: firstLine(error),
    hint: 'Save the model again: tensorflowjs_converter or model.save',
  })
}
