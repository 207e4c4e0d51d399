/** What a cell finds beside the stream API without importing it. The type server reads `NotebookGlobals`. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { NotebookApi } from '../../magics/define.ts'
import { StreamError, type StreamErrorParts } from '../../stream/errors.ts'
import type { Channel } from './channel.ts'
import { createComms, type CommRouter, type Comms } from './comms.ts'
import { createDisplay, type Display } from './display.ts'
import { unlessStopped } from './interrupt.ts'
import type { IncludedText } from './protocol.ts'
import type { Runs } from './run.ts'

export interface NotebookGlobals {
  /** Shows a value at this place of the output; gives a handle to show another one there later. */
  readonly display: Display
  /** Jupyter comms for targets of your own. */
  readonly comms: Comms
  /** Asks for a line of text. Null at the end of input. */
  readonly prompt: (text?: string, options?: { readonly password?: boolean }) => Promise<string | null>
  /** Asks for yes or no. */
  readonly confirm: (text?: string) => Promise<boolean>
  /** What magics call. `notebook.signal` is aborted when the running cell is stopped. */
  readonly notebook: NotebookApi & { readonly signal: AbortSignal }
  /** Node's `require`, from the notebook's folder. */
  readonly require: NodeJS.Require
  readonly __dirname: string
  readonly __filename: string
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

export interface Globals {
  readonly values: NotebookGlobals
  readonly router: CommRouter
  input(requestId: string, value: string | null): void
  answer(id: number, value: unknown, error: StreamErrorParts | undefined): void
}

export interface GlobalsOptions {
  /** Takes variables out of the notebook. */
  forget(names: readonly string[]): void
  /** Runs texts in the notebook's scope, in the cell that asks. */
  include(texts: readonly IncludedText[]): Promise<void>
  /** Captured variables of the running streams as they are now. */
  capturedNow(): Promise<Record<string, string>>
}

export function createGlobals(channel: Channel, runs: Runs, folder: string, options: GlobalsOptions): Globals {
  const router = createComms(channel, runs)
  const prompts = new Map<string, Waiting>()
  const calls = new Map<number, Waiting>()
  let counter = 0

  const ask = async (text: string, password: boolean): Promise<string | null> => {
    const run = runs.own ?? runs.current
    if (run === undefined || !runs.active.has(run)) throw new Error('Cannot ask for input: the cell has ended')
    if (!run.allowStdin) throw new Error('Cannot ask for input: the frontend does not allow it')
    if (prompts.has(run.requestId)) throw new Error('Cannot ask for input: the cell waits for an answer already')
    const answer = new Promise<unknown>((resolve, reject) => prompts.set(run.requestId, { resolve, reject }))
    channel.send({ type: 'inputRequest', requestId: run.requestId, prompt: text, password })
    try {
      return (await unlessStopped(run, answer)) as string | null
    } finally {
      prompts.delete(run.requestId)
    }
  }
  const call = (method: string, args: readonly unknown[]): Promise<unknown> => {
    const id = ++counter
    const answer = new Promise<unknown>((resolve, reject) => calls.set(id, { resolve, reject }))
    channel.send({ type: 'call', id, requestId: runs.parentId, method, args })
    return unlessStopped(runs.own ?? runs.current, answer)
  }
  const notebook = new Proxy(Object.create(null) as NotebookApi & { readonly signal: AbortSignal }, {
    get: (_, name) => {
      if (name === 'signal') return (runs.own ?? runs.current)?.abort.signal
      // A promise would take any object with `then` for one of its own.
      if (typeof name === 'symbol' || name === 'then') return undefined
      // Only here it is known what the variables hold.
      if (name === 'streams')
        return async (asked: unknown) =>
          await call(name, [asked, await unlessStopped(runs.own ?? runs.current, options.capturedNow())])
      if (name === 'reset')
        return async (names: readonly string[]) => {
          options.forget(names)
          await call(name, [names])
        }
      if (name === 'run')
        return async (file: unknown) => {
          await options.include((await call(name, [file])) as readonly IncludedText[])
        }
      return (...args: unknown[]) => call(name, args)
    },
  })
  const file = join(folder, 'notebook.ts')
  const values: NotebookGlobals = {
    display: createDisplay(channel, runs),
    comms: router.comms,
    prompt: (text = '', options) => ask(text, options?.password === true),
    confirm: async (text = '') => /^\s*(y|yes|true|1|ok)\s*$/i.test((await ask(`${text} [y/n] `, false)) ?? ''),
    notebook,
    require: createRequire(file),
    __dirname: folder,
    __filename: file,
  }
  return {
    values,
    router,
    input: (requestId, value) => prompts.get(requestId)?.resolve(value),
    answer: (id, value, error) => {
      const waiting = calls.get(id)
      calls.delete(id)
      if (error !== undefined) waiting?.reject(StreamError.from(error))
      else waiting?.resolve(value)
    },
  }
}
