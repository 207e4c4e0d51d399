/**
 * The cells process over the kernel's life: started, given one cell of each shell at a time, interrupted by the ladder, replaced
 * when it dies. What it sends is turned into messages of the request it belongs to.
 *
 *   Stop ──▶ line to the watcher thread ──0.06 s──▶ its children are ended ──0.5 s──▶ "still running" on the cell ──Stop──▶ the process is replaced
 */
import type { CellError, FromCells, NotebookName, ToCells } from '../cells/protocol.ts'
import { CellsProcess } from './cells-process.ts'
import { childrenOf } from './children-of.ts'
import type { Iopub } from './iopub.ts'
import { launchCells } from './launch.ts'
import type { Launched } from './launch.ts'
import type { Header, Json } from './message.ts'

type Execute = Extract<ToCells, { type: 'execute' }>
export type CellsCall = Extract<FromCells, { type: 'call' }>
export type CellsComm = Extract<FromCells, { type: 'comm' }>
export type InputRequest = Extract<FromCells, { type: 'inputRequest' }>

export interface Outcome {
  readonly status: 'ok' | 'error'
  readonly error?: CellError | undefined
  readonly userExpressions: Json
  readonly payload: readonly Json[]
}

export interface CellsHostOptions {
  readonly launched: Launched
  readonly iopub: Iopub
  /** Header of a request by its msg_id. */
  headerOf(id: string): Header | undefined
  /** Where the engine listens now. */
  enginePath(): string | undefined
  onReady(): void
  onCall(call: CellsCall): void
  onComm(comm: CellsComm): void
  onInputRequest(request: InputRequest): void
  onResult(requestId: string, text: string): void
  /** Content of an output that is a live chart, with its display id; undefined for any other. */
  onShown(requestId: string, content: Json): Json | undefined
  /** The process was replaced: its variables and comms are gone. */
  onReplaced(): void
}

interface Running {
  readonly execute: Execute
  readonly resolve: (outcome: Outcome) => void
  /** An error output was published by the cells process itself. */
  errorShown: boolean
  readonly startedAt: number
  stopTimers: NodeJS.Timeout[]
  noticeShown: boolean
  replacing: boolean
}

const NOTICE_MS = 500
/** When the children of a cell that does not stop are asked to end, and how. */
const CHILDREN_SIGNALS = [
  [60, 'SIGINT'],
  [250, 'SIGTERM'],
] as const
/** A process that cannot even start is not started for ever. */
const START_LIMIT = 3

export class CellsHost {
  readonly #options: CellsHostOptions
  #process: CellsProcess | undefined
  #first = true
  /** By request: one of the notebook's shell, one of each subshell; in the order they began. */
  readonly #running = new Map<string, Running>()
  /** Raw output belongs to the running cell, else to the newest one. */
  #newest: string | undefined
  #names: readonly NotebookName[] = []
  #failedStarts = 0
  #lastWords = ''
  #stopping = false
  #held = false

  constructor(options: CellsHostOptions) {
    this.#options = options
  }

  get names(): readonly NotebookName[] {
    return this.#names
  }

