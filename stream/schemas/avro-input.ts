/**
 * The bytes of one Avro value and how far they have been read. Bounds are checked before anything is made of what they say, so
 * foreign bytes are refused and never make a reader wait or grow: a count can name more items than there are bytes only for
 * items of no bytes at all, and of those there may be so many.
 */
import { isUtf8 } from 'node:buffer'
import type { Buffer } from 'node:buffer'

/** What is wrong with the bytes; told as the reason of a refused record. */
export class AvroFault extends Error {
  override readonly name = 'AvroFault'
}

const mostEmptyItems = 65_536
const deepest = 200

export class AvroInput {
  readonly #bytes: Buffer
  #at: number
  readonly #end: number
  #empty = 0
  #depth = 0

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get left(): number {
    return this.#end - this.#at
  }

  boolean(): boolean {
    const byte = this.#byte()
    if (byte > 1) throw new AvroFault(`a boolean is the byte ${byte}`)
    return byte === 1
  }

  int(): number {
    const value = this.long()
    if (typeof value !== 'number' || value > 2147483647 || value < -2147483648)
      throw new AvroFault('an int is out of its range')
    return value
  }

  /** A number where it is exact, else a bigint. */
  long(): number | bigint {
    const from = this.#at
    let value = 0
    // 49 bits fit a number whatever they are.
    for (let factor = 1; factor < 562949953421312; factor *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * factor
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    this.#at = from
    return this.#longest()
  }

  #longest(): number | bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#byte()
      if (shift === 63n && byte > 1) throw new AvroFault('a long is out of its range')
      value |= BigInt(byte & 127) << shift
      if (byte < 128) break
    }
    const long = (value >> 1n) ^ -(value & 1n)
    return long >= -9007199254740991n && long <= 9007199254740991n ? Number(long) : long
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#take(4))
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8))
  }

  string(): string {
    const length = this.#length()
    const start = this.#take(length)
    const text = this.#bytes.toString('utf8', start, start + length)
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, start + length)))
      throw new AvroFault('a string is not UTF-8')
    return text
  }

  bytes(): Uint8Array {
    return this.fixed(this.#length())
  }

  fixed(size: number): Uint8Array {
    const start = this.#take(size)
    return new Uint8Array(this.#bytes.subarray(start, start + size))
  }

  /** Items of the next block of an array or a map; 0 ends it. `leastBytes` is the least an item can take. */
  block(leastBytes: number): number {
    let count = this.long()
    if (count < 0) {
      count = -count
      this.long()
    }
    if (typeof count !== 'number' || count * leastBytes > this.left)
      throw new AvroFault(`a list of ${count} items does not fit the ${this.left} bytes left`)
    if (leastBytes === 0 && (this.#empty += count) > mostEmptyItems)
      throw new AvroFault(`more than ${mostEmptyItems} items of no bytes`)
    return count
  }

  skip(size: number): void {
    this.#take(size)
  }

  skipBytes(): void {
    this.#take(this.#length())
  }

  down(): void {
    if (++this.#depth > deepest) throw new AvroFault(`records nest deeper than ${deepest}`)
  }

  up(): void {
    this.#depth--
  }

  #length(): number {
    const length = this.long()
    if (typeof length !== 'number' || length < 0) throw new AvroFault(`a length is ${length}`)
    return length
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new AvroFault('the value ends too early')
    return this.#bytes[this.#at++]!
  }

  #take(size: number): number {
    const start = this.#at
    if (size > this.#end - start) throw new AvroFault('the value ends too early')
    this.#at = start + size
    return start
  }
}
