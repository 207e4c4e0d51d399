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

/** Batches of both sides may be on their way to a consumer. */
const MOST_SPARES = 4

interface Arrays {
  readonly columns: readonly Column[]
  readonly times: Float64Array
  readonly steps: Steps
}

/** The watermark before rows: from row `rows[i]` on it is `watermarksMs[i]`. */
interface Steps {
  rows: Int32Array
  watermarksMs: Float64Array
}

export interface PairColumnsParts {
  readonly names: readonly string[]
  readonly kinds: readonly PairKind[]
  /** For pairs that lack a row: the loops are made for pairs. */
  readonly lambda: Lambda
  readonly context: StageContext
}

/** Rows `first` to `end`, which left while the watermark of a side rose with its batch from `watermarkMs` to `ceilingMs` at most. */
interface Along {
  readonly first: number
  readonly end: number
  readonly batch: Batch
  readonly watermarkMs: number
  readonly ceilingMs: number
}

export class PairColumns implements Output {
  count = 0
  capacity = SMALLEST
  columns: Column[]
  times: Float64Array = new Float64Array(SMALLEST)
  private readonly parts: PairColumnsParts
  /** Arrays whose consumers are done with them. */
  private spares: Arrays[] = []
  private steps = stepsFrom(-Infinity)
  private stepCount = 1
  private along: Along | undefined
  /** Rows of the batch before. */
  private lastCount = 0
  /** Values a column of numbers cannot hold: column, row, value. */
  private odd: { readonly column: number; readonly row: number; readonly value: unknown }[] = []

  constructor(parts: PairColumnsParts) {
    this.parts = parts
    this.columns = parts.kinds.map(kind => columnOf(kind, SMALLEST))
  }

  set beforeMs(beforeMs: number) {
    const { steps, count } = this
    const last = this.stepCount - 1
    if (steps.rows[last] === count) steps.watermarksMs[last] = beforeMs
    else {
      if (this.stepCount === steps.rows.length) growSteps(steps)
      steps.rows[this.stepCount] = count
      steps.watermarksMs[this.stepCount++] = beforeMs
    }
  }

  get beforeMs(): number {
    return this.steps.watermarksMs[this.stepCount - 1] as number
  }

  /** Rows that follow: `counts[i]` of them each, for the first `many` of `counts`, leave under watermark `watermarksMs[i]`. */
  leave(counts: Int32Array, watermarksMs: Float64Array, many: number): void {
    const { steps } = this
    let row = this.count
    let last = this.stepCount - 1
    let stepMs = steps.watermarksMs[last] as number
    while (steps.rows.length < last + 1 + many) growSteps(steps)
    const { rows, watermarksMs: stepsMs } = steps
    for (let i = 0; i < many; i++) {
      const rowCount = counts[i] as number
      if (rowCount === 0) continue
      const beforeMs = watermarksMs[i] as number
      if (beforeMs !== stepMs) {
        if (rows[last] !== row) last++
        rows[last] = row
        stepsMs[last] = stepMs = beforeMs
      }
      row += rowCount
    }
    this.stepCount = last + 1
  }

  /**
   * The rows from `first` on are in the order of their times, and have left while the watermark went along with a batch: the one
   * before each of them is worked out when somebody looks.
   */
  followed(first: number, { batch, watermarkMs, ceilingMs }: Omit<Along, 'first' | 'end'>): void {
    if (this.count > first) this.along = { first, end: this.count, batch, watermarkMs, ceilingMs }
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
    const { count, times, columns, steps, stepCount, odd, along, beforeMs } = this
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
        return (befores ??= beforesOf(steps, stepCount, { count, times, along }))
      },
      watermarkMs,
      release: () => {
        if (this.spares.length < MOST_SPARES) this.spares.push({ columns, times, steps })
      },
    })
    this.odd = []
    this.along = undefined
    this.count = 0
    // The next batch of this side is mostly as large, and sides take turns: memory is not worth growing into again.
    let capacity = SMALLEST
    while (capacity < count || capacity < this.lastCount) capacity *= 2
    this.lastCount = count
    const spare = this.renew(capacity)
    this.steps = stepsFrom(beforeMs, spare?.steps)
    this.stepCount = 1
    return batch
  }

  private put(column: number, value: unknown): void {
    const values = this.columns[column] as Column
    values[this.count] = value as number
    if (!Array.isArray(values) && !Object.is(values[this.count], value)) this.putOdd(column, this.count, value)
  }

  private renew(capacity: number): Arrays | undefined {
    const { spares } = this
    const at = spares.findIndex(({ times: { length } }) => length >= capacity && length <= capacity * 4)
    const spare = at < 0 ? undefined : spares[at]
    // Those of another size are not what is needed now.
    this.spares = at < 0 ? [] : spares.slice(at + 1)
    this.capacity = spare?.times.length ?? capacity
    this.times = spare?.times ?? new Float64Array(capacity)
    this.columns = this.parts.kinds.map((kind, c) => {
      const column = spare?.columns[c]
      return column === undefined || Array.isArray(column) ? columnOf(kind, capacity) : column
    })
    return spare
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

function stepsFrom(
  beforeMs: number,
  steps: Steps = { rows: new Int32Array(SMALLEST), watermarksMs: new Float64Array(SMALLEST) },
): Steps {
  steps.rows[0] = 0
  steps.watermarksMs[0] = beforeMs
  return steps
}

function growSteps(steps: Steps): void {
  const { rows, watermarksMs } = steps
  steps.rows = new Int32Array(rows.length * 2)
  steps.rows.set(rows)
  steps.watermarksMs = new Float64Array(rows.length * 2)
  steps.watermarksMs.set(watermarksMs)
}

function beforesOf({ rows, watermarksMs }: Steps, stepCount: number, { count, times, along }: Taken): Float64Array {
  const befores = new Float64Array(count)
  for (let s = 0; s < stepCount; s++) {
    befores.fill(watermarksMs[s] as number, rows[s], s + 1 < stepCount ? rows[s + 1] : count)
  }
  if (along !== undefined) follow(befores, times, along)
  return befores
}

interface Taken {
  readonly count: number
  readonly times: Float64Array
  readonly along: Along | undefined
}

/** A row leaves when the watermark reaches it: the newest one below its time was before it. */
function follow(
  befores: Float64Array,
  times: Float64Array,
  { first, end, batch, watermarkMs, ceilingMs }: Along,
): void {
  const { beforeMs, count } = batch
  let reachedMs = watermarkMs
  let e = 0
  for (let n = first; n < end; n++) {
    for (; e < count; e++) {
      const nextMs = Math.min(beforeMs[e] as number, ceilingMs)
      if (nextMs >= (times[n] as number)) break
      if (nextMs > reachedMs) reachedMs = nextMs
    }
    befores[n] = reachedMs
  }
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
