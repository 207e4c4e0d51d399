/**
 * The worker's end of a chart: turns output batches and the rows of open windows into one small delta per tick.
 * However fast the stream runs, a tap never holds more than the chart will keep; what it leaves out is counted.
 */
import { finiteOrNull } from '../time/finite.ts'
import { ChangeLog, CHANGES_KEPT } from './changes.ts'
import { COLOURED_SERIES } from './top-series.ts'
import { FOLDED_ROWS, OtherSeries } from './other.ts'
import { OtherRows } from './other-rows.ts'
import { PendingDelta } from './model.ts'
import { plainValue } from './columns.ts'
import { expiredKeys } from './retain.ts'
import { scoredFields } from './scored-rows.ts'
import { StepFilter } from './thin.ts'
import type { Batch } from '../model.ts'
import type { ChartConcept } from './concept.ts'
import type { OtherOptions, OtherState, OtherSummary } from './other.ts'
import type { OtherRowsOptions } from './other-rows.ts'
import type { ChartChange, ChartChanges, ChartDelta, ChartRow, Retention } from './protocol.ts'

/** Plain data: made by the hub, sent to the worker. */
export interface TapOptions {
  readonly concept: ChartConcept
  readonly retention: Retention
  /** Fields that identify a row when only the latest per key is kept; empty for plain rows. */
  readonly latestBy: readonly string[]
  /** Field whose values are the series; rows beyond `seriesLimit` of them are not drawn. */
  readonly seriesBy: readonly string[]
  readonly seriesLimit: number
  /** Of the series that are drawn the smaller ones are one, "other". */
  readonly other?: OtherOptions | undefined
  /** All rows are drawn, those of the smaller series as "other". */
  readonly otherRows?: OtherRowsOptions | undefined
}

/** What happened to a chart since the last tick. Counts are totals since the tap was made. */
export interface TapFrame {
  readonly delta: ChartDelta
  /** Rows that came out of the stream. */
  readonly seenCount: number
  /** Those of them that took a row back. */
  readonly retractedCount: number
  /** The changes since the last call, where they were asked for. */
  readonly changes?: ChartChanges | undefined
  /** Rows replaced or expired before they could be drawn. */
  readonly conflatedCount: number
  /** Series left out because the chart has no room for them. */
  readonly otherSeriesCount: number
  /** Where the smaller series are one: who has a colour, how many have none, how many finished rows of theirs are in "other". */
  readonly folded?: OtherSummary | undefined
}

/** What a tap knows beside what it has told: plain data, for a worker that is restored. */
export interface TapState {
  readonly open: readonly (readonly [string, string])[]
  readonly early: readonly ChartRow[]
  readonly arrivals: readonly { readonly key: string; readonly row: Readonly<Record<string, unknown>> }[]
  readonly series: readonly string[]
  readonly otherSeries: readonly string[]
  readonly other?: OtherState | undefined
  readonly seenCount: number
  readonly retractedCount: number
  readonly conflatedCount: number
  readonly nextRow: number
}

/** `text` is made when it is first looked for. */
interface Arrival {
  readonly key: string
  readonly row: Readonly<Record<string, unknown>>
  text?: string
}

const OTHER_SERIES_LIMIT = 10_000

export class ChartTap {
  readonly #options: TapOptions
  readonly #pending = new PendingDelta()
  /** Open windows as last told: key -> their text. */
  #open = new Map<string, string>()
  readonly #series = new Set<string>()
  readonly #otherSeries = new Set<string>()
  /** Of the windows that were left out for want of room. */
  #newestEndMs = -Infinity
  /** Results already given for windows that are still open (early rows): they stand when the window closes without another. */
  #early = new Map<string, ChartRow>()
  /** Plain rows the chart may still show, oldest first. */
  #arrivals: Arrival[] = []
  /** Results since the last `collect`. */
  readonly #results = new Map<string, ChartRow>()
  /** Also the number of the last change: rows are counted whether anybody asks for changes or not. */
  #seenCount = 0
  #retractedCount = 0
  /** Null: nobody asks for changes. */
  #changes: ChangeLog | null = null
  #conflatedCount = 0
  #nextRow = 0
  /** Where the chart shows the outermost rows of a span instead of the newest. */
  readonly #steps: StepFilter | null
  readonly #other: OtherSeries | OtherRows | null

  constructor(options: TapOptions) {
    this.#options = options
    this.#other = otherOf(options)
    const { thin, spanMs, rows } = options.retention
    this.#steps = thin === undefined || spanMs === undefined ? null : new StepFilter(thin, { spanMs, limit: rows })
  }

