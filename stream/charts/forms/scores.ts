import { ALERT_RED, frame, kindOf, seriesColor, timeEncoding, valueAxis } from '../encodings.ts'
import { defineForm } from './form.ts'

/** Rows of the past that say where usual values lie, and how many deviations around their mean. */
const BAND_ROWS = 60
const BAND_DEVIATIONS = 3

const key = (field: string): string => `datum[${JSON.stringify(field)}]`

/**
 * A scored stream: above the value with the band in which usual ones lay before, alerts on it; below the score with its threshold. Both lanes lie in
 * one view, so that they share the time and one legend.
 */
export const scores = defineForm({
  mark: 'scores',
  label: 'Scores',
  plainRows: 2000,
  // Two lanes of so many rows take their time.
  fps: 4,
  series: ({ concept, options }) =>
    options.color ?? (concept.scores === undefined ? null : seriesOf(concept.scores.by)),
  spec(request) {
    const { concept, options, columns } = request
    const feature = options.y ?? concept.scores?.features[0]
    if (concept.scores === undefined || feature === undefined) return null
    const series = options.color ?? seriesOf(concept.scores.by)
    const color = series === null ? null : seriesColor({ ...request, options: { ...options, color: series } }, 'line')
    const drawn = kindOf(columns, feature) === 'number'
    const scale = (from: number, to: number): object => ({
      zero: false,
      nice: true,
      range: [{ expr: `height * ${from}` }, { expr: `height * ${to}` }],
    })
    const axis = valueAxis(4)
    const groups = series === null ? [] : [series]
    return {
      ...frame(request),
      params: [],
      encoding: { x: timeEncoding(request, '$at', false), ...(color === null ? {} : { color }) },
      layer: [
        ...(drawn
          ? [
              {
                encoding: { y: { field: feature, type: 'quantitative', title: feature, scale: scale(0.56, 0), axis } },
                layer: [
                  {
                    transform: [
                      { calculate: `datum.anomalous === true ? null : ${key(feature)}`, as: '$usual' },
                      {
                        window: [
                          { op: 'mean', field: '$usual', as: '$mean' },
                          { op: 'stdev', field: '$usual', as: '$deviation' },
                          { op: 'valid', field: '$usual', as: '$count' },
                        ],
                        ...(groups.length === 0 ? {} : { groupby: groups }),
                        sort: [{ field: '$at', order: 'ascending' }],
                        frame: [-BAND_ROWS, -1],
                        // With peers Vega looks for a row before the first.
                        ignorePeers: true,
                      },
                      { filter: "datum['$count'] > 5" },
                      ...(['low', 'high'] as const).map((edge, i) => ({
                        calculate: `datum['$mean'] ${i === 0 ? '-' : '+'} ${BAND_DEVIATIONS} * datum['$deviation']`,
                        as: `$${edge}`,
                      })),
                    ],
                    mark: { type: 'area', clip: true, opacity: 0.14, line: false },
                    encoding: { y: { field: '$low', type: 'quantitative' }, y2: { field: '$high' } },
                  },
                  { mark: { type: 'line', clip: true, strokeWidth: 1.4 } },
                  {
                    transform: [{ filter: 'datum.anomalous === true' }],
                    mark: {
                      type: 'point',
                      clip: true,
                      filled: true,
                      size: 46,
                      opacity: 1,
                      color: ALERT_RED,
                      tooltip: true,
                    },
                    encoding: { color: { value: ALERT_RED } },
                  },
                ],
              },
            ]
          : []),
        {
          encoding: {
            y: { field: 'score', type: 'quantitative', title: 'score', scale: scale(1, drawn ? 0.68 : 0), axis },
          },
          layer: [
            { mark: { type: 'line', clip: true, strokeWidth: 1.2, opacity: 0.8 } },
            {
              transform: [{ filter: 'datum.anomalous === true' }],
              mark: { type: 'point', clip: true, filled: true, size: 24, opacity: 1, tooltip: true },
              encoding: { color: { value: ALERT_RED } },
            },
            ...(concept.scores.compares === 'oneIn'
              ? []
              : [
                  {
                    transform: [{ filter: 'isValid(datum.threshold)' }],
                    mark: { type: 'line', clip: true, strokeDash: [5, 4], strokeWidth: 1.4, interpolate: 'step-after' },
                    encoding: { y: { field: 'threshold', type: 'quantitative' }, color: { value: ALERT_RED } },
                  },
                ]),
          ],
        },
      ],
      resolve: { scale: { y: 'independent' } },
    }
  },
})

function seriesOf(by: readonly string[]): string | null {
  return by.length === 0 ? null : by.length === 1 ? (by[0] ?? null) : '$series'
}
