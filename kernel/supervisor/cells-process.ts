/**
 * The child that runs user code. Structured output comes up fd 3, raw fd 1 and 2 are pipes: native code and grandchildren
 * write there. When the process ends, everything it wrote is read before `onExit` is called.
 */
import type { ChildProcess } from 'node:child_process'
import type { Duplex, Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { FromCells, ToCells } from '../cells/protocol.ts'
import { streamTransport } from '../rpc.ts'

export interface CellsEvents {
  onMessage(message: FromCells): void
  /** Text written to fd 1 or 2 without the kernel's knowledge. */
  onRaw(name: 'stdout' | 'stderr', text: string): void
  /** `how` reads like `exit code 3` or `signal SIGSEGV`. */
  onExit(how: string, ready: boolean): void
}

export class CellsProcess {
  readonly #child: ChildProcess
  readonly #events: CellsEvents
  #ready = false
  #ended = false
  #waiting: ToCells[] = []
  /** Counts everything read from the child; `drained` waits until it stands still. */
  #reads = 0
  #held = false
  #released: (() => void)[] = []

  /** `child` is what `launchCells` started, perhaps some time ago: its pipes keep what it wrote meanwhile. */
  constructor(child: ChildProcess, events: CellsEvents) {
    this.#events = events
    this.#child = child
    const frames = streamTransport(this.#child.stdio[3] as Duplex)
    frames.listen(
      message => this.#receive(message as FromCells),
      () => {},
    )
    for (const name of ['stdout', 'stderr'] as const) {
      const decoder = new StringDecoder('utf8')
      const pipe = this.#child[name] as Readable
      pipe.on('data', (bytes: Buffer) => {
        this.#reads += 1
        events.onRaw(name, decoder.write(bytes))
      })
      pipe.on('error', () => {})
    }
    // A grandchild may hold the pipes open for ever, so `close` is not awaited: after `exit` we read what is there.
    this.#child.on(
      'exit',
      (code, signal) => void this.#exited(signal === null ? `exit code ${code ?? 0}` : `signal ${signal}`),
    )
    this.#child.on('error', error => void this.#exited(error.message))
    if (child.exitCode !== null) void this.#exited(`exit code ${child.exitCode}`)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get ready(): boolean {
    return this.#ready
  }

  send(message: ToCells): void {
    if (!this.#ready) this.#waiting.push(message)
    else if (this.#child.connected) this.#child.send(message as never, () => {})
  }

  /**
   * Resolves when what the child wrote before now has been read. What was written before a frame arrived is in the pipes
   * already, so two turns of the event loop without a read mean that nothing is left: no timer, no guess.
   */
  async drained(): Promise<void> {
    for (let quiet = 0; quiet < 2;) {
      const before = this.#reads
      if (this.#held) await new Promise<void>(resolve => this.#released.push(resolve))
      await new Promise(resolve => setImmediate(resolve))
      quiet = this.#reads === before && !this.#held ? quiet + 1 : 0
    }
  }

  /** While held nothing is read: pipes fill and the cell waits in its own print. */
  hold(held: boolean): void {
    this.#held = held
    for (const pipe of [this.#child.stdio[3] as Duplex, this.#child.stdout, this.#child.stderr]) {
      if (held) pipe?.pause()
      else pipe?.resume()
    }
    if (!held) for (const resolve of this.#released.splice(0)) resolve()
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    if (!this.#ended) this.#child.kill(signal)
  }

  #receive(message: FromCells): void {
    this.#reads += 1
    if (message.type === 'ready') {
      this.#ready = true
      for (const waiting of this.#waiting.splice(0)) this.send(waiting)
    }
    this.#events.onMessage(message)
  }

  async #exited(how: string): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.drained()
    this.#events.onExit(how, this.#ready)
  }
}
