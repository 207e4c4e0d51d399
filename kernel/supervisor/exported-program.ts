/** Cells as one TypeScript program, for `%export` and `riffle export`; a cell that cannot be one is an error of the caller's. */
import { programOf, UsageError } from '../../magics/index.ts'
import type { ProgramText } from '../../magics/index.ts'
import { StreamError } from '../../stream/errors.ts'

/** `what`: `notebook "path"`, for the message. */
export function exportedProgram(cells: readonly ProgramText[], what: string): string {
  try {
    return programOf(cells)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot export ${what}: ${error.message}`,
      detail: error.lines.join('\n'),
      hint: 'Correct the cell, then export again',
    })
  }
}
