/** Lists under a title, as tabs of patterns and joins show them. Text only: nothing of a stream becomes HTML. */

/** Columns that may take several lines. */
const WIDE = new Set(['why', 'row', 'the event that ended it'])

export interface List {
  readonly element: HTMLElement
  show(rows: readonly (readonly Node[])[], whenEmpty: string): void
}

export function list(title: string, columns: readonly string[]): List {
  const element = document.createElement('section')
  const table = document.createElement('table')
  table.setAttribute('aria-label', title)
  const head = table.createTHead().insertRow()
  for (const column of columns) head.append(text('th', WIDE.has(column) ? 'riffle-wide' : '', column))
  const body = table.createTBody()
  const empty = text('p', 'riffle-empty', '')
  // A long one is scrolled in itself, by keys too.
  const rows = Object.assign(document.createElement('div'), { className: 'riffle-list', tabIndex: 0 })
  rows.append(table)
  element.append(text('h4', '', title), rows, empty)
  return {
    element,
    show(given, whenEmpty) {
      empty.textContent = whenEmpty
      empty.hidden = given.length > 0
      rows.hidden = given.length === 0
      body.replaceChildren(
        ...given.map(cells => {
          const row = document.createElement('tr')
          cells.forEach((cell, i) => {
            const place = row.insertCell()
            place.append(cell)
            if (WIDE.has(columns[i] ?? '')) place.className = 'riffle-wide'
          })
          return row
        }),
      )
    },
  }
}

export function words(value: string): Text {
  return document.createTextNode(value)
}

export function text(tag: string, className: string, value: string): HTMLElement {
  return Object.assign(document.createElement(tag), { className, textContent: value })
}
