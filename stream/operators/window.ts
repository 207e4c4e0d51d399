/**
 * Keyed aggregation in aligned windows, by slices.
 *
 *   record ─▶ its slice (key → fields)      watermark ≥ end − 1 ─▶ the window is the sum of its slices ─▶ one row per key
 *
 *   slice    taken while watermark < last end − 1 + lateness, then forgotten
 *   window   open ──watermark ≥ end − 1──▶ fired ──watermark ≥ end − 1 + lateness──▶ closed
 *
 * A record taken by a fired window makes its row anew at once (kind `late`). Rows of one firing are sorted by end, then key.
 * Of rows sent twice the older one is retracted first (weight −1), so that sums below stay right.
 */
import type { Batch } from '../model.ts'
import type { WindowOptions } from '../plan.ts'
import type { Layout } from '../aggregates/layout.ts'
import { Slots } from '../aggregates/slots.ts'
import type { SlotsState } from '../aggregates/slots.ts'
import { KeyTable } from '../state/key-table.ts'
import type { KeyTableState } from '../state/key-table.ts'
import { BatchBuilder } from './batch-builder.ts'
import { ColumnRows } from './column-rows.ts'
import { rowMaker } from './compile.ts'
import { InPieces } from './in-pieces.ts'
import type { Operator, Provisional, StageContext } from './operator.ts'
import type { RowReader } from './row-reader.ts'
import { RUN_ROWS, RunReader } from './run-reader.ts'
import type { WindowShape } from './window-shape.ts'

/** Rows of one piece of a firing: some 10 ms of work. */
const PIECE_ROWS = 1 << 14

interface Slice {
  readonly start: number
  /** End of the first and last window it belongs to. */
  readonly firstEnd: number
  readonly lastEnd: number
  readonly slots: Slots
}

/** Rows a window has sent and may have to send again, by key id. */
interface SentWindow {
  readonly end: number
  readonly rows: Map<number, Record<string, unknown>>
}

interface WindowState {
  readonly table: KeyTableState
  readonly slices: readonly { readonly start: number; readonly slots: SlotsState }[]
  readonly openEnds: readonly number[]
  readonly sent: readonly SentWindow[]
  readonly watermarkMs: number
  readonly earlyAt: number | undefined
}

export interface WindowParts {
  readonly shape: WindowShape
  readonly keyNames: readonly string[]
  readonly layout: Layout
  readonly aggregateNames: readonly string[]
  readonly reader: RowReader
  readonly latenessMs: number
  readonly emit: WindowOptions['emit']
  readonly context: StageContext
}

export class WindowOperator extends InPieces implements Operator, Provisional {
  private readonly parts: WindowParts
  private readonly shape: WindowShape
  private readonly reader: RowReader
  private readonly make: (values: readonly unknown[]) => Record<string, unknown>
  private readonly keepsSent: boolean
  private readonly everyMs: number | undefined
  private table: KeyTable
  /** Sorted by start. */
  private slices: Slice[] = []
  private byStart = new Map<number, Slice>()
  /** Ends of windows that have not fired yet, ascending. */
  private openEnds: number[] = []
  private sent = new Map<number, SentWindow>()
  private watermarkMs = -Infinity
  /** Nothing fires, closes or is sent early below this watermark: one compare per record. */
  private nextActionMs = Infinity
  /** Watermark at which early rows are due; undefined when nothing changed. */
  private earlyAt: number | undefined
  private out = new BatchBuilder()
  /** Final rows of windows that never change again, as columns: rows are made when somebody looks. */
  private readonly final: ColumnRows
  private readonly rowValues: unknown[] = []
  /** Many rows at once, where nothing more is to be done for each than to add it. */
  private readonly runs: RunReader | undefined
  private readonly hold = (keyId: number): void => this.table.hold(keyId)
  /** The slice of the previous record. */
  private current: Slice | undefined
  private currentStart = Infinity
  private currentEnd = -Infinity

  constructor(parts: WindowParts) {
    super()
    this.parts = parts
    this.shape = parts.shape
    this.reader = parts.reader
    this.make = rowMaker([...parts.keyNames, 'windowStart', 'windowEnd', ...parts.aggregateNames, 'kind', 'revision'])
    this.final = new ColumnRows([
      ...parts.keyNames,
      'windowStart',
      'windowEnd',
      ...parts.aggregateNames,
      'kind',
      'revision',
    ])
    this.keepsSent = parts.latenessMs > 0 || parts.emit !== 'final'
    this.everyMs = typeof parts.emit === 'object' ? parts.emit.everyMs : undefined
    this.table = new KeyTable(parts.keyNames.length)
    this.runs = parts.emit === 'final' ? RunReader.of(parts.reader, parts.layout, parts.context) : undefined
  }

