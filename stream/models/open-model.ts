/**
 * From an artifact to a model at work. A plain stack of dense layers becomes code of its own, checked against TensorFlow.js on random
 * rows where that is installed; everything else runs in a thread. One model of equal bytes is open once per thread.
 */
import { StreamError } from '../errors.ts'
import { SeededRandom } from '../scoring/random.ts'
import { hashOf } from './artifact.ts'
import type { ModelArtifact } from './artifact.ts'
import { DensePredictor } from './dense-code.ts'
import { hasTensorflow } from './packages.ts'
import type { Predictor } from './predictor.ts'
import { denseStack } from './topology.ts'
import { openInWorker } from './worker-predictor.ts'

const checkedRows = 32
const tolerance = 1e-5

interface Shared {
  readonly predictor: Promise<Predictor>
  users: number
}

const open = new Map<string, Shared>()
/** Hashes of models whose code gave what TensorFlow.js gives. */
const agreed = new Set<string>()

/** `auto`: compiled where it can be. `tensorflow`: never compiled. `cpu`: neither, and on the plain backend of TensorFlow.js. */
export type EngineChoice = 'auto' | 'tensorflow' | 'cpu'

/**
 * Opens a model; `close` of the result gives it back.
 *
 * @throws StreamError MODEL_INVALID, MODEL_UNSUPPORTED
 */
export async function openModel(artifact: ModelArtifact, engine: EngineChoice = 'auto'): Promise<Predictor> {
  const key = `${hashOf(artifact)} ${engine}`
  let shared = open.get(key)
  if (shared === undefined) {
    shared = { predictor: made(artifact, engine), users: 0 }
    open.set(key, shared)
  }
  shared.users++
  const give = async () => {
    if (--shared.users > 0) return
    if (open.get(key) === shared) open.delete(key)
    await shared.predictor.then(predictor => predictor.close()).catch(() => {})
  }
  try {
    return lent(await shared.predictor, () => void give())
  } catch (error) {
    await give()
    throw error
  }
}

function lent(predictor: Predictor, giveBack: () => void): Predictor {
  let closed = false
  return {
    engine: predictor.engine,
    inputs: predictor.inputs,
    steps: predictor.steps,
    outputs: predictor.outputs,
    notices: predictor.notices,
    get tensorCount() {
      return predictor.tensorCount
    },
    predict: (rows, count) => predictor.predict(rows, count),
    close: () => {
      if (!closed) giveBack()
      closed = true
    },
  }
}

async function made(artifact: ModelArtifact, engine: EngineChoice): Promise<Predictor> {
  const stack = engine === 'auto' ? denseStack(artifact) : undefined
  if (stack === undefined) return openInWorker(artifact, engine === 'cpu' ? 'cpu' : 'wasm')
  const compiled = new DensePredictor(stack, artifact.notices)
  const hash = hashOf(artifact)
  // A net of our own training is made by the same arithmetic: there is nothing foreign to check.
  if (artifact.training?.['by'] === 'riffle' || agreed.has(hash)) return compiled
  if (!hasTensorflow(artifact.from)) {
    const notice = `Model "${artifact.name}" is compiled and not checked: TensorFlow.js is not installed`
    return new DensePredictor(stack, [...artifact.notices, notice])
  }
  const reference = await openInWorker(artifact)
  const difference = largestDifference(compiled, reference)
  if (difference <= tolerance) {
    reference.close()
    agreed.add(hash)
    return compiled
  }
  return {
    ...lent(reference, () => reference.close()),
    notices: [
      ...reference.notices,
      `Model "${artifact.name}" runs on TensorFlow.js: compiled it differs by ${difference.toPrecision(2)}`,
    ],
  }
}

/** Over random rows, relative where numbers are above 1. */
export function largestDifference(a: Predictor, b: Predictor): number {
  if (a.inputs !== b.inputs || a.outputs !== b.outputs)
    throw new StreamError({ code: 'INTERNAL', message: 'Cannot compare models of different shapes' })
  const random = new SeededRandom(20)
  const rows = Float32Array.from({ length: checkedRows * a.inputs }, () => 4 * random.next() - 2)
  const [first, second] = [a.predict(rows, checkedRows), b.predict(rows, checkedRows)]
  let most = 0
  for (let i = 0; i < checkedRows * a.outputs; i++) {
    const difference = Math.abs(first[i]! - second[i]!) / Math.max(1, Math.abs(second[i]!))
    if (!(difference <= most)) most = difference
  }
  return most
}
