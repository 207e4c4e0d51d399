/** Rows a join gives, as columns: loops made for the lambda write into them, rows are made when somebody looks. */
import type { Batch, Columns } from '../../model.ts'
import { columnBatch } from '../columns.ts'
import { emptyBatch } from '../operator.ts'
import type { Lambda, StageContext } from '../operator.ts'
import { MOST_ROWS, tooManyPairs } from './rows.ts'
import type { Output } from './two-inputs.ts'

/** Of a column of the result: what its array can hold. */
export type PairKind = 'int' | 'float' | 'any'
type Column = Int32Array | Float64Array | unknown[]

const SMALLEST = 1024

export interface PairColumnsParts {
  readonly names: readonly string[]
  readonly kinds: readonly PairKind[]
  /** For pairs that lack a row: the loops are made for pairs. */
  readonly lambda: Lambda
  readonly context: StageContext
}

export class PairColumns implements Output {
  count = 0
  capacity = SMALLEST
  columns: Column[]
  times = new Float64Array(SMALLEST)
  private readonly parts: PairColumnsParts
  /** Watermark before a row and those after it, pairs of row and watermark. */
  private steps: number[] = [0, -Infinity]
  /** Values a column of numbers cannot hold: column, row, value. */
  private odd: { readonly column: number; readonly row: number; readonly value: unknown }[] = []

  constructor(parts: PairColumnsParts) {
    this.parts = parts
    this.columns = parts.kinds.map(kind => columnOf(kind, SMALLEST))
  }

  set beforeMs(beforeMs: number) {
    const { steps, count } = this
    if (steps[steps.length - 2] === count) steps[steps.length - 1] = beforeMs
    else steps.push(count, beforeMs)
  }

  get beforeMs(): number {
    return this.steps[this.steps.length - 1] as number
  }

  /** Makes room for so many rows more; the arrays are others afterwards. */
  reserve(rows: number): void {
    const wanted = this.count + rows
    if (wanted > MOST_ROWS) throw tooManyPairs()
    let { capacity } = this
    while (capacity < wanted) capacity *= 2
    const { columns, times, count } = this
    this.renew(capacity)
    this.times.set(times.subarray(0, count))
    this.columns.forEach((column, c) => copyInto(column, columns[c] as Column, count))
  }

  /** A row that the lambda makes of real rows: a pad. */
  addMade(left: unknown, right: unknown, eventTimeMs: number): void {
    const { lambda, context, names } = this.parts
    let row: unknown
    try {
      row = (lambda.call as (left: unknown, right: unknown) => unknown)(left, right)
    } catch (error) {
      context.threw(oneRow({ left, right }, eventTimeMs, this.beforeMs), 0, error, lambda)
      return
    }
    if (this.count === this.capacity) this.reserve(1)
    names.forEach((name, column) => this.put(column, (row as Record<string, unknown>)[name]))
    this.times[this.count++] = eventTimeMs
  }

  /** A value its column of numbers cannot hold. */
  putOdd(column: number, row: number, value: unknown): void {
    this.odd.push({ column, row, value })
  }

  take(watermarkMs: number): Batch {
    const { count, times, columns, steps, odd } = this
    if (count === 0) return emptyBatch(watermarkMs)
    const { names } = this.parts
    const full = Object.fromEntries(names.map((name, c) => [name, cut(columns[c] as Column, count)]))
    for (const { column, row, value } of odd) {
      const name = names[column] as string
      const values = full[name] as ArrayLike<unknown>
      full[name] = Array.isArray(values) ? values : Array.from(values)
      ;(full[name] as unknown[])[row] = value
    }
    let befores: Float64Array | undefined
    const batch = columnBatch({
      count,
      columns: full as Columns,
      eventTimesMs: times.subarray(0, count),
      get beforeMs() {
        return (befores ??= beforesOf(steps, count))
      },
      watermarkMs,
    })
    this.steps = [0, this.beforeMs]
    this.odd = []
    this.count = 0
    // The next batch is mostly as large: memory is not worth growing into again.
    let capacity = SMALLEST
    while (capacity < count) capacity *= 2
    this.renew(capacity)
    return batch
  }

  private put(column: number, value: unknown): void {
    const values = this.columns[column] as Column
    values[this.count] = value as number
    if (!Array.isArray(values) && !Object.is(values[this.count], value)) this.putOdd(column, this.count, value)
  }

  private renew(capacity: number): void {
    this.capacity = capacity
    this.times = new Float64Array(capacity)
    this.columns = this.parts.kinds.map(kind => columnOf(kind, capacity))
  }
}

function columnOf(kind: PairKind, capacity: number): Column {
  if (kind === 'any') return []
  return kind === 'int' ? new Int32Array(capacity) : new Float64Array(capacity)
}

function copyInto(column: Column, from: Column, count: number): void {
  if (Array.isArray(column)) for (let i = 0; i < count; i++) column.push(from[i])
  else column.set((from as Float64Array).subarray(0, count))
}

function cut(column: Column, count: number): ArrayLike<unknown> {
  return Array.isArray(column) ? column : column.subarray(0, count)
}

function beforesOf(steps: readonly number[], count: number): Float64Array {
  const befores = new Float64Array(count)
  for (let s = 0; s < steps.length; s += 2) {
    befores.fill(steps[s + 1] as number, steps[s] as number, steps[s + 2] ?? count)
  }
  return befores
}

function oneRow(row: unknown, eventTimeMs: number, beforeMs: number): Batch {
  return {
    count: 1,
    rows: [row],
    eventTimesMs: Float64Array.of(eventTimeMs),
    beforeMs: Float64Array.of(beforeMs),
    watermarkMs: beforeMs,
  }
}
