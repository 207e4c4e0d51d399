/** A table as text for terminals and as HTML for notebooks. */
import type { Json } from './message.ts'

export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Shown when there is no row. */
  readonly empty: string
}

export function tableBundle(table: Table): Json {
  if (table.rows.length === 0) return { 'text/plain': table.empty }
  return { 'text/plain': textTable(table), 'text/html': htmlTable(table) }
}

function textTable({ columns, rows }: Table): string {
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map(row => (row[at] ?? '').length)))
  const line = (cells: readonly string[]) =>
    widths
      .map((width, at) => (cells[at] ?? '').padEnd(width))
      .join('  ')
      .trimEnd()
  return [line(columns), line(widths.map(width => '─'.repeat(width))), ...rows.map(line)].join('\n')
}

function htmlTable({ columns, rows }: Table): string {
  const cells = (values: readonly string[], tag: string) =>
    values.map(value => `<${tag} style="text-align:left">${escapeHtml(value)}</${tag}>`).join('')
  const body = rows.map(row => `<tr>${cells(row, 'td')}</tr>`).join('')
  return `<table><thead><tr>${cells(columns, 'th')}</tr></thead><tbody>${body}</tbody></table>`
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
