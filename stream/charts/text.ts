/** text/plain of a chart: one line of summary and a small table, for viewers that show nothing else. */
import { tableRows } from './table.ts'
import { instantText } from './zone.ts'
import type { ChartColumn, ChartRow, ChartStatus, Retention } from './protocol.ts'

const ROW_LIMIT = 10
const WIDTH_LIMIT = 24

export interface ChartText {
  readonly title: string
  readonly columns: readonly ChartColumn[]
  readonly rows: readonly ChartRow[]
  readonly retention: Retention
  readonly status: ChartStatus
  readonly zone?: string | undefined
}

/** Summary, header and the ten newest rows; open windows are marked `*`. */
export function chartText({ title, columns, rows, retention, status, zone }: ChartText): string {
  const shown = tableRows(rows, columns, retention, ROW_LIMIT, zone)
  const lines = [`${title}: ${summaryText(status)}`]
  if (shown.length === 0) return [...lines, '(no rows yet)'].join('\n')
  const marked = shown.map(row => [row.open ? '*' : ' ', ...row.texts.map(clip)])
  const table = [['', ...columns.map(column => clip(column.name))], ...marked]
  const widths = columns.map((_, index) => Math.max(...table.map(row => row[index + 1]?.length ?? 0)))
  for (const [mark, ...texts] of table) {
    const cells = texts.map((text, index) => {
      const width = widths[index] ?? 0
      return columns[index]?.kind === 'number' ? text.padStart(width) : text.padEnd(width)
    })
    lines.push(`${(mark ?? '').padEnd(1)} ${cells.join('  ')}`.trimEnd())
  }
  if (shown.some(row => row.open)) lines.push('* open window, provisional')
  return lines.join('\n')
}

/** `running, 1200 events (100/s), watermark 2026-01-01 09:00:10 UTC, 0 late, 0 dropped, 0 errors`. */
export function summaryText(status: ChartStatus): string {
  return [
    status.state,
    `${status.recordCount} events (${Math.round(status.recordsPerSecond)}/s)`,
    ...(status.watermarkMs === null || !Number.isFinite(status.watermarkMs)
      ? []
      : [`watermark ${instantText(status.watermarkMs)} UTC`]),
    ...(status.waitingCount === undefined ? [] : [`${status.waitingCount} waiting`]),
    `${status.lateCount} late`,
    `${status.droppedCount} dropped`,
    `${status.errorCount} errors`,
    ...(status.notice === null ? [] : [status.notice]),
  ].join(', ')
}

function clip(text: string): string {
  return text.length > WIDTH_LIMIT ? `${text.slice(0, WIDTH_LIMIT - 1)}…` : text
}
