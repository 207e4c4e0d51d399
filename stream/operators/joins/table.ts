/**
 * Stream-table join: the right side is a table, the newest row per key by order of arrival; each left row is joined with what
 * the table holds when it is handled. A change of the table alone gives nothing. Nothing is ever late: time plays no part, the
 * watermark is the left side's.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Batch } from '../../model.ts'
import type { KeyTableState } from '../../state/key-table.ts'
import { finiteOrNull } from '../../time/finite.ts'
import { emptyBatch } from '../operator.ts'
import { NO_KEY, REFUSED } from './keys.ts'
import { JoinLanes } from './lanes.ts'
import type { JoinView } from '../../join-view.ts'
import type { Deletes } from './deletes.ts'
import { decodeKeys, eachList, encodeKeys, encodeRows, RowPieces } from './row-pieces.ts'
import type { SavedKeys } from './row-pieces.ts'
import type { RowJoinParts, Side } from './two-inputs.ts'
import type { SavedInPieces, WithTwoInputs } from './two-sides.ts'

export interface TableParts extends RowJoinParts {
  readonly pads: boolean
  readonly deletes: Deletes
}

interface TableState {
  readonly keys: SavedKeys
  readonly rows: readonly Uint8Array[]
  readonly leftMs: number
  readonly idle: boolean
}

export class TableJoin implements WithTwoInputs, SavedInPieces {
  private readonly parts: TableParts
  /** By key id; no row is undefined. */
  private rows: unknown[] = []
  private leftMs = -Infinity
  private idle = false
  private lanes: JoinLanes | undefined

  constructor(parts: TableParts) {
    this.parts = parts
  }

  onInput(side: Side, batch: Batch): Batch {
    if (batch.resumed === true && side === 0) {
      this.idle = false
      return { ...emptyBatch(this.leftMs), resumed: true }
    }
    if (side === 1) {
      for (let i = 0; i < batch.count; i++) this.put(batch, i)
      return this.marked(emptyBatch(this.leftMs))
    }
    const { out, context } = this.parts
    for (let i = 0; i < batch.count; i++) {
      out.beforeMs = batch.beforeMs[i] as number
      if (batch.weights?.[i] === -1) {
        context.refuse(batch, i, 'a table join cannot take back a row that was retracted; a join with ttl can')
      } else this.lookUp(batch, i)
    }
    this.leftMs = batch.watermarkMs
    this.idle = batch.idle === true
    return this.marked(out.take(batch.watermarkMs))
  }

  stateBytes(): number {
    return this.parts.keys.bytes() + this.parts.limit.bytes
  }

  beginSnapshot(): Generator<undefined, TableState> {
    const { leftMs, idle } = this
    const { keys, pieceRows } = this.parts
    return saved({ keys: keys.snapshot(), rows: this.rows.slice(), leftMs, idle }, pieceRows)
  }

  restore(state: unknown): void {
    const s = state as TableState
    const { keys, limit } = this.parts
    keys.restore(decodeKeys(s.keys, keys.width))
    limit.forget()
    this.rows = new Array<unknown>(s.keys.holders.length)
    eachList(s.rows, ({ keyId, from, piece }) => {
      const row = piece.row(from)
      this.rows[keyId] = row
      limit.took(row, keyId, 1)
    })
    this.leftMs = s.leftMs
    this.idle = s.idle
    if (this.lanes === undefined) return
    this.watch(false)
    this.watch(true)
  }

  watch(on: boolean): void {
    if (on === (this.lanes !== undefined)) return
    this.lanes = on
      ? new JoinLanes({
          watermarkMs: () => this.leftMs,
          keyOf: keyId => this.parts.keys.valueOf(keyId),
          sinceMs: finiteOrNull(this.leftMs),
        })
      : undefined
  }

  view(): JoinView | undefined {
    return this.lanes?.view([0, this.parts.limit.count])
  }

  private marked(batch: Batch): Batch {
    return this.idle ? { ...batch, idle: true } : batch
  }

  private lookUp(batch: Batch, i: number): void {
    const { keys, out, pads } = this.parts
    const keyId = keys.read(0, batch, i)
    if (keyId === REFUSED) return
    const found = keyId === NO_KEY ? undefined : this.rows[keyId]
    const row = batch.rows[i]
    this.lanes?.came(0, keyId, batch.eventTimesMs[i] as number, row, Infinity)
    if (found !== undefined) this.lanes?.paired(keyId, row, found)
    this.lanes?.done(0, row, keyId === NO_KEY ? 'noKey' : 'absent', null)
    if (keyId !== NO_KEY && found === undefined) keys.glance(keyId)
    if (found !== undefined || pads) out.add(row, found ?? null, batch.eventTimesMs[i] as number)
  }

  private put(batch: Batch, i: number): void {
    const { keys, deletes, limit } = this.parts
    const keyId = keys.read(1, batch, i)
    if (keyId < 0) return
    const row = batch.rows[i]
    const gone = deletes.of(batch, i)
    if (gone === undefined) return keys.glance(keyId)
    const old = this.rows[keyId]
    // A retraction takes back this very row only: the newer one may have come before it.
    const takenBack = batch.weights?.[i] === -1
    if (takenBack && !isDeepStrictEqual(old, row)) return keys.glance(keyId)
    if (gone || takenBack) {
      if (old === undefined) return keys.glance(keyId)
      this.rows[keyId] = undefined
      limit.count--
      return keys.release(keyId)
    }
    if (old === undefined) {
      keys.hold(keyId)
      limit.took(row, keyId, 1)
    }
    this.rows[keyId] = row
    this.lanes?.came(1, keyId, batch.eventTimesMs[i] as number, row, Infinity)
  }
}

interface Held extends Pick<TableState, 'leftMs' | 'idle'> {
  readonly keys: KeyTableState
  readonly rows: readonly unknown[]
}

function* saved({ keys, rows, ...rest }: Held, pieceRows: number): Generator<undefined, TableState> {
  const pieces = [new RowPieces(pieceRows), new RowPieces(pieceRows)] as const
  const [, right] = yield* encodeRows(walkRows(rows, pieces[1]), pieces)
  return { keys: yield* encodeKeys(keys), rows: right, ...rest }
}

function* walkRows(rows: readonly unknown[], pieces: RowPieces): Generator<undefined, void> {
  for (const [keyId, row] of rows.entries()) {
    if (row !== undefined) {
      pieces.list(0, keyId)
      pieces.add(0, row, 0, 0)
    }
    if (keyId % pieces.pieceRows === 0) yield undefined
  }
}
