/** Avro schemas from files: read once, checked before a stream begins, and carried by its plan. */
import { readFile } from 'node:fs/promises'
import { StreamError } from '../errors.ts'
import { parseAvro } from './avro-schema.ts'
import type { NamedSchema } from '../plan.ts'

/** Throws OPTION_INVALID when the file cannot be read. */
export async function readSchemaFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot read schema file "${path}": ${(cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : String(cause)}`,
      hint: `%%writefile ${path} makes one`,
      cause,
    })
  }
}

/** The Avro schema of a file. Throws OPTION_INVALID when it cannot be read, SCHEMA_INVALID when it holds none. */
export async function schemaOfFile(path: string): Promise<NamedSchema> {
  const text = await readSchemaFile(path)
  try {
    parseAvro(text)
  } catch (cause) {
    if (!(cause instanceof StreamError)) throw cause
    throw new StreamError({
      code: 'SCHEMA_INVALID',
      message: `Cannot use schema file "${path}": ${cause.message.replace(/^Cannot read Avro schema: /, '')}`,
      hint: cause.hint,
      cause,
    })
  }
  return { name: path, text }
}
