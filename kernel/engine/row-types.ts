/** Learns the columns of a stream from its first rows, for completion and listings. */
import type { ColumnType } from '../../stream/model.ts'
import { inferColumns } from '../../stream/schemas/infer.ts'

const SAMPLE_ROWS = 200

export class RowTypes {
  private sample: unknown[] = []
  private full = false
  private known: readonly ColumnType[] | undefined

  see(rows: readonly unknown[]): void {
    if (this.full) return
    this.sample.push(...rows.slice(0, SAMPLE_ROWS - this.sample.length))
    this.known = undefined
    this.full = this.sample.length >= SAMPLE_ROWS
  }

  columns(): readonly ColumnType[] {
    if (this.known !== undefined) return this.known
    this.known = inferColumns(this.sample)
    // Rows are let go of once nothing more can be learnt from them.
    if (this.full) this.sample = []
    return this.known
  }
}
