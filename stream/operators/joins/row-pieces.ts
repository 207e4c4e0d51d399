/**
 * What a join holds, in a snapshot, in pieces: the join goes on between two of them.
 *
 *   cut ─▶ list by list, a few thousand rows at a time ─▶ piece ─▶ bytes
 *            └ a list that is about to change before its turn is taken first: all are as they were at the cut
 */
import { deserialize, serialize } from 'node:v8'
import type { KeyTableState } from '../../state/key-table.ts'
import { compact, packRows, unpackOne } from './packed-rows.ts'
import type { PackedRows } from './packed-rows.ts'
import type { Side } from './two-sides.ts'

/** Rows between two pauses: a few milliseconds. */
export const PIECE_ROWS = 4096
/** Room to begin with: most snapshots are of few rows. */
const FIRST_ROWS = 256

/** Lists end to end, in columns: a row of its own objects would weigh and cost three times as much. */
interface Piece {
  /** What the list is part of, its key and its number of rows here; one that is longer goes on in the next piece. */
  readonly heads: Int32Array
  readonly times: Float64Array
  readonly marks: Uint8Array
  readonly numbers: Float64Array
  readonly rows: PackedRows
}

/** A piece as it comes back; rows are made when they are asked for. */
export interface SavedPiece {
  readonly times: ArrayLike<number>
  readonly marks: Uint8Array
  readonly numbers: Float64Array
  row(i: number): unknown
}

/** A list as it comes back: rows `from` to `to` of a piece. */
export interface SavedList {
  readonly of: number
  readonly keyId: number
  readonly from: number
  readonly to: number
  readonly piece: SavedPiece
}

/** Rows of one side, which mostly are of one shape. */
export class RowPieces {
  readonly done: Uint8Array[] = []
  readonly pieceRows: number
  /** As in a piece, but where the list ends. */
  private heads: number[] = []
  private rows: unknown[] = []
  private times = new Float64Array(FIRST_ROWS)
  private marks = new Uint8Array(FIRST_ROWS)
  private numbers = new Float64Array(FIRST_ROWS)
  /** What is before these is done. */
  private head = 0
  private row = 0

  constructor(pieceRows: number) {
    this.pieceRows = pieceRows
  }

  /** The rows added next are those of this key. */
  list(of: number, keyId: number): void {
    this.heads.push(of, keyId, this.rows.length)
  }

  add(timeMs: number, row: unknown, mark: number, number: number): void {
    const at = this.rows.length
    if (at === this.times.length) this.grow()
    this.rows.push(row)
    this.times[at] = timeMs
    this.marks[at] = mark
    this.numbers[at] = number
    this.heads[this.heads.length - 1] = at + 1
  }

  get count(): number {
    return this.rows.length - this.row
  }

  /** The next few thousand rows. */
  encode(): void {
    const { row: from, heads } = this
    const to = Math.min(from + this.pieceRows, this.rows.length)
    const lists: number[] = []
    let at = from
    while (at < to) {
      const end = heads[this.head + 2] as number
      const next = Math.min(end, to)
      if (next > at) lists.push(heads[this.head] as number, heads[this.head + 1] as number, next - at)
      at = next
      if (end <= to) this.head += 3
    }
    const piece: Piece = {
      heads: Int32Array.from(lists),
      times: this.times.subarray(from, to),
      marks: this.marks.subarray(from, to),
      numbers: this.numbers.subarray(from, to),
      rows: packRows(this.rows.slice(from, to)),
    }
    this.done.push(new Uint8Array(serialize(piece)))
    this.row = to
    if (to * 2 > this.rows.length) this.forget()
  }

  private forget(): void {
    const { head, row } = this
    this.heads = this.heads.slice(head)
    for (let h = 2; h < this.heads.length; h += 3) (this.heads[h] as number) -= row
    this.rows = this.rows.slice(row)
    for (const column of [this.times, this.marks, this.numbers]) column.copyWithin(0, row)
    this.head = this.row = 0
  }

  private grow(): void {
    const size = this.times.length * 2
    this.times = larger(this.times, new Float64Array(size))
    this.marks = larger(this.marks, new Uint8Array(size))
    this.numbers = larger(this.numbers, new Float64Array(size))
  }
}

function larger<A extends Float64Array | Uint8Array>(from: A, into: A): A {
  into.set(from)
  return into
}

