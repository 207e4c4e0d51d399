/**
 * What a run in a state does with an event, worked out once per state and set of fitting definitions. The condition of an edge
 * depends on the event only through the definitions it fits, so the whole walk over PROCEED edges becomes one look-up.
 */
import { asked, holds } from './compile.ts'
import type { Automaton, Edge, State } from './compile.ts'

export interface Move {
  /** Nothing happens: the event is passed over and the run stays where it is. */
  readonly stays: boolean
  /** What must not come came: the run ends. */
  readonly stops: boolean
  readonly takes: readonly Take[]
  /** States the run goes on in without the event. */
  readonly ignores: readonly State[]
  /** The run is complete without the event (`, !x` at the end). */
  readonly completes: boolean
}

export interface Take {
  readonly to: State
  /** Definition the event is taken for. */
  readonly step: number
  /** With this event the match is complete. */
  readonly completes: boolean
}

export class Moves {
  /** Per state: definitions its moves depend on. */
  readonly asks: Int32Array
  /** Per state: a run whose time is up here is a match. */
  readonly accepts: readonly boolean[]
  private readonly automaton: Automaton
  private readonly tables: Map<number, Move>[]
  /** Per state: the match is complete without a further event. */
  private readonly ends: readonly boolean[]

  constructor(automaton: Automaton) {
    this.automaton = automaton
    this.tables = automaton.states.map(() => new Map<number, Move>())
    this.ends = automaton.states.map(state =>
      around(state, edge => edge.needsEvent !== true).some(s => s.kind === 'final'),
    )
    this.asks = Int32Array.from(automaton.states, state => this.asksOf(state))
    this.accepts = automaton.states.map(state => around(state, () => true).some(s => s.kind === 'pending'))
  }

  /** `mask` must be right for the bits in `asks[state.id]`. */
  of(id: number, mask: number): Move {
    const table = this.tables[id] as Map<number, Move>
    const key = mask & (this.asks[id] as number)
    const known = table.get(key)
    if (known !== undefined) return known
    const move = this.work(this.automaton.states[id] as State, key)
    table.set(key, move)
    return move
  }

  private work(state: State, mask: number): Move {
    const takes: Take[] = []
    const ignores: State[] = []
    let stops = false
    let completes = false
    for (const from of around(state, edge => holds(edge.when, mask))) {
      if (from.kind === 'stop') stops = true
      for (const edge of from.edges) {
        if (!holds(edge.when, mask)) continue
        if (edge.action === 'proceed') {
          if (edge.needsEvent === true && this.ends[edge.to.id] === true) completes = true
        } else if (edge.action === 'take') {
          takes.push({ to: edge.to, step: from.step, completes: this.ends[edge.to.id] === true })
        } else if (edge.to.kind === 'final') completes = true
        else ignores.push(edge.to)
      }
    }
    const stays = !stops && !completes && takes.length === 0 && ignores.length === 1 && ignores[0] === state
    return { stays, stops, takes, ignores, completes }
  }

  private asksOf(state: State): number {
    let mask = 0
    for (const from of around(state, () => true)) for (const edge of from.edges) mask |= asked(edge.when)
    return mask
  }
}

/** States reached by PROCEED edges that `open` lets through, the state itself first; each once. */
function around(state: State, open: (edge: Edge) => boolean): State[] {
  const found = [state]
  for (const from of found) {
    for (const edge of from.edges) {
      if (edge.action === 'proceed' && open(edge) && !found.includes(edge.to)) found.push(edge.to)
    }
  }
  return found
}
