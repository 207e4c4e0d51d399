/**
 * The Threshold tab of a scored stream: the value over the score, a threshold to drag, labels to brush, and what each threshold would have given.
 * Nothing is scored again; a threshold that is a param is set when the drag ends, and the stream follows from its next row on.
 */
import { clock } from '../../../stream/charts/ruler.ts'
import {
  HEIGHT,
  LEFT,
  RIGHT,
  SCORE_BOTTOM,
  SCORE_TOP,
  scoresPicture,
  VALUE_BOTTOM,
  VALUE_TOP,
} from '../../../stream/charts/scores-view.ts'
import { driftTold } from '../../../stream/charts/scores-drift.ts'
import { qualityTable } from '../../../stream/charts/scores-quality.ts'
import type { DriftTold } from '../../../stream/charts/scores-drift.ts'
import type { ScoresPicture, ScoresWish } from '../../../stream/charts/scores-view.ts'
import type { LiveChart } from '../live-chart.ts'
import { setText } from '../panel-parts.ts'
import type { ChartTab, TabMaker } from './tab.ts'

export const scoresTab: TabMaker = {
  name: 'scores',
  label: 'Threshold',
  everyMs: 200,
  offered: chart => chart.status.scores !== undefined,
  make: () => new ScoresTab(),
}

/** A shorter drag is a click. */
const DRAG_PX = 4

type Drag = { readonly what: 'threshold' } | { readonly what: 'label'; readonly fromMs: number; readonly fromX: number }

