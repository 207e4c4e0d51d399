/**
 * Key and values of a record for keyed aggregation. What may throw or refuse happens here, before any state is touched: a record
 * is added as a whole or not at all. (An `add` of the user's own runs later; when it throws, its aggregate leaves the record out.)
 */
import type { Batch } from '../model.ts'
import type { Layout, Store, Values } from '../aggregates/layout.ts'
import type { KeyTable } from '../state/key-table.ts'
import type { Lambda, StageContext } from './operator.ts'
import { metaOf } from './operator.ts'

export interface NamedReader {
  readonly name: string
  readonly read: (row: unknown) => unknown
  /** The field it reads, when it is one. */
  readonly field?: string | undefined
  /** Set when `read` is a lambda of the user's. */
  readonly lambda?: Lambda | undefined
}

/** What an aggregate takes of a row. */
export interface InputReader extends NamedReader {
  /** What is kept must be a number; text and NaN are left out and reported. */
  readonly numbers: boolean
  /** The value goes on as it is, null and undefined too: rows for the user's own aggregates. */
  readonly whole?: boolean | undefined
  /** Makes of the value and its row what the aggregate keeps. */
  readonly wrap?: ((value: unknown, batch: Batch, i: number) => unknown) | undefined
  /** The user's own `add`, for error texts. */
  readonly custom?: Lambda | undefined
}

/** What a record has instead, for a misspelt name. */
function fieldsOf(row: unknown): string {
  return typeof row === 'object' && row !== null ? ` (it has ${Object.keys(row).slice(0, 12).join(', ')})` : ''
}

export class RowReader implements Values {
  readonly numbers: Float64Array
  readonly boxed: unknown[]
  readonly skipped: Uint8Array
  readonly keys: readonly NamedReader[]
  readonly inputs: readonly (InputReader | undefined)[]
  private readonly layout: Layout
  private readonly context: StageContext
  private readonly keyValues: unknown[]
  private readonly custom: Lambda | undefined
  private batch: Batch | undefined
  /** Names told about: keys without a value, fields that are not there. */
  private readonly told = new Set<string>()
  private index = 0

  constructor(
    keys: readonly NamedReader[],
    inputs: readonly (InputReader | undefined)[],
    layout: Layout,
    context: StageContext,
  ) {
    this.keys = keys
    this.inputs = inputs
    this.layout = layout
    this.context = context
    this.numbers = new Float64Array(inputs.length)
    this.boxed = new Array<unknown>(inputs.length)
    this.skipped = new Uint8Array(inputs.length)
    this.keyValues = new Array(keys.length)
    this.custom = inputs.find(input => input?.custom !== undefined)?.custom
  }

  /** Reads row i and gives its key's id, −1 when the record was refused. */
  read(batch: Batch, i: number, table: KeyTable): number {
    let at: NamedReader | undefined
    try {
      const row = batch.rows[i]
      const { inputs, keys } = this
      this.batch = batch
      this.index = i
      for (let a = 0; a < inputs.length; a++) {
        const input = inputs[a]
        at = input
        if (input === undefined) continue
        const value = input.lambda?.wantsMeta === true ? input.lambda.call(row, metaOf(batch, i)) : input.read(row)
        if (typeof value === 'number' && value === value) {
          this.numbers[a] = value
          this.skipped[a] = 0
          if (this.layout.boxStride > 0) this.boxed[a] = input.wrap === undefined ? value : input.wrap(value, batch, i)
        } else this.readOther(a, input, value, batch, i)
      }
      if (!this.layout.takesBack && batch.weights?.[i] === -1) {
        this.context.refuse(batch, i, 'these aggregates cannot take back a row that was retracted')
        return -1
      }
      if (keys.length === 1) {
        at = keys[0] as NamedReader
        const key = at.lambda?.wantsMeta === true ? at.lambda.call(row, metaOf(batch, i)) : at.read(row)
        this.seeKey(at, key, row)
        this.context.passed()
        return table.intern1(key)
      }
      for (let k = 0; k < keys.length; k++) {
        at = keys[k] as NamedReader
        const key = at.lambda?.wantsMeta === true ? at.lambda.call(row, metaOf(batch, i)) : at.read(row)
        this.keyValues[k] = key
        this.seeKey(at, key, row)
      }
      this.context.passed()
      return table.intern(this.keyValues)
    } catch (error) {
      this.refuse(at, error, batch, i)
      return -1
    }
  }

