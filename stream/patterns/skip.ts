/** After a match: which runs and matches the skip strategy drops, and which of two matches stands first. */
import { StreamError } from '../errors.ts'
import type { MatchTuning } from './pattern.ts'
import type { Runs } from './runs.ts'

/**
 * Whatever began with an event before this one is dropped; −1: nothing is.
 * `step` gives the number of a definition. @throws StreamError MATCH_FAILED when a step that must exist took no event, or took the first.
 */
export function skippedBelow(
  runs: Runs,
  match: number,
  skip: MatchTuning['skip'],
  step: (name: string) => number,
): number {
  const firstOrder = runs.firstOrderOf(match)
  if (skip.kind === 'past-last') return runs.orderOf(match) + 1
  if (skip.kind === 'to-next') return firstOrder + 1
  if (!('step' in skip)) return -1
  const orders = runs.ordersOf(match, step(skip.step))
  const target = skip.kind === 'to-first' ? orders[0] : orders.at(-1)
  const hint = `Write ${skip.kind}=${skip.step} without "!" to skip nothing then`
  if (target === undefined) {
    if (!skip.mustExist) return -1
    throw new StreamError({
      code: 'MATCH_FAILED',
      rule: 'skip-target-missing',
      message: `Cannot skip to step "${skip.step}": it took no event in a match`,
      detail: 'Rule skip-target-missing',
      hint,
    })
  }
  if (skip.mustExist && target === firstOrder) {
    throw new StreamError({
      code: 'MATCH_FAILED',
      rule: 'skip-to-first-element',
      message: `Cannot skip to step "${skip.step}": its event is the first of the match, the same match would come again`,
      detail: 'Rule skip-to-first-element',
      hint,
    })
  }
  return target
}

/** Which of two matches with the same first event stands first: earlier events, then longer lists; `steps` in the order of the text. */
export function compareTies(runs: Runs, steps: readonly number[], a: number, b: number): number {
  for (const step of steps) {
    const left = runs.ordersOf(a, step)
    const right = runs.ordersOf(b, step)
    for (let i = 0; i < Math.min(left.length, right.length); i++) {
      if (left[i] !== right[i]) return (left[i] as number) - (right[i] as number)
    }
    if (left.length !== right.length) return right.length - left.length
  }
  return 0
}