class ScoresTab implements ChartTab {
  readonly element = node('div', 'riffle-scores')
  readonly #svg = svg('svg', { class: 'riffle-scores-lanes', height: HEIGHT })
  readonly #key = picker('Key', () => this.#choose())
  readonly #feature = picker('Value', () => this.#choose())
  readonly #threshold = Object.assign(node('input', 'riffle-scores-threshold'), {
    type: 'number',
    step: 'any',
    min: '0',
  })
  readonly #reset = Object.assign(node('button', 'riffle-scores-reset', 'as scored'), { type: 'button' })
  readonly #told = node('p', 'riffle-scores-told')
  readonly #drift = node('p', 'riffle-scores-drift-told')
  readonly #driftText = node('span', '')
  readonly #retrain = Object.assign(node('button', 'riffle-button riffle-scores-retrain'), {
    type: 'button',
    hidden: true,
  })
  readonly #table = node('table', 'riffle-scores-quality')
  #wish: ScoresWish = { key: null, feature: null, threshold: null }
  #chart: LiveChart | null = null
  #width = 0
  #picture: ScoresPicture | null = null
  #drag: Drag | null = null
  #dragX = 0

  constructor() {
    const label = node('label', '', 'Threshold ')
    label.append(this.#threshold)
    const controls = node('div', 'riffle-scores-controls')
    controls.append(this.#key.element, this.#feature.element, label, this.#reset)
    this.#table.setAttribute('aria-label', 'What alerts are worth')
    this.#drift.append(this.#driftText, ' ', this.#retrain)
    this.#driftText.setAttribute('role', 'status')
    this.element.append(this.#svg, controls, this.#drift, this.#table, this.#told)
    this.#svg.addEventListener('pointerdown', event => this.#begin(event))
    this.#svg.addEventListener('pointermove', event => this.#move(event))
    this.#svg.addEventListener('pointerup', event => this.#end(event))
    this.#svg.addEventListener('pointercancel', () => (this.#drag = null))
    this.#svg.addEventListener('dblclick', event => this.#unlabel(event))
    this.#threshold.addEventListener('change', () => this.#typed())
    // Keys typed here are nobody's shortcut.
    this.#threshold.addEventListener('keydown', event => event.stopPropagation())
    this.#retrain.addEventListener('click', () => {
      if (this.#retrain.getAttribute('aria-disabled') !== 'true') this.#chart?.retrain()
    })
    // Enter presses it, and is not the notebook's.
    this.#retrain.addEventListener('keydown', event => event.stopPropagation())
    this.#reset.addEventListener('click', () => this.#wishFor({ threshold: null }))
  }

  update(chart: LiveChart, width: number): void {
    this.#chart = chart
    this.#width = Math.max(280, width)
    this.#draw()
  }

  #draw(): void {
    const status = this.#chart?.status.scores
    if (this.#chart === null || status === undefined) return
    const picture = scoresPicture(this.#chart.rows, status, this.#wish, this.#width)
    this.#picture = picture
    if (picture === null) {
      this.#told.textContent = 'Waiting for the first scores'
      return
    }
    this.#svg.setAttribute('viewBox', `0 0 ${this.#width} ${HEIGHT}`)
    this.#svg.setAttribute('width', String(this.#width))
    this.#svg.setAttribute('role', 'img')
    this.#svg.setAttribute('aria-label', `Scores of ${this.#chart.title}, ${picture.alerts.length} alerts`)
    this.#svg.replaceChildren(...lanes(picture, this.#width), ...this.#brush())
    this.#key.offer(picture.keys, picture.key)
    this.#feature.offer(status.features, picture.feature)
    if (document.activeElement !== this.#threshold)
      this.#threshold.value = picture.threshold === null ? '' : String(rounded(picture.threshold))
    this.#reset.hidden = this.#wish.threshold === null
    this.#showTable(picture)
    const told =
      `Drag the line to move the threshold${status.param === null ? '' : ` (param ${status.param} follows)`}. Drag across the value to label an anomaly, ` +
      `double-click a label to take it away: ${status.labels.length} in ${status.labelFile}.`
    setText(this.#told, told)
    this.#tellDrift(driftTold(picture.drifts, status, this.#chart.liveness === 'live'))
  }

  #tellDrift({ text, button }: DriftTold): void {
    this.#drift.hidden = text === '' && button === null
    setText(this.#driftText, text)
    this.#retrain.hidden = button === null
    if (button === null || this.#retrain.getAttribute('aria-label') === button.says) return
    this.#retrain.textContent = button.text
    this.#retrain.setAttribute('aria-label', button.says)
    // Not `disabled`: who has pressed it by key would lose their place.
    this.#retrain.setAttribute('aria-disabled', String(button.busy))
  }

  #showTable(picture: ScoresPicture): void {
    const rows = qualityTable(picture, this.#wish.threshold !== null)
    while (this.#table.rows.length > rows.length) this.#table.deleteRow(-1)
    rows.forEach((cells, r) => {
      const line = this.#table.rows[r] ?? this.#table.insertRow()
      while (line.cells.length > cells.length) line.deleteCell(-1)
      cells.forEach((text, c) => {
        const cell = line.cells[c] ?? line.appendChild(document.createElement(r === 0 || c === 0 ? 'th' : 'td'))
        setText(cell, text)
      })
    })
  }

  /** The label that is being drawn. */
  #brush(): SVGElement[] {
    const { drag, picture } = { drag: this.#drag, picture: this.#picture }
    if (drag?.what !== 'label' || picture === null) return []
    const from = picture.xOf(drag.fromMs)
    const [x, to] = [Math.min(from, this.#dragX), Math.max(from, this.#dragX)]
    return [
      svg('rect', { class: 'riffle-scores-brush', x, y: VALUE_TOP, width: to - x, height: VALUE_BOTTOM - VALUE_TOP }),
    ]
  }

  #begin(event: PointerEvent): void {
    const picture = this.#picture
    if (picture === null || event.button !== 0) return
    const { x, y } = this.#place(event)
    const inScores = y > VALUE_BOTTOM + 8
    this.#drag = inScores ? { what: 'threshold' } : { what: 'label', fromMs: picture.timeAt(x), fromX: x }
    this.#dragX = x
    this.#svg.setPointerCapture(event.pointerId)
    event.preventDefault()
    if (inScores) this.#wishFor({ threshold: rounded(picture.thresholdAt(y)) })
  }

  #move(event: PointerEvent): void {
    if (this.#drag === null || this.#picture === null) return
    const { x, y } = this.#place(event)
    this.#dragX = Math.min(this.#width - RIGHT, Math.max(LEFT, x))
    if (this.#drag.what === 'label') this.#draw()
    else this.#wishFor({ threshold: rounded(this.#picture.thresholdAt(y)) })
  }

  #end(event: PointerEvent): void {
    const { drag, picture } = { drag: this.#drag, picture: this.#picture }
    this.#drag = null
    if (drag === null || picture === null) return
    if (drag.what === 'threshold') {
      this.#tellParam()
      return
    }
    const { x } = this.#place(event)
    if (Math.abs(x - drag.fromX) >= DRAG_PX) {
      const untilMs = picture.timeAt(x)
      this.#chart?.label(Math.round(Math.min(drag.fromMs, untilMs)), Math.round(Math.max(drag.fromMs, untilMs)), true)
    }
    this.#draw()
  }

  #unlabel(event: MouseEvent): void {
    const { x, y } = this.#place(event)
    const label = this.#picture?.labels.find(one => x >= one.x - 1 && x <= one.x + one.width + 1)
    if (label !== undefined && y <= VALUE_BOTTOM) this.#chart?.label(label.fromMs, label.fromMs, false)
  }

  #typed(): void {
    const value = this.#threshold.valueAsNumber
    this.#wishFor({ threshold: Number.isFinite(value) ? value : null })
    this.#tellParam()
  }

  #tellParam(): void {
    const param = this.#chart?.status.scores?.param ?? null
    if (param !== null && this.#wish.threshold !== null) this.#chart?.setParam(param, this.#wish.threshold)
  }

  #choose(): void {
    this.#wishFor({ key: this.#key.chosen(), feature: this.#feature.chosen() })
  }

  #wishFor(wish: Partial<ScoresWish>): void {
    this.#wish = { ...this.#wish, ...wish }
    this.#draw()
  }

  #place(event: MouseEvent): { x: number; y: number } {
    const box = this.#svg.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }
}

function lanes(picture: ScoresPicture, width: number): SVGElement[] {
  const right = width - RIGHT
  const nodes = [
    ...picture.labels.map(({ x, width: wide }) =>
      svg('rect', { class: 'riffle-scores-label', x, y: VALUE_TOP, width: wide, height: VALUE_BOTTOM - VALUE_TOP }),
    ),
    ...[...picture.valueTicks, ...picture.scoreTicks].flatMap(({ y, text }) => [
      svg('line', { class: 'riffle-scores-grid', x1: LEFT, x2: right, y1: y, y2: y }),
      svg('text', { class: 'riffle-scores-tick', x: LEFT - 6, y: y + 3.5, 'text-anchor': 'end' }, text),
    ]),
    ...picture.timeTicks.map(({ x, atMs }) =>
      svg('text', { class: 'riffle-scores-tick', x, y: HEIGHT - 4, 'text-anchor': 'middle' }, clock(atMs)),
    ),
    svg('path', { class: 'riffle-scores-band', d: picture.band }),
    svg('path', { class: 'riffle-scores-value', d: picture.value }),
    svg('path', { class: 'riffle-scores-score', d: picture.score }),
    ...picture.ruleAlerts.map(x =>
      svg('line', { class: 'riffle-scores-rule', x1: x, x2: x, y1: VALUE_BOTTOM + 3, y2: VALUE_BOTTOM + 9 }),
    ),
    ...picture.drifts.map(({ x, atMs }) => {
      const line = svg('line', { class: 'riffle-scores-drift', x1: x, x2: x, y1: SCORE_TOP, y2: SCORE_BOTTOM })
      line.append(svg('title', {}, `The scores have changed at ${clock(atMs)}`))
      return line
    }),
    ...picture.alerts.flatMap(({ x, y, scoreY, title }) => {
      const dot = svg('circle', { class: 'riffle-scores-alert', cx: x, cy: y, r: 3.5 })
      dot.append(svg('title', {}, title))
      return [dot, svg('circle', { class: 'riffle-scores-alert', cx: x, cy: scoreY, r: 2 })]
    }),
  ]
  // What names a lane is read above whatever lies behind it.
  const names = [
    svg('text', { class: 'riffle-scores-name', x: LEFT + 4, y: VALUE_TOP + 12 }, picture.feature),
    svg('text', { class: 'riffle-scores-name', x: LEFT + 4, y: SCORE_TOP + 10 }, 'score'),
  ]
  if (picture.threshold === null) return [...nodes, ...names]
  const y = picture.thresholdY
  return [
    ...nodes,
    svg('line', { class: 'riffle-scores-line', x1: LEFT, x2: right, y1: y, y2: y }),
    svg('rect', { class: 'riffle-scores-handle', x: right - 9, y: y - 6, width: 9, height: 12, rx: 2 }),
    ...names,
  ]
}

interface Picker {
  readonly element: HTMLElement
  offer(names: readonly string[], chosen: string | null): void
  chosen(): string | null
}

function picker(name: string, onChange: () => void): Picker {
  const element = node('label', '', `${name} `)
  const select = element.appendChild(document.createElement('select'))
  select.addEventListener('change', onChange)
  let offered = ''
  return {
    element,
    offer(names, chosen) {
      element.hidden = names.length < 2
      const told = JSON.stringify(names)
      if (told !== offered) select.replaceChildren(...names.map(one => new Option(one)))
      offered = told
      if (chosen !== null && select.value !== chosen) select.value = chosen
    },
    chosen: () => (select.value === '' ? null : select.value),
  }
}

/** Three digits: nobody can drag more. */
function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

function node<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text = ''): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(tag), { className, textContent: text })
}

function svg(name: string, attributes: Readonly<Record<string, string | number>>, text?: string): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value))
  if (text !== undefined) made.textContent = text
  return made
}
