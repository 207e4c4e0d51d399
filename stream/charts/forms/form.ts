/**
 * One form of chart: how rows become a picture. Add one in one file: `defineForm` in `forms/NAME.ts`, its row in `forms/index.ts`,
 * its name in `ChartMark` (protocol.ts) and a golden in spec.test.ts. `%%chart --mark`, the picker on the chart and the docs follow.
 */
import type { ChartColumn, ChartMark, ChartOptions, Retention } from '../protocol.ts'
import type { ChartConcept } from '../concept.ts'

export type Spec = Readonly<Record<string, unknown>>

export interface SpecRequest {
  readonly concept: ChartConcept
  readonly columns: readonly ChartColumn[]
  readonly options: ChartOptions
  readonly retention: Retention
  /** Values of the colour, in the order they appeared: colours never permute. */
  readonly series: readonly (string | number | boolean | null)[]
  readonly title: string
  /** Rows say in `$colour` which series they are drawn as: those beyond the colours are "other" (other-rows.ts). */
  readonly otherRows?: boolean
  /** An instant of the chart, to know the offset of `zone` there. */
  readonly nearMs?: number | undefined
}

export interface ChartForm {
  readonly mark: ChartMark
  /** What it is called where a reader picks one. */
  readonly label: string
  /** Rows kept of a stream of plain rows, when the user says nothing. */
  readonly plainRows: number
  /** It draws what the status of the chart tells, not the rows of the stream: also before the first one. */
  readonly ownRows?: boolean
  /** Frames a second, when the user says nothing. Default 10. */
  readonly fps?: number
  /** The field whose values are the series; undefined: as for every chart (`colorField`). Null: series are not told apart. */
  series?(request: Pick<SpecRequest, 'concept' | 'options'>): string | null
  /** Vega-Lite without data, in what versions 5.6 and 6 share. Null: there is nothing to draw yet. */
  spec(request: SpecRequest): Spec | null
}

export function defineForm(form: ChartForm): ChartForm {
  return form
}
