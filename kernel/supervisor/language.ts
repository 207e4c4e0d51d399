/** What the kernel knows about the text of a cell: its magics, its types, what could stand at the cursor. */
import type { NotebookName } from '../cells/protocol.ts'
import type { Outcome } from './cells-host.ts'
import type { EngineProcess } from './engine-process.ts'
import type { Cell } from './executions.ts'
import { completenessOf } from './is-complete.ts'
import type { Completeness } from './is-complete.ts'
import type { Json } from './message.ts'
import type { PreparedCell } from './prepare.ts'

export interface LanguageOptions {
  readonly root: string
  readonly folder: string
  readonly engine: EngineProcess
  names(): readonly NotebookName[]
}

export class Language {
  readonly #options: LanguageOptions

  constructor(options: LanguageOptions) {
    this.#options = options
  }

  start(): void {}

  stop(): void {}

  engineLost(): void {}

  cellsReplaced(): void {}

  async prepare(cell: Cell, _waiting: () => boolean, _cancel: AbortSignal): Promise<PreparedCell> {
    return { source: cell.typed, notices: [] }
  }

  finished(_cell: Cell, _prepared: PreparedCell, _outcome: Outcome): void {}

  isComplete(code: string): Completeness {
    return completenessOf(code)
  }

  async complete(_code: string, cursor: number): Promise<Json> {
    return {
      matches: this.#options.names().map(one => one.name),
      cursor_start: cursor,
      cursor_end: cursor,
      metadata: {},
    }
  }

  async inspect(_code: string, _cursor: number, _detail: 0 | 1): Promise<Json> {
    return { found: false, data: {}, metadata: {} }
  }
}
