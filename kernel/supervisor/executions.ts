/**
 * The cells of one shell, one at a time, in the order they were asked for. Everything else is answered beside the running cell; each
 * subshell has a queue, a count and a history of its own (JEP 91).
 *
 *   busy ▶ execute_input ▶ outputs ▶ execute_reply ▶ idle
 */
import { createHash } from 'node:crypto'
import type { CellError } from '../cells/protocol.ts'
import type { CellsHost, Outcome } from './cells-host.ts'
import { errorOf } from './cells-host.ts'
import type { History } from './history.ts'
import type { Iopub } from './iopub.ts'
import { isObject } from './message.ts'
import type { Header, Incoming, Json } from './message.ts'
import type { PreparedCell } from './prepare.ts'
import type { Channel } from './sockets.ts'

export interface ExecutionsOptions {
  /** Undefined for the notebook's own shell. */
  readonly subshellId?: string | undefined
  /** Modules are numbered apart from executions: a cell without history still needs a name of its own. */
  nextModule(): number
  readonly iopub: Iopub
  readonly cells: CellsHost
  readonly history: History
  reply(channel: Channel, request: Incoming, content: Json): void
  /** Expands magics and checks types. `waiting()` says whether more cells are queued (Run All). */
  prepare(cell: Cell, waiting: () => boolean, cancel: AbortSignal): Promise<PreparedCell>
  /** The cell has run: its names are known. */
  finished(cell: Cell, prepared: PreparedCell, outcome: Outcome): void
}

export interface Cell {
  readonly requestId: string
  readonly cellId: string
  /** `cell-5.ts` */
  readonly name: string
  readonly typed: string
  readonly header: Header
}

interface Task {
  readonly channel: Channel
  readonly message: Incoming
}

interface Current {
  readonly task: Task
  readonly cancel: AbortController
  inCells: boolean
  readonly payload: Json[]
}

export class Executions {
  readonly #options: ExecutionsOptions
  #queue: Task[] = []
  #current: Current | undefined
  #count = 0

  constructor(options: ExecutionsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#count
  }

  get history(): History {
    return this.#options.history
  }

  /** The shell is deleted: what has not begun is answered, what runs ends by itself. */
  abandon(): void {
    this.#abort(this.#queue.splice(0), 'not run, because its subshell was deleted')
  }

