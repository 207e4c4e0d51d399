/** Keys of both sides of a join as ids of one table, so that rows match where ids are equal. null equals nothing. */
import type { Batch } from '../../model.ts'
import { KeyTable } from '../../state/key-table.ts'
import type { KeyTableState } from '../../state/key-table.ts'
import { metaOf } from '../operator.ts'
import type { StageContext } from '../operator.ts'
import type { NamedReader } from '../row-reader.ts'
import { TOMBSTONE } from '../tombstone.ts'
import type { Side } from './two-inputs.ts'

/** The row has no key: null or undefined in a column. */
export const NO_KEY = -1
/** The row was refused: its key could not be read. */
export const REFUSED = -2

export class JoinKeys {
  private readonly readers: readonly [readonly NamedReader[], readonly NamedReader[]]
  private readonly context: StageContext
  private readonly table: KeyTable
  private readonly values: unknown[]

  constructor(left: readonly NamedReader[], right: readonly NamedReader[], context: StageContext) {
    this.readers = [left, right]
    this.context = context
    this.table = new KeyTable(left.length)
    this.values = new Array(left.length)
  }

  read(side: Side, batch: Batch, i: number): number {
    const readers = this.readers[side]
    const row = batch.rows[i]
    if (row === TOMBSTONE) return this.ofRecordKey(batch, i)
    let at = readers[0] as NamedReader
    try {
      if (readers.length === 1) {
        const value = at.lambda?.wantsMeta === true ? at.lambda.call(row, metaOf(batch, i)) : at.read(row)
        this.context.passed()
        return value === null || value === undefined ? NO_KEY : this.table.intern1(value)
      }
      let none = false
      for (let c = 0; c < readers.length; c++) {
        at = readers[c] as NamedReader
        const value = at.lambda?.wantsMeta === true ? at.lambda.call(row, metaOf(batch, i)) : at.read(row)
        if (value === null || value === undefined) none = true
        this.values[c] = value
      }
      this.context.passed()
      return none ? NO_KEY : this.table.intern(this.values)
    } catch (error) {
      if (at.lambda !== undefined) this.context.threw(batch, i, error, at.lambda)
      else this.context.refuse(batch, i, error instanceof Error ? error.message : String(error))
      return REFUSED
    }
  }

  /** For error texts. */
  text(id: number): string {
    const values = this.readers[0].map((_, c) => this.table.valueOf(id, c))
    return JSON.stringify(values.length === 1 ? values[0] : values, (_name, part: unknown) =>
      typeof part === 'bigint' ? `${part}n` : part,
    )
  }

  /** Of a row that is held; undefined without a key. */
  valueOf(id: number): unknown {
    if (id === NO_KEY) return undefined
    const values = this.readers[0].map((_, c) => this.table.valueOf(id, c))
    return values.length === 1 ? values[0] : values
  }

  ranks(): Int32Array {
    return this.table.ranks()
  }

  hold(id: number): void {
    this.table.hold(id)
  }

  release(id: number): void {
    this.table.release(id)
  }

  /** A key that was only looked up must not stay for ever. */
  glance(id: number): void {
    this.table.hold(id)
    this.table.release(id)
  }

  bytes(): number {
    return this.table.bytes()
  }

  get width(): number {
    return this.readers[0].length
  }

  snapshot(): KeyTableState {
    return this.table.snapshot()
  }

  restore(state: KeyTableState): void {
    this.table.restore(state)
  }

  /** A tombstone has no row: the record's own key stands for the columns. */
  private ofRecordKey(batch: Batch, i: number): number {
    const key: unknown = batch.origin?.keys?.[i]
    const readers = this.readers[1]
    const fields = fieldsOf(key)
    if (readers.length === 1) {
      const { name } = readers[0] as NamedReader
      const value = fields !== undefined && name in fields ? fields[name] : this.asKnown(key)
      return value === null || value === undefined ? NO_KEY : this.table.intern1(value)
    }
    readers.forEach(({ name }, c) => (this.values[c] = fields?.[name]))
    if (!this.values.some(value => value === null || value === undefined)) return this.table.intern(this.values)
    const names = readers.map(({ name }) => name).join(', ')
    this.context.refuse(batch, i, `null value (tombstone): its key does not say which ${names} is deleted`)
    return REFUSED
  }

  /** Keys of records are mostly written as text: that of a number stands for the number, where rows have it. */
  private asKnown(key: unknown): unknown {
    if (typeof key !== 'string') return key
    const number = Number(key)
    if (String(number) === key && this.table.knows(number)) return number
    if (/^-?\d+$/.test(key) && this.table.knows(BigInt(key))) return BigInt(key)
    if ((key === 'true' || key === 'false') && this.table.knows(key === 'true')) return key === 'true'
    return key
  }
}

/** A key of several fields, which JSON topics have as text. */
function fieldsOf(key: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof key === 'object' && key !== null) return key as Record<string, unknown>
  if (typeof key !== 'string' || !key.startsWith('{')) return undefined
  try {
    return JSON.parse(key) as Record<string, unknown>
  } catch {
    return undefined
  }
}
