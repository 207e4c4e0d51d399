/** Batches as columns: rows are made only when somebody looks at them. */
import type { Batch, Columns } from '../model.ts'
import { loopFrom } from './compile.ts'
import { selectOrigin } from './operator.ts'

/** Kind of a column whose values are all numbers; undefined for any other. */
export type ColumnKind = 'int' | 'float'

export function kindOf(column: ArrayLike<unknown>): ColumnKind | undefined {
  if (column instanceof Float64Array || column instanceof Float32Array || column instanceof Uint32Array) return 'float'
  return ArrayBuffer.isView(column) && !(column instanceof BigInt64Array) && !(column instanceof BigUint64Array)
    ? 'int'
    : undefined
}

/** A batch whose rows are made of its columns. */
export function columnBatch(parts: Omit<Batch, 'rows'> & { readonly columns: Columns }): Batch {
  let made: readonly unknown[] | undefined
  // Own properties: copies of the batch keep them.
  return {
    count: parts.count,
    columns: parts.columns,
    get eventTimesMs() {
      return parts.eventTimesMs
    },
    get beforeMs() {
      return parts.beforeMs
    },
    run: parts.run,
    get watermarkMs() {
      return parts.watermarkMs
    },
    idle: parts.idle,
    weights: parts.weights,
    origin: parts.origin,
    release: parts.release,
    get rows() {
      return (made ??= rowsOf(parts.columns, parts.count))
    },
  }
}

/** A batch of columns in pieces, each with rows of its own. */
export function* partsOf(batch: Batch, size: number): Generator<Batch> {
  const { columns, watermarkMs, idle, count } = batch
  for (let from = 0; from < count; from += size) {
    const to = Math.min(count, from + size)
    const entries = Object.entries(columns ?? {}).map(([name, column]) => [name, cutColumn(column, from, to)])
    yield columnBatch({
      count: to - from,
      columns: Object.fromEntries(entries) as Columns,
      get eventTimesMs() {
        return batch.eventTimesMs.subarray(from, to)
      },
      get beforeMs() {
        return batch.beforeMs.subarray(from, to)
      },
      // Between two pieces the watermark is what it was before the next row; not worth finding out for nobody.
      get watermarkMs() {
        return to === count ? watermarkMs : (batch.beforeMs[to] as number)
      },
      idle,
      weights: batch.weights?.subarray(from, to),
      origin: batch.origin === undefined ? undefined : selectOrigin(batch.origin, upFrom(from, to), to - from),
      // Its arrays are those of all pieces.
      release: to === count ? batch.release : undefined,
    })
  }
}

function upFrom(from: number, to: number): Int32Array {
  const indices = new Int32Array(to - from)
  for (let i = 0; i < indices.length; i++) indices[i] = from + i
  return indices
}

/** Values `from` to `to` of a column; typed ones share their memory. */
export function cutColumn(column: ArrayLike<unknown>, from: number, to: number): ArrayLike<unknown> {
  if (Array.isArray(column)) return column.slice(from, to)
  // Every ArrayBufferView that is a list of values has it.
  if (ArrayBuffer.isView(column)) return (column as unknown as Float64Array).subarray(from, to)
  return Array.from({ length: to - from }, (_, i) => column[from + i])
}

const makers = new Map<string, (columns: Columns, count: number) => unknown[]>()

export function rowsOf(columns: Columns, count: number): unknown[] {
  const names = Object.keys(columns)
  const shape = JSON.stringify(names)
  let make = makers.get(shape)
  if (make === undefined) {
    const columnNames = names.map((name, i) => `c${i} = columns[${JSON.stringify(name)}]`).join(', ')
    const properties = names.map((name, i) => `[${JSON.stringify(name)}]: c${i}[i]`).join(', ')
    make = new Function(
      'columns',
      'count',
      `${names.length === 0 ? '' : `const ${columnNames};`} const rows = new Array(count)
      for (let i = 0; i < count; i++) rows[i] = { ${properties} }
      return rows`,
    ) as (columns: Columns, count: number) => unknown[]
    makers.set(shape, make)
  }
  return make(columns, count)
}

/** Gives the row at a place of the columns, a new object each time. */
export function rowAtOf(columns: Columns): (i: number) => unknown {
  const names = Object.keys(columns)
  const columnNames = names.map((name, i) => `const c${i} = columns[${JSON.stringify(name)}]`).join('; ')
  const properties = names.map((name, i) => `[${JSON.stringify(name)}]: c${i}[i]`).join(', ')
  const make = loopFrom<(of: Columns) => (i: number) => unknown>(
    'columns',
    `${columnNames}; return i => ({ ${properties} })`,
  )
  return make(columns)
}

const takers = new Map<string, (rows: readonly unknown[]) => Columns>()

