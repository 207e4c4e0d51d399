/**
 * Envelopes to rows. A row is always an object: what is no object in the topic (text, bytes, a JSON number or array) sits in
 * its field `value`, so tables, types and windows work on every topic. A record that cannot be decoded is named with its
 * reason and the read goes on; nothing here throws for any bytes.
 *
 * `auto` is decided per record and never by what came before, so the same record gives the same row wherever a read starts:
 * framed by a schema registry it is what its schema says, else JSON. `detectFormat` looks at a sample and tells when `text` or
 * `bytes` should be asked for instead.
 */
import { Buffer, isAscii, isUtf8 } from 'node:buffer'
import { frameOf } from './framing.ts'
import { decoderBy, schemaDecoder } from './schema-decoder.ts'
import type { Outcome, SchemaDecoder } from './schema-decoder.ts'
import type { NamedSchema } from '../plan.ts'
import type { SchemaRef } from '../schema-model.ts'
import type { EnvelopeBatch } from '../model.ts'

export type ValueFormat = 'auto' | 'avro' | 'json' | 'text' | 'bytes'

export interface DecodeOptions {
  readonly format?: ValueFormat | undefined
  /** Values are Avro of this schema, whatever their frames name. */
  readonly schema?: NamedSchema | undefined
  /** Keys are text; `json` reads them as JSON (`42` becomes a number), `bytes` leaves them alone. Keys that are no text stay bytes. */
  readonly keyFormat?: 'text' | 'json' | 'bytes' | undefined
}

export interface Decoded {
  /** One per record; undefined where decoding failed. */
  readonly rows: readonly unknown[]
  readonly keys: readonly unknown[]
  /** Ascending by index. */
  readonly failures: readonly DecodeFailure[]
}

export interface DecodeFailure {
  readonly index: number
  readonly partition: number
  readonly offset: bigint
  readonly reason: string
  /** The beginning of the value as text, or as hexadecimal when it is no text. */
  readonly preview: string | null
}

/** Other streams that decode the same records: rows they left, and rows to leave for them. */
export interface RowsInPassing {
  /** The row of a record that was decoded by `how` before; undefined when nobody left it. */
  take(index: number, how: unknown): unknown
  /** Key of the row taken last, where it was left too. */
  readonly key: string | undefined
  /** Gives the row the caller may have: `row` itself, or its own copy when others will take `row`. A key is left where any stream reads the same. */
  leave(index: number, how: unknown, row: object, key: string | undefined): object
}

const previewBytes = 120
/** `how` of values without a schema; of those with one it is the schema's decoder. */
const asJson = 'json'

/** Rows, keys and failures of a batch, index by index. */
export function decodeBatch(batch: EnvelopeBatch, options: DecodeOptions = {}, passing?: RowsInPassing): Decoded {
  const format = options.format ?? 'auto'
  const rows = new Array<unknown>(batch.count)
  const failures: DecodeFailure[] = []
  const bytes = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
  const text = textOf(bytes)
  const refuse = (index: number, reason: string) => {
    rows[index] = undefined
    const length = batch.valueRanges[2 * index + 1]!
    const start = batch.valueRanges[2 * index]!
    const preview = length < 0 ? null : previewOf(bytes.subarray(start, start + Math.min(length, previewBytes)), length)
    failures.push({ index, partition: batch.partitions[index]!, offset: batch.offsets[index]!, reason, preview })
  }
  const keyFormat = options.keyFormat ?? 'text'
  const keys = new Array<unknown>(batch.count)
  /** True: another stream has decoded it. */
  const taken = (index: number, how: unknown): boolean => {
    if (passing === undefined || (rows[index] = passing.take(index, how)) === undefined) return false
    keys[index] = passing.key
    return true
  }
  const found = (index: number, how: unknown, value: unknown) => {
    const row = rowOf(value)
    if (passing === undefined) {
      rows[index] = row
      return
    }
    const key = (keys[index] = keyAt(batch, index, bytes, text, keyFormat))
    rows[index] = passing.leave(index, how, row, typeof key === 'string' && isBare(batch, index) ? key : undefined)
  }
  const given = options.schema === undefined ? undefined : decoderBy(options.schema)
  let lastRef: SchemaRef | undefined
  let decoder: SchemaDecoder | undefined
  for (let i = 0; i < batch.count; i++) {
    const start = batch.valueRanges[2 * i]!
    const length = batch.valueRanges[2 * i + 1]!
    const frame = given !== undefined || format === 'auto' || format === 'avro' ? frameOf(batch, i, 'value') : undefined
    if (length < 0) refuse(i, 'null value (tombstone)')
    else if (given !== undefined) {
      if (taken(i, given)) continue
      const value = decodeGiven(given, bytes, start, length, frame?.skip ?? 0)
      if (value.reason === undefined) found(i, given, value.value)
      else refuse(i, value.reason)
    } else if (frame !== undefined) {
      // Neighbours have the same schema nearly always.
      if (frame.ref !== lastRef || decoder === undefined) {
        lastRef = frame.ref
        decoder = schemaDecoder(batch.schemas, frame.ref, 'value')
      }
      if (taken(i, decoder)) continue
      const value = decoder(bytes, start + frame.skip, start + length)
      if (value.reason === undefined) found(i, decoder, value.value)
      else refuse(i, value.reason)
    } else if (format === 'avro') refuse(i, unframed(bytes, start, length))
    else if (format === 'bytes') rows[i] = { value: batch.bytes.slice(start, start + length) }
    else {
      if (format !== 'text' && taken(i, asJson)) continue
      const value = text(start, start + length)
      if (value === undefined) refuse(i, `value of ${length} bytes is not UTF-8 text: --format bytes reads it`)
      else if (format === 'text') rows[i] = { value }
      else {
        try {
          found(i, asJson, JSON.parse(value))
        } catch (error) {
          refuse(i, notJson(value, error))
        }
      }
    }
  }
  for (let i = 0; i < batch.count; i++) keys[i] ??= keyAt(batch, i, bytes, text, keyFormat)
  return { rows, keys, failures }
}