  protected take(watermarkMs: number): Batch {
    const batch = this.keepsSent ? this.out.take(watermarkMs) : this.final.take(watermarkMs)
    this.givenMs = Math.max(this.givenMs, watermarkMs)
    return batch
  }

  protected *handle(batch: Batch): Generator<undefined, void> {
    const { beforeMs, count } = batch
    for (let i = 0; i < count; i = this.addRows(batch, i)) {
      const before = beforeMs[i] as number
      if (before >= this.nextActionMs) yield* this.advance(before)
    }
    yield* this.raise(batch.watermarkMs)
  }

  protected *raise(watermarkMs: number): Generator<undefined, void> {
    if (watermarkMs > this.watermarkMs) yield* this.advance(watermarkMs)
  }

  /** Adds rows from `from` on up to the first before which something is to be done; gives its index. */
  private addRows(batch: Batch, from: number): number {
    const { eventTimesMs, beforeMs, weights, count } = batch
    const { context } = this.parts
    for (let i = from; i < count; i++) {
      const before = beforeMs[i] as number
      if (before >= this.nextActionMs && i > from) return i
      if (before > this.watermarkMs) this.watermarkMs = before
      const t = eventTimesMs[i] as number
      let slice = this.current
      if (slice === undefined || t < this.currentStart || t >= this.currentEnd) {
        const found = this.sliceAt(t)
        if (found === undefined) {
          if (!this.inGap(t)) context.drop(batch, i)
          continue
        }
        slice = found
      }
      if (this.runs !== undefined && weights === undefined && slice.firstEnd - 1 > this.watermarkMs) {
        i = this.addRun(this.runs, slice.slots, batch, i) - 1
        continue
      }
      const keyId = this.reader.read(batch, i, this.table)
      if (keyId < 0) continue
      const slots = slice.slots
      let slot = slots.find(keyId)
      if (slot < 0) {
        slot = slots.add(keyId)
        this.table.hold(keyId)
      }
      this.reader.addTo(slots, slot, weights === undefined ? 1 : (weights[i] as number), t)
      if (this.everyMs !== undefined && slots.changed[slot] === 0) {
        slots.changed[slot] = 1
        if (slice.lastEnd - 1 > this.watermarkMs) this.planEarly()
      }
      if (this.parts.emit === 'changes') this.resend(slice, keyId, true)
      else if (slice.firstEnd - 1 <= this.watermarkMs) this.resend(slice, keyId, false)
    }
    return count
  }

  /** Rows from `from` on that fall into the same slice while nothing is to be done; gives the index after them. */
  private addRun(runs: RunReader, slots: Slots, batch: Batch, from: number): number {
    const { eventTimesMs, beforeMs } = batch
    const { currentStart, currentEnd, nextActionMs, table } = this
    const most = Math.min(batch.count, from + RUN_ROWS)
    let to = from + 1
    for (; to < most; to++) {
      const t = eventTimesMs[to] as number
      if (t < currentStart || t >= currentEnd || (beforeMs[to] as number) >= nextActionMs) break
    }
    const last = beforeMs[to - 1] as number
    if (last > this.watermarkMs) this.watermarkMs = last
    const count = runs.read(batch.rows, from, to, batch)
    table.internRun(runs.keys, count, runs.ids)
    slots.slotsOf(runs.ids, count, runs.slots, this.hold)
    this.parts.layout.addRun(slots, runs.slots, count, runs.numbers)
    return to
  }

  provisional(limit: number): Batch {
    const builder = new BatchBuilder()
    let left = limit
    for (let e = this.openEnds.length - 1; e >= 0 && left > 0; e--) {
      const end = this.openEnds[e] as number
      const slots = this.windowSlots(end)
      const slotsInOrder = this.ordered(slots)
      for (const slot of slotsInOrder) {
        if (left-- <= 0) break
        const keyId = slots.keys[slot] as number
        const revision = revisionAfter(this.sent.get(end)?.rows.get(keyId), 'early')
        builder.add(this.row(slots, slot, end, 'early', revision), end - 1, this.watermarkMs)
      }
    }
    return builder.take(this.watermarkMs)
  }

