/**
 * The last records of one key as a queue whose aggregate is known at any time (two stacks, after Tangwongsan et al., "General
 * incremental sliding-window aggregation", 2015): no value is ever taken back, so min and max cost as little as sums, and no
 * rounding error piles up.
 *
 *   front: records with the aggregate of themselves and all younger front records    back: records, and the aggregate of all
 */
import type { Layout, Store } from '../aggregates/layout.ts'

interface Entry {
  readonly timeMs: number
  readonly store: Store
}

export interface OverQueue {
  /** Oldest last, so that it is popped. Each store: the record and all younger ones of the front. */
  front: Entry[]
  /** Youngest last. Each store: one record. */
  back: Entry[]
  backSum: Store
  revision: number
}

export function emptyQueue(layout: Layout): OverQueue {
  return { front: [], back: [], backSum: layout.single(), revision: 0 }
}

export function pushRecord(queue: OverQueue, layout: Layout, timeMs: number, values: Store): void {
  queue.back.push({ timeMs, store: values })
  layout.merge(queue.backSum, 0, values, 0)
}

export function queueLength(queue: OverQueue): number {
  return queue.front.length + queue.back.length
}

/** Forgets the oldest record. */
export function popOldest(queue: OverQueue, layout: Layout): void {
  if (queue.front.length === 0) turn(queue, layout)
  queue.front.pop()
}

export function oldestTime(queue: OverQueue): number {
  return queue.front.at(-1)?.timeMs ?? queue.back[0]?.timeMs ?? Infinity
}

/** Aggregate of all records, oldest first. */
export function total(queue: OverQueue, layout: Layout): Store {
  const sum = layout.single()
  const oldest = queue.front.at(-1)
  if (oldest !== undefined) layout.merge(sum, 0, oldest.store, 0)
  layout.merge(sum, 0, queue.backSum, 0)
  return sum
}

function turn(queue: OverQueue, layout: Layout): void {
  let younger: Store | undefined
  for (let i = queue.back.length - 1; i >= 0; i--) {
    const { timeMs, store } = queue.back[i] as Entry
    const sum = layout.single()
    layout.merge(sum, 0, store, 0)
    if (younger !== undefined) layout.merge(sum, 0, younger, 0)
    queue.front.push({ timeMs, store: sum })
    younger = sum
  }
  queue.back = []
  queue.backSum = layout.single()
}
