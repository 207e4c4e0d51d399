/** `train(…)`: a model learns from rows of a stream in a thread of its own; its handle is there at once. */
import { resolve } from 'node:path'
import { StreamError } from '../errors.ts'
import { Chart, Stream } from '../stream.ts'
import type { MimeBundle } from '../charts/protocol.ts'
import type { ModelArtifact } from '../models/artifact.ts'
import { Model } from '../models/model.ts'
import { folderOf } from '../models/write-model.ts'
import { runtime } from '../targets/runtime-registry.ts'
import type { Epoch, TrainSpec } from './spec.ts'
import { sliceFrom } from './slice.ts'
import { defaultLayers, parseLayers } from './spec.ts'
import { DISPLAY } from '../told.ts'

const mostRows = 10_000_000

type LayerMaker = (config?: object) => unknown

/** What a function that builds a model is given: the parts of TensorFlow.js that make models, under their own names. */
export interface TensorflowBuilder {
  sequential(config?: object): { add(layer: unknown): void }
  model(config: object): unknown
  input(config: object): unknown
  readonly layers: { readonly dense: LayerMaker; readonly dropout: LayerMaker } & Readonly<Record<string, LayerMaker>>
  readonly regularizers: Readonly<Record<string, (config?: object) => unknown>>
  readonly initializers: Readonly<Record<string, (config?: object) => unknown>>
}

export interface TrainSettings<F extends string> {
  /** Fields the model takes, in their order. */
  readonly features: readonly F[]
  /** Field it foretells. Default: it learns to give its input back (an autoencoder), and the score is what it cannot give back. */
  readonly target?: F | undefined
  /**
   * Layers, one a line: `dense 8 tanh`; or a function that builds a model of TensorFlow.js: `(tf, inputs) => tf.sequential({ … })`.
   * Default for an autoencoder: a half, a quarter, a half of the width.
   */
  readonly layers?: string | ((tf: TensorflowBuilder, inputs: number) => unknown) | undefined
  /** Rows that are read. Default 10,000, with a slice all of it; fewer when the stream ends before. */
  readonly rows?: number | undefined
  /** Only the newest of the topics below: `10m`, back from their clock, until now. */
  readonly last?: string | undefined
  /** Only from here on, in the forms of a topic's `from`. */
  readonly from?: string | undefined
  /** Only up to here, in the forms of a topic's `to`. */
  readonly to?: string | undefined
  /** Folder the model is written to when its training is over, as by `save`. */
  readonly save?: string | undefined
  /** Default 20. */
  readonly epochs?: number | undefined
  /** Rows of one step. Default 32. */
  readonly batch?: number | undefined
  /** Learning rate of Adam. Default 0.002. */
  readonly rate?: number | undefined
  /** Share of the newest rows held back; their errors set the threshold. Default 0.1. */
  readonly validation?: number | undefined
  /** Default 1: the same rows and seed give the same model. */
  readonly seed?: number | undefined
  /** Name in scores. Default `model`. */
  readonly as?: string | undefined
}

/** A model in training: a handle at once. A stream that scores with it waits until it is there, and says so. */
export class TrainedModel extends Model {
  /** The loss curve as a stream: `epoch`, `loss`, `validationLoss`. */
  readonly curve: Stream<Epoch>
  /** Both curves under each other, for the chart. */
  private readonly curves: Stream<unknown>
  /** Resolves when the training has begun to read; rejects when it cannot. */
  readonly begun: Promise<void>

  /** @internal Made by `train`. */
  constructor(spec: TrainSpec, curve: Stream<Epoch>, begun: Promise<void>) {
    super(spec.name, spec.features)
    this.curve = curve
    this.curves = curveOf(`${spec.curve}-chart`)
    this.begun = begun
    begun.catch(() => {})
  }

  override async artifact(): Promise<ModelArtifact> {
    await this.begun
    return super.artifact()
  }

  /**
   * Trains it again on the newest rows of its topics, as many as the first time at most; resolves when the new version is in force. Until
   * then streams go on with the one before.
   *
   * @throws StreamError OPTION_INVALID when it was not trained on a topic, TRAINING_FAILED
   */
  async retrain(): Promise<void> {
    await this.begun
    await runtime().retrain(this.name)
    await runtime().model(this.name)
  }

  /** Ends the training now; what whole epochs have taught stays. */
  async stop(): Promise<void> {
    await runtime().stopTraining(this.name)
  }

  override async [DISPLAY](): Promise<MimeBundle> {
    await this.begun
    const chart = new Chart(this.curves, {
      mark: 'line',
      x: 'epoch',
      y: 'loss',
      color: 'of',
      title: `training of ${this.name}`,
    })
    return chart[DISPLAY]()
  }
}

/**
 * Trains a model on rows of a stream, in a thread: streams, charts and cells go on meanwhile. Interrupt ends it.
 *
 * @throws StreamError OPTION_INVALID
 * @example
 * ```ts
 * const normal = train(sensors, { features: ['temp', 'vibration'], rows: 2000, as: 'normal' })
 * const scored = sensors.score(normal)
 * ```
 */
export function train<T, F extends keyof T & string>(stream: Stream<T>, settings: TrainSettings<F>): TrainedModel {
  const { features, target, as = 'model', layers } = settings
  if (!Array.isArray(features) || features.length === 0 || new Set(features).size < features.length)
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot train with features ${JSON.stringify(features) ?? 'undefined'}: a list of different fields is needed`,
      hint: "features: ['temp', 'vibration']",
    })
  const slice = sliceFrom(settings)
  const inputs = (features as readonly string[]).length
  const outputs = target === undefined ? inputs : 1
  const spec: TrainSpec = {
    name: as,
    features,
    target,
    layers:
      layers === undefined
        ? defaultLayers(inputs, outputs)
        : typeof layers === 'function'
          ? layers.toString()
          : parseLayers(layers, outputs),
    rows: whole('rows', settings.rows ?? (slice === undefined ? 10_000 : mostRows), 10, mostRows),
    slice,
    save: settings.save === undefined ? undefined : resolve(folderOf(as, settings.save)),
    epochs: whole('epochs', settings.epochs ?? 20, 1, 100_000),
    batch: whole('batch', settings.batch ?? 32, 1, 65_536),
    rate: between('rate', settings.rate ?? 2e-3, 0, 1),
    validation: between('validation', settings.validation ?? 0.1, -1e-9, 0.9),
    seed: whole('seed', settings.seed ?? 1, 0, 2 ** 31),
    from: process.cwd(),
    curve: `training-${crypto.randomUUID()}`,
  }
  const curve = curveOf<Epoch>(spec.curve)
  const begun = runtime().train(stream.input(), spec)
  stream.beginPumps()
  return new TrainedModel(spec, curve, begun)
}

function curveOf<T>(id: string): Stream<T> {
  const plan = { op: 'feed', id, partitions: 1, bounded: false } as const
  return new Stream<T>({ plan, pumps: [], endless: () => false })
}

function whole(what: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot train with ${what} ${value}: a whole number from ${least} to ${most} is needed`,
  })
}

function between(what: string, value: number, above: number, most: number): number {
  if (value > above && value <= most) return value
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot train with ${what} ${value}: a number from ${Math.max(0, above)} to ${most} is needed`,
  })
}
