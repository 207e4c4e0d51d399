/**
 * From a pattern to an automaton: states with TAKE, IGNORE and PROCEED edges, each with a condition over the definitions.
 *
 *   a -> b       [a] ──take a──▶ [b] ──take b──▶ (final)          [b] ──ignore not b──▶ [b]
 *   a+ -> b      [a] ──take a──▶ [a…] ──take a──▶ [a…], ──proceed──▶ [b]
 *
 * Built forwards, item by item, with what is still in force carried along: `nots` (what must not come until the next event is
 * taken) and `guards` (an event that fits a greedy loop does not pass what follows the loop). So an item behind `!x` exists
 * with and without the stop, as it is reached. A state that may be left by PROCEED has a twin without it, entered by IGNORE:
 * each way around an event exists once.
 */
import type { Item, Joint, Pattern } from './pattern.ts'
import { patternError } from './pattern-error.ts'

/** A condition over the definitions, by their number. */
export type Cond =
  | true
  | { readonly of: number }
  | { readonly not: Cond }
  | { readonly all: readonly Cond[] }
  | { readonly some: readonly Cond[] }

export type Action = 'take' | 'ignore' | 'proceed'

export interface Edge {
  readonly action: Action
  readonly to: State
  readonly when: Cond
  /** A PROCEED that waits for an event to show its condition: no way to the end without one. */
  readonly needsEvent?: boolean | undefined
}

export interface State {
  readonly id: number
  readonly kind: 'normal' | 'final' | 'stop' | 'pending'
  /** Number of the step whose event is awaited; −1 where none is. */
  readonly step: number
  /** A run may wait here for less than this after its last event. */
  readonly windowMs: number | undefined
  readonly edges: Edge[]
}

export interface Automaton {
  readonly start: State
  readonly states: readonly State[]
  readonly final: State
  readonly stop: State
}

/** More states than this is a count nobody means. */
const MAX_STATES = 20_000

interface Guard {
  /** Definition of the loop. */
  readonly fits: number
  /** Definition of what has ended the loop. */
  readonly until: number | undefined
}

interface Carry {
  readonly nots: readonly number[]
  readonly guards: readonly Guard[]
  /** Set at the end of `-> !x`: the window it waits for, when it has one of its own. */
  readonly trailing: { readonly windowMs: number | undefined } | undefined
}

type Next = (carry: Carry) => State

/** A way around an item: taken without an event. */
interface Way {
  readonly to: () => State
  readonly when: Cond
}

const NOTHING: Carry = { nots: [], guards: [], trailing: undefined }

export function compilePattern(pattern: Pattern, defined: readonly string[]): Automaton {
  return new Compiler(pattern, defined).automaton()
}

class Compiler {
  private readonly pattern: Pattern
  private readonly defined: readonly string[]
  private readonly states: State[] = []
  private readonly final: State
  private readonly stop: State

  constructor(pattern: Pattern, defined: readonly string[]) {
    this.pattern = pattern
    this.defined = defined
    this.final = this.state('final', -1)
    this.stop = this.state('stop', -1)
  }

  automaton(): Automaton {
    const ends = new Map<string, State>()
    const end: Next = carry => {
      if (carry.trailing === undefined) return this.final
      return memo(ends, this.keyOf(carry), known => this.pending(carry, known))
    }
    const start = this.branches({
      branches: this.pattern.branches,
      joint: 'next',
      carry: NOTHING,
      exit: end,
      ways: [],
      untils: [],
      behind: [],
      windowMs: undefined,
      memos: new Map(),
    })
    return { start, states: this.states, final: this.final, stop: this.stop }
  }

