/** Type errors as the one error output a notebook shows: code, line and caret under what the user typed. */
import type { CellError, SpanMapping } from '../cells/protocol.ts'
import { offsetOf, positionOf } from '../supervisor/offsets.ts'
import { toTyped } from '../supervisor/spans.ts'
import type { TypeProblem } from './server.ts'

const SHOWN = 5

export function typeScriptError(
  problems: readonly TypeProblem[],
  typed: string,
  source: string,
  spans: readonly SpanMapping[] | undefined,
): CellError {
  const lines = problems.slice(0, SHOWN).flatMap(problem => [...describe(problem, typed, source, spans), ''])
  if (problems.length > SHOWN) lines.push(`… and ${problems.length - SHOWN} more`)
  else lines.pop()
  const first = problems[0] as TypeProblem
  const place = positionOf(typed, toTyped(spans, offsetOf(source, first.line, first.column)))
  const evalue = `TS${first.code} at ${place.line + 1}:${place.column + 1}: ${first.message.split('\n')[0] ?? ''}`
  return { ename: 'TypeScriptError', evalue, traceback: lines }
}

function describe(
  problem: TypeProblem,
  typed: string,
  source: string,
  spans: readonly SpanMapping[] | undefined,
): string[] {
  const start = toTyped(spans, offsetOf(source, problem.line, problem.column))
  const end = Math.max(
    start + 1,
    toTyped(spans, Math.max(0, offsetOf(source, problem.endLine, problem.endColumn) - 1)) + 1,
  )
  const { line, column } = positionOf(typed, start)
  const text = (typed.split('\n')[line] ?? '').replace(/\r$/, '')
  const number = String(line + 1)
  const width = Math.max(1, Math.min(end - start, text.length - column))
  // Tabs stay tabs, so that the caret stands below the word in any font.
  const indent = text.slice(0, column).replace(/[^\t]/g, ' ')
  return [
    `\u001b[31mTypeScriptError\u001b[39m TS${problem.code}: ${problem.message}`,
    `  ${number} | ${text}`,
    `  ${' '.repeat(number.length)} | ${indent}\u001b[31m${'^'.repeat(width)}\u001b[39m`,
  ]
}
