/**
 * A model as plain data: what a file holds, what a training makes, what goes to the engine. It passes threads and journals as it
 * is, so a stream restored on another worker scores with the same bytes.
 */
import { createHash } from 'node:crypto'

export type ModelFormat = 'layers' | 'graph' | 'onnx'

export interface WeightSpec {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: string
  readonly quantization?: unknown
}

/** What a row goes through before the model sees it: `(x − mean) / deviation`, feature by feature. */
export interface ModelScaler {
  readonly mean: readonly number[]
  readonly deviation: readonly number[]
}

/** What a model knows about its own use; kept in the file as `userDefinedMetadata.riffle`. */
export interface ModelMetadata {
  /** Names of the inputs, in their order. */
  readonly features?: readonly string[] | undefined
  /** Field the model foretells; absent: it gives its input back. */
  readonly target?: string | undefined
  readonly scaler?: ModelScaler | undefined
  /** From which score on a row is anomalous. */
  readonly threshold?: number | undefined
  /** How it was trained, for people. */
  readonly training?: Readonly<Record<string, unknown>> | undefined
}

export interface ModelArtifact extends ModelMetadata {
  readonly name: string
  /** 1 for the first of its name, one more each time the name gets another. */
  readonly version: number
  readonly format: ModelFormat
  /** `modelTopology` of model.json; absent for ONNX. */
  readonly topology?: unknown
  readonly weightSpecs: readonly WeightSpec[]
  /** Weights one after the other as in the specs; for ONNX the file. */
  readonly weights: Uint8Array
  readonly signature?: unknown
  /** What was repaired while reading, one line each. */
  readonly notices: readonly string[]
  /** Folder that packages (TensorFlow.js) are looked up from first. */
  readonly from?: string | undefined
}

/** A name for the bytes: equal models have equal hashes, whatever they are called. */
export function hashOf(artifact: ModelArtifact): string {
  const { topology, weightSpecs, weights, features, scaler, format } = artifact
  const text = JSON.stringify([format, topology, weightSpecs, features, scaler])
  return createHash('sha256').update(text).update(weights).digest('hex').slice(0, 12)
}
