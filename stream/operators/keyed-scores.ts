/**
 * What scoring by a detector and by a model share: a state per key, a bound on keys, and the row made of an event and its score.
 */
import type { Batch } from '../model.ts'
import type { ScoreOptions } from '../plan.ts'
import type { Threshold } from '../scoring/scorer.ts'
import { thresholdReader } from '../scoring/threshold-reader.ts'
import { lambdaOf } from './lambda.ts'
import type { LambdaHost } from './lambda.ts'
import { emptyBatch } from './operator.ts'
import type { Lambda, Operator, StageContext } from './operator.ts'
import { keyText } from './row-key.ts'
import type { NamedReader } from './row-reader.ts'
import { scoreAppender } from './with-score.ts'

/** Stands for a row that went to `.errors()`. */
export const REFUSED = Symbol('refused')

export interface KeyState<S> {
  toJSON(): unknown
  /** The state itself, as it was told. */
  fromJSON(json: unknown): S
}

export interface KeyLimits {
  /** More keys are refused. */
  readonly mostKeys: number
  /** Said after their number: `keys already`. */
  readonly text: string
  readonly bytesEach: number
}

export abstract class KeyedScores<S extends KeyState<S>> implements Operator {
  protected readonly options: ScoreOptions
  protected readonly context: StageContext
  protected readonly threshold: () => Threshold | undefined
  private readonly keys: readonly NamedReader[]
  private readonly output: Lambda | undefined
  private readonly append = scoreAppender()
  private readonly limits: KeyLimits
  private readonly states = new Map<string, S>()

  constructor(
    options: ScoreOptions,
    keys: readonly NamedReader[],
    host: LambdaHost,
    context: StageContext,
    limits: KeyLimits,
  ) {
    this.options = options
    this.keys = keys
    this.context = context
    this.threshold = thresholdReader(options.threshold, host)
    this.output = options.output === undefined ? undefined : lambdaOf(options.output, host)
    this.limits = limits
  }

  abstract onBatch(batch: Batch): Batch

  protected abstract newState(): S

  /** A row that is taken back has no score; it is refused. */
  protected isRetracted(batch: Batch, i: number): boolean {
    if (batch.weights?.[i] !== -1) return false
    this.context.refuse(batch, i, 'a score cannot take back a row that was retracted')
    return true
  }

  /** Undefined for a row that was refused. */
  protected stateOf(batch: Batch, i: number): S | undefined {
    const key = keyText(this.keys, batch, i, this.context)
    if (key === undefined) return undefined
    const found = this.states.get(key)
    if (found !== undefined) return found
    const { mostKeys, text } = this.limits
    if (this.states.size === mostKeys) {
      this.context.refuse(batch, i, `there are ${mostKeys} ${text}`)
      return undefined
    }
    const made = this.newState()
    this.states.set(key, made)
    return made
  }

  /** What comes of an event and its score, or REFUSED. */
  protected made(batch: Batch, i: number, row: unknown, score: object): unknown {
    if (this.output === undefined) {
      this.context.passed()
      return this.append(row as object, score)
    }
    try {
      // The second argument of this lambda is the score (language.md), not the record's meta.
      const made = this.output.call(row, score as never)
      this.context.passed()
      return made
    } catch (error) {
      this.context.threw(batch, i, error, this.output)
      return REFUSED
    }
  }

  onWatermark(watermarkMs: number): Batch {
    return emptyBatch(watermarkMs)
  }

  onEnd(): Batch {
    return emptyBatch(Infinity)
  }

  snapshot(): unknown {
    return [...this.states].map(([key, state]) => [key, state.toJSON()])
  }

  restore(state: unknown): void {
    this.states.clear()
    for (const [key, json] of state as readonly (readonly [string, unknown])[]) {
      this.states.set(key, this.newState().fromJSON(json))
    }
  }

  stateBytes(): number {
    return this.states.size * this.limits.bytesEach
  }
}
