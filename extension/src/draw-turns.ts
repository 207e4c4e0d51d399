/**
 * Who draws when: the charts of a page take turns, and one task of the browser holds only so much drawing. Ten charts that all
 * have news, or ten views that have to be built anew, are several short tasks, between which the page answers its user. News is drawn
 * at once when what was drawn before has been shown, else with the frame that shows it: more pictures than frames are seen by nobody.
 */
const TASK_BUDGET_MS = 30

export interface Frames {
  nowMs(): number
  onFrame(f: () => void): void
  /** Soon, in a task of its own. */
  onTask(f: () => void): void
}

export class DrawTurns {
  readonly #frames: Frames
  readonly #waiting: (() => Promise<void>)[] = []
  /** A task of ours is under way or asked for. */
  #working = false
  /** A frame is asked for: it shows what was drawn. */
  #unseen = false

  constructor(frames: Frames) {
    this.#frames = frames
  }

  /** `draw` is called once; turns are taken in the order in which they were asked for. */
  take(draw: () => Promise<void>): void {
    this.#waiting.push(draw)
    if (!this.#working && !this.#unseen) this.#soon()
  }

  #soon(): void {
    this.#working = true
    this.#frames.onTask(() => void this.#work())
  }

  async #work(): Promise<void> {
    const beganMs = this.#frames.nowMs()
    do {
      const draw = this.#waiting.shift()
      // A drawing that fails is its chart's own matter.
      await draw?.().catch(() => undefined)
    } while (this.#waiting.length > 0 && this.#frames.nowMs() - beganMs < TASK_BUDGET_MS)
    // The others do not wait for a frame: where frames are slow, they would be left behind.
    if (this.#waiting.length > 0) this.#soon()
    else this.#untilSeen()
  }

  #untilSeen(): void {
    this.#working = false
    this.#unseen = true
    this.#frames.onFrame(() => {
      this.#unseen = false
      if (this.#waiting.length === 0) return
      this.#working = true
      void this.#work()
    })
  }
}
