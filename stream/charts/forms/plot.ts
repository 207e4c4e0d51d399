/** Two axes and a mark: what line, area, bars and points share. */
import {
  colorField,
  defaultX,
  defaultY,
  fieldEncoding,
  frame,
  kindOf,
  seriesColor,
  setsAxis,
  timeEncoding,
  timeParams,
  valueEncoding,
} from '../encodings.ts'
import { COLOURED_SERIES } from '../top-series.ts'
import { replacesLayers } from '../overlay.ts'
import type { Spec, SpecRequest } from './form.ts'

export interface Plot {
  readonly mark: string
  /** The value axis grows at once and shrinks late (params `yMin`, `yMax`). */
  readonly calm?: boolean
  /** From the start to the end of a window. */
  readonly spans?: boolean
  /** Where open windows begin is a param of the marks. */
  readonly ends?: boolean
  /** Whether there are too many rows for a dot each is one. */
  readonly dots?: boolean
  /** `mark` or `layer` of the spec. */
  marks(x: string): Record<string, unknown>
}

export function plot(
  request: SpecRequest,
  { mark, calm = false, spans = false, ends = false, dots = false, marks }: Plot,
): Spec | null {
  const { concept, options, columns, retention } = request
  const x = options.x ?? defaultX(concept)
  const y = defaultY(request, x)
  if (y === undefined) return null
  const xKind = x === '$at' ? 'instant' : kindOf(columns, x)
  const temporal = xKind === 'instant'
  const yQuantitative = ['number', 'other'].includes(kindOf(columns, y))
  const calmly = calm && yQuantitative && !setsAxis(options.spec, 'y')
  const slides = temporal && retention.spanMs !== undefined && !setsAxis(options.spec, 'x')
  const color = colorField(concept, options) === null ? null : seriesColor(request, mark)
  return {
    ...frame(request),
    params: [
      ...(slides ? timeParams() : []),
      ...(calmly ? [param('yMin', 0), param('yMax', 1)] : []),
      ...(ends ? [param('openFrom', 0)] : []),
      ...(dots ? [param('dense', false)] : []),
    ],
    encoding: {
      x: temporal ? timeEncoding(request, spans ? 'windowStart' : x, slides) : fieldEncoding(request, x, xKind),
      ...(spans ? { x2: { field: 'windowEnd' } } : {}),
      y: valueEncoding(y, yQuantitative, calmly),
      ...(color === null ? {} : { color }),
      // Its lowest and its highest rows are two lines.
      ...(color !== null && otherDrawn(request) ? { detail: { field: '$other', type: 'nominal' } } : {}),
    },
    ...(ownMark(request, mark) ?? marks(x)),
  }
}

/** Beside the series with colours there is "other" (other.ts, other-rows.ts). */
function otherDrawn({ concept, series, otherRows }: SpecRequest): boolean {
  return otherRows === true || (concept.form === 'window' && series.length > COLOURED_SERIES)
}

/** The user's partial spec brings its own mark or layers; undefined when it does not. */
function ownMark({ options }: SpecRequest, mark: string): Record<string, unknown> | undefined {
  const own = options.spec?.['mark']
  if (own === undefined && (options.spec === undefined || !replacesLayers(options.spec))) return undefined
  return { mark: own ?? { type: mark, clip: true } }
}

function param(name: string, value: number | boolean): Record<string, unknown> {
  return { name, value }
}