  /** A value of input `a` that is no plain number as one: NaN when it is left out, which was told where it has to be. */
  numberOf(a: number, value: unknown, batch: Batch, i: number): number {
    this.readOther(a, this.inputs[a] as InputReader, value, batch, i)
    return this.skipped[a] === 1 ? NaN : (this.numbers[a] as number)
  }

  /** Tells once that a record has no key. */
  seeKey(reader: NamedReader, key: unknown, row: unknown): void {
    if (key === null || key === undefined || key === '') this.tellEmptyKey(reader, key, row)
  }

  /** Reading the record failed at a reader. */
  refuse(at: NamedReader | undefined, error: unknown, batch: Batch, i: number): void {
    if (at?.lambda !== undefined) this.context.threw(batch, i, error, at.lambda)
    else this.context.refuse(batch, i, error instanceof Error ? error.message : String(error))
  }

  /** Adds the values read last to a slot. */
  addTo(store: Store, slot: number, weight: number, order: number): void {
    if (this.custom === undefined) {
      this.layout.add(store, slot, this, weight, order)
      return
    }
    try {
      this.layout.add(store, slot, this, weight, order)
    } catch (error) {
      this.context.threw(this.batch as Batch, this.index, error, this.custom)
    }
  }

  private tellEmptyKey(reader: NamedReader, key: unknown, row: unknown): void {
    if (this.told.has(reader.name)) return
    this.told.add(reader.name)
    const what = key === '' ? 'empty text' : key === null ? 'null' : 'missing'
    this.context.notice?.(
      `The key "${reader.name}" is ${what} in a record; records without one form a group of their own${fieldsOf(row)}`,
    )
  }

  private tellMissing(name: string, field: string, row: unknown): void {
    if (this.told.has(`=${name}`) || typeof row !== 'object' || row === null || field in row) return
    this.told.add(`=${name}`)
    this.context.notice?.(
      `The field "${field}" of aggregate "${name}" is missing in a record; it is skipped${fieldsOf(row)}`,
    )
  }

  private readOther(a: number, input: InputReader, value: unknown, batch: Batch, i: number): void {
    if (input.whole === true) {
      this.skipped[a] = 0
      this.boxed[a] = input.wrap?.(value, batch, i) ?? value
      return
    }
    this.skipped[a] = 1
    if (value === undefined && input.field !== undefined) this.tellMissing(input.name, input.field, batch.rows[i])
    if (value === null || value === undefined) return
    const nan = typeof value === 'number'
    if (typeof value === 'bigint' || value instanceof Date) {
      const ms = Number(value)
      if (!Number.isNaN(ms)) {
        this.numbers[a] = ms
        this.boxed[a] = input.wrap?.(ms, batch, i) ?? (input.numbers ? ms : value)
        this.skipped[a] = 0
        return
      }
    } else if (!input.numbers && !nan) {
      this.boxed[a] = input.wrap?.(value, batch, i) ?? value
      this.skipped[a] = 0
      return
    }
    const shown =
      nan || value instanceof Date
        ? 'NaN'
        : typeof value === 'string'
          ? `text ${JSON.stringify(value.slice(0, 40))}`
          : `a value of type ${typeof value}`
    this.context.refuse(
      batch,
      i,
      `aggregate "${input.name}" got ${shown}, a number is needed; the value is left out`,
      false,
    )
  }
}
