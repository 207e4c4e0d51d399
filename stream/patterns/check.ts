/** What a pattern that can be read may not say, and the options beside it. */
import { StreamError } from '../errors.ts'
import { formatDuration, parsePositiveDuration } from '../time/duration.ts'
import { MAX_RUNS, mayTakeNothing } from './pattern.ts'
import type { Item, MatchTuning, Pattern, Skip } from './pattern.ts'
import { patternError } from './pattern-error.ts'

/** Names fit one bit each of a small integer. */
export const MAX_NAMES = 30

export interface MatchOptionsText {
  readonly within?: string | number | undefined
  readonly skip?: string | undefined
  readonly maxRuns?: number | undefined
}

/**
 * Checks a pattern against the rules of its language, its definitions and its options.
 *
 * @throws StreamError PATTERN_INVALID with `rule`, DURATION_INVALID, OPTION_INVALID
 */
export function checkPattern(pattern: Pattern, defined: readonly string[], options: MatchOptionsText): MatchTuning {
  const withinMs = options.within === undefined ? undefined : parsePositiveDuration(options.within, 'within')
  for (const branch of pattern.branches) {
    checkSequence(pattern, branch, withinMs)
    checkEnd(pattern, branch, withinMs)
  }
  checkNames(pattern, defined)
  const { maxRuns = MAX_RUNS } = options
  if (!Number.isInteger(maxRuns) || maxRuns < 1) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot hold ${maxRuns} partial matches per key: a whole number from 1 is needed`,
    })
  }
  return { withinMs, skip: readSkip(pattern, options.skip ?? 'past-last'), maxRuns }
}

function checkSequence(pattern: Pattern, items: readonly Item[], withinMs: number | undefined): void {
  for (const [i, item] of items.entries()) {
    const before = items[i - 1]
    if (item.negated) {
      if (before === undefined) {
        fail(pattern, item, 'not-first', '"!" stands first', 'Begin with a step that takes an event: a -> !x')
      }
      if (!before.negated && mayTakeNothing(before)) {
        fail(
          pattern,
          item,
          'not-after-optional',
          '"!" follows what may be left out',
          'Put a step that always takes an event between them, or write both ways as alternatives: (a -> b -> !x | a -> !x)',
        )
      }
      const last = i === items.length - 1
      if (item.withinMs !== undefined && (!last || item.joint === 'next')) {
        fail(
          pattern,
          item,
          'within-on-not',
          '[within] stands on a "!" that is not the end',
          'Put [within] on the step behind it: a -> !x -> b[within 5s]',
        )
      }
    }
    if (before?.greedy === true && !item.negated && mayTakeNothing(item)) {
      fail(
        pattern,
        item,
        'optional-after-greedy',
        'what may be left out follows a greedy loop',
        `Make the loop before it lazy: ${pattern.text.slice(before.at, before.end).replace(/(\[.*)?$/, '?$1')}`,
      )
    }
    if (item.withinMs !== undefined && withinMs !== undefined && item.withinMs > withinMs) {
      fail(
        pattern,
        item,
        'step-window-too-long',
        `the step's window of ${formatDuration(item.withinMs)} is longer than the whole window of ${formatDuration(withinMs)}`,
        `Write [within ${formatDuration(withinMs)}] or less, or make the whole window longer`,
      )
    }
    if (item.atom.kind === 'group') for (const branch of item.atom.branches) checkSequence(pattern, branch, withinMs)
  }
}

function checkEnd(pattern: Pattern, items: readonly Item[], withinMs: number | undefined): void {
  const last = items.at(-1)
  if (last === undefined) return
  if (last.atom.kind === 'group') {
    for (const branch of last.atom.branches) checkEnd(pattern, branch, withinMs)
    return
  }
  if (!last.negated || last.joint === 'next' || last.withinMs !== undefined || withinMs !== undefined) return
  fail(
    pattern,
    last,
    'trailing-not-without-within',
    '"!" at the end has no window: it could never be known',
    `Say how long nothing may come: --within 10m (within: '10m'), or ${pattern.text.slice(last.at, last.end)}[within 10m]`,
  )
}

function checkNames(pattern: Pattern, defined: readonly string[]): void {
  if (pattern.names.length > MAX_NAMES) {
    throw patternError(pattern.text, {
      rule: 'too-many-steps',
      message: `it has ${pattern.names.length} names, at most ${MAX_NAMES} are allowed`,
      hint: 'Split it: match the first half, then a pattern over its matches',
    })
  }
  const missing = pattern.names.find(name => !defined.includes(name))
  if (missing !== undefined) {
    const at = placeOf(pattern.text, missing)
    throw patternError(pattern.text, {
      rule: 'unknown-step',
      message: `step "${missing}" has no definition`,
      hint: `Define it: ${missing}: e => …${nearest(missing, defined)}`,
      at,
      end: at + missing.length,
    })
  }
  const unused = defined.find(name => !pattern.names.includes(name))
  if (unused !== undefined) {
    throw patternError(pattern.text, {
      rule: 'unused-step',
      message: `definition "${unused}" is not used`,
      hint: `Use it in the pattern or take it away${nearest(unused, pattern.names)}`,
    })
  }
}

function readSkip(pattern: Pattern, text: string): Skip {
  if (text === 'none' || text === 'past-last' || text === 'to-next') return { kind: text }
  const found = /^(to-first|to-last)=([A-Za-z][A-Za-z0-9_]*)(!?)$/.exec(text)
  if (found === null) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot skip "${text}" after a match: none, past-last, to-next, to-first=STEP or to-last=STEP is needed`,
      hint: "skip: 'past-last'",
    })
  }
  const [, kind, step = '', mark] = found
  if (!pattern.steps.includes(step)) {
    throw patternError(pattern.text, {
      rule: 'unknown-skip-target',
      message: `skip ${text} names "${step}", which takes no event in the pattern`,
      hint: `Steps are ${pattern.steps.join(', ')}`,
    })
  }
  return { kind: kind === 'to-first' ? 'to-first' : 'to-last', step, mustExist: mark === '!' }
}

function placeOf(text: string, name: string): number {
  return Math.max(0, text.search(new RegExp(`\\b${name}\\b`)))
}

function nearest(name: string, among: readonly string[]): string {
  const close = among.find(other => other.toLowerCase() === name.toLowerCase() || other.startsWith(name.slice(0, 3)))
  return close === undefined ? '' : `; did you mean ${close}?`
}

function fail(
  pattern: Pattern,
  item: Item,
  rule: Parameters<typeof patternError>[1]['rule'],
  message: string,
  hint: string,
): never {
  throw patternError(pattern.text, { rule, message, hint, at: item.at, end: item.end })
}
