/**
 * One view of a chart: title, tabs for picture, table and windows, the picture, the strip. It draws at most once per animation frame and at
 * the chart's own rate, only while it is in sight, and owns its Vega view until it is disposed.
 */
import { fileName, saveFile } from './save-file.ts'
import { makeStrip } from './strip.ts'
import { makeRuler } from './ruler-tab.ts'
import { makeTable } from './table-tab.ts'
import { readTheme } from './theme.ts'
import { hasRuler } from '../../stream/charts/ruler.ts'
import { MARKS_EVENT } from '../../stream/charts/protocol.ts'
import { summaryText } from '../../stream/charts/text.ts'
import { tableCsv } from '../../stream/charts/table.ts'
import type { ChartView, LiveChart } from './live-chart.ts'
import type { RulerTab } from './ruler-tab.ts'
import type { Strip } from './strip.ts'
import type { TableTab } from './table-tab.ts'
import type { VegaView } from './vega-view.ts'

type Tab = 'chart' | 'table' | 'windows'

const TABS: readonly Tab[] = ['chart', 'table', 'windows']
const RULER_EVERY_MS = 500

const TABLE_EVERY_MS = 250
const LABEL_EVERY_MS = 10_000
const CALM_MS = 1000

export class ChartPanel implements ChartView {
  readonly element: HTMLElement
  readonly #chart: LiveChart
  readonly #trusted: boolean
  readonly #strip: Strip
  readonly #table: TableTab = makeTable(() => this.#tableWished())
  readonly #ruler: RulerTab = makeRuler()
  readonly #title = div('riffle-title')
  readonly #body = div('riffle-plot')
  readonly #problem = div('riffle-problem')
  readonly #tabs: Readonly<Record<Tab, HTMLButtonElement>>
  readonly #tabList = div('riffle-tabs')
  readonly #resizes: ResizeObserver
  readonly #sight: IntersectionObserver
  readonly #onDocument = (): void => this.#sightChanged()
  #view: VegaView | null = null
  #tab: Tab
  #tabChosen = false
  #inSight = false
  #stale = true
  #respec = true
  #drawing = false
  #scheduled = false
  #disposed = false
  #drawnMs = -Infinity
  #tableMs = -Infinity
  #labelMs = -Infinity
  #waiting: (() => void)[] = []

