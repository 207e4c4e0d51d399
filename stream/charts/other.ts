/**
 * Charts of windows with more series than there are colours: the largest keep their rows, of the rest each window has rows of the one
 * series "other": their sum where series are stacked, so that the stack is as high as it would be, else the lowest and the highest.
 *
 *   apply(delta of all series) -> delta of what is drawn
 *
 * Large is the sum of the values in finished windows. Who has a colour loses it to a series half as large again, to no other.
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
}

/** Rows of all series of a chart that are held at most. */
export const FOLDED_ROWS = 10_000

/** Rows of a window: those of every series, and the keys of those of "other" that are told. */
interface Pane {
  readonly endMs: number
  readonly rows: Map<string, ChartRow>
  told: readonly string[]
}

export class OtherSeries {
  readonly #options: OtherOptions
  readonly #panes = new Map<string, Pane>()
  readonly #paneOf = new Map<string, string>()
  /** Sum of |value| of the finished windows that are held, of every series that has rows. */
  #sizes = new Map<Series, number>()
  /** In the order of their colours. */
  #top: Series[] = []

  constructor(options: OtherOptions) {
    this.#options = options
  }

  /** In the order of their colours; "other" is the last, where it is drawn. */
  get series(): readonly Series[] {
    return this.#otherCount === 0 ? this.#top : [...this.#top, this.#label]
  }

  get summary(): OtherSummary {
    return { series: this.series, count: this.#otherCount, rowCount: this.#rowCount }
  }

  get #otherCount(): number {
    return [...this.#sizes.keys()].filter(series => !this.#top.includes(series)).length
  }

  /** Finished rows that stand in "other". */
  get #rowCount(): number {
    let count = 0
    for (const { rows } of this.#panes.values())
      for (const row of rows.values()) if (row.$open !== true && !this.#isTop(row)) count++
    return count
  }

  apply({ upsert, remove }: ChartDelta): ChartDelta {
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
    return { rows: this.rows(), top: this.#top }
  }

  restore({ rows, top }: OtherState): void {
    this.#panes.clear()
    this.#paneOf.clear()
    this.#top = [...top]
    for (const row of rows) this.#put(row)
    this.#measure()
    for (const name of this.#panes.keys()) this.#tell(name)
  }

  get #label(): string {
    return otherLabel(this.#top)
  }

  #put(row: ChartRow): string {
    const name = `${String(row['windowStart'])} ${String(row['windowEnd'])}`
    const pane = this.#panes.get(name) ?? {
      endMs: Number(row['windowEnd']),
      rows: new Map<string, ChartRow>(),
      told: [],
    }
    this.#panes.set(name, pane)
    pane.rows.set(row.$key, row)
    this.#paneOf.set(row.$key, name)
    return name
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
    const rows = this.#others(name, rest)
    const gone = pane.told.filter(key => !rows.some(row => row.$key === key))
    pane.told = rows.map(row => row.$key)
    return { rows, gone }
  }

  #others(name: string, rest: readonly ChartRow[]): ChartRow[] {
    const { by, y, stacked } = this.#options
    const valued = rest.filter(row => this.#valueOf(row) !== null)
    const value = (row: ChartRow): number => this.#valueOf(row) ?? 0
    const [first] = valued
    if (first === undefined) return []
    const names = Object.fromEntries([...by, ...(by.length > 1 ? ['$series'] : [])].map(key => [key, this.#label]))
    const { windowStart, windowEnd } = first
    const open = valued.some(row => row.$open === true) ? { $open: true as const } : {}
    if (stacked) {
      const sum = valued.reduce((total, row) => total + value(row), 0)
      return [{ ...names, windowStart, windowEnd, [y]: sum, $key: `other ${name}`, $other: 'sum', ...open }]
    }
    const lowest = valued.reduce((a, b) => (value(b) < value(a) ? b : a))
    const highest = valued.reduce((a, b) => (value(b) > value(a) ? b : a))
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
