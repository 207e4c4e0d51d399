/**
 * Entry of the cells process: user code and its variables, in the main thread. Messages come down the IPC channel, a watcher
 * thread hears of interrupts, everything the user sees goes up file descriptor 3. It ends with its supervisor.
 */
import { basename, dirname, join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { createChannel } from './cells/channel.ts'
import { watchOrigins } from './cells/captures.ts'
import { installStackTraces } from './cells/errors.ts'
import { createExecutor } from './cells/execute.ts'
import { encodeFrame, writeAll } from './cells/frames.ts'
import { createGlobals } from './cells/globals.ts'
import { SHARED } from './cells/interrupt.ts'
import { createLoader } from './cells/loader.ts'
import { captureOutput } from './cells/output.ts'
import { Origins } from './cells/positions.ts'
import type { ToCells } from './cells/protocol.ts'
import { Runs } from './cells/run.ts'
import { createScope } from './cells/scope.ts'
import { connectStreams } from './cells/streams.ts'
import { entryPoint } from './entries.ts'

const UPWARDS = 3

/** JPY_SESSION_NAME is the notebook's path under Jupyter Server; elsewhere imports start from the working folder. */
function notebookPath(): string {
  const named = process.env['JPY_SESSION_NAME']
  if (named === undefined || named === '') return join(process.cwd(), 'notebook.ts')
  const path = resolve(named)
  return join(dirname(path), basename(path))
}

function watch(shared: Int32Array, taken: (target: number) => void): void {
  const path = process.env['RIFFLE_WATCH_PATH']
  if (path === undefined) return
  const entry = entryPoint('kernel/cells/watcher')
  const worker = new Worker(entry.path, { workerData: { shared, path } })
  worker.unref()
  worker.on('message', (message: { target?: number }) => {
    if (message.target !== undefined) taken(message.target)
  })
}

/** The channel of this process is the kernel's; a cell that looks for it finds nothing. */
function hideChannel(): void {
  Object.defineProperty(process, 'send', { value: undefined, configurable: true })
  Object.defineProperty(process, 'disconnect', { value: undefined, configurable: true })
}

function main(): void {
  const channel = createChannel(message => writeAll(UPWARDS, encodeFrame(message)))
  const runs = new Runs()
  const origins = new Origins()
  const shared = new Int32Array(new SharedArrayBuffer(5 * Int32Array.BYTES_PER_ELEMENT))
  const notebook = notebookPath()
  const globals = createGlobals(channel, runs, dirname(notebook))
  const streams = connectStreams()
  const scope = createScope({ ...streams.api, ...globals.values, riffle: streams.api })
  const machine = { origins, runs, shared }
  const loader = createLoader({
    machine,
    folder: () => dirname(notebook),
    given: new Map([['riffle-kernel', streams.api]]),
  })
  const executor = createExecutor({ machine, channel, scope, loader, notebook })

  watchOrigins(origins)
  captureOutput(channel, runs)
  process.on('exit', () => channel.flush())
  process.on('uncaughtException', error => executor.late(error))
  process.on('unhandledRejection', error => executor.late(error))
  // A terminal sends SIGINT to the whole group; without a running cell it means nothing.
  process.on('SIGINT', () => runs.current?.stop())
  process.on('disconnect', () => process.exit(0))
  watch(shared, target => {
    Atomics.add(shared, SHARED.taken, 1)
    const run = runs.current
    if (run?.hash === target) run.stop()
    Atomics.store(shared, SHARED.level, run?.hash === target || runs.newest?.interrupted === true ? 1 : 0)
  })
  process.on('message', (message: ToCells) => {
    if (message.type === 'execute') void executor.execute(message)
    else if (message.type === 'input') globals.input(message.requestId, message.value)
    else if (message.type === 'comm') globals.router.receive(message)
    else if (message.type === 'answer') globals.answer(message.id, message.value, message.error)
    else if (message.type === 'engine') streams.setEngine(message.path)
    else process.exit(0)
  })
  hideChannel()
  installStackTraces(origins)
  channel.send({ type: 'ready', pid: process.pid })
}

main()
