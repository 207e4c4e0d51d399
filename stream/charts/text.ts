/** text/plain of a chart: one line of summary and a small table, for viewers that show nothing else. */
import { shortened } from '../shown-text.ts'
import { changeColumns, changeLines, changesNotice } from './changes.ts'
import { grouped } from './counts.ts'
import { sideTexts } from './lanes-text.ts'
import { tableRows } from './table.ts'
import { instantText } from './zone.ts'
import type { ChartChanges, ChartColumn, ChartRow, ChartStatus, Retention } from './protocol.ts'

const ROW_LIMIT = 10
const WIDTH_LIMIT = 24

export interface ChartText {
  readonly title: string
  readonly columns: readonly ChartColumn[]
  readonly rows: readonly ChartRow[]
  readonly retention: Retention
  readonly status: ChartStatus
  readonly zone?: string | undefined
  /** Where they were asked for. */
  readonly changes?: ChartChanges | undefined
}

/** Summary, header and the ten newest rows; open windows are marked `*`. Then, where asked, the ten newest changes, `+` and `−`. */
export function chartText(chart: ChartText): string {
  const { title, columns, rows, retention, status, zone, changes } = chart
  const shown = tableRows(rows, columns, retention, ROW_LIMIT, zone)
  const lines = [`${title}: ${summaryText(status)}`, ...(status.join === undefined ? [] : sideTexts(status.join))]
  if (shown.length === 0) lines.push('(no rows yet)')
  else
    lines.push(
      ...tableLines(
        columns,
        shown.map(row => ({ mark: row.open ? '*' : ' ', texts: row.texts })),
      ),
    )
  if (shown.some(row => row.open)) lines.push('* open window, provisional')
  if (changes !== undefined) lines.push(...changesText(chart, changes))
  return lines.join('\n')
}

function changesText({ columns, status, zone }: ChartText, changes: ChartChanges): string[] {
  const shown = changeLines(changes, columns, ROW_LIMIT, { zone })
  const notice = changesNotice(shown.length, status.changes)
  const marked = shown.map(({ texts: [mark = '', ...texts] }) => ({ mark, texts }))
  return shown.length === 0 ? [notice] : [notice, ...tableLines(changeColumns(columns).slice(1), marked)]
}

function tableLines(
  columns: readonly ChartColumn[],
  rows: readonly { readonly mark: string; readonly texts: readonly string[] }[],
): string[] {
  const table = [
    ['', ...columns.map(column => clip(column.name))],
    ...rows.map(({ mark, texts }) => [mark, ...texts.map(clip)]),
  ]
  const widths = columns.map((_, index) => Math.max(...table.map(row => row[index + 1]?.length ?? 0)))
  return table.map(([mark, ...texts]) => {
    const cells = texts.map((text, index) => {
      const width = widths[index] ?? 0
      return columns[index]?.kind === 'number' ? text.padStart(width) : text.padEnd(width)
    })
    return `${(mark ?? '').padEnd(1)} ${cells.join('  ')}`.trimEnd()
  })
}

/** `running, 1200 events (100/s), watermark 2026-01-01 09:00:10 UTC, 0 late, 0 dropped, 0 errors`. */
export function summaryText(status: ChartStatus): string {
  return [
    status.state,
    `${status.recordCount} events (${Math.round(status.recordsPerSecond)}/s)`,
    ...(status.watermarkMs === null || !Number.isFinite(status.watermarkMs)
      ? []
      : [`watermark${status.join === undefined ? '' : ' of the result'} ${instantText(status.watermarkMs)} UTC`]),
    ...(status.waitingCount === undefined ? [] : [`${status.waitingCount} waiting`]),
    `${status.lateCount} late`,
    `${status.droppedCount} dropped`,
    `${status.errorCount} errors`,
    ...(status.changes === undefined
      ? []
      : [`+${grouped(status.changes.insertedCount)} −${grouped(status.changes.retractedCount)} rows`]),
    ...(status.notice === null ? [] : [status.notice]),
  ].join(', ')
}

function clip(text: string): string {
  return shortened(text, WIDTH_LIMIT)
}
