/** A model in the ONNX format, by whichever onnxruntime package is installed. */
import { StreamError } from '../errors.ts'
import type { ModelArtifact } from './artifact.ts'
import type { HostedModel } from './model-worker.ts'
import { requireOptional } from './packages.ts'
import { firstLine } from './tensorflow.ts'

interface OnnxTensor {
  readonly data: Float32Array
  readonly dims: readonly number[]
}

interface OnnxRuntime {
  readonly Tensor: new (type: string, data: Float32Array, dims: readonly number[]) => OnnxTensor
  readonly InferenceSession: { create(bytes: Uint8Array, options: object): Promise<OnnxSession> }
  readonly env?: { wasm?: { numThreads?: number } }
}

interface OnnxSession {
  readonly inputNames: readonly string[]
  readonly outputNames: readonly string[]
  readonly inputMetadata?: readonly { readonly shape?: readonly (number | string)[] }[]
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>
}

/** @throws StreamError MODEL_UNSUPPORTED, MODEL_INVALID */
export async function openOnnx(artifact: ModelArtifact): Promise<HostedModel> {
  const runtime = requireOptional(
    ['onnxruntime-node', 'onnxruntime-web'],
    artifact.from,
    `run ONNX model "${artifact.name}"`,
    '%install onnxruntime-web',
  ) as OnnxRuntime
  // One thread: the streams beside need the other cores.
  if (runtime.env?.wasm !== undefined) runtime.env.wasm.numThreads = 1
  let session: OnnxSession
  try {
    session = await runtime.InferenceSession.create(artifact.weights, { intraOpNumThreads: 1, logSeverityLevel: 3 })
  } catch (error) {
    throw new StreamError({
      code: 'MODEL_INVALID',
      message: `Cannot score with model "${artifact.name}": onnxruntime does not load it`,
      detail: firstLine(error),
      hint: 'Export it again: tf2onnx, torch.onnx.export or skl2onnx',
    })
  }
  const shape = session.inputMetadata?.[0]?.shape ?? []
  const inputs = numberAt(shape, -1) ?? artifact.features?.length
  const steps = shape.length === 3 ? numberAt(shape, 1) : 1
  if (session.inputNames.length !== 1 || inputs === undefined || steps === undefined)
    throw new StreamError({
      code: 'MODEL_INVALID',
      message: `Cannot score with model "${artifact.name}": it needs one input of a fixed size, it has ${session.inputNames.join(', ')} [${shape.join(', ')}]`,
      hint: 'Export it with a fixed number of features',
    })
  const dims = (count: number) => (shape.length === 3 ? [count, steps, inputs] : [count, inputs])
  const predict = async (rows: Float32Array, count: number) => {
    const name = session.inputNames[0]!
    const out = await session.run({ [name]: new runtime.Tensor('float32', rows.slice(), dims(count)) })
    return out[session.outputNames[0]!]!.data
  }
  const outputs = (await predict(new Float32Array(inputs * steps), 1)).length
  return { engine: 'onnx', atOnce: false, inputs, steps, outputs, notices: artifact.notices, predict }
}

function numberAt(shape: readonly (number | string)[], at: number): number | undefined {
  const size = shape.at(at)
  return typeof size === 'number' && size > 0 ? size : undefined
}
