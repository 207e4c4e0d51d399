/** Errors about a pattern's text: the rule that was broken, the place with a caret, and what to write instead. */
import { StreamError } from '../errors.ts'

/** Each rule of the pattern language that a text can break; `StreamError.rule` holds it. */
export type PatternRule =
  | 'syntax'
  | 'permute'
  | 'bad-count'
  | 'quantifier-on-not'
  | 'not-first'
  | 'not-after-optional'
  | 'not-on-group'
  | 'not-at-group-end'
  | 'trailing-not-without-within'
  | 'optional-after-greedy'
  | 'until-without-open-loop'
  | 'joint-without-loop'
  | 'joint-twice'
  | 'note-twice'
  | 'duplicate-step'
  | 'step-window-too-long'
  | 'within-on-not'
  | 'unknown-skip-target'
  | 'unknown-step'
  | 'unused-step'
  | 'too-many-steps'

export interface PatternMistake {
  readonly rule: PatternRule
  readonly message: string
  readonly hint: string
  /** Offsets into the text; absent when the mistake is not in the text. */
  readonly at?: number | undefined
  readonly end?: number | undefined
}

export function patternError(text: string, mistake: PatternMistake): StreamError {
  const { rule, message, hint, at, end } = mistake
  const place = at === undefined ? '' : `\n${caret(text, at, end ?? at + 1)}`
  return new StreamError({
    code: 'PATTERN_INVALID',
    message: `Cannot read pattern: ${message}`,
    detail: `Rule ${rule}${place}`,
    rule,
    hint,
  })
}

/** The line of the text with the place below it. */
function caret(text: string, at: number, end: number): string {
  const start = text.lastIndexOf('\n', at - 1) + 1
  const stop = text.indexOf('\n', at)
  const line = text.slice(start, stop < 0 ? text.length : stop)
  const width = Math.max(1, Math.min(end, start + line.length) - at)
  return `  ${line}\n  ${' '.repeat(at - start)}${'^'.repeat(width)}`
}
