/**
 * The row of a record that deletes its key. Tables and versions take it; filter and map on its way let it pass, as there is no
 * row for their lambdas; elsewhere a null value is refused where it is read.
 */
import type { LambdaHost } from './lambda.ts'

export const TOMBSTONE: unique symbol = Symbol('tombstone')

/** Lambdas of a step above a table: they are not called for tombstones. */
export function passTombstones(host: LambdaHost, isFilter: boolean): LambdaHost {
  return {
    ...host,
    revive: slot => {
      const f = host.revive(slot) as (row: unknown, meta: unknown) => unknown
      const passing = (row: unknown, meta: unknown) =>
        row === TOMBSTONE ? (isFilter ? true : TOMBSTONE) : f(row, meta)
      // Whether a lambda wants its second argument is told by its length.
      Object.defineProperty(passing, 'length', { value: f.length })
      return passing as (...args: never[]) => unknown
    },
  }
}
