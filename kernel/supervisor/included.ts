/** The texts behind `%run FILE`: a TypeScript file as it is, a notebook cell by cell, magics expanded. */
import { readFileSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { StreamError } from '../../stream/errors.ts'
import type { IncludedText } from '../cells/protocol.ts'
import { NotebookFile } from '../headless/notebook-file.ts'
import type { Cell } from './executions.ts'
import type { PreparedCell } from './prepare.ts'

type Expand = (cell: Pick<Cell, 'typed' | 'cellId'>) => Promise<PreparedCell>

export async function includedTexts(file: string, folder: string, expand: Expand): Promise<readonly IncludedText[]> {
  const path = resolve(folder, file)
  const name = basename(path)
  const notebook = extname(path) === '.ipynb'
  const cells = notebook
    ? new NotebookFile(path).codeCells.map(({ source }, at) => ({ name: `${name}[${at + 1}]`, source }))
    : [{ name, source: read(path, file) }]
  return await Promise.all(
    cells.map(async cell => {
      const { source, spans, error } = await expand({ typed: cell.source, cellId: `run:${path}:${cell.name}` })
      if (error !== undefined)
        throw problem(`Cannot run "${file}": ${cell.name} ${error.evalue}`, error.traceback.join('\n'))
      return { name: cell.name, source, typed: cell.source, spans }
    }),
  )
}

function read(path: string, file: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw problem(`Cannot run "${file}": there is no such file beside the notebook`)
  }
}

function problem(message: string, detail?: string): StreamError {
  return new StreamError({
    code: 'OPTION_INVALID',
    message,
    hint: '%run helpers.ts',
    ...(detail === undefined ? {} : { detail }),
  })
}
