/** The bare widget in the frame of anywidget, for the race of charts inside JupyterLab: rows come as messages, as many old ones go. */
import { BareWidget } from './bare-widget.ts'

interface Model {
  get(name: 'rows'): object[]
  on(event: 'msg:custom', f: (rows: object[]) => void): void
}

const ENCODING = {
  x: {
    field: 'at',
    type: 'quantitative',
    scale: { nice: false, zero: false },
    // One label, the newest time: by it the race sees which rows a picture shows.
    axis: { values: { expr: "[domain('x')[1]]" }, labelExpr: "'' + datum.value", grid: false },
  },
  y: { field: 'n', type: 'quantitative', scale: { zero: false } },
  color: { field: 'k', type: 'nominal' },
}

export default {
  render({ model, el }: { model: Model; el: HTMLElement }): void {
    const widget = new BareWidget(el, ENCODING)
    const held = [...model.get('rows')]
    void widget.push(held, [])
    model.on('msg:custom', rows => {
      held.push(...rows)
      void widget.push(rows, held.splice(0, rows.length))
    })
  },
}
