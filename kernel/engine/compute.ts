/**
 * Owns the compute worker and every run on it. Watches the progress array: a lambda call that lasts 2 s is a runaway, its
 * worker is ended (nothing else stops a loop) and all other runs are restored on a new one from snapshot and journal.
 */
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { WorkerOptions } from 'node:worker_threads'
import { StreamError } from '../../stream/errors.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import type { LambdaSlot, PlanNode } from '../../stream/plan.ts'
import { lambdasOf } from '../../stream/lambdas/walk.ts'
import type { FromCompute, ToCompute } from './compute-protocol.ts'
import { PROGRESS } from './compute-protocol.ts'
import { Run } from './run.ts'
import type { RunOptions } from './run.ts'

export interface ComputeOptions {
  readonly worker: { readonly path: string }
  /** A lambda call is a runaway after this long. */
  readonly runawayMs?: number | undefined
  /** Heap of the worker. Default 2 GB. */
  readonly heapMb?: number | undefined
}

const WATCH_MS = 100
/** A stopped stream whose lambda does not come back within this ends the worker. */
const STOP_MS = 250

/** Makes rows by a user's body in the worker. */
export interface Generator {
  call(args: unknown): Promise<unknown>
  close(): void
}

interface GeneratorEntry {
  readonly name: string
  readonly plan: PlanNode
  readonly print: (name: 'stdout' | 'stderr', text: string) => void
  readonly start: Extract<ToCompute, { type: 'generator' }>
  readonly calls: Map<
    number,
    { args: readonly unknown[]; resolve: (value: unknown) => void; reject: (error: Error) => void }
  >
}

export class Compute {
  private readonly options: ComputeOptions
  private readonly runs = new Map<number, Run>()
  /** Those that are over, for charts made later: the worker has their newest rows. */
  private readonly ended = new Map<number, Run>()
  private readonly generators = new Map<number, GeneratorEntry>()
  private worker: Worker | undefined
  private spare: { worker: Worker; progress: Int32Array } | undefined
  private progress: Int32Array = new Int32Array(PROGRESS.cells)
  private nextRun = 1
  private nextCall = 1
  private lastCalls = 0
  private sameMs = 0
  private checkedAtMs = 0
  private readonly timer: NodeJS.Timeout
  private closed = false
  private crashes: number[] = []
  /** How often a worker had to be replaced; for tests and `doctor`. */
  replacedCount = 0

  constructor(options: ComputeOptions) {
    this.options = options
    this.spawn()
    this.timer = setInterval(() => this.watch(), WATCH_MS)
  }

  /** Begins a run; await `run.started` before delivering. */
  start(options: RunOptions): Run {
    const run = new Run(this.nextRun++, options, message => this.send(message))
    this.runs.set(run.id, run)
    run.beginAgain()
    return run
  }

  /** Ends a run. One stuck in its lambda takes the worker with it; the others are restored. */
  stop(run: Run): void {
    if (this.ended.delete(run.id)) this.send({ type: 'stop', run: run.id })
    if (run.over) return
    run.finish('stopped')
    this.runs.delete(run.id)
    if (Atomics.load(this.progress, PROGRESS.run) !== run.id) return
    const calls = Atomics.load(this.progress, PROGRESS.calls)
    const { worker } = this
    setTimeout(() => {
      const stuck =
        Atomics.load(this.progress, PROGRESS.run) === run.id && Atomics.load(this.progress, PROGRESS.calls) === calls
      if (worker === this.worker && stuck) this.replaceWorker()
    }, STOP_MS)
  }

  generator(
    name: string,
    body: LambdaSlot,
    params: Readonly<Record<string, unknown>>,
    print: (name: 'stdout' | 'stderr', text: string) => void,
  ): Generator {
    const run = this.nextRun++
    const plan: PlanNode = { op: 'map', input: { op: 'stream', name }, f: body }
    const entry: GeneratorEntry = {
      name,
      plan,
      print,
      start: { type: 'generator', run, plan, params },
      calls: new Map(),
    }
    this.generators.set(run, entry)
    this.send(entry.start)
    return {
      call: args =>
        new Promise((resolve, reject) => {
          const call = this.nextCall++
          entry.calls.set(call, { args: [args], resolve, reject })
          this.send({ type: 'generate', run, call, args: [args] })
        }),
      close: () => {
        if (this.generators.delete(run)) this.send({ type: 'stop', run })
      },
    }
  }

  /** Ends the worker and restores every run on a new one, as after a runaway. */
  replaceWorker(): void {
    const old = this.worker
    this.worker = undefined
    void old?.terminate()
    if (this.closed) return
    this.replacedCount++
    this.ended.clear()
    this.spawn()
    for (const run of this.runs.values()) run.beginAgain()
    for (const entry of this.generators.values()) {
      this.send(entry.start)
      for (const [call, { args }] of entry.calls) this.send({ type: 'generate', run: entry.start.run, call, args })
    }
  }

  async close(): Promise<void> {
    this.closed = true
    clearInterval(this.timer)
    for (const run of this.runs.values()) run.finish('stopped')
    this.runs.clear()
    await Promise.all([this.worker?.terminate(), this.spare?.worker.terminate()])
  }

  private send(message: ToCompute): void {
    this.worker?.postMessage(message)
  }

  private makeWorker(): { worker: Worker; progress: Int32Array } {
    const buffer = new SharedArrayBuffer(4 * PROGRESS.cells)
    const worker = startWorker(this.options.worker.path, {
      workerData: { progress: buffer },
      resourceLimits: { maxOldGenerationSizeMb: this.options.heapMb ?? 2048 },
      // Not the engine's own channels.
      stdout: true,
      stderr: true,
    })
    // Packages a lambda imports may print at load; nobody is to read it, but a full pipe would hold the worker up.
    worker.stderr.on('data', (chunk: Buffer) => process.stderr.write(chunk))
    worker.stdout.resume()
    // Until it is in use nobody else listens.
    worker.on('error', () => {})
    return { worker, progress: new Int32Array(buffer) }
  }

