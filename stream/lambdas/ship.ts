/**
 * Makes a function of the notebook a value: its text and what it captures at this moment. Everything that cannot travel is
 * refused here, before the stream runs, with the path to it (`config.client.socket`) and the way out.
 *
 * A shipped lambda may contain itself (recursion, mutual recursion): the memo hands out the same object again and
 * structured clone keeps the cycle.
 */
import { types } from 'node:util'
import { StreamError } from '../errors.ts'
import type { Captured, LambdaSite, ShippedLambda } from '../plan.ts'
import { PARAM_BRAND, STREAM_BRAND } from './capture-info.ts'
import type { CaptureInfo, NameOrigin } from './capture-info.ts'

export interface ShipOptions {
  /** What is known of a function or class of the notebook; undefined for any other function. */
  readonly info: (f: (...args: never[]) => unknown) => CaptureInfo | undefined
  /** Name of a function of Riffle's own API, undefined for others. */
  readonly apiName?: ((f: unknown) => string | undefined) | undefined
}

const WAY_OUT =
  'Use .forEach(f), for await (const row of stream) or .mapAsync(f): they run in the notebook, with back-pressure'

/** Throws LAMBDA_CAPTURE, LAMBDA_ASSIGNMENT. */
export function ship(f: (...args: never[]) => unknown, options: ShipOptions): ShippedLambda {
  const info = options.info(f)
  if (info === undefined) {
    const name = f.name === '' ? 'the function' : `the function "${f.name}"`
    throw new StreamError({
      code: 'LAMBDA_CAPTURE',
      message: `Cannot run ${name} in a stream: its source is not known, it is native, bound or comes from a package`,
      hint: `Wrap it: x => ${f.name === '' ? 'f' : f.name.replace(/^bound /, '')}(x)`,
    })
  }
  if (types.isAsyncFunction(f)) throw refusal(info.site, 'it is asynchronous, a lambda of a stream answers at once')
  return new Shipment(options, info.site).lambda(f, info)
}

class Shipment {
  private readonly options: ShipOptions
  private readonly site: LambdaSite
  private readonly memo = new Map<unknown, Captured>()

  constructor(options: ShipOptions, site: LambdaSite) {
    this.options = options
    this.site = site
  }

  lambda(f: unknown, info: CaptureInfo): ShippedLambda {
    const captures: Record<string, Captured> = {}
    const locals = info.names.filter(name => isLocal(info.origin(name)))
    const lambda: ShippedLambda = {
      kind: 'lambda',
      text: info.text,
      captures,
      ...(locals.length === 0 ? {} : { locals }),
      site: info.site,
    }
    this.memo.set(f, lambda)
    this.fill(captures, info)
    return lambda
  }

  private fill(captures: Record<string, Captured>, info: CaptureInfo): void {
    const wrong = info.assigned[0]
    if (wrong !== undefined) {
      throw new StreamError({
        code: 'LAMBDA_ASSIGNMENT',
        message: `Cannot run the lambda "${info.site.excerpt}" in a stream: it assigns to "${wrong.name}", which lives in the notebook`,
        detail: `${info.site.cell}:${wrong.line}:${wrong.column}`,
        hint: WAY_OUT,
      })
    }
    for (const name of info.names) {
      const origin = info.origin(name)
      if (origin.kind === 'api') captures[name] = { kind: 'api', name: origin.name }
      else if (origin.kind === 'import') {
        captures[name] = { kind: 'import', specifier: origin.specifier, name: origin.imported, from: origin.from }
      } else captures[name] = this.value(this.read(info, name), name, info.site)
    }
  }

  private read(info: CaptureInfo, name: string): unknown {
    try {
      return info.read(name)
    } catch (error) {
      throw refusal(
        info.site,
        `"${name}" has no value yet (${(error as Error).message})`,
        'Run the cell that defines it first',
      )
    }
  }

