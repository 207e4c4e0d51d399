/**
 * Entry of the thread that trains one model: rows in, an epoch after the other told, the model at the end. Ending the thread is what
 * ends a training; nobody has to ask it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { StreamError } from '../errors.ts'
import type { StreamErrorParts } from '../errors.ts'
import { denseArtifact } from '../models/dense-artifact.ts'
import type { ModelArtifact, ModelMetadata } from '../models/artifact.ts'
import { DenseTrainer } from './dense-trainer.ts'
import { prepare } from './prepare.ts'
import type { Prepared } from './prepare.ts'
import type { Epoch, TrainSpec } from './spec.ts'
import { trainTensorflow } from './tensorflow-trainer.ts'

export interface TrainingData {
  readonly spec: TrainSpec
  /** `features` numbers a row, then the target if there is one. */
  readonly rows: Float64Array
}

export type FromTraining =
  | { readonly type: 'epoch'; readonly epoch: Epoch; readonly artifact: ModelArtifact | undefined }
  | { readonly type: 'done'; readonly artifact: ModelArtifact }
  | { readonly type: 'failed'; readonly error: StreamErrorParts }

const port = parentPort
if (port === null) throw new Error('training-worker.ts is started by a training, as a worker')
const post = (message: FromTraining) => port.postMessage(message)

function trainDense(spec: TrainSpec, data: Prepared): ModelArtifact {
  const { layers } = spec
  if (typeof layers === 'string') throw new Error('layers are given')
  const trainer = new DenseTrainer(spec.features.length, layers, spec.seed)
  const made = () =>
    denseArtifact(spec.name, trainer.stack(), metadataOf(spec, data, trainer.errors(data.heldX, data.heldY)))
  for (let epoch = 1; epoch <= spec.epochs; epoch++) {
    const loss = trainer.epoch(data.x, data.y, spec.batch, spec.rate)
    if (!Number.isFinite(loss)) throw diverged(spec, epoch)
    const validationLoss = data.held === 0 ? null : trainer.loss(data.heldX, data.heldY)
    post({ type: 'epoch', epoch: { epoch, loss, validationLoss }, artifact: made() })
  }
  return made()
}

/** The threshold is 1.5 times the 99 % quantile of the errors on rows that were held back. */
function metadataOf(spec: TrainSpec, data: Prepared, errors: Float64Array): ModelMetadata {
  const sorted = Float64Array.from(errors).sort()
  const threshold = 1.5 * (sorted[Math.max(0, Math.ceil(0.99 * sorted.length) - 1)] ?? 0)
  return {
    features: spec.features,
    target: spec.target,
    scaler: data.scaler,
    threshold,
    training: {
      by: typeof spec.layers === 'string' ? 'tensorflow' : 'riffle',
      rows: data.count,
      held: data.held,
      epochs: spec.epochs,
      batch: spec.batch,
      rate: spec.rate,
      seed: spec.seed,
      data: data.hash,
    },
  }
}

function diverged(spec: TrainSpec, epoch: number): StreamError {
  return new StreamError({
    code: 'TRAINING_FAILED',
    message: `Cannot train model "${spec.name}": its error is no number any more after epoch ${epoch}`,
    hint: `--rate ${spec.rate / 10}`,
  })
}

async function train({ spec, rows }: TrainingData): Promise<void> {
  try {
    const data = prepare(rows, spec)
    const artifact =
      typeof spec.layers === 'string'
        ? await trainTensorflow(
            spec,
            data,
            (epoch, artifact) => post({ type: 'epoch', epoch, artifact }),
            errors => metadataOf(spec, data, errors),
          )
        : trainDense(spec, data)
    post({ type: 'done', artifact })
  } catch (error) {
    post({ type: 'failed', error: partsOf(error, spec) })
  }
}

function partsOf(error: unknown, spec: TrainSpec): StreamErrorParts {
  if (error instanceof StreamError) return error.toJSON()
  return {
    code: 'TRAINING_FAILED',
    message: `Cannot train model "${spec.name}": ${(error as Error).message}`,
    hint: 'Correct the body and run the cell again',
  }
}

void train(workerData as TrainingData)
