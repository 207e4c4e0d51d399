/** Keeps the rows a predicate is true for. Times, weights and positions stay with their rows. */
import type { Batch, Columns } from '../model.ts'
import { columnBatch, selectColumns, selectFloats, viewOf } from './columns.ts'
import { filterLoopOf } from './column-loops.ts'
import type { RowView } from './columns.ts'
import { emptyBatch, metaOf, selectOrigin } from './operator.ts'
import type { Lambda, Operator, StageContext } from './operator.ts'

export function filterOperator(lambda: Lambda, context: StageContext): Operator {
  const viewFor = viewOf(lambda.text)
  const loopFor = filterLoopOf(lambda.text)
  return {
    onBatch(batch) {
      const { count } = batch
      const { call, wantsMeta } = lambda
      const loop = batch.columns === undefined || wantsMeta ? undefined : loopFor(batch.columns)
      if (loop !== undefined && batch.columns !== undefined) {
        const kept = new Int32Array(count)
        if (count > 0) context.passed()
        return keptColumns(batch, batch.columns, kept, loop(batch.columns, count, kept))
      }
      const viewed =
        batch.columns === undefined || wantsMeta
          ? undefined
          : columnFilter(batch, batch.columns, viewFor(batch.columns), lambda, context)
      if (viewed !== undefined) return viewed
      const { rows } = batch
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

/** The same over columns, without making rows: undefined when the lambda does more than read fields. */
function columnFilter(
  batch: Batch,
  columns: Columns,
  view: RowView | undefined,
  lambda: Lambda,
  context: StageContext,
): Batch | undefined {
  if (view === undefined) return undefined
  const { count } = batch
  const { row, place } = view
  const kept = new Int32Array(count)
  let n = 0
  for (let i = 0; i < count; i++) {
    place.i = i
    try {
      if (lambda.call(row)) kept[n++] = i
    } catch (error) {
      context.threw(batch, i, error, lambda)
    }
  }
  if (count > 0) context.passed()
  return keptColumns(batch, columns, kept, n)
}

/** The rows of a batch of columns at the first `n` of the indices. */
export function keptColumns(batch: Batch, columns: Columns, kept: Int32Array, n: number): Batch {
  if (n === batch.count) return batch
  let times: Float64Array | undefined
  let befores: Float64Array | undefined
  // Looked at by windows and joins, not by every consumer.
  return columnBatch({
    count: n,
    columns: selectColumns(columns, kept, n),
    get eventTimesMs() {
      return (times ??= selectFloats(batch.eventTimesMs, kept, n))
    },
    get beforeMs() {
      return (befores ??= selectFloats(batch.beforeMs, kept, n))
    },
    watermarkMs: batch.watermarkMs,
    idle: batch.idle,
    origin: selectOrigin(batch.origin, kept, n),
  })
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
