/** Times at which keys have to be looked at, smallest first. Mostly pushed in order, which costs one comparison. */
export class TimerHeap {
  private times = new Float64Array(64)
  private keys = new Int32Array(64)
  private count = 0

  /** The next time, Infinity when there is none. */
  get nextMs(): number {
    return this.count === 0 ? Infinity : (this.times[0] as number)
  }

  push(timeMs: number, key: number): void {
    if (this.count === this.times.length) this.grow()
    const { times, keys } = this
    let at = this.count++
    while (at > 0) {
      const up = (at - 1) >> 1
      if ((times[up] as number) <= timeMs) break
      times[at] = times[up] as number
      keys[at] = keys[up] as number
      at = up
    }
    times[at] = timeMs
    keys[at] = key
  }

  /** Takes the next one away and gives its key. */
  pop(): number {
    const { times, keys } = this
    const key = keys[0] as number
    const n = --this.count
    const lastTime = times[n] as number
    const lastKey = keys[n] as number
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= n) break
      if (down + 1 < n && (times[down + 1] as number) < (times[down] as number)) down++
      if ((times[down] as number) >= lastTime) break
      times[at] = times[down] as number
      keys[at] = keys[down] as number
      at = down
    }
    times[at] = lastTime
    keys[at] = lastKey
    return key
  }

  bytes(): number {
    return this.times.byteLength + this.keys.byteLength
  }

  /** What was pushed beside the times that are still to come. */
  keyNumbers(): Int32Array {
    return this.keys.subarray(0, this.count)
  }

  snapshot(): readonly [readonly number[], readonly number[]] {
    return [Array.from(this.times.subarray(0, this.count)), Array.from(this.keys.subarray(0, this.count))]
  }

  restore([times, keys]: readonly [readonly number[], readonly number[]]): void {
    for (const [i, time] of times.entries()) this.push(time, keys[i] as number)
  }

  private grow(): void {
    const times = new Float64Array(this.times.length * 2)
    times.set(this.times)
    this.times = times
    const keys = new Int32Array(this.keys.length * 2)
    keys.set(this.keys)
    this.keys = keys
  }
}