  snapshot(): WindowState {
    return {
      table: this.table.snapshot(),
      slices: this.slices.map(s => ({ start: s.start, slots: s.slots.snapshot() })),
      openEnds: this.openEnds.slice(),
      sent: [...this.sent.values()],
      watermarkMs: this.watermarkMs,
      earlyAt: this.earlyAt,
    }
  }

  restore(state: unknown): void {
    const s = state as WindowState
    this.table.restore(s.table)
    this.slices = s.slices.map(({ start, slots }) => {
      const slice = this.newSlice(start)
      slice.slots.restore(slots)
      return slice
    })
    this.byStart = new Map(this.slices.map(slice => [slice.start, slice]))
    this.openEnds = s.openEnds.slice()
    this.sent = new Map(s.sent.map(w => [w.end, { end: w.end, rows: new Map(w.rows) }]))
    this.watermarkMs = s.watermarkMs
    this.givenMs = s.watermarkMs
    this.earlyAt = s.earlyAt
    this.forgetCurrent()
    this.planNext()
  }

  keyCount(): number {
    return this.table.liveCount
  }

  stateBytes(): number {
    let bytes = this.table.bytes()
    for (const slice of this.slices) bytes += slice.slots.bytes()
    for (const window of this.sent.values()) bytes += window.rows.size * 160
    return bytes
  }

  /** The slice a record falls into; undefined when every window that would take it is closed (or there is none). */
  private sliceAt(t: number): Slice | undefined {
    const start = this.shape.sliceStart(t)
    let slice = this.byStart.get(start)
    if (slice === undefined) {
      const fresh = this.newSlice(start)
      if (fresh.lastEnd < fresh.firstEnd) return undefined
      if (fresh.lastEnd - 1 + this.parts.latenessMs <= this.watermarkMs) return undefined
      slice = fresh
      this.insert(slice)
    }
    this.current = slice
    this.currentStart = start
    this.currentEnd = this.shape.sliceEnd(start)
    return slice
  }

  /** Between two hopping windows whose slide is larger than their size: nobody asked for this record, it is not late. */
  private inGap(t: number): boolean {
    const start = this.shape.sliceStart(t)
    return this.shape.lastEnd(start) < this.shape.firstEnd(start)
  }

  private newSlice(start: number): Slice {
    const { shape } = this
    const lastEnd = shape.lastEnd(start)
    return { start, firstEnd: shape.firstEnd(start), lastEnd, slots: new Slots(this.parts.layout) }
  }

  private insert(slice: Slice): void {
    this.byStart.set(slice.start, slice)
    let at = this.slices.length
    while (at > 0 && (this.slices[at - 1] as Slice).start > slice.start) at--
    this.slices.splice(at, 0, slice)
    for (let end = slice.firstEnd; end <= slice.lastEnd; end = this.shape.nextEnd(end)) {
      if (end - 1 <= this.watermarkMs) continue
      let place = this.openEnds.length
      while (place > 0 && (this.openEnds[place - 1] as number) > end) place--
      if (this.openEnds[place - 1] !== end) this.openEnds.splice(place, 0, end)
    }
    this.planNext()
  }

  /** The watermark passes every value up to `to`: windows fire, early rows go out, what is closed is forgotten. */
  private *advance(to: number): Generator<undefined, void> {
    const from = this.watermarkMs
    if (to < this.nextActionMs) {
      this.watermarkMs = to
      return
    }
    // Early rows go out at the first boundary passed, and windows that end before it fire before it, as if the watermark rose
    // millisecond by millisecond: a filter above may have swallowed the values in between.
    const early = this.earlyAt
    if (early !== undefined && early <= to) {
      yield* this.fireUpTo(early, from)
      this.sendEarly(Math.max(from, early - 1))
    }
    yield* this.fireUpTo(to, from)
    this.watermarkMs = to
    this.forget(to)
    this.planNext()
  }

  /** Something open changed: early rows are due at the next multiple of the interval. */
  private planEarly(): void {
    if (this.everyMs === undefined || this.earlyAt !== undefined) return
    this.earlyAt =
      this.watermarkMs === -Infinity ? -Infinity : (Math.floor(this.watermarkMs / this.everyMs) + 1) * this.everyMs
    if (this.earlyAt < this.nextActionMs) this.nextActionMs = this.earlyAt
  }

