/** From files to an artifact: every promise of model.json is checked here, so that a broken file is told where it is named. */
import { StreamError } from '../errors.ts'
import type { ModelArtifact, ModelMetadata, WeightSpec } from './artifact.ts'
import { repairTopology, repairWeights, writtenByKeras3 } from './keras3.ts'
import { invalid, openModelFiles } from './model-files.ts'
import type { ModelFiles } from './model-files.ts'
import { layersOf } from './topology.ts'

interface ModelJson {
  readonly format?: string
  readonly modelTopology?: unknown
  readonly weightsManifest?: readonly { readonly paths: readonly string[]; readonly weights: readonly WeightSpec[] }[]
  readonly signature?: unknown
  readonly userDefinedMetadata?: unknown
}

const bytesOf: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
  complex64: 8,
}

/** @throws StreamError MODEL_UNKNOWN, MODEL_INVALID, CONNECTION_FAILED */
export async function readModel(place: string): Promise<ModelArtifact> {
  const files = await openModelFiles(place)
  const main = await read(files, files.main, place)
  if (files.main.endsWith('.onnx')) {
    if (main.length < 16) throw invalid(place, 'the ONNX file is cut off')
    const beside = await files.read('riffle.json').then(metadataText, () => ({}))
    return { ...beside, name: files.name, version: 1, format: 'onnx', weightSpecs: [], weights: main, notices: [] }
  }
  return fromJson(files, parsed(main, place), place)
}

async function fromJson(files: ModelFiles, json: ModelJson, place: string): Promise<ModelArtifact> {
  const { modelTopology, weightsManifest } = json
  if (typeof modelTopology !== 'object' || modelTopology === null || !Array.isArray(weightsManifest))
    throw invalid(place, 'model.json has no modelTopology and weightsManifest, so it is not of TensorFlow.js')
  const shards: Uint8Array[] = []
  for (const group of weightsManifest) {
    const parts: Uint8Array[] = []
    for (const path of group.paths) parts.push(await read(files, path, place))
    const wanted = group.weights.reduce((sum: number, spec: WeightSpec) => sum + sizeOf(spec), 0)
    const bytes = joined(parts)
    if (bytes.length !== wanted)
      throw invalid(
        place,
        `its weights are ${wanted} bytes by model.json, ${group.paths.join(', ')} hold ${bytes.length}`,
      )
    shards.push(bytes)
  }
  const specs = weightsManifest.flatMap(group => group.weights)
  return artifactOf({
    name: files.name,
    topology: modelTopology,
    specs,
    weights: joined(shards),
    signature: json.signature,
    metadata: json.userDefinedMetadata,
    graph: json.format === 'graph-model' || 'node' in modelTopology,
    place,
  })
}

interface Parts {
  readonly name: string
  readonly topology: unknown
  readonly specs: readonly WeightSpec[]
  readonly weights: Uint8Array
  readonly signature?: unknown
  readonly metadata?: unknown
  readonly graph: boolean
  readonly place: string
}

/** What a file or a model in memory gives; repairs what Keras 3 wrote. */
export function artifactOf(parts: Parts): ModelArtifact {
  const { name, graph, place } = parts
  const notices: string[] = []
  let { topology, specs } = parts
  if (!graph && writtenByKeras3(topology)) {
    topology = repairTopology(topology)
    const names = new Set((layersOf(topology) ?? []).map(layer => layer.name))
    specs = repairWeights(specs, names)
    notices.push(
      `Model "${name}" was written by Keras 3 and is repaired for TensorFlow.js; its weights are as they were.`,
    )
  }
  if (!graph && layersOf(topology) === undefined)
    throw invalid(place, 'its modelTopology is of no Keras model: it has no list of layers')
  checkFinite(specs, parts.weights, place)
  return {
    ...metadataOf(parts.metadata),
    name,
    version: 1,
    format: graph ? 'graph' : 'layers',
    topology,
    weightSpecs: specs,
    weights: parts.weights,
    signature: parts.signature,
    notices,
  }
}

/** A weight that is NaN makes every score NaN: the file is told, not each row. */
function checkFinite(specs: readonly WeightSpec[], weights: Uint8Array, place: string): void {
  let at = 0
  for (const spec of specs) {
    const size = sizeOf(spec)
    if (spec.dtype === 'float32' && spec.quantization === undefined) {
      const view = new DataView(weights.buffer, weights.byteOffset + at, size)
      for (let i = 0; i < size; i += 4)
        if (!Number.isFinite(view.getFloat32(i, true)))
          throw invalid(
            place,
            `weight "${spec.name}" holds ${view.getFloat32(i, true)} at place ${i / 4}`,
            'Train it again, with a smaller learning rate',
          )
    }
    at += size
  }
}

function metadataText(bytes: Uint8Array): ModelMetadata {
  return metadataOf({ riffle: JSON.parse(new TextDecoder().decode(bytes)) as unknown })
}

/** Own metadata, or what others write in the same place: feature names and a threshold are taken from either. */
function metadataOf(metadata: unknown): ModelMetadata {
  const all = isObject(metadata) ? metadata : {}
  const own = isObject(all['riffle']) ? all['riffle'] : all
  const { features, target, scaler, threshold, training } = own
  const scale = isObject(scaler) ? scaler : {}
  return {
    ...(isList(features, 'string') ? { features: features as string[] } : {}),
    ...(typeof target === 'string' ? { target } : {}),
    ...(isList(scale['mean'], 'number') && isList(scale['deviation'], 'number')
      ? { scaler: { mean: scale['mean'] as number[], deviation: scale['deviation'] as number[] } }
      : {}),
    ...(typeof threshold === 'number' ? { threshold } : {}),
    ...(isObject(training) ? { training } : {}),
  }
}

function parsed(bytes: Uint8Array, place: string): ModelJson {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (isObject(json)) return json
  } catch (error) {
    throw invalid(place, `model.json is no JSON (${(error as Error).message})`)
  }
  throw invalid(place, 'model.json is no JSON object')
}

async function read(files: ModelFiles, path: string, place: string): Promise<Uint8Array> {
  try {
    return await files.read(path)
  } catch (error) {
    if (error instanceof StreamError) throw error
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is not there' : (error as Error).message
    throw invalid(place, `file "${path}" cannot be read, ${why}`)
  }
}

function sizeOf(spec: WeightSpec): number {
  const count = spec.shape.reduce((product, n) => product * n, 1)
  const stored = isObject(spec.quantization) ? String(spec.quantization['dtype']) : spec.dtype
  return count * (bytesOf[stored] ?? 4)
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: unknown, of: 'string' | 'number'): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(item => typeof item === of)
}
