/**
 * Scores rows in the order they come, each key by a detector of its own. A row that lacks a feature, or has a value that is no finite
 * number, goes to `.errors()` and is not learned.
 */
import type { Batch } from '../model.ts'
import type { ScoreOptions } from '../plan.ts'
import type { StreamError } from '../errors.ts'
import { vectorOf } from '../scoring/score-rows.ts'
import { Scorer } from '../scoring/scorer.ts'
import type { Threshold } from '../scoring/scorer.ts'
import { thresholdReader } from '../scoring/threshold-reader.ts'
import { selectRows } from './filter.ts'
import { lambdaOf } from './lambda.ts'
import type { LambdaHost } from './lambda.ts'
import { emptyBatch } from './operator.ts'
import type { Lambda, Operator, StageContext } from './operator.ts'
import { keyText } from './row-key.ts'
import type { NamedReader } from './row-reader.ts'
import { scoreAppender } from './with-score.ts'

/** A detector takes some 100 kB: more keys than these are refused. */
const mostKeys = 10_000
const bytesEach = 100_000

export class ScoreOperator implements Operator {
  private readonly options: ScoreOptions
  private readonly keys: readonly NamedReader[]
  private readonly context: StageContext
  private readonly threshold: () => Threshold | undefined
  private readonly output: Lambda | undefined
  private readonly append = scoreAppender()
  private readonly scorers = new Map<string, Scorer>()

  constructor(options: ScoreOptions, keys: readonly NamedReader[], host: LambdaHost, context: StageContext) {
    this.options = options
    this.keys = keys
    this.context = context
    this.threshold = thresholdReader(options.threshold, host)
    this.output = options.output === undefined ? undefined : lambdaOf(options.output, host)
    // Wrong options fail when the stream starts, not at its first row.
    this.newScorer()
  }

  onBatch(batch: Batch): Batch {
    const kept = new Int32Array(batch.count)
    const rows: unknown[] = []
    for (let i = 0; i < batch.count; i++) {
      const row = this.scored(batch, i)
      if (row === REFUSED) continue
      kept[rows.length] = i
      rows.push(row)
    }
    return selectRows(batch, kept, rows.length, rows)
  }

  private scored(batch: Batch, i: number): unknown {
    if (batch.weights?.[i] === -1) return this.refuse(batch, i, 'a score cannot take back a row that was retracted')
    const row = batch.rows[i]
    let vector: number[]
    try {
      vector = vectorOf(row, this.options.features, 'row')
    } catch (error) {
      return this.refuse(batch, i, (error as StreamError).message)
    }
    const { labels } = this.options
    const scorer = this.scorerOf(batch, i)
    if (scorer === undefined) return REFUSED
    const score = scorer.next(vector, this.threshold())
    if (labels !== undefined) score.label = Boolean((row as Readonly<Record<string, unknown>>)[labels])
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

  private scorerOf(batch: Batch, i: number): Scorer | undefined {
    const key = keyText(this.keys, batch, i, this.context)
    if (key === undefined) return undefined
    const found = this.scorers.get(key)
    if (found !== undefined) return found
    if (this.scorers.size === mostKeys) {
      this.refuse(batch, i, `there are ${mostKeys} keys with a detector each already`)
      return undefined
    }
    const made = this.newScorer()
    this.scorers.set(key, made)
    return made
  }

  private newScorer(): Scorer {
    const { detector, features, warmUp, seed, period, episode } = this.options
    return new Scorer({ detector, features, warmUp, seed, period, episode })
  }

  private refuse(batch: Batch, i: number, reason: string): typeof REFUSED {
    this.context.refuse(batch, i, reason)
    return REFUSED
  }

  onWatermark(watermarkMs: number): Batch {
    return emptyBatch(watermarkMs)
  }

  onEnd(): Batch {
    return emptyBatch(Infinity)
  }

  snapshot(): unknown {
    return [...this.scorers].map(([key, scorer]) => [key, scorer.toJSON()])
  }

  restore(state: unknown): void {
    this.scorers.clear()
    for (const [key, scorer] of state as readonly (readonly [string, unknown])[]) {
      this.scorers.set(key, this.newScorer().fromJSON(scorer))
    }
  }

  stateBytes(): number {
    return this.scorers.size * bytesEach
  }
}

const REFUSED = Symbol('refused')
