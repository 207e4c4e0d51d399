/** The k rows with the largest value, ties by a second value (smaller first), then by order of arrival. */
import { compareKeys } from '../state/key-table.ts'
import type { Boxed } from './boxed.ts'

/** What a row competes with; `row` is copied into the result with its rank. */
export interface Candidate {
  readonly by: number
  readonly tie: unknown
  readonly row: unknown
}

/** Best first; never more than k. */
export function topKOf(k: number): Boxed<Candidate[]> {
  const add = (best: Candidate[], candidate: Candidate) => {
    if (best.length === k && compare(candidate, best[k - 1] as Candidate) >= 0) return best
    let low = 0
    let high = best.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compare(candidate, best[middle] as Candidate) < 0) high = middle
      else low = middle + 1
    }
    best.splice(low, 0, candidate)
    if (best.length > k) best.pop()
    return best
  }
  return {
    takesBack: false,
    numbers: false,
    fresh: () => [],
    add: (best, value) => add(best, value as Candidate),
    merge: (into, from) => from.reduce(add, into),
    result: best => best.map(({ row }, i) => (isRecord(row) ? { ...row, rank: i + 1 } : { value: row, rank: i + 1 })),
    bytes: best => 48 + best.length * 56,
  }
}

function compare(a: Candidate, b: Candidate): number {
  if (a.by !== b.by) return b.by - a.by
  return a.tie === undefined && b.tie === undefined ? 0 : compareKeys(a.tie, b.tie)
}

function isRecord(row: unknown): row is Record<string, unknown> {
  return typeof row === 'object' && row !== null
}
