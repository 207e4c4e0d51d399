/**
 * Key and values of a record for keyed aggregation. Everything that may throw or refuse happens here, before any state is
 * touched: a record is added as a whole or not at all.
 */
import type { Batch } from '../model.ts'
import type { Layout } from '../aggregates/accumulator.ts'
import type { KeyTable } from '../state/key-table.ts'
import type { Lambda, StageContext } from './operator.ts'
import { metaOf } from './operator.ts'

export interface NamedReader {
  readonly name: string
  readonly read: (row: unknown) => unknown
  /** Set when `read` is a lambda of the user's. */
  readonly lambda?: Lambda | undefined
}

export class RowReader {
  /** Value of each aggregate of the row read last. */
  readonly values: Float64Array
  /** 1: the aggregate takes no value of this row. */
  readonly skipped: Uint8Array
  private readonly keys: readonly NamedReader[]
  private readonly inputs: readonly (NamedReader | undefined)[]
  private readonly layout: Layout
  private readonly context: StageContext
  private readonly keyValues: unknown[]
  private readonly retractable: boolean

  constructor(
    keys: readonly NamedReader[],
    inputs: readonly (NamedReader | undefined)[],
    layout: Layout,
    context: StageContext,
  ) {
    this.keys = keys
    this.inputs = inputs
    this.layout = layout
    this.context = context
    this.values = new Float64Array(inputs.length)
    this.skipped = new Uint8Array(inputs.length)
    this.keyValues = new Array(keys.length)
    this.retractable = layout.accumulators.every(a => a.takesBack)
  }

  /** Reads row i and gives its key's id, −1 when the record was refused. */
  read(batch: Batch, i: number, table: KeyTable): number {
    let at: NamedReader | undefined
    try {
      const row = batch.rows[i]
      const { inputs, keys } = this
      for (let a = 0; a < inputs.length; a++) {
        at = inputs[a]
        if (at === undefined) continue
        const value = at.lambda?.wantsMeta === true ? at.lambda.call(row, metaOf(batch, i)) : at.read(row)
        if (typeof value === 'number' && value === value) {
          this.values[a] = value
          this.skipped[a] = 0
        } else this.readOther(a, value, batch, i)
      }
      if (!this.retractable && batch.weights?.[i] === -1) {
        this.context.refuse(batch, i, 'min and max cannot take back a row that was retracted')
        return -1
      }
      if (keys.length === 1) {
        at = keys[0] as NamedReader
        const key = at.lambda?.wantsMeta === true ? at.lambda.call(row, metaOf(batch, i)) : at.read(row)
        this.context.passed()
        return table.intern1(key)
      }
      for (let k = 0; k < keys.length; k++) {
        at = keys[k] as NamedReader
        this.keyValues[k] = at.lambda?.wantsMeta === true ? at.lambda.call(row, metaOf(batch, i)) : at.read(row)
      }
      this.context.passed()
      return table.intern(this.keyValues)
    } catch (error) {
      if (at?.lambda !== undefined) this.context.threw(batch, i, error, at.lambda)
      else this.context.refuse(batch, i, error instanceof Error ? error.message : String(error))
      return -1
    }
  }

  /** Adds the values read last to a slot's fields. */
  addTo(fields: Float64Array, slot: number, weight: number): void {
    const { stride, offsets, accumulators } = this.layout
    const at = slot * stride
    fields[at] = (fields[at] as number) + weight
    for (let a = 0; a < accumulators.length; a++) {
      if (this.skipped[a] === 0)
        accumulators[a]?.add(fields, at + (offsets[a] as number), this.values[a] as number, weight)
    }
  }

  private readOther(a: number, value: unknown, batch: Batch, i: number): void {
    this.skipped[a] = 1
    if (value === null || value === undefined) return
    if (typeof value === 'bigint' || value instanceof Date) {
      const ms = Number(value)
      if (!Number.isNaN(ms)) {
        this.values[a] = ms
        this.skipped[a] = 0
        return
      }
    }
    const name = this.inputs[a]?.name ?? ''
    const shown =
      typeof value === 'number'
        ? 'NaN'
        : typeof value === 'string'
          ? `text ${JSON.stringify(value.slice(0, 40))}`
          : `a value of type ${typeof value}`
    this.context.refuse(batch, i, `aggregate "${name}" got ${shown}, a number is needed; the value is left out`, false)
  }
}
