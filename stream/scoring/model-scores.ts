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

/** What a model was asked and said, for all rows of one call. */
export interface Call {
  readonly model: ScoringModel
  /** Scaled inputs, those of a row beside each other. */
  readonly input: Float32Array
  readonly out: Float32Array
  readonly count: number
  /** Scaled fields that were to be foretold, one a row; empty when none is. */
  readonly targets: Float64Array
}

type Kind = 'back' | 'target' | 'value'

/** Most rows are no alerts: they share this one. */
const noCauses: readonly Cause[] = Object.freeze([])

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

  /** What a model of sequences is asked: its last rows and the one at `at`, whose place they take; it begins with its first row repeated. */
  remember(input: Float32Array, at: number, { inputs, steps }: ScoringModel['predictor']): void {
    const row = input.subarray(at, at + inputs)
    if (this.past.length !== inputs * steps) this.past = Array.from({ length: steps }, () => [...row]).flat()
    else {
      this.past.splice(0, inputs)
      this.past.push(...row)
    }
    input.set(this.past, at)
  }

  /** @param value of row `n` of the call. Undefined when the model gave no finite number */
  score(call: Call, n: number, value: number, threshold: Threshold | undefined): Score | undefined {
    if (!Number.isFinite(value)) return undefined
    const rarity = this.tail.take(value)
    const oneIn = this.seen < enough ? 1 : rarity
    this.seen++
    const compared = threshold ?? fromModel(call.model)
    const limit = 'value' in compared ? compared.value : compared.oneIn
    const anomalous = ('value' in compared ? value : oneIn) >= limit
    const { name, version } = call.model.artifact
    const causes = anomalous ? this.causes(partsOf(call, n)) : noCauses
    return { value, oneIn, anomalous, threshold: limit, model: name, version, causes }
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

/** From what a model gave to one number a row: the error of giving a row back, of foretelling a field, or the number itself. */
export function valuesOf(call: Call, values: Float64Array): void {
  const { model, input, out, count, targets } = call
  const { inputs, steps, outputs } = model.predictor
  const kind = kindOf(model)
  const first = firstCompared(inputs, steps, outputs)
  for (let n = 0, to = 0, at = first; n < count; n++, to += outputs, at += inputs * steps) {
    if (kind === 'value') values[n] = out[to]!
    else if (kind === 'target') values[n] = (out[to]! - targets[n]!) ** 2
    else {
      let sum = 0
      for (let o = 0; o < outputs; o++) {
        const error = out[to + o]! - input[at + o]!
        sum += error * error
      }
      values[n] = sum / outputs
    }
  }
}

/** A whole sequence given back counts as a whole; of one row given back the last step is compared. */
function firstCompared(inputs: number, steps: number, outputs: number): number {
  return outputs === inputs * steps ? 0 : inputs * (steps - 1)
}

/** Squared errors by feature; nothing where the score is one number. */
function partsOf({ model, input, out }: Call, n: number): number[] {
  const { inputs, steps, outputs } = model.predictor
  if (kindOf(model) !== 'back') return []
  const from = n * inputs * steps + firstCompared(inputs, steps, outputs)
  const parts = Array.from({ length: inputs }, () => 0)
  for (let o = 0; o < outputs; o++) parts[o % inputs]! += (out[n * outputs + o]! - input[from + o]!) ** 2
  return parts
}

function kindOf(model: ScoringModel): Kind {
  const { inputs, steps, outputs } = model.predictor
  const { target, training } = model.artifact
  if (target !== undefined && outputs === 1) return 'target'
  // One number for one field: who was trained here without a target has learned to give it back.
  if (outputs === 1 && (training === undefined || inputs > 1)) return 'value'
  if (outputs === inputs || outputs === inputs * steps) return 'back'
  throw new StreamError({
    code: 'MODEL_INVALID',
    message: `Cannot score with model "${model.artifact.name}": it gives ${outputs} numbers for ${inputs} features, a score is one number or as many as there are features`,
    hint: 'End the model with one unit, or with one for each feature',
  })
}
