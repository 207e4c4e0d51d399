/**
 * Who draws when: the charts of a page take turns, and one task of the browser holds only so much drawing. Ten charts that all
 * have news, or ten views that have to be built anew, are several short tasks, between which the page answers its user.
 */
const TASK_BUDGET_MS = 30

export interface Frames {
  nowMs(): number
  onFrame(f: () => void): void
  /** Soon, in a task of its own: waiting for the next frame would leave charts behind where frames are slow. */
  onTask(f: () => void): void
}

export class DrawTurns {
  readonly #frames: Frames
  readonly #waiting: (() => Promise<void>)[] = []
  #running = false

  constructor(frames: Frames) {
    this.#frames = frames
  }

  /** `draw` is called once, in the next frame or in a task right after it; turns are taken in the order in which they were asked for. */
  take(draw: () => Promise<void>): void {
    this.#waiting.push(draw)
    if (this.#running) return
    this.#running = true
    this.#frames.onFrame(() => void this.#work())
  }

  async #work(): Promise<void> {
    const beganMs = this.#frames.nowMs()
    do {
      const draw = this.#waiting.shift()
      // A drawing that fails is its chart's own matter.
      await draw?.().catch(() => undefined)
    } while (this.#waiting.length > 0 && this.#frames.nowMs() - beganMs < TASK_BUDGET_MS)
    this.#running = this.#waiting.length > 0
    if (this.#running) this.#frames.onTask(() => void this.#work())
  }
}
