/**
 * Channels of a Vega-Lite spec as the forms use them. Sizes are fixed boxes, the legend and the value axis have reserved room, so
 * nothing jumps; what moves (`xMin`, `xMax`, `yMin`, `yMax`) is a param, so the browser sets signals and never compiles again.
 */
import { DATASET } from './protocol.ts'
import { replacesLayers } from './overlay.ts'
import { zoneOffsetMs } from './zone.ts'
import type { ChartColumn, ChartOptions } from './protocol.ts'
import type { ChartConcept } from './concept.ts'
import type { Spec, SpecRequest } from './forms/form.ts'

const SCHEMA = 'https://vega.github.io/schema/vega-lite/v5.json'
const HEIGHT = 240
const WIDTH = 600
/** Axis and padding to the left and right of the plot. */
const BESIDE_PLOT_PX = 80
/** More of them would leave the plot no height; Vega says how many entries are not there. */
export const LEGEND_ROWS = 5
const AXIS_ROOM = 46

/** Expression: the row is of a window that is still open. */
export const OPEN = "datum['$open'] === true"
export const OPEN_OPACITY = { condition: { test: OPEN, value: 0.45 }, value: 1 }

/** Labels of a value axis or legend with the format `~s`: 25k, but 0.5 and not 500m, 0 and not 0k. */
export const VALUE_LABEL = "abs(datum.value) < 1 ? format(datum.value, '~g') : datum.label"
/** A mark of what went wrong: 3:1 against light and dark grounds. */
export const ALERT_RED = '#d6453a'

/** Everything of a spec but params, encoding and marks. */
export function frame({ title, options }: SpecRequest): Record<string, unknown> {
  return {
    $schema: SCHEMA,
    ...(options.title === undefined ? {} : { title: { text: title, anchor: 'start' } }),
    width: WIDTH,
    height: HEIGHT,
    autosize: { type: 'fit', contains: 'padding', resize: false },
    data: { name: DATASET },
    config: { aria: false },
  }
}

export function timeParams(): Record<string, unknown>[] {
  return [
    { name: 'xMin', value: 0 },
    { name: 'xMax', value: 1 },
  ]
}

export function timeEncoding(request: SpecRequest, field: string, slides: boolean): Record<string, unknown> {
  const { options, retention, nearMs } = request
  const spanMs = retention.spanMs ?? 0
  // Without a span in time only the axis knows how much it shows.
  const format =
    spanMs === 0
      ? "span(domain('x')) <= 3600000 ? '%H:%M:%S' : '%b %d %H:%M'"
      : spanMs > 2 * 86_400_000
        ? "'%b %d %H:%M'"
        : spanMs <= 3_600_000
          ? "'%H:%M:%S'"
          : "'%H:%M'"
  const offsetMs = options.zone === undefined ? 0 : zoneOffsetMs(options.zone, nearMs ?? 0)
  return {
    field,
    type: 'temporal',
    title: `${field === '$at' ? 'event time' : field} (${options.zone ?? 'UTC'})`,
    scale: {
      type: 'utc',
      nice: false,
      ...(slides ? { domainMin: { expr: 'xMin' }, domainMax: { expr: 'xMax' } } : {}),
    },
    axis: {
      labelExpr: `utcFormat(time(datum.value) + ${offsetMs}, ${format})`,
      labelOverlap: true,
      labelFlush: true,
      grid: false,
      tickCount: 7,
    },
  }
}

export function valueEncoding(field: string, quantitative: boolean, calm: boolean): Record<string, unknown> {
  if (!quantitative) return { field, type: 'nominal', title: field }
  return {
    field,
    type: 'quantitative',
    title: field,
    axis: valueAxis(5),
    ...(calm ? { scale: { domainMin: { expr: 'yMin' }, domainMax: { expr: 'yMax' }, zero: false, nice: true } } : {}),
  }
}

export function valueAxis(tickCount: number): Record<string, unknown> {
  return {
    minExtent: AXIS_ROOM,
    maxExtent: AXIS_ROOM,
    tickCount,
    format: '~s',
    labelExpr: VALUE_LABEL,
    domain: false,
    ticks: false,
  }
}

