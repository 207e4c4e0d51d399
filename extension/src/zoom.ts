/**
 * Looking closer at a part of a live picture. The axes that are held stay where they are while rows come and go, and when the picture is
 * built anew; nothing of it is written into the notebook. Done on the compiled spec, so that every form and every spec of a user has it.
 */

/** From and to of an axis in the units of its field; null: the axis follows the rows. */
export type HeldRange = readonly [from: number, to: number] | null

export interface HeldAxes {
  readonly x: HeldRange
  readonly y: HeldRange
}

export type AxisName = keyof HeldAxes

export const NOTHING_HELD: HeldAxes = { x: null, y: null }
/** Signals of the compiled spec; a user's spec can hardly have these. */
export const HOLD_SIGNALS: Readonly<Record<AxisName, string>> = { x: 'riffle_hold_x', y: 'riffle_hold_y' }

const CONTINUOUS = new Set(['linear', 'log', 'pow', 'sqrt', 'symlog', 'time', 'utc'])
const TIMES = new Set(['time', 'utc'])

interface CompiledScale {
  readonly name: string
  readonly type?: string | undefined
  domainRaw?: unknown
}

interface CompiledMark {
  readonly type: string
  readonly clip?: unknown
  readonly marks?: readonly CompiledMark[] | undefined
}

/** What is needed of a compiled spec; Vega's own type fits. */
export interface Compiled {
  readonly scales?: readonly CompiledScale[] | undefined
  readonly marks?: readonly CompiledMark[] | undefined
  readonly data?: readonly { readonly name: string }[] | undefined
  signals?: { readonly name: string }[] | undefined
}

/**
 * Lets the axes of `compiled`, which is changed, be held by the signals above; tells which ones. Beside a time axis the values stay in
 * sight, so only time is held. None where dragging means something else already (a selection), or where marks would leave the plot.
 */
export function letAxesBeHeld(compiled: Compiled): ReadonlySet<AxisName> {
  const held = new Set<AxisName>()
  const selects = (compiled.data ?? []).some(({ name }) => name.endsWith('_store'))
  if (selects || !(compiled.marks ?? []).every(clipped)) return held
  const scaleOf = (name: string): CompiledScale | undefined =>
    compiled.scales?.find(
      scale => scale.name === name && scale.domainRaw === undefined && CONTINUOUS.has(scale.type ?? ''),
    )
  const x = scaleOf('x')
  const y = TIMES.has(x?.type ?? '') ? undefined : scaleOf('y')
  for (const [axis, scale] of [['x', x] as const, ['y', y] as const]) {
    if (scale === undefined) continue
    scale.domainRaw = { signal: HOLD_SIGNALS[axis] }
    compiled.signals = [...(compiled.signals ?? []), Object.assign({ name: HOLD_SIGNALS[axis] }, { value: null })]
    held.add(axis)
  }
  return held
}

function clipped(mark: CompiledMark): boolean {
  if (mark.clip === true) return true
  return mark.type === 'group' && (mark.marks ?? []).every(clipped)
}

/** `range` with its middle, or moved by a share of its width. */
export function zoomed([from, to]: readonly [number, number], factor: number): readonly [number, number] {
  const middle = (from + to) / 2
  const half = ((to - from) / 2) * factor
  return [middle - half, middle + half]
}

/** `range` that is `factor` times as wide, with `at` where it is. */
export function zoomedAround(
  [from, to]: readonly [number, number],
  at: number,
  factor: number,
): readonly [number, number] {
  return [at - (at - from) * factor, at + (to - at) * factor]
}

/** The range of so many px that has each of two values at its place. */
export function stretched(
  values: readonly [number, number],
  places: readonly [number, number],
  px: number,
): readonly [number, number] {
  const perPx = (values[1] - values[0]) / (places[1] - places[0])
  const from = values[0] - places[0] * perPx
  return [from, from + px * perPx]
}

export function moved([from, to]: readonly [number, number], share: number): readonly [number, number] {
  const by = (to - from) * share
  return [from + by, to + by]
}
