/**
 * Makes a shipped lambda a function again. The text becomes the body of a factory whose parameters are the captured names;
 * it is compiled under the cell's name with the typed line and column, so a stack trace shows what the user typed.
 *
 *   factory = (console, threshold, mean) => (o => mean(o.values) > threshold)
 *
 * Names are assigned after the factory ran (they are `let`s of the factory), which is what makes recursion and mutual
 * recursion work. Each revival compiles its own copy: shared functions go megamorphic after a few queries.
 */
import { Script } from 'node:vm'
import { StreamError } from '../errors.ts'
import type { Captured, LambdaSite, ShippedLambda } from '../plan.ts'

export interface ReviveEnv {
  /** Functions and values of Riffle's own API by name. */
  readonly api: (name: string) => unknown
  /** Value of a param now; read at each call of the lambda. */
  readonly param: (name: string) => unknown
  /** Modules loaded by `loadImports`, by `importKey`. */
  readonly modules?: ReadonlyMap<string, Readonly<Record<string, unknown>>> | undefined
  /** What `console` is inside the lambda. Default: the global one. */
  readonly console?: unknown
}

export type AnyFunction = (...args: unknown[]) => unknown

export const importKey = (specifier: string, from: string): string => `${from}\n${specifier}`

/** The function a lambda stands for. Throws LAMBDA_CAPTURE when its text does not compile or an import lacks the name. */
export function revive(lambda: ShippedLambda, env: ReviveEnv): AnyFunction {
  return new Revival(env).value(lambda) as AnyFunction
}

class Revival {
  private readonly env: ReviveEnv
  private readonly memo = new Map<Captured, unknown>()

  constructor(env: ReviveEnv) {
    this.env = env
  }

  value(captured: Captured): unknown {
    if (captured.kind === 'value') return captured.value
    if (this.memo.has(captured)) return this.memo.get(captured)
    switch (captured.kind) {
      case 'api':
        return this.env.api(captured.name)
      case 'native':
        return captured.name
          .split('.')
          .reduce((holder, name) => (holder as Record<string, unknown>)[name], globalThis as unknown)
      case 'param':
        return this.keep(captured, liveParam(captured.name, this.env))
      case 'import':
        return this.imported(captured)
      case 'array': {
        const items = this.keep(captured, [] as unknown[])
        for (const item of captured.items) items.push(this.value(item))
        return items
      }
      case 'set': {
        const set = this.keep(captured, new Set())
        for (const item of captured.items) set.add(this.value(item))
        return set
      }
      case 'map': {
        const map = this.keep(captured, new Map())
        for (const [k, v] of captured.entries) map.set(this.value(k), this.value(v))
        return map
      }
      case 'object': {
        const type = captured.of === undefined ? undefined : (this.value(captured.of) as { prototype: object })
        const object = this.keep(
          captured,
          Object.create(type?.prototype ?? (captured.bare ? null : Object.prototype)) as object,
        )
        for (const [name, field] of Object.entries(captured.fields)) {
          // defineProperty: a field called `__proto__` must stay a field.
          Object.defineProperty(object, name, {
            value: this.value(field),
            writable: true,
            enumerable: true,
            configurable: true,
          })
        }
        return object
      }
      case 'lambda':
      case 'class':
        return this.compiled(captured)
    }
  }

  private keep<T>(captured: Captured, value: T): T {
    this.memo.set(captured, value)
    return value
  }

  private compiled(captured: Extract<Captured, { kind: 'lambda' | 'class' }>): unknown {
    const names = Object.keys(captured.captures)
    // A class runs code while it is defined (`extends Base`, static fields): what it names must be there before.
    const early = captured.kind === 'class'
    const values = new Map<string, unknown>()
    if (early) for (const name of names) values.set(name, this.value(captured.captures[name]!))
    const factory = compileFactory(captured.text, names, captured.site)
    const made = factory(this.env.console ?? console, (name: string) => values.get(name))
    this.memo.set(captured, made.value)
    if (!early) for (const name of names) values.set(name, this.value(captured.captures[name]!))
    made.bind()
    return made.value
  }

  private imported(captured: Extract<Captured, { kind: 'import' }>): unknown {
    const module = this.env.modules?.get(importKey(captured.specifier, captured.from))
    if (module !== undefined && captured.name === '*') return module
    if (module !== undefined && captured.name in module) return module[captured.name]
    throw new StreamError({
      code: 'LAMBDA_CAPTURE',
      message: `Cannot import "${captured.name}" from "${captured.specifier}": ${module === undefined ? 'the module is not loaded' : 'it has no such export'}`,
    })
  }
}

type Factory = (console: unknown, read: (name: string) => unknown) => { value: unknown; bind: () => void }

function compileFactory(text: string, names: readonly string[], site: LambdaSite | undefined): Factory {
  const lets =
    names.length === 0 ? '' : `let ${names.map(name => `${name} = $read(${JSON.stringify(name)})`).join(', ')}; `
  const binds = names.map(name => `${name} = $read(${JSON.stringify(name)})`).join('; ')
  // `console` is shadowed unless the notebook has a variable of that name.
  const console = names.includes('console') ? '$console' : 'console'
  const head = `(function (${console}, $read) { 'use strict'; ${lets}const $f = (`
  const tail = `\n); return { value: $f, bind() { ${binds} } } })`
  const line = site?.line ?? 1
  const pad = ' '.repeat(Math.max(0, (site?.column ?? 1) - 1))
  const compile = (body: string, before: string) =>
    new Script(`${head}${before}\n${pad}${body}`, {
      filename: site?.cell ?? 'lambda',
      lineOffset: line - 2,
    }).runInThisContext() as Factory
  try {
    return compile(text + tail, '')
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    try {
      // A method (`{ f(x) { … } }`) is an expression only inside an object.
      return compile(`${text} })[0]${tail}`, 'Object.values({')
    } catch {
      throw new StreamError({
        code: 'LAMBDA_CAPTURE',
        message: `Cannot run the lambda "${site?.excerpt ?? text.slice(0, 80)}" in a stream: its text is no function (${error.message})`,
        detail: site === undefined ? undefined : `${site.cell}:${site.line}:${site.column}`,
        hint: 'Write it as an arrow function: x => …',
      })
    }
  }
}

function liveParam(name: string, env: ReviveEnv): object {
  const refuse = () => {
    throw new StreamError({
      code: 'LAMBDA_ASSIGNMENT',
      message: `Cannot set the param "${name}" in a lambda: a lambda only reads it`,
      hint: `Move the slider or run %param ${name} VALUE`,
    })
  }
  return Object.freeze(
    Object.defineProperty({ name }, 'value', { get: () => env.param(name), set: refuse, enumerable: true }),
  )
}
