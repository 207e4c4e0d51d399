/**
 * Waiting rows of one key that came back from a snapshot and that nobody has asked for since: they stay in the columns of their piece.
 * Most of the time of a restart would go into making objects of all of them.
 */
import type { SavedPiece } from './row-pieces.ts'
import type { Side } from './two-sides.ts'

export class PackedList {
  readonly side: Side
  readonly keyId: number
  readonly piece: SavedPiece
  /** Rows `from` to `to`, at least one, by time. */
  readonly from: number
  readonly to: number

  constructor(side: Side, { keyId, piece, from, to }: Omit<PackedList, 'side' | 'count' | 'lastMs'>) {
    this.side = side
    this.keyId = keyId
    this.piece = piece
    this.from = from
    this.to = to
  }

  get count(): number {
    return this.to - this.from
  }

  get lastMs(): number {
    return this.piece.times[this.to - 1] as number
  }
}
