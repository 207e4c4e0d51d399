/** How often values occur: one field of the newest rows cut into steps. Open windows do not count: their values still change. */
import { OPEN, defaultX, defaultY, frame, kindOf, seriesColor, valueAxis } from '../encodings.ts'
import { defineForm } from './form.ts'

const STEPS = 30

export const histogram = defineForm({
  mark: 'histogram',
  label: 'Histogram',
  plainRows: 2000,
  spec(request) {
    const { concept, options, columns } = request
    const field = options.x ?? options.y ?? defaultY(request, defaultX(concept))
    if (field === undefined) return null
    const numeric = kindOf(columns, field) === 'number'
    const color = options.color === undefined ? null : seriesColor(request, 'bar')
    return {
      ...frame(request),
      params: [],
      transform: [{ filter: `!(${OPEN})` }],
      mark: { type: 'bar', clip: true, tooltip: true, binSpacing: 1 },
      encoding: {
        x: numeric
          ? { field, bin: { maxbins: STEPS }, type: 'quantitative', title: field }
          : { field, type: 'nominal', title: field, sort: null, axis: { labelAngle: 0, labelOverlap: true } },
        y: {
          aggregate: 'count',
          type: 'quantitative',
          title: 'rows',
          axis: valueAxis(5),
        },
        ...(color === null ? {} : { color }),
        ...(request.otherRows === true ? { detail: { field: '$other', type: 'nominal' } } : {}),
      },
    }
  },
})