  private spawn(): void {
    const { worker, progress } = this.spare ?? this.makeWorker()
    this.spare = undefined
    this.progress = progress
    this.lastCalls = 0
    this.sameMs = 0
    this.worker = worker
    let why: Error | undefined
    worker.on('message', (message: FromCompute) => {
      // What an ended worker still had on its way is repeated by its successor.
      if (worker === this.worker) this.receive(message)
    })
    worker.on('error', error => (why = error))
    worker.on('exit', () => {
      if (worker === this.worker) this.onCrash(why)
    })
  }

  private receive(message: FromCompute): void {
    if (message.type === 'generated') {
      const calls = this.generators.get(message.run)?.calls
      const call = calls?.get(message.call)
      calls?.delete(message.call)
      if (message.error === undefined) call?.resolve(message.value)
      else call?.reject(StreamError.from(message.error))
      return
    }
    if (message.type === 'console') this.generators.get(message.run)?.print(message.name, message.text)
    const run = this.runs.get(message.run) ?? this.ended.get(message.run)
    run?.receive(message, performance.now())
    if (run?.over !== true) return
    this.runs.delete(message.run)
    if (message.type === 'ended' && run.isShown) this.ended.set(message.run, run)
  }

  private watch(): void {
    const now = performance.now()
    // A machine that slept, or this thread being held up, must not look like a lambda's fault.
    const passed = Math.min(now - this.checkedAtMs, 3 * WATCH_MS)
    this.checkedAtMs = now
    for (const run of this.runs.values()) run.snapshotIfDue(now)
    const calls = Atomics.load(this.progress, PROGRESS.calls)
    const inside = Atomics.load(this.progress, PROGRESS.inside) === 1
    if (!inside || calls !== this.lastCalls) this.sameMs = 0
    else this.sameMs += passed
    this.lastCalls = calls
    this.prepareSpare()
    if (this.sameMs < (this.options.runawayMs ?? 2000)) return
    this.sameMs = 0
    const culprit = Atomics.load(this.progress, PROGRESS.run)
    const lambda = Atomics.load(this.progress, PROGRESS.lambda)
    this.blame(culprit, parts => ({
      code: 'LAMBDA_RUNAWAY',
      message: `${parts.title} failed: a call of its lambda has not returned for ${(this.options.runawayMs ?? 2000) / 1000} s`,
      detail: siteText(parts.plan, lambda),
      hint: 'Correct the lambda and run its cell again; the other streams go on',
    }))
    this.replaceWorker()
  }

  /** A call that lasts half its time gets a successor made ready: a worker takes a while to start. */
  private prepareSpare(): void {
    if (this.sameMs === 0) {
      void this.spare?.worker.terminate()
      this.spare = undefined
    } else if (this.sameMs >= (this.options.runawayMs ?? 2000) / 2) this.spare ??= this.makeWorker()
  }

  /** The worker ended by itself: out of memory, `process.exit()` in a lambda, a crash. */
  private onCrash(why: Error | undefined): void {
    if (this.closed) return
    const culprit = Atomics.load(this.progress, PROGRESS.run)
    const lambda = Atomics.load(this.progress, PROGRESS.lambda)
    const memory = (why as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
    this.blame(culprit, parts => ({
      code: memory ? 'STATE_TOO_LARGE' : 'LAMBDA_RUNAWAY',
      message: `${parts.title} failed: it ${memory ? `needs more than ${this.options.heapMb ?? 2048} MB of memory` : 'ended the thread that runs the streams'}`,
      detail: siteText(parts.plan, lambda),
      hint: memory ? 'Use fewer keys or shorter windows' : 'A lambda must not call process.exit()',
    }))
    const now = performance.now()
    this.crashes = [...this.crashes.filter(at => now - at < 10_000), now]
    if (this.crashes.length > 5) {
      // Restoring what crashes again and again would keep the machine busy for ever.
      const error: StreamErrorParts = {
        code: 'INTERNAL',
        message: `The compute worker keeps ending: ${why?.message ?? 'no reason is known'}`,
      }
      for (const run of this.runs.values()) run.finish('failed', error)
      this.runs.clear()
    }
    this.replaceWorker()
  }

  private blame(culprit: number, error: (of: { title: string; plan: PlanNode }) => StreamErrorParts): void {
    const run = this.runs.get(culprit)
    if (run !== undefined) {
      this.runs.delete(culprit)
      run.finish('failed', error({ title: `Stream "${run.options.name}"`, plan: run.options.plan }))
    }
    const generator = this.generators.get(culprit)
    if (generator !== undefined) {
      this.generators.delete(culprit)
      const failure = StreamError.from(
        error({ title: `The generator of topic "${generator.name}"`, plan: generator.plan }),
      )
      for (const call of generator.calls.values()) call.reject(failure)
    }
  }
}

function siteText(plan: PlanNode, lambda: number): string | undefined {
  const site = lambdasOf(plan)[lambda]?.site
  return site === undefined ? undefined : `${site.cell}:${site.line}:${site.column} ${site.excerpt}`
}

/** From the sources the file is TypeScript; Node 20 does not take tsx for a worker's first file, so a line of script does. */
function startWorker(path: string, options: WorkerOptions): Worker {
  if (!path.endsWith('.ts')) return new Worker(path, { ...options, execArgv: [] })
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  const script = `import(${tsx}).then(({ register }) => { register(); return import(${JSON.stringify(pathToFileURL(path).href)}) })`
  return new Worker(script, { ...options, eval: true, execArgv: [] })
}
