/**
 * Charts of windows with more series than there are colours: the largest keep their rows, of the rest each window has rows of the one
 * series "other": their sum where series are stacked, so that the stack is as high as it would be, else the lowest and the highest.
 *
 *   apply(delta of all series) -> delta of what is drawn
 *
 * Large is the sum of the values in finished windows. Who has a colour loses it to a series half as large again, to no other. Of more
 * rows than are held, the smaller ones of older windows are kept as what they add to "other" alone.
 */
import { otherLabel, topSeries } from './top-series.ts'
import type { ChartDelta, ChartRow } from './protocol.ts'
import type { Series } from './top-series.ts'

/** Plain data, sent to the worker. */
export interface OtherOptions {
  /** Keys of the windows. The values of the one key, or `$series` of several, are the series. */
  readonly by: readonly string[]
  /** The field up the picture. */
  readonly y: string
  /** Series are stacked. */
  readonly stacked: boolean
  /** How long the chart keeps a window. */
  readonly spanMs: number
  /** A result that was given stands: it may be added up and forgotten. */
  readonly final: boolean
}

/** In the order of their colours, "other" last; how many series it stands for, and how many finished rows. */
export interface OtherSummary {
  readonly series: readonly Series[]
  readonly count: number
  readonly rowCount: number
}

export interface OtherState {
  readonly rows: readonly ChartRow[]
  readonly top: readonly Series[]
  readonly added?: readonly (readonly [pane: string, Added])[] | undefined
}

/** What rows that are not held any more add to "other" in their window. */
interface Added {
  readonly endMs: number
  readonly count: number
  readonly sum: number
  /** Null: none of them had a value. */
  readonly lowest: ChartRow | null
  readonly highest: ChartRow | null
  readonly series: readonly Series[]
}

/** Rows of all series of a chart that are held at most. */
export const FOLDED_ROWS = 10_000
/** Series of rows that are not held, as far as they are told apart to be counted. */
const COUNTED_SERIES = 20_000
/** Windows whose rows are all held, as long as there is room. */
const WHOLE_WINDOWS = 2

/** Rows of a window: those of every series, and the keys of those of "other" that are told. */
interface Pane {
  readonly endMs: number
  readonly rows: Map<string, ChartRow>
  told: readonly string[]
  added: Added | null
}

export class OtherSeries {
  readonly #options: OtherOptions
  readonly #panes = new Map<string, Pane>()
  readonly #paneOf = new Map<string, string>()
  /** Sum of |value| of the finished windows that are held, of every series that has rows. */
  #sizes = new Map<Series, number>()
  /** In the order of their colours. */
  #top: Series[] = []
  /** How many series "other" stands for. */
  #others = 0

  constructor(options: OtherOptions) {
    this.#options = options
  }

  /** In the order of their colours; "other" is the last, where it is drawn. */
  get series(): readonly Series[] {
    return this.#others === 0 ? this.#top : [...this.#top, this.#label]
  }

