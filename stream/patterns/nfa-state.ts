/** Partial matches as columns for a snapshot, and back: chains are too deep for a recursive serializer. */
import { NONE } from './runs.ts'
import type { Runs } from './runs.ts'
import { TimerHeap } from './timer-heap.ts'

type Lists = readonly (readonly [keyId: number, places: readonly number[]])[]

export interface NfaState {
  readonly rows: readonly unknown[]
  readonly times: Float64Array
  readonly eventOrders: Float64Array
  /** Per link: place of its predecessor (−1: none), event, step, state. Predecessors stand before their successors. */
  readonly links: Int32Array
  readonly runs: Lists
  readonly held: Lists
  readonly timers: readonly [readonly number[], readonly number[]]
  readonly orders: number
  readonly takenCounts: Float64Array
  readonly edgeCounts: Float64Array
  readonly givenCounts: Float64Array
}

export function packNfa(
  runs: Runs,
  lists: Iterable<readonly [keyId: number, runs: readonly number[]]>,
  held: ReadonlyMap<number, readonly number[]>,
  timers: TimerHeap,
  orders: number,
): Omit<NfaState, 'takenCounts' | 'edgeCounts' | 'givenCounts'> {
  const events = new Map<number, number>()
  const places = new Map<number, number>()
  const links: number[] = []
  const place = (run: number): number => {
    const chain: number[] = []
    for (let link = run; link !== NONE && !places.has(link); link = runs.prevOf(link)) chain.push(link)
    for (const link of chain.reverse()) {
      const taken = runs.eventOf(link)
      let event = events.get(taken)
      if (event === undefined) events.set(taken, (event = events.size))
      places.set(link, places.size)
      const prev = runs.prevOf(link)
      links.push(prev === NONE ? -1 : (places.get(prev) as number), event, runs.stepOf(link), runs.stateOf(link))
    }
    return places.get(run) as number
  }
  const placed = [...lists].map(([keyId, list]) => [keyId, list.map(place)] as const)
  const waiting = [...held].map(([keyId, list]) => [keyId, list.map(place)] as const)
  const taken = [...events.keys()]
  return {
    rows: taken.map(event => runs.rowOfEvent(event)),
    times: Float64Array.from(taken, event => runs.timeOfEvent(event)),
    eventOrders: Float64Array.from(taken, event => runs.orderOfEvent(event)),
    links: Int32Array.from(links),
    runs: placed,
    held: waiting,
    timers: timers.snapshot(),
    orders,
  }
}

/** Puts the links into empty `runs`; whoever takes the lists holds their runs. */
export function unpackNfa(
  runs: Runs,
  state: NfaState,
): { runs: Lists; held: Map<number, number[]>; timers: TimerHeap } {
  const events = state.rows.map((row, i) =>
    runs.addEvent(row, state.times[i] as number, state.eventOrders[i] as number),
  )
  const links: number[] = []
  for (let at = 0; at < state.links.length; at += 4) {
    const [prev = -1, event = 0, step = 0, id = 0] = state.links.subarray(at, at + 4)
    links.push(runs.add(prev < 0 ? NONE : (links[prev] as number), events[event] as number, step, id))
  }
  const runsOf = (places: readonly number[]): number[] => places.map(place => links[place] as number)
  const timers = new TimerHeap()
  timers.restore(state.timers)
  return {
    runs: state.runs.map(([keyId, places]) => [keyId, runsOf(places)] as const),
    held: new Map(state.held.map(([keyId, places]) => [keyId, runsOf(places)])),
    timers,
  }
}
