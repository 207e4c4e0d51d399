import { defineForm } from './form.ts'
import { plot } from './plot.ts'

/** Series stacked on zero. What windows that are still open have so far is pale, with a dashed edge. */
export const area = defineForm({
  mark: 'area',
  label: 'Area',
  plainRows: 1000,
  spec: request =>
    plot(request, {
      mark: 'area',
      ends: request.concept.form === 'window',
      marks: x => (request.concept.form === 'window' ? windowArea(x) : { mark: AREA }),
    }),
})

const AREA = { type: 'area', clip: true, line: true, fillOpacity: 0.3 }

function windowArea(x: string): Record<string, unknown> {
  return {
    layer: [
      { transform: [{ filter: "datum['$open'] !== true" }], mark: AREA },
      {
        transform: [{ filter: `datum[${JSON.stringify(x)}] >= openFrom` }],
        mark: { ...AREA, line: { strokeDash: [3, 3], strokeWidth: 1.25, opacity: 0.7 }, fillOpacity: 0.1 },
      },
    ],
  }
}
