/** The Pattern tab: the graph of a pattern with live counts, near misses with what was false, and what waits with its time left. */
import { clock } from '../../../stream/charts/ruler.ts'
import { countText, graphPicture, NODE_HEIGHT } from '../../../stream/charts/pattern-graph.ts'
import { formatDuration, timeLeft } from '../../../stream/charts/time-left.ts'
import { setText } from '../panel-parts.ts'
import { list, text, words } from './list.ts'
import type { ChartTab, TabMaker } from './tab.ts'
import type { PatternView, ViewedLive, ViewedMiss } from '../../../stream/charts/protocol.ts'

export const patternTab: TabMaker = {
  name: 'pattern',
  label: 'Pattern',
  everyMs: 250,
  offered: chart => chart.status.pattern !== undefined,
  make: makePattern,
}

const MISSES = 12

function makePattern(): ChartTab {
  const element = Object.assign(document.createElement('div'), { className: 'riffle-pattern', tabIndex: 0 })
  const picture = svg('svg', { role: 'img', class: 'riffle-pattern-graph' })
  const counts = text('p', 'riffle-pattern-counts', '')
  const misses = list('Near misses', ['key', 'got to', 'why', 'the event that ended it', 'at'])
  const live = list('Waiting now', ['key', 'got to', 'waits for', 'time left'])
  element.append(picture, counts, misses.element, live.element)
  return {
    element,
    update(chart, width) {
      const view = chart.status.pattern
      if (view === undefined) return
      drawGraph(picture, view, width)
      setText(counts, countsOf(view))
      misses.show(view.misses.slice(-MISSES).reverse().map(missCells), 'Nothing has come close yet')
      live.show(
        view.live.map(one => liveCells(one, view)),
        'No partial match is alive',
      )
    },
  }
}

function countsOf(view: PatternView): string {
  const within = view.withinMs === null ? '' : ` · within ${formatDuration(view.withinMs)}`
  return (
    `${view.text}${within} — ${countText(view.matchCount)} ${view.matchCount === 1 ? 'match' : 'matches'} · ${countText(view.missCount)} ended by an event · ` +
    `${countText(view.timeoutCount)} ran out of time · ${countText(view.liveCount)} waiting`
  )
}

function missCells(miss: ViewedMiss): Node[] {
  const why = document.createElement('span')
  if (miss.condition !== null && miss.reason !== 'time') {
    why.append(
      text('code', 'riffle-condition', `${miss.reason === 'not' ? '!' : ''}${miss.condition}`),
      miss.reason === 'not' ? ' came' : ' is false',
    )
    if (miss.conditionText !== null) why.append(': ', text('code', '', miss.conditionText))
  } else why.append(miss.explanation)
  if (miss.offer !== null) {
    why.append(' — came between; ', text('code', 'riffle-offer', miss.offer), ' would pass it over')
    why.title = miss.explanation
  }
  return [
    words(miss.key ?? ''),
    words(miss.count === 1 ? miss.reached : `${miss.reached} × ${miss.count}`),
    why,
    text('code', '', miss.event ?? ''),
    words(clock(miss.endedMs)),
  ]
}

function liveCells(live: ViewedLive, { watermarkMs }: PatternView): Node[] {
  const left = live.deadlineMs === null ? 'no limit' : (timeLeft(live.deadlineMs, watermarkMs) ?? '')
  return [
    words(live.key ?? ''),
    words(`${live.reached} (${live.events.length})`),
    words(live.awaited.join(' or ')),
    words(left),
  ]
}

function drawGraph(picture: SVGElement, view: PatternView, width: number): void {
  const graph = graphPicture(view)
  // A long pattern is made smaller, never cut.
  const shown = Math.min(graph.width, Math.max(200, width - 8))
  picture.setAttribute('viewBox', `0 0 ${graph.width} ${graph.height}`)
  picture.setAttribute('width', String(shown))
  picture.setAttribute('height', String((graph.height * shown) / graph.width))
  picture.setAttribute('aria-label', `Pattern ${countsOf(view)}`)
  const nodes: SVGElement[] = [arrowHead()]
  for (const way of graph.ways) {
    const line = svg('path', { class: 'riffle-way', d: way.path, 'marker-end': 'url(#riffle-arrow)' })
    line.dataset['from'] = way.from
    line.dataset['to'] = way.to
    line.dataset['count'] = String(way.count)
    nodes.push(line)
    const at = { x: way.labelX, y: way.labelY }
    if (way.label !== '') nodes.push(svg('text', { class: 'riffle-way-label', ...at }, way.label))
    nodes.push(svg('text', { class: 'riffle-way-count', x: at.x, y: at.y + 20 }, countText(way.count)))
  }
  for (const node of graph.nodes) {
    if (node.kind === 'start') {
      nodes.push(svg('circle', { class: 'riffle-step', cx: node.x, cy: node.y, r: 9 }))
      continue
    }
    const group = svg('g', { class: `riffle-step riffle-step-${node.kind}` })
    group.dataset['step'] = node.label
    group.dataset['count'] = String(node.count ?? 0)
    group.append(
      svg('rect', {
        x: node.x - node.width / 2,
        y: node.y - NODE_HEIGHT / 2,
        width: node.width,
        height: NODE_HEIGHT,
        rx: 6,
      }),
      svg('text', { x: node.x, y: node.y - 3, class: 'riffle-step-name' }, node.label),
      svg('text', { x: node.x, y: node.y + 13, class: 'riffle-step-count' }, countText(node.count ?? 0)),
    )
    nodes.push(group)
  }
  picture.replaceChildren(...nodes)
}

function arrowHead(): SVGElement {
  const marker = svg('marker', {
    id: 'riffle-arrow',
    viewBox: '0 0 8 8',
    refX: 1,
    refY: 4,
    markerWidth: 7,
    markerHeight: 7,
    orient: 'auto-start-reverse',
  })
  marker.append(svg('path', { d: 'M0 0L8 4L0 8z', class: 'riffle-arrow' }))
  const defs = svg('defs', {})
  defs.append(marker)
  return defs
}

function svg(name: string, attributes: Readonly<Record<string, string | number>>, content?: string): SVGElement {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value))
  if (content !== undefined) node.textContent = content
  return node
}
