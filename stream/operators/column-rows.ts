/** Collects rows as columns while an operator handles one batch: the rows are made when somebody looks, if anybody does. */
import type { Batch, Columns } from '../model.ts'
import { columnBatch } from './columns.ts'
import { emptyBatch } from './operator.ts'

export class ColumnRows {
  private readonly names: readonly string[]
  private columns: unknown[][]
  private eventTimes: number[] = []
  private before: number[] = []

  constructor(names: readonly string[]) {
    this.names = names
    this.columns = names.map(() => [])
  }

  /** Values in the order of the names; `beforeMs` is the watermark of the output just before this row. */
  add(values: readonly unknown[], eventTimeMs: number, beforeMs: number): void {
    const { columns } = this
    for (let c = 0; c < columns.length; c++) (columns[c] as unknown[]).push(values[c])
    this.eventTimes.push(eventTimeMs)
    // A watermark never goes back, also not by a row made for an earlier window end.
    const last = this.before.length === 0 ? -Infinity : (this.before[this.before.length - 1] as number)
    this.before.push(beforeMs < last ? last : beforeMs)
  }

  /** Appends `count` rows of one instant: `fill` appends the values of each column. */
  addRun(count: number, eventTimeMs: number, beforeMs: number, fill: (columns: readonly unknown[][]) => void): void {
    fill(this.columns)
    const last = this.before.length === 0 ? -Infinity : (this.before[this.before.length - 1] as number)
    const before = beforeMs < last ? last : beforeMs
    for (let r = 0; r < count; r++) {
      this.eventTimes.push(eventTimeMs)
      this.before.push(before)
    }
  }

  take(watermarkMs: number): Batch {
    const count = this.eventTimes.length
    if (count === 0) return emptyBatch(watermarkMs)
    const { names, columns } = this
    const batch = columnBatch({
      count,
      columns: Object.fromEntries(names.map((name, c) => [name, columns[c]])) as Columns,
      eventTimesMs: Float64Array.from(this.eventTimes),
      beforeMs: Float64Array.from(this.before),
      watermarkMs,
    })
    this.columns = names.map(() => [])
    this.eventTimes = []
    this.before = []
    return batch
  }
}
