/**
 * Runs a notebook the way JupyterLab's "Run All" does, through a real Jupyter Server, and keeps what came back in order.
 * The client is @jupyterlab/services: none of our code sits between the test and the server.
 */
import { readFile } from 'node:fs/promises'
import { KernelManager, ServerConnection, type Kernel, type KernelMessage } from '@jupyterlab/services'

export interface CellRun {
  readonly cellId: string
  readonly source: string
  readonly status: 'ok' | 'error' | 'aborted'
  readonly outputs: readonly CellOutput[]
  /** Position of the cell's idle among everything that arrived on the connection. */
  readonly idleAt: number
}

export interface CellOutput {
  readonly type: 'stream' | 'display_data' | 'execute_result' | 'error'
  readonly text: string
  readonly bundle: Readonly<Record<string, unknown>>
}

/** Counts what arrives, so that a test can say "idle came before the first frame". */
export interface ArrivalOrder {
  next(): number
}

export interface RunningKernel {
  readonly kernel: Kernel.IKernelConnection
  readonly order: ArrivalOrder
  dispose(): Promise<void>
}

/** Starts kernel `riffle` on the server. */
export async function startKernel(server: { readonly url: string; readonly token: string }): Promise<RunningKernel> {
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: server.url.endsWith('/') ? server.url : `${server.url}/`,
    wsUrl: `${server.url.replace(/^http/, 'ws').replace(/\/$/, '')}/`,
    token: server.token,
    appendToken: true,
  })
  const manager = new KernelManager({ serverSettings })
  await manager.ready
  const kernel = await manager.startNew({ name: 'riffle' })
  await kernel.info
  let arrived = 0
  return {
    kernel,
    order: { next: () => arrived++ },
    async dispose() {
      await kernel.shutdown()
      kernel.dispose()
      manager.dispose()
    },
  }
}

export interface NotebookCell {
  readonly id: string
  readonly source: string
}

/** Code cells of a notebook file, in order. */
export async function codeCells(path: string): Promise<NotebookCell[]> {
  const notebook = JSON.parse(await readFile(path, 'utf8')) as {
    cells: { cell_type: string; id: string; source: string | string[] }[]
  }
  return notebook.cells
    .filter(cell => cell.cell_type === 'code')
    .map(cell => ({ id: cell.id, source: Array.isArray(cell.source) ? cell.source.join('') : cell.source }))
}

/** Sends every cell at once, as Run All does, and resolves when the last one is idle. */
export async function runAll(running: RunningKernel, cells: readonly NotebookCell[]): Promise<CellRun[]> {
  return Promise.all(cells.map(cell => runCell(running, cell)))
}

/** `onBundle` is called as soon as an output with a MIME bundle arrives, as a renderer would be. */
export async function runCell(
  running: RunningKernel,
  cell: NotebookCell,
  onBundle?: (bundle: CellOutput['bundle']) => void,
): Promise<CellRun> {
  const future = running.kernel.requestExecute({ code: cell.source, stop_on_error: true }, false, { cellId: cell.id })
  const outputs: CellOutput[] = []
  let idleAt = -1
  future.onIOPub = message => {
    const position = running.order.next()
    const output = readOutput(message)
    if (output !== undefined) {
      outputs.push(output)
      if (output.type !== 'stream' && output.type !== 'error') onBundle?.(output.bundle)
    }
    if (message.header.msg_type === 'status' && stateOf(message) === 'idle') idleAt = position
  }
  const reply = await future.done
  return { cellId: cell.id, source: cell.source, status: reply.content.status as CellRun['status'], outputs, idleAt }
}

/** All text a cell printed, joined. */
export function printed(run: CellRun): string {
  return run.outputs.map(output => output.text).join('')
}

function stateOf(message: KernelMessage.IIOPubMessage): string {
  return (message.content as { execution_state?: string }).execution_state ?? ''
}

function readOutput(message: KernelMessage.IIOPubMessage): CellOutput | undefined {
  const content = message.content as Record<string, unknown>
  const type = message.header.msg_type
  if (type === 'stream') return { type, text: String(content['text']), bundle: {} }
  if (type === 'error')
    return { type, text: `${String(content['ename'])}: ${String(content['evalue'])}`, bundle: content }
  if (type === 'display_data' || type === 'execute_result') {
    const bundle = content['data'] as Record<string, unknown>
    return { type, text: String(bundle['text/plain'] ?? ''), bundle }
  }
  return undefined
}
