/** Trains what a function of the user's builds, by TensorFlow.js in this thread: wasm, or cpu for what wasm has no kernels to train. */
import { StreamError } from '../errors.ts'
import type { ModelArtifact, ModelMetadata, WeightSpec } from '../models/artifact.ts'
import { loadTensorflow, missingKernel, useCpu } from '../models/tensorflow.ts'
import type { LoadedTensorflow, Tensor, TensorflowModel } from '../models/tensorflow.ts'
import type { Prepared } from './prepare.ts'
import type { Epoch, TrainSpec } from './spec.ts'

interface Trainable extends TensorflowModel {
  compile(options: object): void
  fit(x: Tensor, y: Tensor, options: object): Promise<unknown>
  save(handler: { save(artifacts: Saved): Promise<unknown> }): Promise<unknown>
}

interface Saved {
  readonly modelTopology: unknown
  readonly weightSpecs: readonly WeightSpec[]
  readonly weightData: ArrayBuffer | readonly ArrayBuffer[]
}

export async function trainTensorflow(
  spec: TrainSpec,
  data: Prepared,
  told: (epoch: Epoch, artifact: ModelArtifact | undefined) => void,
  metadata: (errors: Float64Array) => ModelMetadata,
): Promise<ModelArtifact> {
  const loaded = await loadTensorflow(spec.from)
  try {
    return await trained(loaded, spec, data, told, metadata)
  } catch (error) {
    const kernel = missingKernel(error)
    if (kernel === undefined || loaded.tf.getBackend() === 'cpu') throw error
    await useCpu(loaded, `training needs kernel ${kernel}, which wasm has not`)
    return await trained(loaded, spec, data, told, metadata)
  }
}

async function trained(
  loaded: LoadedTensorflow,
  spec: TrainSpec,
  data: Prepared,
  told: (epoch: Epoch, artifact: ModelArtifact | undefined) => void,
  metadata: (errors: Float64Array) => ModelMetadata,
): Promise<ModelArtifact> {
  const { tf } = loaded
  const model = build(loaded, spec)
  const outputs = spec.target === undefined ? spec.features.length : 1
  const shapes = (x: Float64Array, width: number) => tf.tensor(Float32Array.from(x), [x.length / width, width])
  const x = shapes(data.x, spec.features.length)
  const y = shapes(data.y, outputs)
  const heldX = shapes(data.heldX, spec.features.length)
  model.compile({
    optimizer: (tf as unknown as { train: { adam(rate: number): unknown } }).train.adam(spec.rate),
    loss: 'meanSquaredError',
  })
  const errorsOf = () => {
    const out = tf.tidy(() => model.predict(heldX) as Tensor)
    const values = out.dataSync()
    out.dispose()
    const errors = new Float64Array(values.length / outputs)
    for (let i = 0; i < values.length; i++)
      errors[Math.floor(i / outputs)]! += (values[i]! - data.heldY[i]!) ** 2 / outputs
    return errors
  }
  let failure: StreamError | undefined
  await model.fit(x, y, {
    epochs: spec.epochs,
    batchSize: spec.batch,
    verbose: 0,
    // The rows come in one order for one seed.
    shuffle: false,
    callbacks: {
      onEpochEnd: async (index: number, logs: { loss: number }) => {
        const errors = errorsOf()
        const validationLoss = data.held === 0 ? null : errors.reduce((sum, e) => sum + e, 0) / errors.length
        if (!Number.isFinite(logs.loss)) {
          failure = new StreamError({
            code: 'TRAINING_FAILED',
            message: `Cannot train model "${spec.name}": its error is no number any more after epoch ${index + 1}`,
            hint: `--rate ${spec.rate / 10}`,
          })
          ;(model as unknown as { stopTraining: boolean }).stopTraining = true
          return
        }
        told({ epoch: index + 1, loss: logs.loss, validationLoss }, await saved(model, spec, metadata(errors)))
      },
    },
  })
  if (failure !== undefined) throw failure
  return saved(model, spec, metadata(errorsOf()))
}

function build({ tf, layers }: LoadedTensorflow, spec: TrainSpec): Trainable {
  const make = new Function(`return (${spec.layers as string})`)() as (tf: unknown, inputs: number) => unknown
  // As the union package: tensors and layers under one name.
  const model = make(
    { ...tf, ...layers, layers: (layers as unknown as { layers: object }).layers },
    spec.features.length,
  )
  if (typeof model === 'object' && model !== null && 'fit' in model && 'predict' in model) return model as Trainable
  throw new StreamError({
    code: 'TRAINING_FAILED',
    message: `Cannot train model "${spec.name}": the function gives ${model === undefined ? 'nothing' : typeof model}, a model of TensorFlow.js is needed`,
    hint: `(tf, inputs) => tf.sequential({ layers: [tf.layers.dense({ units: 4, activation: 'tanh', inputShape: [inputs] }), tf.layers.dense({ units: inputs })] })`,
  })
}

async function saved(model: Trainable, spec: TrainSpec, metadata: ModelMetadata): Promise<ModelArtifact> {
  let artifacts: Saved | undefined
  await model.save({
    save: async given => {
      artifacts = given
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
    },
  })
  if (artifacts === undefined) throw new Error('the model was not saved')
  const { modelTopology, weightSpecs, weightData } = artifacts
  const weights = new Uint8Array(await new Blob([weightData].flat() as ArrayBuffer[]).arrayBuffer())
  return {
    ...metadata,
    name: spec.name,
    version: 1,
    format: 'layers',
    topology: modelTopology,
    weightSpecs,
    weights,
    notices: [],
  }
}
