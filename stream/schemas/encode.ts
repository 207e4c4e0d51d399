/** Rows to JSON bytes, the way every language reads them. */
import { StreamError } from '../errors.ts'

const encoder = new TextEncoder()

/**
 * A row as JSON; null and undefined are a tombstone. A bigint within exact numbers becomes a number, else text; a Date becomes ISO text
 * (`toJSON`), a Map an object, a Set and a typed array a list. Throws OPTION_INVALID for what JSON cannot hold (cycles, functions).
 */
export function encodeValue(row: unknown): Uint8Array | null {
  if (row === null || row === undefined) return null
  try {
    const text = JSON.stringify(row, plain)
    if (text !== undefined) return encoder.encode(text)
  } catch (cause) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: 'Cannot encode row as JSON',
      detail: String(cause),
      cause,
    })
  }
  throw new StreamError({ code: 'OPTION_INVALID', message: `Cannot encode row as JSON: it is a ${typeof row}` })
}

/** A key: text as it is, bytes as they are, numbers and the like as their text, objects as JSON, null and undefined as no key. */
export function encodeKey(key: unknown): Uint8Array | null {
  if (key === null || key === undefined) return null
  if (key instanceof Uint8Array) return key
  if (typeof key === 'object') return encodeValue(key)
  return encoder.encode(String(key as string | number | bigint | boolean))
}

/** Headers as bytes; undefined when there are none. */
export function encodeHeaders(
  headers: Readonly<Record<string, string | Uint8Array>> | undefined,
): Record<string, Uint8Array> | undefined {
  if (headers === undefined) return undefined
  const entries = Object.entries(headers)
  if (entries.length === 0) return undefined
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? encoder.encode(value) : value]),
  )
}

function plain(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') {
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : String(value)
  }
  if (value instanceof Map) return Object.fromEntries(value as Map<string, unknown>)
  if (value instanceof Set) return [...(value as Set<unknown>)]
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return Array.from(value as unknown as ArrayLike<number | bigint>)
  return value
}
