import { ALERT_RED, frame, OPEN, timeEncoding } from '../encodings.ts'
import { watermarkText } from '../lanes-text.ts'
import { LANES_Y, SIDE, STATES } from '../lanes.ts'
import { defineForm } from './form.ts'

const MATCHED = '#4c78a8'
const WAITING = '#b07400'
const ALONE = ALERT_RED
const QUIET = '#8a8f98'
const LOOKS = [
  { state: 'matched', color: MATCHED, shape: 'circle' },
  { state: 'waiting', color: WAITING, shape: 'circle' },
  { state: 'kept', color: QUIET, shape: 'circle' },
  { state: 'unmatched', color: ALONE, shape: 'cross' },
] as const
/** A vertical stroke: here the wait is over. */
const STROKE = 'M0,-0.6L0,0.6'

/** A join: both sides on event time, lines between rows that met, rows that wait with their expiry, rows that left alone. */
export const lanes = defineForm({
  mark: 'lanes',
  label: 'Lanes',
  plainRows: 200,
  ownRows: true,
  // What is drawn is a sample: more pictures would tell nothing more.
  fps: 4,
  spec(request) {
    const { join } = request.concept
    if (join === undefined) return null
    const [left, right] = join.names
    const looksUp = join.kind === 'table' || join.kind === 'asOf'
    // What is looked up at once never waits.
    const absent = [looksUp ? undefined : 'kept', join.kind === 'table' ? 'waiting' : undefined]
    const shown = LOOKS.filter(({ state }) => !absent.includes(state))
    const states = { domain: shown.map(({ state }) => STATES[state]), range: shown.map(({ color }) => color) }
    const legend = { title: null, orient: 'top', direction: 'horizontal', offset: 18 }
    const time = timeEncoding(request, '$at', false)
    const only = (...what: string[]): object[] => [{ filter: what.map(one => `datum.what === '${one}'`).join(' || ') }]
    const dot = { type: 'point', clip: true, tooltip: true, size: 60, strokeWidth: 1.8, opacity: 1 }
    return {
      ...frame(request),
      description: `Rows of ${left} above, of ${right} below; lines join rows that met`,
      params: [],
      encoding: {
        x: { ...time, scale: { ...(time['scale'] as object), padding: 12 } },
        y: {
          field: SIDE,
          type: 'quantitative',
          title: null,
          scale: { domain: [-LANES_Y, LANES_Y], nice: false, zero: false },
          axis: {
            values: [-1, 1],
            labelExpr: `datum.value > 0 ? ${JSON.stringify(left)} : ${JSON.stringify(right)}`,
            labelLimit: 120,
            domain: false,
            ticks: false,
            grid: true,
            minExtent: 46,
          },
        },
      },
      layer: [
        {
          transform: only('line'),
          mark: { type: 'line', clip: true, color: MATCHED, strokeWidth: 1.1, opacity: 0.5 },
          encoding: { detail: { field: 'id', type: 'nominal' }, order: { field: SIDE, type: 'quantitative' } },
        },
        {
          transform: only('stay'),
          mark: { type: 'rule', clip: true, color: WAITING, strokeDash: [3, 3], strokeWidth: 1.2, tooltip: true },
          encoding: { x2: { field: '$until' } },
        },
        { transform: only('end'), mark: { type: 'point', shape: STROKE, size: 60, color: WAITING, tooltip: true } },
        {
          transform: only('row'),
          mark: dot,
          encoding: {
            color: {
              field: 'state',
              type: 'nominal',
              scale: states,
              legend,
            },
            fill: {
              field: 'state',
              type: 'nominal',
              scale: states,
              legend,
            },
            fillOpacity: { condition: { test: OPEN, value: 0 }, value: 1 },
            shape: {
              field: 'state',
              type: 'nominal',
              scale: { ...states, range: shown.map(({ shape }) => shape) },
              legend,
            },
          },
        },
        {
          transform: only('watermark'),
          mark: { type: 'rule', clip: true, color: QUIET, strokeWidth: 1.5, tooltip: true },
          encoding: { y2: { field: '$low' } },
        },
        {
          transform: only('watermark'),
          mark: {
            type: 'text',
            align: 'right',
            baseline: 'bottom',
            dx: 4,
            dy: -3,
            color: QUIET,
            text: watermarkText(join),
          },
        },
      ],
    }
  },
})
