/** Joins of the fluent API: options as users write them, and the plan they make. */
import { nearestNames } from './connectors/nearest-names.ts'
import { StreamError } from './errors.ts'
import { shipGiven, shownValue } from './given.ts'
import type { RecordMeta } from './model.ts'
import type { JoinMode, JoinSpec, JoinType, LambdaSlot } from './plan.ts'
import { parseDuration, parsePositiveDuration } from './time/duration.ts'
import type { Duration, WindowDefinition } from './windows.ts'

export type { JoinType } from './plan.ts'

/** A field of the row, or a lambda. */
type KeyOf<T> = (keyof T & string) | ((row: T, meta: RecordMeta) => unknown)

/**
 * The columns rows match on: a field both sides have, `left=right` where they have other names, several of them, or one key per
 * side. null matches nothing.
 */
export type JoinOn<L, R> =
  OnField<L, R> | readonly OnField<L, R>[] | { readonly left: KeyOf<L>; readonly right: KeyOf<R> }
type OnField<L, R> = (keyof L & keyof R & string) | `${keyof L & string}=${keyof R & string}`

interface Modes<R> {
  /**
   * Rows match whose times lie so near: `5m` is `-5m..5m`; bounds are right time minus left time, inclusive. Matches come at
   * once, pads when no partner can come any more.
   */
  readonly within: Duration
  /** Rows match that fall into the same window, once it closes; a session window is formed by both sides together. */
  readonly window: WindowDefinition
  /** Right is a table: each left row gets the newest row of its key at that moment. Time plays no part. */
  readonly table: true
  /** Right are versions: each left row gets the one that was valid at its event time, once the watermark has reached it. */
  readonly asOf: true
  /** All rows match that live so long; the result is a changelog. */
  readonly ttl: Duration
  /** Rows of the table, or versions, that delete their key; a null value always does. */
  readonly deleted: (row: R) => unknown
}

type Only<R, K extends keyof Modes<R>, T extends JoinType, Also extends keyof Modes<R> = never> = {
  readonly [P in K]: Modes<R>[P]
} & { readonly [P in Also]?: Modes<R>[P] | undefined } & {
  readonly [P in Exclude<keyof Modes<R>, K | Also>]?: undefined
} & { readonly type?: T | undefined }

export type JoinOptions<L, R> = { readonly on: JoinOn<L, R> } & (
  | Only<R, 'within', 'inner' | 'left' | 'right' | 'full'>
  | Only<R, 'window', JoinType>
  | Only<R, 'table', 'inner' | 'left', 'deleted'>
  | Only<R, 'asOf', 'inner' | 'left', 'deleted'>
  | Only<R, 'ttl', 'inner' | 'left' | 'right' | 'full'>
)

type TypeOf<O> = O extends { readonly type: infer T extends JoinType } ? T : 'inner'

/** Rows of the left side as the function of a join gets them: null where the type pads. */
export type LeftSide<L, O> = TypeOf<O> extends 'right' | 'full' ? L | null : L
/** Rows of the right side; semi and anti joins have none. */
export type RightSide<R, O> =
  TypeOf<O> extends 'left' | 'full' ? R | null : TypeOf<O> extends 'semi' | 'anti' ? null : R

/** Bounds of the window, for window joins. */
export interface JoinBounds {
  readonly windowStart: number
  readonly windowEnd: number
}

type BoundsOf<O> = O extends { readonly window: WindowDefinition } ? JoinBounds : object
/** Rows of a join without a function. */
export type JoinedRow<L, R, O> =
  TypeOf<O> extends 'semi' | 'anti'
    ? { left: L } & BoundsOf<O>
    : { left: LeftSide<L, O>; right: RightSide<R, O> } & BoundsOf<O>

interface LooseOptions {
  readonly on?: unknown
  readonly type?: string | undefined
  readonly within?: Duration | undefined
  readonly window?: WindowDefinition | undefined
  readonly table?: boolean | undefined
  readonly asOf?: boolean | undefined
  readonly ttl?: Duration | undefined
  readonly deleted?: ((row: never) => unknown) | undefined
}

