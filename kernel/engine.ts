/**
 * Entry of the engine process: topics, streams, charts. The supervisor talks to it over IPC, the cells process over a Unix
 * socket in a private folder. It ends with its supervisor and not with the cells.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Engine } from './engine/engine.ts'
import type {
  CellsNotice,
  EngineForCells,
  EngineForSupervisor,
  EngineNotice,
  SupervisorNotice,
} from './engine/protocol.ts'
import { onSecret, redactWrites } from '../stream/redact.ts'
import { entryPoint } from './entries.ts'
import { createRpc, ipcTransport, streamTransport } from './rpc.ts'
import type { Rpc } from './rpc.ts'

const given = process.env['RIFFLE_ENGINE_DIR']
const folder = given ?? mkdtempSync(join(tmpdir(), 'riffle-'))
// A socket has no password: the folder keeps other users out.
chmodSync(folder, 0o700)
const path = join(folder, `engine-${process.pid}.sock`)

const cells = new Set<Rpc<object, CellsNotice>>()
const engine = new Engine({
  instance: process.env['RIFFLE_ENGINE_INSTANCE'],
  worker: entryPoint('kernel/engine/compute-worker'),
  chart: (connection, message, buffers) => supervisor.notify({ type: 'chart', connection, message, buffers }),
  lambdaOutput: (cellId, name, text) => supervisor.notify({ type: 'lambdaOutput', cellId, name, text }),
  streamError: (cellId, stream, error) => supervisor.notify({ type: 'streamError', cellId, stream, error }),
  remember: (key, value) => supervisor.notify({ type: 'remember', key, value }),
  paramChanged: (name, value) => {
    for (const rpc of cells) rpc.notify({ type: 'param', name, value })
  },
})

// Also what a lambda, a package it imports or a broker's client prints: both end in the log of the kernel.
for (const stream of [process.stdout, process.stderr]) redactWrites(stream)
onSecret(secret => supervisor.notify({ type: 'secret', secret }))

const server = createServer(socket => {
  const rpc = createRpc<EngineForCells, object, never, CellsNotice>(streamTransport(socket), {
    handlers: engine.forCells(socket),
  })
  cells.add(rpc)
  rpc.onClose(() => {
    cells.delete(rpc)
    // The cells process was replaced or ended: what only it was reading ends, named streams go on.
    void engine.subscriptions.closeOwner(socket)
    socket.destroy()
  })
})

// What a broker's client throws from a timer of its own must not take every stream with it; the kernel's log has it.
const logged = (error: unknown) => console.error(`engine: ${error instanceof Error ? error.stack : String(error)}`)
process.on('uncaughtException', logged)
process.on('unhandledRejection', logged)

let ending: Promise<void> | undefined
function end(): Promise<void> {
  ending ??= (async () => {
    server.close()
    for (const rpc of cells) rpc.close()
    // A broker that does not answer must not keep the kernel from ending.
    await Promise.race([engine.close(), new Promise(resolve => setTimeout(resolve, 2000))])
    rmSync(given === undefined ? folder : path, { recursive: true, force: true })
    process.exit(0)
  })()
  return ending
}

const supervisor = createRpc<EngineForSupervisor, object, SupervisorNotice, EngineNotice>(ipcTransport(process), {
  handlers: engine.forSupervisor(() => void end()),
  onNotice: notice => engine.chartMessage(notice.connection, notice.message),
})
supervisor.onClose(() => void end())
// Ctrl-C in the terminal of Jupyter reaches the whole group; the supervisor decides when we end.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => void end())
server.listen(path, () => {
  chmodSync(path, 0o600)
  supervisor.notify({ type: 'ready', path, instance: engine.instance })
})
