/** At most so many lines a second; the rest is counted and told. */
export class LineLimit {
  private readonly out: (name: 'stdout' | 'stderr', text: string) => void
  private readonly nowMs: () => number
  private readonly perSecond: number
  private secondMs = Number.NEGATIVE_INFINITY
  private used = 0
  private held = 0

  constructor(
    out: (name: 'stdout' | 'stderr', text: string) => void,
    nowMs: () => number = () => performance.now(),
    perSecond = 20,
  ) {
    this.out = out
    this.nowMs = nowMs
    this.perSecond = perSecond
  }

  print(name: 'stdout' | 'stderr', text: string): void {
    this.tick()
    const lines = text.split('\n')
    const taken = lines.slice(0, Math.max(0, this.perSecond - this.used))
    this.used += taken.length
    this.held += lines.length - taken.length
    if (taken.length > 0) this.out(name, `${taken.join('\n')}\n`)
  }

  /** Begins a new second when one has passed. */
  tick(): void {
    const now = this.nowMs()
    if (now - this.secondMs < 1000) return
    if (this.held > 0)
      this.out(
        'stdout',
        `… ${this.held} more ${this.held === 1 ? 'line' : 'lines'} (a lambda prints at most ${this.perSecond} a second)\n`,
      )
    this.secondMs = now
    this.used = 0
    this.held = 0
  }
}
