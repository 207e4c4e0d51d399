/**
 * Windows of columns of numbers by one integer key: the same rules as operators/window.ts (final rows, no lateness), with loops
 * over whole runs of records made for the aggregates at hand.
 *
 *   batch ─▶ runs of records of one slice, between which nothing fires ─▶ table of the slice ─▶ columns of rows
 *
 * A window of very many keys fires in pieces: between them other work of the thread has its turn.
 */
import type { Batch } from '../model.ts'
import { firstKeys, IntTable, sortedEntries } from '../state/int-table.ts'
import { sortedPieces } from '../state/sorted-pieces.ts'
import type { Entries } from '../state/sorted-pieces.ts'
import { aggregateTexts, keyedColumns, probeText, refuseNaN, windowColumns } from './column-aggregates.ts'
import type { ColumnAggregate, ColumnValues } from './column-aggregates.ts'
import { GivenRuns, OwnRuns } from './column-runs.ts'
import { columnBatch } from './columns.ts'
import { InPieces } from './in-pieces.ts'
import { emptyBatch } from './operator.ts'
import type { Operator, Provisional, StageContext } from './operator.ts'
import type { WindowShape } from './window-shape.ts'

/** Rows of one piece of a firing, and tables that grow between two pauses: some 10 ms each. */
const PIECE_KEYS = 1 << 14
const GROWN_AT_ONCE = 8

export interface ColumnWindowParts {
  readonly shape: WindowShape
  readonly key: string
  /** Column of the key in the result. */
  readonly keyName: string
  readonly aggregates: readonly ColumnAggregate[]
  readonly context: StageContext
}

interface Slice {
  readonly start: number
  readonly firstEnd: number
  readonly lastEnd: number
  readonly table: IntTable
}

interface ColumnWindowState {
  readonly slices: readonly {
    readonly start: number
    readonly tables: readonly SavedTable[]
    readonly split: boolean
  }[]
  readonly openEnds: readonly number[]
  readonly watermarkMs: number
}

interface SavedTable {
  readonly capacity: number
  readonly used: number
  readonly floats: Float64Array
}

interface Fired {
  readonly end: number
  readonly beforeMs: number
  readonly keys: Int32Array
  readonly results: readonly Float64Array[]
}

export class ColumnWindowOperator extends InPieces implements Operator, Provisional {
  private readonly parts: ColumnWindowParts
  private readonly loops: Loops
  private slices: Slice[] = []
  private openEnds: number[] = []
  private watermarkMs = -Infinity
  private nextActionMs = Infinity
  private fired: Fired[] = []
  /** Cleared tables, to be used again: fresh memory costs more than the work on it. */
  private spare: IntTable[] = []

  constructor(parts: ColumnWindowParts) {
    super()
    this.parts = parts
    this.loops = loopsOf(parts.aggregates)
  }

  protected *handle(batch: Batch): Generator<undefined, void> {
    const { eventTimesMs, count } = batch
    const { shape, context, aggregates, key } = this.parts
    const { keys, values } = keyedColumns(batch, key, aggregates)
    const runs = batch.run === undefined ? new GivenRuns(batch) : new OwnRuns(batch, batch.run)
    for (let e = 0; e < count;) {
      const before = runs.beforeMs(e)
      if (before >= this.nextActionMs) yield* this.advance(before)
      else if (before > this.watermarkMs) this.watermarkMs = before
      const t = eventTimesMs[e] as number
      const start = shape.sliceStart(t)
      const slice = this.sliceAt(start)
      if (slice === undefined) {
        if (shape.lastEnd(start) >= shape.firstEnd(start)) {
          context.drop(batch, e)
        }
        e++
        continue
      }
      const to = runs.end(e, start, shape.sliceEnd(start), this.nextActionMs)
      for (let at = e; at < to;) {
        at = this.addSome(slice.table, keys, values, at, to)
        if (at < to) yield undefined
      }
      refuseNaN(aggregates, values, batch, e, to, context)
      e = to
    }
    if (count > 0) context.passed()
    yield* this.raise(batch.watermarkMs)
  }

  protected *raise(watermarkMs: number): Generator<undefined, void> {
    if (watermarkMs > this.watermarkMs) yield* this.advance(watermarkMs)
  }

