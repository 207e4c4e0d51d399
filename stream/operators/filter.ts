/** Keeps the rows a predicate is true for. Times, weights and positions stay with their rows. */
import type { Batch } from '../model.ts'
import { emptyBatch, metaOf, selectOrigin } from './operator.ts'
import type { Lambda, Operator, StageContext } from './operator.ts'

export function filterOperator(lambda: Lambda, context: StageContext): Operator {
  return {
    onBatch(batch) {
      const { rows, count } = batch
      const { call, wantsMeta } = lambda
      const kept = new Int32Array(count)
      let n = 0
      for (let i = 0; i < count; i++) {
        try {
          if (wantsMeta ? call(rows[i], metaOf(batch, i)) : call(rows[i])) kept[n++] = i
          context.passed()
        } catch (error) {
          context.threw(batch, i, error, lambda)
        }
      }
      return n === count ? batch : selectRows(batch, kept, n)
    },
    onWatermark: emptyBatch,
    onEnd: () => emptyBatch(Infinity),
    snapshot: () => null,
    restore: () => {},
    stateBytes: () => 0,
  }
}

/** The rows of `batch` at `indices`, in that order. */
export function selectRows(batch: Batch, indices: Int32Array, count: number, rows?: readonly unknown[]): Batch {
  const eventTimesMs = new Float64Array(count)
  const beforeMs = new Float64Array(count)
  const chosen: unknown[] = rows === undefined ? new Array(count) : []
  const weights = batch.weights === undefined ? undefined : new Int8Array(count)
  for (let k = 0; k < count; k++) {
    const i = indices[k] as number
    eventTimesMs[k] = batch.eventTimesMs[i] as number
    beforeMs[k] = batch.beforeMs[i] as number
    if (rows === undefined) chosen[k] = batch.rows[i]
    if (weights !== undefined) weights[k] = batch.weights?.[i] ?? 1
  }
  return {
    count,
    rows: rows ?? chosen,
    eventTimesMs,
    beforeMs,
    watermarkMs: batch.watermarkMs,
    weights,
    origin: selectOrigin(batch.origin, indices, count),
  }
}
