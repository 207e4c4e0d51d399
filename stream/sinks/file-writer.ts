/** Rows to a file: JSON lines, CSV, an Avro container or Parquet. The file is written anew; it is whole when the stream has ended. */
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { StreamError } from '../errors.ts'
import { AvroContainer } from './avro-container.ts'
import { csvLine, csvValues } from './csv.ts'
import { encodeValue } from '../schemas/encode.ts'
import type { RowChunk } from '../targets/runtime.ts'
import type { FileTarget, SinkCounts, SinkWriter } from './sink.ts'

export interface FileWriterOptions {
  readonly hidden: readonly string[]
  /** Rows may be taken back: each line then says its weight, 1 or −1. */
  readonly changelog: boolean
  readonly onRefused: (error: StreamError) => void
}

/** One row as bytes of the file; the first one may bring a header. Throws a StreamError when it does not fit. */
type RowBytes = (row: Readonly<Record<string, unknown>>) => Uint8Array

/** Throws OPTION_INVALID when the file cannot be written. */
export async function openFileWriter(target: FileTarget, options: FileWriterOptions): Promise<SinkWriter> {
  const { onRefused } = options
  const shown = (row: unknown, weight: 1 | -1) => shownRow(row, weight, options)
  // A large library for a rare wish: loaded when it comes.
  if (target.format === 'parquet') return (await import('./parquet-file.ts')).openParquet(target, { shown, onRefused })
  try {
    return new FileWriter(await open(target.path, 'w'), target, options)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause)
    const why = code === 'ENOENT' ? 'its folder is not there' : code === 'EACCES' ? 'it may not be written' : code
    throw new StreamError({ code: 'OPTION_INVALID', message: `Cannot write file "${target.path}": ${why}`, cause })
  }
}

class FileWriter implements SinkWriter {
  private readonly file: FileHandle
  private readonly options: FileWriterOptions
  private readonly encode: (rows: readonly Readonly<Record<string, unknown>>[]) => Uint8Array[]
  private closed = false
  private writtenCount = 0
  private refusedCount = 0
  private firstRefusal: string | undefined

  constructor(file: FileHandle, target: FileTarget, options: FileWriterOptions) {
    this.file = file
    this.options = options
    this.encode = this.encoderOf(target)
  }

  get counts(): SinkCounts {
    const { writtenCount, refusedCount, firstRefusal } = this
    return { writtenCount, refusedCount, firstRefusal }
  }

  async write({ rows, weights }: RowChunk): Promise<void> {
    const shown = rows.map((row, i) => shownRow(row, weights?.[i] === -1 ? -1 : 1, this.options))
    const before = this.refusedCount
    for (const bytes of this.encode(shown)) await this.file.write(bytes)
    this.writtenCount += rows.length - (this.refusedCount - before)
  }

  flush(): Promise<void> {
    return this.file.datasync()
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await this.file.close()
  }

  private encoderOf({ format, path }: FileTarget): FileWriter['encode'] {
    if (format === 'avro') {
      const container = new AvroContainer(path)
      return rows => {
        const fitting = rows.flatMap(row => {
          const bytes = this.bytesOf(() => container.encode(row, rows))
          return bytes === undefined ? [] : [bytes]
        })
        return container.block(fitting)
      }
    }
    const bytes = format === 'csv' ? csvBytes() : jsonBytes
    return rows => {
      const lines = rows.flatMap(row => this.bytesOf(() => bytes(row)) ?? [])
      return lines.length === 0 ? [] : [Buffer.concat(lines)]
    }
  }

  private bytesOf(make: () => Uint8Array): Uint8Array | undefined {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      this.refusedCount++
      this.firstRefusal ??= error.message
      this.options.onRefused(error)
      return undefined
    }
  }
}

const newline = Uint8Array.of(10)

function jsonBytes(row: Readonly<Record<string, unknown>>): Uint8Array {
  return Buffer.concat([encodeValue(row)!, newline])
}

/** Columns are those of the first row; a row with another one is refused, since its value would be lost. */
function csvBytes(): RowBytes {
  let columns: string[] | undefined
  return row => {
    const head = columns === undefined ? csvLine(Object.keys(row)) : ''
    columns ??= Object.keys(row)
    return Buffer.from(head + csvLine(csvValues(row, columns)))
  }
}

function shownRow(row: unknown, weight: 1 | -1, { hidden, changelog }: FileWriterOptions): Record<string, unknown> {
  const columns = typeof row === 'object' && row !== null && !Array.isArray(row) ? row : { value: row }
  const kept = Object.fromEntries(Object.entries(columns).filter(([name]) => !hidden.includes(name)))
  return changelog ? { ...kept, weight } : kept
}