  /** Takes a batch of the stream's output. Cost is bounded by what the chart keeps for plain rows, else by the batch. */
  onBatch(batch: Batch): void {
    const before = this.#seenCount
    this.#seenCount += batch.count
    const plain = this.#options.concept.form === 'rows' && this.#options.latestBy.length === 0
    // The newest rows push out all before them, so a long batch of plain rows is entered near its end.
    let from = 0
    if (plain && batch.weights === undefined && this.#steps === null) from = Math.max(0, batch.count - this.#entered)
    this.#conflatedCount += from
    this.#nextRow += from
    if (from > 0) this.#changes?.skipTo(before + from)
    for (let i = from; i < batch.count; i++) {
      const retracted = (batch.weights?.[i] ?? 1) < 0
      if (retracted) this.#retractedCount++
      const atMs = batch.eventTimesMs[i] ?? Number.NaN
      if (plain && this.#holdsBack(batch, i, atMs)) continue
      const row = this.#plainRow(batch.rows[i], atMs)
      this.#onRow(row, retracted, plain)
      if (this.#changes !== null && this.#fits(row))
        this.#changes.add(changeOf({ number: before + i + 1, retracted, atMs, row }))
    }
    this.#changes?.reached(this.#seenCount)
    if (plain) this.#forgetOldArrivals()
    else this.#forgetOldResults()
  }

  /**
   * What changed since the last call, open windows included. `provisionalRows` are the rows of all open windows, in the shape
   * of the output; one that is gone without a result is removed.
   */
  collect(provisionalRows: readonly unknown[]): TapFrame {
    const open = new Map<string, string>()
    for (const provisional of provisionalRows) {
      if (open.size >= FOLDED_ROWS) break
      const row = this.#plainRow(provisional, Number.NaN)
      if (!this.#fits(row)) continue
      const key = this.#keyOf(row)
      const text = JSON.stringify(row)
      open.set(key, text)
      if (this.#open.get(key) !== text || this.#results.has(key))
        this.#pending.replace({ ...row, $key: key, $open: true })
    }
    this.#closeWindows(open)
    this.#open = open
    this.#results.clear()
    const changes = this.#changes?.take()
    const taken = this.#pending.take()
    const delta = this.#other?.apply(taken) ?? taken
    if (this.#other instanceof OtherSeries) this.#forgetSeries(this.#other)
    return {
      delta,
      ...(this.#other === null ? {} : { folded: this.#other.summary }),
      seenCount: this.#seenCount,
      retractedCount: this.#retractedCount,
      ...(changes === undefined ? {} : { changes }),
      conflatedCount: this.#conflatedCount,
      otherSeriesCount: this.#otherSeries.size,
    }
  }

  /** Rows were taken back, or may be. */
  get retracts(): boolean {
    return this.#retractedCount > 0 || this.#options.concept.retracts === true
  }

  /** Keeps the changes from now on, or no more. `recent`: what came last, in order, so that the list does not begin empty. */
  watchChanges(on: boolean, recent: readonly Batch[]): void {
    if (on === (this.#changes !== null)) return
    this.#changes = null
    if (!on) return
    const newestFirst: ChartChange[] = []
    let number = this.#seenCount
    for (let b = recent.length - 1; b >= 0 && newestFirst.length < CHANGES_KEPT; b--) {
      const batch = recent[b] as Batch
      for (let i = batch.count - 1; i >= 0 && newestFirst.length < CHANGES_KEPT; i--, number--) {
        const atMs = batch.eventTimesMs[i] ?? Number.NaN
        const row = this.#plainRow(batch.rows[i], atMs)
        const retracted = (batch.weights?.[i] ?? 1) < 0
        if (this.#fits(row)) newestFirst.push(changeOf({ number, retracted, atMs, row }))
      }
    }
    this.#changes = new ChangeLog(number)
    for (const change of newestFirst.reverse()) this.#changes.add(change)
    this.#changes.reached(this.#seenCount)
  }

  /** Taken right after `collect`, when nothing is pending. */
  snapshot(): TapState {
    return {
      open: [...this.#open],
      early: [...this.#early.values()],
      arrivals: this.#arrivals.map(({ key, row }) => ({ key, row })),
      series: [...this.#series],
      otherSeries: [...this.#otherSeries],
      ...(this.#other === null ? {} : { other: this.#other.snapshot() }),
      seenCount: this.#seenCount,
      retractedCount: this.#retractedCount,
      conflatedCount: this.#conflatedCount,
      nextRow: this.#nextRow,
    }
  }

  /** Goes on where the tap stood that gave `state`; what this one has seen is forgotten. */
  restore(state: TapState): void {
    this.#pending.clear()
    this.#results.clear()
    this.#open = new Map(state.open)
    this.#early = new Map(state.early.map(row => [row.$key, row]))
    this.#arrivals = state.arrivals.map(({ key, row }) => ({ key, row }))
    refill(this.#series, state.series)
    refill(this.#otherSeries, state.otherSeries)
    if (state.other !== undefined) this.#other?.restore(state.other)
    this.#seenCount = state.seenCount
    this.#retractedCount = state.retractedCount
    if (this.#changes !== null) this.#changes = new ChangeLog(state.seenCount)
    this.#conflatedCount = state.conflatedCount
    this.#nextRow = state.nextRow
  }

  #closeWindows(open: ReadonlyMap<string, string>): void {
    for (const key of this.#open.keys()) {
      if (open.has(key) || this.#results.has(key)) continue
      const early = this.#early.get(key)
      if (early === undefined) this.#pending.remove(key)
      else this.#pending.replace(early)
    }
    const early = new Map<string, ChartRow>()
    for (const key of open.keys()) {
      const row = this.#results.get(key) ?? this.#early.get(key)
      if (row !== undefined) early.set(key, row)
    }
    this.#early = early
  }

  /** Plain rows of one batch that are looked at. */
  get #entered(): number {
    const { rows } = this.#options.retention
    return this.#changes === null ? rows : Math.max(rows, CHANGES_KEPT)
  }

  #onRow(row: Record<string, unknown>, retracted: boolean, plain: boolean): void {
    if (plain) {
      if (retracted) this.#retractPlain(row)
      else if (this.#fits(row)) this.#addPlain(row)
      return
    }
    if (!this.#fits(row)) return
    const key = this.#keyOf(row)
    if (retracted) {
      this.#results.delete(key)
      this.#early.delete(key)
      this.#pending.remove(key)
      return
    }
    if (this.#results.has(key)) this.#conflatedCount++
    const result = { ...row, $key: key }
    this.#results.set(key, result)
    this.#pending.replace(result)
  }

  /** Whether a row of a chart that is full lies between others of its step; the last of a batch is shown as the newest. */
  #holdsBack(batch: Batch, index: number, atMs: number): boolean {
    if (this.#steps === null || this.#changes !== null || batch.weights !== undefined) return false
    const passes = this.#steps.passes(batch.rows[index], atMs)
    if (passes || index === batch.count - 1 || this.#arrivals.length < this.#options.retention.rows) return false
    this.#conflatedCount++
    return true
  }

  #addPlain(row: Record<string, unknown>): void {
    const key = `r${this.#nextRow++}`
    this.#arrivals.push({ key, row })
    this.#pending.add({ upsert: [{ ...row, $key: key }], remove: [] })
    if (this.#steps !== null) this.#forgetThinned()
  }

  /** A plain row has no identity but its content: the newest equal one goes, best one of the same time. */
  #retractPlain(row: Record<string, unknown>): void {
    const text = contentOf(row)
    const equal = (arrival: Arrival): boolean => (arrival.text ??= contentOf(arrival.row)) === text
    const sameTime = this.#arrivals.findLastIndex(arrival => arrival.row['$at'] === row['$at'] && equal(arrival))
    const index = sameTime >= 0 ? sameTime : this.#arrivals.findLastIndex(equal)
    const found = this.#arrivals[index]
    if (found === undefined) return
    this.#arrivals.splice(index, 1)
    this.#pending.remove(found.key)
  }

  #forgetOldArrivals(): void {
    if (this.#steps !== null) return
    const surplus = this.#arrivals.length - this.#options.retention.rows
    if (surplus <= 0) return
    for (const { key } of this.#arrivals.splice(0, surplus)) {
      // A row already sent is left to the model's retention, which goes by event time.
      if (this.#pending.drop(key)) this.#conflatedCount++
    }
  }

  #forgetThinned(): void {
    const { retention } = this.#options
    if (this.#arrivals.length <= 2 * retention.rows) return
    const rows = this.#arrivals.map(({ key, row }): ChartRow => ({ ...row, $key: key }))
    const expired = new Set(expiredKeys(rows, retention))
    this.#arrivals = this.#arrivals.filter(({ key }) => !expired.has(key))
    for (const key of expired) if (this.#pending.drop(key)) this.#conflatedCount++
  }

  /** Catching up on history closes windows by the thousand; those the chart would let go of at once are not carried. */
  #forgetOldResults(): void {
    // What "other" is made of is dropped with its window, never row by row.
    const whole = this.#other instanceof OtherSeries
    const { rows, thin: _, ...spans } = this.#options.retention
    const retention = whole ? { ...spans, rows: FOLDED_ROWS } : this.#options.retention
    if (this.#results.size <= 2 * (whole ? FOLDED_ROWS : rows)) return
    for (const key of expiredKeys(this.#results.values(), retention)) {
      this.#results.delete(key)
      this.#pending.remove(key)
      this.#conflatedCount++
    }
  }

  /** Keys may come and go: who has no window in the picture any more makes room. */
  #forgetSeries(other: OtherSeries): void {
    if (this.#series.size < this.#options.seriesLimit || this.#otherSeries.size === 0) return
    other.expire(this.#newestEndMs)
    this.#series.clear()
    for (const row of other.rows()) this.#series.add(this.#seriesOf(row))
  }

  #plainRow(value: unknown, eventTimeMs: number): Record<string, unknown> {
    const { concept, seriesBy } = this.#options
    const row: Record<string, unknown> = {}
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, field] of concept.scores === undefined ? Object.entries(value) : scoredFields(value)) {
        if (name.startsWith('$') || (!concept.revisions && isRevision(name, concept))) continue
        row[name] = plainValue(field)
      }
    } else {
      row['value'] = plainValue(value)
    }
    if (concept.form === 'rows' && Number.isFinite(eventTimeMs)) row['$at'] = eventTimeMs
    if (seriesBy.length > 1) row['$series'] = seriesBy.map(name => String(row[name])).join(' · ')
    return row
  }

  #keyOf(row: Readonly<Record<string, unknown>>): string {
    const { concept, latestBy, retention } = this.#options
    if (retention.latestPerKey === true || concept.form !== 'window')
      return JSON.stringify(latestBy.map(name => row[name]))
    return JSON.stringify([...concept.by.map(name => row[name]), row['windowStart'], row['windowEnd']])
  }

  #seriesOf(row: Readonly<Record<string, unknown>>): string {
    return JSON.stringify(this.#options.seriesBy.map(name => row[name]))
  }

  /** Whether the row's series is among those drawn; the first ones to come are. */
  #fits(row: Readonly<Record<string, unknown>>): boolean {
    const { concept, seriesBy, other, otherRows } = this.#options
    const [only] = seriesBy
    if (only === undefined || otherRows !== undefined) return true
    // A number in a plain row is a shade, however many there are.
    if (concept.form === 'rows' && seriesBy.length === 1 && typeof row[only] === 'number') return true
    // Numbers are shades here too: there is no room in them for a series with a name.
    const numeric = other !== undefined && seriesBy.length === 1 && typeof row[only] === 'number'
    const seriesLimit = numeric ? COLOURED_SERIES : this.#options.seriesLimit
    if (!numeric && other?.final === true) return true
    const series = this.#seriesOf(row)
    if (this.#series.has(series)) return true
    if (this.#series.size < seriesLimit) {
      this.#series.add(series)
      this.#otherSeries.delete(series)
      return true
    }
    if (this.#otherSeries.size < OTHER_SERIES_LIMIT) this.#otherSeries.add(series)
    const { windowEnd } = row
    if (typeof windowEnd === 'number') this.#newestEndMs = Math.max(this.#newestEndMs, windowEnd)
    return false
  }
}

function otherOf({ other, otherRows, retention }: TapOptions): OtherSeries | OtherRows | null {
  if (other !== undefined) return new OtherSeries(other)
  return otherRows === undefined ? null : new OtherRows(otherRows, retention)
}

function changeOf({
  number,
  retracted,
  atMs,
  row,
}: {
  readonly number: number
  readonly retracted: boolean
  readonly atMs: number
  readonly row: Readonly<Record<string, unknown>>
}): ChartChange {
  return { number, weight: retracted ? -1 : 1, atMs: finiteOrNull(atMs), row }
}

/** Without its time: a row is taken back at the time of what made it wrong. */
function contentOf({ $at: _at, ...row }: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(row)
}

function isRevision(name: string, concept: ChartConcept): boolean {
  return concept.form !== 'rows' && (name === 'kind' || name === 'revision') && !concept.by.includes(name)
}

function refill(set: Set<string>, values: readonly string[]): void {
  set.clear()
  for (const value of values) set.add(value)
}
