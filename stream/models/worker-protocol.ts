/** What the owner of a model and the model's thread tell each other. */
import type { MessagePort } from 'node:worker_threads'
import type { StreamErrorParts } from '../errors.ts'
import type { ModelArtifact } from './artifact.ts'

export interface WorkerSettings {
  /** Cell 0: number of the newest call that was answered. */
  readonly flag: Int32Array
  readonly port: MessagePort
  readonly artifact: ModelArtifact
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
      readonly tensorCount: number | undefined
    }
  | { readonly type: 'done'; readonly tensorCount: number | undefined }
  | { readonly type: 'failed'; readonly error: StreamErrorParts }
