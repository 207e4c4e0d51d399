/**
 * All aggregates of one window and where their parts lie: each key owns `stride` numbers of a Float64Array, the first is its row
 * count, and `boxStride` places of an array for what is more than numbers.
 *
 * null and undefined are skipped by all but `count`; NaN is left out and reported (rules.md 14). An aggregate without any value
 * gives null.
 */
import type { Boxed } from './boxed.ts'
import { NUMERIC } from './numeric.ts'

/** Numbers and boxes of many keys, by slot. */
export interface Store {
  fields: Float64Array
  boxes: unknown[]
}

/** One aggregate of a layout: numbers, or a box. */
export type Part = { readonly numeric: keyof typeof NUMERIC } | { readonly boxed: Boxed }

/** What the aggregates get of one record, by aggregate. */
export interface Values {
  readonly numbers: Float64Array
  /** Values of boxed aggregates. */
  readonly boxed: unknown[]
  /** 1: the aggregate takes no value of this row. */
  readonly skipped: Uint8Array
}

type AddNumbers = (f: Float64Array, at: number, v: Float64Array, skipped: Uint8Array, w: number) => void
type MergeNumbers = (f: Float64Array, at: number, g: Float64Array, from: number) => void
type Results = (values: unknown[], f: Float64Array, at: number) => void

interface Box {
  readonly aggregate: number
  readonly boxed: Boxed
}

export class Layout {
  readonly parts: readonly Part[]
  readonly stride: number
  readonly boxStride: number
  /** First number of each aggregate, counted from the row count; −1 for boxes. */
  readonly offsets: readonly number[]
  /** Every aggregate can take a row back. */
  readonly takesBack: boolean
  private readonly boxes: readonly Box[]
  private readonly start: readonly number[]
  private readonly addNumbers: AddNumbers
  private readonly mergeNumbers: MergeNumbers
  private readonly numericResults: Results

  constructor(parts: readonly Part[]) {
    this.parts = parts
    const offsets: number[] = []
    const start: number[] = [0]
    for (const part of parts) {
      offsets.push('numeric' in part ? start.length : -1)
      if ('numeric' in part) start.push(...NUMERIC[part.numeric].start)
    }
    this.offsets = offsets
    this.start = start
    this.stride = start.length
    this.boxes = parts.flatMap((part, aggregate) => ('boxed' in part ? [{ aggregate, boxed: part.boxed }] : []))
    this.boxStride = this.boxes.length
    this.takesBack = parts.every(part => ('numeric' in part ? NUMERIC[part.numeric].takesBack : part.boxed.takesBack))
    this.addNumbers = this.generate('f, at, v, skipped, w', 'f[at] += w', (numeric, o, a) =>
      numeric.add === '' ? '' : `if (skipped[${a}] === 0) { const o = at + ${o}, x = v[${a}]; ${numeric.add} }`,
    ) as AddNumbers
    this.mergeNumbers = this.generate('f, at, g, from', 'f[at] += g[from]', (numeric, o) =>
      numeric.merge === '' ? '' : `{ const o = at + ${o}, p = from + ${o}; ${numeric.merge} }`,
    ) as MergeNumbers
    this.numericResults = this.generate('values, f, at', 'const rows = f[at]', (numeric, o, a) => {
      return `{ const o = at + ${o}; values[values.length - ${parts.length - a}] = ${numeric.result} }`
    }) as Results
  }

  /** An empty store of one slot. */
  single(): Store {
    const store: Store = { fields: new Float64Array(this.stride), boxes: new Array<unknown>(this.boxStride) }
    this.init(store, 0)
    return store
  }

  /** The slot holds nothing. */
  init(store: Store, slot: number): void {
    const { start, boxes } = this
    const at = slot * start.length
    for (let i = 0; i < start.length; i++) store.fields[at + i] = start[i] as number
    for (let b = 0; b < boxes.length; b++) store.boxes[slot * boxes.length + b] = (boxes[b] as Box).boxed.fresh()
  }

  add(store: Store, slot: number, values: Values, weight: number, order: number): void {
    this.addNumbers(store.fields, slot * this.stride, values.numbers, values.skipped, weight)
    const { boxes } = this
    for (let b = 0; b < boxes.length; b++) {
      const { aggregate, boxed } = boxes[b] as Box
      if (values.skipped[aggregate] !== 0) continue
      const at = slot * boxes.length + b
      store.boxes[at] = boxed.add(store.boxes[at], values.boxed[aggregate], weight, order)
    }
  }

  /** Adds a slot of `from`, whose records came later. */
  merge(into: Store, slot: number, from: Store, fromSlot: number): void {
    this.mergeNumbers(into.fields, slot * this.stride, from.fields, fromSlot * this.stride)
    const { boxes } = this
    for (let b = 0; b < boxes.length; b++) {
      const at = slot * boxes.length + b
      into.boxes[at] = (boxes[b] as Box).boxed.merge(into.boxes[at], from.boxes[fromSlot * boxes.length + b])
    }
  }

  /** Appends the results of all aggregates. */
  results(values: unknown[], store: Store, slot: number): void {
    const { boxes, parts } = this
    const first = values.length
    for (let a = 0; a < parts.length; a++) values.push(null)
    this.numericResults(values, store.fields, slot * this.stride)
    for (let b = 0; b < boxes.length; b++) {
      const { aggregate, boxed } = boxes[b] as Box
      values[first + aggregate] = boxed.result(store.boxes[slot * boxes.length + b])
    }
  }

  rowCount(store: Store, slot: number): number {
    return store.fields[slot * this.stride] as number
  }

  /** Bytes of `count` slots; boxes are sampled. */
  bytes(store: Store, count: number): number {
    const bytes = count * this.stride * 8
    if (this.boxStride === 0 || count === 0) return bytes
    const looked = Math.min(count, 32)
    let boxBytes = 0
    for (let k = 0; k < looked; k++) {
      const slot = Math.floor((k * count) / looked)
      this.boxes.forEach(({ boxed }, b) => {
        boxBytes += boxed.bytes(store.boxes[slot * this.boxStride + b])
      })
    }
    return bytes + Math.round((boxBytes / looked) * count)
  }

  private generate(
    parameters: string,
    head: string,
    body: (numeric: (typeof NUMERIC)[keyof typeof NUMERIC], offset: number, aggregate: number) => string,
  ): unknown {
    const lines = this.parts.map((part, a) =>
      'numeric' in part ? body(NUMERIC[part.numeric], this.offsets[a] as number, a) : '',
    )
    // The text is made of this file's own words and numbers: straight code per layout is what makes an aggregate as fast as by hand.
    // oxlint-disable-next-line typescript/no-implied-eval
    return new Function(...parameters.split(', '), [head, ...lines].join('\n'))
  }
}
