/**
 * Keys that hold partial matches, as dense integers. Most events of most keys begin nothing: a key is known only while it holds
 * something, so the table stays small where there are millions of keys.
 */
import { canonical } from '../state/key-table.ts'

export interface RunKeysState {
  readonly values: readonly (readonly [number, unknown])[]
}

export class RunKeys {
  private readonly ids = new Map<unknown, number>()
  private readonly values: unknown[] = []
  private free: number[] = []

  get count(): number {
    return this.ids.size
  }

  /** Undefined: the key holds nothing. */
  idOf(key: unknown): number | undefined {
    return this.ids.get(typeof key === 'object' || key === undefined ? canonical(key) : key)
  }

  add(key: unknown): number {
    const id = this.free.pop() ?? this.values.length
    this.values[id] = key
    this.ids.set(canonical(key), id)
    return id
  }

  remove(id: number): void {
    this.ids.delete(canonical(this.values[id]))
    this.values[id] = undefined
    this.free.push(id)
  }

  valueOf(id: number): unknown {
    return this.values[id]
  }

  snapshot(): RunKeysState {
    return { values: [...this.ids.values()].map(id => [id, this.values[id]] as const) }
  }

  restore(state: RunKeysState): void {
    const used = new Set<number>()
    for (const [id, value] of state.values) {
      this.ids.set(canonical(value), id)
      while (this.values.length <= id) this.values.push(undefined)
      this.values[id] = value
      used.add(id)
    }
    this.free = this.values.map((_, id) => id).filter(id => !used.has(id))
  }
}