/** A value that begins as a frame does may still be a bare one: all of its bytes must be read, so only one reading fits. */
function decodeGiven(decoder: SchemaDecoder, bytes: Buffer, start: number, length: number, skip: number): Outcome {
  const value = decoder(bytes, start + skip, start + length)
  if (skip === 0 || value.reason === undefined) return value
  const bare = decoder(bytes, start, start + length)
  return bare.reason === undefined ? bare : value
}

function rowOf(value: unknown): object {
  const whole =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Date)
  return whole ? value : { value }
}

function unframed(bytes: Buffer, start: number, length: number): string {
  if (length === 0) return 'value is empty, which is no Avro: --format text reads it'
  if (bytes[start] === 0)
    return `value of ${length} bytes is too short for the number of a schema: --format bytes reads it`
  const first = `its first byte is 0x${bytes.toString('hex', start, start + 1)}, not 0`
  return `value names no schema (${first}, and no header __value_schema_id): --format json or bytes reads it`
}

/** What a sample looks like: JSON when most of it parses, text when it is UTF-8, else bytes. Tombstones do not count; an empty sample is JSON. */
export function detectFormat(batch: EnvelopeBatch): 'json' | 'text' | 'bytes' {
  let json = 0
  let text = 0
  let counted = 0
  for (let i = 0; i < batch.count; i++) {
    const start = batch.valueRanges[2 * i]!
    const length = batch.valueRanges[2 * i + 1]!
    if (length < 0) continue
    counted++
    const value = batch.bytes.subarray(start, start + length)
    if (!isUtf8(value)) continue
    text++
    try {
      JSON.parse(Buffer.from(value.buffer, value.byteOffset, length).toString('utf8'))
      json++
    } catch {
      // Told by the counts.
    }
  }
  if (counted === 0 || json * 2 >= counted) return 'json'
  return text * 2 >= counted ? 'text' : 'bytes'
}

type TextAt = (start: number, end: number) => string | undefined

/** Most topics are ASCII: one string for the whole batch, cut by position, is much cheaper than one conversion a record. */
function textOf(bytes: Buffer): TextAt {
  if (isAscii(bytes)) {
    const whole = bytes.toString('latin1')
    return (start, end) => whole.slice(start, end)
  }
  return (start, end) => {
    const part = bytes.subarray(start, end)
    return isUtf8(part) ? part.toString('utf8') : undefined
  }
}

function keyAt(
  batch: EnvelopeBatch,
  i: number,
  bytes: Buffer,
  text: TextAt,
  format: 'text' | 'json' | 'bytes',
): unknown {
  const start = batch.keyRanges[2 * i]!
  const length = batch.keyRanges[2 * i + 1]!
  if (length < 0) return null
  const frame = format === 'bytes' || batch.schemas === undefined ? undefined : frameOf(batch, i, 'key')
  if (frame !== undefined && batch.schemas?.refs.has(frame.ref) === true) {
    const key = schemaDecoder(batch.schemas, frame.ref, 'key')(bytes, start + frame.skip, start + length)
    return key.reason === undefined ? key.value : batch.bytes.slice(start, start + length)
  }
  const value = format === 'bytes' ? undefined : text(start, start + length)
  if (value === undefined) return batch.bytes.slice(start, start + length)
  return format === 'json' ? jsonOrText(value) : value
}

/** No schema can be meant: the key is what its bytes say, whatever the registry knows. */
function isBare({ headers, bytes, keyRanges }: EnvelopeBatch, i: number): boolean {
  return headers?.[i] === undefined && bytes[keyRanges[2 * i]!] !== 0
}

function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value) as unknown
  } catch {
    return value
  }
}

function notJson(value: string, error: unknown): string {
  if (value.length === 0) return 'value is empty, which is no JSON: --format text reads it'
  const told =
    error instanceof Error
      ? error.message.replace(/^Unexpected/, 'unexpected').replace(/, (?:"|\.\.\.)[^]*$/, '')
      : 'not JSON'
  return `value is no JSON (${told}): --format text reads it`
}

function previewOf(start: Buffer, length: number): string {
  // A cut may fall inside a character: up to three bytes at the end are forgiven.
  for (let cut = 0; cut <= 3 && cut < Math.max(1, start.length); cut++) {
    const part = start.subarray(0, start.length - cut)
    if (isUtf8(part)) return part.toString('utf8') + (length > part.length ? '…' : '')
  }
  return start.subarray(0, 32).toString('hex') + (length > 32 ? '…' : '')
}
