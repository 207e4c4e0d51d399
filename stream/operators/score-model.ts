/**
 * Scores rows by a model, many in one call. A row that lacks a feature, or has a value that is no finite number, goes to `.errors()`;
 * so do the rows of a batch the model fails on, and the stream goes on.
 *
 *   rows ─▶ vectors (scaled) ─▶ predict, so many at a time ─▶ value per row ─▶ rarity, threshold, causes ─▶ rows
 */
import type { Batch } from '../model.ts'
import type { ScoreOptions } from '../plan.ts'
import { StreamError } from '../errors.ts'
import type { ModelScaler } from '../models/artifact.ts'
import type { ScoringModel } from '../models/open-models.ts'
import { CallSize } from '../models/call-size.ts'
import { gatherOf } from '../models/gather.ts'
import type { Gather } from '../models/gather.ts'
import { ModelScores, valuesOf } from '../scoring/model-scores.ts'
import { vectorOf } from '../scoring/score-rows.ts'
import { wallClock } from '../time/clock.ts'
import type { Clock } from '../time/clock.ts'
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
  private readonly size: CallSize
  private readonly clock: Clock
  private model: ScoringModel | undefined
  private readInputs: Gather = () => false
  private readTarget: Gather | undefined
  /** Of the call at hand, kept so that none is made anew. */
  private input = new Float32Array(0)
  private targets = new Float64Array(0)
  private values = new Float64Array(0)
  private readonly places: number[] = []
  private readonly inCall: ModelScores[] = []

  /** @param clock tells how long a call took, which decides how rows are cut and nothing else */
  constructor(
    options: ScoreOptions,
    keys: readonly NamedReader[],
    host: ModelHost,
    context: StageContext,
    clock: Clock = wallClock,
  ) {
    super(options, keys, host, context, limits)
    this.name = options.model!.name
    this.size = new CallSize(options.model!)
    this.clock = clock
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
    const { target, scaler } = model.artifact
    this.readInputs = gatherOf(features, scaler, target === undefined ? [] : [target])
    this.readTarget = target === undefined ? undefined : gatherOf([target], ofTarget(scaler, features.length))
  }

  onBatch(batch: Batch): Batch {
    const kept = new Int32Array(batch.count)
    const rows: unknown[] = []
    for (let from = 0; from < batch.count;) {
      const to = Math.min(batch.count, from + this.size.rows)
      this.scoreSome(batch, from, to, kept, rows)
      from = to
    }
    return selectRows(batch, kept, rows.length, rows)
  }

  private scoreSome(batch: Batch, from: number, to: number, kept: Int32Array, rows: unknown[]): void {
    const { model, context } = this
    if (model === undefined)
      throw new StreamError({ code: 'INTERNAL', message: `Cannot score: model "${this.name}" is not open` })
    const count = this.gather(batch, from, to, model)
    if (count === 0) return
    const { input, places, inCall: states, targets, values } = this
    let out: Float32Array
    const began = this.clock.nowMs()
    try {
      out = model.predictor.predict(input, count)
      this.size.took(to - from, this.clock.nowMs() - began)
    } catch (error) {
      for (let n = 0; n < count; n++) context.refuse(batch, places[n]!, (error as Error).message)
      return
    }
    const call = { model, input, out, count, targets }
    valuesOf(call, values)
    const threshold = this.threshold()
    const { labels } = this.options
    for (let n = 0; n < count; n++) {
      const i = places[n]!
      const row = batch.rows[i]
      const score = states[n]!.score(call, n, values[n]!, threshold)
      if (score === undefined) {
        context.refuse(batch, i, `model "${this.name}" gives no finite number for this row`)
        continue
      }
      if (labels !== undefined) score.label = Boolean((row as Readonly<Record<string, unknown>>)[labels])
      const made = this.made(batch, i, row, score)
      if (made === REFUSED) continue
      kept[rows.length] = i
      rows.push(made)
    }
  }

  /** Scaled rows of the call, with their states and places. Gives how many they are: a row that cannot be scored is refused. */
  private gather(batch: Batch, from: number, to: number, model: ScoringModel): number {
    const { predictor } = model
    const width = predictor.inputs * predictor.steps
    if (this.input.length < (to - from) * width) this.input = new Float32Array((to - from) * width)
    if (this.values.length < to - from) this.values = new Float64Array(to - from)
    if (this.readTarget !== undefined && this.targets.length < to - from) this.targets = new Float64Array(to - from)
    const { input, places, inCall, readInputs, readTarget, targets } = this
    let count = 0
    for (let i = from; i < to; i++) {
      if (this.isRetracted(batch, i)) continue
      const row = batch.rows[i]
      if (!readInputs(row, input, count * width)) {
        this.refuseRow(batch, i, model)
        continue
      }
      const state = this.stateOf(batch, i)
      if (state === undefined) continue
      if (predictor.steps > 1) state.remember(input, count * width, predictor)
      readTarget?.(row, targets, count)
      places[count] = i
      inCall[count++] = state
    }
    return count
  }

  /** Says what is wrong with a row; only here is that text made. */
  private refuseRow(batch: Batch, i: number, { artifact: { target } }: ScoringModel): void {
    const { features } = this.options
    try {
      vectorOf(batch.rows[i], target === undefined ? features : [...features, target], 'row')
    } catch (error) {
      this.context.refuse(batch, i, (error as StreamError).message)
    }
  }

  protected newState(): ModelScores {
    return new ModelScores(this.options.features)
  }
}

/** The numbers of the target stand behind those of the inputs. */
function ofTarget(scaler: ModelScaler | undefined, inputs: number): ModelScaler | undefined {
  return scaler && { mean: scaler.mean.slice(inputs), deviation: scaler.deviation.slice(inputs) }
}
