/** The params of the notebook: the checks are those of every runtime, changes are told to whoever must know. */
import type { ParamSpec } from '../../stream/targets/runtime.ts'
import { ParamTable } from '../../stream/targets/param-table.ts'

type Value = number | string | boolean

export class Params {
  private readonly table = new ParamTable()
  private readonly names = new Set<string>()
  private readonly changed: (name: string, value: Value) => void

  constructor(changed: (name: string, value: Value) => void) {
    this.changed = changed
  }

  /** Values of all params, for a stream that starts. */
  all(): Record<string, unknown> {
    return Object.fromEntries([...this.names].map(name => [name, this.table.value(name)]))
  }

  define(spec: ParamSpec): unknown {
    const before = this.table.value(spec.name)
    const value = this.table.define(spec)
    this.names.add(spec.name)
    if (value !== before) this.changed(spec.name, value as Value)
    return value
  }

  set(name: string, value: unknown): void {
    const before = this.table.value(name)
    this.table.set(name, value)
    if (value !== before) this.changed(name, value as Value)
  }

  /** Throws PARAM_INVALID. */
  shown(name: string): { spec: ParamSpec; value: Value } {
    return { spec: this.table.spec(name), value: this.table.value(name) as Value }
  }
}