type AnyFunction = (...args: never[]) => unknown

const OPTIONS: readonly (keyof LooseOptions)[] = ['on', 'type', 'within', 'window', 'table', 'asOf', 'ttl', 'deleted']

/** @throws StreamError OPTION_INVALID, DURATION_INVALID, LAMBDA_CAPTURE */
export function joinSpec(given: unknown, f: AnyFunction | undefined): JoinSpec {
  const options = knownOptions(given)
  const mode = modeOf(options)
  const type = typeOf(options.type ?? 'inner', mode)
  const { deleted } = options
  if (deleted !== undefined && mode.kind !== 'table' && mode.kind !== 'asOf')
    throw invalid('Cannot use deleted in this join: only rows of a table or of versions are deleted')
  return {
    mode,
    type,
    on: columnsOf(options.on),
    deleted: deleted === undefined ? undefined : shipGiven(deleted, 'tell deleted rows', 'deleted: r => r.gone'),
    f: f === undefined ? undefined : shipGiven(f, 'join', '(l, r) => ({ ...l, ...r })'),
  }
}

const HINT = "Write for example { on: 'orderId', within: '5m' }"

/** A misspelt option would change the result without a word. */
function knownOptions(given: unknown): LooseOptions {
  if (typeof given !== 'object' || given === null)
    throw invalid(`Cannot join by ${shownValue(given)}: options are needed`, HINT)
  const unknown = Object.keys(given).find(name => !OPTIONS.includes(name as keyof LooseOptions))
  if (unknown === undefined) return given
  const [near] = nearestNames(unknown, OPTIONS)
  const meant = near === undefined ? '' : `, did you mean ${near}`
  throw invalid(`Cannot join with option "${unknown}"${meant}: options are ${OPTIONS.join(', ')}`, HINT)
}

function modeOf({ within, window, table, asOf, ttl }: LooseOptions): JoinMode {
  const modes: JoinMode[] = []
  for (const [name, value] of Object.entries({ table, asOf }))
    if (value !== undefined && typeof value !== 'boolean')
      throw invalid(`Cannot join with ${name}: ${shownValue(value)}: it is true or left out`, HINT)
  if (within !== undefined) modes.push({ kind: 'interval', ...joinBounds(within) })
  if (window !== undefined) modes.push({ kind: 'window', window: joinable(window) })
  if (table === true) modes.push({ kind: 'table' })
  if (asOf === true) modes.push({ kind: 'asOf' })
  if (ttl !== undefined) modes.push({ kind: 'ttl', ttlMs: parsePositiveDuration(ttl, 'time to live') })
  const [mode, second] = modes
  if (mode === undefined) throw invalid('Cannot join: within, window, table, asOf or ttl is needed', HINT)
  if (second !== undefined)
    throw invalid('Cannot join in two ways: one of within, window, table, asOf and ttl is needed', HINT)
  return mode
}

type Joinable = Extract<JoinMode, { kind: 'window' }>['window']

function joinable(window: WindowDefinition): Joinable {
  // From plain JavaScript anything may come.
  const spec = (window as Partial<WindowDefinition> | null)?.spec
  if (spec === undefined)
    throw invalid(`Cannot join in window ${shownValue(window)}: it is no window`, "Write for example tumbling('10s')")
  const { kind } = spec
  if (kind === 'tumbling' || kind === 'hopping' || kind === 'cumulating' || kind === 'session') return spec as Joinable
  throw invalid(`Cannot join in ${String(kind)} windows: they have no bounds both sides share`)
}

/** The types each way of joining has. */
export const JOIN_TYPES: Readonly<Record<JoinMode['kind'], readonly JoinType[]>> = {
  interval: ['inner', 'left', 'right', 'full'],
  window: ['inner', 'left', 'right', 'full', 'semi', 'anti'],
  table: ['inner', 'left'],
  asOf: ['inner', 'left'],
  ttl: ['inner', 'left', 'right', 'full'],
}

