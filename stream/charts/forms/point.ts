import { defineForm } from './form.ts'
import { plot } from './plot.ts'

export const point = defineForm({
  mark: 'point',
  label: 'Points',
  plainRows: 1000,
  spec: request =>
    plot(request, {
      mark: 'point',
      calm: true,
      marks: () => ({
        mark: { type: 'point', clip: true, filled: true, size: 36, opacity: 0.8, tooltip: true },
      }),
    }),
})
