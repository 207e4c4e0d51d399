/** Joins that look at row after row: watermark before it ─▶ retraction? ─▶ onRow. */
import type { Batch } from '../../model.ts'
import { TwoSides } from './two-sides.ts'
import type { Side } from './two-sides.ts'

export type { Output, Side, TwoInputOperator } from './two-sides.ts'

export abstract class TwoInputs extends TwoSides {
  protected override onRows(side: Side, batch: Batch): void {
    const { count, beforeMs, weights } = batch
    const takesBack = this.takesBack(side)
    let last = NaN
    for (let i = 0; i < count; i++) {
      const before = beforeMs[i] as number
      if (before !== last) {
        last = before
        this.tell(side, before)
      }
      if (weights !== undefined && weights[i] === -1 && !takesBack) {
        this.context.refuse(batch, i, 'this join cannot take back a row that was retracted; a join with ttl can')
      } else this.onRow(side, batch, i)
    }
  }

  protected abstract onRow(side: Side, batch: Batch, i: number): void

  /** Whether a retraction of a row of this side may come. */
  protected takesBack(_side: Side): boolean {
    return false
  }
}