  get summary(): OtherSummary {
    return { series: this.series, count: this.#others, rowCount: this.#rowCount }
  }

  #countOthers(): number {
    const others = new Set<Series>(this.#sizes.keys())
    for (const { added } of this.#panes.values()) for (const series of added?.series ?? []) others.add(series)
    for (const series of this.#top) others.delete(series)
    return others.size
  }

  /** Finished rows that stand in "other". */
  get #rowCount(): number {
    let count = 0
    for (const { rows, added } of this.#panes.values()) {
      count += added?.count ?? 0
      for (const row of rows.values()) if (row.$open !== true && !this.#isTop(row)) count++
    }
    return count
  }

  apply(delta: ChartDelta): ChartDelta {
    const { upsert, remove } = delta
    if (upsert.length + remove.length === 0) return delta
    const changed = new Set<string>()
    const gone = new Set<string>()
    for (const key of remove) {
      changed.add(this.#drop(key))
      gone.add(key)
    }
    for (const row of upsert) changed.add(this.#put(row))
    this.expire()
    const before = [...this.#top]
    this.#rank()
    const moved = before.some((series, place) => series !== this.#top[place])
    if (this.#options.final && this.#paneOf.size > FOLDED_ROWS) this.#addUp()
    this.#others = this.#countOthers()
    const rows = moved ? this.rows() : upsert
    const shown = rows.filter(row => this.#isTop(row) && this.#paneOf.has(row.$key))
    if (moved) for (const row of rows) if (!this.#isTop(row)) gone.add(row.$key)
    for (const name of moved ? this.#panes.keys() : changed) {
      const { rows: others, gone: keys } = this.#tell(name)
      shown.push(...others)
      for (const key of keys) gone.add(key)
    }
    return { upsert: shown, remove: [...gone] }
  }

  /** Rows of all series that are held. */
  rows(): ChartRow[] {
    return [...this.#panes.values()].flatMap(({ rows }) => [...rows.values()])
  }

  snapshot(): OtherState {
    const added = [...this.#panes].flatMap(([name, pane]) => (pane.added === null ? [] : [[name, pane.added] as const]))
    return { rows: this.rows(), top: this.#top, ...(added.length === 0 ? {} : { added }) }
  }

  restore({ rows, top, added }: OtherState): void {
    this.#panes.clear()
    this.#paneOf.clear()
    this.#top = [...top]
    for (const row of rows) this.#put(row)
    for (const [name, sums] of added ?? []) this.#paneAt(name, sums.endMs).added = sums
    this.#measure()
    for (const name of this.#panes.keys()) this.#tell(name)
    this.#others = this.#countOthers()
  }

  get #label(): string {
    return otherLabel(this.#top)
  }

  #put(row: ChartRow): string {
    const name = `${String(row['windowStart'])} ${String(row['windowEnd'])}`
    this.#paneAt(name, Number(row['windowEnd'])).rows.set(row.$key, row)
    this.#paneOf.set(row.$key, name)
    return name
  }

  #paneAt(name: string, endMs: number): Pane {
    const known = this.#panes.get(name)
    if (known !== undefined) return known
    const pane: Pane = { endMs, rows: new Map(), told: [], added: null }
    this.#panes.set(name, pane)
    return pane
  }

  #drop(key: string): string {
    const name = this.#paneOf.get(key) ?? ''
    this.#panes.get(name)?.rows.delete(key)
    this.#paneOf.delete(key)
    return name
  }

  /** As the model does, which tells nobody of rows that are older. `newestMs`: of a window that is not held. */
  expire(newestMs = -Infinity): void {
    for (const { endMs } of this.#panes.values()) newestMs = Math.max(newestMs, endMs)
    for (const [name, { endMs, rows }] of this.#panes) {
      if (endMs >= newestMs - this.#options.spanMs) continue
      for (const key of rows.keys()) this.#paneOf.delete(key)
      this.#panes.delete(name)
    }
  }

  /** Lets go of the smaller finished rows, first of all but the newest windows. What is drawn stays the same. */
  #addUp(): void {
    const newest = [...this.#panes.values()].sort((a, b) => b.endMs - a.endMs)
    this.#addUpOf(newest.slice(WHOLE_WINDOWS))
    if (this.#paneOf.size > FOLDED_ROWS) this.#addUpOf(newest)
  }

  #addUpOf(panes: readonly Pane[]): void {
    let counted = 0
    for (const { added } of this.#panes.values()) counted += added?.series.length ?? 0
    for (const pane of panes) {
      const rows = [...pane.rows.values()].filter(row => row.$open !== true && !this.#isTop(row))
      if (rows.length === 0) continue
      const before = pane.added
      const valued = rows.filter(row => this.#valueOf(row) !== null)
      const fresh = new Set(rows.map(row => this.#seriesOf(row)))
      for (const series of before?.series ?? []) fresh.delete(series)
      const series = [...fresh].slice(0, Math.max(0, COUNTED_SERIES - counted))
      counted += series.length
      pane.added = {
        endMs: pane.endMs,
        count: (before?.count ?? 0) + rows.length,
        sum: valued.reduce((total, row) => total + (this.#valueOf(row) ?? 0), before?.sum ?? 0),
        ...this.#ends([...outermost(before), ...valued]),
        series: [...(before?.series ?? []), ...series],
      }
      for (const { $key } of rows) {
        pane.rows.delete($key)
        this.#paneOf.delete($key)
      }
    }
  }

  /** Of equal ones the first. */
  #ends(valued: readonly ChartRow[]): Pick<Added, 'lowest' | 'highest'> {
    const value = (row: ChartRow): number => this.#valueOf(row) ?? 0
    let lowest: ChartRow | null = null
    let highest: ChartRow | null = null
    for (const row of valued) {
      if (lowest === null || value(row) < value(lowest)) lowest = row
      if (highest === null || value(row) > value(highest)) highest = row
    }
    return { lowest, highest }
  }

  #measure(): void {
    const sizes = new Map<Series, number>()
    for (const { rows } of this.#panes.values()) {
      for (const row of rows.values()) {
        const series = this.#seriesOf(row)
        sizes.set(series, (sizes.get(series) ?? 0) + (row.$open === true ? 0 : Math.abs(this.#valueOf(row) ?? 0)))
      }
    }
    this.#sizes = sizes
  }

  #rank(): void {
    this.#measure()
    this.#top = topSeries(this.#top, this.#sizes, { overtaking: true })
  }

  /** The rows of "other" of a window, and the keys of those that were told and are no more. */
  #tell(name: string): { readonly rows: readonly ChartRow[]; readonly gone: readonly string[] } {
    const pane = this.#panes.get(name)
    if (pane === undefined) return { rows: [], gone: [] }
    const rest = [...pane.rows.values()].filter(row => !this.#isTop(row))
    const rows = this.#rowsOfOther(name, rest, pane.added)
    const gone = pane.told.filter(key => !rows.some(row => row.$key === key))
    pane.told = rows.map(row => row.$key)
    return { rows, gone }
  }

  #rowsOfOther(name: string, rest: readonly ChartRow[], added: Added | null): ChartRow[] {
    const { by, y, stacked } = this.#options
    const held = rest.filter(row => this.#valueOf(row) !== null)
    const valued = [...outermost(added), ...held]
    const { lowest, highest } = this.#ends(valued)
    const [first] = valued
    if (first === undefined || lowest === null || highest === null) return []
    const names = Object.fromEntries([...by, ...(by.length > 1 ? ['$series'] : [])].map(key => [key, this.#label]))
    const { windowStart, windowEnd } = first
    const open = valued.some(row => row.$open === true) ? { $open: true as const } : {}
    if (stacked) {
      const sum = held.reduce((total, row) => total + (this.#valueOf(row) ?? 0), added?.sum ?? 0)
      return [{ ...names, windowStart, windowEnd, [y]: sum, $key: `other ${name}`, $other: 'sum', ...open }]
    }
    const of = (row: ChartRow, which: string): ChartRow => ({
      ...row,
      ...names,
      $key: `${which} other ${name}`,
      $other: which,
    })
    return [of(lowest, 'lowest'), ...(highest === lowest ? [] : [of(highest, 'highest')])]
  }

  #isTop(row: ChartRow): boolean {
    return this.#top.includes(this.#seriesOf(row))
  }

  #seriesOf(row: ChartRow): Series {
    const { by } = this.#options
    return (row[by.length > 1 ? '$series' : (by[0] ?? '')] ?? null) as Series
  }

  #valueOf(row: ChartRow): number | null {
    const value = row[this.#options.y]
    return typeof value === 'number' ? value : null
  }
}

function outermost(added: Added | null): ChartRow[] {
  return [added?.lowest, added?.highest].filter(row => row !== null && row !== undefined)
}