  private value(value: unknown, path: string, site: LambdaSite): Captured {
    if (typeof value === 'symbol') throw this.cannot(path, 'a symbol', site)
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return { kind: 'value', value }
    const known = this.memo.get(value)
    if (known !== undefined) return known
    const captured =
      typeof value === 'function' ? this.callable(value as never, path, site) : this.object(value, path, site)
    this.memo.set(value, captured)
    return captured
  }

  private callable(f: (...args: never[]) => unknown, path: string, site: LambdaSite): Captured {
    const api = this.options.apiName?.(f)
    if (api !== undefined) return { kind: 'api', name: api }
    const info = this.options.info(f)
    if (info === undefined) {
      const native = NATIVE.get(f)
      if (native !== undefined) return { kind: 'native', name: native }
      throw this.cannot(path, 'a function whose source is not known (native, bound or of a package)', site)
    }
    if (info.kind === 'function') return this.lambda(f, info)
    const captures: Record<string, Captured> = {}
    const captured: Captured = { kind: 'class', text: info.text, captures, site: info.site }
    this.memo.set(f, captured)
    this.fill(captures, info)
    return captured
  }

  private object(value: object, path: string, site: LambdaSite): Captured {
    const param = paramName(value)
    if (param !== undefined) return { kind: 'param', name: param }
    const obstacle = obstacleOf(value)
    if (obstacle !== undefined) throw this.cannot(path, obstacle, site)
    if (isPlain(value, new Set())) return { kind: 'value', value: structuredClone(value) }
    if (Array.isArray(value)) {
      const items: Captured[] = []
      return this.compound(value, { kind: 'array', items }, () => {
        for (let i = 0; i < value.length; i++) items.push(this.value(value[i], `${path}[${i}]`, site))
      })
    }
    if (types.isMap(value)) {
      const entries: [Captured, Captured][] = []
      return this.compound(value, { kind: 'map', entries }, () => {
        for (const [k, v] of value) {
          const at = `${path}.get(${typeof k === 'string' ? `'${k}'` : String(typeof k === 'object' ? '…' : k)})`
          entries.push([this.value(k, `${path}.keys()`, site), this.value(v, at, site)])
        }
      })
    }
    if (types.isSet(value)) {
      const items: Captured[] = []
      return this.compound(value, { kind: 'set', items }, () => {
        for (const v of value) items.push(this.value(v, `${path}.values()`, site))
      })
    }
    return this.record(value, path, site)
  }

  private record(value: object, path: string, site: LambdaSite): Captured {
    const prototype = Object.getPrototypeOf(value) as { constructor?: unknown } | null
    let made: Captured | undefined
    if (prototype !== null && prototype !== Object.prototype) {
      // An instance of a class of the notebook travels with its class; any other class holds what we cannot see.
      const type = prototype.constructor
      const info = typeof type === 'function' ? this.options.info(type as never) : undefined
      const name = typeof type === 'function' && type.name !== '' ? type.name : 'class we do not know'
      if (info?.kind !== 'class') throw this.cannot(path, `an instance of ${name}`, site)
      if (/#[\p{ID_Start}_$]/u.test(info.text))
        throw this.cannot(path, `an instance of ${name}, which has private fields`, site)
      made = this.value(type, `${path}.constructor`, site)
    }
    const fields: Record<string, Captured> = {}
    const captured: Captured =
      made === undefined
        ? { kind: 'object', fields, bare: prototype === null }
        : { kind: 'object', fields, bare: false, of: made }
    return this.compound(value, captured, () => {
      for (const key of Object.keys(value)) {
        const at = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(key)
          ? `${path}.${key}`
          : `${path}[${JSON.stringify(key)}]`
        fields[key] = this.value((value as Record<string, unknown>)[key], at, site)
      }
    })
  }

  /** Registers a container before its parts are walked: it may contain itself. */
  private compound(value: object, captured: Captured, walk: () => void): Captured {
    this.memo.set(value, captured)
    walk()
    return captured
  }