/** The lists of all pieces; one that was divided comes in parts, in order. */
export function eachList(pieces: readonly Uint8Array[], visit: (list: SavedList) => void): void {
  for (const bytes of pieces) {
    const { heads, times, marks, numbers, rows } = deserialize(bytes) as Piece
    const piece: SavedPiece = { times, marks, numbers, row: unpackOne(rows) }
    let from = 0
    for (let h = 0; h < heads.length; h += 3) {
      const to = from + (heads[h + 2] as number)
      visit({ of: heads[h] as number, keyId: heads[h + 1] as number, from, to, piece })
      from = to
    }
  }
}

/** Of both sides. */
export type SavedRows = readonly [readonly Uint8Array[], readonly Uint8Array[]]
export type SidePieces = readonly [RowPieces, RowPieces]

/** Turns what a walk adds into bytes; pauses before it, after each of its steps and after each piece. */
export function* encodeRows(walk: Iterable<undefined>, pieces: SidePieces): Generator<undefined, SavedRows> {
  yield undefined
  for (const _pause of walk) {
    yield* encodeDown(pieces, pieces[0].pieceRows)
    yield undefined
  }
  yield* encodeDown(pieces, 1)
  return [pieces[0].done, pieces[1].done]
}

function* encodeDown(pieces: SidePieces, least: number): Generator<undefined, void> {
  for (const side of pieces) {
    while (side.count >= least) {
      side.encode()
      yield undefined
    }
  }
}

/** Lists by key of one or two sides, as they are when it is made. */
export class KeyedCut<L> {
  private readonly lists: readonly (readonly (L | undefined)[])[]
  private readonly taken: readonly Uint8Array[]
  private readonly take: (side: Side, keyId: number, list: L) => number
  private readonly pieceRows: number
  /** Rows and keys since the last pause. */
  private work = 0

  /** `take` saves a list and gives the number of its rows. */
  constructor(
    lists: readonly (readonly (L | undefined)[])[],
    pieceRows: number,
    take: (side: Side, keyId: number, list: L) => number,
  ) {
    this.lists = lists
    this.taken = lists.map(({ length }) => new Uint8Array(length))
    this.take = take
    this.pieceRows = pieceRows
  }

  /** A list is about to change, to come or to go. */
  before(side: Side, keyId: number): void {
    const taken = this.taken[side] as Uint8Array
    // Keys that came after the cut are beyond it.
    if (taken[keyId] !== 0) return
    taken[keyId] = 1
    const list = this.lists[side]?.[keyId]
    this.work += list === undefined ? 1 : 1 + this.take(side, keyId, list)
  }

  *walk(): Generator<undefined, void> {
    for (const [side, { length }] of this.taken.entries()) {
      for (let keyId = 0; keyId < length; keyId++) {
        this.before(side as Side, keyId)
        if (this.work < this.pieceRows) continue
        this.work = 0
        yield undefined
      }
    }
  }

  /** The lists, then what stands in none. */
  *walkWith<T>(others: readonly T[], take: (other: T) => void): Generator<undefined, void> {
    yield* this.walk()
    for (const [n, other] of others.entries()) {
      take(other)
      if (n % this.pieceRows === 0) yield undefined
    }
  }
}

/** Keys and who holds them; those of a million rows are many. */
export interface SavedKeys {
  readonly columns: readonly Uint8Array[]
  readonly holders: Int32Array
  readonly free: Int32Array
}

const PIECE_KEYS = 4 * PIECE_ROWS

export function* encodeKeys({ columns, holders, free }: KeyTableState): Generator<undefined, SavedKeys> {
  const pieces: Uint8Array[] = []
  for (let from = 0; from < holders.length; from += PIECE_KEYS) {
    pieces.push(new Uint8Array(serialize(columns.map(column => compact(column.slice(from, from + PIECE_KEYS))))))
    yield undefined
  }
  return { columns: pieces, holders, free: Int32Array.from(free) }
}

export function decodeKeys({ columns: pieces, holders, free }: SavedKeys, width: number): KeyTableState {
  const columns = Array.from({ length: width }, (): unknown[] => new Array<unknown>(holders.length))
  let at = 0
  for (const piece of pieces) {
    const parts = deserialize(piece) as ArrayLike<unknown>[]
    for (const [c, part] of parts.entries()) {
      const column = columns[c] as unknown[]
      for (let i = 0; i < part.length; i++) column[at + i] = part[i]
    }
    at += parts[0]?.length ?? 0
  }
  return { columns, holders, free: Array.from(free) }
}
