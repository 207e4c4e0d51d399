/** Naive twin of the source watermark: everything is computed anew from all events so far. Imports nothing of the program. */
export type TwinEvent =
  | {
      readonly kind: 'row'
      readonly partition: number
      readonly t: number
      readonly key: string
      readonly value: number | null
    }
  | { readonly kind: 'idle'; readonly partition: number }
  | { readonly kind: 'watermark'; readonly at: number }

/** Watermark after each event. `bound` undefined: only explicit watermarks count. */
export function watermarks(events: readonly TwinEvent[], partitions: number, bound: number | undefined): number[] {
  const own = new Array<number>(partitions).fill(-Infinity)
  const phase = new Array<'active' | 'idle' | 'behind'>(partitions).fill('active')
  let given = -Infinity
  return events.map(event => {
    if (event.kind === 'row') {
      const p = event.partition
      if (bound !== undefined) own[p] = Math.max(own[p]!, event.t - bound - 1)
      if (phase[p] !== 'active') phase[p] = 'behind'
    } else if (event.kind === 'idle') phase[event.partition] = 'idle'
    else for (let p = 0; p < partitions; p++) own[p] = Math.max(own[p]!, event.at)
    for (let p = 0; p < partitions; p++) if (phase[p] === 'behind' && own[p]! >= given) phase[p] = 'active'
    const active = own.filter((_, p) => phase[p] === 'active')
    if (active.length > 0) given = Math.max(given, Math.min(...active))
    return given
  })
}
