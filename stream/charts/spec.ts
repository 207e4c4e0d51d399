/**
 * Columns and options to a Vega-Lite spec without data.
 *
 *   concept -> mark -> encoding -> layers -> params -> the user's partial spec laid over
 *
 * Written in what Vega-Lite 5.6 (JupyterLab's own) and 6 share. A sliding time axis and a calm value axis are params
 * (`xMin`, `xMax`, `yMin`, `yMax`), and so is what depends on how much is drawn (`openFrom`, `dense`): the browser sets signals, the spec is compiled once. Sizes are fixed boxes, the legend
 * and the value axis have reserved room, so nothing jumps.
 */
import { DATASET } from './protocol.ts'
import { overlay, replacesLayers } from './overlay.ts'
import { zoneOffsetMs } from './zone.ts'
import type { ChartColumn, ChartOptions, Retention } from './protocol.ts'
import type { ChartConcept } from './concept.ts'

export type Spec = Readonly<Record<string, unknown>>
type Mark = NonNullable<ChartOptions['mark']>

export interface SpecRequest {
  readonly concept: ChartConcept
  readonly columns: readonly ChartColumn[]
  readonly options: ChartOptions
  readonly retention: Retention
  /** Values of the colour, in the order they appeared: colours never permute. */
  readonly series: readonly (string | number | boolean | null)[]
  readonly title: string
  /** An instant of the chart, to know the offset of `zone` there. */
  readonly nearMs?: number | undefined
}

const SCHEMA = 'https://vega.github.io/schema/vega-lite/v5.json'
const HEIGHT = 240
const AXIS_ROOM = 46

/** Vega-Lite spec of a chart; null when it is a table only. Same request, same spec. */
export function chartSpec(request: SpecRequest): Spec | null {
  const { options } = request
  const mark = markOf(request)
  if (mark === 'table' || mark === 'none') return null
  if (request.columns.length === 0) return null
  const base = mark === 'number' ? numberSpec(request) : plotSpec(request, mark)
  if (base === null) return null
  return options.spec === undefined ? base : overlay(base, options.spec)
}

/** The field whose values are the series of a chart: the user's colour, `$series` for several keys, or none. */
export function colorField(concept: ChartConcept, options: ChartOptions): string | null {
  if (options.color !== undefined) return options.color
  if (concept.form !== 'window' || concept.by.length === 0) return null
  return concept.by.length === 1 ? (concept.by[0] ?? null) : '$series'
}

function markOf({ concept, options }: SpecRequest): Mark {
  if (options.mark !== undefined) return options.mark
  if (concept.form === 'window') return 'line'
  if (concept.form === 'running') return concept.by.length === 0 ? 'number' : 'bar'
  if (options.x !== undefined || options.y !== undefined) return 'point'
  return options.spec !== undefined ? 'point' : 'table'
}

function plotSpec(request: SpecRequest, mark: Exclude<Mark, 'table' | 'number' | 'none'>): Spec | null {
  const { concept, options, columns } = request
  const x = options.x ?? defaultX(concept)
  const y =
    options.y ?? concept.aggregates[0] ?? columns.find(column => column.kind === 'number' && column.name !== x)?.name
  if (y === undefined) return null
  const xKind = x === '$at' ? 'instant' : kindOf(columns, x)
  const temporal = xKind === 'instant'
  const yQuantitative = ['number', 'other'].includes(kindOf(columns, y))
  const calm = yQuantitative && (mark === 'line' || mark === 'point') && !setsAxis(options.spec, 'y')
  const slides = temporal && request.retention.spanMs !== undefined && !setsAxis(options.spec, 'x')
  const spans = mark === 'bar' && concept.form === 'window' && options.x === undefined
  const color = colorEncoding(request, mark)
  const encoding: Record<string, unknown> = {
    x: temporal ? timeEncoding(request, spans ? 'windowStart' : x, slides) : fieldEncoding(request, x, xKind),
    // A bar is as wide as its window.
    ...(spans ? { x2: { field: 'windowEnd' } } : {}),
    y: valueEncoding(y, yQuantitative, calm),
    ...(color === null ? {} : { color }),
  }
  return {
    ...frame(request),
    params: [
      ...(slides
        ? [
            { name: 'xMin', value: 0 },
            { name: 'xMax', value: 1 },
          ]
        : []),
      ...(calm
        ? [
            { name: 'yMin', value: 0 },
            { name: 'yMax', value: 1 },
          ]
        : []),
      ...(mark === 'line' && concept.form === 'window'
        ? [
            { name: 'openFrom', value: 0 },
            { name: 'dense', value: false },
          ]
        : []),
    ],
    encoding,
    ...marksOf(mark, x, request),
  }
}

function frame({ title, options }: SpecRequest): Record<string, unknown> {
  return {
    $schema: SCHEMA,
    ...(options.title === undefined ? {} : { title: { text: title, anchor: 'start' } }),
    width: 600,
    height: HEIGHT,
    autosize: { type: 'fit', contains: 'padding', resize: false },
    data: { name: DATASET },
    config: { aria: false },
  }
}

