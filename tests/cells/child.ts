/**
 * A real cells process for tests: spawned as the supervisor does, given one cell at a time, with a socket of its own for
 * interrupts. Waits are for messages, each with a limit after which the test fails with what was seen.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { builtOrSource } from '../hosted/hosted.ts'
import { FrameReader } from '../../kernel/cells/frames.ts'
import type { FromCells, ToCells } from '../../kernel/cells/protocol.ts'

const LIMIT_MS = 30_000

export type Done = Extract<FromCells, { type: 'done' }>
type Message = Extract<FromCells, { type: 'message' }>
type Execute = Extract<ToCells, { type: 'execute' }>

export interface Outcome {
  readonly requestId: string
  readonly done: Done
  /** Text printed with this cell as parent, until `done`. */
  readonly stdout: string
  readonly stderr: string
  readonly messages: readonly Message[]
  /** text/plain of the result. */
  readonly result: unknown
  readonly error: { ename: string; evalue: string; traceback: string }
}

export class Cells {
  readonly folder: string
  readonly seen: FromCells[] = []
  private readonly child: ChildProcess
  private readonly server: Server
  private readonly sockets: Socket[] = []
  private readonly waiting = new Set<() => void>()
  private raw = ''
  private exitCode: number | null | undefined
  private counter = 0

  private constructor(folder: string, watchPath: string, server: Server) {
    this.folder = folder
    this.server = server
    const entry = builtOrSource('kernel/cells')
    this.child = spawn(process.execPath, [...entry.execArgv, entry.path], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
      env: { ...process.env, RIFFLE_WATCH_PATH: watchPath, JPY_SESSION_NAME: join(folder, 'test.ipynb') },
    })
    const reader = new FrameReader()
    ;(this.child.stdio[3] as Readable).on('data', (chunk: Buffer) => {
      this.seen.push(...reader.push(chunk))
      this.changed()
    })
    for (const pipe of [this.child.stdout, this.child.stderr]) {
      pipe?.on('data', (chunk: Buffer) => {
        this.raw += chunk.toString()
        this.changed()
      })
    }
    this.child.on('exit', code => {
      this.exitCode = code
      this.changed()
    })
  }

  static async start(folder = mkdtempSync(join(tmpdir(), 'riffle-cells-'))): Promise<Cells> {
    const watchPath = join(mkdtempSync(join(tmpdir(), 'riffle-watch-')), 's')
    const server = createServer()
    await new Promise<void>(resolve => server.listen(watchPath, resolve))
    const started = new Cells(folder, watchPath, server)
    server.on('connection', socket => {
      socket.on('error', () => undefined)
      started.sockets.push(socket)
      started.changed()
    })
    await started.until('ready', () => started.seen.some(each => each.type === 'ready'))
    return started
  }

  private changed(): void {
    for (const f of this.waiting) f()
  }

  /** Resolves when `holds` does; looked at after each message. */
  until(what: string, holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        this.waiting.delete(look)
        reject(
          new Error(
            `Waited ${LIMIT_MS} ms for ${what}; raw: ${this.raw}; seen: ${JSON.stringify(this.seen.slice(-5))}`,
          ),
        )
      }, LIMIT_MS)
      const look = (): void => {
        if (!holds() && this.exitCode === undefined) return
        clearTimeout(limit)
        this.waiting.delete(look)
        if (holds()) resolve()
        else reject(new Error(`The cells process ended (${this.exitCode}) before ${what}: ${this.raw}`))
      }
      this.waiting.add(look)
    })
  }

  send(message: ToCells): void {
    this.child.send(message)
  }

  /** Starts a cell and gives its request id. */
  begin(source: string, options: Partial<Execute> = {}): string {
    const n = ++this.counter
    const requestId = `r${n}`
    const execute: Execute = {
      type: 'execute',
      requestId,
      cellId: `c${n}`,
      cellName: `cell-${n}.ts`,
      source,
      typed: source,
      executionCount: n,
      silent: false,
      allowStdin: true,
      userExpressions: {},
      ...options,
    }
    this.send(execute)
    return requestId
  }

  async run(source: string, options: Partial<Execute> = {}): Promise<Outcome> {
    return this.outcome(this.begin(source, options))
  }

  async outcome(requestId: string): Promise<Outcome> {
    const isDone = (each: FromCells): boolean => each.type === 'done' && each.requestId === requestId
    await this.until(`done of ${requestId}`, () => this.seen.some(isDone))
    const done = this.seen.find(isDone) as Done
    const before = this.seen.slice(0, this.seen.indexOf(done))
    const messages = before.filter((each): each is Message => each.type === 'message' && each.parentId === requestId)
    const result = messages.find(each => each.msgType === 'execute_result')
    const error = done.error
    return {
      requestId,
      done,
      stdout: this.printed(requestId, 'stdout', before),
      stderr: this.printed(requestId, 'stderr', before),
      messages,
      result: (result?.content['data'] as Record<string, unknown> | undefined)?.['text/plain'],
      error: { ename: error?.ename ?? '', evalue: error?.evalue ?? '', traceback: (error?.traceback ?? []).join('\n') },
    }
  }

  printed(requestId: string, name: 'stdout' | 'stderr' = 'stdout', among: readonly FromCells[] = this.seen): string {
    return among
      .map(each => (each.type === 'stream' && each.parentId === requestId && each.name === name ? each.text : ''))
      .join('')
  }

  /** Waits until the cell has printed `marker`, then presses Stop; gives the ms until `done`. */
  async interruptAfter(requestId: string, marker: string): Promise<{ outcome: Outcome; tookMs: number }> {
    await this.until(`"${marker}"`, () => this.printed(requestId).includes(marker))
    await this.until('the watcher thread', () => this.sockets.length > 0)
    const start = performance.now()
    this.interrupt(requestId)
    const outcome = await this.outcome(requestId)
    return { outcome, tookMs: performance.now() - start }
  }

  interrupt(requestId: string): void {
    for (const socket of this.sockets) socket.write(`interrupt ${requestId}\n`)
  }

  get rawOutput(): string {
    return this.raw
  }

  async ended(): Promise<number | null> {
    if (this.exitCode === undefined) await new Promise(resolve => this.child.once('exit', resolve))
    return this.exitCode ?? null
  }

  async stop(): Promise<void> {
    if (this.exitCode === undefined) this.child.kill('SIGKILL')
    await this.ended()
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
