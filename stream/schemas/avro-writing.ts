/** Rows to framed Avro by the newest version of `TOPIC-value`; the first rows make and register one where there is none. */
import { StreamError } from '../errors.ts'
import { avroEncoder, AvroMisfit } from './avro-encode.ts'
import { parseAvro } from './avro-schema.ts'
import { newestVersion } from './attach-schemas.ts'
import { framed } from './framing.ts'
import { inferAvro } from './infer-avro.ts'
import type { SchemaRegistry, SchemaVersion } from '../schema-model.ts'

/** Encodes one row; `index` is its place among all rows, for the text of an error. Throws VALUE_UNENCODABLE. */
export type RowEncoder = (row: unknown, index: number) => Uint8Array

/** Throws OPTION_INVALID without a registry, SCHEMA_INVALID when no schema can be made of the rows. */
export async function avroRowEncoder(
  registry: SchemaRegistry | undefined,
  topic: string,
  rows: readonly unknown[],
): Promise<RowEncoder> {
  if (registry === undefined) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot write topic "${topic}" as Avro: its connection has no schema registry`,
      hint: '%connect … --registry http://localhost:8081',
    })
  }
  const subject = `${topic}-value`
  const version =
    (await newestVersion(registry, subject)) ??
    (await registry.register(subject, { type: 'AVRO', text: inferAvro(rows, topic) }))
  return encoderOf(version)
}

function encoderOf(version: SchemaVersion): RowEncoder {
  if (version.type !== 'AVRO') {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot write as Avro: version ${version.version} of "${version.subject}" is ${version.type}`,
      hint: `%schema show ${version.subject}`,
    })
  }
  const encode = avroEncoder(parseAvro(version.text, version.references))
  return (row, index) => {
    try {
      return framed(version.id, encode(row))
    } catch (cause) {
      if (!(cause instanceof AvroMisfit)) throw cause
      throw new StreamError({
        code: 'VALUE_UNENCODABLE',
        message: `Cannot write row ${index + 1} as version ${version.version} of "${version.subject}": ${cause.message}`,
        hint: `%schema show ${version.subject}`,
      })
    }
  }
}
