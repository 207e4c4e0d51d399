/** What renderers of one notebook need of it: its kernel's link, saves, themes. It also puts lost charts back into their cells. */
import { NotebookActions } from '@jupyterlab/notebook'
import { SessionCharts } from './session-charts.ts'
import type { CellCharts, LiveBundle } from '../../stream/charts/protocol.ts'
import type { Cell, ICodeCellModel } from '@jupyterlab/cells'
import type { ChartCell } from './panel.ts'
import type { EditorProblem } from './editor/problem-asker.ts'
import type { DocumentRegistry } from '@jupyterlab/docregistry'
import type { IThemeManager } from '@jupyterlab/apputils'
import type { KernelLink } from './kernel-link.ts'
import type { NotebookPanel } from '@jupyterlab/notebook'
import type { Signal } from '@lumino/signaling'

export interface PortRenderer {
  attachChart(): void
  restyle(): void
  save(savedAt: string): void
}

export interface NotebookPortOptions {
  readonly panel: NotebookPanel
  readonly themes: IThemeManager | null
  /** Whether a save writes the newest frames into the file; asked at each save. */
  savesFrames(): boolean
  /** Opens a chart of this notebook in a tab of its own. */
  openChart(port: NotebookPort, bundle: LiveBundle, trusted: boolean): void
}

export class NotebookPort {
  readonly #session: SessionCharts
  readonly #options: NotebookPortOptions
  readonly #renderers = new Set<PortRenderer>()

  constructor(options: NotebookPortOptions) {
    this.#options = options
    this.#session = new SessionCharts(options.panel.sessionContext)
    this.#session.linkChanged.connect(this.#onLink, this)
    options.panel.context.saveState.connect(this.#onSave, this)
    options.themes?.themeChanged.connect(this.#onTheme, this)
    void this.#followOutputs()
  }

  get link(): KernelLink | null {
    return this.#session.link
  }

  get linkChanged(): Signal<SessionCharts, KernelLink | null> {
    return this.#session.linkChanged
  }

  /** The link if the notebook's kernel is Riffle. */
  ownLink(): Promise<KernelLink | null> {
    return this.#session.ownLink()
  }

  addRenderer(renderer: PortRenderer): void {
    this.#renderers.add(renderer)
  }

  removeRenderer(renderer: PortRenderer): void {
    this.#renderers.delete(renderer)
  }

  /** What the kernel says about a UTF-16 offset in a cell's text; null when it is none of ours, or has nothing to say. */
  async inspect(code: string, offset: number): Promise<string | null> {
    if ((await this.ownLink()) === null) return null
    // Jupyter counts code points.
    const cursor = Array.from(code.slice(0, offset)).length
    const kernel = this.#options.panel.sessionContext.session?.kernel
    const reply = await kernel?.requestInspect({ code, cursor_pos: cursor, detail_level: 0 })
    if (reply?.content.status !== 'ok' || !reply.content.found) return null
    const text: unknown = reply.content.data['text/plain']
    return typeof text === 'string' ? text : null
  }

  /** What the kernel finds wrong with the text of a cell; null when it is none of ours. */
  async problems(code: string, cellId: string): Promise<readonly EditorProblem[] | null> {
    return (await this.ownLink()) === null ? null : await this.#session.asker.problems(code, cellId)
  }

  openChart(bundle: LiveBundle, trusted: boolean): void {
    this.#options.openChart(this, bundle, trusted)
  }

  /** The cell that shows what is drawn in `node`; looked for when it is asked something, since cells are moved about. */
  cellOf(node: HTMLElement): ChartCell {
    const { panel } = this.#options
    const find = (): Cell | undefined => panel.content.widgets.find(cell => cell.node.contains(node))
    return {
      source: () => find()?.model.sharedModel.getSource() ?? null,
      run: source => {
        const cell = find()
        if (cell === undefined) return
        cell.model.sharedModel.setSource(source)
        panel.content.activeCellIndex = panel.content.widgets.indexOf(cell)
        panel.content.deselectAll()
        void NotebookActions.run(panel.content, panel.sessionContext)
      },
    }
  }

  dispose(): void {
    this.#options.themes?.themeChanged.disconnect(this.#onTheme, this)
    this.#options.panel.context.saveState.disconnect(this.#onSave, this)
    this.#session.dispose()
    this.#renderers.clear()
  }

  #onLink(): void {
    for (const renderer of [...this.#renderers]) renderer.attachChart()
    void this.#followOutputs()
  }

  async #followOutputs(): Promise<void> {
    const link = await this.#session.ownLink()
    link?.followOutputs(cells => void this.#putBack(cells))
  }

  /** JupyterLab drops the outputs of a notebook that was not saved when its page is loaded again; the kernel knows them. */
  async #putBack(cells: readonly CellCharts[]): Promise<void> {
    const { panel } = this.#options
    await panel.context.ready
    const byId = new Map(cells.map(cell => [cell.cellId, cell.bundles]))
    for (const model of panel.model?.cells ?? []) {
      const bundles = byId.get(model.id)
      if (bundles === undefined || model.type !== 'code') continue
      const code = model as ICodeCellModel
      // A cell that shows anything, or is running, knows better.
      if (code.outputs.length > 0 || code.executionState === 'running') continue
      // What is put in comes from the kernel of now, as if the cell had just run.
      code.trusted = true
      for (const data of bundles) code.outputs.add({ output_type: 'display_data', data: data as never, metadata: {} })
    }
  }

  /** `started` comes before the notebook is turned into JSON, so what is written now is in this save. */
  #onSave(_: unknown, state: DocumentRegistry.SaveState): void {
    if (state === 'started') this.link?.saved()
    if (state !== 'started' || !this.#options.savesFrames()) return
    const savedAt = new Date().toISOString()
    for (const renderer of [...this.#renderers]) renderer.save(savedAt)
  }

  #onTheme(): void {
    for (const renderer of this.#renderers) renderer.restyle()
  }
}
