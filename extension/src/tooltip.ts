/** The chart's own tooltip: names and values as text. (Vega's would turn a field called `image` into a request.) */
import { cellText } from '../../stream/charts/table.ts'
import type { ChartColumn } from '../../stream/charts/protocol.ts'

const LINE_LIMIT = 14

/** Shows `datum` beside the pointer, or hides the tooltip when it is null. */
export function showTooltip(
  host: HTMLElement,
  event: MouseEvent,
  datum: unknown,
  columns: readonly ChartColumn[],
): void {
  const old = host.querySelector(':scope > .riffle-tooltip')
  if (typeof datum !== 'object' || datum === null) {
    old?.remove()
    return
  }
  const box = old ?? host.appendChild(Object.assign(document.createElement('div'), { className: 'riffle-tooltip' }))
  box.replaceChildren(...linesOf(datum as Record<string, unknown>, columns))
  const bounds = host.getBoundingClientRect()
  const left = Math.min(event.clientX - bounds.left + 14, bounds.width - box.clientWidth - 4)
  const top = Math.min(event.clientY - bounds.top + 14, Math.max(0, bounds.height - box.clientHeight))
  Object.assign((box as HTMLElement).style, { left: `${Math.max(0, left)}px`, top: `${Math.max(0, top)}px` })
}

function linesOf(row: Readonly<Record<string, unknown>>, columns: readonly ChartColumn[]): HTMLElement[] {
  const lines = columns.slice(0, LINE_LIMIT).map(({ name, kind }) => line(name, cellText(row[name], kind)))
  return row['$open'] === true ? [...lines, line('', 'open window, provisional')] : lines
}

function line(name: string, value: string): HTMLElement {
  const element = document.createElement('div')
  const label = document.createElement('span')
  label.textContent = name
  const text = document.createElement('b')
  text.textContent = value
  element.append(label, text)
  return element
}
