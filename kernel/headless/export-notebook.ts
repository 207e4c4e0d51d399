/** `riffle export`: a notebook as one plain TypeScript program. */
import { resolve } from 'node:path'
import { programOf, UsageError } from '../../magics/index.ts'
import { StreamError } from '../../stream/errors.ts'
import { NotebookFile } from './notebook-file.ts'

export function exportNotebook(path: string): string {
  const { cells } = new NotebookFile(resolve(path))
  try {
    return programOf(cells)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot export notebook "${path}": ${error.message}`,
      detail: error.lines.join('\n'),
      hint: 'Correct the cell, then riffle export again',
    })
  }
}
