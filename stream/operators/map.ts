/** One row out for each row in. The result keeps the event time and position of its input. */
import { emptyBatch, metaOf } from './operator.ts'
import type { Lambda, Operator, StageContext } from './operator.ts'
import { columnBatch, viewOf } from './columns.ts'
import { mapLoopOf } from './column-loops.ts'
import { selectRows } from './filter.ts'

export function mapOperator(lambda: Lambda, context: StageContext): Operator {
  const viewFor = viewOf(lambda.text)
  const loopFor = mapLoopOf(lambda.text)
  return {
    onBatch(batch) {
      const { count } = batch
      const { call, wantsMeta } = lambda
      const { columns } = batch
      const loop = wantsMeta ? undefined : loopFor(columns)
      if (loop !== undefined && columns !== undefined) {
        if (count > 0) context.passed()
        const { watermarkMs, idle, weights, origin } = batch
        return columnBatch({
          count,
          columns: loop(columns, count),
          get eventTimesMs() {
            return batch.eventTimesMs
          },
          get beforeMs() {
            return batch.beforeMs
          },
          watermarkMs,
          idle,
          weights,
          origin,
        })
      }
      // A lambda that only reads fields needs no rows of the columns.
      const view = wantsMeta ? undefined : viewFor(columns)
      const rows = view === undefined ? batch.rows : []
      const results: unknown[] = new Array(count)
      let refused: Uint8Array | undefined
      let refusedCount = 0
      for (let i = 0; i < count; i++) {
        try {
          if (view !== undefined) {
            view.place.i = i
            results[i] = call(view.row)
          } else results[i] = wantsMeta ? call(rows[i], metaOf(batch, i)) : call(rows[i])
          context.passed()
        } catch (error) {
          context.threw(batch, i, error, lambda)
          refused ??= new Uint8Array(count)
          refused[i] = 1
          refusedCount++
        }
      }
      if (refused === undefined) {
        const { eventTimesMs, beforeMs, watermarkMs, idle, weights, origin } = batch
        return { count, rows: results, eventTimesMs, beforeMs, watermarkMs, idle, weights, origin }
      }
      const kept = new Int32Array(count - refusedCount)
      let n = 0
      for (let i = 0; i < count; i++) if (refused[i] === 0) kept[n++] = i
      return selectRows(
        batch,
        kept,
        n,
        Array.from(kept, i => results[i]),
      )
    },
    onWatermark: emptyBatch,
    onEnd: () => emptyBatch(Infinity),
    snapshot: () => null,
    restore: () => {},
    stateBytes: () => 0,
  }
}
