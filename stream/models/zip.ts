/**
 * Files of a zip archive: end record → central directory → local headers. Stored and deflated entries; no encryption, no ZIP64,
 * which model files need neither.
 *
 * Source: PKWARE APPNOTE 6.3, sections 4.3.6 to 4.3.16.
 */
import { inflateRawSync } from 'node:zlib'

const endSignature = 0x06054b50
const entrySignature = 0x02014b50
/** A model is not larger unpacked: a small archive must not fill the memory. */
const mostBytes = 2 ** 30

/** @throws Error when the bytes are no such archive */
export function unzip(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = endOf(view)
  const count = view.getUint16(end + 10, true)
  let at = view.getUint32(end + 16, true)
  const files = new Map<string, Uint8Array>()
  let total = 0
  for (let i = 0; i < count; i++) {
    if (view.getUint32(at, true) !== entrySignature) throw new Error('its directory is broken')
    const [method, packed, size] = [
      view.getUint16(at + 10, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 24, true),
    ]
    const [nameLength, extra, comment] = [
      view.getUint16(at + 28, true),
      view.getUint16(at + 30, true),
      view.getUint16(at + 32, true),
    ]
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength))
    const local = view.getUint32(at + 42, true)
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
    total += size
    if (total > mostBytes) throw new Error('it is larger than 1 GB unpacked')
    const content = bytes.subarray(start, start + packed)
    if (content.length < packed) throw new Error(`"${name}" is cut off`)
    if (method !== 0 && method !== 8)
      throw new Error(`"${name}" is packed by method ${method}, stored and deflated are read`)
    if (!name.endsWith('/'))
      files.set(name, method === 0 ? content : inflateRawSync(content, { maxOutputLength: Math.max(1, size) }))
    at += 46 + nameLength + extra + comment
  }
  return files
}

function endOf(view: DataView): number {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 65_557); at--) {
    if (view.getUint32(at, true) === endSignature) return at
  }
  throw new Error('it is no zip archive')
}
