/**
 * One view of a chart: title, tabs for picture, table and windows, the picture, the strip. It draws at most once per animation frame and at
 * the chart's own rate, only while it is in sight, and owns its Vega view until it is disposed.
 */
import { DrawTurns } from './draw-turns.ts'
import { fileName, saveFile } from './save-file.ts'
import { makeStrip } from './strip.ts'
import { readTheme } from './theme.ts'
import { TabList } from './tab-list.ts'
import { tabMakers } from './tabs/index.ts'
import { MARKS_EVENT } from '../../stream/charts/protocol.ts'
import { pictureRows } from '../../stream/charts/pattern-timeline.ts'
import { summaryText } from '../../stream/charts/text.ts'
import { tableCsv } from '../../stream/charts/table.ts'
import type { ChartView, LiveChart } from './live-chart.ts'
import type { ChartTab, TabMaker } from './tabs/tab.ts'
import type { Strip } from './strip.ts'
import type { VegaView } from './vega-view.ts'

const PICTURE = { name: 'chart', label: 'Chart' } as const
const LABEL_EVERY_MS = 10_000
const CALM_MS = 1000

/** One for all charts of the page. */
const pageTurns = new DrawTurns({
  nowMs: () => performance.now(),
  onFrame: f => requestAnimationFrame(f),
})

/** Vega is large: it is loaded with the first picture, not with the page, and nobody's turn waits for it. */
const loadVega = (): Promise<typeof import('./vega-view.ts')> => import('./vega-view.ts')

export class ChartPanel implements ChartView {
  readonly element: HTMLElement
  readonly #chart: LiveChart
  readonly #trusted: boolean
  readonly #strip: Strip
  /** The tabs beside the picture, made when they are first in front. */
  readonly #tabs = new Map<string, ChartTab>()
  readonly #tabList: TabList
  readonly #title = div('riffle-title')
  readonly #body = div('riffle-plot')
  readonly #problem = div('riffle-problem')
  readonly #tabRoom = div('riffle-tab')
  readonly #resizes: ResizeObserver
  readonly #sight: IntersectionObserver
  readonly #onDocument = (): void => this.#sightChanged()
  #view: VegaView | null = null
  #tab: string
  #tabChosen = false
  /** What the row of tabs shows now. */
  #tabsShown = ''
  #inSight = false
  #stale = true
  #respec = true
  #drawing = false
  #scheduled = false
  #disposed = false
  #drawnMs = -Infinity
  #tabMs = -Infinity
  #labelMs = -Infinity
  #waiting: (() => void)[] = []

  constructor(chart: LiveChart, trusted: boolean) {
    this.#chart = chart
    this.#trusted = trusted
    this.#tab = chart.spec === null ? 'table' : PICTURE.name
    this.#strip = makeStrip({
      control: action => chart.control(action),
      savePicture: () => this.#savePicture(),
      saveRows: () => saveFile(`${fileName(chart.title)}.csv`, tableCsv(chart.rows, chart.columns, chart.retention)),
    })
    this.#tabList = new TabList([PICTURE, ...tabMakers], name => this.#choose(name))
    this.element = div('riffle-chart')
    this.element.dataset['stream'] = chart.stream
    const head = div('riffle-head')
    head.append(this.#title, this.#tabList.element)
    this.#body.setAttribute('role', 'img')
    this.#body.tabIndex = 0
    this.#body.addEventListener('keydown', event => this.#onKey(event))
    this.#problem.hidden = true
    this.element.append(head, this.#problem, this.#body, this.#tabRoom, this.#strip.element)
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
      if (!this.#tabChosen) this.#tab = this.#chart.spec === null ? 'table' : PICTURE.name
    }
    this.#showTab()
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
    const take = (): void => pageTurns.take(() => this.#draw())
    const onFrame = (): void =>
      this.#tab === PICTURE.name && this.#view === null ? void loadVega().then(take, take) : take()
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
      if (this.#tab === PICTURE.name) await this.#drawPicture()
      else this.#drawTab()
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
    const { spec } = this.#chart
    if (spec === null) return
    const rows = pictureRows(spec, this.#chart.rows, this.#chart.status)
    const width = this.#body.clientWidth
    if (width === 0) return
    if (this.#view === null || this.#respec) await this.#rebuild(width)
    this.#view?.resize(width)
    await this.#view?.draw(rows, performance.now())
  }

  /** A new view takes the old one's place only when it has drawn, so the chart never blinks. */
  async #rebuild(width: number): Promise<void> {
    const { VegaView: View, evalBlocked } = await loadVega()
    const { spec, columns, retention } = this.#chart
    if (spec === null || this.#disposed) return
    const rows = pictureRows(spec, this.#chart.rows, this.#chart.status)
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

  #savePicture(): void {
    const image = this.image()
    if (image !== null) saveFile(`${fileName(this.#chart.title)}.png`, image)
  }

  #drawTab(): void {
    const maker = tabMakers.find(({ name }) => name === this.#tab)
    if (maker === undefined) return
    const nowMs = performance.now()
    if (nowMs - this.#tabMs < maker.everyMs) {
      this.#stale = true
      return
    }
    this.#tabMs = nowMs
    this.#tabOf(maker).update(this.#chart, this.#tabRoom.clientWidth)
  }

  #tabOf(maker: TabMaker): ChartTab {
    let tab = this.#tabs.get(maker.name)
    if (tab === undefined) {
      tab = maker.make(() => this.#redrawTab())
      this.#tabs.set(maker.name, tab)
    }
    if (tab.element.parentElement === null) this.#tabRoom.replaceChildren(tab.element)
    return tab
  }

  #redrawTab(): void {
    this.#tabMs = -Infinity
    this.#stale = true
    this.#schedule()
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

  #choose(tab: string): void {
    this.#tabChosen = true
    this.#tab = tab
    this.#showTab()
    this.#redrawTab()
  }

  /** The tab in front, and which there are: a tab that is not offered any more gives way to the table. */
  #showTab(): void {
    const offered = new Set(tabMakers.filter(maker => maker.offered(this.#chart)).map(({ name }) => name))
    if (this.#chart.spec !== null) offered.add(PICTURE.name)
    if (!offered.has(this.#tab)) this.#tab = 'table'
    const shown = [this.#tab, ...offered].join(' ')
    if (shown === this.#tabsShown) return
    this.#tabsShown = shown
    this.#tabList.show(offered, this.#tab)
    const picture = this.#tab === PICTURE.name
    this.#body.hidden = !picture
    this.#tabRoom.hidden = picture
    const front = this.#tabs.get(this.#tab)?.element
    if (front === undefined) this.#tabRoom.replaceChildren()
    else if (front.parentElement === null) this.#tabRoom.replaceChildren(front)
  }
}

function div(className: string): HTMLDivElement {
  return Object.assign(document.createElement('div'), { className })
}
