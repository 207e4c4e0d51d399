/** Whether a row of a table or of versions deletes its key: a tombstone, or what the user's `deleted` says. */
import type { Batch } from '../../model.ts'
import { metaOf } from '../operator.ts'
import type { Lambda, StageContext } from '../operator.ts'
import { TOMBSTONE } from '../tombstone.ts'

export class Deletes {
  private readonly lambda: Lambda | undefined
  private readonly context: StageContext

  constructor(lambda: Lambda | undefined, context: StageContext) {
    this.lambda = lambda
    this.context = context
  }

  /** Undefined: the lambda threw, the row is refused. */
  of(batch: Batch, i: number): boolean | undefined {
    const row = batch.rows[i]
    if (row === TOMBSTONE) return true
    const { lambda } = this
    if (lambda === undefined) return false
    try {
      return Boolean(lambda.wantsMeta ? lambda.call(row, metaOf(batch, i)) : lambda.call(row))
    } catch (error) {
      this.context.threw(batch, i, error, lambda)
      return undefined
    }
  }
}
