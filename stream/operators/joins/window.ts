/**
 * Window join: rows of one key that fall into the same window, once, when the window closes (watermark ≥ end − 1).
 *
 *   row ─▶ its slice (key → rows of both sides)      watermark ≥ end − 1 ─▶ the window is its slices ─▶ pairs, pads
 *
 * A row is late when all its windows have closed. Rows of one firing come by window end, then key, then arrival.
 */
import type { Batch } from '../../model.ts'
import type { JoinType } from '../../plan.ts'
import type { WindowShape } from '../window-shape.ts'
import { NO_KEY, REFUSED } from './keys.ts'
import type { HeldRow } from './lanes.ts'
import { pairUp } from './pair-up.ts'
import type { Group } from './pair-up.ts'
import type { SavedList, SidePieces } from './row-pieces.ts'
import { TwoInputs } from './two-inputs.ts'
import type { RowJoinParts, Saving, Side } from './two-inputs.ts'

export interface WindowJoinParts extends RowJoinParts {
  readonly type: JoinType
  readonly shape: WindowShape
}

/** Rows of a key in a slice. */
interface SliceGroup extends Group {
  /** Number of the newest snapshot that has them as they were at its cut. */
  savedIn: number
}

interface Slice {
  readonly start: number
  readonly lastEnd: number
  readonly groups: Map<number, SliceGroup>
  /** Rows without a key: padded one by one. */
  readonly keyless: SliceGroup
  count: number
}

interface WindowJoinRest {
  readonly slices: readonly { readonly start: number; readonly lastEnd: number }[]
  readonly openEnds: readonly number[]
}

/** A snapshot under way: the slices of its cut, and where what they held goes. */
interface Cut {
  readonly number: number
  readonly slices: ReadonlyMap<Slice, number>
  readonly pieces: SidePieces
}

export class WindowJoin extends TwoInputs<WindowJoinParts, Cut> {
  /** By start, ascending. */
  private slices: Slice[] = []
  private byStart = new Map<number, Slice>()
  /** Ends of windows that have not fired, ascending. */
  private openEnds: number[] = []
  private cuts = 0

  protected onRow(side: Side, batch: Batch, i: number): void {
    const { shape, keys, limit } = this.parts
    const start = shape.sliceStart(batch.eventTimesMs[i] as number)
    const firstEnd = shape.firstEnd(start)
    const lastEnd = shape.lastEnd(start)
    // Between two hops: no window was ever to take it.
    if (lastEnd < firstEnd) return
    if (lastEnd - 1 <= this.inputs.watermarkMs) return this.context.drop(batch, i)
    const keyId = keys.read(side, batch, i)
    if (keyId === REFUSED) return
    let slice = this.byStart.get(start)
    if (slice === undefined) {
      slice = newSlice(start, lastEnd)
      this.byStart.set(start, slice)
      this.enterSlice(slice)
      this.openWindows(firstEnd, lastEnd)
    }
    let group = keyId === NO_KEY ? slice.keyless : slice.groups.get(keyId)
    if (group === undefined) {
      // Of the snapshot under way it is no part.
      group = newGroup(this.cuts)
      slice.groups.set(keyId, group)
      keys.hold(keyId)
    }
    if (this.cut !== undefined) saveGroup(this.cut, slice, keyId, group)
    const rows = side === 0 ? group.left : group.right
    rows.push(batch.rows[i])
    slice.count++
    this.lanes?.came(side, keyId, batch.eventTimesMs[i] as number, batch.rows[i], lastEnd - 1)
    limit.took(batch.rows[i], keyId, rows.length)
  }

  protected advance(watermarkMs: number): void {
    while (this.openEnds.length > 0 && (this.openEnds[0] as number) - 1 <= watermarkMs) {
      this.fire(this.openEnds.shift() as number)
    }
    const { keys, limit } = this.parts
    while (this.slices.length > 0 && (this.slices[0] as Slice).lastEnd - 1 <= watermarkMs) {
      const slice = this.slices.shift() as Slice
      this.byStart.delete(slice.start)
      limit.count -= slice.count
      for (const keyId of slice.groups.keys()) keys.release(keyId)
    }
  }

  waitingCount(): number {
    return this.parts.limit.count
  }

  protected heldCounts(): readonly [number, number] {
    let left = 0
    for (const { groups, keyless } of this.slices) {
      left += keyless.left.length
      for (const group of groups.values()) left += group.left.length
    }
    return [left, this.parts.limit.count - left]
  }

  /** Times of rows are not kept: one that came before somebody looked stands at the start of its slice. */
  protected *held(): Iterable<HeldRow> {
    for (const { start, lastEnd, groups, keyless } of this.slices) {
      for (const [keyId, group] of [...groups, [NO_KEY, keyless] as const]) {
        const shared = { keyId, timeMs: start, untilMs: lastEnd - 1, matched: undefined }
        for (const row of group.left) yield { side: 0, row, ...shared }
        for (const row of group.right) yield { side: 1, row, ...shared }
      }
    }
  }

