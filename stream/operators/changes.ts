/** Rows as changelog steps: `{ weight, row }`, retractions included (rules.md 10). Each step is itself a plain row. */
import { emptyBatch } from './operator.ts'
import type { Operator } from './operator.ts'

export function changesOperator(): Operator {
  return {
    onBatch(batch) {
      const { weights } = batch
      const rows = batch.rows.map((row, i) => ({ weight: weights?.[i] === -1 ? -1 : 1, row }))
      return { ...batch, rows, columns: undefined, weights: undefined }
    },
    onWatermark: emptyBatch,
    onEnd: () => emptyBatch(Infinity),
    snapshot: () => null,
    restore: () => {},
    stateBytes: () => 0,
  }
}
