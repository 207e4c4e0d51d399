/**
 * Scores rows in the order they come, each key by a detector of its own. A row that lacks a feature, or has a value that is no finite
 * number, goes to `.errors()` and is not learned.
 */
import type { Batch } from '../model.ts'
import type { ScoreOptions } from '../plan.ts'
import type { StreamError } from '../errors.ts'
import { vectorOf } from '../scoring/score-rows.ts'
import { Scorer } from '../scoring/scorer.ts'
import { selectRows } from './filter.ts'
import { KeyedScores, REFUSED } from './keyed-scores.ts'
import type { LambdaHost } from './lambda.ts'
import type { StageContext } from './operator.ts'
import type { NamedReader } from './row-reader.ts'

/** A detector takes some 100 kB: more keys than these are refused. */
const limits = { mostKeys: 10_000, text: 'keys with a detector each already', bytesEach: 100_000 }

export class ScoreOperator extends KeyedScores<Scorer> {
  constructor(options: ScoreOptions, keys: readonly NamedReader[], host: LambdaHost, context: StageContext) {
    super(options, keys, host, context, limits)
    // Wrong options fail when the stream starts, not at its first row.
    this.newState()
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
    if (this.isRetracted(batch, i)) return REFUSED
    const row = batch.rows[i]
    let vector: number[]
    try {
      vector = vectorOf(row, this.options.features, 'row')
    } catch (error) {
      this.context.refuse(batch, i, (error as StreamError).message)
      return REFUSED
    }
    const { labels } = this.options
    const scorer = this.stateOf(batch, i)
    if (scorer === undefined) return REFUSED
    const score = scorer.next(vector, this.threshold())
    if (labels !== undefined) score.label = Boolean((row as Readonly<Record<string, unknown>>)[labels])
    return this.made(batch, i, row, score)
  }

  protected newState(): Scorer {
    const { detector, features, warmUp, seed, period, episode } = this.options
    return new Scorer({ detector, features, warmUp, seed, period, episode })
  }
}