  private cannot(path: string, what: string, site: LambdaSite): StreamError {
    return refusal(site, `"${path}" is ${what}, which cannot leave the notebook`)
  }
}

function refusal(site: LambdaSite, why: string, hint = WAY_OUT): StreamError {
  return new StreamError({
    code: 'LAMBDA_CAPTURE',
    message: `Cannot run the lambda "${site.excerpt}" in a stream: ${why}`,
    detail: `${site.cell}:${site.line}:${site.column}`,
    hint,
  })
}

/** Data that holds nothing but data: it travels as one structured clone, however large. */
function isPlain(value: unknown, seen: Set<object>): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return false
  if (typeof value !== 'object' || value === null || seen.has(value)) return true
  seen.add(value)
  if (types.isProxy(value) || PARAM_BRAND in value || obstacleOf(value) !== undefined) return false
  if (isLeaf(value)) return true
  if (types.isMap(value)) return [...value].every(([k, v]) => isPlain(k, seen) && isPlain(v, seen))
  if (types.isSet(value)) return [...value].every(v => isPlain(v, seen))
  if (Array.isArray(value)) return value.every(v => isPlain(v, seen))
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(v => isPlain(v, seen))
}

/** Objects that are copied as they stand. */
function isLeaf(value: object): boolean {
  return (
    types.isDate(value) ||
    types.isRegExp(value) ||
    ArrayBuffer.isView(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isNativeError(value) ||
    types.isBoxedPrimitive(value)
  )
}

/** What makes an object unable to travel, in words; undefined when nothing is known against it. */
function obstacleOf(value: object): string | undefined {
  if (types.isPromise(value)) return 'a promise'
  if (types.isProxy(value)) return 'a proxy'
  if (types.isModuleNamespaceObject(value)) return 'a module'
  if (types.isSharedArrayBuffer(value)) return 'a SharedArrayBuffer'
  if (types.isWeakMap(value)) return 'a WeakMap'
  if (types.isWeakSet(value)) return 'a WeakSet'
  if (value instanceof WeakRef) return 'a WeakRef'
  if (types.isGeneratorObject(value)) return 'a generator'
  if (types.isExternal(value)) return 'a native object'
  if (STREAM_BRAND in value) return 'a stream'
  if (typeof (value as { then?: unknown }).then === 'function') return 'a promise'
  return undefined
}

/** Functions of the language a notebook may have given a name (`const abs = Math.abs`): both sides have them. */
const NATIVE = new Map<unknown, string>()
for (const name of ['Math', 'JSON', 'Object', 'Array', 'Number', 'String', 'Date', 'Reflect', 'BigInt']) {
  const holder = (globalThis as unknown as Record<string, object>)[name]!
  if (typeof holder === 'function') NATIVE.set(holder, name)
  for (const key of Object.getOwnPropertyNames(holder)) {
    const member = (holder as Record<string, unknown>)[key]
    if (typeof member === 'function' && key !== 'constructor') NATIVE.set(member, `${name}.${key}`)
  }
}
for (const name of [
  'Map',
  'Set',
  'RegExp',
  'Error',
  'TypeError',
  'RangeError',
  'Boolean',
  'parseInt',
  'parseFloat',
  'isNaN',
  'isFinite',
  'structuredClone',
]) {
  NATIVE.set((globalThis as unknown as Record<string, unknown>)[name], name)
}

/** Params brand themselves with their name, or with true beside a `name`. */
function paramName(value: object): string | undefined {
  if (!(PARAM_BRAND in value)) return undefined
  const brand = value[PARAM_BRAND]
  const name = typeof brand === 'string' ? brand : (value as { name?: unknown }).name
  return typeof name === 'string' ? name : undefined
}

function isLocal(origin: NameOrigin): boolean {
  return origin.kind === 'value' && origin.local === true
}
