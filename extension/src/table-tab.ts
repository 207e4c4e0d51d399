/** The Table tab: the newest rows of a chart, as text only. Cells are reused, so a running table does not flicker. */
import { tableRows } from '../../stream/charts/table.ts'
import type { LiveChart } from './live-chart.ts'

const ROW_LIMIT = 50

export interface TableTab {
  readonly element: HTMLElement
  update(chart: LiveChart): void
}

export function makeTable(): TableTab {
  const element = Object.assign(document.createElement('div'), { className: 'riffle-table', tabIndex: 0 })
  const table = element.appendChild(document.createElement('table'))
  const head = table.createTHead().insertRow()
  const body = table.createTBody()
  const empty = element.appendChild(
    Object.assign(document.createElement('div'), {
      className: 'riffle-empty',
      textContent: 'Waiting for the first rows',
    }),
  )
  return {
    element,
    update(chart) {
      const rows = tableRows(chart.rows, chart.columns, chart.retention, ROW_LIMIT)
      empty.hidden = rows.length > 0
      table.hidden = rows.length === 0
      table.setAttribute('aria-label', `Newest rows of ${chart.title}`)
      const kinds = chart.columns.map(column => column.kind)
      fill(
        head,
        chart.columns.map(column => column.name),
        kinds,
        'th',
      )
      while (body.rows.length > rows.length) body.deleteRow(-1)
      rows.forEach((row, index) => {
        const line = body.rows[index] ?? body.insertRow()
        line.classList.toggle('riffle-open', row.open)
        line.title = row.open ? 'Open window: these values are provisional' : ''
        fill(line, row.texts, kinds, 'td')
      })
    },
  }
}

function fill(line: HTMLTableRowElement, texts: readonly string[], kinds: readonly string[], tag: 'td' | 'th'): void {
  while (line.cells.length > texts.length) line.lastElementChild?.remove()
  texts.forEach((text, index) => {
    const cell = line.cells[index] ?? line.appendChild(document.createElement(tag))
    if (cell.textContent !== text) cell.textContent = text
    const kind = kinds[index] ?? ''
    if (cell.dataset['kind'] !== kind) cell.dataset['kind'] = kind
  })
}