  provisional(limit: number): Batch {
    const kept = this.fired
    this.fired = []
    for (let left = limit, e = this.openEnds.length - 1; e >= 0 && left > 0; e--) {
      const end = this.openEnds[e] as number
      const table = this.lookedAt(this.tablesOf(end), left)
      const fired = this.resultOf(table, sortedEntries(table), end, this.watermarkMs)
      this.fired.push({
        ...fired,
        keys: fired.keys.subarray(0, left),
        results: fired.results.map(r => r.subarray(0, left)),
      })
      left -= fired.keys.length
    }
    const batch = this.columnsOf(this.watermarkMs, 'early')
    this.fired = kept
    return batch
  }

  snapshot(): ColumnWindowState {
    return {
      slices: this.slices.map(({ start, table }) => ({
        start,
        split: table.segments !== undefined,
        tables: table.tables.map(({ capacity, used, floats }) => ({ capacity, used, floats })),
      })),
      openEnds: this.openEnds.slice(),
      watermarkMs: this.watermarkMs,
    }
  }

  restore(state: unknown): void {
    const s = state as ColumnWindowState
    this.slices = s.slices.map(({ start, tables, split }) => {
      const parts = tables.map(saved => {
        const table = new IntTable(this.loops.words, saved.capacity)
        table.floats.set(saved.floats)
        table.used = saved.used
        return table
      })
      const slice = this.newSlice(start, split ? new IntTable(this.loops.words) : (parts[0] as IntTable))
      if (split) slice.table.segments = parts
      return slice
    })
    this.openEnds = s.openEnds.slice()
    this.watermarkMs = s.watermarkMs
    this.givenMs = s.watermarkMs
    this.planNext()
  }

  keyCount(): number {
    return this.slices.reduce((most, slice) => Math.max(most, slice.table.count), 0)
  }

  stateBytes(): number {
    return this.slices.reduce((sum, slice) => sum + slice.table.bytes(), 0)
  }

  /** Adds records until a pause is due: very many keys at a time make very many small tables grow. */
  private addSome(
    table: IntTable,
    keys: ArrayLike<number>,
    values: readonly (ArrayLike<number> | undefined)[],
    from: number,
    to: number,
  ): number {
    const { loops } = this
    let e = from
    for (let grown = 0; e < to && grown < GROWN_AT_ONCE; grown++) {
      if (table.segments === undefined) {
        e = loops.add(table, keys, values, e, to)
        if (e < to) table.grow()
      } else {
        e = loops.addSplit(table.segments, keys, values, e, to)
        if (e < to) (table.segments[Math.imul(keys[e] as number, 0x9e3779b1) >>> 24] as IntTable).grow()
      }
    }
    return e
  }

  private sliceAt(start: number): Slice | undefined {
    for (let s = this.slices.length - 1; s >= 0; s--) {
      const slice = this.slices[s] as Slice
      if (slice.start === start) return slice
      if (slice.start < start) break
    }
    const { shape } = this.parts
    const lastEnd = shape.lastEnd(start)
    if (lastEnd < shape.firstEnd(start) || lastEnd - 1 <= this.watermarkMs) return undefined
    const slice = this.newSlice(start, this.spare.pop() ?? new IntTable(this.loops.words))
    let at = this.slices.length
    while (at > 0 && (this.slices[at - 1] as Slice).start > start) at--
    this.slices.splice(at, 0, slice)
    for (let end = slice.firstEnd; end <= lastEnd; end = shape.nextEnd(end)) {
      if (end - 1 <= this.watermarkMs) continue
      let place = this.openEnds.length
      while (place > 0 && (this.openEnds[place - 1] as number) > end) place--
      if (this.openEnds[place - 1] !== end) this.openEnds.splice(place, 0, end)
    }
    this.planNext()
    return slice
  }

  private newSlice(start: number, table: IntTable): Slice {
    const { shape } = this.parts
    return { start, firstEnd: shape.firstEnd(start), lastEnd: shape.lastEnd(start), table }
  }

