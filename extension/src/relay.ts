/**
 * Vega's `relay` (copies of rows between datasets, where a transform writes on them), which forgets rows that are gone. Vega 6.4's own keeps
 * an entry for every row there ever was: with 20 rows a second 14 bytes each, 1 MB of a chart's page an hour (measured). Our Vega is private
 * to this extension, so nobody else gets this one. Source: vega-transforms/src/Relay.js.
 */
import * as vega from 'vega'

interface Pulse {
  readonly ADD: number
  readonly REM: number
  readonly MOD: number
  readonly NO_SOURCE: number
  readonly add: object[]
  readonly rem: object[]
  readonly mod: object[]
  addAll(): Pulse
  fork(flags: number): Pulse
  modifies(field: string): void
  visit(flags: number, f: (row: object) => void): void
}

/** Its state lies in `value`, as with every operator of Vega. */
interface RelayState {
  value: Map<number, object> | null
}

/** The exports that Vega's types leave out. */
const { Transform, transforms, ingest, tupleid } = vega as unknown as {
  readonly Transform: new (value: null, parameters: unknown) => RelayState
  readonly transforms: Record<string, unknown>
  /** Gives a row its id. */
  ingest(row: object): object
  tupleid(row: object): number
}

export class Relay extends Transform {
  constructor(parameters: unknown) {
    super(null, parameters)
  }

  transform(parameters: { readonly derive?: boolean }, pulse: Pulse): Pulse | undefined {
    let source = pulse
    let out: Pulse | undefined
    // The first pulse brings the rows that were there before.
    if (this.value === null) {
      out = source = pulse.addAll()
      this.value = new Map()
    }
    if (parameters.derive !== true) return out
    const copies = this.value
    const derived = source.fork(source.NO_SOURCE)
    source.visit(source.REM, row => {
      const copy = copies.get(tupleid(row))
      if (copy !== undefined) derived.rem.push(copy)
      copies.delete(tupleid(row))
    })
    source.visit(source.ADD, row => {
      // Without what Vega knows the row by: the copy is a row of its own.
      const copy = ingest(Object.fromEntries(Object.entries(row)))
      copies.set(tupleid(row), copy)
      derived.add.push(copy)
    })
    source.visit(source.MOD, row => {
      const copy = copies.get(tupleid(row))
      if (copy === undefined) return
      for (const [field, value] of Object.entries(row)) {
        ;(copy as Record<string, unknown>)[field] = value
        // What was written further down may have overwritten it: every field counts as changed.
        derived.modifies(field)
      }
      derived.mod.push(copy)
    })
    return derived
  }
}

/** Every view made from now on relays with it. */
export function relayWithoutLeak(): void {
  transforms['relay'] = Relay
}
