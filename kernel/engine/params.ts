/** `param(...)`: values that lambdas read, each change journalled into every stream at a record boundary. */
import { StreamError } from '../../stream/errors.ts'
import type { ParamSpec } from '../../stream/targets/runtime.ts'

type Value = number | string | boolean

export class Params {
  private readonly specs = new Map<string, ParamSpec>()
  private readonly values = new Map<string, Value>()
  private readonly changed: (name: string, value: Value) => void

  constructor(changed: (name: string, value: Value) => void) {
    this.changed = changed
  }

  all(): Record<string, unknown> {
    return Object.fromEntries(this.values)
  }

  /** Defines or redefines; the user's setting outlives a second run of the cell as long as it is still allowed. */
  define(spec: ParamSpec): Value {
    const before = this.specs.get(spec.name)
    const current = this.values.get(spec.name)
    check(spec, spec.value)
    this.specs.set(spec.name, spec)
    const keep = before !== undefined && current !== undefined && before.value === spec.value && fits(spec, current)
    const value = keep ? current : spec.value
    if (value !== current) this.put(spec.name, value)
    return value
  }

  set(name: string, value: unknown): void {
    const spec = this.require(name)
    check(spec, value)
    if (this.values.get(name) !== value) this.put(name, value as Value)
  }

  shown(name: string): { spec: ParamSpec; value: Value } {
    const spec = this.require(name)
    return { spec, value: this.values.get(name) ?? spec.value }
  }

  private put(name: string, value: Value): void {
    this.values.set(name, value)
    this.changed(name, value)
  }

  private require(name: string): ParamSpec {
    const spec = this.specs.get(name)
    if (spec !== undefined) return spec
    throw new StreamError({
      code: 'PARAM_INVALID',
      message: `Cannot set param "${name}": no param has this name`,
      hint: `%param ${name} VALUE`,
    })
  }
}

function fits(spec: ParamSpec, value: unknown): boolean {
  return refusalOf(spec, value) === undefined
}

function check(spec: ParamSpec, value: unknown): void {
  const why = refusalOf(spec, value)
  if (why === undefined) return
  throw new StreamError({
    code: 'PARAM_INVALID',
    message: `Cannot set param "${spec.name}" to ${JSON.stringify(value) ?? String(value)}: ${why}`,
  })
}

function refusalOf(spec: ParamSpec, value: unknown): string | undefined {
  if (spec.choices !== undefined)
    return spec.choices.includes(value as never) ? undefined : `the choices are ${spec.choices.join(', ')}`
  if (typeof value !== typeof spec.value) return `it is a ${typeof spec.value}`
  if (typeof value !== 'number') return undefined
  if (!Number.isFinite(value)) return 'it is no finite number'
  if (spec.min !== undefined && value < spec.min) return `the least is ${spec.min}`
  if (spec.max !== undefined && value > spec.max) return `the most is ${spec.max}`
  return undefined
}
