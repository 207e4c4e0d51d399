/** Joins that look at row after row: watermark before it ─▶ retraction? ─▶ onRow. Their snapshots are made in pieces. */
import type { Batch } from '../../model.ts'
import type { KeyTableState } from '../../state/key-table.ts'
import { finiteOrNull } from '../../time/finite.ts'
import type { StageContext } from '../operator.ts'
import type { JoinKeys } from './keys.ts'
import { JoinLanes } from './lanes.ts'
import type { HeldRow } from './lanes.ts'
import { decodeKeys, eachList, encodeKeys, encodeRows, RowPieces } from './row-pieces.ts'
import type { SavedKeys, SavedList, SavedRows, SidePieces } from './row-pieces.ts'
import type { JoinedRows } from './rows.ts'
import type { SizeLimit } from './size-limit.ts'
import { TwoSides } from './two-sides.ts'
import type { SavedInPieces, Side, TwoInputState } from './two-sides.ts'

export type { Output, Side, TwoInputOperator } from './two-sides.ts'

/** What all joins of rows have. */
export interface RowJoinParts {
  readonly keys: JoinKeys
  readonly out: JoinedRows
  readonly limit: SizeLimit
  readonly context: StageContext
  /** Rows of one piece of a snapshot. */
  readonly pieceRows: number
}

/** A join on its way into a snapshot. */
export interface Saving<Cut> {
  /** Told before a list changes, until the walk is over. */
  readonly cut: Cut
  /** Adds what was held at the cut to the pieces, and pauses now and then. */
  readonly walk: Iterable<undefined>
  /** What is saved beside keys and rows; asked after the walk, told as it was at the cut. */
  rest(): unknown
}

interface RowJoinState {
  readonly keys: SavedKeys
  readonly rows: SavedRows
  readonly rest: unknown
}

export abstract class TwoInputs<Parts extends RowJoinParts, Cut> extends TwoSides implements SavedInPieces {
  protected readonly parts: Parts
  /** The snapshot under way. */
  protected cut: Cut | undefined

  constructor(parts: Parts) {
    super(parts.context, parts.out)
    this.parts = parts
  }

  stateBytes(): number {
    return this.parts.keys.bytes() + this.parts.limit.bytes
  }

  watch(on: boolean): void {
    if (on === (this.lanes !== undefined)) return
    if (!on) {
      this.lanes = undefined
      return
    }
    const { inputs } = this
    const { keys } = this.parts
    this.lanes = new JoinLanes({
      watermarkMs: () => inputs.watermarkMs,
      keyOf: keyId => keys.valueOf(keyId),
      sinceMs: finiteOrNull(inputs.watermarkMs),
    })
    this.lanes.begin(this.held(), this.meets)
  }

  beginSnapshot(): Generator<undefined, TwoInputState> {
    // All that is looked at before the first pause is looked at now, not when the first piece is asked for.
    const { keys, pieceRows } = this.parts
    const pieces = [new RowPieces(pieceRows), new RowPieces(pieceRows)] as const
    const begun = { inputs: this.inputs.snapshot(), keys: keys.snapshot(), pieces, saving: this.beginSaving(pieces) }
    this.cut = begun.saving.cut
    return this.pieceByPiece(begun)
  }

  private *pieceByPiece({ inputs, keys, pieces, saving }: Begun<Cut>): Generator<undefined, TwoInputState> {
    const rows = yield* encodeRows(saving.walk, pieces)
    // Another one may have been begun since.
    if (this.cut === saving.cut) this.cut = undefined
    const mine: RowJoinState = { keys: yield* encodeKeys(keys), rows, rest: saving.rest() }
    return { inputs, mine }
  }

  protected override load(state: unknown): void {
    const { keys: saved, rows, rest } = state as RowJoinState
    const { keys, limit } = this.parts
    keys.restore(decodeKeys(saved, keys.width))
    limit.forget()
    this.cut = undefined
    this.begin(rest, saved.holders.length)
    for (const side of [0, 1] as const) eachList(rows[side], list => this.loadList(side, list))
    this.loaded()
  }

  /** The rows held, for somebody who begins to look. */
  protected abstract held(): Iterable<HeldRow>
  /** Whether two rows held of one key have met; absent where their times do not tell. */
  protected meets: ((leftMs: number, rightMs: number) => boolean) | undefined

  /** What is held now: from here to the end of its walk a list is saved before it changes. */
  protected abstract beginSaving(pieces: SidePieces): Saving<Cut>
  /** Empties the join; key ids are below `keyCount`. */
  protected abstract begin(rest: unknown, keyCount: number): void
  /** A list that was saved; a long one comes in parts. */
  protected abstract loadList(side: Side, list: SavedList): void
  /** All lists are there. */
  protected loaded(): void {}

  protected override onRows(side: Side, batch: Batch): void {
    const { count, beforeMs, weights } = batch
    const takesBack = this.takesBack(side)
    let last = NaN
    for (let i = 0; i < count; i++) {
      const before = beforeMs[i] as number
      if (before !== last) {
        last = before
        this.tell(side, before)
      }
      if (weights !== undefined && weights[i] === -1 && !takesBack) {
        this.context.refuse(batch, i, 'this join cannot take back a row that was retracted; a join with ttl can')
      } else this.onRow(side, batch, i)
    }
  }

  protected abstract onRow(side: Side, batch: Batch, i: number): void

  /** Whether a retraction of a row of this side may come. */
  protected takesBack(_side: Side): boolean {
    return false
  }
}

interface Begun<Cut> {
  readonly inputs: TwoInputState['inputs']
  readonly keys: KeyTableState
  readonly pieces: SidePieces
  readonly saving: Saving<Cut>
}