export function fieldEncoding(
  { series, concept }: SpecRequest,
  field: string,
  kind: ChartColumn['kind'],
): Record<string, unknown> {
  if (kind === 'number') return { field, type: 'quantitative', title: field, scale: { zero: false } }
  const keys =
    concept.form === 'running' && field === xOfRunning(concept) && series.length > 0
      ? { scale: { domain: series } }
      : {}
  return {
    field,
    type: 'nominal',
    title: field === '$series' ? concept.by.join(' · ') : field,
    sort: null,
    axis: { labelAngle: 0, labelOverlap: true },
    ...keys,
  }
}

/** The field whose values are the series of a chart: the user's colour, `$series` for several keys, or none. */
export function colorField(concept: ChartConcept, options: ChartOptions): string | null {
  if (options.color !== undefined) return options.color
  if (concept.form !== 'window' || concept.by.length === 0) return null
  return concept.by.length === 1 ? (concept.by[0] ?? null) : '$series'
}

/** The channel of the series; null where there are none. */
export function seriesColor(request: SpecRequest, mark: string): Record<string, unknown> | null {
  const { concept, options, series } = request
  const field = request.otherRows === true ? '$colour' : colorField(concept, options)
  if (field === null) return null
  const kind = kindOf(request.columns, field)
  if (kind === 'number' || kind === 'instant') return { field, type: 'quantitative', title: field }
  const columns = Math.max(1, Math.floor((WIDTH - BESIDE_PLOT_PX) / entryPx(series)))
  return {
    field,
    type: 'nominal',
    scale: { domain: series },
    legend: {
      title: null,
      orient: 'top',
      direction: 'horizontal',
      columns,
      symbolLimit: LEGEND_ROWS * columns,
      offset: 6,
      // Lines show a stroke, everything filled a square.
      ...(mark === 'line' ? { symbolType: 'stroke', symbolStrokeWidth: 3 } : { symbolType: 'square' }),
      symbolOpacity: 1,
      symbolSize: 120,
      labelLimit: 120,
    },
  }
}

/** Room of an entry of a legend: a symbol and the longest name. */
function entryPx(series: SpecRequest['series']): number {
  const longest = series.reduce<number>((most, name) => Math.max(most, String(name).length), 1)
  return Math.round(40 + Math.min(120, 6.6 * longest))
}

/** Columns of a legend that was made for our width, in a picture as wide as this. */
export function columnsWithin(columns: number, width: number): number {
  return Math.max(1, Math.min(columns, Math.floor((columns * (width - BESIDE_PLOT_PX)) / (WIDTH - BESIDE_PLOT_PX))))
}

export function defaultX(concept: ChartConcept): string {
  if (concept.form === 'window') return 'windowEnd'
  return concept.form === 'running' ? xOfRunning(concept) : '$at'
}

/** The user's `y`, else the first aggregate, else the first number that is not `x`. */
export function defaultY({ concept, options, columns }: SpecRequest, x: string | undefined): string | undefined {
  return (
    options.y ?? concept.aggregates[0] ?? columns.find(column => column.kind === 'number' && column.name !== x)?.name
  )
}

export function xOfRunning(concept: ChartConcept): string {
  return concept.by.length === 1 ? (concept.by[0] ?? '$series') : '$series'
}

export function kindOf(columns: readonly ChartColumn[], name: string): ChartColumn['kind'] {
  if (name === '$series' || name === '$colour') return 'text'
  return columns.find(column => column.name === name)?.kind ?? 'other'
}

/** Whether the user's spec says something about this axis: then its domain is theirs. */
export function setsAxis(spec: Spec | undefined, channel: 'x' | 'y'): boolean {
  if (spec === undefined) return false
  const encoding = spec['encoding']
  const told =
    typeof encoding === 'object' && encoding !== null ? (encoding as Record<string, unknown>)[channel] : undefined
  return told !== undefined || 'transform' in spec || replacesLayers(spec)
}
