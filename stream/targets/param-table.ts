/** Params of one runtime by name, with the checks every change has to pass. */
import { StreamError } from '../errors.ts'
import type { ParamSpec } from './runtime.ts'

export class ParamTable {
  private readonly specs = new Map<string, ParamSpec>()
  private readonly values = new Map<string, unknown>()

  /** Defines or redefines; gives the value in force. Running the same cell again resets the value to what it says. */
  define(spec: ParamSpec): unknown {
    check(spec, spec.value)
    this.specs.set(spec.name, spec)
    this.values.set(spec.name, spec.value)
    return spec.value
  }

  set(name: string, value: unknown): void {
    check(this.spec(name), value)
    this.values.set(name, value)
  }

  /** Values of all, by name. */
  all(): Record<string, unknown> {
    return Object.fromEntries(this.values)
  }

  value(name: string): unknown {
    return this.values.get(name)
  }

  spec(name: string): ParamSpec {
    const spec = this.specs.get(name)
    if (spec !== undefined) return spec
    throw new StreamError({
      code: 'PARAM_INVALID',
      message: `Cannot find param "${name}": it was not defined`,
      hint: `%param ${name} 1`,
    })
  }
}

/** @throws StreamError PARAM_INVALID */
function check(spec: ParamSpec, value: unknown): void {
  const refuse = (why: string) => {
    throw new StreamError({
      code: 'PARAM_INVALID',
      message: `Cannot set param "${spec.name}" to ${JSON.stringify(value)}: ${why}`,
    })
  }
  if (typeof value !== typeof spec.value) refuse(`it is a ${typeof spec.value}`)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) refuse('a finite number is needed')
    if (spec.min !== undefined && value < spec.min) refuse(`the least value is ${spec.min}`)
    if (spec.max !== undefined && value > spec.max) refuse(`the greatest value is ${spec.max}`)
  }
  if (spec.choices !== undefined && !spec.choices.includes(value as number | string))
    refuse(`the choices are ${spec.choices.join(', ')}`)
}
