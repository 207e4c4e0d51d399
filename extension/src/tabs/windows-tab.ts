/** The Windows tab: the ruler of windows as SVG, with its reason in words. Text only; drawn anew twice a second at most. */
import { setText } from '../panel-parts.ts'
import { clock, hasRuler, rulerOf } from '../../../stream/charts/ruler.ts'
import type { ChartTab, TabMaker } from './tab.ts'
import type { Ruler } from '../../../stream/charts/ruler.ts'

export const windowsTab: TabMaker = {
  name: 'windows',
  label: 'Windows',
  everyMs: 500,
  offered: chart => hasRuler(chart.columns),
  make: makeRuler,
}

const LANE = 22
const TOP = 26
const LATE_LANE = 26
const LANES_SHOWN = 8
const SIDE = 8

function makeRuler(): ChartTab {
  const element = Object.assign(document.createElement('div'), { className: 'riffle-ruler', tabIndex: 0 })
  const picture = svg('svg', { role: 'img' })
  const why = Object.assign(document.createElement('p'), { className: 'riffle-why' })
  element.append(picture, why)
  return {
    element,
    update(chart, width) {
      const ruler = rulerOf(chart.rows, chart.status)
      const text = ruler?.why ?? 'Waiting for the first window'
      setText(why, text)
      picture.setAttribute('aria-label', `Windows of ${chart.title}: ${text}`)
      if (ruler === null) picture.replaceChildren()
      else draw(picture, ruler, Math.max(200, width))
    },
  }
}

function draw(picture: SVGElement, ruler: Ruler, width: number): void {
  const lanes = Math.min(ruler.laneCount, LANES_SHOWN)
  const bottom = TOP + lanes * LANE
  const height = bottom + LATE_LANE
  const spanMs = Math.max(1, ruler.toMs - ruler.fromMs)
  const x = (epochMs: number): number => SIDE + ((epochMs - ruler.fromMs) / spanMs) * (width - 2 * SIDE)
  picture.setAttribute('viewBox', `0 0 ${width} ${height}`)
  picture.setAttribute('width', String(width))
  picture.setAttribute('height', String(height))
  const nodes: SVGElement[] = []
  let labelledTo = -Infinity
  for (const window of ruler.windows) {
    const from = x(window.startMs)
    const to = x(window.endMs)
    if (window.lane < LANES_SHOWN) {
      const bar = svg('rect', {
        class: window.open ? 'riffle-window riffle-window-open' : 'riffle-window',
        x: from + 1,
        y: TOP + window.lane * LANE + 3,
        width: Math.max(2, to - from - 2),
        height: LANE - 6,
        rx: 3,
      })
      bar.append(title(`${clock(window.startMs)}–${clock(window.endMs)} ${window.open ? 'open' : 'closed'}`))
      nodes.push(bar)
    }
    if (from < labelledTo) continue
    labelledTo = from + 64
    if (labelledTo > width) continue
    nodes.push(svg('text', { x: from, y: 14, class: 'riffle-ruler-time' }, clock(window.startMs).slice(0, 8)))
  }
  for (const late of ruler.late) {
    const ghost = svg('circle', { class: 'riffle-ghost', cx: x(late.eventTimeMs), cy: bottom + LATE_LANE / 2, r: 4.5 })
    ghost.append(
      title(`${clock(late.eventTimeMs)}, partition ${late.partition}, offset ${late.offset}: ${late.reason}`),
    )
    nodes.push(ghost)
  }
  if (ruler.watermarkMs !== null) nodes.push(...watermark(x(ruler.watermarkMs), ruler, { bottom: height, width }))
  picture.replaceChildren(...nodes)
}

function watermark(
  at: number,
  { watermarkMs }: Ruler,
  { bottom, width }: { bottom: number; width: number },
): SVGElement[] {
  // A watermark that is off the ruler stands at its edge.
  const x = Math.min(width - SIDE, Math.max(SIDE, at))
  const line = svg('line', { class: 'riffle-watermark', x1: x, x2: x, y1: 18, y2: bottom })
  line.append(title(`Watermark ${clock(watermarkMs ?? 0)}: no earlier event is expected`))
  return [line]
}

function title(text: string): SVGElement {
  return svg('title', {}, text)
}

function svg(name: string, attributes: Readonly<Record<string, string | number>>, text?: string): SVGElement {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value))
  if (text !== undefined) node.textContent = text
  return node
}
