/**
 * The extension: renderers for live charts and params, added to the registry of each notebook so that they know its kernel,
 * and to the page's own registry for everything that has none.
 */
import { IThemeManager } from '@jupyterlab/apputils'
import { INotebookTracker } from '@jupyterlab/notebook'
import { IRenderMimeRegistry } from '@jupyterlab/rendermime'
import { ChartRenderer } from './chart-renderer.ts'
import { NotebookPort } from './notebook-port.ts'
import { ParamRenderer } from './param-renderer.ts'
import { LIVE_MIME, PARAM_MIME } from '../../stream/charts/protocol.ts'
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application'
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces'
import type { NotebookPanel } from '@jupyterlab/notebook'

/** Before JupyterLab's own Vega (57), which would take the static fallback of the same output. */
const RANK = 40

const charts: JupyterFrontEndPlugin<void> = {
  id: '@riffle/jupyterlab:charts',
  description: 'Draws live charts and params of Riffle kernels.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker, IThemeManager],
  activate: (
    _app: JupyterFrontEnd,
    registry: IRenderMimeRegistry,
    notebooks: INotebookTracker | null,
    themes: IThemeManager | null,
  ) => {
    addRenderers(registry, null)
    const adopt = (panel: NotebookPanel): void => {
      const port = new NotebookPort({ session: panel.sessionContext, context: panel.context, themes })
      addRenderers(panel.content.rendermime, port)
      panel.disposed.connect(() => port.dispose())
    }
    notebooks?.forEach(adopt)
    notebooks?.widgetAdded.connect((_, panel) => adopt(panel))
  },
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
