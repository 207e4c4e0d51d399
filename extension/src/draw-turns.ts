/**
 * Who draws when: the charts of a page take turns, and one frame of the browser holds only so much drawing. Ten charts that all
 * have news, or ten views that have to be built anew, are spread over frames instead of making one long task.
 */
const FRAME_BUDGET_MS = 12

export interface Frames {
  nowMs(): number
  onFrame(f: () => void): void
}

export class DrawTurns {
  readonly #frames: Frames
  readonly #waiting: (() => Promise<void>)[] = []
  #running = false

  constructor(frames: Frames) {
    this.#frames = frames
  }

  /** `draw` is called once, in the next frame that has room for it; turns are taken in the order in which they were asked for. */
  take(draw: () => Promise<void>): void {
    this.#waiting.push(draw)
    if (this.#running) return
    this.#running = true
    this.#frames.onFrame(() => void this.#frame())
  }

  async #frame(): Promise<void> {
    const beganMs = this.#frames.nowMs()
    do {
      const draw = this.#waiting.shift()
      // A drawing that fails is its chart's own matter.
      await draw?.().catch(() => undefined)
    } while (this.#waiting.length > 0 && this.#frames.nowMs() - beganMs < FRAME_BUDGET_MS)
    this.#running = this.#waiting.length > 0
    if (this.#running) this.#frames.onFrame(() => void this.#frame())
  }
}