  start(): void {
    if (this.#process !== undefined || this.#stopping) return
    const { launched } = this.#options
    const started = this.#first ? launched.child : launchCells(launched.entry, launched.environment)
    this.#first = false
    const child = new CellsProcess(started, {
      onMessage: message => this.#receive(message),
      onRaw: (name, text) => {
        if (!child.ready && name === 'stderr') this.#lastWords = (this.#lastWords + text).slice(-2000)
        this.#options.iopub.stream(this.#header(this.#foremost?.execute.requestId ?? this.#newest), name, text)
      },
      onExit: (how, ready) => this.#exited(how, ready),
    })
    this.#process = child
    if (this.#held) child.hold(true)
    this.announceEngine()
  }

  /** What Stop is for, and whose raw output it is: the cell of the notebook's own shell, else the oldest of a subshell. */
  get #foremost(): Running | undefined {
    const all = [...this.#running.values()]
    return all.find(one => one.execute.subshellId === undefined) ?? all[0]
  }

  /** Front ends cannot take more now. */
  hold(held: boolean): void {
    this.#held = held
    this.#process?.hold(held)
  }

  announceEngine(): void {
    const path = this.#options.enginePath()
    if (path !== undefined) this.#process?.send({ type: 'engine', path })
  }

  send(message: ToCells): void {
    this.start()
    this.#process?.send(message)
  }

  /** Runs one cell; resolves after all its output has been read. */
  async execute(execute: Execute): Promise<Outcome> {
    if (this.#failedStarts >= START_LIMIT) this.#failedStarts = START_LIMIT - 1
    this.start()
    this.#newest = execute.requestId
    const outcome = await new Promise<Outcome>(resolve => {
      this.#running.set(execute.requestId, {
        execute,
        resolve,
        errorShown: false,
        startedAt: performance.now(),
        stopTimers: [],
        noticeShown: false,
        replacing: false,
      })
      this.#process?.send(execute)
    })
    await this.#process?.drained()
    return outcome
  }

  /** Stop was pressed. Without a running cell only a late timer that loops is stopped; nothing is left for the next cell. */
  interrupt(): void {
    const running = this.#foremost
    if (running === undefined) return this.#options.launched.watch.interruptIdle()
    if (running.noticeShown) {
      for (const one of this.#running.values()) one.replacing = true
      this.#process?.kill()
      return
    }
    this.#options.launched.watch.interrupt(running.execute.requestId)
    if (running.stopTimers.length > 0) return
    const notice = setTimeout(() => {
      running.noticeShown = true
      const text =
        `still running: ${running.execute.cellName} does not stop (${firstLine(running.execute.typed)})\n` +
        'Stop once more to replace the cells process: its variables are lost, streams go on\n'
      this.#options.iopub.stream(this.#header(running.execute.requestId), 'stderr', text)
    }, NOTICE_MS)
    const signals = CHILDREN_SIGNALS.map(([afterMs, signal]) =>
      setTimeout(() => this.#endChildren(running, signal), afterMs),
    )
    running.stopTimers = [notice, ...signals]
  }

  #endChildren(running: Running, signal: NodeJS.Signals): void {
    const pid = this.#process?.pid
    if (pid === undefined) return
    for (const child of childrenOf(pid, performance.now() - running.startedAt)) {
      try {
        process.kill(child, signal)
      } catch {
        // Ended by itself.
      }
    }
  }

  stop(): void {
    this.#stopping = true
    this.#process?.send({ type: 'shutdown' })
  }

  kill(): void {
    this.#stopping = true
    this.#process?.kill()
  }

  get alive(): boolean {
    return this.#process !== undefined
  }

  #header(id: string | undefined): Header | undefined {
    return id === undefined ? undefined : this.#options.headerOf(id)
  }

  #receive(message: FromCells): void {
    const { iopub } = this.#options
    switch (message.type) {
      case 'ready':
        this.#failedStarts = 0
        this.#lastWords = ''
        this.#options.onReady()
        return
      case 'stream':
        return iopub.stream(this.#header(message.parentId), message.name, message.text)
      case 'message':
        return this.#publish(message)
      case 'done':
        this.#names = message.names
        return this.#finish(message.requestId, message)
      case 'inputRequest':
        return this.#options.onInputRequest(message)
      case 'comm':
        return this.#options.onComm(message)
      case 'call':
        return this.#options.onCall(message)
    }
  }

  #publish(message: Extract<FromCells, { type: 'message' }>): void {
    const running = this.#running.get(message.parentId)
    let content: Json = message.content
    if (message.msgType === 'error' && running !== undefined) running.errorShown = true
    if (message.msgType === 'execute_result') {
      content = { metadata: {}, execution_count: running?.execute.executionCount ?? 0, ...content }
      const plain = (content['data'] as Json | undefined)?.['text/plain']
      if (typeof plain === 'string') this.#options.onResult(message.parentId, plain)
    }
    // `transient` and `metadata` must be objects: nbconvert fails on null.
    if (message.msgType.endsWith('display_data')) content = { metadata: {}, transient: {}, ...content }
    const { execution_count: _, ...displayed } = content
    const shown = this.#options.onShown(message.parentId, displayed)
    // A chart is never a result: only display data may have a display id, and only by that can it be updated.
    const type = shown !== undefined && message.msgType === 'execute_result' ? 'display_data' : message.msgType
    this.#options.iopub.message({
      type,
      parent: this.#header(message.parentId),
      content: shown ?? content,
      buffers: message.buffers,
    })
  }

  #finish(requestId: string, outcome: Outcome): void {
    const running = this.#running.get(requestId)
    if (running === undefined) return
    this.#running.delete(requestId)
    for (const timer of running.stopTimers) clearTimeout(timer)
    if (this.#running.size === 0) this.#options.launched.watch.forget()
    if (outcome.status === 'error' && outcome.error !== undefined && !running.errorShown) {
      const { ename, evalue, traceback } = outcome.error
      this.#options.iopub.message({
        type: 'error',
        parent: this.#header(requestId),
        content: { ename, evalue, traceback },
      })
    }
    running.resolve(outcome)
  }

  #exited(how: string, ready: boolean): void {
    this.#process = undefined
    const lost = this.#names.map(one => one.name)
    this.#names = []
    if (this.#stopping) return
    if (!ready) this.#failedStarts += 1
    const interrupted = [...this.#running.values()]
    this.#options.onReplaced()
    if (this.#failedStarts < START_LIMIT) this.start()
    for (const running of interrupted) {
      const error = ready ? replacedError(how, running.replacing, lost) : startError(how, this.#lastWords)
      this.#finish(running.execute.requestId, { status: 'error', error, userExpressions: {}, payload: [] })
    }
  }
}

function firstLine(typed: string): string {
  const line = typed.trim().split('\n')[0] ?? ''
  return line.length > 60 ? `${line.slice(0, 57)}…` : line
}

/** Names shown of those that are lost. */
const SHOWN_NAMES = 12

function replacedError(how: string, asked: boolean, lost: readonly string[]): CellError {
  const message = asked
    ? 'The cells process was replaced, as asked by the second Stop'
    : `The cells process ended with ${how}`
  const more = lost.length > SHOWN_NAMES ? ` and ${lost.length - SHOWN_NAMES} more` : ''
  return errorOf('CellsReplaced', `${message}: the variables of the notebook are lost, streams and charts go on`, [
    ...(lost.length === 0 ? [] : [`Lost: ${lost.slice(0, SHOWN_NAMES).join(', ')}${more}`]),
    "Run the cells that define your variables again; stream('NAME') finds a running stream.",
  ])
}

function startError(how: string, words: string): CellError {
  return errorOf(
    'CellsNotStarted',
    `Cannot start the cells process: it ended with ${how}`,
    words === '' ? [] : words.trim().split('\n'),
  )
}

export function errorOf(ename: string, evalue: string, lines: readonly string[]): CellError {
  return { ename, evalue, traceback: [`\u001b[31m${ename}\u001b[39m: ${evalue}`, ...lines] }
}