  push(channel: Channel, message: Incoming): void {
    this.#queue.push({ channel, message })
    if (this.#current === undefined) void this.#work()
  }

  /** The message that runs now. */
  running(): Incoming | undefined {
    return this.#current?.task.message
  }

  /** Adds a payload (a page of help) to the reply of a running cell. */
  addPayload(requestId: string, payload: Json): void {
    if (this.#current?.task.message.header.msg_id === requestId) this.#current.payload.push(payload)
  }

  /** Ends what is being prepared; what runs in the cells process is stopped there. */
  interrupt(): void {
    if (this.#current?.inCells === false) this.#current.cancel.abort()
  }

  /** A cell of this shell is on its way, but not yet in the cells process. */
  get preparing(): boolean {
    return this.#current?.inCells === false
  }

  async #work(): Promise<void> {
    for (let task = this.#queue.shift(); task !== undefined; task = this.#queue.shift()) {
      this.#current = { task, cancel: new AbortController(), inCells: false, payload: [] }
      try {
        await this.#run(task, this.#current)
      } catch (error) {
        // A fault of the kernel itself still ends in one reply and one idle.
        const fault = errorOf('KernelError', error instanceof Error ? error.message : String(error), [])
        this.#show(task, fault)
        await this.#fail(task, fault, this.#count)
      }
    }
    this.#current = undefined
    // A request may have come while the last one ended.
    if (this.#queue.length > 0) await this.#work()
  }

  async #run(task: Task, current: Current): Promise<void> {
    const { iopub, cells, history, subshellId } = this.#options
    const { header, content, metadata } = task.message
    iopub.status(header, 'busy')
    const typed = typeof content['code'] === 'string' ? content['code'] : ''
    const silent = content['silent'] === true
    const stored = !silent && content['store_history'] !== false && typed.trim() !== ''
    if (stored) {
      this.#count += 1
      history.add(this.#count, typed)
    }
    const module = this.#options.nextModule()
    const cell: Cell = {
      requestId: header.msg_id,
      cellId:
        typeof metadata['cellId'] === 'string'
          ? metadata['cellId']
          : `text-${createHash('sha1').update(typed).digest('hex').slice(0, 12)}`,
      name: nameOf(stored, this.#count, module, subshellId),
      typed,
      header,
    }
    const executionCount = this.#count
    if (!silent)
      iopub.message({
        type: 'execute_input',
        parent: header,
        content: { code: typed, execution_count: executionCount },
      })

    const prepared = await this.#options.prepare(cell, () => this.#queue.length > 0, current.cancel.signal)
    if (prepared.error !== undefined) {
      this.#show(task, prepared.error)
      return await this.#fail(task, prepared.error, executionCount)
    }
    for (const notice of prepared.notices) iopub.stream(header, notice.name, `${notice.text}\n`)
    current.inCells = true
    const outcome = await cells.execute({
      type: 'execute',
      requestId: header.msg_id,
      cellId: cell.cellId,
      subshellId,
      cellName: cell.name,
      source: prepared.source,
      typed,
      spans: prepared.spans,
      executionCount,
      silent,
      allowStdin: content['allow_stdin'] === true,
      userExpressions: expressions(content['user_expressions']),
    })
    this.#options.finished(cell, prepared, outcome)
    if (outcome.status === 'error') {
      return await this.#fail(
        task,
        outcome.error ?? errorOf('Error', 'the cell failed', []),
        executionCount,
        outcome.userExpressions,
      )
    }
    // A terminal has no cells: there the same line twice is two steps of the program.
    if (stored) history.ran(typeof metadata['cellId'] === 'string' ? metadata['cellId'] : header.msg_id, typed)
    iopub.flush()
    this.#options.reply(task.channel, task.message, {
      status: 'ok',
      execution_count: executionCount,
      user_expressions: outcome.userExpressions,
      payload: [...outcome.payload, ...current.payload],
    })
    iopub.status(header, 'idle')
  }

  /**
   * Answers a failed cell and those that were asked for before its failure was known. What comes after the answer is the
   * user's next wish, not part of the same Run All; what is on its way is read first.
   */
  async #fail(task: Task, error: CellError, executionCount: number, userExpressions: Json = {}): Promise<void> {
    for (let turn = 0; turn < 2; turn += 1) await new Promise(resolve => setImmediate(resolve))
    const aborted = task.message.content['stop_on_error'] === false ? [] : this.#queue.splice(0)
    this.#answer(task, error, executionCount, userExpressions)
    this.#abort(aborted, 'not run, because a cell before it failed')
  }

  #abort(tasks: readonly Task[], why: string): void {
    for (const one of tasks) {
      this.#options.iopub.status(one.message.header, 'busy')
      this.#answer(one, errorOf('Aborted', why, []), this.#count)
    }
  }

  #show(task: Task, { ename, evalue, traceback }: CellError): void {
    this.#options.iopub.message({ type: 'error', parent: task.message.header, content: { ename, evalue, traceback } })
  }

  #answer(task: Task, error: CellError, executionCount: number, userExpressions: Json = {}): void {
    const { ename, evalue, traceback } = error
    this.#options.iopub.flush()
    this.#options.reply(task.channel, task.message, {
      status: 'error',
      execution_count: executionCount,
      ename,
      evalue,
      traceback,
      user_expressions: userExpressions,
      payload: [],
    })
    this.#options.iopub.status(task.message.header, 'idle')
  }
}

/** A hidden cell must not take the number people see as In[5], a subshell's cell not that of the notebook. */
function nameOf(stored: boolean, count: number, module: number, subshellId: string | undefined): string {
  if (subshellId !== undefined) return `subshell-${module}.ts`
  return stored ? `cell-${count}.ts` : `hidden-${module}.ts`
}

function expressions(value: unknown): Record<string, string> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
