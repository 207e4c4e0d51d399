/**
 * When charts and counters are told after something came: as soon as what belongs together is there, and on the mean a little
 * more than ten times a second. The mean is what counts, not the time since the last report: rows that come every 100 ms would wait for
 * the rate whenever one of them came a moment early, and each wait would be handed on to the next.
 *
 *   rows ─▶ settled (4 ms without more, 20 ms at most) ─▶ the rate allows it ─▶ told
 */
const EVERY_MS = 95
/** So much earlier than its turn a report may be, paid for by those after it. */
const AHEAD_MS = 60
/** Rows that belong together come within a few milliseconds: they are told together, in one frame for all charts. */
const SETTLE_MS = 4
const SETTLE_AT_MOST_MS = 20

export class ReportPace {
  /** When the next report is due by the rate alone. */
  #turnMs = Number.NEGATIVE_INFINITY
  /** Of what has not been told: when the first and the last of it came. */
  #firstMs: number | undefined
  #lastMs = 0

  came(nowMs: number): void {
    this.#firstMs ??= nowMs
    this.#lastMs = nowMs
  }

  /** When to tell what has come, as far as is known now: what comes meanwhile may move it. */
  get dueMs(): number {
    if (this.#firstMs === undefined) return Number.POSITIVE_INFINITY
    const earliestMs = Math.max(this.#firstMs + SETTLE_MS, this.#turnMs - AHEAD_MS)
    return Math.max(earliestMs, Math.min(this.#lastMs + SETTLE_MS, earliestMs + SETTLE_AT_MOST_MS))
  }

  /** Whether the rate leaves room for what nobody announced. */
  mayTell(nowMs: number): boolean {
    return this.#firstMs === undefined && nowMs >= this.#turnMs
  }

  /** The look is over; `news`: there was something to tell. Nothing told takes nobody's turn. */
  told(nowMs: number, news: boolean): void {
    this.#firstMs = undefined
    if (news) this.#turnMs = Math.max(nowMs, this.#turnMs) + EVERY_MS
  }
}
