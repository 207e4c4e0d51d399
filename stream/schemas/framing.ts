/**
 * How a record says which schema wrote it.
 *
 *   value   0x00, id (4 bytes, big-endian), payload            the usual frame
 *   header  __value_schema_id: 0x01 GUID(16) | 0x00 id(4)      newer serializers; the value is the bare payload
 */
import { Buffer } from 'node:buffer'
import type { EnvelopeBatch } from '../model.ts'
import type { SchemaRef } from '../schema-model.ts'

export const frameBytes = 5
const valueHeader = '__value_schema_id'
const keyHeader = '__key_schema_id'

/** What a value (or key) refers to, and where its payload begins. */
export interface Frame {
  readonly ref: SchemaRef
  readonly skip: number
}

export function frameOf(batch: EnvelopeBatch, index: number, part: 'key' | 'value'): Frame | undefined {
  const ranges = part === 'key' ? batch.keyRanges : batch.valueRanges
  const start = ranges[2 * index]!
  const length = ranges[2 * index + 1]!
  if (length < 0) return undefined
  const header = batch.headers?.[index]?.[part === 'key' ? keyHeader : valueHeader]
  if (header !== undefined) {
    const ref = headerRef(header)
    if (ref !== undefined) return { ref, skip: 0 }
  }
  const { bytes } = batch
  if (length < frameBytes || bytes[start] !== 0) return undefined
  const id = bytes[start + 1]! * 16777216 + bytes[start + 2]! * 65536 + bytes[start + 3]! * 256 + bytes[start + 4]!
  return { ref: id, skip: frameBytes }
}

function headerRef(header: Uint8Array): SchemaRef | undefined {
  if (header.length === 5 && header[0] === 0) return Buffer.from(header).readUInt32BE(1)
  if (header.length !== 17 || header[0] !== 1) return undefined
  const hex = Buffer.from(header.subarray(1)).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The usual frame around a payload. */
export function framed(id: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(frameBytes + payload.length)
  new DataView(bytes.buffer).setUint32(1, id)
  bytes.set(payload, frameBytes)
  return bytes
}
