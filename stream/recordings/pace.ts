/** When the next event of a recording is due: by the time between arrivals, at a speed, or at once. */
import { StreamError } from '../errors.ts'
import type { Clock, Timer } from '../time/clock.ts'

/** `1x`, `10x`, `0.5x` or `max` as a factor; `max` is Infinity. @throws StreamError OPTION_INVALID */
export function parseSpeed(text: string): number {
  if (text === 'max') return Infinity
  const factor = Number(/^(\d+(?:\.\d+)?)x$/.exec(text)?.[1])
  if (factor > 0) return factor
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot replay at speed "${text}": it is max or a factor like 1x, 10x, 0.5x`,
    hint: '--speed 10x',
  })
}

export class Pace {
  private readonly clock: Clock
  private readonly speed: number
  private startMs: number | undefined
  private firstMs = 0
  private timer: Timer | undefined
  private wake: (() => void) | undefined

  constructor(clock: Clock, speed: number) {
    this.clock = clock
    this.speed = speed
  }

  /** Resolves when an event that arrived at `atMs` is due. */
  async due(atMs: number): Promise<void> {
    if (this.speed === Infinity) return
    if (this.startMs === undefined) {
      this.startMs = this.clock.nowMs()
      this.firstMs = atMs
    }
    const waitMs = this.startMs + (atMs - this.firstMs) / this.speed - this.clock.nowMs()
    if (waitMs < 1) return
    await new Promise<void>(resolve => {
      this.wake = resolve
      this.timer = this.clock.setTimer(waitMs, resolve)
    })
  }

  /** The next event counts as the first: after a loop, or a pause. */
  restart(): void {
    this.startMs = undefined
  }

  stop(): void {
    this.timer?.cancel()
    this.wake?.()
  }
}
