/**
 * Sessions of columns of numbers by one integer key: the rules of operators/session.ts (final rows, no lateness) on a table that
 * holds the session of each key that came last beside its aggregates.
 *
 *   word 0: key, rows (0 empty, −1 closed)   word 1: start   word 2: last time   word 3: its deadline       words 4…: aggregates
 *
 *   record ─▶ within the gap of that session: one entry is touched
 *          └▶ else the other sessions of the key are looked at (`older`), which few keys have
 *
 * A session whose end the watermark has passed is over, whether it has been looked at or not: deadlines lie in coarse buckets, those
 * of the bucket the watermark is in in a heap. Ends rise as they fire, so rows sorted by end and key once per batch are in order.
 */
import type { Batch } from '../model.ts'
import { IntTable } from '../state/int-table.ts'
import { KeyDeadlines } from '../state/key-deadlines.ts'
import { orderOf } from '../state/radix-sort.ts'
import { aggregateTexts, keyedColumns, probeText, refuseNaN, windowColumns } from './column-aggregates.ts'
import type { ColumnAggregate, ColumnValues } from './column-aggregates.ts'
import { columnBatch } from './columns.ts'
import { emptyBatch } from './operator.ts'
import type { Operator, Provisional, StageContext } from './operator.ts'

const START = 1
const LAST = 2
/** When the key is looked at: no later than its first session is over. */
const DEADLINE = 3
const FIRST_WORD = 4
const CLOSED = -1

export interface ColumnSessionParts {
  readonly gapMs: number
  readonly key: string
  readonly keyName: string
  readonly aggregates: readonly ColumnAggregate[]
  readonly context: StageContext
}

interface ColumnSessionState {
  /** Entries of open sessions, whole. */
  readonly entries: Float64Array
  readonly watermarkMs: number
}

export class ColumnSessionOperator implements Operator, Provisional {
  private readonly parts: ColumnSessionParts
  private readonly loops: Loops
  private table: IntTable
  /** Closed entries in the table, which keep their place until it grows. */
  private closed = 0
  /** Open sessions of a key beside the one in the table, an entry each. */
  private older = new Map<number, Float64Array[]>()
  private deadlines: KeyDeadlines
  private watermarkMs = -Infinity
  private sentBeforeMs = -Infinity
  /** Sessions that are over: entries one after the other. */
  private fired: Float64Array
  private firedInts: Int32Array
  private firedCount = 0

  constructor(parts: ColumnSessionParts) {
    this.parts = parts
    this.loops = loopsOf(parts.aggregates)
    this.table = new IntTable(this.loops.words)
    this.deadlines = new KeyDeadlines(parts.gapMs)
    this.fired = new Float64Array(64 * this.loops.words)
    this.firedInts = new Int32Array(this.fired.buffer)
  }

  onBatch(batch: Batch): Batch {
    const { eventTimesMs, beforeMs, count } = batch
    const { context, aggregates, key, gapMs } = this.parts
    const { keys, values } = keyedColumns(batch, key, aggregates)
    for (let e = 0; e < count;) {
      e = this.loops.add(this.table, keys, eventTimesMs, beforeMs, values, e, count, gapMs, this.older)
      if (e === count) break
      const entry = this.place(keys[e] as number, eventTimesMs[e] as number, beforeMs[e] as number)
      if (entry < 0) context.drop(batch, e)
      else this.loops.one(this.table, entry, values, e)
      e++
    }
    refuseNaN(aggregates, values, batch, 0, count, context)
    if (count > 0) context.passed()
    return this.onWatermark(batch.watermarkMs)
  }

  onWatermark(watermarkMs: number): Batch {
    const from = this.watermarkMs
    if (watermarkMs > from) {
      this.watermarkMs = watermarkMs
      this.deadlines.due(
        watermarkMs,
        key => {
          const entry = this.find(key)
          return entry < 0 ? Infinity : (this.table.floats[entry * this.loops.words + DEADLINE] as number)
        },
        key => this.lookAt(key, watermarkMs),
      )
    }
    return this.take(from, watermarkMs)
  }

  onEnd(): Batch {
    return this.onWatermark(Infinity)
  }

  provisional(limit: number): Batch {
    const { fired, firedInts, firedCount } = this
    const open = this.open()
    this.fired = open
    this.firedInts = new Int32Array(open.buffer)
    this.firedCount = open.length / this.loops.words
    const batch = this.batchOf(this.ordered().slice(-limit), -Infinity, this.watermarkMs, 'early')
    this.fired = fired
    this.firedInts = firedInts
    this.firedCount = firedCount
    return batch
  }

  snapshot(): ColumnSessionState {
    return { entries: this.open(), watermarkMs: this.watermarkMs }
  }

