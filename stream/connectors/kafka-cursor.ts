/** Where a reader stands in each partition, what it has fetched and not handed out, and which record is next. */
import type { EnvelopeBatch } from '../model.ts'
import type { FetchedRecords } from './kafka-fetch.ts'
import type { RecordChunk } from './kafka-records.ts'

/** Records `at` to `to` of a chunk. */
interface Waiting {
  readonly chunk: RecordChunk
  at: number
  to: number
}

export interface KafkaCursor {
  readonly partition: number
  /** Next offset to hand out. */
  position: bigint
  /** Next offset to fetch. */
  fetchAt: bigint
  /** End of its history, exclusive. */
  historyEnd: bigint
  /** Exclusive end of a bounded read; undefined while endless or not known yet. */
  end: bigint | undefined
  high: bigint
  announced: boolean
  /** In order of offset, none of them empty. */
  waiting: Waiting[]
}

/** What a record takes beside its bytes, about. */
const recordBytes = 64

/** A cursor before its first fetch. */
export function cursorAt(partition: number, position: bigint, high: bigint, end: bigint | undefined): KafkaCursor {
  const historyEnd = end !== undefined && end < high ? end : high
  return { partition, position, fetchAt: position, historyEnd, end, high, announced: false, waiting: [] }
}

export function hasHead(cursor: KafkaCursor): boolean {
  return cursor.waiting.length > 0
}

export function historyDone(cursor: KafkaCursor): boolean {
  const head = cursor.waiting[0]
  const next = head === undefined ? cursor.fetchAt : head.chunk.offsets[head.at]!
  return next >= cursor.historyEnd
}

/** How many records wait, and how much memory they hold. */
export function waitingIn(cursor: KafkaCursor): { readonly count: number; readonly bytes: number } {
  let count = 0
  let bytes = 0
  for (const { chunk, at, to } of cursor.waiting) {
    count += to - at
    bytes += endOf(chunk, to - 1) - startOf(chunk, at) + (to - at) * recordBytes
  }
  return { count, bytes }
}

/** Takes up what the broker answered. A batch is sent whole: it may begin before what was asked for and end behind the bound. */
export function store(cursor: KafkaCursor, { chunks, next, high }: FetchedRecords): void {
  // An answer from memory may be older than what is known.
  if (high > cursor.high) cursor.high = high
  for (const chunk of chunks) {
    const at = firstFrom(chunk, cursor.fetchAt)
    const to = cursor.end === undefined ? chunk.count : firstFrom(chunk, cursor.end)
    if (at < to) cursor.waiting.push({ chunk, at, to })
  }
  // Without a whole batch nothing is known: an answer full of other partitions leaves this one out.
  if (next !== undefined && BigInt(next) > cursor.fetchAt) cursor.fetchAt = BigInt(next)
  if (!hasHead(cursor) && cursor.fetchAt > cursor.position) cursor.position = cursor.fetchAt
}

/** What waits behind the end is dropped. */
export function endAt(cursor: KafkaCursor, end: bigint): void {
  cursor.end = end
  for (const waiting of cursor.waiting) waiting.to = Math.min(waiting.to, firstFrom(waiting.chunk, end))
  cursor.waiting = cursor.waiting.filter(({ at, to }) => at < to)
  if (!hasHead(cursor) && cursor.fetchAt > cursor.position) cursor.position = cursor.fetchAt
}

