/** An aggregate of the user's: `aggregate({ init, add, merge, result })`. */
import type { RecordMeta } from '../model.ts'
import type { Boxed } from './boxed.ts'

export interface CustomFunctions {
  readonly init: () => unknown
  readonly add: (state: unknown, row: unknown, meta?: RecordMeta) => unknown
  readonly merge: (into: unknown, from: unknown) => unknown
  readonly result?: ((state: unknown) => unknown) | undefined
  readonly remove?: ((state: unknown, row: unknown, meta?: RecordMeta) => unknown) | undefined
}

/** A row with what its lambda may ask for. */
export interface CustomValue {
  readonly row: unknown
  readonly meta: RecordMeta | undefined
}

export function customOf({ init, add, merge, result, remove }: CustomFunctions): Boxed {
  // A function that changes its state and gives nothing back means the state it was given.
  const after = (state: unknown, given: unknown) => (given === undefined ? state : given)
  return {
    takesBack: remove !== undefined,
    numbers: false,
    fresh: init,
    add(state, value, weight) {
      const { row, meta } = value as CustomValue
      const f = weight > 0 ? add : (remove ?? add)
      return after(state, meta === undefined ? f(state, row) : f(state, row, meta))
    },
    // A merge may keep or change what it is given: the other side stays as it is.
    merge: (into, from) => after(into, merge(into, typeof from === 'object' ? structuredClone(from) : from)),
    result: state => (result === undefined ? state : result(state)),
    bytes: () => 64,
  }
}
