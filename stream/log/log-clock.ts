/**
 * The notebook's clock as the log sees it. Demo topics start on a fixed morning, so the log's now is the injected clock moved
 * to that morning: same records, same windows on every machine, one second per second.
 */
import type { Clock, Timer } from '../time/clock.ts'

/** Where the built-in topics begin. */
export const demoStartMs = Date.UTC(2026, 0, 1, 9, 0, 0)
/** How much of them is there already when a kernel starts. */
export const demoHistoryMs = 600_000

export class LogClock implements Clock {
  readonly #clock: Clock
  #shiftMs: number

  /** `startMs` is what this clock shows now; absent: the injected clock as it is. */
  constructor(clock: Clock, startMs?: number) {
    this.#clock = clock
    this.#shiftMs = startMs === undefined ? 0 : startMs - clock.nowMs()
  }

  nowMs(): number {
    return this.#clock.nowMs() + this.#shiftMs
  }

  /** The clock shows at least this from now on: a notebook that goes on from a checkpoint goes on at its time. */
  advanceTo(ms: number): void {
    this.#shiftMs += Math.max(0, ms - this.nowMs())
  }

  setTimer(delayMs: number, f: () => void): Timer {
    return this.#clock.setTimer(delayMs, f)
  }
}
