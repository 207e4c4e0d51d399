/**
 * One partition of an embedded topic: an append-only list of segments without gaps. Retention is by bytes: when a partition
 * holds more than it may, its oldest full segment goes and the low offset moves.
 */
import { Segment } from './segment.ts'
import type { Headers } from './segment.ts'

/** A segment is sealed at either bound: small enough that retention moves in small steps, large enough to be cheap. */
export const segmentRecordCount = 4096
export const segmentBytes = 1 << 20

export class PartitionLog {
  readonly segments: Segment[] = [new Segment(0)]
  byteCount = 0
  #retentionBytes: number

  constructor(retentionBytes: number) {
    this.#retentionBytes = retentionBytes
  }

  get lowOffset(): number {
    return this.segments[0]!.baseOffset
  }

  get highOffset(): number {
    const last = this.segments[this.segments.length - 1]!
    return last.baseOffset + last.count
  }

  /** Appends one record and gives its offset. */
  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: Headers | undefined,
    timestampMs: number,
    arrival: number,
  ): number {
    let last = this.segments[this.segments.length - 1]!
    if (last.count >= segmentRecordCount || last.byteCount >= segmentBytes) {
      last = new Segment(last.baseOffset + last.count)
      this.segments.push(last)
    }
    const before = last.byteCount
    last.append(key, value, headers, timestampMs, arrival)
    this.byteCount += last.byteCount - before
    this.#drop()
    return last.baseOffset + last.count - 1
  }

  keep(retentionBytes: number): void {
    this.#retentionBytes = retentionBytes
    this.#drop()
  }

  #drop(): void {
    while (this.byteCount > this.#retentionBytes && this.segments.length > 1) {
      this.byteCount -= this.segments.shift()!.byteCount
    }
  }

  /** The segment that holds `offset`, or undefined when it was dropped or is not there yet. */
  segmentOf(offset: number): Segment | undefined {
    let low = 0
    let high = this.segments.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.segments[middle]!.baseOffset <= offset) low = middle
      else high = middle - 1
    }
    const segment = this.segments[low]!
    return offset >= segment.baseOffset && offset < segment.baseOffset + segment.count ? segment : undefined
  }

  /** Offset of the first record whose timestamp is at or after `timestampMs`; the high offset when there is none. */
  offsetAtTime(timestampMs: number): number {
    for (const segment of this.segments) {
      if (segment.maxTimestampMs < timestampMs) continue
      for (let i = 0; i < segment.count; i++) if (segment.timestampsMs[i]! >= timestampMs) return segment.baseOffset + i
    }
    return this.highOffset
  }
}