  /** The end of `-> !x`: nothing is awaited but the window's end. */
  private pending(carry: Carry, known?: (state: State) => void): State {
    const state = this.state('pending', -1, carry.trailing?.windowMs)
    known?.(state)
    this.addStops(state, carry.nots)
    const when = all([not(some(carry.nots.map(of))), this.passes(carry)])
    const ending = carry.guards.flatMap(g => (g.until === undefined ? [] : [g.until]))
    if (ending.length === 0) {
      state.edges.push({ action: 'ignore', to: state, when })
      return state
    }
    const ends = some(ending.map(of))
    state.edges.push({ action: 'ignore', to: state, when: all([when, not(ends)]) })
    state.edges.push({ action: 'ignore', to: this.pending({ ...carry, guards: [] }), when: all([when, ends]) })
    return state
  }

  private branches(parts: {
    branches: readonly (readonly Item[])[]
    joint: Joint
    carry: Carry
    exit: Next
    ways: readonly Way[]
    untils: readonly number[]
    /** What must not come behind the end of the branches. */
    behind: readonly number[]
    windowMs: number | undefined
    /** Per branch: states by position and what is carried; shared by the rounds of one place. */
    memos: Map<number, Map<string, State>>
  }): State {
    const { branches, joint, carry, exit, ways, untils, behind, windowMs } = parts
    const sequences = branches.map(
      (items, b) =>
        new Sequence(this, {
          items,
          exit,
          untils,
          behind,
          known: memo(parts.memos, b, () => new Map<string, State>()),
        }),
    )
    if (sequences.length === 1) return (sequences[0] as Sequence).head(joint, carry, ways, windowMs)
    // Waiting is done here, once; the heads of the branches take the event that ends it or nothing.
    const heads = some(branches.map(items => this.firsts(items)))
    const free = all([this.open(untils), this.passes(carry)])
    const make = (leave: readonly Way[]): State => {
      const fork = this.state('normal', -1, windowMs)
      for (const sequence of sequences) {
        fork.edges.push({ action: 'proceed', to: sequence.head('next', carry, [], windowMs), when: true })
      }
      for (const way of leave) fork.edges.push({ action: 'proceed', to: way.to(), when: way.when })
      this.addStops(fork, carry.nots)
      return fork
    }
    const fork = make(ways)
    if (joint !== 'next') {
      const waiting = ways.length === 0 ? fork : make([])
      const when = joint === 'any' ? free : all([not(heads), free])
      for (const state of new Set([fork, waiting])) state.edges.push({ action: 'ignore', to: waiting, when })
    }
    return fork
  }

  /** @internal */
  state(kind: State['kind'], step: number, windowMs?: number): State {
    if (this.states.length >= MAX_STATES) {
      throw patternError(this.pattern.text, {
        rule: 'bad-count',
        message: `its counts make more than ${MAX_STATES} states`,
        hint: 'Make the counts smaller, or loops without an end: a{2,}',
      })
    }
    const state: State = { id: this.states.length, kind, step, windowMs, edges: [] }
    this.states.push(state)
    return state
  }

  /** @internal */
  number(name: string): number {
    return this.defined.indexOf(name)
  }

  /** @internal */
  addStops(state: State, nots: readonly number[]): void {
    for (const x of nots) state.edges.push({ action: 'proceed', to: this.stop, when: of(x), needsEvent: true })
  }

  /** No condition after `until` of the groups around fits. @internal */
  open(untils: readonly number[]): Cond {
    return all(untils.map(u => not(of(u))))
  }

  /** The event does not belong to a greedy loop in front. @internal */
  passes(carry: Carry): Cond {
    return all(
      carry.guards.map(({ fits, until }) => (until === undefined ? not(of(fits)) : some([not(of(fits)), of(until)]))),
    )
  }

  /** What the first events of a sequence may fit. @internal */
  firsts(items: readonly Item[]): Cond {
    const found: Cond[] = []
    for (const item of items) {
      if (item.negated) break
      if (item.atom.kind === 'step') found.push(of(this.number(item.atom.name)))
      else found.push(...item.atom.branches.map(branch => this.firsts(branch)))
      if (!item.optional) break
    }
    return some(found)
  }

  /** @internal */
  keyOf(carry: Carry): string {
    const guards = carry.guards.map(g => `${g.fits}/${g.until ?? ''}`)
    const trailing = carry.trailing === undefined ? '' : `t${carry.trailing.windowMs ?? ''}`
    return `${carry.nots.join(',')};${guards.join(',')};${trailing}`
  }

