/**
 * A piece of a partition: records side by side in typed arrays, keys and values in one byte buffer. A full segment is never
 * changed again; retention drops whole segments, so nothing is ever moved.
 *
 *   bytes:  key0 value0 key1 value1 …       ranges: [keyStart, keyLength, valueStart, valueLength] per record, length −1 = null
 */
export type Headers = Readonly<Record<string, Uint8Array>>

export class Segment {
  /** Offset of its first record. */
  readonly baseOffset: number
  count = 0
  byteCount = 0
  maxTimestampMs = -Infinity
  timestampsMs = new Float64Array(64)
  /** Place of each record in the order of arrival over all partitions of the topic. */
  arrivals = new Float64Array(64)
  ranges = new Int32Array(256)
  bytes = new Uint8Array(4096)
  headers: (Headers | undefined)[] | undefined

  constructor(baseOffset: number) {
    this.baseOffset = baseOffset
  }

  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: Headers | undefined,
    timestampMs: number,
    arrival: number,
  ): void {
    this.#reserve((key?.length ?? 0) + (value?.length ?? 0))
    const i = this.count
    this.timestampsMs[i] = timestampMs
    this.arrivals[i] = arrival
    this.#put(4 * i, key)
    this.#put(4 * i + 2, value)
    if (headers !== undefined) {
      this.headers ??= []
      this.headers[i] = headers
    }
    if (timestampMs > this.maxTimestampMs) this.maxTimestampMs = timestampMs
    this.count++
  }

  #put(at: number, part: Uint8Array | null): void {
    this.ranges[at] = this.byteCount
    this.ranges[at + 1] = part === null ? -1 : part.length
    if (part === null) return
    this.bytes.set(part, this.byteCount)
    this.byteCount += part.length
  }

  #reserve(more: number): void {
    if (this.count === this.timestampsMs.length) {
      this.timestampsMs = grown(this.timestampsMs, new Float64Array(this.count * 2))
      this.arrivals = grown(this.arrivals, new Float64Array(this.count * 2))
      this.ranges = grown(this.ranges, new Int32Array(this.count * 8))
    }
    const needed = this.byteCount + more
    if (needed > this.bytes.length)
      this.bytes = grown(this.bytes, new Uint8Array(Math.max(needed, this.bytes.length * 2)))
  }
}

function grown<A extends Float64Array | Int32Array | Uint8Array>(from: A, to: A): A {
  to.set(from)
  return to
}
