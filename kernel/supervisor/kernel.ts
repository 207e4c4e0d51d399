/**
 * The supervisor: every request gets exactly one busy and one idle, and an answer to whoever asked. It runs no user code, so
 * nothing that a cell, a stream or a browser does keeps it from answering.
 */
import type { EngineNotice } from '../engine/protocol.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { CellsHost } from './cells-host.ts'
import type { InputRequest } from './cells-host.ts'
import { ChartDisplays } from './chart-displays.ts'
import { Comms } from './comms.ts'
import type { Connection } from './connection.ts'
import { EngineProcess } from './engine-process.ts'
import { History, historyFile } from './history.ts'
import { Iopub } from './iopub.ts'
import { KERNEL_INFO } from './kernel-info.ts'
import { Language } from './language.ts'
import type { Launched } from './launch.ts'
import { Wire } from './message.ts'
import type { Header, Incoming, Json } from './message.ts'
import { NotebookCalls } from './notebook-calls.ts'
import { keepSecret, redactWrites } from '../../stream/redact.ts'
import { childEnvironment, entryBeside, packageRoot } from './places.ts'
import { behindServer } from './server-between.ts'
import { Shells } from './shells.ts'
import { bindSockets } from './sockets.ts'
import type { Channel, SocketHandlers, Sockets } from './sockets.ts'

export interface KernelOptions {
  readonly connection: Connection
  readonly connectionFile: string
  /** `import.meta.url` of the main file: children lie beside it. */
  readonly mainUrl: string
  readonly launched: Launched
  exit(code: number): void
}

/** Parents of comm and other short requests are kept this long; those of cells for ever, for late output. */
const SHORT_PARENTS = 2000
/** Jupyter kills after 5 s; children get this long to end by themselves. */
const SHUTDOWN_MS = 800
const KILLED_MS = 300
/** The type server starts this long after the sockets, or with the first request: readiness comes first. */
const CHILDREN_DELAY_MS = 150
/** The first cell of a waiting notebook has the machine to itself; a question to the engine starts it at once. */
const ENGINE_AFTER_CELLS_MS = 100
/** Should the cells process never get ready, the engine starts all the same. */
const ENGINE_DELAY_MS = 1000

export async function startKernel(options: KernelOptions): Promise<Kernel> {
  const kernel = new Kernel(options)
  await kernel.start()
  return kernel
}

export class Kernel {
  readonly #options: KernelOptions
  readonly #wire: Wire
  readonly #iopub: Iopub
  readonly #history = new History(historyFile(process.env))
  readonly #engine: EngineProcess
  readonly #cells: CellsHost
  readonly #comms: Comms
  readonly #displays: ChartDisplays
  readonly #language: Language
  readonly #calls: NotebookCalls
  readonly #shells: Shells
  readonly #cellParents = new Map<string, Header>()
  readonly #shortParents = new Map<string, Header>()
  /** The request that a cell id ran last, for output of its streams. */
  readonly #lastRequest = new Map<string, string>()
  readonly #cellOf = new Map<string, string>()
  readonly #lines = new Map<string, number>()
  #sockets: Sockets | undefined
  /** By the msg_id of the question. */
  readonly #prompts = new Map<string, string>()
  /** Questions whose answer is shown nowhere. */
  readonly #passwordPrompts = new Set<string>()
  #ending = false
  #childrenStarted = false

