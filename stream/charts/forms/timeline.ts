import { frame, OPEN, timeEncoding } from '../encodings.ts'
import { LANE } from '../pattern-timeline.ts'
import { defineForm } from './form.ts'

/** Matches of a pattern: a lane per key, a point per event, joined by a line; partial matches hollow, near misses end in a cross. */
export const timeline = defineForm({
  mark: 'timeline',
  label: 'Timeline',
  plainRows: 1000,
  spec(request) {
    const steps = request.concept.pattern?.steps
    if (steps === undefined) return null
    const step = { field: 'step', type: 'nominal', title: 'step' }
    const missed = "datum.what === 'near miss'"
    return {
      ...frame(request),
      params: [],
      encoding: {
        x: timeEncoding(request, '$at', false),
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
          transform: [{ filter: `!(${missed})` }],
          mark: { type: 'line', clip: true, color: '#8a8f98', strokeWidth: 1.5 },
          encoding: {
            opacity: { condition: { test: OPEN, value: 0.35 }, value: 0.8 },
            order: { field: '$at', type: 'quantitative' },
          },
        },
        {
          transform: [{ filter: `!(${missed})` }],
          mark: { type: 'point', clip: true, tooltip: true, size: 90, strokeWidth: 2 },
          encoding: {
            color: {
              ...step,
              scale: { domain: steps },
              legend: { title: null, orient: 'top', direction: 'horizontal', columns: 6, offset: 6, labelLimit: 120 },
            },
            fillOpacity: { condition: { test: OPEN, value: 0 }, value: 1 },
            fill: { ...step, scale: { domain: steps }, legend: null },
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
            color: '#b3261e',
            filled: true,
            opacity: 0.75,
          },
        },
      ],
    }
  },
})
