/** Records per second over the last second or so, from totals seen now and then. */
export class RateMeter {
  private points: { atMs: number; count: number }[] = []

  see(count: number, nowMs: number, alive: boolean): number {
    const last = this.points.at(-1)
    // A replaced run counts from zero again.
    if (last !== undefined && count < last.count) this.points = []
    if (last === undefined || nowMs - last.atMs >= 100) this.points.push({ atMs: nowMs, count })
    while (this.points.length > 2 && nowMs - this.points[1]!.atMs >= 1000) this.points.shift()
    const first = this.points[0]
    if (!alive || first === undefined || nowMs - first.atMs < 50) return 0
    return Math.max(0, ((count - first.count) * 1000) / (nowMs - first.atMs))
  }
}