  private *advance(to: number): Generator<undefined, void> {
    const from = this.watermarkMs
    while (this.openEnds.length > 0 && (this.openEnds[0] as number) - 1 <= to) {
      const end = this.openEnds.shift() as number
      yield* this.fire(end, Math.max(from, end - 2))
    }
    this.watermarkMs = to
    while (this.slices.length > 0 && (this.slices[0] as Slice).lastEnd - 1 <= to) {
      const { table } = this.slices.shift() as Slice
      if (this.spare.length < 2 && table.clear()) this.spare.push(table)
    }
    this.planNext()
  }

  private planNext(): void {
    this.nextActionMs = this.openEnds.length > 0 ? (this.openEnds[0] as number) - 1 : Infinity
    const oldest = this.slices[0]
    if (oldest !== undefined) this.nextActionMs = Math.min(this.nextActionMs, oldest.lastEnd - 1)
  }

  private tablesOf(end: number): IntTable[] {
    const start = this.parts.shape.startOf(end)
    return this.slices.filter(slice => slice.start >= start && slice.start < end).map(slice => slice.table)
  }

  private *fire(end: number, beforeMs: number): Generator<undefined, void> {
    const inside = this.tablesOf(end)
    let table = inside[0] as IntTable
    if (inside.length > 1) {
      table = this.spare.pop() ?? new IntTable(this.loops.words)
      for (const other of inside) yield* this.mergeInto(table, other)
    }
    if (table.segments === undefined) this.fired.push(this.resultOf(table, sortedEntries(table), end, beforeMs))
    else {
      for (const entries of sortedPieces(table.segments, PIECE_KEYS)) {
        if (entries !== undefined) this.fired.push(this.resultOf(table, entries, end, beforeMs))
        yield undefined
      }
    }
    if (inside.length > 1 && this.spare.length < 2 && table.clear()) this.spare.push(table)
  }

  private resultOf(table: IntTable, { keys, tables, entries }: Entries, end: number, beforeMs: number): Fired {
    const results = this.parts.aggregates.map(() => new Float64Array(keys.length))
    this.loops.results(table.tables, tables, entries, results)
    return { end, beforeMs, keys, results }
  }

  /** Entries that are there to be shown: of very many keys the first that are found. */
  private lookedAt(inside: readonly IntTable[], limit: number): IntTable {
    if (inside.length === 1 && inside[0]?.segments === undefined) return inside[0] as IntTable
    const few = inside.every(table => table.segments === undefined)
    const chosen = few ? undefined : firstKeys(inside, limit)
    const sum = new IntTable(this.loops.words)
    for (const table of inside) {
      for (const part of table.tables) {
        const found = chosen === undefined ? part : part.only(chosen)
        for (let entry = 0; entry < found.capacity;) {
          entry = this.loops.merge(sum, found, entry)
          if (entry < found.capacity) sum.grow()
        }
      }
    }
    return sum
  }

  private *mergeInto(into: IntTable, from: IntTable): Generator<undefined, void> {
    for (const table of from.tables) {
      for (let entry = 0; entry < table.capacity;) {
        if (into.segments === undefined) {
          entry = this.loops.merge(into, table, entry)
          if (entry < table.capacity) into.grow()
        } else {
          entry = this.loops.mergeSplit(into.segments, table, entry)
          if (entry < table.capacity) {
            const key = table.ints[entry * table.words * 2] as number
            ;(into.segments[Math.imul(key, 0x9e3779b1) >>> 24] as IntTable).grow()
          }
        }
      }
      if (from.segments !== undefined) yield undefined
    }
  }

  protected override pausedMs(): number {
    return this.fired.at(-1)?.beforeMs ?? this.givenMs
  }

  protected take(watermarkMs: number): Batch {
    this.givenMs = Math.max(this.givenMs, watermarkMs)
    return this.columnsOf(this.givenMs, 'onTime')
  }

  private columnsOf(watermarkMs: number, kind: 'onTime' | 'early'): Batch {
    const { fired } = this
    const count = fired.reduce((sum, f) => sum + f.keys.length, 0)
    if (count === 0) {
      this.fired = []
      return emptyBatch(watermarkMs)
    }
    this.fired = []
    const { shape, keyName, aggregates } = this.parts
    const keys = new Int32Array(count)
    const starts = new Float64Array(count)
    const ends = new Float64Array(count)
    const eventTimesMs = new Float64Array(count)
    const beforeMs = new Float64Array(count)
    const results = aggregates.map(() => new Float64Array(count))
    let at = 0
    let least = -Infinity
    for (const f of fired) {
      const to = at + f.keys.length
      keys.set(f.keys, at)
      starts.fill(shape.startOf(f.end), at, to)
      ends.fill(f.end, at, to)
      eventTimesMs.fill(f.end - 1, at, to)
      least = Math.max(least, f.beforeMs)
      beforeMs.fill(least, at, to)
      f.results.forEach((result, a) => results[a]?.set(result, at))
      at = to
    }
    const columns = windowColumns({ keyName, keys, starts, ends, aggregates, results, kind })
    return columnBatch({ count, columns, eventTimesMs, beforeMs, watermarkMs })
  }
}

