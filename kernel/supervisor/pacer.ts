/**
 * Jupyter Server drops output above 1 MB of text or 1,000 messages a second (means over 3 s, counted anew with each idle) and says so
 * in place of it. So when it is in between, what goes to iopub is paced a tenth below both: nothing is dropped, order is kept.
 * What waits is bounded: above `FULL_BYTES` the cells process is not read, its pipe fills, and the cell waits in its own print.
 *
 *     window of 3 s:  capacity + 3 s × rate  =  2.7 MB of 3 MB, 2,700 of 3,000 messages
 */
import type { Clock, Timer } from '../../stream/time/clock.ts'

export interface PacerOptions {
  readonly clock: Clock
  send(frames: Buffer[]): void
  /** Too much waits (true), or no longer. */
  onFull(full: boolean): void
}

const BYTES = { capacity: 600_000, perSecond: 700_000 } as const
const MESSAGES = { capacity: 600, perSecond: 700 } as const
/** A Stop still shows within half a second: this, what Iopub merges and what is in the pipe has gone by then. */
const FULL_BYTES = 64 * 1024
const FULL_MESSAGES = 100
/** The server counts all messages but these; of bytes only those of text. */
const UNCOUNTED = new Set(['status', 'comm_open', 'execute_input'])

interface Waiting {
  readonly frames: Buffer[]
  readonly type: string
  readonly bytes: number
  readonly idle: boolean
}

export class Pacer {
  readonly #options: PacerOptions
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #full = false
  #bytes: number = BYTES.capacity
  #messages: number = MESSAGES.capacity
  #filledMs: number
  #timer: Timer | undefined

  constructor(options: PacerOptions) {
    this.#options = options
    this.#filledMs = options.clock.nowMs()
  }

  push(type: string, frames: Buffer[], idle: boolean): void {
    const bytes = type === 'stream' ? frames.reduce((sum, frame) => sum + frame.length, 0) : 0
    this.#waiting.push({ frames, type, bytes, idle })
    this.#waitingBytes += bytes
    this.#pump()
  }

  /** Counted, but not queued: frames of charts are bounded by credit and do not wait behind text. */
  pass(type: string, frames: Buffer[]): void {
    if (!UNCOUNTED.has(type)) this.#messages -= 1
    this.#options.send(frames)
  }

  /** Sends all that waits at once: the kernel ends. */
  flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const { frames } of this.#waiting.splice(0)) this.#options.send(frames)
    this.#waitingBytes = 0
    this.#tell()
  }

  #pump(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#fill()
    let sent = 0
    for (const one of this.#waiting) {
      const waitMs = this.#waitMs(one)
      if (waitMs > 0) {
        this.#timer = this.#options.clock.setTimer(Math.ceil(waitMs), () => this.#pump())
        break
      }
      this.#send(one)
      sent += 1
    }
    this.#waiting.splice(0, sent)
    this.#tell()
  }

  #send({ frames, type, bytes, idle }: Waiting): void {
    this.#waitingBytes -= bytes
    this.#bytes -= bytes
    if (!UNCOUNTED.has(type)) this.#messages -= 1
    if (idle) {
      this.#bytes = BYTES.capacity
      this.#messages = MESSAGES.capacity
    }
    this.#options.send(frames)
  }

  /** A message larger than the capacity goes when all of it is there, and is owed. */
  #waitMs({ type, bytes }: Waiting): number {
    if (UNCOUNTED.has(type)) return 0
    const lackBytes = bytes === 0 ? 0 : Math.min(bytes, BYTES.capacity) - this.#bytes
    return Math.max((lackBytes / BYTES.perSecond) * 1000, ((1 - this.#messages) / MESSAGES.perSecond) * 1000)
  }

  #fill(): void {
    const nowMs = this.#options.clock.nowMs()
    const passedMs = Math.max(0, nowMs - this.#filledMs)
    this.#filledMs = nowMs
    this.#bytes = Math.min(BYTES.capacity, this.#bytes + (passedMs / 1000) * BYTES.perSecond)
    this.#messages = Math.min(MESSAGES.capacity, this.#messages + (passedMs / 1000) * MESSAGES.perSecond)
  }

  #tell(): void {
    const full = this.#waitingBytes > FULL_BYTES || this.#waiting.length > FULL_MESSAGES
    if (full === this.#full) return
    this.#full = full
    this.#options.onFull(full)
  }
}
