/** Where in the user's cells an error of a lambda came from. */
import type { LambdaSite, ShippedLambda } from '../plan.ts'
import { capturedIn } from './walk.ts'

export interface LambdaFrame {
  readonly cell: string
  /** 1-based, as typed. */
  readonly line: number
  readonly column: number
}

/** The innermost frame of `error` that lies in the lambda or in a function it captured; the lambda's first line without one. */
export function lambdaFrame(error: unknown, lambda: ShippedLambda): LambdaFrame {
  const sites = capturedIn(lambda).flatMap(c =>
    (c.kind === 'lambda' || c.kind === 'class') && c.site !== undefined ? [c.site] : [],
  )
  const cells = new Set(sites.map((site: LambdaSite) => site.cell))
  const stack = error instanceof Error && typeof error.stack === 'string' ? error.stack.split('\n') : []
  for (const entry of stack) {
    const match = /^\s+at (?:.*\()?(.+?):(\d+):(\d+)\)?$/.exec(entry)
    if (match !== null && cells.has(match[1]!))
      return { cell: match[1]!, line: Number(match[2]), column: Number(match[3]) }
  }
  const { cell, line, column } = lambda.site
  return { cell, line, column }
}

export const frameText = (frame: LambdaFrame): string => `${frame.cell}:${frame.line}:${frame.column}`
