/** Text of a cell or local module → a generator to drive, with everything `$c` offers it. */
import { Script } from 'node:vm'
import { noteContext, noteFunction } from './captures.ts'
import { cleanError, placeError } from './errors.ts'
import { guardHit } from './interrupt.ts'
import type { Machine } from './machine.ts'
import { createOrigin, type Origin } from './positions.ts'
import type { SpanMapping } from './protocol.ts'
import type { NameScope } from './scope.ts'
import { CellSyntaxError, transform, type Transformed } from './transform.ts'

export interface CompileParts {
  readonly label: string
  readonly cellId?: string | undefined
  /** TypeScript to run. */
  readonly source: string
  readonly typed: string
  readonly spans?: readonly SpanMapping[] | undefined
  readonly scope: NameScope
  /** Imports are resolved from here. */
  readonly folder: string
  readonly lang?: 'ts' | 'js' | undefined
  readonly module?: boolean | undefined
  readonly meta: Record<string, unknown>
  /** `import(specifier)` in the text. */
  readonly importer: (specifier: string) => Promise<unknown>
  /** Streams and params among names just declared; `bind` starts them. */
  readonly declared?: ((names: readonly string[]) => (() => Promise<void>) | undefined) | undefined
}

export interface Compiled {
  readonly origin: Origin
  readonly transformed: Transformed
  /** Set by a cell whose result was moved into a block. */
  readonly result: () => { readonly value: unknown } | undefined
  start(): Generator<unknown, unknown, unknown>
}

/** Throws CellSyntaxError. */
export function compile(machine: Machine, parts: CompileParts): Compiled {
  const { origins, runs, shared } = machine
  const transformed = transformedOf(machine, parts)
  const origin = createOrigin({
    fileName: origins.fileName(parts.label),
    label: parts.label,
    cellId: parts.cellId,
    expanded: parts.source,
    typed: parts.typed,
    spans: parts.spans,
    transformed,
  })
  origins.add(origin)
  const context = { origin, scope: parts.scope, folder: parts.folder }
  noteContext(context)
  let result: { value: unknown } | undefined
  let bind: (() => Promise<void>) | undefined
  const cell = {
    f: (id: number, f: object, locals?: () => Record<string, unknown>) => noteFunction(context, id, f, locals),
    g: () => guardHit(shared, runs.own),
    w: (value: unknown, offset: number) => {
      const run = runs.own
      if (run !== undefined && parts.module !== true) run.awaiting = { origin, offset }
      return value
    },
    n: (...names: string[]) => (bind = parts.declared?.(names)) !== undefined,
    b: () => bind?.(),
    r: (source: unknown) => rowsOf(source, () => runs.own?.interrupted === true),
    i: parts.importer,
    e: cleanError,
    meta: Object.assign(Object.create(null) as object, parts.meta, {
      result: (value: unknown) => void (result = { value }),
    }),
  }
  const script = new Script(transformed.code, { filename: origin.fileName })
  return {
    origin,
    transformed,
    result: () => result,
    start: () => {
      beginNames(transformed, parts.scope)
      const make = script.runInThisContext() as (...args: unknown[]) => Generator<unknown, unknown, unknown>
      return make(parts.scope.values, parts.scope.constants, shared, cell)
    },
  }
}

function transformedOf(machine: Machine, parts: CompileParts): Transformed {
  try {
    return transform(parts.source, { isGlobal: parts.scope.isGlobal, lang: parts.lang, module: parts.module })
  } catch (error) {
    if (!(error instanceof CellSyntaxError)) throw error
    // Nothing was transformed: positions are those of the text itself.
    const plain = transform('', { isGlobal: () => true })
    const origin = createOrigin({
      fileName: machine.origins.fileName(parts.label),
      label: parts.label,
      cellId: parts.cellId,
      expanded: parts.source,
      typed: parts.typed,
      spans: parts.spans,
      transformed: plain,
    })
    placeError(error, origin, error.at)
    throw error
  }
}

/** A `var` keeps an older value, as in any program; an enum starts anew. */
function beginNames(transformed: Transformed, scope: NameScope): void {
  for (const [name, kind] of transformed.declared) {
    const kept = kind !== 'var' || scope.has(name)
    if (!kept || transformed.fresh.includes(name)) scope.values[name] = undefined
  }
}

interface Steps {
  next(): unknown
  close(): unknown
}

/** The iterator of a top-level `for await`: async iterables, and iterables of promises. */
function rowsOf(source: unknown, interrupted: () => boolean): Steps {
  const iterable = source as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined
  const async = iterable?.[Symbol.asyncIterator]
  const sync = iterable?.[Symbol.iterator]
  if (typeof async !== 'function' && typeof sync !== 'function') {
    throw new TypeError('The value after "of" is not async iterable')
  }
  const iterator = (typeof async === 'function'
    ? async.call(iterable)
    : sync?.call(iterable)) as unknown as AsyncIterator<unknown>
  let done = false
  return {
    next: async () => {
      const step = await iterator.next()
      done = step.done === true
      return done || typeof async === 'function' ? step : { done: false, value: await step.value }
    },
    close: () => {
      if (done) return undefined
      done = true
      const closing: unknown = iterator.return?.()
      if (!interrupted()) return closing
      // A generator that hangs in its own await would keep a stopped cell waiting for ever.
      Promise.resolve(closing).catch(() => undefined)
      return undefined
    },
  }
}
