/** The forms a chart may have, in the order in which they are offered. */
import { area } from './area.ts'
import { bar } from './bar.ts'
import { heatmap } from './heatmap.ts'
import { histogram } from './histogram.ts'
import { lanes } from './lanes.ts'
import { line } from './line.ts'
import { number } from './number.ts'
import { point } from './point.ts'
import { scores } from './scores.ts'
import { table } from './table.ts'
import { timeline } from './timeline.ts'
import type { ChartForm } from './form.ts'
import type { ChartMark } from '../protocol.ts'

export const forms: readonly ChartForm[] = [
  line,
  area,
  bar,
  point,
  heatmap,
  histogram,
  timeline,
  lanes,
  scores,
  table,
  number,
]

const byMark = new Map(forms.map(form => [form.mark, form]))

/** Undefined for `none`, and for a mark nobody has defined. */
export function formOf(mark: ChartMark | undefined): ChartForm | undefined {
  return mark === undefined ? undefined : byMark.get(mark)
}
