/**
 * Fetched pieces of a topic in memory, by partition and position. Beyond a bound the oldest positions go, so that whoever reads the
 * history once more does not push out what it comes to next; pieces of it that find no room pass by a smaller store, for others as far
 * behind.
 */
import type { FetchedRecords } from './kafka-fetch.ts'
import type { RecordChunk } from './kafka-records.ts'

export interface Piece {
  readonly fetched: FetchedRecords
  readonly partition: number
  /** Offsets asked from and read to, half-open. */
  readonly from: bigint
  readonly next: bigint
  readonly bytes: number
}

/** Of the bound, for pieces that pass by, and how many of them at most: they are searched one by one. */
const passingPart = 4
const passingMost = 64
/** Places of a list that are done with, before it is made anew. */
const spent = 1024

/** By position; places before `head` are empty. */
interface Positions {
  list: Piece[]
  head: number
  bytes: number
}

export class FetchedPieces {
  readonly #limitBytes: number
  readonly #partitions = new Map<number, Positions>()
  #bytes = 0
  #passing: Piece[] = []
  #passingBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** A piece that holds the record at the position, or undefined. */
  at(partition: number, position: bigint): Piece | undefined {
    const holds = (piece: Piece | undefined) => piece !== undefined && piece.from <= position && position < piece.next
    const positions = this.#partitions.get(partition)
    if (positions !== undefined) {
      const { list, head } = positions
      const place = placeAfter(positions, position) - 1
      // One may have been asked for from the middle of the one before it.
      for (const near of [place, place - 1]) if (near >= head && holds(list[near])) return list[near]
    }
    return this.#passing.findLast(piece => piece.partition === partition && holds(piece))
  }

  put(piece: Piece): void {
    let positions = this.#partitions.get(piece.partition)
    if (positions === undefined) this.#partitions.set(piece.partition, (positions = { list: [], head: 0, bytes: 0 }))
    const { list } = positions
    const place = placeAfter(positions, piece.from)
    if (place > positions.head && (list[place - 1] as Piece).next >= piece.next) return
    if (place === list.length) list.push(piece)
    else list.splice(place, 0, piece)
    positions.bytes += piece.bytes
    this.#bytes += piece.bytes
    while (this.#bytes > this.#limitBytes) {
      const gone = this.#dropOldest()
      if (gone === piece) this.#pass(piece)
    }
  }

  clear(): void {
    this.#partitions.clear()
    this.#passing = []
    this.#bytes = 0
    this.#passingBytes = 0
  }

  /** Of the partition that takes most room. */
  #dropOldest(): Piece {
    let most: Positions | undefined
    for (const positions of this.#partitions.values())
      if (most === undefined || positions.bytes > most.bytes) most = positions
    const from = most as Positions
    const piece = from.list[from.head] as Piece
    from.list[from.head++] = undefined as never
    if (from.head > spent && from.head * 2 > from.list.length) {
      from.list = from.list.slice(from.head)
      from.head = 0
    }
    from.bytes -= piece.bytes
    this.#bytes -= piece.bytes
    return piece
  }

  #pass(piece: Piece): void {
    this.#passing.push(piece)
    this.#passingBytes += piece.bytes
    while (this.#passingBytes > this.#limitBytes / passingPart || this.#passing.length > passingMost)
      this.#passingBytes -= (this.#passing.shift() as Piece).bytes
  }
}

/** The first place whose piece begins after the position. */
function placeAfter({ list, head }: Positions, position: bigint): number {
  let low = head
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle] as Piece).from <= position) low = middle + 1
    else high = middle
  }
  return low
}

/** Bytes between the first and last record of each chunk, and what is known of each. */
export function sizeOf(chunks: readonly RecordChunk[]): number {
  return chunks.reduce((sum, { ranges, count }) => {
    const last = 4 * (count - 1)
    return sum + ranges[last + 2]! + Math.max(0, ranges[last + 3]!) - ranges[0]! + 32 * count
  }, 0)
}
