/**
 * Charts whose rows are drawn one by one (plain rows by `--color`, sessions, a count of windows) with more series than there are
 * colours: every row is drawn, those of the smaller series in the one colour of "other".
 *
 *   apply(delta) -> delta whose rows say in `$colour` which series they are drawn as
 *
 * Up to twenty series rows pass as they are. Large is the sum of |y| of the rows that are held, or their number.
 */
import { ChartModel } from './model.ts'
import { COLOURED_SERIES, otherLabel, topSeries } from './top-series.ts'
import type { ChartDelta, ChartRow, Retention } from './protocol.ts'
import type { OtherState, OtherSummary } from './other.ts'
import type { Series } from './top-series.ts'

/** Plain data, sent to the worker. */
export interface OtherRowsOptions {
  /** The field whose values are the series. */
  readonly field: string
  /** The field up the picture; null: rows are counted. */
  readonly y: string | null
}

/** Rows may come and go so fast that others are the largest each time: colours change places no more often than this. */
const TURNS_BETWEEN = 100

export class OtherRows {
  readonly #options: OtherRowsOptions
  readonly #model: ChartModel
  /** In the order of their colours. */
  #top: Series[] = []
  #sizes: ReadonlyMap<Series, number> = new Map()
  #folded = false
  #turn = 0

  constructor(options: OtherRowsOptions, retention: Retention) {
    this.#options = options
    this.#model = new ChartModel(retention)
  }

  get summary(): OtherSummary {
    if (!this.#folded) return { series: this.#top, count: 0, rowCount: 0 }
    const count = [...this.#sizes.keys()].filter(series => !this.#top.includes(series)).length
    const rowCount = this.#model.rows().filter(row => row['$other'] === true && row.$open !== true).length
    return { series: [...this.#top, otherLabel(this.#top)], count, rowCount }
  }

  apply(delta: ChartDelta): ChartDelta {
    this.#turn++
    if (delta.upsert.length + delta.remove.length === 0) return delta
    const upsert = delta.upsert.map(row => this.#coloured(row))
    const { upsert: kept, remove } = this.#model.apply({ ...delta, upsert })
    const before = this.#top
    const wasFolded = this.#folded
    this.#rank()
    const moved = before.some((series, place) => series !== this.#top[place])
    const all = moved || this.#folded !== wasFolded
    const shown = new Map(kept.map(row => [row.$key, row]))
    // A series that came for the first time may have a colour now.
    for (const row of all ? this.#model.rows() : kept) {
      const coloured = this.#coloured(row)
      if (coloured !== row) shown.set(row.$key, coloured)
    }
    this.#model.apply({ upsert: [...shown.values()], remove: [] })
    return { upsert: [...shown.values()], remove }
  }

  snapshot(): OtherState {
    return { rows: this.#model.rows(), top: this.#top }
  }

  restore({ rows, top }: OtherState): void {
    this.#model.clear()
    this.#model.apply({ upsert: rows, remove: [] })
    this.#top = [...top]
    this.#folded = rows.some(row => '$colour' in row)
    this.#rank()
  }

  #rank(): void {
    const sizes = new Map<Series, number>()
    for (const row of this.#model.rows()) {
      const series = row[this.#options.field]
      if (isNamed(series)) sizes.set(series, (sizes.get(series) ?? 0) + this.#sizeOf(row))
    }
    this.#sizes = sizes
    const overtaking = this.#turn >= TURNS_BETWEEN
    const top = topSeries(this.#top, sizes, { overtaking })
    if (overtaking && sizes.size > COLOURED_SERIES) this.#turn = 0
    this.#top = top
    if (!this.#folded) this.#folded = [...sizes.keys()].some(series => !top.includes(series))
  }

  /** The row itself where it says already what it is drawn as. */
  #coloured(row: ChartRow): ChartRow {
    const series = row[this.#options.field]
    if (!this.#folded || !isNamed(series)) return row
    const top = this.#top.includes(series)
    const colour = top ? series : otherLabel(this.#top)
    if (row['$colour'] === colour && (row['$other'] === true) !== top) return row
    const { $other: _, ...rest } = row as ChartRow & { $other?: true }
    return { ...rest, $key: row.$key, $colour: colour, ...(top ? {} : { $other: true as const }) }
  }

  #sizeOf(row: ChartRow): number {
    if (row.$open === true) return 0
    const value = this.#options.y === null ? 1 : row[this.#options.y]
    return typeof value === 'number' ? Math.abs(value) : value === null || value === undefined ? 0 : 1
  }
}

/** Numbers are shades of one colour. */
function isNamed(value: unknown): value is Exclude<Series, number> {
  return value === null || typeof value === 'string' || typeof value === 'boolean'
}
