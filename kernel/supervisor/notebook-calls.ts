/** Answers what a cell asks of the kernel at run time: the global `notebook` (magics/define.ts, NotebookApi). */
import { StreamError } from '../../stream/errors.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import type { CellsCall, CellsHost } from './cells-host.ts'
import type { EngineProcess } from './engine-process.ts'
import type { History } from './history.ts'
import type { Iopub } from './iopub.ts'
import type { Language } from './language.ts'
import type { Header, Json } from './message.ts'

export interface NotebookCallsOptions {
  readonly cells: CellsHost
  readonly engine: EngineProcess
  readonly iopub: Iopub
  readonly history: History
  readonly language: Language
  headerOf(id: string): Header | undefined
  addPayload(requestId: string, payload: Json): void
}

export class NotebookCalls {
  readonly #options: NotebookCallsOptions

  constructor(options: NotebookCallsOptions) {
    this.#options = options
  }

  async answer(call: CellsCall): Promise<void> {
    try {
      this.#options.cells.send({ type: 'answer', id: call.id, value: await this.#call(call) })
    } catch (error) {
      this.#options.cells.send({ type: 'answer', id: call.id, error: partsOf(error) })
    }
  }

  async #call({ method }: CellsCall): Promise<unknown> {
    switch (method) {
      case 'who':
        return this.#options.cells.names.map(({ name, kind, preview }) => ({ name, kind, preview }))
      default:
        throw new StreamError({
          code: 'INTERNAL',
          message: `Cannot answer "notebook.${method}": the kernel has no such request`,
        })
    }
  }
}

function partsOf(error: unknown): StreamErrorParts {
  if (error instanceof StreamError) return error.toJSON()
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) }
}
