/**
 * The picture of a chart: a Vega view that is built once per spec and theme. A new one takes the old one's place only when it has
 * drawn, so the chart never blinks; building and first drawing are a turn each, since together they are long enough to be felt.
 */
import { pictureRows } from '../../stream/charts/picture-rows.ts'
import { readTheme } from './theme.ts'
import { ZoomGestures } from './zoom-gestures.ts'
import type { ChartRow } from '../../stream/charts/protocol.ts'
import type { DrawnMark } from '../../stream/charts/marks.ts'
import type { LiveChart } from './live-chart.ts'
import type { VegaView } from './vega-view.ts'

/** Vega is large: it is loaded with the first picture, not with the page. */
export const loadVega = (): Promise<typeof import('./vega-view.ts')> => import('./vega-view.ts')

export class ChartPicture {
  readonly #room: HTMLElement
  readonly #trusted: boolean
  #view: VegaView | null = null
  /** Built, not drawn yet. */
  #next: VegaView | null = null
  #outdated = true
  #disposed = false
  /** Of the room, in px. Measured when it may have changed: asked at each drawing, the whole page would be laid out for it. */
  #width = 0

  /** How closely its reader looks at it. */
  readonly zoom: ZoomGestures

  /** Draws into `room`. Specs that are not `trusted` are interpreted, never compiled. `zoomed`: another part is to be drawn. */
  constructor(room: HTMLElement, trusted: boolean, zoomed: () => void) {
    this.#room = room
    this.#trusted = trusted
    this.zoom = new ZoomGestures(room, () => this.#view?.zoomTarget ?? null, zoomed)
  }

  get drawn(): boolean {
    return this.#view !== null
  }

  /** Another turn is needed to bring what was built to the screen. */
  get unfinished(): boolean {
    return this.#next !== null && !this.#disposed && this.#width > 0
  }

  /** The room may be wider or narrower than it was. */
  measure(): void {
    this.#width = this.#room.clientWidth
  }

  /** Spec or theme changed: the next drawing builds anew. */
  outdate(): void {
    this.#outdated = true
  }

  /** Builds, or draws what is there; look at `unfinished` afterwards. Throws what Vega-Lite says of a wrong spec. */
  async draw(chart: LiveChart): Promise<void> {
    const { spec } = chart
    if (this.#width === 0) this.measure()
    const width = this.#width
    if (spec === null || width === 0) return
    if ((this.#next ?? this.#view)?.legendFits(width) === false) this.#outdated = true
    if (this.#outdated || (this.#view === null && this.#next === null)) return this.#build(chart, width)
    const rows = pictureRows(spec, chart.rows, chart.status)
    const next = this.#next
    if (next !== null) {
      this.#next = null
      return this.#replaceBy(next, rows)
    }
    this.#view?.resize(width)
    await this.#view?.draw(rows, performance.now(), this.zoom.held)
  }

  image(): string | null {
    return this.#view?.image() ?? null
  }

  /** As base64, of few colours. */
  fileImage(): string | null {
    return this.#view?.fileImage() ?? null
  }

  marks(): DrawnMark[] {
    return this.#view?.marks() ?? []
  }

  dispose(): void {
    this.#disposed = true
    this.#view?.finalize()
    this.#view = null
    this.#next?.finalize()
    this.#next = null
  }

  async #build(chart: LiveChart, width: number): Promise<void> {
    const { VegaView: View, evalBlocked } = await loadVega()
    const { spec, columns, retention, title } = chart
    if (spec === null || this.#disposed) return
    this.#outdated = false
    this.#next?.finalize()
    this.#next = null
    const interpret = !this.#trusted || evalBlocked()
    this.#next = new View({ spec, columns, retention, theme: readTheme(), width, title, interpret })
  }

  async #replaceBy(next: VegaView, rows: readonly ChartRow[]): Promise<void> {
    try {
      if (this.#view !== null) next.pick(this.#view.picked())
      await next.draw(rows, performance.now(), this.zoom.held)
    } catch (error) {
      next.finalize()
      throw error
    }
    if (this.#disposed) {
      next.finalize()
      return
    }
    const old = this.#view
    this.#view = next
    this.#room.replaceChildren(next.element)
    old?.finalize()
  }
}
