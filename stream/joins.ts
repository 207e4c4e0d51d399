/** Joins of the fluent API: options as users write them, and the plan they make. */
import { StreamError } from './errors.ts'
import type { RecordMeta } from './model.ts'
import type { JoinMode, JoinSpec, JoinType, LambdaSlot } from './plan.ts'
import { runtime } from './targets/runtime-registry.ts'
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

/** @throws StreamError OPTION_INVALID, DURATION_INVALID, LAMBDA_CAPTURE */
export function joinSpec(given: object, f: AnyFunction | undefined): JoinSpec {
  const options = given as LooseOptions
  const mode = modeOf(options)
  const type = typeOf(options.type ?? 'inner', mode)
  const { deleted } = options
  if (deleted !== undefined && mode.kind !== 'table' && mode.kind !== 'asOf')
    throw invalid('Cannot use deleted in this join: only rows of a table or of versions are deleted')
  return {
    mode,
    type,
    on: columnsOf(options.on),
    deleted: deleted === undefined ? undefined : runtime().ship(deleted),
    f: f === undefined ? undefined : runtime().ship(f),
  }
}

const HINT = "Write for example { on: 'orderId', within: '5m' }"

function modeOf({ within, window, table, asOf, ttl }: LooseOptions): JoinMode {
  const modes: JoinMode[] = []
  if (within !== undefined) modes.push({ kind: 'interval', ...boundsOf(within) })
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

function joinable({ spec }: WindowDefinition): Joinable {
  const { kind } = spec
  if (kind === 'tumbling' || kind === 'hopping' || kind === 'cumulating' || kind === 'session') return spec as Joinable
  throw invalid(`Cannot join in ${String(kind)} windows: they have no bounds both sides share`)
}

const TYPES: Readonly<Record<JoinMode['kind'], readonly JoinType[]>> = {
  interval: ['inner', 'left', 'right', 'full'],
  window: ['inner', 'left', 'right', 'full', 'semi', 'anti'],
  table: ['inner', 'left'],
  asOf: ['inner', 'left'],
  ttl: ['inner', 'left', 'right', 'full'],
}

function typeOf(type: string, mode: JoinMode): JoinType {
  const allowed = TYPES[mode.kind]
  const found = allowed.find(known => known === type)
  if (found !== undefined) return found
  throw invalid(`Cannot make join of type "${type}": ${NAMES[mode.kind]} joins are ${allowed.join(', ')}`)
}

const NAMES = { interval: 'interval', window: 'window', table: 'table', asOf: 'as-of', ttl: 'ttl' } as const

const PART = String.raw`-?(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+|-?0`
const RANGE = new RegExp(`^(${PART})\\.\\.(${PART})$`)

/** `5m` → ±5m; `-1m..5m` as it stands. */
function boundsOf(within: Duration): { fromMs: number; toMs: number } {
  const range = typeof within === 'string' ? RANGE.exec(within.trim()) : null
  if (range === null) {
    const ms = parseDuration(within, 'join bound')
    if (ms < 0) throw invalid(`Cannot join within "${within}": it must not be negative`, 'Write for example -5m..0s')
    return { fromMs: ms === 0 ? 0 : -ms, toMs: ms }
  }
  const [fromMs, toMs] = [range[1] as string, range[2] as string].map(part =>
    /^-?0$/.test(part) ? 0 : parseDuration(part, 'join bound'),
  ) as [number, number]
  if (fromMs > toMs) throw invalid(`Cannot join within "${within}": the first bound is greater than the second`)
  return { fromMs, toMs }
}

function columnsOf(on: unknown): JoinSpec['on'] {
  const parts: readonly unknown[] = Array.isArray(on) ? on : [on]
  if (parts.length === 0 || on === undefined || on === null)
    throw invalid('Cannot join on no field: on is needed', HINT)
  return parts.map(part => {
    if (typeof part === 'string') {
      const equals = part.indexOf('=')
      return equals < 0
        ? { left: part, right: part }
        : { left: part.slice(0, equals).trim(), right: part.slice(equals + 1).trim() }
    }
    const { left, right } = part as { left: string | AnyFunction; right: string | AnyFunction }
    return { left: slotOf(left), right: slotOf(right) }
  })
}

function slotOf(key: string | AnyFunction): string | LambdaSlot {
  return typeof key === 'function' ? runtime().ship(key) : key
}

function invalid(message: string, hint?: string): StreamError {
  return new StreamError({ code: 'OPTION_INVALID', message, hint })
}
