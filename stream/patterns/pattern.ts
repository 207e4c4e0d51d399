/**
 * A pattern as it was written: items in order, each a step, a group or alternatives, with how it is joined to what stands before it.
 * Plain data; the places are offsets into the text, for carets.
 */

/** `next`: the very next event of the key; `then`: events in between are passed over; `any`: also events that fit. */
export type Joint = 'next' | 'then' | 'any'

export interface Item {
  readonly atom: Atom
  /** How the item is joined to the one before it; the first item of a pattern or group has what its place gives it. */
  readonly joint: Joint
  readonly negated: boolean
  /** Rounds: from 1; `max` Infinity for an open loop. */
  readonly min: number
  readonly max: number
  /** May be left out as a whole. */
  readonly optional: boolean
  /** An event that fits the loop never goes to the following item. */
  readonly greedy: boolean
  /** How rounds are joined. */
  readonly inner: Joint
  /** Name of the condition that ends the loop. */
  readonly until: string | undefined
  /** The item comes less than this after the event taken before it. */
  readonly withinMs: number | undefined
  readonly at: number
  readonly end: number
}

export type Atom =
  | { readonly kind: 'step'; readonly name: string }
  /** More than one branch: alternatives. */
  | { readonly kind: 'group'; readonly branches: readonly (readonly Item[])[] }

export interface Pattern {
  readonly text: string
  readonly branches: readonly (readonly Item[])[]
  /** Every name in the order of the text, also those after `!` and `until`. */
  readonly names: readonly string[]
  /** Names that take events, in the order of the text. */
  readonly steps: readonly string[]
  /** True when every item may be left out: it can match nothing. */
  readonly canBeEmpty: boolean
}

export type Skip =
  | { readonly kind: 'none' | 'past-last' | 'to-next' }
  | { readonly kind: 'to-first' | 'to-last'; readonly step: string; readonly mustExist: boolean }

/** What `.match` needs beside the pattern and the definitions. */
export interface MatchTuning {
  readonly withinMs: number | undefined
  readonly skip: Skip
  /** Partial matches one key may hold. */
  readonly maxRuns: number
}

/** May the item take no event at all? */
export function mayTakeNothing(item: Item): boolean {
  if (item.negated) return true
  if (item.optional) return true
  return item.atom.kind === 'group' && item.atom.branches.some(branch => branch.every(mayTakeNothing))
}

/** The default number of partial matches one key may hold. */
export const MAX_RUNS = 10_000
