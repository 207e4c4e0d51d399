/** `riffle export`: a notebook as one plain TypeScript program. */
import { resolve } from 'node:path'
import { exportedProgram } from '../supervisor/exported-program.ts'
import { NotebookFile } from './notebook-file.ts'

export function exportNotebook(path: string): string {
  return exportedProgram(new NotebookFile(resolve(path)).cells, `notebook "${path}"`)
}
