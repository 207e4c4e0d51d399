/** Rows of an Avro object container file, uncompressed or deflate; see avro-container.ts for its parts. */
import { readFile } from 'node:fs/promises'
import { inflateRawSync } from 'node:zlib'
import { StreamError } from '../errors.ts'
import { avroDecoder } from '../schemas/avro-decode.ts'
import { parseAvro } from '../schemas/avro-schema.ts'

/** Throws VALUE_UNDECODABLE with the place when the file is none. */
export async function readAvroFile(path: string): Promise<Record<string, unknown>[]> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot read file "${path}": there is no such file`,
      cause,
    })
  }
  try {
    return rowsOf(new Cursor(bytes))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new StreamError({
      code: 'VALUE_UNDECODABLE',
      message: `Cannot read file "${path}" as an Avro container: ${why}`,
      cause,
    })
  }
}

function rowsOf(file: Cursor): Record<string, unknown>[] {
  if (file.take(4).toString('latin1') !== 'Obj\u0001') throw new Error('it does not begin as one')
  const meta = new Map<string, Buffer>()
  for (let count = file.long(); count !== 0; count = file.long()) {
    if (count < 0) file.long()
    for (let i = 0; i < Math.abs(count); i++) {
      const name = file.take(file.long()).toString()
      meta.set(name, file.take(file.long()))
    }
  }
  const sync = file.take(16)
  const codec = meta.get('avro.codec')?.toString() ?? 'null'
  if (codec !== 'null' && codec !== 'deflate') throw new Error(`its codec is ${codec}, null or deflate is needed`)
  const schema = parseAvro(meta.get('avro.schema')?.toString() ?? '')
  // Rows of a block follow one another without lengths: a block is an array with its count in front.
  const list = avroDecoder({ kind: 'array', items: schema })
  const rows: Record<string, unknown>[] = []
  while (!file.ended) {
    const count = file.long()
    const packed = file.take(file.long())
    const block = codec === 'deflate' ? inflateRawSync(packed) : packed
    const framed = Buffer.concat([zigzag(count), block, Buffer.of(0)])
    for (const row of list(framed, 0, framed.length) as Record<string, unknown>[]) rows.push(row)
    if (!file.take(16).equals(sync)) throw new Error('a block does not end with the mark of the file')
  }
  return rows
}

function zigzag(count: number): Buffer {
  const bytes: number[] = []
  let left = count * 2
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) | 128)
  return Buffer.from([...bytes, left])
}

class Cursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length
  }

  take(count: number): Buffer {
    if (count < 0 || this.#at + count > this.#bytes.length) throw new Error('it ends too early')
    const taken = this.#bytes.subarray(this.#at, this.#at + count)
    this.#at += count
    return taken
  }

  long(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.take(1)[0]!
      value += (byte & 127) * scale
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      scale *= 128
      if (scale > 2 ** 56) throw new Error('a length is too long')
    }
  }
}
