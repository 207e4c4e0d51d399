/**
 * The names of the notebook: `$s` in transformed code. Own properties are the notebook's variables and cost as much as any
 * property; behind them stand Riffle's API names, and last a proxy that answers for names nobody declared: a global that
 * appeared meanwhile, or the ReferenceError that JavaScript would give.
 */
import type { NameKind } from './names.ts'

export interface NameRecord {
  readonly kind: NameKind
  readonly cellId: string
  /** Where an import came from. */
  readonly origin?: { readonly specifier: string; readonly imported: string } | undefined
}

export interface NameScope {
  /** `$s` */
  readonly values: Record<string, unknown>
  /** `$k`: the same names where assignment is an error. */
  readonly constants: Record<string, unknown>
  readonly api: Record<string, unknown>
  readonly records: Map<string, NameRecord>
  has(name: string): boolean
  isGlobal(name: string): boolean
  delete(name: string): void
}

function missing(): object {
  return new Proxy(Object.create(null) as object, {
    get(_, name) {
      if (typeof name === 'symbol') return undefined
      if (name in globalThis) return (globalThis as Record<string, unknown>)[name]
      throw new ReferenceError(`${name} is not defined`)
    },
    has: (_, name) => name in globalThis,
    set(_, name, value, receiver: object) {
      return Reflect.defineProperty(receiver, name, { value, writable: true, enumerable: true, configurable: true })
    },
  })
}

export function createScope(api: Record<string, unknown> = {}): NameScope {
  const names = Object.assign(Object.create(missing()) as Record<string, unknown>, api)
  const values = Object.create(names) as Record<string, unknown>
  const constants = new Proxy(values, {
    set() {
      throw new TypeError('Assignment to constant variable.')
    },
  })
  const has = (name: string): boolean => Object.hasOwn(values, name)
  return {
    values,
    constants,
    api: names,
    records: new Map(),
    has,
    isGlobal: name => !has(name) && !Object.hasOwn(names, name) && name in globalThis,
    delete: name => delete values[name],
  }
}

/** Takes variables out of the notebook; none named means all. */
export function forgetNames(scope: NameScope, names: readonly string[]): void {
  for (const name of names.length > 0 ? names : Object.keys(scope.values)) {
    scope.delete(name)
    scope.records.delete(name)
  }
}
