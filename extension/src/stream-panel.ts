/**
 * The side panel: streams of the notebook in front with their counters and buttons, and the topics one could read. It asks the
 * kernel only while it can be seen. Everything is text; names come from streams and are nobody's HTML.
 */
import { Widget } from '@lumino/widgets'
import { makeSparkline } from './sparkline.ts'
import { clockText, compact, grouped } from './numbers.ts'
import { button, element, heading, setEmpty, setText } from './panel-parts.ts'
import { TopicList } from './topic-list.ts'
import type { KernelLink } from './kernel-link.ts'
import type { StreamLine } from '../../stream/charts/protocol.ts'

export interface StreamPanelActions {
  /** Scrolls to the cell of a stream and selects it. */
  showCell(cellId: string): void
  insertCell(source: string): void
}

const TOPICS_EVERY_MS = 5000

export class StreamPanel extends Widget {
  readonly #actions: StreamPanelActions
  readonly #streams = element('ul', 'riffle-stream-list')
  readonly #topics: TopicList
  readonly #rows = new Map<string, StreamRow>()
  #link: KernelLink | null = null
  #unfollow: (() => void) | null = null
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(actions: StreamPanelActions) {
    super()
    this.#actions = actions
    this.addClass('riffle-panel')
    this.#topics = new TopicList({
      insertCell: source => actions.insertCell(source),
      peek: ({ connection, name }, answer) => {
        const link = this.#link
        link?.askPeek(connection, name, peek => {
          if (link === this.#link) answer(peek)
        })
      },
    })
    const stopAll = button('Stop all', 'Stop all streams')
    stopAll.addEventListener('click', () => this.#link?.stopAll())
    const refresh = button('Refresh', 'Refresh the list of topics')
    refresh.addEventListener('click', () => this.#askTopics())
    this.node.append(heading('Streams', stopAll), this.#streams, heading('Topics', refresh), this.#topics.element)
    this.#showStreams([])
    this.#topics.show([], this.#noTopics())
  }

  /** The kernel of the notebook in front; null when it is none of ours. */
  setLink(link: KernelLink | null): void {
    if (link === this.#link) return
    this.#stop()
    this.#link = link
    this.#showStreams([])
    this.#topics.show([], this.#noTopics())
    if (this.isVisible) this.#start()
  }

  protected override onAfterShow(): void {
    this.#start()
  }

  protected override onAfterHide(): void {
    this.#stop()
  }

  override dispose(): void {
    this.#stop()
    super.dispose()
  }

  #start(): void {
    if (this.#link === null || this.#unfollow !== null) return
    this.#unfollow = this.#link.followStreams(streams => this.#showStreams(streams))
    this.#askTopics()
    this.#timer = setInterval(() => {
      if (document.visibilityState === 'visible') this.#askTopics()
    }, TOPICS_EVERY_MS)
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#unfollow?.()
    this.#unfollow = null
  }

  #askTopics(): void {
    const link = this.#link
    link?.askTopics(topics => {
      if (link === this.#link) this.#topics.show(topics, this.#noTopics())
    })
  }

  #showStreams(streams: readonly StreamLine[]): void {
    const names = new Set(streams.map(stream => stream.name))
    for (const [name, row] of this.#rows) {
      if (names.has(name)) continue
      row.node.remove()
      this.#rows.delete(name)
    }
    setEmpty(this.#streams, streams.length === 0, this.#link === null ? NO_KERNEL : 'No stream runs')
    for (const stream of streams) {
      let row = this.#rows.get(stream.name)
      if (row === undefined) {
        row = makeRow(stream.name, {
          control: action => this.#link?.controlStream(stream.name, action),
          show: cellId => this.#actions.showCell(cellId),
        })
        this.#rows.set(stream.name, row)
        this.#streams.append(row.node)
      }
      row.update(stream)
    }
  }

  #noTopics(): string {
    return this.#link === null ? NO_KERNEL : 'No topics'
  }
}

const NO_KERNEL = 'Open a notebook with a Riffle kernel'

interface StreamRow {
  readonly node: HTMLElement
  update(stream: StreamLine): void
}

function makeRow(
  name: string,
  on: { control(action: 'pause' | 'resume' | 'stop'): void; show(cellId: string): void },
): StreamRow {
  const node = element('li', 'riffle-stream')
  node.dataset['stream'] = name
  const head = element('div', 'riffle-stream-head')
  const title = element('span', 'riffle-state')
  title.textContent = name
  const pause = button('Pause', `Pause stream ${name}`)
  const stop = button('Stop', `Stop stream ${name}`)
  const show = button('Cell', `Show the cell of stream ${name}`)
  let cellId: string | null = null
  let paused = false
  pause.addEventListener('click', () => on.control(paused ? 'resume' : 'pause'))
  stop.addEventListener('click', () => on.control('stop'))
  show.addEventListener('click', () => cellId !== null && on.show(cellId))
  const buttons = element('span', 'riffle-buttons')
  buttons.append(show, pause, stop)
  head.append(title, buttons)
  const outline = element('div', 'riffle-outline')
  const counts = element('div', 'riffle-stream-counts')
  const spark = makeSparkline(`Events per second of ${name}`)
  const line = element('div', 'riffle-stream-line')
  line.append(counts, spark.element)
  node.append(head, outline, line)
  return {
    node,
    update(stream) {
      cellId = stream.cellId
      paused = stream.state === 'paused'
      show.hidden = cellId === null
      title.dataset['state'] = stream.state
      node.dataset['state'] = stream.state
      setText(pause, paused ? 'Resume' : 'Pause')
      pause.setAttribute('aria-label', `${paused ? 'Resume' : 'Pause'} stream ${name}`)
      pause.hidden = !['running', 'paused'].includes(stream.state)
      spark.add(stream.state === 'running' ? stream.recordsPerSecond : 0)
      setText(outline, stream.outline)
      outline.title = stream.outline
      setText(counts, countsText(stream))
      counts.classList.toggle('riffle-alert', stream.errorCount > 0 || stream.state === 'failed')
    },
  }
}

/** `running · 100/s · watermark 09:10:05 UTC · lag 0 · 2 late · 1 dropped · 12 kB`. */
function countsText(stream: StreamLine): string {
  return [
    stream.state,
    ...(stream.state === 'running' ? [`${compact(stream.recordsPerSecond)}/s`] : []),
    ...(stream.watermarkMs === null ? [] : [`watermark ${clockText(stream.watermarkMs)}`]),
    ...(stream.lagCount === null ? [] : [`lag ${compact(stream.lagCount)}`]),
    `${grouped(stream.lateCount)} late`,
    `${grouped(stream.droppedCount)} dropped`,
    ...(stream.errorCount === 0 ? [] : [`${grouped(stream.errorCount)} errors`]),
    ...(stream.stateBytes === 0 ? [] : [`${compact(stream.stateBytes)}B state`]),
  ].join(' · ')
}
