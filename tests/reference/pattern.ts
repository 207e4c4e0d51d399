/**
 * Pattern matching by enumeration: every way to take events is tried, straight from the words of the pattern language. Imports
 * nothing from stream/ on purpose. Exponential, for short streams only.
 */
export type TwinJoint = 'next' | 'then' | 'any'

export interface TwinItem {
  /** A step's name, or the items of a group. */
  readonly of: string | readonly TwinItem[]
  readonly joint: TwinJoint
  readonly negated?: boolean
  readonly min: number
  readonly max: number
  readonly optional: boolean
  readonly greedy: boolean
  readonly inner: TwinJoint
  readonly until?: string
}

export interface TwinRow {
  readonly id: number
  readonly t: number
  readonly v: number
}

export type TwinTaken = Readonly<Record<string, readonly TwinRow[]>>
export type Fits = (name: string, row: TwinRow, taken: TwinTaken) => boolean

export interface TwinMatch {
  /** Step → places of its events. */
  readonly taken: Readonly<Record<string, readonly number[]>>
  readonly first: number
  readonly last: number
  /** Place of the event that completed it; Infinity for one that waited for its window. */
  readonly completed: number
}

interface At {
  readonly first: number
  readonly last: number
  readonly taken: Readonly<Record<string, readonly number[]>>
  /** Must not come before the next event is taken. */
  readonly nots: readonly string[]
  /** Greedy loops in front: what fits one ends the run. */
  readonly guards: readonly { readonly name: string; readonly until: string | undefined }[]
  /** The last event fitted a step and a "not": only a match that is complete now counts. */
  readonly over: boolean
  /** Place of the last event looked at to know that something did not come. */
  readonly known?: number
}

/** What must not come behind an item: at all, or as the very next event. */
interface Behind {
  readonly then: readonly string[]
  readonly next: string | undefined
}

/** All matches of one key under skip `none`; `rows` in the order of event time. */
export function twinMatches(
  items: readonly TwinItem[],
  rows: readonly TwinRow[],
  fits: Fits,
  within: number | undefined,
): TwinMatch[] {
  const found: TwinMatch[] = []
  const names = namesIn(items)
  const rowsOf = (at: At): TwinTaken =>
    Object.fromEntries(names.map(name => [name, (at.taken[name] ?? []).map(i => rows[i] as TwinRow)]))
  const is = (name: string, i: number, at: At) => fits(name, rows[i] as TwinRow, rowsOf(at))
  const inWindow = (i: number, at: At) =>
    at.first < 0 || within === undefined || (rows[i] as TwinRow).t - (rows[at.first] as TwinRow).t < within

  const one = (
    name: string,
    joint: TwinJoint,
    at: At,
    untils: { readonly own: string | undefined; readonly passing: boolean; readonly around: readonly string[] },
    go: (next: At) => void,
  ): void => {
    if (at.over) return
    let { guards } = at
    for (let i = at.last + 1; i < rows.length && inWindow(i, at); i++) {
      const blocked =
        guards.some(g => is(g.name, i, at) && !(g.until !== undefined && is(g.until, i, at))) ||
        untils.around.some(u => is(u, i, at))
      const ended = untils.own !== undefined && is(untils.own, i, at)
      const fit = is(name, i, at)
      const stopped = at.nots.some(x => is(x, i, at))
      if (fit && !blocked && !ended) {
        go({
          first: at.first < 0 ? i : at.first,
          last: i,
          taken: { ...at.taken, [name]: [...(at.taken[name] ?? []), i] },
          nots: [],
          guards: [],
          over: stopped,
        })
      }
      if (at.first < 0) continue
      if (joint === 'next' || (joint === 'then' && fit) || stopped || blocked || (ended && untils.passing)) return
      guards = guards.filter(g => g.until === undefined || !is(g.until, i, at))
    }
  }

  const rounds = (
    item: TwinItem,
    round: number,
    joint: TwinJoint,
    at: At,
    around: readonly string[],
    behind: Behind,
    go: (next: At) => void,
  ): void => {
    const done = (next: At): void => {
      if (round >= item.min) {
        const guard = { name: item.of as string, until: item.until }
        const ended = item.greedy && (round < item.max || item.max > item.min)
        go(ended ? { ...next, guards: [...next.guards, guard] } : next)
      }
      // A loop that could end here ends the run with what must not be the very next event.
      const following = round >= item.min && next.last + 1 < rows.length ? behind.next : undefined
      if (following !== undefined && is(following, next.last + 1, next)) return
      if (round < item.max && round < rows.length)
        rounds(item, round + 1, item.inner, { ...next, nots: [...next.nots, ...behind.then] }, around, behind, go)
    }
    if (typeof item.of === 'string') {
      one(item.of, joint, at, { own: item.until, passing: round > 1, around }, done)
    } else {
      const inside = item.until === undefined ? around : [...around, item.until]
      sequence(item.of, 0, at, inside, done, behind, joint)
    }
  }

  const sequence = (
    list: readonly TwinItem[],
    i: number,
    at: At,
    around: readonly string[],
    go: (next: At) => void,
    end: Behind,
    headJoint?: TwinJoint,
  ): void => {
    const item = list[i]
    if (item === undefined) {
      go(at)
      return
    }
    if (item.negated === true) {
      const name = item.of as string
      const isEnd = list === items && i === items.length - 1
      if (item.joint === 'then' && !isEnd) sequence(list, i + 1, { ...at, nots: [...at.nots, name] }, around, go, end)
      else if (item.joint === 'then') trailing(name, at)
      else nextIsNot(name, at, isEnd, known => sequence(list, i + 1, { ...at, known }, around, go, end))
      return
    }
    if (item.optional) {
      const guard = { name: item.of as string, until: item.until }
      sequence(list, i + 1, item.greedy ? { ...at, guards: [...at.guards, guard] } : at, around, go, end)
    }
    rounds(item, 1, headJoint ?? item.joint, at, around, behindOf(list, i, end), next =>
      sequence(list, i + 1, next, around, go, end),
    )
  }

  const trailing = (name: string, at: At): void => {
    if (at.first < 0 || at.over) return
    let { guards } = at
    for (let i = at.last + 1; i < rows.length && inWindow(i, at); i++) {
      const ends = (g: At['guards'][number]) => g.until !== undefined && is(g.until, i, at)
      if (is(name, i, at) || at.nots.some(x => is(x, i, at)) || guards.some(g => is(g.name, i, at) && !ends(g))) return
      guards = guards.filter(g => !ends(g))
    }
    found.push({ taken: at.taken, first: at.first, last: at.last, completed: Infinity })
  }

  const nextIsNot = (name: string, at: At, isEnd: boolean, go: (next: number) => void): void => {
    const i = at.last + 1
    if (at.over || i >= rows.length || !inWindow(i, at) || is(name, i, at)) return
    if (!isEnd) {
      go(i)
      return
    }
    const blocked = at.guards.some(g => is(g.name, i, at) && !(g.until !== undefined && is(g.until, i, at)))
    if (!blocked) found.push({ taken: at.taken, first: at.first, last: at.last, completed: i })
  }

  const start: At = { first: -1, last: -1, taken: {}, nots: [], guards: [], over: false }
  const emit = (at: At) => {
    if (at.first >= 0)
      found.push({ taken: at.taken, first: at.first, last: at.last, completed: Math.max(at.last, at.known ?? -1) })
  }
  sequence(items, 0, start, [], emit, { then: [], next: undefined })
  return found
}

