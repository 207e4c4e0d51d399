/**
 * Batches of records packed and unpacked: gzip is built into kafkajs, the rest is pure JavaScript or WebAssembly, so an install
 * needs no compiler.
 */
import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)

export interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}

/** Adds snappy (raw and in Java's frames), lz4 and zstd to kafkajs' table. */
export function registerCodecs(table: {
  readonly Types: { readonly Snappy: number; readonly LZ4: number; readonly ZSTD: number }
  readonly Codecs: Record<number, () => Codec>
}): void {
  table.Codecs[table.Types.Snappy] = () => codec(packSnappy, snappy)
  table.Codecs[table.Types.LZ4] = () => codec(packLz4, lz4)
  table.Codecs[table.Types.ZSTD] = () => codec(packZstd, zstd)
}

/** Kafka's numbers of what packs a batch. */
export const compressionNumbers = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
export type Compression = keyof typeof compressionNumbers

type Packing = (bytes: Buffer) => Buffer | Promise<Buffer>

function codec(pack: Packing, unpack: Packing): Codec {
  return {
    compress: async ({ buffer }) => pack(buffer),
    decompress: async bytes => unpack(bytes),
  }
}

export function packSnappy(bytes: Buffer): Buffer {
  const { compress } = load('snappyjs') as { compress(bytes: Uint8Array): Uint8Array }
  return Buffer.from(compress(bytes))
}

/** Magic, version 1 with independent blocks, blocks of 64 KiB, and the check byte of these two. */
const lz4Head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])
const lz4Block = 65_536

/** A frame of our own: Java's broker refuses those of lz4js, whose blocks depend on one another. */
export function packLz4(bytes: Buffer): Buffer {
  const { compressBlock, compressBound } = load('lz4js') as {
    compressBlock(from: Uint8Array, to: Uint8Array, start: number, length: number, table: Uint32Array): number
    compressBound(length: number): number
  }
  const packed = new Uint8Array(compressBound(lz4Block))
  const parts: Buffer[] = [lz4Head]
  for (let at = 0; at < bytes.length; at += lz4Block) {
    const block = bytes.subarray(at, at + lz4Block)
    const length = compressBlock(block, packed, 0, block.length, new Uint32Array(1 << 16))
    const head = Buffer.alloc(4)
    if (length > 0 && length < block.length) {
      head.writeUInt32LE(length)
      parts.push(head, Buffer.from(packed.subarray(0, length)))
    } else {
      // The highest bit says that the block is as it was.
      head.writeUInt32LE((0x80000000 | block.length) >>> 0)
      parts.push(head, block)
    }
  }
  return Buffer.concat([...parts, Buffer.alloc(4)])
}

export async function packZstd(bytes: Buffer): Promise<Buffer> {
  return Buffer.from((await readyZstd()).compress(bytes, 3))
}

/** Java writes 8 bytes of magic, two versions, then blocks with their length before them; librdkafka writes one raw block. */
const javaMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])

export function snappy(bytes: Buffer): Buffer {
  const { uncompress } = load('snappyjs') as { uncompress(bytes: Uint8Array): Uint8Array }
  if (bytes.length < 16 || !bytes.subarray(0, 8).equals(javaMagic)) return Buffer.from(uncompress(bytes))
  const blocks: Uint8Array[] = []
  for (let at = 16; at + 4 <= bytes.length;) {
    const length = bytes.readUInt32BE(at)
    blocks.push(uncompress(bytes.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  return Buffer.concat(blocks)
}

/** Sizes of blocks by their number in the frame's descriptor. */
const lz4Sizes: Readonly<Record<number, number>> = { 4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22 }

/** A frame read block by block: lz4js believes every length it finds, and counts for hours in a broken one. */
export function lz4(bytes: Buffer): Buffer {
  const { decompressBlock } = load('lz4js') as {
    decompressBlock(from: Uint8Array, to: Uint8Array, start: number, length: number, at: number): number
  }
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== 0x184d2204) throw broken('it does not begin as one')
  const descriptor = bytes[4]!
  const most = lz4Sizes[(bytes[5]! >> 4) & 7]
  if (descriptor >> 6 !== 1 || most === undefined) throw broken('its version is unknown')
  const sums = (descriptor & 0x10) !== 0 ? 4 : 0
  // Blocks that depend on one another look back into what was read before.
  let out = new Uint8Array(most)
  let length = 0
  for (let at = 7 + ((descriptor & 0x08) !== 0 ? 8 : 0); ;) {
    if (at + 4 > bytes.length) throw broken('it ends too early')
    const size = bytes.readUInt32LE(at)
    at += 4
    if (size === 0) return Buffer.from(out.buffer, 0, length)
    const count = size & 0x7fffffff
    if (count > most || at + count > bytes.length) throw broken('a block is longer than it may be')
    if (out.length < length + most) {
      const wider = new Uint8Array(2 * out.length + most)
      wider.set(out)
      out = wider
    }
    if (size >>> 31 === 1) {
      out.set(bytes.subarray(at, at + count), length)
      length += count
    } else {
      const end = decompressBlock(bytes, out, at, count, length)
      if (!(end >= length && end <= length + most)) throw broken('a block holds more than it may')
      length = end
    }
    at += count + sums
  }
}

function broken(why: string): Error {
  return new Error(`cannot unpack an lz4 frame: ${why}`)
}

interface Zstd {
  init(): Promise<void>
  compress(bytes: Uint8Array, level: number): Uint8Array
  decompress(bytes: Uint8Array, options: { defaultHeapSize: number }): Uint8Array
}

let zstdReady: Promise<Zstd> | undefined

function readyZstd(): Promise<Zstd> {
  zstdReady ??= (async () => {
    const module = load('@bokuweb/zstd-wasm') as Zstd
    await module.init()
    return module
  })()
  return zstdReady
}

export async function zstd(bytes: Buffer): Promise<Buffer> {
  const { decompress } = await readyZstd()
  // Java streams its frames, so their size is not written in them: room is doubled until the content fits.
  for (let room = 1 << 20; ; room *= 4) {
    try {
      return Buffer.from(decompress(bytes, { defaultHeapSize: room }))
    } catch (error) {
      // −70 is the library's number for too little room; all else is no frame, whatever the room.
      if (room >= 1 << 28 || !String(error).includes('-70')) throw error
    }
  }
}