  constructor(chart: LiveChart, trusted: boolean) {
    this.#chart = chart
    this.#trusted = trusted
    this.#tab = chart.spec === null ? 'table' : 'chart'
    this.#strip = makeStrip({
      control: action => chart.control(action),
      savePicture: () => this.#savePicture(),
      saveRows: () => saveFile(`${fileName(chart.title)}.csv`, tableCsv(chart.rows, chart.columns, chart.retention)),
    })
    this.#tabs = {
      chart: this.#makeTab('chart', 'Chart'),
      table: this.#makeTab('table', 'Table'),
      windows: this.#makeTab('windows', 'Windows'),
    }
    this.element = div('riffle-chart')
    this.element.dataset['stream'] = chart.stream
    const head = div('riffle-head')
    this.#tabList.setAttribute('role', 'tablist')
    this.#tabList.append(...TABS.map(tab => this.#tabs[tab]))
    head.append(this.#title, this.#tabList)
    this.#body.setAttribute('role', 'img')
    this.#body.tabIndex = 0
    this.#body.addEventListener('keydown', event => this.#onKey(event))
    this.#problem.hidden = true
    this.element.append(head, this.#problem, this.#body, this.#table.element, this.#ruler.element, this.#strip.element)
    this.element.addEventListener(MARKS_EVENT, event => this.#replyMarks(event))
    this.#resizes = new ResizeObserver(() => this.#resized())
    this.#resizes.observe(this.element)
    this.#sight = new IntersectionObserver(entries => {
      this.#inSight = entries.at(-1)?.isIntersecting === true
      this.#sightChanged()
    })
    this.#sight.observe(this.element)
    document.addEventListener('visibilitychange', this.#onDocument)
    chart.addView(this)
    this.#showTab()
    this.#describe()
  }

  get visible(): boolean {
    return this.#inSight && document.visibilityState === 'visible'
  }

  changed(respec: boolean): void {
    this.#stale = true
    if (respec) {
      this.#respec = true
      if (!this.#tabChosen) this.#tab = this.#chart.spec === null ? 'table' : 'chart'
      this.#showTab()
    }
    this.#describe()
    this.#schedule()
  }

  painted(): Promise<void> {
    if (!this.visible || this.#disposed || (!this.#stale && !this.#drawing)) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** The theme changed: colours are part of the compiled spec. */
  restyle(): void {
    this.#respec = true
    this.#stale = true
    this.#schedule()
  }

  image(): string | null {
    return this.#view?.image() ?? null
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#chart.removeView(this)
    this.#resizes.disconnect()
    this.#sight.disconnect()
    document.removeEventListener('visibilitychange', this.#onDocument)
    this.#view?.finalize()
    this.#view = null
    this.#release()
    this.element.remove()
  }

  #schedule(): void {
    if (this.#scheduled || this.#drawing || this.#disposed || !this.visible) return
    this.#scheduled = true
    const waitMs = this.#drawnMs + this.#pauseMs() - performance.now()
    const onFrame = (): number => requestAnimationFrame(() => void this.#draw())
    if (waitMs > 4) setTimeout(onFrame, waitMs)
    else onFrame()
  }

  /** Time between two drawings: the chart's rate, or once a second for people who asked their system for less motion. */
  #pauseMs(): number {
    return matchMedia('(prefers-reduced-motion: reduce)').matches ? CALM_MS : 1000 / this.#chart.fps - 4
  }

  async #draw(): Promise<void> {
    this.#scheduled = false
    if (this.#disposed || this.#drawing) return
    this.#drawing = true
    this.#stale = false
    this.#drawnMs = performance.now()
    try {
      if (this.#tab === 'chart') await this.#drawPicture()
      else if (this.#tab === 'table') this.#drawTable()
      else this.#drawRuler()
      this.#fail(null)
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error))
    }
    this.#drawing = false
    this.element.dataset['seq'] = String(this.#chart.sequence ?? 0)
    this.element.dataset['rows'] = String(this.#chart.rowCount)
    this.#release()
    if (this.#stale) this.#schedule()
  }

  async #drawPicture(): Promise<void> {
    const { spec, rows } = this.#chart
    if (spec === null) return
    const width = this.#body.clientWidth
    if (width === 0) return
    if (this.#view === null || this.#respec) await this.#rebuild(width)
    this.#view?.resize(width)
    await this.#view?.draw(rows, performance.now())
  }

  /** A new view takes the old one's place only when it has drawn, so the chart never blinks. */
  async #rebuild(width: number): Promise<void> {
    // Vega is large: it is loaded with the first chart, not with the page.
    const { VegaView: View, evalBlocked } = await import('./vega-view.ts')
    const { spec, columns, retention, rows } = this.#chart
    if (spec === null || this.#disposed) return
    this.#respec = false
    const next = new View({
      spec,
      columns,
      retention,
      theme: readTheme(),
      width,
      interpret: !this.#trusted || evalBlocked(),
    })
    await next.draw(rows, performance.now())
    if (this.#disposed) {
      next.finalize()
      return
    }
    const old = this.#view
    this.#view = next
    this.#body.replaceChildren(next.element)
    old?.finalize()
  }

  #tableWished(): void {
    this.#tableMs = -Infinity
    this.#stale = true
    this.#schedule()
  }

  #savePicture(): void {
    const image = this.image()
    if (image !== null) saveFile(`${fileName(this.#chart.title)}.png`, image)
  }

  #drawRuler(): void {
    const nowMs = performance.now()
    if (nowMs - this.#tableMs < RULER_EVERY_MS) {
      this.#stale = true
      return
    }
    this.#tableMs = nowMs
    this.#ruler.update(this.#chart, this.#ruler.element.clientWidth)
  }

  #drawTable(): void {
    const nowMs = performance.now()
    if (nowMs - this.#tableMs < TABLE_EVERY_MS) {
      this.#stale = true
      return
    }
    this.#tableMs = nowMs
    this.#table.update(this.#chart)
  }

  /** Everything that is text: title, strip, state, and now and then the words for a screen reader. */
  #describe(): void {
    const { title, liveness, status, rowCount } = this.#chart
    if (this.#title.textContent !== title) this.#title.textContent = title
    this.element.dataset['state'] = liveness === 'live' || liveness === 'ended' ? status.state : liveness
    this.#strip.update(this.#chart)
    const nowMs = performance.now()
    if (nowMs - this.#labelMs < LABEL_EVERY_MS) return
    this.#labelMs = nowMs
    this.#body.setAttribute('aria-label', `Chart of ${title}, ${rowCount} points: ${summaryText(status)}`)
  }

  #fail(message: string | null): void {
    this.#problem.hidden = message === null
    if (message !== null) this.#problem.textContent = `Cannot draw this chart: ${message}. The Table tab shows its rows`
  }

  #sightChanged(): void {
    this.#chart.visibilityChanged()
    if (this.visible) this.#schedule()
    else this.#release()
  }

  #resized(): void {
    if (this.#tab === 'table') return
    this.#stale = true
    this.#schedule()
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #replyMarks(event: Event): void {
    const reply: unknown =
      event instanceof CustomEvent ? (event.detail as { reply?: unknown } | null)?.reply : undefined
    if (typeof reply === 'function') reply(JSON.parse(JSON.stringify(this.#view?.marks() ?? [])))
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key !== ' ' || this.#chart.liveness !== 'live') return
    event.preventDefault()
    event.stopPropagation()
    this.#chart.control(this.#chart.status.state === 'paused' ? 'resume' : 'pause')
  }

  #makeTab(tab: Tab, label: string): HTMLButtonElement {
    const button = Object.assign(document.createElement('button'), { type: 'button' as const, textContent: label })
    button.setAttribute('role', 'tab')
    button.addEventListener('click', () => this.#choose(tab))
    button.addEventListener('keydown', event => {
      if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
      event.stopPropagation()
      const offered = TABS.filter(other => !this.#tabs[other].hidden)
      const step = event.key === 'ArrowLeft' ? offered.length - 1 : 1
      this.#choose(offered[(offered.indexOf(tab) + step) % offered.length] ?? tab)
      this.#tabs[this.#tab].focus()
    })
    return button
  }

  #choose(tab: Tab): void {
    this.#tabChosen = true
    this.#tab = tab
    this.#tableMs = -Infinity
    this.#stale = true
    this.#showTab()
    this.#schedule()
  }

  #showTab(): void {
    const drawable = this.#chart.spec !== null
    const windows = hasRuler(this.#chart.columns)
    if ((!drawable && this.#tab === 'chart') || (!windows && this.#tab === 'windows')) this.#tab = 'table'
    this.#tabs.chart.hidden = !drawable
    this.#tabs.windows.hidden = !windows
    this.#tabList.hidden = !drawable && !windows
    this.#body.hidden = this.#tab !== 'chart'
    this.#table.element.hidden = this.#tab !== 'table'
    this.#ruler.element.hidden = this.#tab !== 'windows'
    for (const tab of TABS) {
      const chosen = tab === this.#tab
      this.#tabs[tab].setAttribute('aria-selected', String(chosen))
      this.#tabs[tab].tabIndex = chosen ? 0 : -1
    }
  }
}

function div(className: string): HTMLDivElement {
  return Object.assign(document.createElement('div'), { className })
}