  /** @internal A group's body, once per way into it. */
  group(item: Item, parts: Omit<Parameters<Compiler['branches']>[0], 'branches'>): State {
    return this.branches({ ...parts, branches: item.atom.kind === 'group' ? item.atom.branches : [] })
  }

  /** @internal */
  get finalState(): State {
    return this.final
  }
}

/** The items of one sequence at one place, with what comes after it. */
class Sequence {
  private readonly compiler: Compiler
  private readonly items: readonly Item[]
  private readonly exit: Next
  private readonly untils: readonly number[]
  private readonly behind: readonly number[]
  private readonly memo: Map<string, State>

  constructor(
    compiler: Compiler,
    parts: {
      readonly items: readonly Item[]
      readonly exit: Next
      readonly untils: readonly number[]
      readonly behind: readonly number[]
      readonly known: Map<string, State>
    },
  ) {
    this.compiler = compiler
    this.items = parts.items
    this.exit = parts.exit
    this.untils = parts.untils
    this.behind = parts.behind
    this.memo = parts.known
  }

  /** The first item, joined as the place of the sequence says; `ways` lead around the whole group. */
  head(joint: Joint, carry: Carry, ways: readonly Way[], windowMs: number | undefined): State {
    return this.item(0, joint, carry, ways, windowMs)
  }

  /** The state that waits for item i. */
  private at(i: number, carry: Carry): State {
    const item = this.items[i]
    if (item === undefined) return this.exit(carry)
    return memo(this.memo, `${i}|${this.compiler.keyOf(carry)}`, () =>
      item.negated ? this.negation(i, item, carry) : this.item(i, item.joint, carry, [], undefined),
    )
  }

  private negation(i: number, item: Item, carry: Carry): State {
    const { compiler } = this
    const x = compiler.number(nameOf(item))
    if (item.joint !== 'next') {
      const trailing = i === this.items.length - 1 ? { windowMs: item.withinMs } : undefined
      return this.at(i + 1, { ...carry, nots: withNots(carry.nots, [x]), trailing })
    }
    const state = compiler.state('normal', -1)
    const rest = this.at(i + 1, { ...carry, trailing: undefined })
    // At the end of the pattern the match needs an event that is not x, so it is no way taken without one.
    const action = rest === compiler.finalState ? 'ignore' : 'proceed'
    const when = all([not(of(x)), compiler.open(this.untils), compiler.passes(carry)])
    state.edges.push({ action, to: rest, when, needsEvent: true })
    compiler.addStops(state, [...carry.nots, x])
    return state
  }

  private item(i: number, joint: Joint, carried: Carry, outer: readonly Way[], windowMs: number | undefined): State {
    const item = this.items[i] as Item
    const carry: Carry = { ...carried, trailing: undefined }
    const ways: Way[] = [...outer]
    if (item.optional) ways.push(...this.leavings(i, item, carry))
    const within = item.withinMs ?? windowMs
    if (item.atom.kind === 'group') return this.groupRound(i, item, 1, joint, carry, ways, within)
    const last = item.max === 1
    const to = () => (last ? this.at(i + 1, NOTHING) : this.afterRound(i, item, 1))
    return this.step(item, { joint, carry, ways, to, own: item.until, ignoresOwn: true, within })
  }

  /** Ways past item i, straight on to what follows it. */
  private leavings(i: number, item: Item, carry: Carry): Way[] {
    const open = this.compiler.open(this.untils)
    const free = all([open, this.compiler.passes(carry)])
    if (!item.greedy) return [{ to: () => this.at(i + 1, carry), when: free }]
    const guard = this.guard(item)
    const on = (): State => this.at(i + 1, { ...carry, guards: withGuard(carry.guards, guard) })
    const { until } = guard
    if (until === undefined) return [{ to: on, when: free }]
    // What ends the loop ends the greedy rule with it.
    return [
      { to: () => this.at(i + 1, carry), when: all([free, of(until)]) },
      { to: on, when: all([free, not(of(until))]) },
    ]
  }

