/**
 * The side panel: streams of the notebook in front with their counters and buttons, and the topics one could read. It asks the
 * kernel only while it can be seen. Everything is text; names come from streams and are nobody's HTML.
 */
import { Widget } from '@lumino/widgets'
import { makeSparkline } from './sparkline.ts'
import { clockText, compact, grouped } from './numbers.ts'
import type { KernelLink } from './kernel-link.ts'
import type { StreamLine, TopicLine } from '../../stream/charts/protocol.ts'

export interface StreamPanelActions {
  /** Scrolls to the cell of a stream and selects it. */
  showCell(cellId: string): void
  insertCell(source: string): void
}

const TOPICS_EVERY_MS = 5000

export class StreamPanel extends Widget {
  readonly #actions: StreamPanelActions
  readonly #streams = element('ul', 'riffle-stream-list')
  readonly #topics = element('ul', 'riffle-topic-list')
  readonly #rows = new Map<string, StreamRow>()
  #link: KernelLink | null = null
  #unfollow: (() => void) | null = null
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(actions: StreamPanelActions) {
    super()
    this.#actions = actions
    this.addClass('riffle-panel')
    const stopAll = button('Stop all', 'Stop all streams')
    stopAll.addEventListener('click', () => this.#link?.stopAll())
    const refresh = button('Refresh', 'Refresh the list of topics')
    refresh.addEventListener('click', () => this.#askTopics())
    this.node.append(heading('Streams', stopAll), this.#streams, heading('Topics', refresh), this.#topics)
    this.#showStreams([])
    this.#showTopics([])
  }

  /** The kernel of the notebook in front; null when it is none of ours. */
  setLink(link: KernelLink | null): void {
    if (link === this.#link) return
    this.#stop()
    this.#link = link
    this.#showStreams([])
    this.#showTopics([])
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
      if (link === this.#link) this.#showTopics(topics)
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

  #showTopics(topics: readonly TopicLine[]): void {
    const opened = new Set(
      [...this.#topics.querySelectorAll<HTMLDetailsElement>('details[open]')].map(node => node.dataset['topic']),
    )
    const focused = (document.activeElement as HTMLElement | null)?.dataset['topic']
    this.#topics.replaceChildren(...topics.map(topic => topicNode(topic, opened.has(idOf(topic)), this.#actions)))
    setEmpty(this.#topics, topics.length === 0, this.#link === null ? NO_KERNEL : 'No topics')
    if (focused !== undefined)
      [...this.#topics.querySelectorAll<HTMLElement>('summary')]
        .find(node => node.dataset['topic'] === focused)
        ?.focus()
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

function topicNode(topic: TopicLine, open: boolean, actions: StreamPanelActions): HTMLElement {
  const node = element('li', 'riffle-topic')
  const details = document.createElement('details')
  details.dataset['topic'] = idOf(topic)
  details.open = open
  const summary = document.createElement('summary')
  summary.dataset['topic'] = idOf(topic)
  const rate = topic.recordsPerSecond === null ? '' : `, ${compact(topic.recordsPerSecond)}/s`
  const size = element('span', 'riffle-outline')
  size.textContent = ` ${grouped(topic.recordCount)} records${rate}`
  summary.append(magicName(topic), size)
  const more = element('div', 'riffle-outline')
  more.textContent = [
    `${topic.partitionCount} partitions`,
    ...(topic.description === null ? [] : [topic.description]),
  ].join('. ')
  const columns = element('div', 'riffle-columns')
  columns.textContent = topic.columns.map(({ name, type }) => `${name}: ${type}`).join('\n')
  const insert = button('Insert %topic', `Insert a cell that reads topic ${topic.name}`)
  insert.addEventListener('click', () => actions.insertCell(`%topic ${magicName(topic)}`))
  details.append(summary, more, columns, insert)
  node.append(details)
  return node
}

function magicName({ connection, name }: TopicLine): string {
  return connection === 'embedded' ? name : `${connection}:${name}`
}

const idOf = ({ connection, name }: TopicLine): string => `${connection}:${name}`

function setEmpty(list: HTMLElement, empty: boolean, text: string): void {
  let note = list.querySelector<HTMLElement>(':scope > .riffle-empty')
  if (!empty) {
    note?.remove()
    return
  }
  if (note === null) {
    note = element('li', 'riffle-empty')
    list.append(note)
  }
  setText(note, text)
}

function heading(label: string, action: HTMLElement): HTMLElement {
  const node = element('div', 'riffle-panel-head')
  const text = element('h3', 'riffle-panel-title')
  text.textContent = label
  node.append(text, action)
  return node
}

function button(text: string, label: string): HTMLButtonElement {
  const made = Object.assign(document.createElement('button'), { type: 'button' as const, textContent: text })
  made.className = 'riffle-button'
  made.setAttribute('aria-label', label)
  return made
}

function element(tag: 'div' | 'span' | 'ul' | 'li' | 'h3', className: string): HTMLElement {
  return Object.assign(document.createElement(tag), { className })
}

function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text
}