  protected beginSaving(pieces: SidePieces): Saving<Cut> {
    const slices = this.slices.map(({ start, lastEnd }) => ({ start, lastEnd }))
    const openEnds = this.openEnds.slice()
    const cut: Cut = { number: ++this.cuts, slices: new Map(this.slices.map((slice, n) => [slice, n])), pieces }
    return {
      cut,
      walk: walkSlices(cut, this.parts.pieceRows),
      rest: (): WindowJoinRest => ({ slices, openEnds }),
    }
  }

  protected begin(rest: unknown): void {
    const { slices, openEnds } = rest as WindowJoinRest
    this.slices = slices.map(({ start, lastEnd }) => newSlice(start, lastEnd))
    this.byStart = new Map(this.slices.map(slice => [slice.start, slice]))
    this.openEnds = openEnds.slice()
  }

  protected loadList(side: Side, { of, keyId, from, to, piece }: SavedList): void {
    const slice = this.slices[of] as Slice
    let group = keyId === NO_KEY ? slice.keyless : slice.groups.get(keyId)
    if (group === undefined) slice.groups.set(keyId, (group = newGroup(0)))
    const list = side === 0 ? group.left : group.right
    for (let i = from; i < to; i++) {
      const row = piece.row(i)
      list.push(row)
      slice.count++
      this.parts.limit.took(row, keyId, list.length)
    }
  }

  private enterSlice(slice: Slice): void {
    let at = this.slices.length
    while (at > 0 && (this.slices[at - 1] as Slice).start > slice.start) at--
    this.slices.splice(at, 0, slice)
  }

  private openWindows(firstEnd: number, lastEnd: number): void {
    for (let end = firstEnd; end <= lastEnd; end = this.parts.shape.nextEnd(end)) {
      if (end - 1 <= this.inputs.watermarkMs) continue
      let at = this.openEnds.length
      while (at > 0 && (this.openEnds[at - 1] as number) > end) at--
      if (this.openEnds[at - 1] !== end) this.openEnds.splice(at, 0, end)
    }
  }

  private fire(windowEnd: number): void {
    const { shape, type, out, keys } = this.parts
    const windowStart = shape.startOf(windowEnd)
    const bounds = { windowStart, windowEnd }
    const inside = this.slices.filter(slice => slice.start >= windowStart && slice.start < windowEnd)
    const groups = new Map<number, Group>()
    for (const slice of inside) {
      for (const l of slice.keyless.left) pairUp({ left: [l], right: [] }, type, bounds, out)
      for (const r of slice.keyless.right) pairUp({ left: [], right: [r] }, type, bounds, out)
      for (const [keyId, { left, right }] of slice.groups) {
        const known = groups.get(keyId)
        if (known === undefined) groups.set(keyId, inside.length === 1 ? { left, right } : copyOf(left, right))
        else {
          for (const l of left) known.left.push(l)
          for (const r of right) known.right.push(r)
        }
      }
    }
    const ranks = keys.ranks()
    const order = [...groups.keys()].sort((a, b) => (ranks[a] as number) - (ranks[b] as number))
    for (const keyId of order) {
      const group = groups.get(keyId) as Group
      pairUp(group, type, bounds, out)
      this.lanes?.met(keyId, group)
    }
  }
}

const copyOf = (left: readonly unknown[], right: readonly unknown[]): Group => ({
  left: left.slice(),
  right: right.slice(),
})

const newGroup = (savedIn: number): SliceGroup => ({ left: [], right: [], savedIn })
const newSlice = (start: number, lastEnd: number): Slice => ({
  start,
  lastEnd,
  groups: new Map(),
  keyless: newGroup(0),
  count: 0,
})

function* walkSlices(cut: Cut, pieceRows: number): Generator<undefined, void> {
  let work = 0
  for (const slice of cut.slices.keys()) {
    saveGroup(cut, slice, NO_KEY, slice.keyless)
    // Those that come meanwhile are saved already: they were not there.
    for (const [keyId, group] of slice.groups) {
      work += 1 + saveGroup(cut, slice, keyId, group)
      if (work < pieceRows) continue
      work = 0
      yield undefined
    }
  }
}

/** Gives the number of rows; call before it changes. */
function saveGroup(cut: Cut, slice: Slice, keyId: number, group: SliceGroup): number {
  const of = cut.slices.get(slice)
  if (group.savedIn === cut.number || of === undefined) return 0
  group.savedIn = cut.number
  for (const [side, rows] of [group.left, group.right].entries()) {
    const pieces = cut.pieces[side as Side]
    pieces.list(of, keyId)
    for (const row of rows) pieces.add(0, row, 0, 0)
  }
  return group.left.length + group.right.length
}
