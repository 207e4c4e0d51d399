/**
 * The topics of the side panel: one that is opened shows its columns and its newest records. Nodes stay as they are while lists come, so
 * that a press of the mouse, the focus and what is open survive them. Names and records are text.
 */
import { compact, grouped } from './numbers.ts'
import { button, element, setEmpty, setText } from './panel-parts.ts'
import type { TopicPeek } from './kernel-link.ts'
import type { TopicLine } from '../../stream/charts/protocol.ts'

export interface TopicListActions {
  insertCell(source: string): void
  peek(topic: TopicLine, answer: (peek: Pick<TopicPeek, 'lines' | 'problem'>) => void): void
}

interface TopicRow {
  readonly node: HTMLElement
  update(topic: TopicLine): void
}

export class TopicList {
  readonly element = element('ul', 'riffle-topic-list')
  readonly #actions: TopicListActions
  readonly #rows = new Map<string, TopicRow>()

  constructor(actions: TopicListActions) {
    this.#actions = actions
  }

  /** `none` is said when there are none. */
  show(topics: readonly TopicLine[], none: string): void {
    const ids = new Set(topics.map(idOf))
    for (const [id, { node }] of this.#rows) {
      if (ids.has(id)) continue
      node.remove()
      this.#rows.delete(id)
    }
    setEmpty(this.element, topics.length === 0, none)
    for (const [index, topic] of topics.entries()) {
      let row = this.#rows.get(idOf(topic))
      if (row === undefined) this.#rows.set(idOf(topic), (row = makeTopic(topic, this.#actions)))
      if (this.element.children[index] !== row.node)
        this.element.insertBefore(row.node, this.element.children[index] ?? null)
      row.update(topic)
    }
  }
}

function makeTopic(first: TopicLine, actions: TopicListActions): TopicRow {
  let topic = first
  const node = element('li', 'riffle-topic')
  const details = document.createElement('details')
  details.dataset['topic'] = idOf(topic)
  const summary = document.createElement('summary')
  const size = element('span', 'riffle-outline')
  summary.append(magicName(topic), size)
  const more = element('div', 'riffle-outline')
  const columns = element('div', 'riffle-columns')
  const records = element('div', 'riffle-peek')
  const insert = button('Insert %topic', `Insert a cell that reads topic ${topic.name}`)
  insert.addEventListener('click', () => actions.insertCell(`%topic ${magicName(topic)}`))
  const again = button('Newest records', `Show the newest records of topic ${topic.name}`)
  const peek = (): void => {
    if (records.childElementCount === 0) showLines(records, [], 'reading…')
    actions.peek(topic, ({ lines, problem }) => showLines(records, lines, problem ?? 'no records'))
  }
  again.addEventListener('click', peek)
  details.addEventListener('toggle', () => {
    if (details.open) peek()
  })
  const buttons = element('div', 'riffle-topic-buttons')
  buttons.append(insert, again)
  details.append(summary, more, columns, records, buttons)
  node.append(details)
  return {
    node,
    update(newest) {
      topic = newest
      const rate = topic.recordsPerSecond === null ? '' : `, ${compact(topic.recordsPerSecond)}/s`
      setText(size, ` ${grouped(topic.recordCount)} records${rate}`)
      const told = [`${topic.partitionCount} partitions`, ...(topic.description === null ? [] : [topic.description])]
      setText(more, told.join('. '))
      setText(columns, topic.columns.map(({ name, type }) => `${name}: ${type}`).join('\n'))
    },
  }
}

/** A record a line, the newest on top; or why there are none. */
function showLines(host: HTMLElement, lines: readonly string[], none: string): void {
  const shown = lines.length === 0 ? [none] : lines.toReversed()
  host.replaceChildren(
    ...shown.map(text => {
      const line = element('div', lines.length === 0 ? 'riffle-outline' : 'riffle-record')
      line.textContent = text
      return line
    }),
  )
}

function magicName({ connection, name }: TopicLine): string {
  return connection === 'embedded' ? name : `${connection}:${name}`
}

function idOf({ connection, name }: TopicLine): string {
  return `${connection}:${name}`
}
