/**
 * One side of a join of columns: which of its columns the lambda reads, and where their values lie in a waiting row.
 *
 *   word 0: event time      ints 2…: what the join needs, then the whole numbers      then a word for each other number
 */
import type { Batch } from '../../model.ts'
import type { ColumnKind } from '../columns.ts'

export interface SideColumns {
  /** Column of the key: whole numbers. */
  readonly key: string
  /** Column of the event time, when it is one. */
  readonly time: string | undefined
  readonly kinds: Readonly<Record<string, ColumnKind>>
}

/** A column the lambda reads. */
interface Field {
  readonly name: string
  /** Text of its value in a waiting row at `s` of `I` and `F`; the key is `k`, the event time `u`. */
  readonly stored: string
  /** Text of its value in record `e` of a batch. */
  readonly arriving: string
  /** Text that puts the value of record `e` into the row at `s`; empty when the row has it anyway. */
  readonly fill: string
  readonly kind: ColumnKind
}

export class ColumnSide {
  readonly columns: SideColumns
  readonly fields: readonly Field[]
  /** Words of a waiting row. */
  readonly words: number
  /** Columns of a batch that are read, the key first. */
  private readonly read: readonly { readonly name: string; readonly kind: ColumnKind }[]

  /** `own`: integers of a row the join needs for itself, from integer 2 on. */
  constructor(columns: SideColumns, reads: readonly string[], own: number) {
    const { key, time, kinds } = columns
    this.columns = columns
    const payload = reads.filter(name => name !== key && name !== time)
    const ints = payload.filter(name => kinds[name] === 'int')
    const floats = payload.filter(name => kinds[name] !== 'int')
    const firstFloat = 1 + Math.ceil((own + ints.length) / 2)
    this.words = firstFloat + floats.length
    this.read = [{ name: key, kind: 'int' }, ...payload.map(name => ({ name, kind: kinds[name] as ColumnKind }))]
    this.fields = reads.map((name): Field => {
      const kind = kinds[name] as ColumnKind
      if (name === key) return { name, kind, stored: 'k', arriving: 'k', fill: '' }
      if (name === time) return { name, kind, stored: 'u', arriving: 't', fill: '' }
      const c = `c${payload.indexOf(name) + 1}`
      const stored =
        kind === 'int'
          ? `I[s * ${this.words * 2} + ${2 + own + ints.indexOf(name)}]`
          : `F[s * ${this.words} + ${firstFloat + floats.indexOf(name)}]`
      return { name, kind, stored, arriving: `${c}[e]`, fill: `${stored} = ${c}[e]` }
    })
  }

  /** Text that declares the columns of a batch. */
  get declared(): string {
    return this.read.map((_, n) => `const c${n} = cols[${n}]`).join('\n')
  }

  /** Kinds of the columns of a batch that are read, the key first. */
  get kinds(): readonly ColumnKind[] {
    return this.read.map(({ kind }) => kind)
  }

  /** Text that fills the row at `s` with record `e`. */
  get filled(): string {
    return this.fields
      .map(field => field.fill)
      .filter(text => text !== '')
      .join('; ')
  }

  /** Text of a row as the join keeps it: of record `e` with key `k` and time `t`, or stored with key `k` and time `u`. */
  rowText(of: 'arriving' | 'stored'): string {
    const { key, time, kinds } = this.columns
    const texts = new Map(this.fields.map(field => [field.name, field[of]]))
    texts.set(key, 'k')
    if (time !== undefined) texts.set(time, of === 'arriving' ? 't' : 'u')
    const names = Object.keys(kinds).filter(name => texts.has(name))
    return `({ ${names.map(name => `${JSON.stringify(name)}: ${texts.get(name)}`).join(', ')} })`
  }

  /** The columns of a batch, in the order they are declared; a filter may have made rows of them. */
  of(batch: Batch): readonly (Int32Array | Float64Array)[] {
    return this.read.map(({ name, kind }) => {
      const column =
        batch.columns?.[name] ?? Float64Array.from(batch.rows, row => (row as Record<string, number>)[name] as number)
      if (kind === 'int') return column instanceof Int32Array ? column : Int32Array.from(column as ArrayLike<number>)
      return column instanceof Float64Array ? column : Float64Array.from(column as ArrayLike<number>)
    })
  }
}

/** A text for arrays of other names: `I` and `F` are then `${prefix}I` and `${prefix}F`. */
export function prefixed(text: string, prefix: string): string {
  return text.replaceAll(/\b([IF])\[/g, `${prefix}$1[`)
}
