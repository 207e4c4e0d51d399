/** Things that come due at a watermark, soonest first. A deadline may be old: whoever takes one looks again and puts it back. */
export class Deadlines<T> {
  private heap: { readonly atMs: number; readonly thing: T }[] = []

  get count(): number {
    return this.heap.length
  }

  /** Infinity when empty. */
  get soonestMs(): number {
    return this.heap[0]?.atMs ?? Infinity
  }

  isDue(watermarkMs: number): boolean {
    const first = this.heap[0]
    return first !== undefined && first.atMs <= watermarkMs
  }

  add(atMs: number, thing: T): void {
    const { heap } = this
    const entry = { atMs, thing }
    let i = heap.length
    heap.push(entry)
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent]!
      if (above.atMs <= atMs) break
      heap[i] = above
      i = parent
    }
    heap[i] = entry
  }

  /** Instead of everything that waits: quicker than one by one. */
  fill(things: readonly T[], atMs: (thing: T) => number): void {
    this.heap = things.map(thing => ({ atMs: atMs(thing), thing }))
    for (let i = (this.heap.length >> 1) - 1; i >= 0; i--) this.sink(this.heap[i]!, i)
  }

  /** Takes the soonest; call only when there is one. */
  take(): T {
    const { heap } = this
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length > 0) this.sink(last)
    return first.thing
  }

  /** Everything that waits, in no order. */
  get things(): readonly T[] {
    return this.heap.map(entry => entry.thing)
  }

  clear(): void {
    this.heap = []
  }

  private sink(entry: { readonly atMs: number; readonly thing: T }, from = 0): void {
    const { heap } = this
    let i = from
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child++
      if (heap[child]!.atMs >= entry.atMs) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = entry
  }
}
