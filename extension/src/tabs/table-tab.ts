/**
 * The Table tab: the newest rows of a chart, as text only, or on demand the newest changes: rows that came and rows that were taken
 * back. Cells are reused, so a running table does not flicker.
 */
import { setLabel, setText } from '../panel-parts.ts'
import { changeColumns, changeLines, changesNotice } from '../../../stream/charts/changes.ts'
import { pivotRows } from '../../../stream/charts/pivot.ts'
import { makePivotForm } from '../pivot-form.ts'
import { tableRows } from '../../../stream/charts/table.ts'
import type { ChartTab, TabMaker } from './tab.ts'
import type { LiveChart } from '../live-chart.ts'
import type { ChartChanges } from '../../../stream/charts/protocol.ts'
import type { TableWish } from '../../../stream/charts/table.ts'

const ROW_LIMIT = 50

export const tableTab: TabMaker = { name: 'table', label: 'Table', everyMs: 250, offered: () => true, make: makeTable }

/** `onWish` is called when the reader asks for another order or other rows. */
function makeTable(onWish: () => void): ChartTab {
  const element = Object.assign(document.createElement('div'), { className: 'riffle-table', tabIndex: 0 })
  let wish: TableWish = { filter: '', sort: null }
  const tools = element.appendChild(Object.assign(document.createElement('div'), { className: 'riffle-table-tools' }))
  const filter = tools.appendChild(
    Object.assign(document.createElement('input'), { type: 'search', placeholder: 'Filter rows', maxLength: 200 }),
  )
  filter.className = 'riffle-filter'
  filter.setAttribute('aria-label', 'Show only rows that hold this text')
  filter.addEventListener('input', () => {
    wish = { ...wish, filter: filter.value }
    onWish()
  })
  // Keys typed here are nobody's shortcut.
  filter.addEventListener('keydown', event => event.stopPropagation())
  const pivot = makePivotForm(onWish)
  let shown: LiveChart | null = null
  const changes = Object.assign(document.createElement('button'), {
    type: 'button' as const,
    textContent: 'Changes',
    className: 'riffle-button riffle-toggle',
    hidden: true,
  })
  changes.addEventListener('click', () => {
    shown?.showChanges(shown.changes === null)
    onWish()
  })
  tools.append(changes, pivot.element)
  const told = element.appendChild(
    Object.assign(document.createElement('p'), { className: 'riffle-told', hidden: true }),
  )
  const table = element.appendChild(document.createElement('table'))
  const head = table.createTHead().insertRow()
  const body = table.createTBody()
  const sortBy = (column: string): void => {
    const { sort } = wish
    // Down, up, and back to the table's own order.
    if (sort?.column !== column) wish = { ...wish, sort: { column, descending: true } }
    else wish = { ...wish, sort: sort.descending ? { column, descending: false } : null }
    onWish()
  }
  // Changes stand in the order in which they came.
  const sortable = (): boolean => pivot.wish === null && (shown?.changes ?? null) === null
  head.addEventListener('click', event => {
    const cell = (event.target as HTMLElement).closest('th')
    if (cell !== null && cell.textContent !== null && sortable()) sortBy(cell.textContent)
  })
  head.addEventListener('keydown', event => {
    if (event.key !== 'Enter') return
    event.stopPropagation()
    const cell = (event.target as HTMLElement).closest('th')
    if (cell !== null && cell.textContent !== null && sortable()) sortBy(cell.textContent)
  })
  const empty = element.appendChild(
    Object.assign(document.createElement('div'), {
      className: 'riffle-empty',
      textContent: 'Waiting for the first rows',
    }),
  )
  const showChanges = (chart: LiveChart, changes: ChartChanges): void => {
    const columns = changeColumns(chart.columns)
    const lines = changeLines(changes, chart.columns, ROW_LIMIT, { filter: wish.filter })
    // Of all, whatever the filter leaves of them.
    const notice = changesNotice(Math.min(changes.entries.length, ROW_LIMIT), chart.status.changes)
    setText(told, notice)
    const kinds = columns.map(column => column.kind)
    fill(
      head,
      columns.map(column => column.name),
      kinds,
      'th',
    )
    for (const cell of head.cells) {
      cell.removeAttribute('aria-sort')
      cell.removeAttribute('tabindex')
      cell.title = ''
    }
    fillBody(
      body,
      lines.map(({ inserted, texts }) => ({ open: false, texts, inserted })),
      kinds,
    )
    table.setAttribute('aria-label', `Newest changes of ${chart.title}`)
    table.hidden = lines.length === 0
    empty.hidden = lines.length > 0
    empty.textContent = wish.filter === '' ? 'Waiting for the first change' : 'No change holds this text'
  }
  return {
    element,
    update(chart) {
      shown = chart
      pivot.offer(chart.columns)
      changes.hidden = !chart.retracts
      changes.setAttribute('aria-pressed', String(chart.changes !== null))
      setLabel(changes, `Changes of ${chart.title}: rows that came, and rows that were taken back`)
      told.hidden = chart.changes === null
      pivot.element.hidden = chart.changes !== null
      filter.hidden = pivot.wish !== null && chart.changes === null
      if (chart.changes !== null) return showChanges(chart, chart.changes)
      if (pivot.wish !== null) {
        const { across, rows, leftOut } = pivotRows(chart.rows, chart.columns, pivot.wish, ROW_LIMIT)
        const kinds = ['text', ...across.map(() => 'number')]
        fill(head, [`${pivot.wish.down} \\ ${pivot.wish.across}`, ...across], kinds, 'th')
        fillBody(
          body,
          rows.map(row => ({ open: row.open, texts: [row.down, ...row.cells] })),
          kinds,
        )
        table.hidden = false
        empty.hidden = leftOut === 0
        empty.textContent = `${leftOut} more values are not shown`
        for (const cell of head.cells) cell.removeAttribute('aria-sort')
        return
      }
      const rows = tableRows(chart.rows, chart.columns, chart.retention, ROW_LIMIT, undefined, wish)
      const text = chart.rowCount === 0 ? 'Waiting for the first rows' : 'No row holds this text'
      setText(empty, text)
      empty.hidden = rows.length > 0
      table.hidden = chart.rowCount === 0
      table.setAttribute('aria-label', `Newest rows of ${chart.title}`)
      const kinds = chart.columns.map(column => column.kind)
      fill(
        head,
        chart.columns.map(column => column.name),
        kinds,
        'th',
      )
      for (const cell of head.cells) {
        const { sort } = wish
        const order =
          sort?.column !== cell.textContent ? 'none' : sort?.descending === true ? 'descending' : 'ascending'
        if (cell.getAttribute('aria-sort') !== order) cell.setAttribute('aria-sort', order)
        cell.tabIndex = 0
        cell.title = 'Sort by this column'
      }
      fillBody(body, rows, kinds)
    },
  }
}

function fillBody(
  body: HTMLTableSectionElement,
  rows: readonly { readonly open: boolean; readonly texts: readonly string[]; readonly inserted?: boolean }[],
  kinds: readonly string[],
): void {
  while (body.rows.length > rows.length) body.deleteRow(-1)
  rows.forEach((row, index) => {
    const line = body.rows[index] ?? body.insertRow()
    line.classList.toggle('riffle-open', row.open)
    line.classList.toggle('riffle-inserted', row.inserted === true)
    line.classList.toggle('riffle-retracted', row.inserted === false)
    line.title = titleOf(row)
    fill(line, row.texts, kinds, 'td')
  })
}

function titleOf({ open, inserted }: { readonly open: boolean; readonly inserted?: boolean }): string {
  if (open) return 'Open window: these values are provisional'
  if (inserted === undefined) return ''
  return inserted ? 'Inserted: this row came' : 'Retracted: this row was taken back'
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
