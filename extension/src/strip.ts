/** The quiet line under a chart: how the stream is, what was left out, and the buttons. Everything is text. */
import { setLabel, setText } from './panel-parts.ts'
import { clockText, compact, grouped } from './numbers.ts'
import { hasOwnRows } from '../../stream/charts/picture-rows.ts'
import { isOver } from '../../stream/charts/protocol.ts'
import type { LiveChart } from './live-chart.ts'
import type { ChartStatus } from '../../stream/charts/protocol.ts'

export interface Strip {
  readonly element: HTMLElement
  update(chart: LiveChart): void
}

export type StripAction = 'pause' | 'resume' | 'stop'

export interface StripActions {
  control(action: StripAction): void
  savePicture(): void
  saveRows(): void
  clear(): void
  /** Not where the chart has no place of its own to open, or no cell to write to. */
  readonly openView: (() => void) | null
  readonly pick: (() => void) | null
}

export function makeStrip(actions: StripActions): Strip {
  const element = make('div', 'riffle-strip')
  const state = make('span', 'riffle-state')
  const counts = make('span', 'riffle-counts')
  const notice = make('span', 'riffle-notice')
  const errors = make('div', 'riffle-errors')
  const buttons = make('span', 'riffle-buttons')
  const pause = button('Pause')
  const stop = button('Stop')
  const picture = button('PNG')
  const rows = button('CSV')
  picture.addEventListener('click', () => actions.savePicture())
  rows.addEventListener('click', () => actions.saveRows())
  const saves = make('span', 'riffle-saves')
  const clear = button('Clear')
  clear.addEventListener('click', () => actions.clear())
  const open = button('Open')
  open.addEventListener('click', () => actions.openView?.())
  const edit = button('Edit')
  edit.addEventListener('click', () => actions.pick?.())
  saves.append(
    ...(actions.pick === null ? [] : [edit]),
    ...(actions.openView === null ? [] : [open]),
    clear,
    picture,
    rows,
  )
  let paused = false
  pause.addEventListener('click', () => actions.control(paused ? 'resume' : 'pause'))
  stop.addEventListener('click', () => actions.control('stop'))
  buttons.append(saves, pause, stop)
  const line = make('div', 'riffle-line')
  line.append(state, counts, notice, buttons)
  element.append(line, errors)
  return {
    element,
    update(chart) {
      const { status } = chart
      paused = status.state === 'paused'
      setText(state, stateText(chart))
      state.dataset['state'] = chart.liveness === 'live' || chart.liveness === 'ended' ? status.state : chart.liveness
      setParts(counts, countsOf(chart, status))
      const cleared = chart.clearedCount === 0 ? [] : [`${grouped(chart.clearedCount)} rows cleared away`]
      setText(notice, [...(status.notice === null ? [] : [status.notice]), ...cleared].join(' · '))
      setText(errors, status.errors.at(-1) ?? '')
      errors.hidden = status.errors.length === 0
      const live = chart.liveness === 'live'
      const over = isOver(status.state)
      pause.hidden = !live || over
      stop.hidden = !live || over
      picture.hidden = chart.spec === null
      setText(clear, chart.clearedCount === 0 ? 'Clear' : 'Show all')
      setLabel(
        clear,
        chart.clearedCount === 0 ? `Clear the picture of ${chart.title}` : `Show all rows of ${chart.title} again`,
      )
      setLabel(open, `Open ${chart.title} in a tab of its own`)
      setLabel(edit, `Choose how ${chart.title} is drawn`)
      setLabel(picture, `Save the picture of ${chart.title} as PNG`)
      setLabel(rows, `Save the rows of ${chart.title} as CSV`)
      setButton(pause, paused ? 'Resume' : 'Pause', chart.stream)
      setButton(stop, 'Stop', chart.stream)
    },
  }
}

