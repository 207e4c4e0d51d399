/**
 * One run of a cell, carried by AsyncLocalStorage into its timers, sockets and promises: whatever prints or throws later
 * belongs to the cell that started it.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createStoppable, type Stoppable } from './interrupt.ts'
import type { Origin } from './positions.ts'

export interface Run extends Stoppable {
  readonly requestId: string
  readonly cellId: string
  /** The subshell it was asked in; undefined in the notebook's own shell. */
  readonly subshell: string | undefined
  readonly allowStdin: boolean
  readonly silent: boolean
  /** Where the cell's own code waits. */
  awaiting: { readonly origin: Origin; readonly offset: number } | undefined
  /** What the last await was rejected with. */
  rejection: unknown
  readonly payload: Record<string, unknown>[]
  /** Streams this run has made. */
  readonly made: Set<string>
  /** Params whose slider this run has shown. */
  readonly shown: Set<unknown>
}

export interface RunParts {
  readonly requestId: string
  readonly cellId: string
  readonly subshellId?: string | undefined
  readonly allowStdin: boolean
  readonly silent: boolean
}

export function createRun(parts: RunParts): Run {
  return Object.assign(createStoppable(parts.requestId), {
    requestId: parts.requestId,
    cellId: parts.cellId,
    subshell: parts.subshellId,
    allowStdin: parts.allowStdin,
    silent: parts.silent,
    awaiting: undefined,
    rejection: undefined,
    payload: [],
    made: new Set<string>(),
    shown: new Set(),
  })
}

/** The same run, printing under another request: a comm message's handler belongs to that message. */
export function underRequest(run: Run, requestId: string): Run {
  return Object.create(run, { requestId: { value: requestId, enumerable: true } }) as Run
}

export class Runs {
  private readonly storage = new AsyncLocalStorage<Run>()
  /** What runs now: at most one cell of the notebook's own shell and one of each subshell. */
  readonly active = new Set<Run>()
  /** Falls back here for output without a cell: a listener of a shared emitter. */
  newest: Run | undefined

  /** The cell that runs now: that of the notebook's own shell first. */
  get current(): Run | undefined {
    let first: Run | undefined
    for (const run of this.active) {
      if (run.subshell === undefined) return run
      first ??= run
    }
    return first
  }

  get own(): Run | undefined {
    return this.storage.getStore()
  }

  get parentId(): string {
    return (this.own ?? this.current ?? this.newest)?.requestId ?? ''
  }

  within<T>(run: Run, f: () => T): T {
    return this.storage.run(run, f)
  }
}
