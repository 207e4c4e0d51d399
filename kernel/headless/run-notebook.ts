/**
 * `riffle run`: a notebook from top to bottom without Jupyter, for edge devices and CI. What cells print goes to stdout and stderr;
 * the first cell that fails ends the run with its error, unless it is tagged `raises-exception`. Streams live on for `forMs`.
 */
import { dirname, resolve } from 'node:path'
import { LIVE_MIME } from '../../stream/charts/protocol.ts'
import { isObject } from '../supervisor/message.ts'
import type { Incoming, Json } from '../supervisor/message.ts'
import { startKernel } from './kernel-client.ts'
import type { KernelClient } from './kernel-client.ts'
import { NotebookFile } from './notebook-file.ts'
import type { CodeCell } from './notebook-file.ts'
import { Outputs } from './outputs.ts'
import { parameterSource } from './parameters.ts'

export interface RunOptions {
  /** `name=value`, in order. */
  readonly set: readonly string[]
  /** Streams go on this long after the last cell. */
  readonly forMs: number
  /** Where the notebook with its outputs is written; default nowhere. */
  readonly out: string | undefined
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Aborted by Ctrl-C: the running cell is stopped, then the run ends. */
  readonly signal: AbortSignal
}

/** A chart that has rows shows them within this time; a file without them would say less than it could. */
const FIRST_PICTURES_MS = 5_000
/** Charts are updated while somebody asks now and then. */
const ALIVE_EVERY_MS = 20_000

/** Tells whether all cells ran. */
export async function runNotebook(path: string, options: RunOptions): Promise<boolean> {
  const notebook = new NotebookFile(resolve(path))
  if (options.set.length > 0) notebook.injectParameters(parameterSource(options.set))
  const run = new NotebookRun(notebook, options)
  try {
    return await run.all()
  } finally {
    await run.end()
    if (options.out !== undefined) notebook.write(options.out)
  }
}

class NotebookRun {
  readonly #notebook: NotebookFile
  readonly #options: RunOptions
  readonly #outputs = new Outputs()
  readonly #cellOf = new Map<string, CodeCell>()
  /** Live charts that were shown and have had no picture yet, by display id. */
  readonly #withoutPicture = new Set<string>()
  readonly #kernel: Promise<KernelClient>
  #next: CodeCell | undefined
  #pictureCame = (): void => {}

  constructor(notebook: NotebookFile, options: RunOptions) {
    this.#notebook = notebook
    this.#options = options
    this.#kernel = startKernel({
      folder: dirname(notebook.path),
      environment: { ...process.env, JPY_SESSION_NAME: notebook.path },
      onSent: (id, type) => {
        if (type === 'execute_request' && this.#next !== undefined) this.#cellOf.set(id, this.#next)
      },
      onOutput: (id, message) => this.#show(this.#cellOf.get(id ?? ''), message),
    })
  }

  async all(): Promise<boolean> {
    const { signal } = this.#options
    const kernel = await this.#kernel
    const stop = (): void => void kernel.request('control', 'interrupt_request', {})
    signal.addEventListener('abort', stop)
    for (const cell of this.#notebook.codeCells) {
      if (cell.source.trim() === '') continue
      if (!(await this.#run(kernel, cell)) || signal.aborted) return false
    }
    await this.#streamsLive(kernel)
    return true
  }

  async end(): Promise<void> {
    await (await this.#kernel).end()
  }

  async #run(kernel: KernelClient, cell: CodeCell): Promise<boolean> {
    this.#next = cell
    const content = { code: cell.source, silent: false, store_history: true, user_expressions: {}, allow_stdin: false }
    const reply = await kernel.request(
      'shell',
      'execute_request',
      { ...content, stop_on_error: true },
      { cellId: cell.id },
    )
    cell.executionCount = typeof reply['execution_count'] === 'number' ? reply['execution_count'] : null
    if (reply['ename'] === 'KernelEnded') this.#options.stderr(`${String(reply['evalue'])}\n`)
    return reply['status'] === 'ok' || cell.tags.includes('raises-exception')
  }

  /** Until the time is over or Ctrl-C; without a time, until each chart of a saved file has its first picture. */
  async #streamsLive(kernel: KernelClient): Promise<void> {
    const { forMs, out, signal } = this.#options
    const limitMs = Math.max(forMs, out === undefined || this.#withoutPicture.size === 0 ? 0 : FIRST_PICTURES_MS)
    if (limitMs === 0) return
    const alive = setInterval(() => void kernel.request('shell', 'kernel_info_request', {}), ALIVE_EVERY_MS)
    await new Promise<void>(resolve => {
      const limit = setTimeout(resolve, limitMs)
      signal.addEventListener('abort', () => resolve())
      this.#pictureCame = () => {
        if (forMs > 0 || this.#withoutPicture.size > 0) return
        clearTimeout(limit)
        resolve()
      }
    })
    clearInterval(alive)
  }

  #show(cell: CodeCell | undefined, message: Incoming): void {
    const { content, header } = message
    this.#outputs.take(cell, message)
    this.#notePicture(header.msg_type, content)
    if (cell === undefined) return
    const { stdout, stderr } = this.#options
    switch (header.msg_type) {
      case 'stream':
        return (content['name'] === 'stderr' ? stderr : stdout)(String(content['text']))
      case 'error': {
        const lines = Array.isArray(content['traceback']) ? content['traceback'].map(String) : []
        return stderr(
          `${lines.length > 0 ? lines.join('\n') : `${String(content['ename'])}: ${String(content['evalue'])}`}\n`,
        )
      }
      case 'display_data':
      case 'execute_result':
        if (isObject(content['data']) && typeof content['data']['text/plain'] === 'string')
          stdout(`${content['data']['text/plain']}\n`)
    }
  }

  #notePicture(type: string, content: Json): void {
    const id = isObject(content['transient']) ? String(content['transient']['display_id']) : ''
    if (type === 'display_data' && isObject(content['data']) && LIVE_MIME in content['data'])
      this.#withoutPicture.add(id)
    if (type === 'update_display_data' && this.#withoutPicture.delete(id)) this.#pictureCame()
  }
}
