/**
 * One queue per socket. zeromq.js takes one send in flight and throws EBUSY on a second one, so every send is awaited here,
 * in order. Nothing is dropped: the sockets have no high-water mark.
 */
export interface FrameSink {
  send(frames: Buffer[]): Promise<void>
}

export class SendQueue {
  readonly #sink: FrameSink
  #waiting: Buffer[][] = []
  #sending = false
  #held: boolean
  #closed = false
  #drained: (() => void)[] = []

  constructor(sink: FrameSink, options: { readonly held?: boolean } = {}) {
    this.#sink = sink
    this.#held = options.held ?? false
  }

  push(frames: Buffer[]): void {
    if (this.#closed) return
    this.#waiting.push(frames)
    void this.#pump()
  }

  /** Ends holding; `first` overtakes what was held. */
  release(first?: Buffer[]): void {
    if (first !== undefined) this.#waiting.unshift(first)
    this.#held = false
    void this.#pump()
  }

  get held(): boolean {
    return this.#held
  }

  /** Resolves when all pushed so far has been handed to the socket. */
  async drain(): Promise<void> {
    if (!this.#sending && this.#waiting.length === 0) return
    await new Promise<void>(resolve => this.#drained.push(resolve))
  }

  close(): void {
    this.#closed = true
    this.#waiting = []
  }

  async #pump(): Promise<void> {
    if (this.#sending || this.#held) return
    this.#sending = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      for (const frames of batch) {
        try {
          await this.#sink.send(frames)
        } catch {
          // A peer that went away (or a socket closed at exit) loses its message; the next one is for others.
        }
      }
    }
    this.#sending = false
    for (const resolve of this.#drained.splice(0)) resolve()
  }
}
