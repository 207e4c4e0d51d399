/**
 * From the schemas that travel with a batch to functions that decode. Made once for each pair of schemas and kept: schemas do not
 * change under their id.
 */
import type { Buffer } from 'node:buffer'
import { avroDecoder } from './avro-decode.ts'
import { AvroFault } from './avro-input.ts'
import { parseAvro } from './avro-schema.ts'
import { StreamError } from '../errors.ts'
import type { NamedSchema } from '../plan.ts'
import type { BatchSchemas, SchemaRef, SchemaText, SchemaVersion } from '../schema-model.ts'

export type Outcome = { readonly value: unknown; readonly reason?: undefined } | { readonly reason: string }
export type SchemaDecoder = (bytes: Buffer, start: number, end: number) => Outcome

/** Enough for any topic; a topic of ever new schemas starts over instead of growing. */
const mostKept = 500
let kept = new WeakMap<BatchSchemas, Map<string, SchemaDecoder>>()
const made = new Map<string, SchemaDecoder>()

/** Decodes what `ref` wrote. Never throws: what cannot be decoded has a reason. */
export function schemaDecoder(schemas: BatchSchemas | undefined, ref: SchemaRef, part: 'key' | 'value'): SchemaDecoder {
  if (schemas === undefined) return withoutRegistry(ref)
  let ofBatch = kept.get(schemas)
  if (ofBatch === undefined) kept.set(schemas, (ofBatch = new Map()))
  const name = `${part} ${ref}`
  const known = ofBatch.get(name)
  if (known !== undefined) return known
  const decoder = find(schemas, ref, part)
  ofBatch.set(name, decoder)
  return decoder
}

/** Decodes what was written by a schema that no record names. Never throws. */
export function decoderBy({ name, text }: NamedSchema): SchemaDecoder {
  const key = JSON.stringify(['file', name, text])
  let decoder = made.get(key)
  if (decoder !== undefined) return decoder
  const decode = avroDecoder(parseAvro(text))
  decoder = (bytes, start, end) => {
    try {
      return { value: decode(bytes, start, end) }
    } catch (error) {
      return { reason: `value does not fit the schema of "${name}": ${reasonOf(error)}` }
    }
  }
  if (made.size < mostKept) made.set(key, decoder)
  return decoder
}

function find(schemas: BatchSchemas, ref: SchemaRef, part: 'key' | 'value'): SchemaDecoder {
  const writer = schemas.refs.get(ref)
  if (writer === undefined) return refusing(`schema ${ref} was not fetched`)
  if ('missing' in writer) return refusing(writer.missing)
  const reader = part === 'key' ? schemas.keyReader : schemas.valueReader
  const name = JSON.stringify([
    ref,
    writer.type,
    writer.text,
    writer.references,
    reader?.subject,
    reader?.version,
    reader?.text,
  ])
  const known = made.get(name)
  if (known !== undefined) return known
  if (made.size >= mostKept) {
    made.clear()
    kept = new WeakMap()
  }
  const decoder = make(ref, writer, reader)
  made.set(name, decoder)
  return decoder
}

function make(ref: SchemaRef, writer: SchemaText, reader: SchemaVersion | undefined): SchemaDecoder {
  if (writer.type === 'JSON') return jsonDecoder
  if (writer.type === 'PROTOBUF')
    return refusing(`schema ${ref} is Protobuf, which is not read: --format bytes shows it`)
  const as = reader?.type === 'AVRO' && reader.text !== writer.text ? reader : undefined
  const from = `schema ${ref}${as === undefined ? '' : ` as version ${as.version} of ${as.subject}`}`
  try {
    const written = parseAvro(writer.text, writer.references)
    const decode = avroDecoder(written, as === undefined ? written : parseAvro(as.text, as.references))
    return (bytes, start, end) => {
      try {
        return { value: decode(bytes, start, end) }
      } catch (error) {
        return { reason: `value cannot be read by ${from}: ${reasonOf(error)}` }
      }
    }
  } catch (error) {
    return refusing(`value cannot be read by ${from}: ${reasonOf(error)}`)
  }
}

const jsonDecoder: SchemaDecoder = (bytes, start, end) => {
  try {
    return { value: JSON.parse(bytes.toString('utf8', start, end)) as unknown }
  } catch {
    return { reason: 'value is framed as JSON and is no JSON: --format bytes reads it' }
  }
}

function withoutRegistry(ref: SchemaRef): SchemaDecoder {
  return refusing(
    `value was written with schema ${ref} and the connection has no registry: %connect … --registry URL, or --format bytes`,
  )
}

function refusing(reason: string): SchemaDecoder {
  return () => ({ reason })
}

function reasonOf(error: unknown): string {
  if (error instanceof AvroFault || error instanceof StreamError) return error.message
  throw error
}
