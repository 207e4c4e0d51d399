/**
 * One view of a chart: title, tabs for picture, table and windows, the picture, the strip. It draws at most once per animation frame and
 * twice as often as the chart's own rate, only while it is in sight, and owns its Vega view until it is disposed.
 */
import { readChoice, writeChoice } from './chart-header.ts'
import { DrawTurns } from './draw-turns.ts'
import { fileName, saveFile } from './save-file.ts'
import { makePicker } from './picker.ts'
import { makeStrip } from './strip.ts'
import { setText } from './panel-parts.ts'
import { ChartPicture, loadVega } from './picture.ts'
import { TabList } from './tab-list.ts'
import { tabMakers } from './tabs/index.ts'
import { MARKS_EVENT } from '../../stream/charts/protocol.ts'
import { spokenChart } from '../../stream/charts/spoken.ts'
import { tableCsv } from '../../stream/charts/table.ts'
import type { ChartChoice } from './chart-header.ts'
import type { ChartView, LiveChart } from './live-chart.ts'
import type { ChartTab, TabMaker } from './tabs/tab.ts'
import type { Strip } from './strip.ts'

const PICTURE = { name: 'chart', label: 'Chart' } as const
const LABEL_EVERY_MS = 10_000
/** Numbers below a picture that change with every frame are read by nobody, and cost the page a layout each time. */
const COUNTS_EVERY_MS = 500
const COUNTS_WITH_PICTURE_MS = 380
const CALM_MS = 1000
/** Made once: each new one costs the page a look at its styles. */
let calmMedia: MediaQueryList | undefined
/** How the engine names streams that exist only to be shown. */
const UNNAMED = 'view-'

/** One for all charts of the page. */
const pageTurns = new DrawTurns({
  nowMs: () => performance.now(),
  onFrame: f => requestAnimationFrame(f),
  onTask: f => setTimeout(f, 0),
})

/** What surrounds a chart, where it has more than a place to be drawn. */
export interface PanelHost {
  /** Opens the chart in a tab of its own. */
  readonly openView?: (() => void) | undefined
  /** The cell that shows the chart. */
  readonly cell?: ChartCell | undefined
}

export interface ChartCell {
  /** Null when the cell is not there any more. */
  source(): string | null
  /** Writes the cell anew and runs it. */
  run(source: string): void
}

