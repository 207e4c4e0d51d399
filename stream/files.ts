/**
 * Files of rows: `from(file('orders.jsonl'))` reads one, `.to(file('out.csv'))` writes one. JSON lines give rows as they are; CSV gives
 * numbers where a column's text is one, null where it is empty, text else.
 */
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { StreamError } from './errors.ts'
import { ROW_BATCHES } from './feeds.ts'
import { csvRows } from './sinks/csv-read.ts'
import { nearestNames } from './connectors/nearest-names.ts'
import type { FileFormat } from './sinks/sink.ts'

const formats: Readonly<Record<string, FileFormat>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.csv': 'csv',
  '.avro': 'avro',
  '.parquet': 'parquet',
}

const PIECE_BYTES = 1 << 19

/** A file of rows, by its path; relative to the working folder. */
export class RowFile implements AsyncIterable<Record<string, unknown>> {
  readonly path: string
  readonly format: FileFormat

  /** @internal Made by `file`. */
  constructor(path: string, format: FileFormat) {
    this.path = path
    this.format = format
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Record<string, unknown>, void, undefined> {
    if (this.format === 'avro') {
      const { readAvroFile } = await import('./sinks/avro-container-read.ts')
      yield* await readAvroFile(this.path)
      return
    }
    if (this.format === 'parquet') {
      const { readParquetFile } = await import('./sinks/parquet-read.ts')
      yield* await readParquetFile(this.path)
      return
    }
    if (this.format === 'jsonl') {
      for await (const rows of this[ROW_BATCHES]()) yield* rows
      return
    }
    const lines = createInterface({ input: createReadStream(this.path, 'utf8'), crlfDelay: Infinity })
    try {
      yield* csvRows(lines, this.path)
    } catch (cause) {
      throw this.unreadable(cause)
    } finally {
      lines.close()
    }
  }

  /** The rows of a piece of the file at a time: a turn of the event loop for each row would cost more than reading it. */
  async *[ROW_BATCHES](): AsyncGenerator<Record<string, unknown>[], void, undefined> {
    if (this.format !== 'jsonl') {
      yield* inBatches(this)
      return
    }
    try {
      yield* jsonBatches(createReadStream(this.path, { encoding: 'utf8', highWaterMark: PIECE_BYTES }), this.path)
    } catch (cause) {
      throw this.unreadable(cause)
    }
  }

  private unreadable(cause: unknown): StreamError {
    if (cause instanceof StreamError) return cause
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause)
    return new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot read file "${this.path}": ${code === 'ENOENT' ? 'there is no such file' : code}`,
      cause,
    })
  }
}

/**
 * A file of rows to read or to write. Its kind is told by its ending: .jsonl, .ndjson, .csv, .avro or .parquet.
 *
 * @throws StreamError OPTION_INVALID for another ending
 * @example
 * ```ts
 * await from(file('orders.jsonl'), { time: 'orderedAt' }).filter(o => o.amount > 100).to(file('large.csv'))
 * ```
 */
export function file(path: string): RowFile {
  const ending = /\.[A-Za-z0-9]+$/.exec(path)?.[0].toLowerCase() ?? ''
  const format = Object.hasOwn(formats, ending) ? formats[ending] : undefined
  if (format !== undefined) return new RowFile(resolve(path), format)
  const near = nearestNames(ending, Object.keys(formats))[0] ?? '.jsonl'
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot use file "${path}": its name ends in none of ${Object.keys(formats).join(', ')}`,
    hint: `${path.slice(0, path.length - ending.length)}${near}`,
  })
}

async function* jsonBatches(pieces: AsyncIterable<string>, path: string): AsyncGenerator<Record<string, unknown>[]> {
  let number = 0
  /** The line that goes on in the next piece. */
  let rest = ''
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() as string
    const rows = jsonRows(lines, number, path)
    number += lines.length
    if (rows.length > 0) yield rows
  }
  const rows = jsonRows([rest], number, path)
  if (rows.length > 0) yield rows
}

function jsonRows(lines: readonly string[], before: number, path: string): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = []
  for (const [i, line] of lines.entries()) {
    if (line === '' || line.trim() === '') continue
    try {
      rows.push(JSON.parse(line) as Record<string, unknown>)
    } catch (cause) {
      throw new StreamError({
        code: 'VALUE_UNDECODABLE',
        message: `Cannot read line ${before + i + 1} of file "${path}": it is no JSON`,
        detail: line.slice(0, 200),
        cause,
      })
    }
  }
  return rows
}

async function* inBatches<T>(rows: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const row of rows) {
    if (batch.push(row) < 4096) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