/** Columns of rows: the properties of the first row, as they are. */
export function columnsOfRows(rows: readonly unknown[]): Columns {
  const first = rows[0]
  if (typeof first !== 'object' || first === null) return { value: rows }
  const names = Object.keys(first)
  const shape = JSON.stringify(names)
  let take = takers.get(shape)
  if (take === undefined) {
    // One access per place in the text: a shared `row[name]` slows down with every further name.
    const arrays = names.map((_, i) => `c${i} = new Array(n)`).join(', ')
    const reads = names.map((name, i) => `c${i}[i] = row[${JSON.stringify(name)}]`).join('; ')
    const result = names.map((name, i) => `[${JSON.stringify(name)}]: c${i}`).join(', ')
    // oxlint-disable-next-line typescript/no-implied-eval -- only quoted names are put in
    take = new Function(
      'rows',
      `const n = rows.length${arrays === '' ? '' : `, ${arrays}`}
      for (let i = 0; i < n; i++) { const row = rows[i]; ${reads} }
      return { ${result} }`,
    ) as (rows: readonly unknown[]) => Columns
    takers.set(shape, take)
  }
  return take(rows)
}

/** Names of the columns of numbers, and whether there are no others. */
export function numericColumns(columns: Columns): { readonly names: ReadonlySet<string>; readonly whole: boolean } {
  const entries = Object.entries(columns)
  const names = new Set(entries.filter(([, column]) => kindOf(column) !== undefined).map(([name]) => name))
  return { names, whole: names.size === entries.length }
}

/** Chosen values of every column. */
export function selectColumns(columns: Columns, indices: Int32Array, count: number): Columns {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      if (column instanceof Float64Array) return [name, selectFloats(column, indices, count)]
      if (column instanceof Int32Array) return [name, selectInts(column, indices, count)]
      const chosen = blank(column, count)
      for (let k = 0; k < count; k++) chosen[k] = column[indices[k] as number]
      return [name, chosen]
    }),
  )
}

// One loop per kind of array: a loop that has seen several is several times slower.
export function selectFloats(column: Float64Array, indices: Int32Array, count: number): Float64Array {
  const chosen = new Float64Array(count)
  for (let k = 0; k < count; k++) chosen[k] = column[indices[k] as number] as number
  return chosen
}

function selectInts(column: Int32Array, indices: Int32Array, count: number): Int32Array {
  const chosen = new Int32Array(count)
  for (let k = 0; k < count; k++) chosen[k] = column[indices[k] as number] as number
  return chosen
}

function blank(column: ArrayLike<unknown>, count: number): { [index: number]: unknown; readonly length: number } {
  if (!ArrayBuffer.isView(column)) return new Array<unknown>(count)
  const Kind = column.constructor as unknown as new (length: number) => {
    [index: number]: unknown
    readonly length: number
  }
  return new Kind(count)
}

/**
 * A row that reads its columns at a place that moves: a lambda that only reads fields of its row need not have it made. The
 * text tells: the parameter stands before a dot and a column's name everywhere, and nothing is assigned to it.
 */
export interface RowView {
  readonly row: unknown
  /** Where it reads. */
  readonly place: { i: number }
  /** The columns it reads from now on. */
  turnTo(columns: Columns): void
}

/** Gives the view of a lambda for a batch's columns; made once, the columns of all batches of a stream being the same. */
export function viewOf(text: string | undefined): (columns: Columns | undefined) => RowView | undefined {
  let shape: string | undefined
  let view: RowView | undefined
  return columns => {
    if (columns === undefined || text === undefined) return undefined
    const names = Object.keys(columns).join('\n')
    if (names !== shape) {
      shape = names
      view = rowView(text, columns)
    }
    view?.turnTo(columns)
    return view
  }
}

function rowView(text: string, columns: Columns): RowView | undefined {
  const name = /^\s*\(?\s*([A-Za-z_$][\w$]*)\s*\)?\s*=>/.exec(text)?.[1]
  if (name === undefined) return undefined
  const body = text.slice(text.indexOf('=>') + 2)
  // Texts, comments, regular expressions and functions inside: not worth understanding here.
  if (/['"`]|\/[/*]|=>|\bfunction\b|\bthis\b|\beval\b/.test(body)) return undefined
  const escaped = name.replaceAll('$', '\\$')
  const uses = body.match(new RegExp(`(?<![\\w$.])${escaped}(?![\\w$])`, 'g'))?.length ?? 0
  const reads = [
    ...body.matchAll(
      new RegExp(`(?<![\\w$.])${escaped}\\.([A-Za-z_$][\\w$]*)(?!\\s*(?:=(?!=)|\\+\\+|--|[-+*/%&|^]=|\\())`, 'g'),
    ),
  ]
  if (uses !== reads.length || reads.some(([, field]) => !Object.hasOwn(columns, field ?? ''))) return undefined
  if (/(?:\+\+|--)\s*[A-Za-z_$]|\bdelete\b/.test(body)) return undefined
  const fields = Object.keys(columns)
  const getters = fields.map((field, n) => `get ${JSON.stringify(field)}() { return place.c${n}[place.i] }`)
  const make = new Function(
    `const place = { i: 0, ${fields.map((_, n) => `c${n}: undefined`).join(', ')} }
    return {
      place,
      row: { ${getters.join(', ')} },
      turnTo(columns) { ${fields.map((field, n) => `place.c${n} = columns[${JSON.stringify(field)}]`).join('; ')} },
    }`,
  ) as () => RowView
  return make()
}
