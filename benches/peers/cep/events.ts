/** The events of the pattern workloads: one a millisecond, key and value from a hash of its number. */
export interface Event {
  readonly at: number
  readonly key: number
  readonly value: number
}

export function* events(keyCount: number, count: number): Generator<Event, void, undefined> {
  for (let i = 0; i < count; i++) yield { at: i, key: mix(i + 1) % keyCount, value: mix(i + 0x9e3779b9) % 1000 }
}

/** Finalizer of MurmurHash3. */
export function mix(x: number): number {
  let h = x | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
