import { OPEN_OPACITY } from '../encodings.ts'
import { defineForm } from './form.ts'
import { plot } from './plot.ts'

/** A bar per row, stacked by series; one of a window is as wide as its window, and pale while it is open. */
export const bar = defineForm({
  mark: 'bar',
  label: 'Bars',
  plainRows: 1000,
  spec: request =>
    plot(request, {
      mark: 'bar',
      spans: request.concept.form === 'window' && request.options.x === undefined,
      marks: () => ({
        layer: [
          {
            mark: { type: 'bar', clip: true, tooltip: true, orient: 'vertical', binSpacing: 1 },
            encoding: { opacity: OPEN_OPACITY },
          },
        ],
      }),
    }),
})
