/**
 * An Avro object container file (specification 1.11, "Object Container Files"), uncompressed:
 *
 *   "Obj" 1 · map { avro.schema, avro.codec } · 16 bytes of sync · blocks: long count · long size · records · sync
 */
import { randomBytes } from 'node:crypto'
import { basename } from 'node:path'
import { StreamError } from '../errors.ts'
import { avroEncoder, AvroMisfit } from '../schemas/avro-encode.ts'
import { parseAvro } from '../schemas/avro-schema.ts'
import { inferAvro } from '../schemas/infer-avro.ts'
import type { AvroEncoder } from '../schemas/avro-encode.ts'

const headEncoder = avroEncoder(parseAvro('{"type":"map","values":"bytes"}'))
const longEncoder = avroEncoder(parseAvro('"long"'))

export class AvroContainer {
  private readonly sync = randomBytes(16)
  private readonly name: string
  private head: Uint8Array | undefined
  private row: AvroEncoder | undefined

  constructor(path: string) {
    this.name = basename(path).replace(/\.[^.]*$/, '')
  }

  /** One row; the first rows make the schema. Throws VALUE_UNENCODABLE, SCHEMA_INVALID. */
  encode(row: unknown, first: readonly unknown[]): Uint8Array {
    this.row ??= this.begin(first)
    try {
      return this.row(row)
    } catch (cause) {
      if (!(cause instanceof AvroMisfit)) throw cause
      throw new StreamError({
        code: 'VALUE_UNENCODABLE',
        message: `Cannot write row as Avro: ${cause.message}`,
        hint: 'The first rows make the schema: .map(row => ({ … })) gives all the same columns and types',
        cause,
      })
    }
  }

  /** A block of rows, the header of the file before the first. */
  block(rows: readonly Uint8Array[]): Uint8Array[] {
    if (rows.length === 0) return []
    const size = rows.reduce((sum, bytes) => sum + bytes.length, 0)
    const parts = [longEncoder(rows.length), longEncoder(size), ...rows, this.sync]
    const head = this.head
    this.head = undefined
    return [Buffer.concat(head === undefined ? parts : [head, ...parts])]
  }

  private begin(first: readonly unknown[]): AvroEncoder {
    const schema = inferAvro(first, this.name)
    const meta = { 'avro.schema': Buffer.from(schema), 'avro.codec': Buffer.from('null') }
    this.head = Buffer.concat([Buffer.from('Obj\u0001', 'latin1'), headEncoder(meta), this.sync])
    return avroEncoder(parseAvro(schema))
  }
}
