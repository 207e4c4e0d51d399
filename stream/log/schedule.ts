/**
 * When the records of a generated topic happen and when they arrive: pure numbers, no rows. Record i happens at
 * `originMs + i / rate` plus a jitter and arrives a little later, so arrival order is not event order. What is due is handed
 * out by (arrival, index), however often one asks: the offsets of a topic do not depend on who looked when.
 */
import { draw, saltOf } from './random.ts'

/** How a topic is generated; plain data, so it may cross to a worker. Shares are 0…1. */
export interface GeneratorSpec {
  readonly topic: string
  readonly seed: number
  /** Indexes per second. */
  readonly rate: number
  /** Records arrive up to so much after they happened. */
  readonly disorderMs: number
  /** Share of records held back beyond both the disorder and the usual bound of five seconds. */
  readonly late: number
  readonly duplicates: number
  /** Partition that hangs: its records wait until it is lifted. */
  readonly stall?: number | undefined
  /** Zipf exponent for picking regions, users, machines (own bodies: partitions); 0 is even. */
  readonly skew: number
}

/** One record to come. */
export interface Due {
  readonly index: number
  /** When it happens, epoch ms. */
  readonly atMs: number
  readonly arrivalMs: number
  readonly duplicate: boolean
  readonly spec: GeneratorSpec
}

/** Decides about index i before its row is made: ms until the event after its nominal time, or null for no record. */
export type DelayOf = (spec: GeneratorSpec, index: number, atMs: number) => number | null

const usualBoundMs = 5000

export class Schedule {
  #spec: GeneratorSpec
  #originMs: number
  #originIndex = 0
  #next = 0
  readonly #clockSalt: number
  readonly #noiseSalt: number
  readonly #delayOf: DelayOf | undefined
  /** Binary heap by (arrival, index). */
  readonly #heap: Due[] = []

  /** `clockOf`: name of the topic whose instants it shares (payments happen after their order). */
  constructor(
    spec: GeneratorSpec,
    originMs: number,
    options: { clockOf?: string | undefined; delayOf?: DelayOf | undefined } = {},
  ) {
    this.#spec = spec
    this.#originMs = originMs
    this.#clockSalt = saltOf(`${options.clockOf ?? spec.topic}/clock`)
    this.#noiseSalt = saltOf(`${spec.topic}/arrival`)
    this.#delayOf = options.delayOf
  }

  get spec(): GeneratorSpec {
    return this.#spec
  }

  /** From `nowMs` on records follow `spec`; call after everything due has been taken. Records under way keep their old one. */
  retune(spec: GeneratorSpec, nowMs: number): void {
    this.#originMs = Math.max(nowMs, this.#atMs(this.#next))
    this.#originIndex = this.#next
    this.#spec = spec
  }

  /** Takes what has arrived up to `nowMs`, at most `limit`, in order of arrival. */
  take(nowMs: number, limit: number): Due[] {
    const due: Due[] = []
    while (due.length < limit) {
      const first = this.#heap[0]
      const nextAtMs = this.#atMs(this.#next)
      // Whatever is not planned yet arrives at its own time or later: the first of the heap is safe below that.
      if (first !== undefined && first.arrivalMs <= nowMs && first.arrivalMs < nextAtMs) due.push(this.#pop())
      else if (nextAtMs <= nowMs) this.#plan(this.#next++, nextAtMs)
      else break
    }
    return due
  }

  nextDueMs(): number {
    return Math.min(this.#heap[0]?.arrivalMs ?? Infinity, this.#atMs(this.#next))
  }

  #atMs(index: number): number {
    const gapMs = 1000 / this.#spec.rate
    const jitter = draw(this.#spec.seed, this.#clockSalt, index, 0)
    return this.#originMs + Math.floor((index - this.#originIndex + jitter) * gapMs)
  }

  #plan(index: number, nominalMs: number): void {
    const spec = this.#spec
    const delayMs = this.#delayOf === undefined ? 0 : this.#delayOf(spec, index, nominalMs)
    if (delayMs === null) return
    const atMs = nominalMs + delayMs
    const held = draw(spec.seed, this.#noiseSalt, index, 0) < spec.late
    const u = draw(spec.seed, this.#noiseSalt, index, 1)
    // Most arrive quickly, the square leaves few near the bound.
    const latencyMs = held ? Math.max(spec.disorderMs, usualBoundMs) + 1000 + u * 9000 : u * u * spec.disorderMs
    const arrivalMs = atMs + Math.floor(latencyMs)
    this.#push({ index, atMs, arrivalMs, duplicate: false, spec })
    if (draw(spec.seed, this.#noiseSalt, index, 2) >= spec.duplicates) return
    const again = arrivalMs + 50 + Math.floor(draw(spec.seed, this.#noiseSalt, index, 3) * 1000)
    this.#push({ index, atMs, arrivalMs: again, duplicate: true, spec })
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
