/**
 * Decompression of what other clients wrote: gzip is built into kafkajs, the rest is pure JavaScript or WebAssembly, so an
 * install needs no compiler. Riffle itself writes uncompressed batches.
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
  table.Codecs[table.Types.Snappy] = () => readOnly('snappy', snappy)
  table.Codecs[table.Types.LZ4] = () => readOnly('lz4', lz4)
  table.Codecs[table.Types.ZSTD] = () => readOnly('zstd', zstd)
}

function readOnly(name: string, decompress: (bytes: Buffer) => Buffer | Promise<Buffer>): Codec {
  return {
    compress: () => Promise.reject(new Error(`Riffle writes no ${name} batches`)),
    decompress: async bytes => decompress(bytes),
  }
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

export function lz4(bytes: Buffer): Buffer {
  const { decompress } = load('lz4js') as { decompress(bytes: Uint8Array): Uint8Array }
  return Buffer.from(decompress(bytes))
}

interface Zstd {
  init(): Promise<void>
  decompress(bytes: Uint8Array, options: { defaultHeapSize: number }): Uint8Array
}

let zstdReady: Promise<Zstd> | undefined

export async function zstd(bytes: Buffer): Promise<Buffer> {
  zstdReady ??= (async () => {
    const module = load('@bokuweb/zstd-wasm') as Zstd
    await module.init()
    return module
  })()
  const { decompress } = await zstdReady
  // Java streams its frames, so their size is not written in them: room is doubled until the content fits.
  for (let room = 1 << 20; ; room *= 4) {
    try {
      return Buffer.from(decompress(bytes, { defaultHeapSize: room }))
    } catch (error) {
      if (room >= 1 << 28) throw error
    }
  }
}