export class ChartPanel implements ChartView {
  readonly element: HTMLElement
  readonly #chart: LiveChart
  readonly #host: PanelHost
  readonly #picker = makePicker(choice => this.#write(choice))
  readonly #strip: Strip
  /** The tabs beside the picture, made when they are first in front. */
  readonly #tabs = new Map<string, ChartTab>()
  readonly #tabList: TabList
  readonly #title = div('riffle-title')
  readonly #unzoom = Object.assign(document.createElement('button'), {
    type: 'button' as const,
    className: 'riffle-button riffle-unzoom',
    textContent: 'Reset zoom',
    hidden: true,
  })
  readonly #hint = div('riffle-hint')
  readonly #body = div('riffle-plot')
  readonly #problem = div('riffle-problem')
  readonly #tabRoom = div('riffle-tab')
  readonly #resizes: ResizeObserver
  readonly #sight: IntersectionObserver
  readonly #onDocument = (): void => this.#sightChanged()
  readonly #picture: ChartPicture
  #tab: string
  #tabChosen = false
  /** What the row of tabs shows now. */
  #tabsShown = ''
  #inSight = false
  #stale = true
  #drawing = false
  #scheduled = false
  #disposed = false
  #drawnMs = -Infinity
  #tabMs = -Infinity
  #labelMs = -Infinity
  #labelled = ''
  #countsMs = -Infinity
  /** Set while counts wait to be told. */
  #countsTimer: ReturnType<typeof setTimeout> | undefined
  /** What of the words below the picture is told at once. */
  #told = ''
  #waiting: (() => void)[] = []

  constructor(chart: LiveChart, trusted: boolean, host: PanelHost = {}) {
    this.#chart = chart
    this.#host = host
    this.#picture = new ChartPicture(this.#body, trusted, () => this.#zoomed())
    this.#tab = chart.spec === null ? 'table' : PICTURE.name
    this.#strip = makeStrip({
      control: action => chart.control(action),
      savePicture: () => this.#savePicture(),
      saveRows: () => saveFile(`${fileName(chart.title)}.csv`, tableCsv(chart.rows, chart.columns, chart.retention)),
      clear: () => chart.clear(),
      openView: host.openView ?? null,
      pick: host.cell === undefined ? null : () => this.#pick(),
    })
    this.#tabList = new TabList([PICTURE, ...tabMakers], name => this.#choose(name))
    this.element = div('riffle-chart')
    this.element.dataset['stream'] = chart.stream
    const head = div('riffle-head')
    this.#unzoom.addEventListener('click', () => this.#picture.zoom.reset())
    // It is read out below, with the picture.
    this.#hint.setAttribute('aria-hidden', 'true')
    head.append(this.#title, this.#hint, this.#unzoom, this.#tabList.element)
    this.#body.setAttribute('role', 'img')
    this.#body.setAttribute('aria-keyshortcuts', 'Space + - ArrowLeft ArrowRight 0')
    this.#body.tabIndex = 0
    this.#body.addEventListener('keydown', event => this.#onKey(event))
    this.#problem.hidden = true
    this.element.append(head, this.#picker.element, this.#problem, this.#body, this.#tabRoom, this.#strip.element)
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
      this.#picture.outdate()
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
    this.#picture.outdate()
    this.#stale = true
    this.#schedule()
  }

  image(): string | null {
    return this.#picture.image()
  }

  /** The same for the file of the notebook. */
  fileImage(): string | null {
    return this.#picture.fileImage()
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#chart.removeView(this)
    this.#resizes.disconnect()
    this.#sight.disconnect()
    document.removeEventListener('visibilitychange', this.#onDocument)
    clearTimeout(this.#countsTimer)
    this.#picture.dispose()
    this.#release()
    this.element.remove()
  }

  #schedule(): void {
    if (this.#scheduled || this.#drawing || this.#disposed || !this.visible) return
    this.#scheduled = true
    const waitMs = this.#drawnMs + this.#pauseMs() - performance.now()
    const take = (): void => pageTurns.take(() => this.#draw())
    const onFrame = (): void =>
      this.#tab === PICTURE.name && !this.#picture.drawn ? void loadVega().then(take, take) : take()
    if (waitMs > 4) setTimeout(onFrame, waitMs)
    else onFrame()
  }

  /**
   * Time between two drawings: half of what the chart's rate says, since rows come at that rate and some of them late; or a second for people
   * who asked their system for less motion.
   */
  #pauseMs(): number {
    calmMedia ??= matchMedia('(prefers-reduced-motion: reduce)')
    return calmMedia.matches ? CALM_MS : 500 / this.#chart.fps
  }

  async #draw(): Promise<void> {
    this.#scheduled = false
    if (this.#disposed || this.#drawing) return
    this.#drawing = true
    this.#stale = false
    this.#drawnMs = performance.now()
    try {
      if (this.#tab === PICTURE.name) await this.#picture.draw(this.#chart)
      else this.#drawTab()
      this.#fail(null)
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error))
    }
    this.#drawing = false
    if (this.#picture.unfinished && this.#tab === PICTURE.name) {
      this.#scheduled = true
      pageTurns.take(() => this.#draw())
      return
    }
    this.#tellHint()
    this.element.dataset['seq'] = String(this.#chart.sequence ?? 0)
    this.element.dataset['rows'] = String(this.#chart.rowCount)
    // Counts that are due now would cost the page a frame of their own in a moment.
    if (this.#countsTimer !== undefined && performance.now() - this.#countsMs >= COUNTS_WITH_PICTURE_MS)
      this.#tellCounts()
    this.#release()
    if (this.#stale) this.#schedule()
  }

  #pick(): void {
    const source = this.#host.cell?.source() ?? null
    if (source === null || !this.#picker.element.hidden) this.#picker.close()
    else
      this.#picker.open(
        readChoice(source),
        this.#chart.columns.map(column => column.name),
      )
  }

  #write(choice: ChartChoice): void {
    const { cell } = this.#host
    const source = cell?.source() ?? null
    if (cell === undefined || source === null) return
    const { stream } = this.#chart
    const written = writeChoice(source, choice, stream.startsWith(UNNAMED) ? null : stream)
    if (written === null) {
      this.#picker.say('This stream has no name to write: give it one, const revenue = …')
      return
    }
    this.#picker.close()
    cell.run(written)
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
    const { title, liveness, status } = this.#chart
    if (this.#title.textContent !== title) {
      this.#title.textContent = title
      this.#unzoom.setAttribute('aria-label', `Show all of ${title} again`)
    }
    this.element.dataset['state'] = liveness === 'live' || liveness === 'ended' ? status.state : liveness
    this.#updateStrip()
    this.#label()
  }

  /** What can be done with the picture: for the eye while somebody is at it, in full for who hears it. */
  #tellHint(): void {
    const { zoom } = this.#picture
    const zooms = this.#tab === PICTURE.name && zoom.offered
    const live = this.#chart.liveness === 'live'
    const parts = [...(zooms && !zoom.holds ? ['drag to zoom'] : []), ...(live ? ['space pauses'] : [])]
    setText(this.#hint, this.#tab === PICTURE.name ? parts.join(' · ') : '')
    const spoken = [
      ...(live ? ['Space pauses and resumes the stream.'] : []),
      ...(zooms ? ['Plus and minus zoom, arrow keys move, 0 shows all.'] : []),
      'The Table tab has the rows as text.',
    ].join(' ')
    if (this.#body.getAttribute('aria-description') !== spoken) this.#body.setAttribute('aria-description', spoken)
  }

  /** At once when there is something to be seen for the first time, or the stream stands otherwise; its values now and then. */
  #label(): void {
    const told = `${this.element.dataset['state']} ${this.#chart.rowCount > 0}`
    const nowMs = performance.now()
    if (told === this.#labelled && nowMs - this.#labelMs < LABEL_EVERY_MS) return
    this.#labelled = told
    this.#labelMs = nowMs
    this.#body.setAttribute('aria-label', spokenChart(this.#chart))
  }

  /** At once when anything but a counter changed, counters now and then. */
  #updateStrip(): void {
    const { title, liveness, badge, clearedCount, status } = this.#chart
    const told = JSON.stringify([
      title,
      liveness,
      badge,
      clearedCount,
      status.state,
      status.notice === null,
      status.errors,
    ])
    const waitMs = told === this.#told ? this.#countsMs + COUNTS_EVERY_MS - performance.now() : 0
    if (waitMs > 0) {
      this.#countsTimer ??= setTimeout(() => this.#tellCounts(), waitMs)
      return
    }
    this.#told = told
    this.#tellCounts()
  }

  #tellCounts(): void {
    clearTimeout(this.#countsTimer)
    this.#countsTimer = undefined
    if (this.#disposed) return
    this.#countsMs = performance.now()
    this.#strip.update(this.#chart)
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

  #zoomed(): void {
    this.#unzoom.hidden = !this.#picture.zoom.holds || this.#tab !== PICTURE.name
    this.#stale = true
    this.#schedule()
  }

  #resized(): void {
    this.#picture.measure()
    this.#stale = true
    this.#schedule()
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #replyMarks(event: Event): void {
    const reply: unknown =
      event instanceof CustomEvent ? (event.detail as { reply?: unknown } | null)?.reply : undefined
    if (typeof reply === 'function') reply(JSON.parse(JSON.stringify(this.#picture.marks())))
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const pauses = event.key === ' ' && this.#chart.liveness === 'live'
    if (!pauses && !this.#picture.zoom.key(event.key)) return
    event.preventDefault()
    event.stopPropagation()
    if (pauses) this.#chart.control(this.#chart.status.state === 'paused' ? 'resume' : 'pause')
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
    this.#unzoom.hidden = !picture || !this.#picture.zoom.holds
    this.#tabRoom.hidden = picture
    const front = this.#tabs.get(this.#tab)?.element
    if (front === undefined) this.#tabRoom.replaceChildren()
    else if (front.parentElement === null) this.#tabRoom.replaceChildren(front)
  }
}

function div(className: string): HTMLDivElement {
  return Object.assign(document.createElement('div'), { className })
}
