/**
 * Charts of one notebook: finds the link of the kernel it has now, and follows restarts, lost connections and another kernel.
 * One link per kernel connection, whatever number of charts the notebook shows.
 */
import { UUID } from '@lumino/coreutils'
import { Signal } from '@lumino/signaling'
import { KernelLink } from './kernel-link.ts'
import { ProblemAsker } from './editor/problem-asker.ts'
import type { ISessionContext } from '@jupyterlab/apputils'
import type { Kernel } from '@jupyterlab/services'
import type { FromEngine } from '../../stream/charts/protocol.ts'
import type { AskerComm } from './editor/problem-asker.ts'
import type { LinkComm } from './kernel-link.ts'

/** As in kernel/supervisor/editor-problems.ts. */
const EDITOR_TARGET = 'riffle.editor.v1'

const LOST_BY_STATUS: Readonly<Record<string, string>> = {
  restarting: 'the kernel is restarting',
  autorestarting: 'the kernel is restarting',
  terminating: 'the kernel was shut down',
  dead: 'the kernel is dead',
}

export class SessionCharts {
  /** The notebook has another kernel connection (or none): charts attach anew. */
  readonly linkChanged = new Signal<this, KernelLink | null>(this)
  readonly #context: ISessionContext
  #kernel: Kernel.IKernelConnection | null = null
  #link: KernelLink | null = null
  /** Asks about texts that are being typed. */
  #asker = new ProblemAsker(() => askerComm(this.#kernel))

  constructor(context: ISessionContext) {
    this.#context = context
    context.kernelChanged.connect(this.#onKernel, this)
    this.#onKernel()
  }

  get link(): KernelLink | null {
    return this.#link
  }

  get asker(): ProblemAsker {
    return this.#asker
  }

  /** The link, once it is known that the kernel is one of ours; to others nobody may open a comm unasked. */
  async ownLink(): Promise<KernelLink | null> {
    const kernel = this.#kernel
    const info = await kernel?.info.catch(() => undefined)
    return info?.implementation === 'riffle' && kernel === this.#kernel ? this.#link : null
  }

  dispose(): void {
    this.#context.kernelChanged.disconnect(this.#onKernel, this)
    this.#drop()
    Signal.clearData(this)
  }

  #onKernel(): void {
    const kernel = this.#context.session?.kernel ?? null
    if (kernel === this.#kernel) return
    this.#drop()
    this.#kernel = kernel
    if (kernel !== null) {
      this.#link = new KernelLink({
        client: UUID.uuid4(),
        timers: { after: (delayMs, f) => afterDelay(delayMs, f) },
        createComm: target => linkComm(kernel, target),
      })
      kernel.statusChanged.connect(this.#onStatus, this)
      kernel.connectionStatusChanged.connect(this.#onConnection, this)
    }
    this.linkChanged.emit(this.#link)
  }

  /** A restart disposes of all comms without telling them. */
  #onStatus(_: unknown, status: Kernel.Status): void {
    const reason = LOST_BY_STATUS[status]
    if (reason !== undefined) this.#link?.lost(reason)
    // After a restart the connection comes back as `connected` first and as idle later; only then does a comm arrive.
    else if (status === 'idle') this.#link?.reconnect()
  }

  #onConnection(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status === 'connected') {
      this.#link?.reconnect()
    } else {
      this.#link?.lost('the connection to the kernel was lost')
    }
  }

  #drop(): void {
    this.#kernel?.statusChanged.disconnect(this.#onStatus, this)
    this.#kernel?.connectionStatusChanged.disconnect(this.#onConnection, this)
    this.#link?.lost('the notebook has no kernel')
    this.#link?.dispose()
    this.#link = null
    this.#asker.dispose()
    this.#asker = new ProblemAsker(() => askerComm(this.#kernel))
    this.#kernel = null
  }
}

/** A comm of a dead connection throws or rejects; the loss is heard of by the status. */
function guarded(f: () => unknown): void {
  try {
    void Promise.resolve(f()).catch(() => undefined)
  } catch {
    return
  }
}

function askerComm(kernel: Kernel.IKernelConnection | null): AskerComm {
  const comm = kernel?.createComm(EDITOR_TARGET)
  return {
    open: () => guarded(() => comm?.open({})),
    send: message => guarded(() => (comm?.isDisposed === false ? comm.send(message as never) : undefined)),
    get disposed() {
      return comm?.isDisposed !== false
    },
    onMessage: f => {
      if (comm !== undefined) comm.onMsg = message => f(message.content.data)
    },
  }
}

function linkComm(kernel: Kernel.IKernelConnection, target: string): LinkComm {
  const comm = kernel.createComm(target)
  return {
    open: message => guarded(() => comm.open(message as never)),
    send: message => guarded(() => (comm.isDisposed ? undefined : comm.send(message as never))),
    close: () => guarded(() => (comm.isDisposed ? undefined : comm.close())),
    get disposed() {
      return comm.isDisposed
    },
    onMessage: f => {
      comm.onMsg = message => f(message.content.data as unknown as FromEngine, viewsOf(message.buffers))
    },
    onClose: f => {
      comm.onClose = () => f()
    },
  }
}

function viewsOf(buffers: readonly (ArrayBuffer | ArrayBufferView)[] | undefined): DataView[] {
  return (buffers ?? []).map(bytes =>
    bytes instanceof ArrayBuffer ? new DataView(bytes) : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  )
}

function afterDelay(delayMs: number, f: () => void): () => void {
  const timer = setTimeout(f, delayMs)
  return () => clearTimeout(timer)
}