  restore(state: unknown): void {
    const { entries, watermarkMs } = state as ColumnSessionState
    const { words } = this.loops
    this.watermarkMs = watermarkMs
    this.sentBeforeMs = watermarkMs
    const ints = new Int32Array(entries.buffer, entries.byteOffset, entries.length * 2)
    for (let at = 0; at < entries.length; at += words) {
      const entry = this.entryFor(ints[at * 2] as number)
      if ((this.table.ints[entry * words * 2 + 1] as number) > 0) this.moveToOlder(entry)
      this.put(entry, entries.subarray(at, at + words))
      this.table.floats[entry * words + DEADLINE] = Infinity
      this.schedule(entry)
    }
  }

  keyCount(): number {
    return this.table.used - this.closed
  }

  stateBytes(): number {
    return this.table.bytes() + this.older.size * (96 + this.loops.words * 8) + this.deadlines.bytes()
  }

  /** The entry that takes the record, its sessions merged; −1 when it is late. */
  private place(key: number, t: number, watermarkMs: number): number {
    const { gapMs } = this.parts
    const { words } = this.loops
    const entry = this.entryFor(key)
    this.fireDue(entry, watermarkMs)
    if (this.rowsOf(entry) > 0 || this.older.has(key)) {
      const near = (this.older.get(key) ?? []).filter(s => s[START]! - gapMs <= t && t <= s[LAST]! + gapMs)
      const { floats } = this.table
      const at = entry * words
      const joins =
        this.rowsOf(entry) > 0 && floats[at + START]! - gapMs <= t && t <= (floats[at + LAST] as number) + gapMs
      if (joins || near.length > 0) {
        if (near.length > 0) this.join(entry, key, near, joins)
        floats[at + START] = Math.min(floats[at + START] as number, t)
        floats[at + LAST] = Math.max(floats[at + LAST] as number, t)
        this.schedule(entry)
        return entry
      }
    }
    if (t + gapMs - 1 <= watermarkMs) return -1
    if (this.rowsOf(entry) > 0) this.moveToOlder(entry)
    return this.begin(entry, key, t)
  }

  private begin(entry: number, key: number, t: number): number {
    const { words } = this.loops
    const { ints, floats } = this.table
    if (ints[entry * words * 2 + 1] === CLOSED) this.closed--
    ints[entry * words * 2] = key
    ints[entry * words * 2 + 1] = 0
    floats[entry * words + START] = t
    floats[entry * words + LAST] = t
    floats[entry * words + DEADLINE] = Infinity
    this.loops.begin(this.table, entry)
    // Counted by `one`; until then the place must not look empty.
    this.schedule(entry)
    return entry
  }

  /** Older sessions become part of the entry, or the first of them the entry when it takes no part. */
  private join(entry: number, key: number, near: readonly Float64Array[], joins: boolean): void {
    const rest = (this.older.get(key) ?? []).filter(s => !near.includes(s))
    const all = [...near].sort((a, b) => a[START]! - b[START]!)
    if (this.rowsOf(entry) > 0) {
      const own = this.copyOf(entry)
      if (joins) all.push(own)
      else rest.push(own)
    }
    const [first, ...others] = all as [Float64Array, ...Float64Array[]]
    this.put(entry, first)
    for (const other of others) this.loops.merge(this.table, entry, other, new Int32Array(other.buffer))
    if (rest.length > 0) this.older.set(key, rest)
    else this.older.delete(key)
  }

  /** The key's entry, made when there is none; may move the table. */
  private entryFor(key: number): number {
    const known = this.find(key)
    if (known >= 0) return known
    if (this.table.room <= 0) {
      this.table = this.table.regrown(this.table.used - this.closed)
      this.closed = 0
    }
    const { ints, capacity, words } = this.table
    const mask = capacity - 1
    let at = (Math.imul(key, 0x9e3779b1) >>> 7) & mask
    while (ints[at * words * 2 + 1] !== 0) at = (at + 1) & mask
    ints[at * words * 2] = key
    ints[at * words * 2 + 1] = CLOSED
    this.table.floats[at * words + DEADLINE] = Infinity
    this.table.used++
    this.closed++
    return at
  }

  private find(key: number): number {
    const { ints, capacity, words } = this.table
    const mask = capacity - 1
    let at = (Math.imul(key, 0x9e3779b1) >>> 7) & mask
    while (ints[at * words * 2 + 1] !== 0) {
      if (ints[at * words * 2] === key) return at
      at = (at + 1) & mask
    }
    return -1
  }

  private rowsOf(entry: number): number {
    return this.table.ints[entry * this.loops.words * 2 + 1] as number
  }

  private copyOf(entry: number): Float64Array {
    const { words } = this.loops
    return this.table.floats.slice(entry * words, (entry + 1) * words)
  }

