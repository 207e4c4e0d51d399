/**
 * Records of a fetch's answer, found where they lie: one array a field and ranges into the answer's own bytes. kafkajs makes an object,
 * two buffers and two texts of each record, which costs more than decoding it.
 *
 *   batch    offset(8) length(4) epoch(4) magic(1) = 2 crc(4) attributes(2) last(4) first ms(8) max ms(8) producer(8) epoch(2) seq(4) count(4)
 *   record   length attributes(1) Δms Δoffset key value headers      numbers are zigzag varints; a length of −1 is null
 *
 * The last batch of an answer may be cut; it comes whole with the next one.
 */
import type { Buffer } from 'node:buffer'
import { StreamError } from '../errors.ts'

/** Some records of a partition that lie in one buffer, in order of offset. */
export interface RecordChunk {
  readonly bytes: Buffer
  readonly count: number
  readonly offsets: Float64Array
  readonly timestampsMs: Float64Array
  /** Start and length of key, start and length of value, 4 × count; length −1 is null. */
  readonly ranges: Int32Array
  /** Absent when no record has any. */
  readonly headers: readonly (Readonly<Record<string, Uint8Array>> | undefined)[] | undefined
  /** Number of the log, where it is known (kafka-fetches.ts). */
  readonly log?: number | undefined
}

export interface PartitionRecords {
  readonly chunks: readonly RecordChunk[]
  /** Offset behind the last complete batch; undefined when there was none. It may lie behind the last record. */
  readonly next: number | undefined
}

/** A transaction that was taken back: what its producer wrote from there to the marker never happened. */
export interface Aborted {
  readonly producerId: bigint
  readonly firstOffset: number
}

export type Unpack = (codec: number, bytes: Buffer) => Promise<Buffer>

const headBytes = 61
const leastRecordBytes = 7
const magicAt = 16
const transactional = 0x10
const control = 0x20
const stampedByBroker = 0x08

/** The magic number of the format; undefined when there is no whole head. */
export function magicOf(bytes: Buffer): number | undefined {
  return bytes.length > magicAt ? bytes.readInt8(magicAt) : undefined
}

interface BatchHead {
  readonly base: number
  readonly attributes: number
  readonly lastOffset: number
  readonly firstMs: number
  readonly maxMs: number
  readonly producerId: bigint
  readonly count: number
}

/** Reads the batches of one partition. Throws VALUE_UNDECODABLE for bytes that are none. */
export async function readBatches(
  bytes: Buffer,
  aborted: readonly Aborted[],
  unpack: Unpack,
): Promise<PartitionRecords> {
  const chunks: RecordChunk[] = []
  const gone = new TakenBack(aborted)
  let next: number | undefined
  let plain: Piece[] = []
  const close = () => {
    if (plain.length > 0) chunks.push(chunkOf(bytes, plain))
    plain = []
  }
  for (let at = 0; at + headBytes <= bytes.length;) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    if (end > bytes.length) break
    if (end < at + headBytes) throw broken(int64(bytes, at), 'it is shorter than its head')
    if (bytes.readInt8(at + magicAt) !== 2) throw broken(int64(bytes, at), 'its format is another')
    const head = headAt(bytes, at)
    next = head.lastOffset + 1
    const codec = head.attributes & 7
    if (!gone.skips(head, bytes, at + headBytes, end)) {
      if (codec === 0) plain.push({ head, from: at + headBytes, to: end })
      else {
        close()
        const unpacked = await unpacking(unpack, codec, head, bytes.subarray(at + headBytes, end))
        chunks.push(chunkOf(unpacked, [{ head, from: 0, to: unpacked.length }]))
      }
    }
    at = end
  }
  close()
  return { chunks: chunks.filter(({ count }) => count > 0), next }
}

async function unpacking(unpack: Unpack, codec: number, head: BatchHead, packed: Buffer): Promise<Buffer> {
  try {
    return await unpack(codec, packed)
  } catch (error) {
    throw broken(head.base, `it cannot be unpacked (${error instanceof Error ? error.message : String(error)})`)
  }
}

function headAt(bytes: Buffer, at: number): BatchHead {
  const base = int64(bytes, at)
  return {
    base,
    attributes: bytes.readInt16BE(at + 21),
    lastOffset: base + bytes.readInt32BE(at + 23),
    firstMs: int64(bytes, at + 27),
    maxMs: int64(bytes, at + 35),
    producerId: bytes.readBigInt64BE(at + 43),
    count: bytes.readInt32BE(at + 57),
  }
}

/** Which batches belong to transactions that were taken back: as Java's client finds them. */
class TakenBack {
  readonly #left: Aborted[]
  readonly #producers = new Set<bigint>()

