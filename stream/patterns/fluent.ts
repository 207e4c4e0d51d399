/** `.match(pattern, definitions, options)`: from what was typed to the options of the plan's node. */
import type { MatchOptions, WindowOptions } from '../plan.ts'
import { StreamError } from '../errors.ts'
import { runtime } from '../targets/runtime-registry.ts'
import { checkPattern } from './check.ts'
import { parsePattern } from './parse.ts'

/** Events one step took, oldest first. The first is there unless the step may be left out (`x?`, `x*`) and was. */
export interface TakenEvents<T> extends Array<T> {
  0: T
}

/** Step → the events it took; empty when it took none. */
export type Taken<T, N extends string> = { [P in N]: TakenEvents<T> }

/** For each name of the pattern: does the event fit, given what was taken so far? */
export type Definitions<T, N extends string> = {
  readonly [P in N]: (event: T, taken: Taken<T, NoInfer<N>>) => unknown
}

export interface MatchSettings {
  /** From the first event to the last, less than this. */
  readonly within?: string | number | undefined
  /**
   * What a match leaves for the next: `past-last` (default) nothing up to its last event, `to-next` all but its first event,
   * `to-first=STEP` and `to-last=STEP` what begins there, `none` all. With `STEP!` a match in which the step took nothing is an error.
   */
  readonly skip?: 'none' | 'past-last' | 'to-next' | `to-first=${string}` | `to-last=${string}` | undefined
  /** Partial matches one key may hold; beyond it the key is closed and told in `.errors()`. Default 10,000. */
  readonly maxRuns?: number | undefined
}

/** @throws StreamError PATTERN_INVALID, OPTION_INVALID, LAMBDA_CAPTURE, LAMBDA_ASSIGNMENT */
export function matchOptions(
  by: WindowOptions['by'],
  text: string,
  definitions: Readonly<Record<string, (...args: never[]) => unknown>>,
  settings: MatchSettings,
): Omit<MatchOptions, 'output'> {
  const pattern = parsePattern(text)
  for (const [name, f] of Object.entries(definitions)) {
    if (typeof f === 'function') continue
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot use the definition of step "${name}": it is no function`,
      hint: `${name}: e => …`,
    })
  }
  const tuning = checkPattern(pattern, Object.keys(definitions), settings)
  return {
    by,
    pattern: text,
    definitions: Object.entries(definitions).map(([name, f]) => ({ name, f: runtime().ship(f) })),
    ...tuning,
  }
}
