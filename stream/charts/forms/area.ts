import { defineForm } from './form.ts'
import { plot } from './plot.ts'

/** Series stacked on zero. */
export const area = defineForm({
  mark: 'area',
  label: 'Area',
  plainRows: 1000,
  spec: request =>
    plot(request, {
      mark: 'area',
      marks: () => ({ mark: { type: 'area', clip: true, line: true, fillOpacity: 0.3 } }),
    }),
})
