/** A row as bytes without a schema: JSON, its own text, its own bytes. */
import { StreamError } from '../errors.ts'
import { encodeValue } from '../schemas/encode.ts'
import type { TopicFormat } from './sink.ts'

const encoder = new TextEncoder()

/** null is a tombstone in every format. Throws OPTION_INVALID when a row does not fit the format. */
export function plainBytes(row: unknown, format: TopicFormat): Uint8Array | null {
  if (row === null || format === 'json') return encodeValue(row)
  if (format === 'bytes' && row instanceof Uint8Array) return row
  if (typeof row === 'string') return format === 'text' ? encoder.encode(row) : base64Bytes(row)
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot send a row of type ${typeof row} as ${format}: ${format === 'text' ? 'text' : 'a Uint8Array or base64 text'} is needed`,
    hint: 'Leave --format out to send JSON',
  })
}

function base64Bytes(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), c => c.charCodeAt(0))
  } catch (cause) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: 'Cannot send a row as bytes: its text is no base64',
      cause,
    })
  }
}
