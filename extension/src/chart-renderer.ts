/**
 * The renderer of a live chart's output. It draws the frame in the notebook at once, attaches to the kernel when the output
 * may be trusted, and gives the newest frame back to the file when the notebook is saved.
 */
import { Widget } from '@lumino/widgets'
import { ChartPanel } from './panel.ts'
import { LiveChart } from './live-chart.ts'
import { LIVE_MIME, PROTOCOL_VERSION } from '../../stream/charts/protocol.ts'
import { chartBundle, savedRows } from '../../stream/charts/fallback.ts'
import { readBundle } from './read-bundle.ts'
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces'
import type { KernelLink } from './kernel-link.ts'
import type { LiveBundle } from '../../stream/charts/protocol.ts'
import type { NotebookPort } from './notebook-port.ts'

export class ChartRenderer extends Widget implements IRenderMime.IRenderer {
  readonly #port: NotebookPort | null
  #model: IRenderMime.IMimeModel | null = null
  #bundle: LiveBundle | null = null
  #trusted = false
  #chart: LiveChart | null = null
  /** The link that holds the chart; null while it is drawn from the file alone. */
  #link: KernelLink | null = null
  #panel: ChartPanel | null = null
  /** Writing into the model makes JupyterLab render it again; that is not news. */
  #writing = false

  constructor(port: NotebookPort | null) {
    super()
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
    this.#bundle = bundle
    this.#trusted = model.trusted
    this.attachChart()
    return Promise.resolve()
  }

  /** Takes the chart from the kernel of now, or from the file when there is none or the output is not trusted. */
  attachChart(): void {
    const bundle = this.#bundle
    if (bundle === null || this.isDisposed) return
    this.#detach()
    const link = this.#trusted ? (this.#port?.link ?? null) : null
    this.#link = link
    this.#chart =
      link === null
        ? new LiveChart(bundle, { send: () => undefined, visibility: () => undefined })
        : link.acquire(bundle)
    this.#panel = new ChartPanel(this.#chart, this.#trusted)
    this.node.replaceChildren(this.#panel.element)
  }

  restyle(): void {
    this.#panel?.restyle()
  }

  /** Writes the newest frame into the output. `savedAt` is ISO text. Nothing happens when the file has it already. */
  save(savedAt: string): void {
    const { mime, data } = this.#newest(savedAt)
    if (this.#model === null || mime === null) return
    this.#writing = true
    try {
      this.#model.setData({ data: { ...data, ...mime } as never })
    } finally {
      this.#writing = false
    }
  }

  #newest(savedAt: string): { mime: Record<string, unknown> | null; data: Record<string, unknown> } {
    const chart = this.#chart
    const bundle = this.#bundle
    const data = { ...this.#model?.data }
    if (chart === null || bundle === null || chart.sequence === bundle.last.sequence || chart.sequence === null)
      return { mime: null, data }
    const next: LiveBundle = {
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
    this.#bundle = next
    const image = this.#panel?.image()?.split(',', 2)[1]
    return { mime: { ...chartBundle(next), ...(image === undefined ? {} : { 'image/png': image }) }, data }
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
