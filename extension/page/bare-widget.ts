/**
 * The least that draws a moving chart with Vega: one view, one changeset a tick, nothing else. No credit, no gap, no theme, no
 * visibility, no table, no strip. The bench compares what all that costs.
 */
import * as vega from 'vega'
import { compile } from 'vega-lite'

const SPEC = {
  width: 900,
  height: 240,
  data: { name: 'rows' },
  config: { aria: false },
  mark: { type: 'line', strokeWidth: 2 },
}
const ENCODING = {
  x: { field: 'windowEnd', type: 'temporal', scale: { type: 'utc', nice: false } },
  y: { field: 'n', type: 'quantitative', scale: { zero: false } },
  color: { field: 'k', type: 'nominal' },
}

export class BareWidget {
  readonly #view: vega.View
  #busy = false
  #rows: object[] = []
  #gone: object[] = []

  constructor(host: HTMLElement, encoding: object = ENCODING) {
    const { spec } = compile({ ...SPEC, encoding } as never)
    this.#view = new vega.View(vega.parse(spec), { renderer: 'canvas' }).initialize(host)
  }

  /** Draws `added` and lets go of `removed`; what comes while a run is under way waits for the next. True: drawn. */
  async push(added: object[], removed: object[]): Promise<boolean> {
    this.#rows.push(...added)
    this.#gone.push(...removed)
    if (this.#busy) return false
    this.#busy = true
    this.#view.change('rows', vega.changeset().remove(this.#gone.splice(0)).insert(this.#rows.splice(0)))
    await this.#view.runAsync()
    this.#busy = false
    return true
  }
}