export type TwinSkip =
  { readonly kind: 'none' | 'past-last' | 'to-next' } | { readonly kind: 'to-first' | 'to-last'; readonly step: string }

/** What a skip strategy leaves of all matches; `steps` in the order of the text. */
export function twinSkip(matches: readonly TwinMatch[], skip: TwinSkip, steps: readonly string[]): TwinMatch[] {
  if (skip.kind === 'none') return [...matches]
  const ties = (a: TwinMatch, b: TwinMatch): number => {
    for (const step of steps) {
      const left = a.taken[step] ?? []
      const right = b.taken[step] ?? []
      for (let i = 0; i < Math.min(left.length, right.length); i++)
        if (left[i] !== right[i]) return (left[i] as number) - (right[i] as number)
      if (left.length !== right.length) return right.length - left.length
    }
    return 0
  }
  const order = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1)
  const sorted = matches.toSorted((a, b) => a.first - b.first || order(a.completed, b.completed) || ties(a, b))
  const kept: TwinMatch[] = []
  let below = -1
  for (const match of sorted) {
    if (match.first < below) continue
    kept.push(match)
    if (skip.kind === 'past-last') below = Math.max(below, match.last + 1)
    else if (skip.kind === 'to-next') below = Math.max(below, match.first + 1)
    else {
      const places = match.taken[(skip as { step: string }).step] ?? []
      const target = skip.kind === 'to-first' ? places[0] : places.at(-1)
      if (target !== undefined) below = Math.max(below, target)
    }
  }
  return kept
}

function behindOf(list: readonly TwinItem[], i: number, end: Behind): Behind {
  const then: string[] = []
  for (let k = i + 1; k < list.length; k++) {
    const item = list[k] as TwinItem
    if (item.negated !== true) return { then, next: undefined }
    if (item.joint === 'next') return { then, next: item.of as string }
    then.push(item.of as string)
  }
  return { then: [...then, ...end.then], next: end.next }
}

function namesIn(items: readonly TwinItem[]): string[] {
  return items.flatMap(item => [
    ...(typeof item.of === 'string' ? [item.of] : namesIn(item.of)),
    ...(item.until === undefined ? [] : [item.until]),
  ])
}
