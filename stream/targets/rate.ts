/** Records per second over the last second or so, from counts looked at now and then. */
const SPAN_MS = 1000

export class RateMeter {
  private samples: { readonly atMs: number; readonly count: number }[] = []

  /** Tells the total count now; gives the rate since about a second ago. */
  rate(nowMs: number, count: number): number {
    const last = this.samples.at(-1)
    if (last === undefined || last.atMs < nowMs) this.samples.push({ atMs: nowMs, count })
    while (this.samples.length > 2 && (this.samples[1]?.atMs ?? nowMs) <= nowMs - SPAN_MS) this.samples.shift()
    const first = this.samples[0]
    if (first === undefined || nowMs <= first.atMs) return 0
    return ((count - first.count) * 1000) / Math.max(SPAN_MS, nowMs - first.atMs)
  }
}
