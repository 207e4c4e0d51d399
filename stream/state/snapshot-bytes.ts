/**
 * State as bytes and back: V8's format, with large arrays of numbers behind it as they are. Those of ten million keys take longer
 * to copy than a thread should be held up, so they are copied in steps.
 *
 *   "RFS1"   u32 length of the head   u32 number of arrays   length of each array in bytes (f64)   head   arrays, each at a multiple of 8
 */
import { DefaultDeserializer, DefaultSerializer, deserialize } from 'node:v8'

const MAGIC = 0x31_53_46_52
/** Smaller ones stay in the head. */
const LARGE_BYTES = 1 << 16
/** Copied between two pauses: a few milliseconds. */
const STEP_BYTES = 1 << 23
const PLAIN = 0
const APART = 1

const KINDS = [
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
] as const
type Kind = (typeof KINDS)[number]
type View = InstanceType<Kind>

/** What Node's serializers have beside their declared methods. */
interface HostObjects {
  _writeHostObject(view: NodeJS.ArrayBufferView): void
  _readHostObject(): unknown
}
const writesPlain = (DefaultSerializer.prototype as unknown as HostObjects)._writeHostObject
const readsPlain = (DefaultDeserializer.prototype as unknown as HostObjects)._readHostObject

class Writer extends DefaultSerializer {
  readonly apart: View[] = []

  _writeHostObject(view: NodeJS.ArrayBufferView): void {
    const kind = KINDS.findIndex(Kind => view.constructor === Kind)
    if (kind < 0 || view.byteLength < LARGE_BYTES) {
      this.writeUint32(PLAIN)
      writesPlain.call(this, view)
      return
    }
    this.writeUint32(APART)
    this.writeUint32(kind)
    this.writeUint32(this.apart.push(view as View) - 1)
  }
}

class Reader extends DefaultDeserializer {
  apart: readonly Uint8Array[] = []

  _readHostObject(): unknown {
    if (this.readUint32() === PLAIN) return readsPlain.call(this)
    const Kind = KINDS[this.readUint32()] as Kind
    // Memory of its own: whoever restores goes on writing into it. (`slice` of a Buffer, what files are read into, shares it.)
    return new Kind(new Uint8Array(this.apart[this.readUint32()] as Uint8Array).buffer)
  }
}

/** Pauses between steps; nothing of `state` may change before the end. */
export function* bytesOf(state: unknown): Generator<undefined, Uint8Array> {
  const writer = new Writer()
  writer.writeHeader()
  writer.writeValue(state)
  const head = writer.releaseBuffer()
  const { apart } = writer
  const headAt = 16 + apart.length * 8
  let size = aligned(headAt + head.length)
  for (const view of apart) size += aligned(view.byteLength)
  const bytes = new Uint8Array(size)
  const words = new DataView(bytes.buffer)
  words.setUint32(0, MAGIC, true)
  words.setUint32(4, head.length, true)
  words.setUint32(8, apart.length, true)
  apart.forEach((view, n) => words.setFloat64(16 + n * 8, view.byteLength, true))
  bytes.set(head, headAt)
  let at = aligned(headAt + head.length)
  let copied = 0
  for (const view of apart) {
    const from = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    for (let done = 0; done < from.length; done += STEP_BYTES) {
      const part = from.subarray(done, done + STEP_BYTES)
      bytes.set(part, at + done)
      copied += part.length
      if (copied < STEP_BYTES) continue
      copied = 0
      yield undefined
    }
    at += aligned(from.length)
  }
  return bytes
}

/** Throws whatever it is when the bytes are none of `bytesOf`, nor of V8 alone. */
export function stateOf(given: Uint8Array): unknown {
  const words = new DataView(given.buffer, given.byteOffset, given.byteLength)
  if (given.length < 16 || words.getUint32(0, true) !== MAGIC) return deserialize(given)
  const headLength = words.getUint32(4, true)
  const count = words.getUint32(8, true)
  const headAt = 16 + count * 8
  let at = aligned(headAt + headLength)
  const apart = Array.from({ length: count }, (_, n) => {
    const length = words.getFloat64(16 + n * 8, true)
    const view = given.subarray(at, at + length)
    if (view.length !== length) throw new RangeError('the bytes end too early')
    at += aligned(length)
    return view
  })
  const reader = new Reader(given.subarray(headAt, headAt + headLength))
  reader.apart = apart
  reader.readHeader()
  return reader.readValue()
}

const aligned = (n: number): number => Math.ceil(n / 8) * 8
