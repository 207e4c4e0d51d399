/**
 * The extension: renderers for live charts and params, added to the registry of each notebook so that they know its kernel,
 * and to the page's own registry for everything that has none. Beside them the panel of streams, the status line, commands.
 * Only the registry of renderers is required, so that applications with fewer parts (Notebook 7) load it too.
 */
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application'
import { ICommandPalette, IThemeManager, MainAreaWidget } from '@jupyterlab/apputils'
import { IEditorExtensionRegistry } from '@jupyterlab/codemirror'
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook'
import { IRenderMimeRegistry } from '@jupyterlab/rendermime'
import { IRunningSessionManagers } from '@jupyterlab/running'
import { ISettingRegistry } from '@jupyterlab/settingregistry'
import { IStatusBar } from '@jupyterlab/statusbar'
import { CommandToolbarButton, runningIcon, stopIcon } from '@jupyterlab/ui-components'
import { ChartRenderer } from './chart-renderer.ts'
import { addEditorExtensions } from './editor/index.ts'
import { NotebookPort } from './notebook-port.ts'
import { ParamRenderer } from './param-renderer.ts'
import { RunningStreams } from './running-streams.ts'
import { StatusItem } from './status-item.ts'
import { StreamPanel } from './stream-panel.ts'
import { LIVE_MIME, PARAM_MIME } from '../../stream/charts/protocol.ts'
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application'
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces'
import type { NotebookPanel } from '@jupyterlab/notebook'
import type { StreamHome } from './running-streams.ts'
import type { LiveBundle } from '../../stream/charts/protocol.ts'
import type { KernelLink } from './kernel-link.ts'

const PLUGIN = '@riffle/jupyterlab:charts'
/** Before JupyterLab's own Vega (57), which would take the static fallback of the same output. */
const RANK = 40
const COMMANDS = { stopAll: 'riffle:stop-all-streams', showPanel: 'riffle:show-streams' } as const

interface Settings {
  saveFrames: boolean
  statusBar: boolean
}

const charts: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'Draws live charts and params of Riffle kernels, and lists their streams.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [
    INotebookTracker,
    IThemeManager,
    ISettingRegistry,
    ICommandPalette,
    IStatusBar,
    ILabShell,
    ILayoutRestorer,
    IRunningSessionManagers,
    IEditorExtensionRegistry,
  ],
  activate: (
    app: JupyterFrontEnd,
    registry: IRenderMimeRegistry,
    notebooks: INotebookTracker | null,
    themes: IThemeManager | null,
    settingRegistry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    statusBar: IStatusBar | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    managers: IRunningSessionManagers | null,
    editors: IEditorExtensionRegistry | null,
  ) => {
    const settings: Settings = { saveFrames: true, statusBar: true }
    const ports = new Map<NotebookPanel, NotebookPort>()
    addRenderers(registry, null)
    if (notebooks === null) return

    const current = async (): Promise<KernelLink | null> => {
      const panel = notebooks.currentWidget
      return panel === null ? null : ((await ports.get(panel)?.ownLink()) ?? null)
    }
    app.commands.addCommand(COMMANDS.stopAll, {
      label: 'Stop All Streams of the Notebook',
      caption: 'Stop all streams of this notebook (Riffle)',
      icon: stopIcon,
      execute: async () => (await current())?.stopAll(),
    })
    palette?.addItem({ command: COMMANDS.stopAll, category: 'Riffle' })

    const panel = labShell === null ? null : addPanel(app, notebooks, labShell, restorer, palette)
    const status = new StatusItem(() => void app.commands.execute(COMMANDS.showPanel))
    statusBar?.registerStatusItem(`${PLUGIN}-status`, { item: status, align: 'left', rank: 90 })

    const follow = async (): Promise<void> => {
      const link = await current()
      panel?.setLink(link)
      status.setLink(link)
    }
    const running = new RunningStreams()
    managers?.add(running)
    if (editors !== null)
      addEditorExtensions(editors, model => {
        const find = (): readonly [NotebookPort, string] | null => {
          for (const [notebook, port] of ports) {
            const cell = notebook.content.widgets.find(each => each.model === model)
            if (cell?.model.type === 'code') return [port, cell.model.id]
          }
          return null
        }
        return {
          inspect: async (code, offset) => (await find()?.[0].inspect(code, offset)) ?? null,
          check: async code => {
            const [port, cellId] = find() ?? []
            return port === undefined || cellId === undefined ? null : await port.problems(code, cellId)
          },
        }
      })

    const adopt = (notebook: NotebookPanel): void => {
      const port = new NotebookPort({
        panel: notebook,
        themes,
        savesFrames: () => settings.saveFrames,
        openChart: (own, bundle, trusted) => {
          app.shell.add(chartView(own, bundle, trusted), 'main', { mode: 'split-right', ref: notebook.id })
        },
      })
      ports.set(notebook, port)
      addRenderers(notebook.content.rendermime, port)
      port.linkChanged.connect(() => void follow())
      const home: StreamHome = {
        path: notebook.context.path,
        show: cellId => {
          app.shell.activateById(notebook.id)
          if (cellId !== null) showCell(notebook, cellId)
        },
      }
      let unfollow = (): void => undefined
      const followRunning = async (): Promise<void> => {
        unfollow()
        const link = await port.ownLink()
        // Two changes in a row: the later one follows alone.
        unfollow()
        unfollow = link === null ? () => undefined : running.follow(home, link)
      }
      if (managers !== null) {
        void followRunning()
        port.linkChanged.connect(() => void followRunning())
      }
      void port.ownLink().then(link => link !== null && addStopButton(app, notebook))
      port.linkChanged.connect(() => void port.ownLink().then(link => link !== null && addStopButton(app, notebook)))
      notebook.disposed.connect(() => {
        ports.delete(notebook)
        unfollow()
        port.dispose()
        void follow()
      })
    }
    notebooks.forEach(adopt)
    notebooks.widgetAdded.connect((_, notebook) => adopt(notebook))
    notebooks.currentChanged.connect(() => void follow())
    document.addEventListener('visibilitychange', () => {
      for (const port of ports.values()) port.link?.pauseLists(document.visibilityState === 'hidden')
    })
    void follow()
    void settingRegistry?.load(PLUGIN).then(loaded => {
      const read = (): void => {
        settings.saveFrames = loaded.composite['saveFrames'] !== false
        settings.statusBar = loaded.composite['statusBar'] !== false
        status.setEnabled(settings.statusBar)
      }
      read()
      loaded.changed.connect(read)
    })
  },
}