  constructor(options: KernelOptions) {
    this.#options = options
    this.#wire = new Wire(options.connection.key)
    this.#iopub = new Iopub(
      message => this.#sockets?.publish(message),
      message => this.#sockets?.publishFirst(message),
    )
    const { launched } = options
    const headerOf = (id: string) => this.#cellParents.get(id) ?? this.#shortParents.get(id)
    this.#engine = new EngineProcess(
      entryBeside(options.mainUrl, 'engine'),
      childEnvironment({ RIFFLE_ENGINE_DIR: launched.folder.path }, options.connectionFile),
      {
        onNotice: notice => this.#engineNotice(notice),
        onLost: (_how, goesOn) => {
          if (goesOn) this.#comms.greetEngine()
          else this.#comms.closeAll('engine')
          this.#language.engineLost()
        },
      },
    )
    this.#cells = new CellsHost({
      launched,
      iopub: this.#iopub,
      headerOf,
      enginePath: () => this.#engine.path,
      // The first cell needs this process most; the engine starts behind it, or with the first question to it.
      onReady: () => void setTimeout(() => this.#engine.start(), ENGINE_AFTER_CELLS_MS).unref(),
      onCall: call => void this.#calls.answer(call),
      onComm: comm => this.#comms.fromCells(comm),
      onInputRequest: request => this.#askInput(request),
      onShown: (requestId, content) =>
        this.#displays.shown(content, this.#cellOf.get(requestId) ?? '', headerOf(requestId)),
      onResult: (requestId, text) => {
        const line = this.#lines.get(requestId)
        if (line !== undefined) this.#shells.of(requestId)?.history.output(line, text)
      },
      onReplaced: () => {
        this.#prompts.clear()
        this.#comms.closeAll('cells')
        this.#language.cellsReplaced()
        if (this.#engine.path !== undefined)
          void this.#engine.calls().then(engine => engine?.call('cellsReplaced').catch(() => {}))
      },
    })
    this.#comms = new Comms({
      iopub: this.#iopub,
      headerOf,
      toEngine: notice => this.#engine.notify(notice),
      toCells: message => this.#cells.send(message),
      onHello: () => this.#displays.hello(),
      problems: (code, cellId) => this.#language.problems(code, cellId),
    })
    this.#displays = new ChartDisplays({
      clock: wallClock,
      // An engine that ends meanwhile takes its charts with it.
      picture: async chartId =>
        (await (await this.#chartEngine())?.call('chartPicture', chartId).catch(() => null)) ?? undefined,
      update: (parent, content) => this.#iopub.message({ type: 'update_display_data', parent, content }),
      helloHeard: () => this.#comms.chartsAreDrawn,
      displayed: (cellId, chartIds) =>
        void this.#chartEngine().then(engine => engine?.call('cellCharts', cellId, chartIds).catch(() => {})),
    })
    this.#language = new Language({
      root: packageRoot(options.mainUrl),
      folder: launched.folder.path,
      engine: this.#engine,
      names: () => this.#cells.names,
    })
    this.#shells = new Shells(this.#history, {
      iopub: this.#iopub,
      cells: this.#cells,
      reply: (channel, request, content) => this.#reply(channel, request, 'execute_reply', content),
      prepare: (cell, waiting, cancel) => {
        this.#lastRequest.set(cell.cellId, cell.requestId)
        this.#cellOf.set(cell.requestId, cell.cellId)
        this.#displays.cellStarted(cell.cellId)
        this.#lines.set(cell.requestId, this.#shells.of(cell.requestId)?.count ?? 0)
        return this.#language.prepare(cell, waiting, cancel)
      },
      finished: (cell, prepared, outcome) => this.#language.finished(cell, prepared, outcome),
    })
    this.#calls = new NotebookCalls({
      cells: this.#cells,
      engine: this.#engine,
      iopub: this.#iopub,
      history: this.#history,
      language: this.#language,
      headerOf,
      addPayload: (requestId, payload) => this.#shells.of(requestId)?.addPayload(requestId, payload),
    })
  }

  async start(): Promise<void> {
    redactWrites(process.stderr)
    this.#cells.start()
    const handlers: SocketHandlers = {
      message: (channel, message) => this.#receive(channel, message),
      // Never to iopub, never with a digest: who can read there could forge.
      ignored: (channel, reason) => process.stderr.write(`riffle: message on ${channel} ignored: ${reason}\n`),
      full: full => this.#cells.hold(full),
    }
    this.#sockets = await bindSockets(this.#options.connection, this.#wire, handlers, behindServer(process.env))
    this.#iopub.status(undefined, 'starting')
    setTimeout(() => this.#startChildren(), CHILDREN_DELAY_MS)
  }

  /** Ends children, sockets and files. Never throws, runs once. */
  async end(code: number): Promise<void> {
    if (this.#ending) return
    this.#ending = true
    this.#cells.stop()
    this.#language.stop()
    const deadline = Date.now() + SHUTDOWN_MS
    await this.#engine.stop(SHUTDOWN_MS)
    await this.#cellsEnded(deadline)
    this.#cells.kill()
    // Killed is not yet gone: who asks for us next must not find it.
    await this.#cellsEnded(Date.now() + KILLED_MS)
    this.#options.launched.watch.close()
    await this.#sockets?.close()
    this.#options.launched.folder.remove()
    this.#options.exit(code)
  }

  async #cellsEnded(deadline: number): Promise<void> {
    while (this.#cells.alive && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 5))
  }

  interrupt(): void {
    // A waiting prompt ends with its cell; an answer that still comes is stale.
    this.#prompts.clear()
    this.#shells.interrupt()
    // Trainings run beside the cells: a Stop is meant for them too.
    void this.#chartEngine().then(engine => engine?.call('stopTrainings').catch(() => {}))
  }

  /** The engine, for what is about charts: without one there are none. */
  async #chartEngine() {
    return this.#engine.path === undefined ? undefined : await this.#engine.calls()
  }

  #startChildren(): void {
    if (this.#childrenStarted || this.#ending) return
    this.#childrenStarted = true
    this.#language.start()
    setTimeout(() => this.#engine.start(), ENGINE_DELAY_MS).unref()
  }

  #receive(channel: Channel, message: Incoming): void {
    if (channel === 'stdin') return this.#inputReply(message)
    this.#displays.heard()
    const { msg_type: type } = message.header
    if (this.#ending && type !== 'shutdown_request') return
    const shell = this.#shells.get(message.subshellId)
    if (type === 'execute_request' && shell !== undefined) {
      this.#cellParents.set(message.header.msg_id, message.header)
      this.#startChildren()
      return shell.push(channel, message)
    }
    this.#rememberShort(message.header)
    this.#iopub.status(message.header, 'busy')
    void this.#handle(channel, message)
      .catch((error: unknown) => {
        if (type.endsWith('_request'))
          this.#reply(
            channel,
            message,
            replyType(type),
            failure('KernelError', error instanceof Error ? error.message : String(error)),
          )
      })
      .finally(() => {
        this.#iopub.status(message.header, 'idle')
        if (type === 'shutdown_request') void this.end(0)
        else if (type === 'kernel_info_request') setImmediate(() => this.#startChildren())
      })
  }

  async #handle(channel: Channel, message: Incoming): Promise<void> {
    const { content, header } = message
    const reply = (fields: Json) =>
      this.#reply(channel, message, replyType(header.msg_type), { status: 'ok', ...fields })
    // Comm messages of a page that has not heard of a restart still find their comm.
    if (header.msg_type.endsWith('_request') && this.#shells.get(message.subshellId) === undefined)
      return this.#reply(channel, message, replyType(header.msg_type), unknownSubshell(message.subshellId))
    switch (header.msg_type) {
      case 'kernel_info_request':
        return reply(KERNEL_INFO)
      case 'complete_request':
        return reply(await this.#language.complete(text(content['code']), cursor(content)))
      case 'inspect_request':
        return reply(
          await this.#language.inspect(text(content['code']), cursor(content), content['detail_level'] === 1 ? 1 : 0),
        )
      case 'is_complete_request':
        return this.#reply(channel, message, 'is_complete_reply', {
          ...this.#language.isComplete(text(content['code'])),
        })
      case 'history_request':
        return reply({ history: this.#shells.get(message.subshellId)?.history.answer(content) ?? [] })
      case 'comm_info_request':
        return reply({ comms: this.#comms.list(content['target_name']) })
      case 'comm_open':
      case 'comm_msg':
      case 'comm_close':
        return this.#comms.fromFront(message)
      case 'create_subshell_request':
        return reply({ subshell_id: this.#shells.create() })
      case 'delete_subshell_request':
        if (this.#shells.delete(text(content['subshell_id']))) return reply({})
        return this.#reply(channel, message, 'delete_subshell_reply', unknownSubshell(text(content['subshell_id'])))
      case 'list_subshell_request':
        return reply({ subshell_id: this.#shells.list() })
      case 'interrupt_request':
        this.interrupt()
        return reply({})
      case 'shutdown_request': {
        const answer = { status: 'ok', restart: content['restart'] === true }
        this.#iopub.message({ type: 'shutdown_reply', parent: header, content: answer })
        return reply(answer)
      }
      default:
        if (header.msg_type.endsWith('_request')) {
          this.#reply(
            channel,
            message,
            replyType(header.msg_type),
            failure('UnsupportedRequest', `"${header.msg_type}" is not answered by this kernel`),
          )
        }
    }
  }

  #reply(channel: Channel, request: Incoming, type: string, content: Json): void {
    this.#sockets?.send(channel, { type, parent: request.header, identities: request.identities, content })
  }

  #rememberShort(header: Header): void {
    this.#shortParents.set(header.msg_id, header)
    if (this.#shortParents.size > SHORT_PARENTS)
      this.#shortParents.delete(this.#shortParents.keys().next().value as string)
  }

  #askInput(request: InputRequest): void {
    const running = this.#shells.of(request.requestId)?.running()
    if (running === undefined || running.content['allow_stdin'] !== true) {
      this.#cells.send({ type: 'input', requestId: request.requestId, value: null })
      return
    }
    // What was printed before the question must be seen before it.
    this.#iopub.flush()
    const { prompt, password } = request
    const messageId = this.#sockets?.send('stdin', {
      type: 'input_request',
      parent: running.header,
      identities: running.identities,
      content: { prompt, password },
    })
    if (messageId === undefined) return
    this.#prompts.set(messageId, request.requestId)
    if (password) this.#passwordPrompts.add(messageId)
  }

  #inputReply(message: Incoming): void {
    if (message.header.msg_type !== 'input_reply') return
    // Some clients name no parent: they answer the newest question. An answer to a question that was interrupted finds none.
    const messageId = message.parentId ?? [...this.#prompts.keys()].at(-1)
    const requestId = this.#prompts.get(messageId ?? '')
    if (messageId === undefined || requestId === undefined) return
    this.#prompts.delete(messageId)
    const value = text(message.content['value'])
    if (this.#passwordPrompts.delete(messageId)) keepSecret(value)
    this.#cells.send({ type: 'input', requestId, value: value === '\u0004' ? null : value })
  }

  #engineNotice(notice: Exclude<EngineNotice, { type: 'remember' }>): void {
    if (notice.type === 'ready') {
      this.#language.engineReady()
      return this.#cells.announceEngine()
    }
    if (notice.type === 'secret') return keepSecret(notice.secret)
    if (notice.type === 'chart') return this.#comms.fromEngine(notice.connection, notice.message, notice.buffers)
    const parent = this.#cellParents.get(this.#lastRequest.get(notice.cellId) ?? '')
    if (notice.type === 'lambdaOutput') return this.#iopub.stream(parent, notice.name, notice.text)
    const { code, message, detail, hint } = notice.error
    const lines = [
      `Stream "${notice.stream}": ${message} (${code})`,
      ...(detail === undefined ? [] : [detail]),
      ...(hint === undefined ? [] : [hint]),
    ]
    this.#iopub.stream(parent, 'stderr', `${lines.join('\n')}\n`)
  }
}

function replyType(request: string): string {
  return request.replace(/_request$/, '_reply')
}

function failure(ename: string, evalue: string): Json {
  return { status: 'error', ename, evalue, traceback: [] }
}

function unknownSubshell(id: string | undefined): Json {
  return failure('SubshellUnknown', `There is no subshell "${id ?? ''}": list_subshell_request names those there are`)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function cursor(content: Json): number {
  const at = content['cursor_pos']
  return typeof at === 'number' && Number.isFinite(at) ? Math.max(0, at) : Infinity
}
