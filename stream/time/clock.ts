/**
 * The only place in stream/ that reads the wall clock. Everything that needs "now" or a timer takes a Clock, so tests
 * advance a VirtualClock instead of sleeping and a replay never depends on the machine's time.
 */
export interface Clock {
  /** Epoch ms. */
  nowMs(): number
  /** Calls `f` once after `delayMs`, unless cancelled before. */
  setTimer(delayMs: number, f: () => void): Timer
}

export interface Timer {
  /** Idempotent; after it the callback is never called. */
  cancel(): void
}

export const wallClock: Clock = {
  nowMs: () => Date.now(),
  setTimer(delayMs, f) {
    const handle = setTimeout(f, delayMs)
    // A waiting timeout alone must not keep a program alive that has nothing else to do.
    handle.unref()
    return { cancel: () => clearTimeout(handle) }
  },
}

/** A clock that stands still until `advance` is called; timers fire in the order of their time, then of their making. */
export class VirtualClock implements Clock {
  private now: number
  private timers: { readonly atMs: number; readonly f: () => void }[] = []

  constructor(nowMs = 0) {
    this.now = nowMs
  }

  nowMs(): number {
    return this.now
  }

  setTimer(delayMs: number, f: () => void): Timer {
    const timer = { atMs: this.now + Math.max(0, delayMs), f }
    this.timers.push(timer)
    return {
      cancel: () => {
        this.timers = this.timers.filter(t => t !== timer)
      },
    }
  }

  /** Moves the time forward and fires what comes due, also timers made by a firing one. */
  advance(ms: number): void {
    const target = this.now + ms
    for (;;) {
      let next: { readonly atMs: number; readonly f: () => void } | undefined
      for (const t of this.timers) if (t.atMs <= target && (next === undefined || t.atMs < next.atMs)) next = t
      if (next === undefined) break
      const due = next
      this.timers = this.timers.filter(t => t !== due)
      this.now = Math.max(this.now, due.atMs)
      due.f()
    }
    this.now = target
  }
}

/** Lets timers, sockets and other work of the thread have their turn. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Keeps the program alive while somebody waits for rows of a live source: waiting readers alone do not. */
export function keepAlive(): Timer {
  const handle = setInterval(() => {}, 1 << 30)
  return { cancel: () => clearInterval(handle) }
}
