/**
 * Partial matches and the events they took, in typed arrays. A run is at the same time the last link of a chain of taken events:
 * links never change what they took, so runs that branched share what they have in common. Links and events count who holds
 * them and are used again when nobody does. A run takes 28 bytes, an event 28 beside its row.
 */

/** Definitions are at most 30. */
const STEP_BITS = 5
const STEP_MASK = (1 << STEP_BITS) - 1
/** No run, no event, no key. */
export const NONE = -1
const SMALL = 256

export class Runs {
  /** The next run of the same key, in the order of their first events. */
  next = new Int32Array(SMALL)
  /** The link with the event taken before. */
  private prevs = new Int32Array(SMALL)
  private events = new Int32Array(SMALL)
  private firsts = new Int32Array(SMALL)
  private lengths = new Int32Array(SMALL)
  private codes = new Int32Array(SMALL)
  /** Who holds the run: its key's list, matches that wait, runs that go on from it. */
  private holders = new Int32Array(SMALL)
  private used = 0
  private free = NONE
  private count = 0
  private readonly rows: unknown[] = []
  private times = new Float64Array(SMALL)
  private orders = new Float64Array(SMALL)
  private eventHolders = new Int32Array(SMALL)
  private usedEvents = 0
  private freeEvent = NONE

  /** A link held by nobody yet. */
  add(prev: number, event: number, step: number, state: number): number {
    const run = this.room()
    this.prevs[run] = prev
    this.events[run] = event
    this.eventHolders[event] = (this.eventHolders[event] as number) + 1
    this.firsts[run] = prev === NONE ? event : (this.firsts[prev] as number)
    this.lengths[run] = prev === NONE ? 1 : (this.lengths[prev] as number) + 1
    this.codes[run] = (state << STEP_BITS) | step
    this.holders[run] = 0
    this.next[run] = NONE
    if (prev !== NONE) this.hold(prev)
    return run
  }

  /** The same events in another state. */
  twin(run: number, state: number): number {
    return this.add(this.prevs[run] as number, this.events[run] as number, this.stepOf(run), state)
  }

  hold(run: number): void {
    this.holders[run] = (this.holders[run] as number) + 1
  }

  /** Links nobody holds any more are used again; chains may be long, so this is a loop. */
  release(run: number): void {
    for (let link = run; link !== NONE;) {
      const left = (this.holders[link] as number) - 1
      this.holders[link] = left
      if (left > 0) return
      this.dropEvent(this.events[link] as number)
      const prev = this.prevs[link] as number
      this.next[link] = this.free
      this.free = link
      this.count--
      link = prev
    }
    if (this.count === 0 && this.used > SMALL) this.shrink()
  }

  /** An event held by nobody; `forget` it when no run took it. */
  addEvent(row: unknown, eventTimeMs: number, order: number): number {
    let event = this.freeEvent
    if (event === NONE) {
      event = this.usedEvents++
      if (event === this.times.length) this.growEvents()
      this.rows.push(row)
    } else {
      this.freeEvent = this.eventHolders[event] as number
      this.rows[event] = row
    }
    this.eventHolders[event] = 0
    this.times[event] = eventTimeMs
    this.orders[event] = order
    return event
  }

  forget(event: number): void {
    if (this.eventHolders[event] === 0) this.freeEventNow(event)
  }

  /** Number of the definition the event was taken for. */
  stepOf(run: number): number {
    return (this.codes[run] as number) & STEP_MASK
  }

  stateOf(run: number): number {
    return (this.codes[run] as number) >> STEP_BITS
  }

  /** A run that passes an event over may change its state: whoever branched off it looks at its events only. */
  setState(run: number, state: number): void {
    this.codes[run] = (state << STEP_BITS) | this.stepOf(run)
  }

  /** Events taken so far. */
  lengthOf(run: number): number {
    return this.lengths[run] as number
  }

  prevOf(run: number): number {
    return this.prevs[run] as number
  }

  eventOf(run: number): number {
    return this.events[run] as number
  }

  timeOf(run: number): number {
    return this.times[this.events[run] as number] as number
  }

  orderOf(run: number): number {
    return this.orders[this.events[run] as number] as number
  }

  firstTimeOf(run: number): number {
    return this.times[this.firsts[run] as number] as number
  }

  firstOrderOf(run: number): number {
    return this.orders[this.firsts[run] as number] as number
  }

  rowOfEvent(event: number): unknown {
    return this.rows[event]
  }

  timeOfEvent(event: number): number {
    return this.times[event] as number
  }

  orderOfEvent(event: number): number {
    return this.orders[event] as number
  }

  /** Rows taken, by definition, oldest first. */
  rowsByStep(run: number, count: number): unknown[][] {
    const rows: unknown[][] = []
    for (let i = 0; i < count; i++) rows.push([])
    for (let link = run; link !== NONE; link = this.prevs[link] as number) {
      ;(rows[this.stepOf(link)] as unknown[]).push(this.rows[this.events[link] as number])
    }
    for (const list of rows) if (list.length > 1) list.reverse()
    return rows
  }

  /** Orders of the events taken for one definition, oldest first. */
  ordersOf(run: number, step: number): number[] {
    const orders: number[] = []
    for (let link = run; link !== NONE; link = this.prevs[link] as number) {
      if (this.stepOf(link) === step) orders.push(this.orderOf(link))
    }
    return orders.reverse()
  }

  /** Bytes of the arrays, the rows themselves left out. */
  bytes(): number {
    return this.next.byteLength * 7 + this.times.byteLength * 2 + this.eventHolders.byteLength + this.rows.length * 8
  }

  private room(): number {
    this.count++
    const { free } = this
    if (free !== NONE) {
      this.free = this.next[free] as number
      return free
    }
    if (this.used === this.next.length) this.growRuns()
    return this.used++
  }

  private dropEvent(event: number): void {
    const left = (this.eventHolders[event] as number) - 1
    this.eventHolders[event] = left
    if (left === 0) this.freeEventNow(event)
  }

  private freeEventNow(event: number): void {
    this.rows[event] = undefined
    this.eventHolders[event] = this.freeEvent
    this.freeEvent = event
  }

  private growRuns(): void {
    const size = larger(this.next.length)
    this.next = grown(this.next, size)
    this.prevs = grown(this.prevs, size)
    this.events = grown(this.events, size)
    this.firsts = grown(this.firsts, size)
    this.lengths = grown(this.lengths, size)
    this.codes = grown(this.codes, size)
    this.holders = grown(this.holders, size)
  }

  private growEvents(): void {
    const size = larger(this.times.length)
    const [times, orders] = [new Float64Array(size), new Float64Array(size)]
    times.set(this.times)
    orders.set(this.orders)
    this.times = times
    this.orders = orders
    this.eventHolders = grown(this.eventHolders, size)
  }

  /** Nothing is held: the room a burst has taken is given back. */
  private shrink(): void {
    this.next = new Int32Array(SMALL)
    this.prevs = new Int32Array(SMALL)
    this.events = new Int32Array(SMALL)
    this.firsts = new Int32Array(SMALL)
    this.lengths = new Int32Array(SMALL)
    this.codes = new Int32Array(SMALL)
    this.holders = new Int32Array(SMALL)
    this.used = 0
    this.free = NONE
  }
}

/** Half as much again: at the worst a third of the room is empty. */
export function larger(size: number): number {
  return size + (size >> 1)
}

export function grown(array: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(size)
  copy.set(array)
  return copy
}