function addPanel(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker,
  labShell: ILabShell,
  restorer: ILayoutRestorer | null,
  palette: ICommandPalette | null,
): StreamPanel {
  const panel = new StreamPanel({
    showCell: cellId => {
      const notebook = notebooks.currentWidget
      if (notebook !== null) showCell(notebook, cellId)
    },
    insertCell: source => {
      const notebook = notebooks.currentWidget?.content
      if (notebook === undefined) return
      NotebookActions.insertBelow(notebook)
      notebook.activeCell?.model.sharedModel.setSource(source)
    },
  })
  panel.id = 'riffle-streams'
  panel.title.icon = runningIcon
  panel.title.caption = 'Streams and topics (Riffle)'
  labShell.add(panel, 'right', { rank: 900, type: 'Riffle' })
  restorer?.add(panel, panel.id)
  app.commands.addCommand(COMMANDS.showPanel, {
    label: 'Show Streams and Topics',
    execute: () => labShell.activateById(panel.id),
  })
  palette?.addItem({ command: COMMANDS.showPanel, category: 'Riffle' })
  return panel
}

function showCell({ content }: NotebookPanel, cellId: string): void {
  const index = content.widgets.findIndex(cell => cell.model.id === cellId)
  if (index < 0) return
  content.activeCellIndex = index
  void content.scrollToItem(index, 'smart')
}

/** A chart in a tab of its own: another view of the same rows, alive as long as the notebook's kernel. */
function chartView(port: NotebookPort, bundle: LiveBundle, trusted: boolean): MainAreaWidget {
  const content = new ChartRenderer(port, { embedded: false })
  void content.renderModel({ trusted, data: { [LIVE_MIME]: bundle as never }, metadata: {}, setData: () => undefined })
  content.addClass('riffle-own-tab')
  const widget = new MainAreaWidget({ content })
  widget.title.label = bundle.title
  widget.title.closable = true
  return widget
}

/** Once per notebook, and only for one of our kernels. */
function addStopButton(app: JupyterFrontEnd, notebook: NotebookPanel): void {
  if (notebook.isDisposed || [...notebook.toolbar.names()].includes('riffleStopAll')) return
  const button = new CommandToolbarButton({ commands: app.commands, id: COMMANDS.stopAll, label: 'Streams' })
  notebook.toolbar.insertBefore('kernelName', 'riffleStopAll', button)
}

/** Safe: nothing of the data is made HTML or code, and untrusted outputs reach no kernel. */
function addRenderers(registry: IRenderMimeRegistry, port: NotebookPort | null): void {
  const add = (mimeType: string, createRenderer: IRenderMime.IRendererFactory['createRenderer']): void => {
    registry.addFactory({ safe: true, mimeTypes: [mimeType], createRenderer, defaultRank: RANK }, RANK)
  }
  add(LIVE_MIME, () => new ChartRenderer(port))
  add(PARAM_MIME, () => new ParamRenderer(port))
}

export default charts
