import { ALERT_RED, frame, OPEN, timeEncoding } from '../encodings.ts'
import { LANE } from '../pattern-timeline.ts'
import { defineForm } from './form.ts'

/** What is no match: it waits, or came to nothing. */
const FAINT = `${OPEN} || datum.what === 'near miss'`

/** Matches of a pattern: a lane per key, a point per event, joined by a line; partial matches hollow, near misses end in a cross. */
export const timeline = defineForm({
  mark: 'timeline',
  label: 'Timeline',
  plainRows: 1000,
  ownRows: true,
  spec(request) {
    const steps = request.concept.pattern?.steps
    if (steps === undefined) return null
    const time = timeEncoding(request, '$at', false)
    const step = { field: 'step', type: 'nominal', title: 'step' }
    const legend = { title: null, orient: 'top', direction: 'horizontal', columns: 6, offset: 6, labelLimit: 120 }
    return {
      ...frame(request),
      params: [],
      encoding: {
        // Points at the first and last instant are shown whole.
        x: { ...time, scale: { ...(time['scale'] as object), padding: 12 } },
        y: {
          field: LANE,
          type: 'nominal',
          title: null,
          axis: { labelLimit: 120, domain: false, ticks: false, grid: true, minExtent: 46 },
        },
        detail: { field: 'id', type: 'nominal' },
      },
      layer: [
        {
          mark: { type: 'line', clip: true, color: '#8a8f98', strokeWidth: 1.5 },
          encoding: {
            opacity: { condition: { test: FAINT, value: 0.35 }, value: 0.8 },
            order: { field: '$at', type: 'quantitative' },
          },
        },
        {
          transform: [{ filter: "datum['$end'] !== true" }],
          mark: { type: 'point', clip: true, tooltip: true, size: 90, strokeWidth: 2 },
          encoding: {
            color: {
              ...step,
              scale: { domain: steps },
              legend,
            },
            fillOpacity: { condition: { test: FAINT, value: 0 }, value: 1 },
            fill: { ...step, scale: { domain: steps }, legend },
          },
        },
        {
          transform: [{ filter: "datum['$end'] === true" }],
          mark: {
            type: 'point',
            clip: true,
            tooltip: true,
            shape: 'cross',
            size: 50,
            color: ALERT_RED,
            filled: true,
            opacity: 0.75,
          },
        },
      ],
    }
  },
})