/** Counts of the strip; those that mean trouble are marked when they are not zero. */
function countsOf(chart: LiveChart, status: ChartStatus): { text: string; alert: boolean; title: string }[] {
  const rate =
    chart.liveness === 'live' && status.state === 'running'
      ? [{ text: `${compact(status.recordsPerSecond)}/s`, alert: false, title: 'events read per second' }]
      : []
  return [
    ...rate,
    { text: `${grouped(status.recordCount)} events`, alert: false, title: 'events read since the start' },
    // A table says in its notice how much of the stream it shows.
    ...(chart.spec === null || hasOwnRows(chart.spec)
      ? []
      : [
          {
            text: `${grouped(chart.rowCount)} drawn`,
            alert: false,
            title: `${grouped(status.rowCount)} rows came out of the stream`,
          },
        ]),
    ...(status.watermarkMs === null
      ? []
      : [
          {
            text: `${status.join === undefined ? 'watermark' : 'watermark of the result'} ${clockText(status.watermarkMs)}`,
            alert: false,
            title: watermarkTitle(status.join !== undefined, status.watermarkMs),
          },
        ]),
    ...(status.lagCount === null || status.lagCount === 0
      ? []
      : [
          {
            text: `lag ${compact(status.lagCount)}`,
            alert: false,
            title: 'records between here and the end of the topic',
          },
        ]),
    ...(status.waitingCount === undefined
      ? []
      : [
          {
            text: `${grouped(status.waitingCount)} waiting`,
            alert: false,
            title: 'rows that wait for partners of the other side',
          },
        ]),
    ...(status.changes === undefined
      ? []
      : [
          {
            text: `+${grouped(status.changes.insertedCount)} −${grouped(status.changes.retractedCount)}`,
            alert: false,
            title:
              'rows inserted and rows retracted (taken back) since the start: Changes in the Table tab shows which',
          },
        ]),
    { text: `${grouped(status.lateCount)} late`, alert: false, title: 'behind the watermark, still taken by a window' },
    {
      text: `${grouped(status.droppedCount)} dropped`,
      alert: status.droppedCount > 0,
      title: 'too late for every window; see .late()',
    },
    {
      text: `${grouped(status.errorCount)} errors`,
      alert: status.errorCount > 0,
      title: status.errors.join('\n') || 'records that could not be decoded or computed',
    },
  ]
}

function stateText(chart: LiveChart): string {
  if (chart.badge !== null && chart.badge !== '')
    return chart.liveness === 'ended' ? `${chart.status.state}: ${chart.badge}` : chart.badge
  switch (chart.liveness) {
    case 'live':
      return chart.status.state === 'running' ? 'live' : chart.status.state
    case 'connecting':
      return 'connecting'
    case 'ended':
      return chart.status.state
    default:
      return 'not live'
  }
}

function setParts(host: HTMLElement, parts: { text: string; alert: boolean; title: string }[]): void {
  while (host.children.length > parts.length) host.lastElementChild?.remove()
  parts.forEach((part, index) => {
    const span = (host.children[index] ?? host.appendChild(document.createElement('span'))) as HTMLElement
    setText(span, part.text)
    span.classList.toggle('riffle-alert', part.alert)
    if (span.title !== part.title) span.title = part.title
  })
}

function setButton(element: HTMLElement, label: string, stream: string): void {
  setText(element, label)
  setLabel(element, `${label} stream ${stream}`)
}

function make(tag: 'div' | 'span', className: string): HTMLElement {
  return Object.assign(document.createElement(tag), { className })
}

function button(label: string): HTMLButtonElement {
  return Object.assign(document.createElement('button'), {
    type: 'button' as const,
    textContent: label,
    className: 'riffle-button',
  })
}

/** What comes out of a join may be older than what goes in: a pad is as old as the row that waited. */
function watermarkTitle(ofJoin: boolean, watermarkMs: number): string {
  const at = new Date(watermarkMs).toISOString()
  return ofJoin
    ? `No earlier row will come out of the join: ${at}; the lanes show the watermark of its two sides`
    : `No earlier event is expected: ${at}`
}