/** Each gives the place of the first record or entry that found no room. */
interface Loops {
  readonly words: number
  add(table: IntTable, keys: ArrayLike<number>, values: ColumnValues, from: number, to: number): number
  addSplit(
    segments: readonly IntTable[],
    keys: ArrayLike<number>,
    values: ColumnValues,
    from: number,
    to: number,
  ): number
  merge(into: IntTable, from: IntTable, entry: number): number
  mergeSplit(into: readonly IntTable[], from: IntTable, entry: number): number
  results(tables: readonly IntTable[], of: Uint8Array, entries: Int32Array, results: readonly Float64Array[]): void
}

function loopsOf(aggregates: readonly ColumnAggregate[]): Loops {
  const { words, columns, begin, add, merge, result } = aggregateTexts(aggregates, 1)
  const H = words * 2
  const probe = probeText(words)
  return {
    words,
    add: new Function(
      'table, keys, values, from, to',
      `const i = table.ints, f = table.floats, m = table.capacity - 1; let left = table.room; const room = left
      ${columns}
      let e = from
      for (; e < to; e++) {
        const k = keys[e]
        ${probe}
        if (i[p * ${H} + 1] === 0) { if (left === 0) break; left--; i[p * ${H}] = k; ${begin} }
        i[p * ${H} + 1]++
        ${add}
      }
      table.used += room - left
      return e`,
    ) as Loops['add'],
    addSplit: new Function(
      'segments, keys, values, from, to',
      `${columns}
      let e = from
      for (; e < to; e++) {
        const k = keys[e], table = segments[Math.imul(k, 0x9E3779B1) >>> 24], i = table.ints, f = table.floats, m = table.capacity - 1
        ${probe}
        if (i[p * ${H} + 1] === 0) { if (table.room <= 0) break; table.used++; i[p * ${H}] = k; ${begin} }
        i[p * ${H} + 1]++
        ${add}
      }
      return e`,
    ) as Loops['addSplit'],
    merge: new Function(
      'table, other, from',
      `const i = table.ints, f = table.floats, m = table.capacity - 1, gi = other.ints, gf = other.floats, end = other.capacity
      let left = table.room; const room = left
      let q = from
      for (; q < end; q++) {
        if (gi[q * ${H} + 1] === 0) continue
        const k = gi[q * ${H}]
        ${probe}
        if (i[p * ${H} + 1] === 0) { if (left === 0) break; left--; i[p * ${H}] = k; ${begin} }
        i[p * ${H} + 1] += gi[q * ${H} + 1]
        ${merge}
      }
      table.used += room - left
      return q`,
    ) as Loops['merge'],
    mergeSplit: new Function(
      'segments, other, from',
      `const gi = other.ints, gf = other.floats, end = other.capacity
      let q = from
      for (; q < end; q++) {
        if (gi[q * ${H} + 1] === 0) continue
        const k = gi[q * ${H}], table = segments[Math.imul(k, 0x9E3779B1) >>> 24], i = table.ints, f = table.floats, m = table.capacity - 1
        ${probe}
        if (i[p * ${H} + 1] === 0) { if (table.room <= 0) break; table.used++; i[p * ${H}] = k; ${begin} }
        i[p * ${H} + 1] += gi[q * ${H} + 1]
        ${merge}
      }
      return q`,
    ) as Loops['mergeSplit'],
    results: new Function(
      'tables, of, entries, results',
      `const n = entries.length
      for (let r = 0; r < n; r++) {
        const table = tables[of[r]], p = entries[r], f = table.floats, rows = table.ints[p * ${H} + 1]
        ${result}
      }`,
    ) as Loops['results'],
  }
}
