/**
 * Changes to records of a topic: which rows become values, which tombstones, with which key. The newest state of each key is the
 * same however the changes were cut into chunks.
 */
import { StreamError } from '../errors.ts'
import { encodeKey } from '../schemas/encode.ts'
import type { RowChunk } from '../targets/runtime.ts'
import type { SinkMode } from './sink.ts'

/** One record to be: `row` undefined is a tombstone. */
export interface RowRecord {
  readonly key: Uint8Array | null
  readonly row: unknown
  readonly eventTimeMs: number
  /** Place of the row in its chunk. */
  readonly index: number
}

export interface RowRecordOptions {
  readonly mode: SinkMode
  /** The user asked for append: what is taken back is left out knowingly. */
  readonly leavesOut: boolean
  readonly key: readonly string[] | undefined
  readonly hidden: readonly string[]
  readonly refuse: (error: StreamError) => void
}

/** Throws VALUE_UNENCODABLE when a row is taken back that a topic without keys cannot take back. */
export function rowRecords(chunk: RowChunk, options: RowRecordOptions): RowRecord[] {
  const { rows, weights, eventTimesMs } = chunk
  const records: (RowRecord | undefined)[] = []
  /** Text of a key -> its retraction that still waits for another row in its place. */
  const taken = new Map<string, number>()
  for (let i = 0; i < rows.length; i++) {
    const retracted = weights?.[i] === -1
    if (retracted && options.mode === 'append') {
      if (options.leavesOut) continue
      throw notAppended()
    }
    const key = keyOf(rows[i], options)
    if (key === undefined) continue
    const name = options.mode === 'upsert' ? keyText(key) : ''
    const before = taken.get(name)
    if (!retracted && before !== undefined) {
      // The row that was taken back is replaced by this one: no reader needs to see the key without a row.
      records[before] = undefined
      taken.delete(name)
    }
    if (retracted) taken.set(name, records.length)
    records.push({
      key,
      row: retracted ? undefined : shown(rows[i], options.hidden),
      eventTimeMs: eventTimesMs[i] as number,
      index: i,
    })
  }
  // Holes are left where a retraction was replaced.
  return records.filter(record => record !== undefined)
}

function keyOf(row: unknown, { key, mode, refuse }: RowRecordOptions): Uint8Array | null | undefined {
  if (key === undefined) return null
  const value = key.length === 1 ? field(row, key[0]!) : Object.fromEntries(key.map(name => [name, field(row, name)]))
  const bytes = encodeKey(value)
  if (bytes !== null || mode === 'append') return bytes
  refuse(
    new StreamError({
      code: 'VALUE_UNENCODABLE',
      message: `Cannot write row: its key ${key.join(', ')} is ${String(value)}, and the topic holds the newest row of each key`,
      hint: '--key with a field that every row has',
    }),
  )
  return undefined
}

function field(row: unknown, name: string): unknown {
  return typeof row === 'object' && row !== null ? (row as Record<string, unknown>)[name] : undefined
}

function keyText(key: Uint8Array | null): string {
  return key === null ? '' : String.fromCharCode(...key)
}

function shown(row: unknown, hidden: readonly string[]): unknown {
  if (hidden.length === 0 || typeof row !== 'object' || row === null) return row
  return Object.fromEntries(Object.entries(row).filter(([name]) => !hidden.includes(name)))
}

function notAppended(): StreamError {
  return new StreamError({
    code: 'VALUE_UNENCODABLE',
    message: 'Cannot write on: a row was taken back, and records without a key cannot be',
    hint: '--key FIELD keeps the newest row of each key; --mode append writes every row and leaves out what is taken back',
  })
}
