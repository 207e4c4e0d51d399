/**
 * The renderer of a live chart's output. It draws the frame in the notebook at once, attaches to the kernel when the output
 * may be trusted, and gives the newest frame back to the file when the notebook is saved.
 */
import { Widget } from '@lumino/widgets'
import { ChartPanel } from './panel.ts'
import { LiveChart } from './live-chart.ts'
import { LIVE_MIME, PROTOCOL_VERSION } from '../../stream/charts/protocol.ts'
import { fileBundle, savedRows } from '../../stream/charts/fallback.ts'
import { readBundle } from './read-bundle.ts'
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces'
import type { KernelLink } from './kernel-link.ts'
import type { LiveBundle } from '../../stream/charts/protocol.ts'
import type { NotebookPort } from './notebook-port.ts'
import type { PanelHost } from './panel.ts'

export class ChartRenderer extends Widget implements IRenderMime.IRenderer {
  readonly #port: NotebookPort | null
  readonly #embedded: boolean
  #model: IRenderMime.IMimeModel | null = null
  #bundle: LiveBundle | null = null
  #trusted = false
  /** Sequence of the frame that the output holds. */
  #savedSequence: number | null = null
  #chart: LiveChart | null = null
  /** The link that holds the chart; null while it is drawn from the file alone. */
  #link: KernelLink | null = null
  #panel: ChartPanel | null = null
  /** Writing into the model makes JupyterLab render it again; that is not news. */
  #writing = false

  /** `embedded`: in the output of a cell, which holds the last frame and says how the chart is drawn. */
  constructor(port: NotebookPort | null, { embedded = true }: { embedded?: boolean } = {}) {
    super()
    this.#embedded = embedded
    this.addClass('riffle-output')
    this.#port = port
    port?.addRenderer(this)
  }

  override dispose(): void {
    if (this.isDisposed) return
    this.#port?.removeRenderer(this)
    this.#detach()
    super.dispose()
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.#model = model
    if (this.#writing) return Promise.resolve()
    const bundle = readBundle(model.data[LIVE_MIME])
    if (bundle === null) {
      this.#detach()
      this.node.textContent = 'Cannot show this chart: it was saved by another version of Riffle. Run its cell again'
      return Promise.resolve()
    }
    // A second view of the same output writes the same chart: keep what is drawn.
    const known = this.#bundle?.instance === bundle.instance && this.#bundle.chartId === bundle.chartId
    if (known && this.#trusted === model.trusted && this.#chart !== null) return Promise.resolve()
    this.#detach()
    this.#bundle = bundle
    this.#savedSequence = bundle.last.sequence
    this.#trusted = model.trusted
    this.attachChart()
    return Promise.resolve()
  }

  /** Takes the chart from the kernel of now, or from the file when there is none or the output is not trusted. */
  attachChart(): void {
    const bundle = this.#bundle
    if (bundle === null || this.isDisposed) return
    const link = this.#trusted ? (this.#port?.link ?? null) : null
    // Without a kernel to go to, what is drawn stays: it is newer than the file.
    if (link === null && this.#chart !== null && this.#link !== null) return
    const newest = this.#frozen(bundle.last.savedAt) ?? bundle
    this.#detach()
    this.#bundle = newest
    this.#link = link
    this.#chart =
      link === null
        ? new LiveChart(newest, { send: () => undefined, visibility: () => undefined })
        : link.acquire(newest)
    this.#panel = new ChartPanel(this.#chart, this.#trusted, this.#host())
    this.node.replaceChildren(this.#panel.element)
  }

  /** Only a chart in a notebook has a cell, and only a trusted one may write into it. */
  #host(): PanelHost {
    const port = this.#port
    const model = this.#model
    if (port === null || model === null || !this.#embedded) return {}
    return {
      openView: () => {
        const bundle = this.#frozen(null)
        if (bundle !== null) port.openChart(bundle, this.#trusted)
      },
      cell: this.#trusted ? port.cellOf(this.node) : undefined,
    }
  }

  restyle(): void {
    this.#panel?.restyle()
  }

  /** Writes the newest frame into the output. `savedAt` is ISO text. Nothing happens when the file has it already. */
  save(savedAt: string): void {
    const model = this.#model
    const bundle = this.#frozen(savedAt)
    if (!this.#embedded || model === null || bundle === null || bundle.last.sequence === this.#savedSequence) return
    this.#bundle = bundle
    this.#savedSequence = bundle.last.sequence
    const image = this.#panel?.fileImage() ?? null
    const data = { ...model.data, ...fileBundle(bundle), ...(image === null ? {} : { 'image/png': image }) }
    this.#writing = true
    try {
      model.setData({ data: data as never })
    } finally {
      this.#writing = false
    }
  }

  /** The chart as it stands now, as a bundle; null when there is none. */
  #frozen(savedAt: string | null): LiveBundle | null {
    const chart = this.#chart
    if (chart === null) return null
    return {
      protocol: PROTOCOL_VERSION,
      instance: chart.instance,
      chartId: chart.chartId,
      stream: chart.stream,
      title: chart.title,
      spec: chart.spec,
      columns: chart.columns,
      retention: chart.retention,
      fps: chart.fps,
      last: chart.frame(savedAt, savedRows(chart.rows)),
    }
  }

  #detach(): void {
    this.#panel?.dispose()
    this.#panel = null
    if (this.#chart !== null) this.#link?.release(this.#chart)
    this.#chart = null
    this.#link = null
    this.node.replaceChildren()
  }
}
