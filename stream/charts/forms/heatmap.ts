/**
 * Cells of colour. Windows: time across, one lane per key, the aggregate is the colour. Running aggregates: one key across,
 * the other down. Plain rows: both fields cut into steps, the colour is how many rows fall in (or the mean of a field).
 */
import {
  colorField,
  defaultX,
  fieldEncoding,
  frame,
  kindOf,
  OPEN_OPACITY,
  setsAxis,
  timeEncoding,
  timeParams,
  VALUE_LABEL,
} from '../encodings.ts'
import { defineForm } from './form.ts'
import type { Spec, SpecRequest } from './form.ts'

const STEPS = 30

export const heatmap = defineForm({
  mark: 'heatmap',
  label: 'Heat map',
  plainRows: 2000,
  // Lanes are series: their places stay when one falls silent.
  series: ({ concept, options }) => options.y ?? colorField(concept, { ...options, color: undefined }),
  spec: request => (request.concept.form === 'rows' ? density(request) : cells(request)),
})

/** One cell per row of windows or keys. */
function cells(request: SpecRequest): Spec | null {
  const { concept, options, retention } = request
  const value = options.color ?? concept.aggregates[0]
  if (value === undefined) return null
  const windows = concept.form === 'window'
  const [first, second] = concept.by
  const y = options.y ?? (windows ? (concept.by.length > 1 ? '$series' : first) : second)
  const x = options.x ?? (windows ? 'windowStart' : first)
  if (x === undefined) return null
  const temporal = kindOf(request.columns, x) === 'instant'
  const slides = temporal && retention.spanMs !== undefined && !setsAxis(options.spec, 'x')
  return {
    ...frame(request),
    params: slides ? timeParams() : [],
    encoding: {
      x: temporal ? timeEncoding(request, x, slides) : lane(x),
      ...(windows && x === 'windowStart' ? { x2: { field: 'windowEnd' } } : {}),
      ...(y === undefined ? {} : { y: lane(y, concept.by.join(' · '), windows ? request.series : undefined) }),
      color: heat({ field: value, type: 'quantitative', title: value }),
    },
    layer: [{ mark: { type: 'rect', clip: true, tooltip: true }, encoding: { opacity: OPEN_OPACITY } }],
  }
}

/** Rows counted per step of both fields. */
function density(request: SpecRequest): Spec | null {
  const { concept, options, columns } = request
  const numbers = columns.filter(column => column.kind === 'number').map(column => column.name)
  const x = options.x ?? defaultX(concept)
  const y = options.y ?? numbers.find(name => name !== x && name !== options.color)
  if (y === undefined) return null
  const mean = options.color !== undefined && kindOf(columns, options.color) === 'number' ? options.color : undefined
  return {
    ...frame(request),
    params: [],
    encoding: {
      x: stepped(request, x),
      y: stepped(request, y),
      color: heat(
        mean === undefined
          ? { aggregate: 'count', type: 'quantitative', title: 'rows' }
          : { aggregate: 'mean', field: mean, type: 'quantitative', title: `mean of ${mean}` },
      ),
    },
    mark: { type: 'rect', clip: true, tooltip: true },
  }
}

function stepped(request: SpecRequest, field: string): Record<string, unknown> {
  const kind = field === '$at' ? 'instant' : kindOf(request.columns, field)
  if (kind === 'instant') {
    const time = timeEncoding(request, field, false)
    return { ...time, bin: { maxbins: STEPS } }
  }
  if (kind === 'number') return { field, bin: { maxbins: STEPS }, type: 'quantitative', title: field }
  return fieldEncoding(request, field, kind)
}

function lane(field: string, keys = field, domain?: SpecRequest['series']): Record<string, unknown> {
  return {
    field,
    type: 'nominal',
    title: field === '$series' ? keys : field,
    sort: null,
    axis: { labelAngle: 0, labelOverlap: true, labelLimit: 120, domain: false, ticks: false },
    ...(domain === undefined || domain.length === 0 ? {} : { scale: { domain } }),
  }
}

/** The colour and its legend, which has a length of its own so that the plot keeps its width. */
function heat(encoding: Record<string, unknown>): Record<string, unknown> {
  return {
    ...encoding,
    legend: {
      orient: 'top',
      direction: 'horizontal',
      gradientLength: 180,
      gradientThickness: 8,
      offset: 6,
      format: '~s',
      labelExpr: VALUE_LABEL,
    },
  }
}
