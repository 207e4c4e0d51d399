/** The Join tab: what each side holds, which rows wait and for how long, and which left without a partner and why. */
import {
  joinText,
  leftOutText,
  sideTexts,
  UNMATCHED_COLUMNS,
  unmatchedCells,
  WAITING_COLUMNS,
  waitingCells,
} from '../../../stream/charts/lanes-text.ts'
import { setText } from '../panel-parts.ts'
import { list, text, words } from './list.ts'
import type { ChartTab, TabMaker } from './tab.ts'

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
  const waiting = list('Waiting now', WAITING_COLUMNS)
  element.append(what, ...sides, leftOut, alone.element, waiting.element)
  return {
    element,
    update({ status: { join } }) {
      if (join === undefined) return
      setText(what, joinText(join))
      sideTexts(join).forEach((told, i) => setText(sides[i] as HTMLElement, told))
      const told = leftOutText(join)
      setText(leftOut, told)
      leftOut.hidden = told === ''
      alone.show(asNodes(unmatchedCells(join)), 'No row was seen to leave without a partner')
      waiting.show(asNodes(waitingCells(join)), 'No row waits for its first partner')
    },
  }
}

function asNodes(rows: readonly (readonly string[])[]): Node[][] {
  return rows.map(cells => cells.map(words))
}