  private put(entry: number, session: Float64Array): void {
    const { words } = this.loops
    if (this.rowsOf(entry) === CLOSED) this.closed--
    // The deadline is the key's, not the session's: the one in a copy may have passed long ago.
    const deadline = this.table.floats[entry * words + DEADLINE] as number
    this.table.copyIn(entry, new Int32Array(session.buffer, session.byteOffset, words * 2))
    this.table.floats[entry * words + DEADLINE] = deadline
  }

  private moveToOlder(entry: number): void {
    const copy = this.copyOf(entry)
    const key = this.table.ints[entry * this.loops.words * 2] as number
    const others = this.older.get(key)
    if (others === undefined) this.older.set(key, [copy])
    else others.push(copy)
  }

  private schedule(entry: number): void {
    const { floats, ints, words } = this.table
    const key = ints[entry * words * 2] as number
    let deadline = (floats[entry * words + LAST] as number) + this.parts.gapMs - 1
    for (const s of this.older.get(key) ?? []) deadline = Math.min(deadline, s[LAST]! + this.parts.gapMs - 1)
    // A later one is found when the earlier one comes.
    if (deadline >= (floats[entry * words + DEADLINE] as number)) return
    floats[entry * words + DEADLINE] = deadline
    this.deadlines.add(key, deadline)
  }

  /** A deadline of this key has come: fires what is over, gives the next deadline or Infinity. */
  private lookAt(key: number, watermarkMs: number): number {
    const entry = this.find(key)
    if (entry < 0) return Infinity
    this.fireDue(entry, watermarkMs)
    const { floats, words } = this.table
    let next = this.rowsOf(entry) > 0 ? (floats[entry * words + LAST] as number) + this.parts.gapMs - 1 : Infinity
    for (const s of this.older.get(key) ?? []) next = Math.min(next, s[LAST]! + this.parts.gapMs - 1)
    floats[entry * words + DEADLINE] = next
    return next
  }

  private fireDue(entry: number, watermarkMs: number): void {
    const { ints, floats, words } = this.table
    const key = ints[entry * words * 2] as number
    const { gapMs } = this.parts
    const older = this.older.size === 0 ? undefined : this.older.get(key)
    if (older !== undefined) {
      for (const s of older) if (s[LAST]! + gapMs - 1 <= watermarkMs) this.fire(new Int32Array(s.buffer), 0)
      const left = older.filter(s => s[LAST]! + gapMs - 1 > watermarkMs)
      if (left.length > 0) this.older.set(key, left)
      else this.older.delete(key)
    }
    if (
      (ints[entry * words * 2 + 1] as number) <= 0 ||
      (floats[entry * words + LAST] as number) + gapMs - 1 > watermarkMs
    )
      return
    this.fire(ints, entry * words * 2)
    ints[entry * words * 2 + 1] = CLOSED
    this.closed++
  }

  private fire(ints: Int32Array, from: number): void {
    const half = this.loops.words * 2
    if ((this.firedCount + 1) * half > this.firedInts.length) {
      const larger = new Float64Array(this.fired.length * 2)
      larger.set(this.fired)
      this.fired = larger
      this.firedInts = new Int32Array(larger.buffer)
    }
    const to = this.firedCount++ * half
    for (let i = 0; i < half; i++) this.firedInts[to + i] = ints[from + i] as number
  }

  private open(): Float64Array {
    const { ints, floats, capacity, words } = this.table
    const entries: number[] = []
    for (let at = 0; at < capacity; at++) if ((ints[at * words * 2 + 1] as number) > 0) entries.push(at)
    const older = [...this.older.values()].flat().sort((a, b) => a[LAST]! - b[LAST]!)
    const all = new Float64Array((entries.length + older.length) * words)
    const allInts = new Int32Array(all.buffer)
    older.forEach((s, n) => allInts.set(new Int32Array(s.buffer), n * words * 2))
    const tableInts = new Int32Array(floats.buffer)
    entries.forEach((at, n) =>
      allInts.set(tableInts.subarray(at * words * 2, (at + 1) * words * 2), (older.length + n) * words * 2),
    )
    return all
  }

  /** Indices of what fired, by end, then key. */
  private ordered(): Int32Array {
    const { words } = this.loops
    const { fired, firedInts, firedCount } = this
    const keys = new Int32Array(firedCount)
    const lasts = new Float64Array(firedCount)
    let least = Infinity
    let most = -Infinity
    let whole = true
    for (let n = 0; n < firedCount; n++) {
      const last = fired[n * words + LAST] as number
      keys[n] = firedInts[n * words * 2] as number
      lasts[n] = last
      if (last < least) least = last
      if (last > most) most = last
      if (!Number.isInteger(last)) whole = false
    }
    if (!whole || most - least > 2 ** 31 - 1) {
      const order = Int32Array.from({ length: firedCount }, (_, n) => n)
      return order.sort((a, b) => lasts[a]! - lasts[b]! || keys[a]! - keys[b]!)
    }
    return orderOf(
      Int32Array.from(lasts, last => last - least),
      orderOf(keys),
    )
  }

