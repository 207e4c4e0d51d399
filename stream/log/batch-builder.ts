/** Collects records of segments into one `EnvelopeBatch` with a buffer of exactly their size. */
import type { EnvelopeBatch } from '../model.ts'
import type { Segment } from './segment.ts'

export class BatchBuilder {
  #count = 0
  #byteCount = 0
  readonly #log: number
  readonly #segments: Segment[] = []
  readonly #rows: number[] = []
  readonly #partitions: number[] = []

  /** `log`: the number of the topic's log. */
  constructor(log: number) {
    this.#log = log
  }

  get count(): number {
    return this.#count
  }

  get byteCount(): number {
    return this.#byteCount
  }

  /** Adds record `row` of `segment`. */
  add(partition: number, segment: Segment, row: number): void {
    this.#segments.push(segment)
    this.#rows.push(row)
    this.#partitions.push(partition)
    this.#byteCount += Math.max(0, segment.ranges[4 * row + 1]!) + Math.max(0, segment.ranges[4 * row + 3]!)
    this.#count++
  }

  build(): EnvelopeBatch {
    const count = this.#count
    const bytes = new Uint8Array(this.#byteCount)
    const offsets = new BigInt64Array(count)
    const timestampsMs = new Float64Array(count)
    const keyRanges = new Int32Array(count * 2)
    const valueRanges = new Int32Array(count * 2)
    let headers: (Readonly<Record<string, Uint8Array>> | undefined)[] | undefined
    let at = 0
    for (let i = 0; i < count; i++) {
      const segment = this.#segments[i]!
      const row = this.#rows[i]!
      const ranges = segment.ranges
      const keyLength = ranges[4 * row + 1]!
      const valueLength = ranges[4 * row + 3]!
      const from = ranges[4 * row]!
      const length = Math.max(0, keyLength) + Math.max(0, valueLength)
      // Key and value of a record lie side by side in its segment: one copy for both.
      bytes.set(segment.bytes.subarray(from, from + length), at)
      offsets[i] = BigInt(segment.baseOffset + row)
      timestampsMs[i] = segment.timestampsMs[row]!
      keyRanges[2 * i] = at
      keyRanges[2 * i + 1] = keyLength
      valueRanges[2 * i] = at + Math.max(0, keyLength)
      valueRanges[2 * i + 1] = valueLength
      at += length
      const header = segment.headers?.[row]
      if (header !== undefined) {
        headers ??= new Array<Readonly<Record<string, Uint8Array>> | undefined>(count).fill(undefined)
        headers[i] = header
      }
    }
    return {
      count,
      partitions: Int32Array.from(this.#partitions),
      offsets,
      timestampsMs,
      bytes,
      keyRanges,
      valueRanges,
      headers,
      log: this.#log,
    }
  }
}
