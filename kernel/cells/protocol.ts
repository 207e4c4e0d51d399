/**
 * Messages between the supervisor and the cells process.
 *
 * Down they travel over the child's IPC channel; interrupts also reach a watcher thread of the cells process over a socket of
 * its own, so that a busy loop cannot keep them waiting. Up they travel over file descriptor 3 as length-prefixed
 * v8-serialised frames written synchronously: order is kept, a crash loses nothing that was written, and a full pipe slows
 * the cell instead of dropping lines. Raw fd 1 and 2 (native code, grandchildren) are pipes read by the supervisor.
 *
 * `requestId` is the msg_id of an execute_request; `parentId` the msg_id of the request an output belongs to.
 */
import type { StreamErrorParts } from '../../stream/errors.ts'

export type ToCells =
  | {
      readonly type: 'execute'
      readonly requestId: string
      readonly cellId: string
      /** Runs beside what other shells run, whenever those await; undefined in the notebook's own shell. */
      readonly subshellId?: string | undefined
      /** Module name shown in stack traces, `cell-5.ts`. */
      readonly cellName: string
      /** TypeScript after magic expansion. */
      readonly source: string
      /** What the user typed, for excerpts in error texts. */
      readonly typed: string
      /** Positions of `source` in `typed` (magics/define.ts); absent when equal. */
      readonly spans?: readonly SpanMapping[] | undefined
      readonly executionCount: number
      readonly silent: boolean
      readonly allowStdin: boolean
      readonly userExpressions: Readonly<Record<string, string>>
    }
  | { readonly type: 'input'; readonly requestId: string; readonly value: string | null }
  | CommMessage
  /** Answer to a `call`. */
  | {
      readonly type: 'answer'
      readonly id: number
      readonly value?: unknown
      readonly error?: StreamErrorParts | undefined
    }
  /** Where the engine listens; sent at start and whenever the engine was replaced. */
  | { readonly type: 'engine'; readonly path: string }
  | { readonly type: 'shutdown' }

/** A text that `%run` runs: a file, or a cell of another notebook. */
export interface IncludedText {
  /** Shown in stack traces. */
  readonly name: string
  readonly source: string
  readonly typed: string
  readonly spans?: readonly SpanMapping[] | undefined
}

export type FromCells =
  | { readonly type: 'ready'; readonly pid: number }
  | { readonly type: 'stream'; readonly parentId: string; readonly name: 'stdout' | 'stderr'; readonly text: string }
  | {
      readonly type: 'message'
      readonly parentId: string
      readonly msgType: 'display_data' | 'update_display_data' | 'execute_result' | 'clear_output' | 'error'
      readonly content: Readonly<Record<string, unknown>>
      readonly buffers?: readonly Uint8Array[] | undefined
    }
  | {
      readonly type: 'done'
      readonly requestId: string
      readonly status: 'ok' | 'error'
      readonly error?: CellError | undefined
      readonly userExpressions: Readonly<Record<string, unknown>>
      readonly payload: readonly Readonly<Record<string, unknown>>[]
      /** Names of the notebook after the cell, for completion and magic expansion. */
      readonly names: readonly NotebookName[]
    }
  | { readonly type: 'inputRequest'; readonly requestId: string; readonly prompt: string; readonly password: boolean }
  | CommMessage
  /** The cells process asks the supervisor for something only it has (`NotebookApi`: types, history, reset …). */
  | {
      readonly type: 'call'
      readonly id: number
      readonly requestId: string
      readonly method: string
      readonly args: readonly unknown[]
    }

export interface CommMessage {
  readonly type: 'comm'
  readonly kind: 'open' | 'msg' | 'close'
  readonly commId: string
  readonly targetName?: string | undefined
  readonly parentId: string
  readonly content: unknown
  readonly buffers?: readonly Uint8Array[] | undefined
}

export interface CellError {
  readonly ename: string
  readonly evalue: string
  /** Lines, may hold ANSI colours. */
  readonly traceback: readonly string[]
}

export interface NotebookName {
  readonly name: string
  readonly kind: 'stream' | 'topic' | 'param' | 'function' | 'class' | 'import' | 'value'
  readonly cellId: string
  /** Short type or value for `%who`. */
  readonly preview: string
}

/** `length` characters at `at` of the expanded source stand for the text at `typedAt` in the typed one (verbatim copy), or for the whole span when `verbatim` is false. */
export interface SpanMapping {
  readonly at: number
  readonly length: number
  readonly typedAt: number
  readonly typedLength: number
  readonly verbatim: boolean
}
