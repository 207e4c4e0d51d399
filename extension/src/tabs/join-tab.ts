/** The Join tab: what each side holds, which rows wait and for how long, and which left without a partner and why. */
import {
  joinText,
  leftOutText,
  listedText,
  sideTexts,
  UNMATCHED_COLUMNS,
  unmatchedCells,
  unmatchedCount,
  unmatchedRows,
  WAITING_COLUMNS,
  waitingCells,
} from '../../../stream/charts/lanes-text.ts'
import { isOver } from '../../../stream/charts/protocol.ts'
import { setText } from '../panel-parts.ts'
import { list, text, words } from './list.ts'
import type { ChartTab, TabMaker } from './tab.ts'
import type { LiveChart } from '../live-chart.ts'
import type { JoinStatus } from '../../../stream/charts/protocol.ts'

export const joinTab: TabMaker = {
  name: 'join',
  label: 'Join',
  everyMs: 250,
  offered: chart => chart.status.join !== undefined,
  make: makeJoin,
}

function makeJoin(): ChartTab {
  const element = Object.assign(document.createElement('div'), { className: 'riffle-pattern riffle-join', tabIndex: 0 })
  const what = text('p', 'riffle-pattern-counts riffle-join-what', '')
  const sides = [text('p', 'riffle-pattern-counts', ''), text('p', 'riffle-pattern-counts', '')]
  const leftOut = text('p', 'riffle-pattern-counts riffle-join-left-out', '')
  const alone = list('Left without a partner', UNMATCHED_COLUMNS)
  const listed = text('p', 'riffle-pattern-counts riffle-join-listed', '')
  alone.element.querySelector('h4')?.after(listed)
  const asks = new Asks()
  let shown = ''
  const waiting = list('Waiting now', WAITING_COLUMNS)
  element.append(what, ...sides, leftOut, alone.element, waiting.element)
  return {
    element,
    update(chart) {
      const { join } = chart.status
      if (join === undefined) return
      asks.askIfMore(chart, join)
      setText(what, joinText(join, isOver(chart.status.state)))
      sideTexts(join).forEach((told, i) => setText(sides[i] as HTMLElement, told))
      const missing = leftOutText(join)
      setText(leftOut, missing)
      leftOut.hidden = missing === ''
      const rows = unmatchedRows(join, chart.unmatched)
      const told = listedText(join, rows.length)
      setText(listed, told)
      listed.hidden = told === ''
      // A long list is drawn anew only when it is another one.
      const now = `${rows.length} ${JSON.stringify([rows[0], rows.at(-1)])}`
      if (now !== shown || rows.length === 0)
        alone.show(asNodes(unmatchedCells(join, rows)), 'No row was seen to leave without a partner')
      shown = now
      waiting.show(asNodes(waitingCells(join)), 'No row waits for its first partner')
    },
  }
}

const ASK_EVERY_MS = 1000

/** A status tells the newest; the rest is asked for while somebody reads, once a second at most. */
class Asks {
  #count = 0
  #atMs = -Infinity

  askIfMore(chart: LiveChart, join: JoinStatus): void {
    const count = unmatchedCount(join)
    const now = performance.now()
    if (count <= join.unmatched.length || count === this.#count || now - this.#atMs < ASK_EVERY_MS) return
    this.#count = count
    this.#atMs = now
    chart.askUnmatched()
  }
}

function asNodes(rows: readonly (readonly string[])[]): Node[][] {
  return rows.map(cells => cells.map(words))
}