function typeOf(type: string, mode: JoinMode): JoinType {
  const allowed = JOIN_TYPES[mode.kind]
  const found = allowed.find(known => known === type)
  if (found !== undefined) return found
  const hint = type === 'semi' || type === 'anti' ? "Write for example window: tumbling('10s')" : "Write type: 'left'"
  throw invalid(`Cannot make join of type "${type}": ${NAMES[mode.kind]} joins are ${allowed.join(', ')}`, hint)
}

const NAMES = { interval: 'interval', window: 'window', table: 'table', asOf: 'as-of', ttl: 'ttl' } as const

const PART = String.raw`-?(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+|-?0`
const RANGE = new RegExp(`^(${PART})\\s*\\.\\.\\s*(${PART})$`)

/**
 * `5m` → ±5m; `-1m..5m` as it stands.
 *
 * @throws StreamError OPTION_INVALID, DURATION_INVALID
 */
export function joinBounds(within: Duration): { fromMs: number; toMs: number } {
  if (typeof within !== 'string' && typeof within !== 'number')
    throw invalid(`Cannot join within ${shownValue(within)}: a duration like 5m is needed, or two like -1m..5m`, HINT)
  const range = typeof within === 'string' ? RANGE.exec(within.trim()) : null
  if (range === null) {
    const ms = boundOf(within)
    if (ms < 0) throw invalid(`Cannot join within "${within}": it must not be negative`, 'Write for example -5m..0s')
    return { fromMs: ms === 0 ? 0 : -ms, toMs: ms }
  }
  const [fromMs, toMs] = [range[1] as string, range[2] as string].map(boundOf) as [number, number]
  if (fromMs > toMs)
    throw invalid(
      `Cannot join within "${within}": the first bound is greater than the second`,
      `Write for example ${range[2]}..${range[1]}`,
    )
  return { fromMs, toMs }
}

/** Zero needs no unit. */
const boundOf = (bound: Duration): number =>
  typeof bound === 'string' && /^-?0$/.test(bound.trim()) ? 0 : parseDuration(bound, 'join bound')

function columnsOf(on: unknown): JoinSpec['on'] {
  const parts: readonly unknown[] = Array.isArray(on) ? on : [on]
  if (parts.length === 0 || on === undefined || on === null)
    throw invalid('Cannot join on no field: on is needed', HINT)
  return parts.map(part => {
    const sides = typeof part === 'string' ? namesOf(part) : (part as Record<'left' | 'right', unknown> | null)
    const { left, right } = typeof sides === 'object' && sides !== null ? sides : {}
    const [l, r] = [left, right].map(key => (typeof key === 'function' || named(key) ? (key as KeySide) : undefined))
    if (l !== undefined && r !== undefined) return { left: slotOf(l), right: slotOf(r) }
    throw invalid(
      `Cannot join on ${shownValue(part)}: it is a field, LEFT=RIGHT, several of them, or one key for each side`,
      "Write for example on: 'orderId', on: 'id=orderId' or on: { left: o => o.id, right: 'orderId' }",
    )
  })
}

type KeySide = string | AnyFunction

const named = (key: unknown): boolean => typeof key === 'string' && key !== ''

/** The fields of `id=orderId`, or the one name both sides have. */
export function namesOf(text: string): Record<'left' | 'right', string> {
  const equals = text.indexOf('=')
  if (equals < 0) return { left: text, right: text }
  return { left: text.slice(0, equals).trim(), right: text.slice(equals + 1).trim() }
}

function slotOf(key: KeySide): string | LambdaSlot {
  return typeof key === 'function' ? shipGiven(key, 'join on a key', 'row => row.id') : key
}

function invalid(message: string, hint?: string): StreamError {
  return new StreamError({ code: 'OPTION_INVALID', message, hint })
}
