/**
 * `model(…)`: a model by its place or from memory, as a handle that streams score with. The runtime holds the model under its name;
 * another one of the same name takes its place in all running streams, between two batches.
 */
import { StreamError } from '../errors.ts'
import type { MimeBundle } from '../charts/protocol.ts'
import { runtime } from '../targets/runtime-registry.ts'
import type { ModelArtifact, ModelScaler, WeightSpec } from './artifact.ts'
import { artifactOf, readModel } from './read-model.ts'
import { layersOf } from './topology.ts'
import { writeModel } from './write-model.ts'
import { DISPLAY } from '../told.ts'

export const MODEL_BRAND: unique symbol = Symbol.for('riffle.model') as never

export interface ModelOptions {
  /** Name in scores and for `%%score --model`. Default: the last part of the place, or the topology's own name. */
  readonly as?: string | undefined
  /** Names of the inputs, in their order; wins over what the file says. */
  readonly features?: readonly string[] | undefined
  /** `(x − mean) / deviation` before the model; wins over what the file says. */
  readonly scaler?: ModelScaler | undefined
  /** From which score on a row is anomalous; wins over what the file says. */
  readonly threshold?: number | undefined
}

/** A model of TensorFlow.js in memory: what `tf.sequential` and the loaders give. */
interface Saveable {
  readonly name?: string
  save(handler: { save(artifacts: SavedArtifacts): Promise<unknown> }): Promise<unknown>
}

interface SavedArtifacts {
  readonly modelTopology?: unknown
  readonly weightSpecs?: readonly WeightSpec[]
  readonly weightData?: ArrayBuffer | readonly ArrayBuffer[]
  readonly signature?: unknown
  readonly userDefinedMetadata?: unknown
}

/** What is known of a model by name. */
export type ModelState =
  | { readonly state: 'training'; readonly epoch: number; readonly epochs: number }
  | { readonly state: 'ready'; readonly artifact: ModelArtifact }
  | { readonly state: 'failed'; readonly message: string }

export class Model {
  readonly [MODEL_BRAND] = true
  /** The name scores carry as `model`. */
  readonly name: string
  /** Names of its inputs, as far as they are known. */
  readonly features: readonly string[] | undefined

  /** @internal Made by `model` and `train`. */
  constructor(name: string, features?: readonly string[]) {
    this.name = name
    this.features = features
  }

  /** The model itself, once it is there. @throws StreamError MODEL_UNKNOWN, TRAINING_FAILED */
  async artifact(): Promise<ModelArtifact> {
    return runtime().model(this.name)
  }

  /**
   * Writes the folder PLACE with model.json and weights.bin, which TensorFlow.js and its Python package read; feature names, scaler
   * and threshold are kept in it. Resolves with the folder.
   */
  async save(place: string): Promise<string> {
    return writeModel(await this.artifact(), place)
  }

  async [DISPLAY](): Promise<MimeBundle> {
    return { 'text/plain': describe(await this.artifact()) }
  }
}

/**
 * Reads a model: a folder with model.json, a zip of one, an `.onnx` file, a URL, or a model of TensorFlow.js in memory. What Keras 3
 * wrote is repaired, with a notice. Resolves when all of it was read and checked.
 *
 * @throws StreamError MODEL_UNKNOWN, MODEL_INVALID, CONNECTION_FAILED
 * @example
 * ```ts
 * const scored = sensors.score(await model('file:models/autoencoder'), { features: ['temp', 'vibration'], threshold: 3 })
 * ```
 */
export async function model(source: string | object, options: ModelOptions = {}): Promise<Model> {
  const read = typeof source === 'string' ? await readModel(source) : await fromMemory(source)
  const { as, features, scaler, threshold } = options
  const artifact: ModelArtifact = {
    ...read,
    from: process.cwd(),
    ...(as === undefined ? {} : { name: as }),
    ...(features === undefined ? {} : { features }),
    ...(scaler === undefined ? {} : { scaler }),
    ...(threshold === undefined ? {} : { threshold }),
  }
  await runtime().defineModel(artifact)
  for (const notice of artifact.notices) console.log(notice)
  return new Model(artifact.name, artifact.features)
}

async function fromMemory(source: object): Promise<ModelArtifact> {
  let saved: SavedArtifacts | undefined
  if ('save' in source && typeof source.save === 'function') {
    await (source as Saveable).save({
      save: async artifacts => {
        saved = artifacts
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
      },
    })
  } else if ('modelTopology' in source && 'weightSpecs' in source) saved = source as SavedArtifacts
  const { modelTopology, weightSpecs, weightData, signature, userDefinedMetadata } = saved ?? {}
  if (
    typeof modelTopology !== 'object' ||
    modelTopology === null ||
    weightSpecs === undefined ||
    weightData === undefined
  )
    throw new StreamError({
      code: 'MODEL_INVALID',
      message:
        'Cannot take a model from memory: a model of TensorFlow.js is needed, or { modelTopology, weightSpecs, weightData }',
      hint: "await model(tf.sequential({ … })) or await model('file:models/NAME')",
    })
  const weights = new Uint8Array(await new Blob([weightData].flat() as ArrayBuffer[]).arrayBuffer())
  const name = (source as { name?: unknown }).name
  const graph = layersOf(modelTopology) === undefined && 'node' in modelTopology
  return artifactOf({
    name: typeof name === 'string' ? name : 'model',
    topology: modelTopology,
    specs: weightSpecs,
    weights,
    signature,
    metadata: userDefinedMetadata,
    graph,
    place: 'memory',
  })
}

function describe(artifact: ModelArtifact): string {
  const { name, version, format, features, threshold, weights } = artifact
  const layers =
    format === 'layers' ? (layersOf(artifact.topology) ?? []).map(l => shortLayer(l.className, l.config)) : []
  const lines = [
    `${name} v${version}: ${format === 'onnx' ? 'ONNX' : `TensorFlow.js ${format === 'layers' ? 'LayersModel' : 'GraphModel'}`}, ${Math.ceil(weights.length / 1024)} kB`,
    ...(layers.length === 0 ? [] : [`layers: ${layers.join(' → ')}`]),
    ...(features === undefined ? [] : [`features: ${features.join(', ')}`]),
    ...(threshold === undefined ? [] : [`threshold: ${Number(threshold.toPrecision(4))}`]),
  ]
  return lines.join('\n')
}

function shortLayer(className: string, config: Readonly<Record<string, unknown>>): string {
  return [className.toLowerCase(), config['units'], config['activation']].filter(part => part !== undefined).join(' ')
}
