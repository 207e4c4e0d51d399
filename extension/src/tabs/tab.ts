/**
 * A tab beside the picture of a chart, drawn as DOM and only while it is in front. Add one in one file: export a TabMaker from
 * `tabs/NAME-tab.ts` and put it into the table in `tabs/index.ts`. What can be computed without a DOM goes to stream/charts.
 */
import type { LiveChart } from '../live-chart.ts'

export interface ChartTab {
  readonly element: HTMLElement
  /** Draws the chart as it stands now. `width` in px of the room there is. Text only: nothing of a stream becomes HTML. */
  update(chart: LiveChart, width: number): void
}

export interface TabMaker {
  readonly name: string
  readonly label: string
  /** It is drawn anew at most once in so many ms. */
  readonly everyMs: number
  /** Whether this chart has such a tab. Asked when its columns change, and with each status. */
  offered(chart: LiveChart): boolean
  /** `redraw` asks for a drawing at once: the reader wants to see something else. */
  make(redraw: () => void): ChartTab
}
