/**
 * What is wrong with the text of a cell while it is typed, for the editor of a page: one comm, a question and an answer.
 *
 *   page -> kernel   check { ask, cellId, code }
 *   kernel -> page   problems { ask, problems: [{ from, to, message, level }] }
 *
 * Offsets are UTF-16 units of the typed text, half-open. Nothing is run, and an answer may come out of order: `ask` tells which it is.
 */
import type { SpanMapping } from '../cells/protocol.ts'
import type { TypeProblem } from '../types/server.ts'
import { isObject } from './message.ts'
import type { Json } from './message.ts'
import { offsetOf } from './offsets.ts'
import { toTyped } from './spans.ts'

export const EDITOR_TARGET = 'riffle.editor.v1'

export interface EditorProblem {
  readonly from: number
  readonly to: number
  readonly message: string
  /** A name that no cell has declared so far may come from one that has not run yet. */
  readonly level: 'error' | 'warning'
}

const UNKNOWN_NAME = new Set([2304, 2552, 18004])
const LONGEST_CODE = 200_000

interface Texts {
  readonly typed: string
  readonly source: string
  readonly spans: readonly SpanMapping[] | undefined
}

export function editorProblem(problem: TypeProblem, { typed, source, spans }: Texts): EditorProblem {
  const from = toTyped(spans, offsetOf(source, problem.line, problem.column))
  const last = toTyped(spans, Math.max(0, offsetOf(source, problem.endLine, problem.endColumn) - 1)) + 1
  return {
    from: Math.min(from, typed.length),
    to: Math.min(Math.max(from + 1, last), typed.length),
    message: `TS${problem.code}: ${problem.message}`,
    level: UNKNOWN_NAME.has(problem.code) ? 'warning' : 'error',
  }
}

/** The answer to a message of a page; undefined for one that asks nothing. */
export async function answerEditor(
  message: unknown,
  check: (code: string, cellId: string) => Promise<readonly EditorProblem[]>,
): Promise<Json | undefined> {
  if (!isObject(message) || message['type'] !== 'check') return undefined
  const { ask, code, cellId } = message
  if (typeof ask !== 'number' || typeof code !== 'string' || typeof cellId !== 'string') return undefined
  if (code.length > LONGEST_CODE) return { type: 'problems', ask, problems: [] }
  const problems = await check(code, cellId).catch(() => [])
  return { type: 'problems', ask, problems: problems.map(problem => ({ ...problem })) }
}
