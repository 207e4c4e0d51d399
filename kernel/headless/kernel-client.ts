/**
 * A kernel without Jupyter: started with a connection file of its own over Unix sockets (loopback ports on Windows have no use here),
 * spoken to in Jupyter's messages, so that a notebook runs as it does in JupyterLab.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dealer, Subscriber } from 'zeromq'
import { entryPoint } from '../entries.ts'
import { addressOf, readConnection } from '../supervisor/connection.ts'
import { Wire } from '../supervisor/message.ts'
import type { Incoming, Json } from '../supervisor/message.ts'

export interface KernelClient {
  /** Sends a request; resolves with the content of its reply, after its idle. */
  request(channel: 'shell' | 'control', type: string, content: Json, metadata?: Json): Promise<Json>
  /** Shuts the kernel down and waits for its end. */
  end(): Promise<void>
}

export interface KernelClientOptions {
  readonly folder: string
  readonly environment: NodeJS.ProcessEnv
  /** Each message of iopub in order; `requestId` is that of its cell. */
  onOutput(requestId: string | undefined, message: Incoming): void
  /** Called with the id a request is about to be sent with. */
  onSent?(requestId: string, type: string): void
}

/** A kernel that does not end by itself is ended. */
const END_MS = 5_000

export async function startKernel(options: KernelClientOptions): Promise<KernelClient> {
  const folder = mkdtempSync(join(tmpdir(), 'riffle-run-'))
  const file = join(folder, 'connection.json')
  const key = randomUUID()
  const ports = { shell_port: 1, control_port: 2, stdin_port: 3, iopub_port: 4, hb_port: 5 }
  writeFileSync(file, JSON.stringify({ ...ports, transport: 'ipc', ip: join(folder, 'k'), key }), { mode: 0o600 })
  const main = entryPoint('kernel/main')
  const child = spawn(process.execPath, [...main.execArgv, main.path, file], {
    cwd: options.folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...options.environment, JPY_PARENT_PID: String(process.pid), RIFFLE_PACED: '0' },
    // Ctrl-C of a terminal reaches the kernel as a request, not as a signal beside it.
    detached: true,
  })
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const connection = readConnection(file)
  const [wire, reader] = [new Wire(key), new Wire(key)]
  const sockets = { shell: new Dealer({ linger: 0 }), control: new Dealer({ linger: 0 }) }
  const iopub = new Subscriber({ receiveHighWaterMark: 0 })
  const replies = new Map<string, (content: Json) => void>()
  const idles = new Map<string, () => void>()
  iopub.connect(addressOf(connection, 'iopub'))
  iopub.subscribe('')
  for (const name of ['shell', 'control'] as const) sockets[name].connect(addressOf(connection, name))
  void each(iopub, frames => {
    const message = reader.decode(frames)
    if ('ignored' in message) return
    options.onOutput(message.parentId, message)
    if (message.content['execution_state'] === 'idle') idles.get(message.parentId ?? '')?.()
  })
  for (const name of ['shell', 'control'] as const) {
    void each(sockets[name], frames => {
      const message = reader.decode(frames)
      if (!('ignored' in message)) replies.get(message.parentId ?? '')?.(message.content)
    })
  }
  /** The kernel is gone: nothing will be answered any more. */
  let gone = (): void => {}
  const lost = new Promise<Json>(
    resolve =>
      (gone = () => resolve({ status: 'error', ename: 'KernelEnded', evalue: 'The kernel ended', traceback: [] })),
  )
  void exited.then(gone)

  const request: KernelClient['request'] = async (channel, type, content, metadata = {}) => {
    const id = randomUUID()
    options.onSent?.(id, type)
    const answered = Promise.all([
      new Promise<Json>(resolve => replies.set(id, resolve)),
      new Promise<void>(resolve => idles.set(id, resolve)),
    ])
    await sockets[channel].send(wire.encode({ type, content, metadata }, id))
    const result = await Promise.race([answered.then(([reply]) => reply), lost])
    replies.delete(id)
    idles.delete(id)
    return result
  }
  return {
    request,
    async end() {
      void request('control', 'shutdown_request', { restart: false })
      const limit = setTimeout(() => child.kill('SIGKILL'), END_MS)
      await exited
      clearTimeout(limit)
      for (const socket of [sockets.shell, sockets.control, iopub]) socket.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function each(socket: AsyncIterable<Buffer[]>, take: (frames: Buffer[]) => void): Promise<void> {
  try {
    for await (const frames of socket) take(frames)
  } catch {
    // Closed.
  }
}