  private *fireUpTo(to: number, from: number): Generator<undefined, void> {
    while (this.openEnds.length > 0 && (this.openEnds[0] as number) - 1 <= to) {
      const end = this.openEnds.shift() as number
      if (this.parts.emit === 'changes') continue
      yield* this.fire(end, Math.max(from, end - 2))
    }
  }

  private *fire(end: number, beforeMs: number): Generator<undefined, void> {
    const slots = this.windowSlots(end)
    const order = this.ordered(slots)
    for (let from = 0; from < order.length; from += PIECE_ROWS) {
      if (from > 0) {
        this.givenMs = Math.max(this.givenMs, beforeMs)
        yield undefined
      }
      const to = Math.min(order.length, from + PIECE_ROWS)
      if (!this.keepsSent) {
        this.sendFinal(slots, order.subarray(from, to), end, beforeMs)
        continue
      }
      for (let n = from; n < to; n++) {
        const slot = order[n] as number
        this.send(slots, slot, slots.keys[slot] as number, end, 'onTime', beforeMs)
      }
    }
  }

  /** Rows that never change again, column by column. */
  private sendFinal(slots: Slots, order: Int32Array, end: number, beforeMs: number): void {
    const { layout, keyNames, aggregateNames } = this.parts
    // What was taken back whole has no row.
    const live = order.filter(slot => slots.fields[slot * layout.stride] !== 0)
    const count = live.length
    const start = this.shape.startOf(end)
    this.final.addRun(count, end - 1, beforeMs, columns => {
      let c = 0
      for (let k = 0; k < keyNames.length; k++) this.table.valuesOf(slots.keys, live, k, columns[c++] as unknown[])
      for (const value of [start, end]) fill(columns[c++] as unknown[], value, count)
      for (let a = 0; a < aggregateNames.length; a++) layout.resultRun(a, columns[c++] as unknown[], slots, live, count)
      fill(columns[c++] as unknown[], 'onTime', count)
      fill(columns[c] as unknown[], 0, count)
    })
  }

  private sendEarly(beforeMs: number): void {
    this.earlyAt = undefined
    for (const end of this.openEnds) {
      const changed = new Set<number>()
      for (const slice of this.slicesOf(end)) {
        for (let s = 0; s < slice.slots.count; s++)
          if (slice.slots.changed[s] === 1) changed.add(slice.slots.keys[s] as number)
      }
      if (changed.size === 0) continue
      const slots = this.windowSlots(end)
      for (const slot of this.ordered(slots)) {
        const keyId = slots.keys[slot] as number
        if (changed.has(keyId)) this.send(slots, slot, keyId, end, 'early', beforeMs)
      }
    }
    for (const slice of this.slices) slice.slots.changed.fill(0, 0, slice.slots.count)
  }

  /** A record changed windows that send at once: fired ones (late), or all that still take records (changes). */
  private resend(slice: Slice, keyId: number, all: boolean): void {
    let late = false
    for (let end = slice.firstEnd; end <= slice.lastEnd; end = this.shape.nextEnd(end)) {
      const fired = end - 1 <= this.watermarkMs
      if (fired && end - 1 + this.parts.latenessMs <= this.watermarkMs) continue
      if (!fired && !all) continue
      late ||= fired
      const slots = this.keySlots(end, keyId)
      this.send(slots, slots.find(keyId), keyId, end, fired ? 'late' : 'early', this.watermarkMs)
    }
    if (late) this.parts.context.tookLate()
  }

  private send(
    slots: Slots,
    slot: number,
    keyId: number,
    end: number,
    kind: 'early' | 'onTime' | 'late',
    beforeMs: number,
  ): void {
    const rowCount = slots.fields[slot * this.parts.layout.stride] as number
    let window = this.sent.get(end)
    if (window === undefined) {
      window = { end, rows: new Map() }
      this.sent.set(end, window)
    }
    const old = window.rows.get(keyId)
    if (old !== undefined) this.out.add(old, end - 1, beforeMs, -1)
    if (rowCount === 0) {
      window.rows.delete(keyId)
      return
    }
    const row = this.row(slots, slot, end, kind, revisionAfter(old, kind))
    window.rows.set(keyId, row)
    this.out.add(row, end - 1, beforeMs)
  }