/** Finished windows are solid; open ones are hollow points at the end of a dashed line. */
function marksOf(mark: string, x: string, { concept, options }: SpecRequest): Record<string, unknown> {
  const userMark = options.spec?.['mark']
  if (userMark !== undefined || (options.spec !== undefined && replacesLayers(options.spec))) {
    return { mark: userMark ?? { type: mark, clip: true } }
  }
  const openOpacity = { condition: { test: "datum['$open'] === true", value: 0.45 }, value: 1 }
  if (mark === 'line' && concept.form === 'window') {
    const final = { filter: "datum['$open'] !== true" }
    const open = { filter: "datum['$open'] === true" }
    // Only the end of the line is dashed: a whole second line below the solid one would cost as much as that.
    const end = { filter: `datum[${JSON.stringify(x)}] >= openFrom` }
    const dot = { type: 'point', clip: true, opacity: 1, tooltip: true }
    return {
      layer: [
        { transform: [end], mark: { type: 'line', clip: true, strokeDash: [3, 3], strokeWidth: 1.25, opacity: 0.7 } },
        { transform: [final], mark: { type: 'line', clip: true, strokeWidth: 2 } },
        { transform: [final, { filter: '!dense' }], mark: { ...dot, filled: true, size: 18 } },
        { transform: [open], mark: { ...dot, filled: false, size: 44, strokeWidth: 1.5 } },
      ],
    }
  }
  if (mark === 'line')
    return { mark: { type: 'line', clip: true, strokeWidth: 2, point: { filled: true, size: 18 }, tooltip: true } }
  if (mark === 'area') return { mark: { type: 'area', clip: true, line: true, fillOpacity: 0.3 } }
  if (mark === 'point')
    return { mark: { type: 'point', clip: true, filled: true, size: 36, opacity: 0.8, tooltip: true } }
  return {
    layer: [
      {
        mark: { type: 'bar', clip: true, tooltip: true, orient: 'vertical', binSpacing: 1 },
        encoding: { opacity: openOpacity },
      },
    ],
  }
}

function timeEncoding(request: SpecRequest, field: string, slides: boolean): Record<string, unknown> {
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

function valueEncoding(field: string, quantitative: boolean, calm: boolean): Record<string, unknown> {
  if (!quantitative) return { field, type: 'nominal', title: field }
  return {
    field,
    type: 'quantitative',
    title: field,
    axis: {
      minExtent: AXIS_ROOM,
      maxExtent: AXIS_ROOM,
      tickCount: 5,
      format: '~s',
      labelExpr: "datum.value === 0 ? '0' : datum.label",
      domain: false,
      ticks: false,
    },
    ...(calm ? { scale: { domainMin: { expr: 'yMin' }, domainMax: { expr: 'yMax' }, zero: false, nice: true } } : {}),
  }
}

function fieldEncoding(
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

function colorEncoding(request: SpecRequest, mark: string): Record<string, unknown> | null {
  const { concept, options, columns, series } = request
  const field = colorField(concept, options)
  if (field === null) return null
  const kind = kindOf(columns, field)
  if (kind === 'number' || kind === 'instant') return { field, type: 'quantitative', title: field }
  return {
    field,
    type: 'nominal',
    scale: { domain: series },
    legend: {
      title: null,
      orient: 'top',
      direction: 'horizontal',
      columns: 6,
      offset: 6,
      // Lines show a stroke, everything filled a square.
      ...(mark === 'line' ? { symbolType: 'stroke', symbolStrokeWidth: 3 } : { symbolType: 'square' }),
      symbolOpacity: 1,
      symbolSize: 120,
      labelLimit: 120,
    },
  }
}

/** The newest value, large. */
function numberSpec(request: SpecRequest): Spec | null {
  const { concept, options, columns } = request
  const field = options.y ?? concept.aggregates[0] ?? columns.find(column => column.kind === 'number')?.name
  if (field === undefined) return null
  return {
    ...frame(request),
    height: 120,
    mark: { type: 'text', fontSize: 48, fontWeight: 300, align: 'center', baseline: 'middle' },
    encoding: { text: { field, type: 'quantitative', format: ',.6~g' } },
  }
}

function defaultX(concept: ChartConcept): string {
  if (concept.form === 'window') return 'windowEnd'
  return concept.form === 'running' ? xOfRunning(concept) : '$at'
}

function xOfRunning(concept: ChartConcept): string {
  return concept.by.length === 1 ? (concept.by[0] ?? '$series') : '$series'
}

function kindOf(columns: readonly ChartColumn[], name: string): ChartColumn['kind'] {
  if (name === '$series') return 'text'
  return columns.find(column => column.name === name)?.kind ?? 'other'
}

/** Whether the user's spec says something about this axis: then its domain is theirs. */
function setsAxis(spec: Spec | undefined, channel: 'x' | 'y'): boolean {
  if (spec === undefined) return false
  const encoding = spec['encoding']
  const told =
    typeof encoding === 'object' && encoding !== null ? (encoding as Record<string, unknown>)[channel] : undefined
  return told !== undefined || 'transform' in spec || replacesLayers(spec)
}
