/** A table as text for terminals and as HTML for notebooks. */
import type { Json } from './message.ts'

/** A cell whose full value stands in its tooltip. */
export type TableCell = string | { readonly text: string; readonly title: string }

export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly TableCell[])[]
  /** Columns of running text: they wrap, all others stay on one line. */
  readonly prose?: readonly string[] | undefined
  /** Shown when there is no row. */
  readonly empty: string
}

export function tableBundle(table: Table): Json {
  if (table.rows.length === 0) return { 'text/plain': table.empty }
  return { 'text/plain': textTable(table), 'text/html': htmlTable(table) }
}

function textTable({ columns, rows }: Table): string {
  const texts = rows.map(row => row.map(textOf))
  const widths = columns.map((column, at) => Math.max(column.length, ...texts.map(row => (row[at] ?? '').length)))
  const line = (cells: readonly string[]) =>
    widths
      .map((width, at) => (cells[at] ?? '').padEnd(width))
      .join('  ')
      .trimEnd()
  return [line(columns), line(widths.map(width => '─'.repeat(width))), ...texts.map(line)].join('\n')
}

/** A table wider than the notebook scrolls sideways instead of breaking words. */
function htmlTable({ columns, rows, prose = [] }: Table): string {
  const style = (at: number) =>
    `text-align:left;${prose.includes(columns[at] ?? '') ? 'min-width:16em' : 'white-space:nowrap'}`
  const cells = (values: readonly TableCell[], tag: string) =>
    values
      .map((value, at) => `<${tag} style="${style(at)}"${titleOf(value)}>${escapeHtml(textOf(value))}</${tag}>`)
      .join('')
  const body = rows.map(row => `<tr>${cells(row, 'td')}</tr>`).join('')
  return `<div style="overflow-x:auto"><table><thead><tr>${cells(columns, 'th')}</tr></thead><tbody>${body}</tbody></table></div>`
}

function textOf(cell: TableCell): string {
  return typeof cell === 'string' ? cell : cell.text
}

function titleOf(cell: TableCell): string {
  return typeof cell === 'string' ? '' : ` title="${escapeHtml(cell.title)}"`
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
