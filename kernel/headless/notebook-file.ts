/** A notebook as a file (nbformat 4): read, checked as far as we use it, and written so that a diff shows lines. */
import { readFileSync, writeFileSync } from 'node:fs'
import { StreamError } from '../../stream/errors.ts'
import { isObject } from '../supervisor/message.ts'
import type { Json } from '../supervisor/message.ts'

export interface CodeCell {
  readonly id: string
  readonly source: string
  readonly tags: readonly string[]
  outputs: Json[]
  executionCount: number | null
}

export interface MarkdownCell {
  readonly markdown: string
}

export class NotebookFile {
  readonly path: string
  readonly #json: Json
  readonly #cells: { readonly json: Json; readonly code: CodeCell | undefined }[]

  constructor(path: string) {
    this.path = path
    this.#json = parse(path)
    this.#cells = (this.#json['cells'] as readonly Json[]).map((json, at) => ({ json, code: codeOf(json, at) }))
  }

  get codeCells(): readonly CodeCell[] {
    return this.#cells.flatMap(({ code }) => (code === undefined ? [] : [code]))
  }

  /** Code and Markdown in order; raw cells are for converters. */
  get cells(): readonly (CodeCell | MarkdownCell)[] {
    return this.#cells.flatMap(({ json, code }): (CodeCell | MarkdownCell)[] => {
      if (code !== undefined) return [code]
      return json['cell_type'] === 'markdown' ? [{ markdown: textOf(json['source']) }] : []
    })
  }

  /** Adds a cell as papermill does: behind the one tagged `parameters`, else on top. Replaces an earlier one. */
  injectParameters(source: string): void {
    const tagged = (tag: string) => this.#cells.findIndex(({ code }) => code?.tags.includes(tag) === true)
    const earlier = tagged(INJECTED)
    if (earlier >= 0) this.#cells.splice(earlier, 1)
    const json = {
      cell_type: 'code',
      id: INJECTED,
      metadata: { tags: [INJECTED] },
      source,
      outputs: [],
      execution_count: null,
    }
    this.#cells.splice(tagged('parameters') + 1, 0, { json, code: codeOf(json, 0) })
  }

  write(path: string): void {
    const cells = this.#cells.map(({ json, code }) =>
      code === undefined
        ? json
        : {
            ...json,
            source: linesOf(code.source),
            outputs: code.outputs.map(saved),
            execution_count: code.executionCount,
          },
    )
    writeFileSync(path, `${JSON.stringify({ ...this.#json, cells }, null, 1)}\n`)
  }
}

const INJECTED = 'injected-parameters'

function parse(path: string): Json {
  const refuse = (why: string): never => {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot read notebook "${path}": ${why}`,
      hint: 'riffle run NOTEBOOK.ipynb',
    })
  }
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    return refuse(error instanceof SyntaxError ? 'it is not JSON' : 'there is no such file')
  }
  if (!isObject(json) || !Array.isArray(json['cells']) || json['nbformat'] !== 4)
    return refuse('it is no notebook of format 4')
  if (!json['cells'].every(isObject)) return refuse('a cell is no object')
  return json
}

function codeOf(json: Json, at: number): CodeCell | undefined {
  if (json['cell_type'] !== 'code') return undefined
  const metadata = isObject(json['metadata']) ? json['metadata'] : {}
  const tags = Array.isArray(metadata['tags']) ? metadata['tags'].map(String) : []
  const id = typeof json['id'] === 'string' ? json['id'] : `cell-${at}`
  return { id, source: textOf(json['source']), tags, outputs: [], executionCount: null }
}

function textOf(source: unknown): string {
  return Array.isArray(source) ? source.map(String).join('') : typeof source === 'string' ? source : ''
}

/** Text in lines, as Jupyter saves it; JSON and base64 as they are. */
function saved(output: Json): Json {
  if (typeof output['text'] === 'string') return { ...output, text: linesOf(output['text']) }
  const data = output['data']
  if (!isObject(data)) return output
  const kept = Object.entries(data).map(([mime, value]) => [
    mime,
    typeof value === 'string' && /^text\/|^image\/svg/.test(mime) ? linesOf(value) : value,
  ])
  return { ...output, data: Object.fromEntries(kept) as Json }
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/)
}
