/** What a training is told, as plain data: it goes to the engine and from there to a thread. */
import { StreamError } from '../errors.ts'
import type { Activation } from '../models/topology.ts'
import { activations } from '../models/topology.ts'
import type { Slice } from './slice.ts'

export interface LayerSpec {
  readonly units: number
  readonly activation: Activation
}

export interface TrainSpec {
  readonly name: string
  readonly features: readonly string[]
  /** Field the model foretells; absent: it learns to give its input back. */
  readonly target?: string | undefined
  /** Hidden layers and the output; or the text of a function `(tf, inputs) => model`. */
  readonly layers: readonly LayerSpec[] | string
  readonly rows: number
  /** Of the topics below; absent: the stream is read as it is. */
  readonly slice?: Slice | undefined
  /** Folder the model is written to when it is there. */
  readonly save?: string | undefined
  readonly epochs: number
  readonly batch: number
  readonly rate: number
  /** Share of the newest rows that are not trained on: the error on them sets the threshold. */
  readonly validation: number
  readonly seed: number
  /** Folder that packages are looked up from. */
  readonly from?: string | undefined
  /** Feed that rows of the loss curve go to; with `-chart` behind it, those of its chart. */
  readonly curve: string
  readonly cellId?: string | undefined
}

/** A row of the loss curve: mean squared errors in squared deviations. */
export interface Epoch {
  readonly epoch: number
  readonly loss: number
  /** Of the rows held back; null when none are. */
  readonly validationLoss: number | null
}

/** Both curves under each other: what a chart of two lines takes. */
export function curveRows({ epoch, loss, validationLoss }: Epoch): object[] {
  const trained = { epoch, of: 'trained on', loss }
  return validationLoss === null ? [trained] : [trained, { epoch, of: 'held back', loss: validationLoss }]
}

/**
 * `dense 8 tanh`, one a line, as layers; the output is added when the last line is not as wide as it must be.
 *
 * @throws StreamError OPTION_INVALID with the line
 */
export function parseLayers(text: string, outputs: number): LayerSpec[] {
  const lines = text
    .split('\n')
    .map((line, i) => ({ line: line.replace(/(#|\/\/).*$/, '').trim(), number: i + 1 }))
    .filter(({ line }) => line !== '')
  return withOutput(
    lines.map(({ line, number }) => layerOf(line, number)),
    outputs,
  )
}

export function withOutput(layers: readonly LayerSpec[], outputs: number): LayerSpec[] {
  return layers.at(-1)?.units === outputs ? [...layers] : [...layers, { units: outputs, activation: 'linear' }]
}

/** Through a half and a quarter of the width, and back. */
export function defaultLayers(inputs: number, outputs: number): LayerSpec[] {
  const [half, quarter] = [Math.max(1, Math.ceil(inputs / 2)), Math.max(1, Math.ceil(inputs / 4))]
  const widths = outputs === inputs ? [half, quarter, half] : [2 * inputs + 2, inputs + 1]
  return withOutput(
    widths.map(units => ({ units, activation: 'tanh' as const })),
    // A net as wide as its output anywhere in the middle still needs its output.
    outputs,
  )
}

function layerOf(line: string, number: number): LayerSpec {
  const [kind, units, activation = 'linear', more] = line.split(/\s+/)
  const known = activations.find(name => name === activation)
  if (kind === 'dense' && /^[1-9]\d{0,3}$/.test(units ?? '') && known !== undefined && more === undefined)
    return { units: Number(units), activation: known }
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot make a layer of line ${number}, "${line}": lines are dense UNITS ACTIVATION, activations are ${activations.join(', ')}`,
    hint: 'dense 8 tanh, or a function: (tf, inputs) => tf.sequential({ … })',
  })
}
