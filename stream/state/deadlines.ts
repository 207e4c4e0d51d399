/** Things that come due at a watermark, soonest first. A deadline may be old: whoever takes one looks again and puts it back. */
export class Deadlines<T> {
  /** A heap, its times apart: an object for each entry would weigh more than most things that wait. */
  private times: number[] = []
  private entries: T[] = []

  get count(): number {
    return this.times.length
  }

  /** Infinity when empty. */
  get soonestMs(): number {
    return this.times[0] ?? Infinity
  }

  isDue(watermarkMs: number): boolean {
    const { times } = this
    return times.length > 0 && (times[0] as number) <= watermarkMs
  }

  add(atMs: number, thing: T): void {
    const { times, entries } = this
    let i = times.length
    times.push(atMs)
    entries.push(thing)
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = times[parent] as number
      if (above <= atMs) break
      times[i] = above
      entries[i] = entries[parent] as T
      i = parent
    }
    times[i] = atMs
    entries[i] = thing
  }

  /** Instead of everything that waits; quicker than one by one. */
  fill(things: readonly T[], times: readonly number[]): void {
    this.entries = things.slice()
    this.times = times.slice()
    for (let i = (things.length >> 1) - 1; i >= 0; i--) this.sink(i, this.times[i] as number, this.entries[i] as T)
  }

  /** Takes the soonest; call only when there is one. */
  take(): T {
    const { times, entries } = this
    const first = entries[0] as T
    const lastMs = times.pop() as number
    const last = entries.pop() as T
    if (times.length > 0) this.sink(0, lastMs, last)
    return first
  }

  /** Everything that waits, in no order. */
  get things(): readonly T[] {
    return this.entries.slice()
  }

  clear(): void {
    this.times = []
    this.entries = []
  }

  private sink(from: number, atMs: number, thing: T): void {
    const { times, entries } = this
    let i = from
    for (;;) {
      let child = 2 * i + 1
      if (child >= times.length) break
      if (child + 1 < times.length && (times[child + 1] as number) < (times[child] as number)) child++
      const below = times[child] as number
      if (below >= atMs) break
      times[i] = below
      entries[i] = entries[child] as T
      i = child
    }
    times[i] = atMs
    entries[i] = thing
  }
}