/** The first record at the offset or behind it. */
function firstFrom({ offsets, count }: RecordChunk, offset: bigint): number {
  const least = Number(offset)
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (offsets[middle]! < least) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Moves records into `batch`, the smallest timestamp first, then the smaller partition, each partition in its own order. Stops at
 * `most`, where a cursor has nothing waiting and `waits`, and behind the last record of a history when `untilHistory`.
 */
export function takeMerged(
  cursors: readonly KafkaCursor[],
  batch: BatchBuilder,
  options: { readonly most: number; readonly untilHistory: boolean },
): void {
  const { most, untilHistory } = options
  while (batch.count < most) {
    let best = -1
    let bestMs = Infinity
    let other = -1
    let otherMs = Infinity
    for (let c = 0; c < cursors.length; c++) {
      const head = cursors[c]!.waiting[0]
      if (head === undefined) {
        // The next record of this one may be the oldest.
        if (untilHistory) return
        continue
      }
      const ms = head.chunk.timestampsMs[head.at]!
      if (best < 0 || ms < bestMs) {
        other = best
        otherMs = bestMs
        best = c
        bestMs = ms
      } else if (other < 0 || ms < otherMs) {
        other = c
        otherMs = ms
      }
    }
    if (best < 0) return
    const cursor = cursors[best]!
    const head = cursor.waiting[0]!
    const { timestampsMs, offsets } = head.chunk
    const limit = Math.min(head.to, head.at + most - batch.count)
    const historyEnd = untilHistory ? Number(cursor.historyEnd) : Infinity
    let to = head.at + 1
    // Its next ones too, while nobody else's is before them.
    while (to < limit && offsets[to]! < historyEnd && before(timestampsMs[to]!, best, otherMs, other)) to++
    batch.add(cursor.partition, head.chunk, head.at, to)
    advance(cursor, head, to)
    if (untilHistory && historyDone(cursor)) return
  }
}

function before(ms: number, cursor: number, otherMs: number, other: number): boolean {
  return other < 0 || ms < otherMs || (ms === otherMs && cursor < other)
}

function advance(cursor: KafkaCursor, head: Waiting, to: number): void {
  head.at = to
  if (to < head.to) {
    cursor.position = BigInt(head.chunk.offsets[to - 1]!) + 1n
    return
  }
  cursor.waiting.shift()
  cursor.position = hasHead(cursor) ? BigInt(head.chunk.offsets[to - 1]!) + 1n : cursor.fetchAt
}

interface Run {
  readonly partition: number
  readonly chunk: RecordChunk
  readonly from: number
  readonly to: number
}

const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1
/** Copying fewer bytes one by one is quicker than asking for it. */
const fewBytes = 40

/**
 * Runs of records as one batch with bytes of its own. Values of a schema are copied with what lies between them, a stretch of the answer
 * at a time; text is packed, because a batch of nothing but ASCII is decoded at once.
 */
export class BatchBuilder {
  #count = 0
  readonly #runs: Run[] = []

  get count(): number {
    return this.#count
  }

  add(partition: number, chunk: RecordChunk, from: number, to: number): void {
    this.#runs.push({ partition, chunk, from, to })
    this.#count += to - from
  }

  build(): EnvelopeBatch {
    const runs = this.#runs
    const count = this.#count
    const partitions = new Int32Array(count)
    const offsets = new BigInt64Array(count)
    const halves = new Int32Array(offsets.buffer)
    const timestampsMs = new Float64Array(count)
    const headed = runs.some(({ chunk }) => chunk.headers !== undefined)
    const headers = headed ? new Array<Readonly<Record<string, Uint8Array>> | undefined>(count).fill(undefined) : undefined // prettier-ignore
    let i = 0
    for (const { partition, chunk, from, to } of runs) {
      for (let n = from; n < to; n++, i++) {
        partitions[i] = partition
        timestampsMs[i] = chunk.timestampsMs[n]!
        const offset = chunk.offsets[n]!
        if (littleEndian) {
          // Half of a bigint each: none is made.
          halves[2 * i] = offset | 0
          halves[2 * i + 1] = Math.floor(offset / 4294967296)
        } else offsets[i] = BigInt(offset)
        if (headers !== undefined) headers[i] = chunk.headers?.[n]
      }
    }
    const log = runs[0]?.chunk.log
    const known = runs.every(({ chunk }) => chunk.log === log)
    const parts = runs.length > 0 && isFramed(runs[0]!) ? stretches(runs, count) : packed(runs, count)
    return { count, partitions, offsets, timestampsMs, ...parts, headers, log: known ? log : undefined }
  }
}

type Parts = Pick<EnvelopeBatch, 'bytes' | 'keyRanges' | 'valueRanges'>

/** By its first value: it begins as one that names its schema does, which text does not. */
function isFramed({ chunk, from }: Run): boolean {
  return chunk.ranges[4 * from + 3]! > 0 && chunk.bytes[chunk.ranges[4 * from + 2]!] === 0
}

function startOf({ ranges }: RecordChunk, i: number): number {
  return ranges[4 * i]!
}

function endOf({ ranges }: RecordChunk, i: number): number {
  return ranges[4 * i + 2]! + Math.max(0, ranges[4 * i + 3]!)
}

/** What was taken of a chunk lies together, however it was mixed with others. */
function stretches(runs: readonly Run[], count: number): Parts {
  const places = new Map<RecordChunk, { readonly from: number; to: number; at: number }>()
  for (const { chunk, from, to } of runs) {
    const place = places.get(chunk)
    if (place === undefined) places.set(chunk, { from: startOf(chunk, from), to: endOf(chunk, to - 1), at: 0 })
    else place.to = endOf(chunk, to - 1)
  }
  let size = 0
  for (const place of places.values()) {
    place.at = size
    size += place.to - place.from
  }
  const bytes = new Uint8Array(size)
  for (const [chunk, { from, to, at }] of places) bytes.set(chunk.bytes.subarray(from, to), at)
  const keyRanges = new Int32Array(2 * count)
  const valueRanges = new Int32Array(2 * count)
  let i = 0
  for (const { chunk, from, to } of runs) {
    const { ranges } = chunk
    const place = places.get(chunk)!
    const moved = place.at - place.from
    for (let n = from; n < to; n++, i += 2) {
      keyRanges[i] = ranges[4 * n]! + moved
      keyRanges[i + 1] = ranges[4 * n + 1]!
      valueRanges[i] = ranges[4 * n + 2]! + moved
      valueRanges[i + 1] = ranges[4 * n + 3]!
    }
  }
  return { bytes, keyRanges, valueRanges }
}

function packed(runs: readonly Run[], count: number): Parts {
  let size = 0
  for (const { chunk, from, to } of runs)
    for (let n = 4 * from + 1; n < 4 * to; n += 2) size += Math.max(0, chunk.ranges[n]!)
  const bytes = new Uint8Array(size)
  const both = [new Int32Array(2 * count), new Int32Array(2 * count)] as const
  let at = 0
  let i = 0
  for (const { chunk, from, to } of runs) {
    for (let n = from; n < to; n++, i += 2) {
      for (let part = 0; part < 2; part++) {
        const start = chunk.ranges[4 * n + 2 * part]!
        const length = chunk.ranges[4 * n + 2 * part + 1]!
        both[part as 0 | 1][i] = at
        both[part as 0 | 1][i + 1] = length
        if (length <= 0) continue
        if (length < fewBytes) for (let b = 0; b < length; b++) bytes[at + b] = chunk.bytes[start + b]!
        else bytes.set(chunk.bytes.subarray(start, start + length), at)
        at += length
      }
    }
  }
  return { bytes, keyRanges: both[0], valueRanges: both[1] }
}
