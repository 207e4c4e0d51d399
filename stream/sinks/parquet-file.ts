/**
 * Rows to a Parquet file: columns of the first rows, written in groups; the footer, without which the file is none, comes at the end
 * or when the sink is stopped.
 */
import { StreamError } from '../errors.ts'
import type { RowChunk } from '../targets/runtime.ts'
import type { FileTarget, SinkCounts, SinkWriter } from './sink.ts'

/** Rows that wait for their group; larger groups pack better. */
const groupRows = 50_000

type ParquetType = 'BOOLEAN' | 'DOUBLE' | 'INT64' | 'STRING' | 'JSON' | 'TIMESTAMP' | 'BYTE_ARRAY'
type Row = Readonly<Record<string, unknown>>

interface Column {
  readonly name: string
  readonly type: ParquetType
}

export interface ParquetOptions {
  /** The row as it is to be written, with its weight where rows may be taken back. */
  readonly shown: (row: unknown, weight: 1 | -1) => Row
  readonly onRefused: (error: StreamError) => void
}

/** Throws OPTION_INVALID when the file cannot be written. */
export async function openParquet(target: FileTarget, options: ParquetOptions): Promise<SinkWriter> {
  const parquet = await import('hyparquet-writer')
  return new ParquetFile(target, options, parquet)
}

class ParquetFile implements SinkWriter {
  private readonly options: ParquetOptions
  private readonly parquet: typeof import('hyparquet-writer')
  private readonly bytes: import('hyparquet-writer').Writer
  private columns: readonly Column[] | undefined
  private file: import('hyparquet-writer').ParquetWriter | undefined
  private waiting: Row[] = []
  private closed = false
  private writtenCount = 0
  private refusedCount = 0
  private firstRefusal: string | undefined

  constructor({ path }: FileTarget, options: ParquetOptions, parquet: typeof import('hyparquet-writer')) {
    this.options = options
    this.parquet = parquet
    try {
      this.bytes = parquet.fileWriter(path)
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? String(cause)
      const why = code === 'ENOENT' ? 'its folder is not there' : code
      throw new StreamError({ code: 'OPTION_INVALID', message: `Cannot write file "${path}": ${why}`, cause })
    }
  }

  get counts(): SinkCounts {
    const { writtenCount, refusedCount, firstRefusal } = this
    return { writtenCount, refusedCount, firstRefusal }
  }

  async write({ rows, weights }: RowChunk): Promise<void> {
    const shown = rows.map((row, i) => this.options.shown(row, weights?.[i] === -1 ? -1 : 1))
    this.columns ??= columnsOf(shown)
    for (const row of shown) {
      const wrong = misfit(row, this.columns)
      if (wrong === undefined) this.waiting.push(row)
      else this.refuse(wrong)
    }
    if (this.waiting.length >= groupRows) await this.flush()
  }

  async flush(): Promise<void> {
    const { columns, waiting } = this
    if (columns === undefined || columns.length === 0 || waiting.length === 0) return
    this.waiting = []
    const columnData = columns.map(({ name, type }) => ({
      name,
      type,
      nullable: true,
      data: waiting.map(row => valueOf(row[name], type)),
    }))
    this.file ??= new this.parquet.ParquetWriter({
      writer: this.bytes,
      schema: this.parquet.schemaFromColumnData({ columnData }),
    })
    await this.file.write({ columnData })
    this.writtenCount += waiting.length
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await this.flush()
    await this.file?.finish()
  }

  private refuse(reason: string): void {
    const error = new StreamError({
      code: 'VALUE_UNENCODABLE',
      message: `Cannot write row as Parquet: ${reason}`,
      hint: 'The first rows make the columns: .map(row => ({ … })) gives all the same columns and types',
    })
    this.refusedCount++
    this.firstRefusal ??= error.message
    this.options.onRefused(error)
  }
}

function columnsOf(rows: readonly Row[]): Column[] {
  const names = [...new Set(rows.flatMap(row => Object.keys(row)))]
  return names.map(name => {
    const values = rows.map(row => row[name]).filter(value => value !== null && value !== undefined)
    const types = new Set(values.map(typeOf))
    return { name, type: types.size === 1 ? [...types][0]! : values.length === 0 ? 'STRING' : 'JSON' }
  })
}

function typeOf(value: unknown): ParquetType {
  if (typeof value === 'number') return 'DOUBLE'
  if (typeof value === 'bigint') return 'INT64'
  if (typeof value === 'boolean') return 'BOOLEAN'
  if (typeof value === 'string') return 'STRING'
  if (value instanceof Date) return 'TIMESTAMP'
  return value instanceof Uint8Array ? 'BYTE_ARRAY' : 'JSON'
}

/** Why a row does not go into the columns; undefined when it does. */
function misfit(row: Row, columns: readonly Column[]): string | undefined {
  for (const [name, value] of Object.entries(row)) {
    const column = columns.find(each => each.name === name)
    if (column === undefined)
      return `the file has no column "${name}", it has ${columns.map(each => each.name).join(', ')}`
    if (value === null || value === undefined || column.type === 'JSON' || typeOf(value) === column.type) continue
    return `column "${name}" is ${column.type.toLowerCase()}, the value is ${typeof value}`
  }
  return undefined
}

function valueOf(value: unknown, type: ParquetType): unknown {
  if (value === null || value === undefined) return null
  if (type !== 'JSON') return value
  // The library writes what JSON.stringify would: bigints become text first.
  return JSON.parse(JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? String(part) : part)))
}