  private take(fromMs: number, watermarkMs: number): Batch {
    if (this.firedCount === 0) return emptyBatch(watermarkMs)
    const batch = this.batchOf(this.ordered(), fromMs, watermarkMs, 'onTime')
    this.firedCount = 0
    return batch
  }

  private batchOf(order: Int32Array, fromMs: number, watermarkMs: number, kind: 'onTime' | 'early'): Batch {
    const { keyName, aggregates, gapMs } = this.parts
    const { words } = this.loops
    const { fired, firedInts } = this
    const count = order.length
    const keys = new Int32Array(count)
    const starts = new Float64Array(count)
    const ends = new Float64Array(count)
    const eventTimesMs = new Float64Array(count)
    const beforeMs = new Float64Array(count)
    let least = Math.max(fromMs, this.sentBeforeMs)
    for (let r = 0; r < count; r++) {
      const n = order[r] as number
      const end = (fired[n * words + LAST] as number) + gapMs
      keys[r] = firedInts[n * words * 2] as number
      starts[r] = fired[n * words + START] as number
      ends[r] = end
      eventTimesMs[r] = end - 1
      if (end - 2 > least) least = end - 2
      beforeMs[r] = least
    }
    if (kind === 'onTime') this.sentBeforeMs = least
    const results = aggregates.map(() => new Float64Array(count))
    this.loops.results(fired, firedInts, order, results)
    const columns = windowColumns({ keyName, keys, starts, ends, aggregates, results, kind })
    return columnBatch({ count, columns, eventTimesMs, beforeMs, watermarkMs })
  }
}

interface Loops {
  readonly words: number
  /** Records from `from` on, until one does not simply go into the session its key has in the table. */
  add(
    table: IntTable,
    keys: ArrayLike<number>,
    times: Float64Array,
    befores: Float64Array,
    values: ColumnValues,
    from: number,
    to: number,
    gap: number,
    older: ReadonlyMap<number, unknown>,
  ): number
  /** Record `e` into an entry. */
  one(table: IntTable, entry: number, values: ColumnValues, e: number): void
  begin(table: IntTable, entry: number): void
  merge(table: IntTable, entry: number, from: Float64Array, fromInts: Int32Array): void
  results(floats: Float64Array, ints: Int32Array, order: Int32Array, results: readonly Float64Array[]): void
}

function loopsOf(aggregates: readonly ColumnAggregate[]): Loops {
  const { words, columns, begin, add, merge, result } = aggregateTexts(aggregates, FIRST_WORD)
  const H = words * 2
  const W = words
  const of = 'const i = table.ints, f = table.floats'
  return {
    words,
    add: new Function(
      'table, keys, times, befores, values, from, to, gap, older',
      `${of}, m = table.capacity - 1, few = older.size === 0
      ${columns}
      for (let e = from; e < to; e++) {
        const k = keys[e], t = times[e]
        ${probeText(words)}
        if (i[p * ${H} + 1] <= 0) return e
        const last = f[p * ${W} + ${LAST}], over = last + gap
        if (t > over || t < f[p * ${W} + ${START}] || over - 1 <= befores[e] || !few && older.has(k)) return e
        if (t > last) f[p * ${W} + ${LAST}] = t
        i[p * ${H} + 1]++
        ${add}
      }
      return to`,
    ) as Loops['add'],
    one: new Function(
      'table, p, values, e',
      `${of}
      ${columns}
      i[p * ${H} + 1]++
      ${add}`,
    ) as Loops['one'],
    begin: new Function('table, p', `const f = table.floats; ${begin}`) as Loops['begin'],
    merge: new Function(
      'table, p, gf, gi',
      `${of}, q = 0
      i[p * ${H} + 1] += gi[1]
      if (gf[${START}] < f[p * ${W} + ${START}]) f[p * ${W} + ${START}] = gf[${START}]
      if (gf[${LAST}] > f[p * ${W} + ${LAST}]) f[p * ${W} + ${LAST}] = gf[${LAST}]
      ${merge}`,
    ) as Loops['merge'],
    results: new Function(
      'f, ints, order, results',
      `const n = order.length
      for (let r = 0; r < n; r++) {
        const p = order[r], rows = ints[p * ${H} + 1]
        ${result}
      }`,
    ) as Loops['results'],
  }
}