  private row(slots: Slots, slot: number, end: number, kind: string, revision: number): Record<string, unknown> {
    return this.make(this.valuesOf(slots, slot, end, kind, revision))
  }

  /** The columns of one row, in an array that is used again for the next. */
  private valuesOf(slots: Slots, slot: number, end: number, kind: string, revision: number): readonly unknown[] {
    const { layout, keyNames } = this.parts
    const keyId = slots.keys[slot] as number
    const values = this.rowValues
    values.length = 0
    for (let c = 0; c < keyNames.length; c++) values.push(this.table.valueOf(keyId, c))
    values.push(this.shape.startOf(end), end)
    layout.results(values, slots, slot)
    values.push(kind, revision)
    return values
  }

  private slicesOf(end: number): Slice[] {
    const start = this.shape.startOf(end)
    if ((end - start) / (this.shape.sliceEnd(start) - start) > this.slices.length) {
      return this.slices.filter(slice => slice.start >= start && slice.start < end)
    }
    const found: Slice[] = []
    for (let at = start; at < end; at = this.shape.sliceEnd(at)) {
      const slice = this.byStart.get(at)
      if (slice !== undefined) found.push(slice)
    }
    return found
  }

  /** All keys of a window; the slice itself when it has only one. */
  private windowSlots(end: number): Slots {
    const slices = this.slicesOf(end)
    if (slices.length === 1) return (slices[0] as Slice).slots
    const sum = new Slots(this.parts.layout)
    for (const slice of slices) sum.mergeFrom(slice.slots)
    return sum
  }

  /** One key of a window. */
  private keySlots(end: number, keyId: number): Slots {
    const slices = this.slicesOf(end)
    if (slices.length === 1) return (slices[0] as Slice).slots
    const sum = new Slots(this.parts.layout)
    for (const slice of slices) sum.mergeKey(slice.slots, keyId)
    return sum
  }

  /** Slots by key value: the order of rows must not depend on the order of arrival. */
  private ordered(slots: Slots): Int32Array {
    const ranks = this.table.ranks()
    const order = new Int32Array(slots.count)
    const keys = slots.keys
    if (slots.count > ranks.length / 8) {
      const byRank = new Int32Array(ranks.length)
      for (let s = 0; s < slots.count; s++) byRank[ranks[keys[s] as number] as number] = s + 1
      let n = 0
      for (let r = 0; r < byRank.length; r++) if (byRank[r] !== 0) order[n++] = (byRank[r] as number) - 1
      return order
    }
    for (let s = 0; s < slots.count; s++) order[s] = s
    return order.sort((a, b) => (ranks[keys[a] as number] as number) - (ranks[keys[b] as number] as number))
  }

  private forget(to: number): void {
    const { latenessMs } = this.parts
    let gone = 0
    while (gone < this.slices.length && (this.slices[gone] as Slice).lastEnd - 1 + latenessMs <= to) gone++
    if (gone > 0) {
      for (const slice of this.slices.splice(0, gone)) {
        this.byStart.delete(slice.start)
        for (let s = 0; s < slice.slots.count; s++) this.table.release(slice.slots.keys[s] as number)
      }
      this.forgetCurrent()
      // A window closes no later than the last slice it contains.
      for (const end of this.sent.keys()) if (end - 1 + latenessMs <= to) this.sent.delete(end)
    }
  }

  private forgetCurrent(): void {
    this.current = undefined
    this.currentStart = Infinity
    this.currentEnd = -Infinity
  }

  private planNext(): void {
    let next = this.openEnds.length > 0 ? (this.openEnds[0] as number) - 1 : Infinity
    const oldest = this.slices[0]
    if (oldest !== undefined) next = Math.min(next, oldest.lastEnd - 1 + this.parts.latenessMs)
    if (this.earlyAt !== undefined) next = Math.min(next, this.earlyAt)
    this.nextActionMs = next
  }
}

function fill(column: unknown[], value: unknown, count: number): void {
  for (let r = 0; r < count; r++) column.push(value)
}

/** Early rows count for themselves: the row of the closing window is revision 0, late ones follow it. */
export function revisionAfter(old: Readonly<Record<string, unknown>> | undefined, kind: string): number {
  if (old === undefined || (old['kind'] === 'early') !== (kind === 'early')) return 0
  return (old['revision'] as number) + 1
}
