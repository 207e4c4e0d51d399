/**
 * From what a model gives to a score, key by key: the error of giving a row back, of foretelling a field, or the number itself.
 * The state of a key is the tail of its scores and, for models of sequences, its last rows.
 */
import { StreamError } from '../errors.ts'
import type { ScoringModel } from '../models/open-models.ts'
import type { Cause, Score, Threshold } from './scorer.ts'
import { readState, writeState } from './state.ts'
import { Tail } from './tail.ts'

const topCauses = 3
const defaultOneIn = 1000
/** Before so many scores "one in a thousand" is no more than a guess. */
const enough = 100

/** A row by its fields. */
export type FieldsOf = Readonly<Record<string, unknown>>

export interface Prediction {
  /** Scaled inputs; those of this row begin at `at`. */
  readonly input: Float32Array
  readonly at: number
  readonly out: Float32Array
  readonly to: number
  /** As it came. */
  readonly row: FieldsOf
}

type Kind = 'back' | 'target' | 'value'

export class ModelScores {
  private readonly features: readonly string[]
  private readonly tail = new Tail()
  private seen = 0
  /** Scaled rows of a sequence model, oldest first. */
  private past: number[] = []

  constructor(features: readonly string[]) {
    this.features = features
  }

  /** @throws StreamError MODEL_INVALID when the numbers a model gives have no meaning as a score */
  static check(model: ScoringModel): void {
    kindOf(model)
  }

  /** Writes the scaled input of the row to `input` at `at`; a sequence begins with its first row repeated. */
  take(row: FieldsOf, model: ScoringModel, input: Float32Array, at: number): void {
    const { inputs, steps } = model.predictor
    const { features } = this
    if (steps === 1) {
      for (let f = 0; f < inputs; f++) input[at + f] = scale(row[features[f]!] as number, f, model)
      return
    }
    const scaled = features.map((feature, f) => scale(row[feature] as number, f, model))
    if (this.past.length !== inputs * steps) this.past = Array.from({ length: steps }, () => scaled).flat()
    else {
      this.past.splice(0, inputs)
      this.past.push(...scaled)
    }
    input.set(this.past, at)
  }

  /** Undefined when the model gave no finite number. */
  score(model: ScoringModel, prediction: Prediction, threshold: Threshold | undefined): Score | undefined {
    const value = valueOf(model, prediction)
    if (!Number.isFinite(value)) return undefined
    const oneIn = this.seen < enough ? 1 : this.tail.oneIn(value)
    this.tail.learn(value)
    this.seen++
    const compared = threshold ?? fromModel(model)
    const limit = 'value' in compared ? compared.value : compared.oneIn
    const anomalous = ('value' in compared ? value : oneIn) >= limit
    const { name, version } = model.artifact
    return {
      value,
      oneIn,
      anomalous,
      threshold: limit,
      model: name,
      version,
      causes: anomalous ? this.causes(partsOf(model, prediction)) : [],
    }
  }

  private causes(parts: readonly number[]): Cause[] {
    const sum = parts.reduce((total, part) => total + part, 0)
    if (parts.length !== this.features.length || parts.length === 1 || sum <= 0) return []
    return this.features
      .map((feature, f) => ({ feature, share: parts[f]! / sum }))
      .filter(({ share }) => share > 0)
      .sort((a, b) => b.share - a.share)
      .slice(0, topCauses)
  }

  toJSON(): unknown {
    const { tail, seen, past } = this
    return readState({ tail, seen, past })
  }

  fromJSON(state: unknown): this {
    writeState(this, state)
    return this
  }
}

function fromModel(model: ScoringModel): Threshold {
  const { threshold } = model.artifact
  return threshold === undefined ? { oneIn: defaultOneIn } : { value: threshold }
}

function scale(x: number, f: number, { artifact }: ScoringModel): number {
  const { scaler } = artifact
  return scaler === undefined ? x : (x - (scaler.mean[f] ?? 0)) / (scaler.deviation[f] || 1)
}

function valueOf(model: ScoringModel, { input, at, out, to, row }: Prediction): number {
  const { inputs, steps, outputs } = model.predictor
  const kind = kindOf(model)
  if (kind === 'value') return out[to]!
  if (kind === 'target') return (out[to]! - scale(row[model.artifact.target!] as number, inputs, model)) ** 2
  const from = firstCompared(at, inputs, steps, outputs)
  let sum = 0
  for (let o = 0; o < outputs; o++) {
    const error = out[to + o]! - input[from + o]!
    sum += error * error
  }
  return sum / outputs
}

/** A whole sequence given back counts as a whole; of one row given back the last step is compared. */
function firstCompared(at: number, inputs: number, steps: number, outputs: number): number {
  return outputs === inputs * steps ? at : at + inputs * (steps - 1)
}

/** Squared errors by feature; nothing where the score is one number. */
function partsOf(model: ScoringModel, { input, at, out, to }: Prediction): number[] {
  const { inputs, steps, outputs } = model.predictor
  if (kindOf(model) !== 'back') return []
  const from = firstCompared(at, inputs, steps, outputs)
  const parts = Array.from({ length: inputs }, () => 0)
  for (let o = 0; o < outputs; o++) parts[o % inputs]! += (out[to + o]! - input[from + o]!) ** 2
  return parts
}

function kindOf(model: ScoringModel): Kind {
  const { inputs, steps, outputs } = model.predictor
  if (model.artifact.target !== undefined && outputs === 1) return 'target'
  if (outputs === 1) return 'value'
  if (outputs === inputs || outputs === inputs * steps) return 'back'
  throw new StreamError({
    code: 'MODEL_INVALID',
    message: `Cannot score with model "${model.artifact.name}": it gives ${outputs} numbers for ${inputs} features, a score is one number or as many as there are features`,
    hint: 'End the model with one unit, or with one for each feature',
  })
}
