/** Any number of rows out for each row in, each with the event time and position of its input. */
import { emptyBatch, metaOf } from './operator.ts'
import type { Lambda, Operator, StageContext } from './operator.ts'
import { selectRows } from './filter.ts'

export function flatMapOperator(lambda: Lambda, context: StageContext): Operator {
  return {
    onBatch(batch) {
      const { call, wantsMeta } = lambda
      const results: unknown[] = []
      const sources: number[] = []
      for (let i = 0; i < batch.count; i++) {
        const start = results.length
        try {
          const made = wantsMeta ? call(batch.rows[i], metaOf(batch, i)) : call(batch.rows[i])
          if (made === null || typeof made !== 'object' || !(Symbol.iterator in made)) {
            throw new TypeError(
              `flatMap needs an array or another iterable of rows, got ${made === null ? 'null' : typeof made}`,
            )
          }
          for (const row of made as Iterable<unknown>) {
            results.push(row)
            sources.push(i)
          }
          context.passed()
        } catch (error) {
          // A record that throws in the middle of its rows sends none of them.
          results.length = start
          sources.length = start
          context.threw(batch, i, error, lambda)
        }
      }
      return selectRows(batch, Int32Array.from(sources), sources.length, results)
    },
    onWatermark: emptyBatch,
    onEnd: () => emptyBatch(Infinity),
    snapshot: () => null,
    restore: () => {},
    stateBytes: () => 0,
  }
}