  private guard(item: Item): Guard {
    const until = item.until === undefined ? undefined : this.compiler.number(item.until)
    return { fits: this.compiler.number(nameOf(item)), until }
  }

  /** Where a run stands when it has made `round` rounds of the loop at i. */
  private afterRound(i: number, item: Item, round: number): State {
    if (round >= item.max) {
      const guards = item.greedy ? [this.guard(item)] : []
      return this.at(i + 1, { ...NOTHING, guards })
    }
    const open = item.max === Infinity && round >= item.min
    return memo(this.memo, `${i}#${open ? 'loop' : round}`, known => {
      const to = () => (open ? this.afterRound(i, item, item.min) : this.afterRound(i, item, round + 1))
      const ways = round >= item.min ? this.leavings(i, item, NOTHING) : []
      const carry = { ...NOTHING, nots: this.notsBehind(i) }
      return this.step(
        item,
        { joint: item.inner, carry, ways, to, own: item.until, ignoresOwn: false, within: item.withinMs },
        known,
      )
    })
  }

  /** `-> !x` behind a loop watches between its rounds too. */
  private notsBehind(i: number): number[] {
    const nots: number[] = []
    for (let k = i + 1; k < this.items.length; k++) {
      const item = this.items[k] as Item
      if (!item.negated || item.joint === 'next') return nots
      nots.push(this.compiler.number(nameOf(item)))
    }
    return [...nots, ...this.behind]
  }

  private step(
    item: Item,
    parts: {
      readonly joint: Joint
      readonly carry: Carry
      readonly ways: readonly Way[]
      readonly to: () => State
      /** The loop's own until. */
      readonly own: string | undefined
      /** Before the first round what fits until may be passed over. */
      readonly ignoresOwn: boolean
      readonly within: number | undefined
    },
    known?: (state: State) => void,
  ): State {
    const { compiler } = this
    const { joint, carry, ways, to, own, ignoresOwn, within } = parts
    const n = compiler.number(nameOf(item))
    const free = all([compiler.open(this.untils), compiler.passes(carry)])
    const notUntil: Cond = own === undefined ? true : not(of(compiler.number(own)))
    const state = compiler.state('normal', n, within)
    known?.(state)
    const take: Edge = { action: 'take', to: to(), when: all([of(n), notUntil, free]) }
    state.edges.push(take)
    for (const way of ways) state.edges.push({ action: 'proceed', to: way.to(), when: way.when })
    compiler.addStops(state, carry.nots)
    if (joint === 'next') return state
    const waiting = ways.length === 0 ? state : compiler.state('normal', n, within)
    if (waiting !== state) {
      waiting.edges.push(take)
      compiler.addStops(waiting, carry.nots)
    }
    const passedOver = all([joint === 'any' ? true : not(of(n)), ignoresOwn ? true : notUntil, free])
    for (const from of new Set([state, waiting])) this.addIgnore(from, waiting, passedOver, parts)
    return state
  }

  /** Passing an event over; one that ends a greedy loop in front takes the guard away. */
  private addIgnore(from: State, waiting: State, when: Cond, parts: Parameters<Sequence['step']>[1]): void {
    const { carry } = parts
    const ending = carry.guards.flatMap(g => (g.until === undefined ? [] : [g.until]))
    if (ending.length === 0) {
      from.edges.push({ action: 'ignore', to: waiting, when })
      return
    }
    const ends = some(ending.map(of))
    from.edges.push({ action: 'ignore', to: waiting, when: all([when, not(ends)]) })
    from.edges.push({ action: 'ignore', to: this.withoutGuard(waiting, carry, parts), when: all([when, ends]) })
  }

