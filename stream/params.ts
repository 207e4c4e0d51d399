/** `param`: a value lambdas read live; its slider changes it at a record boundary. */
import type { MimeBundle } from './charts/protocol.ts'
import type { ParamSpec } from './targets/runtime.ts'
import { PARAM_BRAND } from './lambdas/capture-info.ts'
import { runtime } from './targets/runtime-registry.ts'
import { DISPLAY } from './told.ts'

export type ParamValue = number | string | boolean

export interface ParamOptions {
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly step?: number | undefined
  readonly choices?: readonly (number | string)[] | undefined
}

export class Param<V extends ParamValue = ParamValue> {
  readonly [PARAM_BRAND] = true
  readonly name: string
  /** Resolves once the runtime knows the param; rejects with PARAM_INVALID. */
  readonly ready: Promise<void>
  private readonly initial: V

  /** @internal Made by `param`. */
  constructor(spec: ParamSpec & { readonly value: V }) {
    this.name = spec.name
    this.initial = spec.value
    this.ready = runtime()
      .defineParam(spec)
      .then(() => {})
    // Who awaits `ready` or sets a value hears of it; a program that does neither must not die of it.
    this.ready.catch(() => {})
  }

  /** The value now. In a lambda: the value at the record. */
  get value(): V {
    const value = runtime().paramValue(this.name)
    return value === undefined ? this.initial : (value as V)
  }

  /** @throws StreamError PARAM_INVALID outside of its range or choices */
  async set(value: V): Promise<void> {
    await this.ready
    await runtime().setParam(this.name, value)
  }

  async [DISPLAY](): Promise<MimeBundle> {
    await this.ready
    return runtime().showParam(this.name)
  }
}

type Widened<V> = V extends number ? number : V extends string ? string : V extends boolean ? boolean : never

/**
 * A named value with a slider or field, readable as `.value` in any lambda; each change takes effect at a record boundary and
 * is part of a recording.
 */
export function param<V extends ParamValue>(name: string, value: V, options: ParamOptions = {}): Param<Widened<V>> {
  return new Param<Widened<V>>({ name, value: value as Widened<V> & V, ...options })
}
