/**
 * Entry of the cells process: user code and its variables, in the main thread. Messages come down the IPC channel, a watcher
 * thread hears of interrupts, everything the user sees goes up file descriptor 3. It ends with its supervisor.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { createChannel } from './cells/channel.ts'
import { watchOrigins } from './cells/captures.ts'
import { installStackTraces } from './cells/errors.ts'
import { createExecutor } from './cells/execute.ts'
import { encodeFrame, writeAll } from './cells/frames.ts'
import { createGlobals } from './cells/globals.ts'
import { SHARED } from './cells/interrupt.ts'
import { hideContext } from './cells/hide-context.ts'
import { createLoader } from './cells/loader.ts'
import { createMachine } from './cells/machine.ts'
import { captureOutput } from './cells/output.ts'
import { capturedNow } from './cells/own-streams.ts'
import type { ToCells } from './cells/protocol.ts'
import { createScope, forgetNames } from './cells/scope.ts'
import { connectStreams } from './cells/streams.ts'
import { entryPoint } from './entries.ts'

const UPWARDS = 3

/** JPY_SESSION_NAME is the notebook's path under Jupyter Server; elsewhere imports start from the working folder. */
function notebookPath(): string {
  const named = process.env['JPY_SESSION_NAME']
  const path = named === undefined || named === '' ? undefined : resolve(named)
  // Some frontends put an id there: then the working folder counts as well.
  return path !== undefined && existsSync(dirname(path)) ? path : join(process.cwd(), 'notebook.ts')
}

/** From sources a worker takes no loader flags over: it registers tsx itself. */
function threadOf(path: string, options: WorkerOptions): Worker {
  if (!path.endsWith('.ts')) return new Worker(path, options)
  const [tsx, url] = [import.meta.resolve('tsx/esm/api'), pathToFileURL(path).href].map(each => JSON.stringify(each))
  const script = `import(${tsx}).then(({ register }) => { register(); return import(${url}) })`
  return new Worker(script, { ...options, eval: true })
}

/** Resolves when the watcher thread listens: from then on any cell can be stopped. */
function watch(shared: Int32Array, taken: (target: number) => void): Promise<void> {
  const path = process.env['RIFFLE_WATCH_PATH']
  if (path === undefined) return Promise.resolve()
  const entry = entryPoint('kernel/cells/watcher')
  const worker = threadOf(entry.path, { workerData: { shared, path }, execArgv: [] })
  worker.unref()
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.on('message', (message: { target?: number }) => {
      if (message.target === undefined) resolve()
      else taken(message.target)
    })
  })
}

/** The channel of this process is the kernel's; a cell that looks for it finds nothing. */
function hideChannel(): void {
  Object.defineProperty(process, 'send', { value: undefined, configurable: true })
  Object.defineProperty(process, 'disconnect', { value: undefined, configurable: true })
}

async function main(): Promise<void> {
  const channel = createChannel(message => writeAll(UPWARDS, encodeFrame(message)))
  const machine = createMachine()
  const { runs, origins, shared } = machine
  const watching = watch(shared, target => {
    Atomics.add(shared, SHARED.taken, 1)
    const run = runs.current
    // Stop is for the whole kernel: cells of subshells end with the one it was meant for.
    if (run?.hash === target) for (const each of [...runs.active]) each.stop()
    Atomics.store(shared, SHARED.level, run?.hash === target || runs.newest?.interrupted === true ? 1 : 0)
  })
  const notebook = notebookPath()
  const globals = createGlobals(channel, runs, dirname(notebook), {
    capturedNow: () => capturedNow(scope),
    forget: names => forgetNames(scope, names),
    include: texts => executor.include(texts),
  })
  const streams = connectStreams(globals.values.prompt, runs)
  const scope = createScope({ ...streams.api, ...globals.values, riffle: streams.api })
  const loader = createLoader({
    machine,
    folder: () => dirname(notebook),
    given: new Map([['riffle-kernel', streams.api]]),
  })
  const executor = createExecutor({ machine, channel, scope, loader, notebook })

  watchOrigins(origins)
  hideContext()
  captureOutput(channel, runs)
  process.on('exit', () => channel.flush())
  process.on('uncaughtException', error => executor.late(error))
  process.on('unhandledRejection', error => executor.late(error))
  // A terminal sends SIGINT to the whole group; without a running cell it means nothing.
  process.on('SIGINT', () => {
    const own = machine.signals.arrived()
    const run = runs.current
    if (run !== undefined && (!own || run.hash === shared[SHARED.target]))
      for (const each of [...runs.active]) each.stop()
  })
  process.on('disconnect', () => process.exit(0))
  process.on('message', (message: ToCells) => {
    if (message.type === 'execute') void executor.execute(message)
    else if (message.type === 'input') globals.input(message.requestId, message.value)
    else if (message.type === 'comm') globals.router.receive(message)
    else if (message.type === 'answer') globals.answer(message.id, message.value, message.error)
    else if (message.type === 'engine') streams.setEngine(message.path)
    else process.exit(0)
  })
  await watching
  // The supervisor may have gone while this process was loading.
  if (!process.connected) process.exit(0)
  hideChannel()
  installStackTraces(origins)
  channel.send({ type: 'ready', pid: process.pid })
}

await main()
