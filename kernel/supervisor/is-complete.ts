/** Would this cell run, fail, or is there more to come? Answered by the parser that also compiles cells. */
import { parseSync } from 'oxc-parser'

export type Completeness =
  { readonly status: 'complete' | 'invalid' | 'unknown' } | { readonly status: 'incomplete'; readonly indent: string }

export function completenessOf(code: string): Completeness {
  const { errors } = parseSync('cell.ts', code, { sourceType: 'module', lang: 'ts' })
  const first = errors.find(error => error.severity === 'Error')
  if (first === undefined) return { status: 'complete' }
  const end = code.trimEnd().length
  // The parser gave up at the end of the text (a bracket or a comment is open, an operand is missing): more may come.
  const atEnd = first.labels.some(label => label.start >= end)
  const start = Math.min(...first.labels.map(label => label.start))
  // A quoted string ends with its line, a template may go on: it starts with a backtick, or with the brace that ends `${…}`.
  const inTemplate = first.message.startsWith('Unterminated string') && /[`}]/.test(code[start] ?? '')
  const open = atEnd || inTemplate || /^(Unterminated multiline|Missing catch)/.test(first.message)
  return open ? { status: 'incomplete', indent: indentAfter(code) } : { status: 'invalid' }
}

function indentAfter(code: string): string {
  const last = code.trimEnd().split('\n').at(-1) ?? ''
  const indent = /^\s*/.exec(last)?.[0] ?? ''
  return /[{([]$|=>$/.test(last) ? `${indent}  ` : indent
}
