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
type AddRun = (f: Float64Array, slots: Int32Array, count: number, v: readonly (Float64Array | undefined)[]) => void
type ResultRun = (column: unknown[], f: Float64Array, slots: Int32Array, count: number) => void
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
  private readonly addNumbersOfRun: AddRun
  private readonly resultRuns: readonly (ResultRun | undefined)[]

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
    this.addNumbersOfRun = this.generateRun()
    this.resultRuns = parts.map((part, a) => ('numeric' in part ? this.generateResult(part.numeric, a) : undefined))
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

  /** `add` for many records of numbers: one slot and one number of each aggregate for each; NaN is no value. Not with boxes. */
  addRun(store: Store, slots: Int32Array, count: number, numbers: readonly (Float64Array | undefined)[]): void {
    this.addNumbersOfRun(store.fields, slots, count, numbers)
  }

  /** Appends the results of one aggregate for `count` slots. */
  resultRun(aggregate: number, column: unknown[], store: Store, slots: Int32Array, count: number): void {
    const numeric = this.resultRuns[aggregate]
    if (numeric !== undefined) return numeric(column, store.fields, slots, count)
    const b = this.boxes.findIndex(box => box.aggregate === aggregate)
    const { boxed } = this.boxes[b] as Box
    for (let r = 0; r < count; r++) column.push(boxed.result(store.boxes[(slots[r] as number) * this.boxStride + b]))
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

  private generateRun(): AddRun {
    const used = this.parts.flatMap((part, a) =>
      'numeric' in part && NUMERIC[part.numeric].add !== '' ? [{ a, add: NUMERIC[part.numeric].add }] : [],
    )
    const adds = used.map(
      ({ a, add }) => `{ const o = at + ${this.offsets[a]}, x = v${a}[r]; if (x === x) { ${add} } }`,
    )
    // oxlint-disable-next-line typescript/no-implied-eval -- as below
    return new Function(
      'f',
      'slots',
      'count',
      'v',
      `${used.map(({ a }) => `const v${a} = v[${a}]`).join('\n')}
      const w = 1
      for (let r = 0; r < count; r++) { const at = slots[r] * ${this.stride}; f[at] += 1; ${adds.join('; ')} }`,
    ) as AddRun
  }

  private generateResult(kind: keyof typeof NUMERIC, aggregate: number): ResultRun {
    // oxlint-disable-next-line typescript/no-implied-eval -- as below
    return new Function(
      'column',
      'f',
      'slots',
      'count',
      `for (let r = 0; r < count; r++) {
        const at = slots[r] * ${this.stride}, rows = f[at], o = at + ${this.offsets[aggregate]}
        column.push(${NUMERIC[kind].result})
      }`,
    ) as ResultRun
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
