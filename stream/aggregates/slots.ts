/** Aggregates of many keys: key id → slot → fields. One per slice, and one for a running aggregate. */
import type { Layout, Store } from './layout.ts'

export interface SlotsState {
  readonly count: number
  readonly keys: Int32Array
  readonly fields: Float64Array
  readonly boxes: readonly unknown[]
  readonly changed: Uint8Array
}

export class Slots implements Store {
  count = 0
  /** Key id of each slot. */
  keys = new Int32Array(16)
  fields: Float64Array
  boxes: unknown[] = []
  /** 1 when the slot changed since early rows were sent. */
  changed = new Uint8Array(16)
  private readonly layout: Layout
  /** Slot + 1 by key id; 0 is none. */
  private index = new Int32Array(64)

  constructor(layout: Layout) {
    this.layout = layout
    this.fields = new Float64Array(16 * layout.stride)
  }

  /** Slot of a key, −1 when it has none. */
  find(keyId: number): number {
    return keyId < this.index.length ? (this.index[keyId] as number) - 1 : -1
  }

  /** A fresh slot for a key that has none. */
  add(keyId: number): number {
    if (keyId >= this.index.length) {
      const larger = new Int32Array(Math.max(keyId + 1, this.index.length * 2))
      larger.set(this.index)
      this.index = larger
    }
    const slot = this.count++
    if (slot >= this.keys.length) this.grow()
    this.index[keyId] = slot + 1
    this.keys[slot] = keyId
    this.changed[slot] = 0
    this.layout.init(this, slot)
    return slot
  }

  /** Slots of many keys; `fresh` is told the keys that got one. */
  slotsOf(ids: Int32Array, count: number, slots: Int32Array, fresh: (keyId: number) => void): void {
    let { index } = this
    for (let r = 0; r < count; r++) {
      const keyId = ids[r] as number
      const slot = keyId < index.length ? (index[keyId] as number) - 1 : -1
      if (slot >= 0) {
        slots[r] = slot
        continue
      }
      slots[r] = this.add(keyId)
      fresh(keyId)
      index = this.index
    }
  }

  /** Adds every key of `other`. */
  mergeFrom(other: Slots): void {
    for (let from = 0; from < other.count; from++) this.mergeSlot(other, from)
  }

  /** Adds one key of `other`, if it is there. */
  mergeKey(other: Slots, keyId: number): void {
    const from = other.find(keyId)
    if (from >= 0) this.mergeSlot(other, from)
  }

  clear(): void {
    for (let slot = 0; slot < this.count; slot++) this.index[this.keys[slot] as number] = 0
    this.count = 0
    this.boxes = []
  }

  bytes(): number {
    const { index, keys, changed, fields, layout, count } = this
    const boxes = layout.boxStride === 0 ? 0 : layout.bytes(this, count) - count * layout.stride * 8
    return index.byteLength + keys.byteLength + fields.byteLength + changed.byteLength + boxes
  }

  snapshot(): SlotsState {
    return {
      count: this.count,
      keys: this.keys.slice(0, this.count),
      fields: this.fields.slice(0, this.count * this.layout.stride),
      boxes: this.boxes.slice(0, this.count * this.layout.boxStride),
      changed: this.changed.slice(0, this.count),
    }
  }

  restore(state: SlotsState): void {
    this.clear()
    for (const keyId of state.keys) this.add(keyId)
    this.fields.set(state.fields)
    this.boxes = state.boxes.slice()
    this.changed.set(state.changed)
  }

  private mergeSlot(other: Slots, from: number): void {
    const keyId = other.keys[from] as number
    let slot = this.find(keyId)
    if (slot < 0) slot = this.add(keyId)
    this.layout.merge(this, slot, other, from)
  }

  private grow(): void {
    const keys = new Int32Array(this.keys.length * 2)
    keys.set(this.keys)
    this.keys = keys
    const changed = new Uint8Array(keys.length)
    changed.set(this.changed)
    this.changed = changed
    const fields = new Float64Array(keys.length * this.layout.stride)
    fields.set(this.fields)
    this.fields = fields
  }
}
