/**
 * Scores rows by a model, many in one call. A row that lacks a feature, or has a value that is no finite number, goes to `.errors()`;
 * so do the rows of a batch the model fails on, and the stream goes on.
 *
 *   rows ─▶ vectors (scaled) ─▶ predict, at most `batch` at a time ─▶ value per row ─▶ rarity, threshold, causes ─▶ rows
 */
import type { Batch } from '../model.ts'
import type { ScoreOptions } from '../plan.ts'
import { StreamError } from '../errors.ts'
import type { ScoringModel } from '../models/open-models.ts'
import { ModelScores } from '../scoring/model-scores.ts'
import type { FieldsOf } from '../scoring/model-scores.ts'
import { vectorOf } from '../scoring/score-rows.ts'
import { selectRows } from './filter.ts'
import { KeyedScores, REFUSED } from './keyed-scores.ts'
import type { LambdaHost } from './lambda.ts'
import type { StageContext } from './operator.ts'
import type { NamedReader } from './row-reader.ts'

/** Keys have a tail and a past of their own. */
const limits = { mostKeys: 100_000, text: 'keys already', bytesEach: 33_000 }

export interface ModelHost extends LambdaHost {
  /** The model of that name, open. */
  model?(name: string): ScoringModel | undefined
}

export class ScoreModelOperator extends KeyedScores<ModelScores> {
  private readonly name: string
  private readonly batchSize: number
  private model: ScoringModel | undefined
  /** Of the call at hand, kept so that none is made anew. */
  private input = new Float32Array(0)
  private readonly places: number[] = []
  private readonly inCall: ModelScores[] = []

  constructor(options: ScoreOptions, keys: readonly NamedReader[], host: ModelHost, context: StageContext) {
    super(options, keys, host, context, limits)
    this.name = options.model!.name
    this.batchSize = options.model!.batch
    const model = host.model?.(this.name)
    if (model !== undefined) this.setModel(model)
  }

  /** Rows from now on have their score from this model. @throws StreamError MODEL_INVALID when it does not fit the features */
  setModel(model: ScoringModel): void {
    if (model.artifact.name !== this.name) return
    const { inputs } = model.predictor
    const { features } = this.options
    if (inputs !== features.length)
      throw new StreamError({
        code: 'MODEL_INVALID',
        message: `Cannot score with model "${this.name}": it takes ${inputs} features, ${features.length} are given (${features.join(', ')})`,
        detail:
          model.artifact.features === undefined
            ? undefined
            : `The model was trained on ${model.artifact.features.join(', ')}`,
        hint:
          model.artifact.features === undefined
            ? 'Name as many fields as it takes: --features a,b'
            : `--features ${model.artifact.features.join(',')}`,
      })
    ModelScores.check(model)
    this.model = model
  }

  onBatch(batch: Batch): Batch {
    const kept: number[] = []
    const rows: unknown[] = []
    for (let from = 0; from < batch.count; from += this.batchSize) {
      this.scoreSome(batch, from, Math.min(batch.count, from + this.batchSize), kept, rows)
    }
    return selectRows(batch, Int32Array.from(kept), rows.length, rows)
  }

  private scoreSome(batch: Batch, from: number, to: number, kept: number[], rows: unknown[]): void {
    const { model, context } = this
    if (model === undefined)
      throw new StreamError({ code: 'INTERNAL', message: `Cannot score: model "${this.name}" is not open` })
    const { inputs, steps, outputs } = model.predictor
    const width = inputs * steps
    if (this.input.length < (to - from) * width) this.input = new Float32Array((to - from) * width)
    const { input, places, inCall: states } = this
    let count = 0
    for (let i = from; i < to; i++) {
      if (!this.usable(batch, i, model)) continue
      const state = this.stateOf(batch, i)
      if (state === undefined) continue
      state.take(batch.rows[i] as FieldsOf, model, input, count * width)
      places[count] = i
      states[count++] = state
    }
    if (count === 0) return
    let out: Float32Array
    try {
      out = model.predictor.predict(input, count)
    } catch (error) {
      for (let n = 0; n < count; n++) context.refuse(batch, places[n]!, (error as Error).message)
      return
    }
    const threshold = this.threshold()
    for (let n = 0; n < count; n++) {
      const i = places[n]!
      const row = batch.rows[i] as FieldsOf
      const score = states[n]!.score(model, { input, at: n * width, out, to: n * outputs, row }, threshold)
      if (score === undefined) {
        context.refuse(batch, i, `model "${this.name}" gives no finite number for this row`)
        continue
      }
      if (this.options.labels !== undefined) score.label = Boolean(row[this.options.labels])
      const made = this.made(batch, i, row, score)
      if (made === REFUSED) continue
      kept.push(i)
      rows.push(made)
    }
  }

  /** Whether each input, and the target of a model that foretells one, is a finite number; else the row is refused. */
  private usable(batch: Batch, i: number, model: ScoringModel): boolean {
    if (this.isRetracted(batch, i)) return false
    const { features } = this.options
    const { target } = model.artifact
    const row = batch.rows[i] as FieldsOf | null
    let good = row !== null && row !== undefined && (target === undefined || Number.isFinite(row[target]))
    for (let f = 0; good && f < features.length; f++) good = Number.isFinite(row![features[f]!])
    if (good) return true
    try {
      // Only here is the text made that says what is wrong.
      vectorOf(row, target === undefined ? features : [...features, target], 'row')
    } catch (error) {
      this.context.refuse(batch, i, (error as StreamError).message)
    }
    return false
  }

  protected newState(): ModelScores {
    return new ModelScores(this.options.features)
  }
}