  constructor(aborted: readonly Aborted[]) {
    this.#left = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Also markers are no records. */
  skips(head: BatchHead, bytes: Buffer, from: number, to: number): boolean {
    while (this.#left.length > 0 && this.#left[0]!.firstOffset <= head.lastOffset)
      this.#producers.add(this.#left.shift()!.producerId)
    if ((head.attributes & control) !== 0) {
      if (this.#producers.size > 0 && isAbortMarker(head, bytes, from, to)) this.#producers.delete(head.producerId)
      return true
    }
    return (head.attributes & transactional) !== 0 && this.#producers.has(head.producerId)
  }
}

/** Its key is a version and 0; 1 would be a commit. */
function isAbortMarker(head: BatchHead, bytes: Buffer, from: number, to: number): boolean {
  const { count, ranges } = chunkOf(bytes, [{ head, from, to }])
  return count > 0 && ranges[1]! >= 4 && bytes.readInt16BE(ranges[0]! + 2) === 0
}

interface Piece {
  readonly head: BatchHead
  readonly from: number
  readonly to: number
}

function chunkOf(bytes: Buffer, pieces: readonly Piece[]): RecordChunk {
  let count = 0
  for (const { head, from, to } of pieces) {
    // Nothing is made of a count before it is known to fit.
    if (head.count < 0 || head.count * leastRecordBytes > to - from)
      throw broken(head.base, `${head.count} records do not fit its ${to - from} bytes`)
    count += head.count
  }
  const offsets = new Float64Array(count)
  const timestampsMs = new Float64Array(count)
  const ranges = new Int32Array(4 * count)
  const headers: (Readonly<Record<string, Uint8Array>> | undefined)[] = []
  let i = 0
  for (const { head, from, to } of pieces) {
    const { base, firstMs } = head
    const ownMs = (head.attributes & stampedByBroker) === 0
    const input = new Varints(bytes, from, to)
    for (let n = 0; n < head.count; n++, i++) {
      const length = input.next()
      const end = input.at + length
      if (!(length >= 0 && end <= to)) throw broken(head.base, 'a record is longer than the batch')
      input.at++
      const delta = input.next()
      timestampsMs[i] = ownMs ? firstMs + delta : head.maxMs
      offsets[i] = base + input.next()
      for (let part = 0; part < 4; part += 2) {
        const size = input.next()
        ranges[4 * i + part] = input.at
        ranges[4 * i + part + 1] = size < 0 ? -1 : size
        if (size > 0) input.at += size
        if (input.at > end) throw broken(head.base, 'a key or value is longer than its record')
      }
      const named = input.next()
      if (named > 0) headers[i] = headersAt(input, named, end, head)
      if (input.at > end) throw broken(head.base, 'a record ends behind its end')
      input.at = end
    }
  }
  return { bytes, count, offsets, timestampsMs, ranges, headers: headers.length === 0 ? undefined : padded(headers, count) } // prettier-ignore
}

/** A repeated header: the last one counts, as in a map. Their bytes are copies: a view would drag the whole answer along. */
function headersAt(input: Varints, count: number, end: number, head: BatchHead): Record<string, Uint8Array> {
  const found: [string, Uint8Array][] = []
  const part = () => {
    const size = Math.max(0, input.next())
    const from = input.at
    input.at += size
    if (!(input.at <= end)) throw broken(head.base, 'a header is longer than its record')
    return input.bytes.subarray(from, input.at)
  }
  for (let n = 0; n < count; n++) {
    const name = part().toString('utf8')
    found.push([name, new Uint8Array(part())])
  }
  return Object.fromEntries(found)
}

function padded<T>(list: T[], count: number): (T | undefined)[] {
  return Array.from({ length: count }, (_, i) => list[i])
}

/** Zigzag numbers one after the other. Behind the end there are none: what reads on finds 0 and is refused by its bounds. */
class Varints {
  readonly bytes: Buffer
  at: number
  readonly #end: number

  constructor(bytes: Buffer, from: number, to: number) {
    this.bytes = bytes
    this.at = from
    this.#end = to
  }

  next(): number {
    const { bytes } = this
    const first = this.at < this.#end ? bytes[this.at]! : 0
    this.at++
    if (first < 128) return (first >>> 1) ^ -(first & 1)
    let value = first & 127
    for (let factor = 128; factor < 2 ** 70; factor *= 128) {
      const byte = this.at < this.#end ? bytes[this.at]! : 0
      this.at++
      value += (byte & 127) * factor
      if (byte < 128) break
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}

/** Exact to 2^53, which no log comes near. */
function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4294967296 + bytes.readUInt32BE(at + 4)
}

function broken(offset: number, why: string): StreamError {
  return new StreamError({
    code: 'VALUE_UNDECODABLE',
    message: `Cannot read the batch of records at offset ${offset}: ${why}`,
    hint: `Read on behind it: %topic … --from offset=P:${offset + 1}`,
  })
}
