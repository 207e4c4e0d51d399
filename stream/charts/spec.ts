/**
 * Columns and options to a Vega-Lite spec without data.
 *
 *   concept -> form (forms/) -> params, encoding, layers -> the user's partial spec laid over
 *
 * Written in what Vega-Lite 5.6 (JupyterLab's own) and 6 share. A sliding time axis and a calm value axis are params
 * (`xMin`, `xMax`, `yMin`, `yMax`), and so is what depends on how much is drawn (`openFrom`, `dense`): the browser sets
 * signals, the spec is compiled once.
 */
import { colorField } from './encodings.ts'
import { formOf } from './forms/index.ts'
import { overlay } from './overlay.ts'
import type { ChartConcept } from './concept.ts'
import type { ChartMark, ChartOptions } from './protocol.ts'
import type { Spec, SpecRequest } from './forms/form.ts'

export type { Spec, SpecRequest } from './forms/form.ts'

/** Vega-Lite spec of a chart; null when it is a table only. Same request, same spec. */
export function chartSpec(request: SpecRequest): Spec | null {
  const { options, columns } = request
  const form = formOf(markOf(request))
  // A timeline is drawn from the pattern, before the first match, lanes before the first pair.
  if (columns.length === 0 && form?.ownRows !== true) return null
  const base = form?.spec(request) ?? null
  if (base === null) return null
  return options.spec === undefined ? base : overlay(base, options.spec)
}

/** The mark a chart has: the user's, or what suits its concept. */
export function markOf({ concept, options }: Pick<SpecRequest, 'concept' | 'options'>): ChartMark {
  if (options.mark !== undefined) return options.mark
  if (concept.form === 'window') return 'line'
  if (concept.form === 'running') return concept.by.length === 0 ? 'number' : 'bar'
  if (options.x !== undefined || options.y !== undefined) return 'point'
  if (concept.scores !== undefined && options.spec === undefined) return 'scores'
  if (concept.pattern?.rows === 'matches' && options.spec === undefined) return 'timeline'
  if (concept.join !== undefined && options.spec === undefined) return 'lanes'
  return options.spec !== undefined ? 'point' : 'table'
}

/** The field whose values have places of their own in this chart, in the order in which they came: colours, or lanes. */
export function seriesField(concept: ChartConcept, options: ChartOptions): string | null {
  const form = formOf(markOf({ concept, options }))
  return form?.series === undefined ? colorField(concept, options) : form.series({ concept, options })
}
