/** What renderers of one notebook need of it: its kernel's link, saves, themes. */
import { SessionCharts } from './session-charts.ts'
import type { DocumentRegistry } from '@jupyterlab/docregistry'
import type { ISessionContext, IThemeManager } from '@jupyterlab/apputils'
import type { KernelLink } from './kernel-link.ts'

export interface PortRenderer {
  attachChart(): void
  restyle(): void
  save(savedAt: string): void
}

export class NotebookPort {
  readonly #session: SessionCharts
  readonly #context: DocumentRegistry.Context
  readonly #themes: IThemeManager | null
  readonly #renderers = new Set<PortRenderer>()

  constructor(options: { session: ISessionContext; context: DocumentRegistry.Context; themes: IThemeManager | null }) {
    this.#session = new SessionCharts(options.session)
    this.#context = options.context
    this.#themes = options.themes
    this.#session.linkChanged.connect(this.#onLink, this)
    this.#context.saveState.connect(this.#onSave, this)
    this.#themes?.themeChanged.connect(this.#onTheme, this)
  }

  get link(): KernelLink | null {
    return this.#session.link
  }

  addRenderer(renderer: PortRenderer): void {
    this.#renderers.add(renderer)
  }

  removeRenderer(renderer: PortRenderer): void {
    this.#renderers.delete(renderer)
  }

  dispose(): void {
    this.#themes?.themeChanged.disconnect(this.#onTheme, this)
    this.#context.saveState.disconnect(this.#onSave, this)
    this.#session.dispose()
    this.#renderers.clear()
  }

  #onLink(): void {
    for (const renderer of [...this.#renderers]) renderer.attachChart()
  }

  /** `started` comes before the notebook is turned into JSON, so what is written now is in this save. */
  #onSave(_: unknown, state: DocumentRegistry.SaveState): void {
    if (state !== 'started') return
    const savedAt = new Date().toISOString()
    for (const renderer of [...this.#renderers]) renderer.save(savedAt)
  }

  #onTheme(): void {
    for (const renderer of this.#renderers) renderer.restyle()
  }
}
