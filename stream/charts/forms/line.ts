import { defineForm } from './form.ts'
import { plot } from './plot.ts'

/** Finished windows are joined by a solid line; open ones are hollow points at the end of a dashed one. */
export const line = defineForm({
  mark: 'line',
  label: 'Line',
  plainRows: 1000,
  spec: request =>
    plot(request, {
      mark: 'line',
      calm: true,
      ends: request.concept.form === 'window',
      marks: x => (request.concept.form === 'window' ? windowLine(x) : PLAIN_LINE),
    }),
})

const PLAIN_LINE = {
  mark: { type: 'line', clip: true, strokeWidth: 2, point: { filled: true, size: 18 }, tooltip: true },
}

function windowLine(x: string): Record<string, unknown> {
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
