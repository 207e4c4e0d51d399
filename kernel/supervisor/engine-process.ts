/** The child where streams live, reached by calls over its IPC channel; started anew when it dies. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import type { EngineForSupervisor, EngineNotice, SupervisorNotice } from '../engine/protocol.ts'
import type { Remembered } from '../engine/recall.ts'
import { createRpc, ipcTransport } from '../rpc.ts'
import type { Rpc } from '../rpc.ts'
import type { Entry } from './places.ts'

type EngineRpc = Rpc<EngineForSupervisor, SupervisorNotice>

export interface EngineEvents {
  onNotice(notice: Exclude<EngineNotice, { type: 'remember' }>): void
  /** It ended without being asked to; a new one is being started. `goesOn`: what this one told goes on there, charts too. */
  onLost(how: string, goesOn: boolean): void
}

/** A process that dies at once again and again is not started for ever. */
const START_LIMIT = 5

export class EngineProcess {
  readonly #entry: Entry
  readonly #environment: NodeJS.ProcessEnv
  readonly #events: EngineEvents
  #child: ChildProcess | undefined
  #rpc: EngineRpc | undefined
  #path: string | undefined
  #waiting: ((rpc: EngineRpc | undefined) => void)[] = []
  #early: SupervisorNotice[] = []
  #instance = randomUUID()
  #failures = 0
  /** What the engine told for the one after it. */
  readonly #remembered = new Map<string, Remembered>()
  #stopping = false

  constructor(entry: Entry, environment: NodeJS.ProcessEnv, events: EngineEvents) {
    this.#entry = entry
    this.#environment = environment
    this.#events = events
  }

  /** Where cells connect; undefined until the engine listens. */
  get path(): string | undefined {
    return this.#path
  }

  start(): void {
    if (this.#child !== undefined || this.#stopping) return
    const child = spawn(process.execPath, [...this.#entry.execArgv, this.#entry.path], {
      // What the engine prints is a fault report for the kernel's log, never part of a notebook.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
      env: { ...this.#environment, RIFFLE_ENGINE_INSTANCE: this.#instance },
    })
    this.#child = child
    const rpc = createRpc<never, EngineForSupervisor, EngineNotice, SupervisorNotice>(ipcTransport(child), {
      onNotice: notice => {
        if (notice.type === 'remember') return this.#remember(notice.key, notice.value)
        // Cells are let in when what ran before runs again: a cell that lists the streams finds them.
        if (notice.type === 'ready') return void this.#recall(rpc).then(() => this.#ready(notice, rpc))
        this.#events.onNotice(notice)
      },
    })
    child.on('exit', (code, signal) => this.#exited(signal ?? `exit code ${code ?? 0}`))
    child.on('error', error => this.#exited(error.message))
  }

  /** The engine's calls, or undefined when it cannot be started. */
  async calls(): Promise<EngineRpc | undefined> {
    this.start()
    if (this.#rpc !== undefined) return this.#rpc
    if (this.#stopping || this.#failures >= START_LIMIT) return undefined
    return await new Promise(resolve => this.#waiting.push(resolve))
  }

  notify(notice: SupervisorNotice): void {
    if (this.#rpc === undefined) this.#early.push(notice)
    else this.#rpc.notify(notice)
  }

  /** Asks it to end; resolves when it has, killed after `limitMs`. */
  async stop(limitMs: number): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (child === undefined) return
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
    void this.#rpc?.call('shutdown').catch(() => {})
    const timer = setTimeout(() => child.kill('SIGKILL'), this.#rpc === undefined ? 0 : limitMs)
    await ended
    clearTimeout(timer)
  }

  #ready(notice: Extract<EngineNotice, { type: 'ready' }>, rpc: EngineRpc): void {
    if (rpc.closed) return
    this.#becameReady(notice.path, rpc)
    this.#events.onNotice(notice)
  }

  #remember(key: string, value: Remembered | undefined): void {
    this.#remembered.delete(key)
    if (value !== undefined) this.#remembered.set(key, value)
  }

  async #recall(rpc: EngineRpc): Promise<void> {
    if (this.#remembered.size === 0) return
    await rpc.call('recall', [...this.#remembered.values()]).catch(() => {})
  }

  #becameReady(path: string, rpc: EngineRpc): void {
    this.#path = path
    this.#rpc = rpc
    this.#failures = 0
    for (const notice of this.#early.splice(0)) rpc.notify(notice)
    for (const resolve of this.#waiting.splice(0)) resolve(rpc)
  }

  #exited(how: string): void {
    if (this.#child === undefined) return
    this.#child = undefined
    this.#rpc = undefined
    this.#path = undefined
    this.#early = []
    if (this.#stopping) return
    this.#failures += 1
    const again = this.#failures < START_LIMIT
    const goesOn = again && this.#remembered.size > 0
    if (!goesOn) this.#instance = randomUUID()
    this.#events.onLost(how, goesOn)
    if (again) this.start()
    else for (const resolve of this.#waiting.splice(0)) resolve(undefined)
  }
}
