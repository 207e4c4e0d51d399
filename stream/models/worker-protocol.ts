/** What the owner of a model and the model's thread tell each other. */
import type { MessagePort } from 'node:worker_threads'
import type { StreamErrorParts } from '../errors.ts'
import type { ModelArtifact } from './artifact.ts'

/**
 * Cells of the memory both share. An engine that answers at once is asked through them alone: waking a thread on a cell takes a tenth of what
 * a message does, and neither side makes anything.
 */
export const CELLS = {
  /** Number of the newest call that was answered. */
  answered: 0,
  /** Number of the newest call. */
  asked: 1,
  /** Rows to predict; 0: a message holds what is asked. */
  count: 2,
  /** 1: the answer is a message, the call has failed. */
  failed: 3,
  /** Tensors alive, -1 where nobody counts. */
  tensors: 4,
} as const
export const CELL_COUNT = 5

export interface WorkerSettings {
  readonly cells: Int32Array
  readonly port: MessagePort
  readonly artifact: ModelArtifact
  /** Of TensorFlow.js: wasm where it starts and has what is needed, or cpu. */
  readonly backend: 'wasm' | 'cpu'
}

/** A call with its number; 0 is answered by the message alone. */
export interface NumberedAsk {
  readonly call: number
  readonly ask: Ask
}

export type Ask =
  | { readonly type: 'open' }
  | { readonly type: 'buffers'; readonly input: SharedArrayBuffer; readonly output: SharedArrayBuffer }
  | { readonly type: 'predict'; readonly count: number }

export type Answer =
  | {
      readonly type: 'opened'
      readonly engine: string
      readonly inputs: number
      readonly steps: number
      readonly outputs: number
      readonly notices: readonly string[]
      /** It is asked through the cells. */
      readonly atOnce: boolean
      readonly tensorCount: number | undefined
    }
  | { readonly type: 'done'; readonly tensorCount: number | undefined }
  | { readonly type: 'failed'; readonly error: StreamErrorParts }
