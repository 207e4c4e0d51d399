/**
 * What is known of a function of the notebook: the text it was typed as and the names it reads from outside. Transformed
 * code notes each function it makes (`$c.f`), with a thunk for the enclosing locals; a function made inside another one without
 * capturing locals is found by its text, so that making it stays as cheap as it was.
 */
import type { CaptureInfo, NameOrigin } from '../../stream/lambdas/capture-info.ts'
import type { Closure } from './names.ts'
import type { Origin, Origins } from './positions.ts'
import type { NameScope } from './scope.ts'

interface Noted {
  readonly origin: Origin
  readonly closure: Closure
  readonly scope: NameScope
  readonly folder: string
  readonly locals?: (() => Record<string, unknown>) | undefined
}

export interface CaptureContext {
  readonly origin: Origin
  readonly scope: NameScope
  /** Imports are resolved from here. */
  readonly folder: string
}

interface Note {
  readonly context: CaptureContext
  readonly id: number
  readonly locals: (() => Record<string, unknown>) | undefined
}

/**
 * A private field put on a function that exists already. Unlike a symbol nobody sees it, and unlike a WeakMap entry it costs
 * the garbage collector nothing: cells make closures by the million.
 */
class Returns {
  constructor(f: object) {
    // oxlint-disable-next-line no-constructor-return
    return f
  }
}
class Stamp extends Returns {
  readonly #note: Note

  constructor(f: object, note: Note) {
    super(f)
    this.#note = note
  }

  static read(f: object): Note | undefined {
    return #note in f ? f.#note : undefined
  }
}

const contexts = new WeakMap<Origin, CaptureContext>()
let known: Origins | undefined

export function watchOrigins(origins: Origins): void {
  known = origins
}

export function noteContext(context: CaptureContext): void {
  contexts.set(context.origin, context)
}

/** `$c.f`: remembers which closure of the text `f` is. */
export function noteFunction<F extends object>(
  context: CaptureContext,
  id: number,
  f: F,
  locals?: () => Record<string, unknown>,
): F {
  if (Stamp.read(f) === undefined) new Stamp(f, { context, id, locals })
  return f
}

function read(f: object): Noted | undefined {
  const note = Stamp.read(f)
  const closure = note?.context.origin.transformed.closures[note.id]
  return note === undefined || closure === undefined ? undefined : { ...note.context, closure, locals: note.locals }
}

/** What `ship` needs to send `f` to the engine; undefined for a function that no cell or local module made. */
export function captureInfo(f: (...args: never[]) => unknown): CaptureInfo | undefined {
  const found = read(f) ?? byText(f)
  return found === undefined ? undefined : infoOf(found)
}

function byText(f: object): Noted | undefined {
  if (known === undefined) return undefined
  const text = Function.prototype.toString.call(f)
  if (text.includes('[native code]')) return undefined
  for (const origin of known.newest()) {
    const context = contexts.get(origin)
    if (context === undefined) continue
    const found = origin.transformed.closures.find(
      closure =>
        closure.localNames.size === 0 &&
        isText(origin.transformed.edits.slice(closure.node.start, closure.node.end), text),
    )
    if (found !== undefined) return { ...context, closure: found }
  }
  return undefined
}

/** What `$s` needs around a function: never a part of the function itself. */
const opening = /^(?:;|return \(|\(\{ [\w$]+: |\(|\$+c\.\w+\((?:\d+, )?)*$/
const closing = /^(?: \}\)\.[\w$]+|\)|, \d+|;)*$/

/** True when `ran` is `text` and nothing but wrappers: a longer function that contains the text is another one. */
function isText(ran: string, text: string): boolean {
  const at = ran.indexOf(text)
  return at >= 0 && opening.test(ran.slice(0, at)) && closing.test(ran.slice(at + text.length))
}

function infoOf({ origin, closure, scope, folder, locals }: Noted): CaptureInfo {
  const { transformed } = origin
  const place = origin.placeOf(closure.node.start)
  const text = transformed.ship(closure)
  const local = (name: string): boolean => closure.localNames.has(name)
  return {
    kind: closure.kind === 'class' ? 'class' : 'function',
    text,
    names: [...closure.scopeNames, ...closure.localNames],
    read: name => (local(name) ? locals?.()[name] : scope.values[name]),
    origin: name =>
      local(name) ? { kind: 'value', local: true } : originOf(name, scope, folder, !CELL_LABEL.test(origin.label)),
    assigned: closure.assigned.map(({ name, at }) => ({ name, ...origin.placeOf(at) })),
    site: {
      cell: origin.label,
      line: place.line,
      column: place.column,
      excerpt: firstLine(transformed.source.slice(closure.node.start, closure.node.end)),
    },
  }
}

/** Names of a local module are not the notebook's, though they may be called the same. */
const CELL_LABEL = /^(?:cell|hidden)-\d+\.ts$/

function originOf(name: string, scope: NameScope, folder: string, local: boolean): NameOrigin {
  const record = scope.records.get(name)
  if (record?.origin !== undefined && scope.has(name)) return { kind: 'import', ...record.origin, from: folder }
  if (!scope.has(name) && Object.hasOwn(scope.api, name)) return { kind: 'api', name }
  return local ? { kind: 'value', local } : { kind: 'value' }
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? ''
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}
