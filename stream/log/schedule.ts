/**
 * When the records of a generated topic happen and when they arrive: pure numbers, no rows. A record happens at
 * the time of its index and arrives a little later, so arrival order is not event order. What is due is handed
 * out by (arrival, index), however often one asks: the offsets of a topic do not depend on who looked when.
 */
import { draw, saltOf } from './random.ts'
import type { IndexClock, Pace } from './index-clock.ts'

/** How records of a topic travel; shares are 0…1. */
export interface Travel {
  /** Records arrive up to so much after they happened. */
  readonly disorderMs: number
  /** Share of records held back beyond both the disorder and the usual bound of five seconds. */
  readonly late: number
  readonly duplicates: number
  /** Partition that hangs: its records wait until it is lifted. */
  readonly stall?: number | undefined
}

/** How a topic is generated; plain data, so it may cross to a worker. */
export interface GeneratorSpec extends Pace, Travel {
  readonly topic: string
}

/** One record to come. */
export interface Due {
  readonly index: number
  /** When its index happens: for a payment, when its order was made. */
  readonly nominalMs: number
  /** When it happens, epoch ms. */
  readonly atMs: number
  readonly arrivalMs: number
  readonly duplicate: boolean
  readonly pace: Pace
}

/** Decides about an index before its row is made: ms until the event after its nominal time, or null for no record. */
export type DelayOf = (pace: Pace, index: number, nominalMs: number) => number | null

const usualBoundMs = 5000

export class Schedule {
  readonly clock: IndexClock
  #travel: Travel
  #next = 0
  readonly #salt: number
  readonly #delayOf: DelayOf | undefined
  /** Binary heap by (arrival, index). */
  readonly #heap: Due[] = []

  constructor(topic: string, clock: IndexClock, travel: Travel, delayOf?: DelayOf) {
    this.clock = clock
    this.#travel = travel
    this.#salt = saltOf(`${topic}/arrival`)
    this.#delayOf = delayOf
  }

  get travel(): Travel {
    return this.#travel
  }

  /** From `nowMs` on; call after everything due has been taken. Records under way keep their arrival. */
  retune(travel: Travel, pace: Pace | undefined, nowMs: number): void {
    this.#travel = travel
    if (pace !== undefined) this.clock.change(pace, this.#next, nowMs)
  }

  /** Takes what has arrived up to `nowMs`, at most `limit`, in order of arrival. */
  take(nowMs: number, limit: number): Due[] {
    const due: Due[] = []
    while (due.length < limit) {
      const first = this.#heap[0]
      const nextAtMs = this.clock.atMs(this.#next)
      // Whatever is not planned yet arrives at its own time or later: the first of the heap is safe below that.
      if (first !== undefined && first.arrivalMs <= nowMs && first.arrivalMs < nextAtMs) due.push(this.#pop())
      else if (nextAtMs <= nowMs) this.#plan(this.#next++, nextAtMs)
      else break
    }
    return due
  }

  nextDueMs(): number {
    return Math.min(this.#heap[0]?.arrivalMs ?? Infinity, this.clock.atMs(this.#next))
  }

  #plan(index: number, nominalMs: number): void {
    const pace = this.clock.paceOf(index)
    const { disorderMs, late, duplicates } = this.#travel
    const delayMs = this.#delayOf === undefined ? 0 : this.#delayOf(pace, index, nominalMs)
    if (delayMs === null) return
    const atMs = nominalMs + delayMs
    const chance = (which: number) => draw(pace.seed, this.#salt, index, which)
    const u = chance(1)
    // Most arrive quickly, the square leaves few near the bound.
    const latencyMs = chance(0) < late ? Math.max(disorderMs, usualBoundMs) + 1000 + u * 9000 : u * u * disorderMs
    const arrivalMs = atMs + Math.floor(latencyMs)
    this.#push({ index, nominalMs, atMs, arrivalMs, duplicate: false, pace })
    if (chance(2) >= duplicates) return
    const again = arrivalMs + 50 + Math.floor(chance(3) * 1000)
    this.#push({ index, nominalMs, atMs, arrivalMs: again, duplicate: true, pace })
  }

  #push(due: Due): void {
    const heap = this.#heap
    let i = heap.push(due) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(due, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = due
  }

  #pop(): Due {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
    return first
  }
}

function before(a: Due, b: Due): boolean {
  return (
    a.arrivalMs < b.arrivalMs ||
    (a.arrivalMs === b.arrivalMs && (a.index < b.index || (a.index === b.index && b.duplicate && !a.duplicate)))
  )
}
