/**
 * Which comm belongs to whom. Comms of the chart target go to the engine, so that credits and snapshots are answered whatever a
 * cell does; those of the editor are answered here; all others go to the cells process. Comm messages are never queued behind a cell.
 */
import { COMM_TARGET } from '../../stream/charts/protocol.ts'
import type { FromEngine, ToEngine } from '../../stream/charts/protocol.ts'
import type { SupervisorNotice } from '../engine/protocol.ts'
import type { ToCells } from '../cells/protocol.ts'
import type { CellsComm } from './cells-host.ts'
import { answerEditor, EDITOR_TARGET } from './editor-problems.ts'
import type { EditorProblem } from './editor-problems.ts'
import type { Iopub } from './iopub.ts'
import { isObject } from './message.ts'
import type { Header, Incoming, Json } from './message.ts'

type Owner = 'engine' | 'cells' | 'editor'

const OWNERS: Readonly<Record<string, Owner>> = { [COMM_TARGET]: 'engine', [EDITOR_TARGET]: 'editor' }

interface OpenComm {
  readonly target: string
  readonly owner: Owner
  /** Parent of what is sent without a request of its own: the message that opened it. */
  readonly parent: Header | undefined
  /** Of a page of charts: what it opened with, for the engine after this one. */
  readonly hello?: unknown
}

export interface CommRoutes {
  readonly iopub: Iopub
  headerOf(id: string): Header | undefined
  toEngine(notice: SupervisorNotice): void
  toCells(message: ToCells): void
  /** A page opened the comm of charts. */
  onHello(): void
  /** What is wrong with a text that is being typed. */
  problems(code: string, cellId: string): Promise<readonly EditorProblem[]>
}

export class Comms {
  readonly #routes: CommRoutes
  readonly #open = new Map<string, OpenComm>()

  constructor(routes: CommRoutes) {
    this.#routes = routes
  }

  /** Content of a comm_info_reply. */
  list(target: unknown): Json {
    const open = [...this.#open].filter(([, comm]) => target === undefined || target === null || comm.target === target)
    return Object.fromEntries(open.map(([id, comm]) => [id, { target_name: comm.target }]))
  }

  /** Whether a page with the extension is connected. */
  get chartsAreDrawn(): boolean {
    return [...this.#open.values()].some(comm => comm.target === COMM_TARGET)
  }

  fromFront(message: Incoming): void {
    const { content, header, buffers } = message
    const id = content['comm_id']
    if (typeof id !== 'string') return
    if (header.msg_type === 'comm_open') {
      const target = String(content['target_name'] ?? '')
      const owner = OWNERS[target] ?? 'cells'
      this.#open.set(id, { target, owner, parent: header, ...(owner === 'engine' ? { hello: content['data'] } : {}) })
      if (target === COMM_TARGET) this.#routes.onHello()
    }
    const comm = this.#open.get(id)
    if (comm === undefined) return
    const kind = header.msg_type === 'comm_open' ? 'open' : header.msg_type === 'comm_close' ? 'close' : 'msg'
    if (kind === 'close') this.#open.delete(id)
    const body = content['data']
    if (comm.owner === 'editor') {
      void this.#answerEditor(id, comm, header, body)
    } else if (comm.owner === 'cells') {
      this.#routes.toCells({
        type: 'comm',
        kind,
        commId: id,
        targetName: comm.target,
        parentId: header.msg_id,
        content: body ?? {},
        buffers,
      })
    } else if (kind === 'close') {
      this.#routes.toEngine({ type: 'chart', connection: id, message: { type: 'bye' } })
    } else this.#tellEngine(id, body)
  }

  #tellEngine(connection: string, body: unknown): void {
    // The engine checks the message: what a browser sends is not to be trusted here or there.
    if (isObject(body) && typeof body['type'] === 'string')
      this.#routes.toEngine({ type: 'chart', connection, message: body as unknown as ToEngine })
  }

  /** The engine's charts go on in a new process, which is told of every page; its welcome makes them subscribe again. */
  greetEngine(): void {
    for (const [id, { owner, hello }] of this.#open) if (owner === 'engine') this.#tellEngine(id, hello)
  }

  async #answerEditor(id: string, comm: OpenComm, parent: Header, body: unknown): Promise<void> {
    const answer = await answerEditor(body, (code, cellId) => this.#routes.problems(code, cellId))
    // The page may have closed it meanwhile.
    if (answer !== undefined && this.#open.get(id) === comm)
      this.#routes.iopub.apart({ type: 'comm_msg', parent, content: { comm_id: id, data: answer } })
  }

  fromCells(comm: CellsComm): void {
    const parent = this.#routes.headerOf(comm.parentId)
    const known = this.#open.get(comm.commId)
    if (comm.kind === 'open') this.#open.set(comm.commId, { target: comm.targetName ?? '', owner: 'cells', parent })
    if (comm.kind === 'close') this.#open.delete(comm.commId)
    const opened = comm.kind === 'open' ? { target_name: comm.targetName ?? '' } : {}
    this.#routes.iopub.message({
      type: `comm_${comm.kind}`,
      parent: parent ?? known?.parent,
      content: { comm_id: comm.commId, ...opened, data: comm.content ?? {} },
      buffers: comm.buffers,
    })
  }

  fromEngine(connection: string, message: FromEngine, buffers?: readonly Uint8Array[]): void {
    const comm = this.#open.get(connection)
    if (comm === undefined) return
    this.#routes.iopub.apart({
      type: 'comm_msg',
      parent: comm.parent,
      content: { comm_id: connection, data: message },
      buffers,
    })
  }

  /** Everything of one owner ended with its process. */
  closeAll(owner: 'engine' | 'cells'): void {
    for (const [id, comm] of this.#open) {
      if (comm.owner !== owner) continue
      this.#open.delete(id)
      this.#routes.iopub.message({ type: 'comm_close', parent: comm.parent, content: { comm_id: id, data: {} } })
    }
  }
}