  private withoutGuard(waiting: State, carry: Carry, parts: Parameters<Sequence['step']>[1]): State {
    return memo(this.memo, `free${waiting.id}`, known => {
      const item = this.items.find(
        x => !x.negated && x.atom.kind === 'step' && this.compiler.number(nameOf(x)) === waiting.step,
      )
      return this.step(item as Item, { ...parts, carry: { ...carry, guards: [] }, ways: [] }, known)
    })
  }

  private groupRound(
    i: number,
    item: Item,
    round: number,
    joint: Joint,
    carry: Carry,
    ways: readonly Way[],
    windowMs: number | undefined,
  ): State {
    const untils = item.until === undefined ? this.untils : [...this.untils, this.compiler.number(item.until)]
    const exit: Next = left => this.afterGroup(i, item, round, left)
    const behind = this.notsBehind(i)
    return this.compiler.group(item, { joint, carry, exit, ways, untils, behind, windowMs, memos: new Map() })
  }

  private afterGroup(i: number, item: Item, round: number, carry: Carry): State {
    if (round >= item.max) return this.at(i + 1, carry)
    const open = item.max === Infinity && round >= item.min
    const key = `${i}#${open ? 'loop' : round}|${this.compiler.keyOf(carry)}`
    return memo(this.memo, key, known => {
      const next = open ? item.min : round + 1
      const ways: Way[] = []
      if (round >= item.min) {
        const when = all([this.compiler.open(this.untils), this.compiler.passes(carry)])
        ways.push({ to: () => this.at(i + 1, carry), when })
      }
      const nots = withNots(carry.nots, this.notsBehind(i))
      const inner = { ...carry, nots, trailing: undefined }
      if (!open) return this.groupRound(i, item, next, item.inner, inner, ways, item.withinMs)
      // The loop comes back here: a state of its own that only leads on.
      const again = this.compiler.state('normal', -1)
      known(again)
      again.edges.push({
        action: 'proceed',
        to: this.groupRound(i, item, next, item.inner, inner, ways, item.withinMs),
        when: true,
      })
      return again
    })
  }
}

function nameOf(item: Item): string {
  return item.atom.kind === 'step' ? item.atom.name : ''
}

/** Each once: what is carried around a loop must not grow. */
function withNots(nots: readonly number[], more: readonly number[]): number[] {
  return [...new Set([...nots, ...more])]
}

function withGuard(guards: readonly Guard[], guard: Guard): readonly Guard[] {
  return guards.some(g => g.fits === guard.fits && g.until === guard.until) ? guards : [...guards, guard]
}

/** The value of a key, made once; `known` tells it early to whoever asks while it is made. */
function memo<K, V>(map: Map<K, V>, key: K, make: (known: (value: V) => void) => V): V {
  const old = map.get(key)
  if (old !== undefined) return old
  const value = make(early => map.set(key, early))
  map.set(key, value)
  return value
}

export function of(n: number): Cond {
  return { of: n }
}

export function not(cond: Cond): Cond {
  return cond === true ? { some: [] } : { not: cond }
}

export function all(conds: readonly Cond[]): Cond {
  const left = conds.filter(cond => cond !== true)
  return left.length === 0 ? true : left.length === 1 ? (left[0] as Cond) : { all: left }
}

export function some(conds: readonly Cond[]): Cond {
  return conds.includes(true) ? true : conds.length === 1 ? (conds[0] as Cond) : { some: conds }
}

/** Does the condition hold when the definitions in `mask` do? */
export function holds(cond: Cond, mask: number): boolean {
  if (cond === true) return true
  if ('of' in cond) return ((mask >> cond.of) & 1) === 1
  if ('not' in cond) return !holds(cond.not, mask)
  if ('all' in cond) return cond.all.every(part => holds(part, mask))
  return cond.some.some(part => holds(part, mask))
}

/** Definitions a condition asks for, as a mask. */
export function asked(cond: Cond): number {
  if (cond === true) return 0
  if ('of' in cond) return 1 << cond.of
  if ('not' in cond) return asked(cond.not)
  return ('all' in cond ? cond.all : cond.some).reduce((mask, part) => mask | asked(part), 0)
}
