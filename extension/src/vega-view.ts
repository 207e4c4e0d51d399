/**
 * One Vega view. It owns copies of the rows, applies one changeset per run, has one run in flight, and is private: nothing of
 * it is reachable from the page. The spec is compiled once; data, time window and width never compile again.
 */
import * as vega from 'vega'
import { compile } from 'vega-lite'
import { expressionInterpreter } from 'vega-interpreter'
import { CalmDomain } from '../../stream/charts/domains.ts'
import { columnsWithin, LEGEND_ROWS } from '../../stream/charts/encodings.ts'
import { isPlain } from '../../stream/charts/shape.ts'
import { coloursWithOther } from '../../stream/charts/other-colours.ts'
import { paramValues } from '../../stream/charts/fallback.ts'
import { drawnMarks } from '../../stream/charts/marks.ts'
import { validateSpec } from '../../stream/charts/validate.ts'
import { DATASET } from '../../stream/charts/protocol.ts'
import { indexedPng } from './indexed-png.ts'
import { refusingLoader } from './refusing-loader.ts'
import { relayWithoutLeak } from './relay.ts'
import { forgetTextWidths } from './text-widths.ts'
import { showTooltip } from './tooltip.ts'
import { HOLD_SIGNALS, NOTHING_HELD, letAxesBeHeld } from './zoom.ts'
import { pickedNames } from './picked.ts'
import type { PickedNames, PickedState } from './picked.ts'
import type { AxisName, Compiled, HeldAxes } from './zoom.ts'
import type { ZoomTarget } from './zoom-gestures.ts'
import type { ChartTheme } from './theme.ts'
import type { ChartColumn, ChartRow, Retention } from '../../stream/charts/protocol.ts'
import type { DrawnMark } from '../../stream/charts/marks.ts'

export interface VegaViewOptions {
  readonly spec: Readonly<Record<string, unknown>>
  readonly columns: readonly ChartColumn[]
  readonly retention: Retention
  readonly theme: ChartTheme
  readonly width: number
  /** Shown above the picture. */
  readonly title: string
  /** Expressions are interpreted, never compiled: for specs of untrusted files, and where the page forbids eval. */
  readonly interpret: boolean
}

relayWithoutLeak()
forgetTextWidths(document.createElement('canvas').getContext('2d'))

const LEGEND = ['encoding', 'color', 'legend', 'columns']
const CLEAN_AFTER_IDS = 100
/** Room of the title in a saved picture. */
const TITLE_PX = 24

interface Held {
  readonly source: ChartRow
  readonly drawn: object
}

export class VegaView {
  readonly element: HTMLElement
  readonly #options: VegaViewOptions
  readonly #view: vega.View
  readonly #signals: ReadonlySet<string>
  readonly #held = new Map<string, Held>()
  readonly #calm = new CalmDomain()
  readonly #holds: ReadonlySet<AxisName>
  readonly #picked: PickedNames
  /** Of the spec, as it is for our own width. Null: it says none. */
  readonly #legendColumns: number | null
  #axes: HeldAxes = NOTHING_HELD
  #width: number
  #finalized = false

  /** Compiles and builds; nothing is drawn before the first `draw`. Throws what Vega-Lite says of a wrong spec. */
  constructor(options: VegaViewOptions) {
    this.#options = options
    this.#width = options.width
    this.element = document.createElement('div')
    this.element.className = 'riffle-vega'
    const { spec } = validateSpec(options.spec)
    const { config: specConfig, title, ...untitled } = spec
    // The chart's title stands above its picture already.
    const rest = isTitle(title, options.title) ? untitled : { ...untitled, ...(title === undefined ? {} : { title }) }
    const sized = 'width' in rest ? { ...withLegendIn(rest, options.width), width: options.width } : rest
    this.#legendColumns = legendColumns(rest)
    const config = mergeConfig(options.theme.config, specConfig)
    const category = coloursWithOther(spec, options.theme.colours)
    const range = category === undefined ? {} : { range: { category } }
    const compiled = compile(sized as never, { config: { ...config, ...range } as never }).spec
    this.#picked = pickedNames(spec, compiled)
    this.#holds = letAxesBeHeld(compiled as Compiled)
    this.#signals = new Set((compiled.signals ?? []).map(signal => signal.name))
    const runtime = vega.parse(compiled, undefined, { ast: options.interpret })
    this.#view = new vega.View(runtime, {
      ...(options.interpret ? { expr: expressionInterpreter as never } : {}),
      renderer: 'canvas',
      hover: true,
      loader: refusingLoader(),
      logLevel: vega.Error,
    })
    // Vega's maps keep the ids of removed rows until so many have come together; at its own limit, 10,000, a chart that runs for
    // hours holds megabytes of them (measured: 13 MB after 3,000 updates, flat with this).
    Object.assign(this.#view, { cleanThreshold: CLEAN_AFTER_IDS })
    this.#view.tooltip((_handler: unknown, event: MouseEvent, item: vega.Item, value: unknown) =>
      showTooltip(
        this.element,
        event,
        value === null || value === undefined ? null : (item as { datum?: unknown }).datum,
        options.columns,
      ),
    )
    this.#view.initialize(this.element)
  }

  /** Draws these rows. Never call it again before it has resolved: a run takes one changeset per dataset. */
  async draw(rows: readonly ChartRow[], nowMs: number, held: HeldAxes = NOTHING_HELD): Promise<void> {
    if (this.#finalized) return
    this.#hold(held)
    this.#change(rows)
    this.#setParams(rows, nowMs)
    await this.#view.runAsync()
  }

  /** New width in px; takes effect with the next draw. */
  resize(width: number): void {
    if (this.#finalized || width === this.#width || width < 80) return
    this.#width = width
    this.#view.width(width)
  }

  /** Whether the legend, which is laid out once, has the columns it would get in another width. */
  legendFits(width: number): boolean {
    const columns = this.#legendColumns
    return columns === null || columnsWithin(columns, width) === columnsWithin(columns, this.#options.width)
  }

  /** What was picked here, for the view that takes this one's place. */
  picked(): PickedState {
    const { signals, data } = this.#picked
    const state = this.#view.getState({
      signals: name => signals.includes(name ?? ''),
      data: name => data.includes(name ?? ''),
      recurse: false,
    })
    // Copies, without what Vega writes on its rows.
    return structuredClone({ signals: state.signals, data: state.data }) as PickedState
  }

  /** Picks what was picked in another view, as far as this one has the same params. */
  pick({ signals, data }: PickedState): void {
    const state = {
      signals: Object.fromEntries(Object.entries(signals).filter(([name]) => this.#picked.signals.includes(name))),
      data: Object.fromEntries(Object.entries(data).filter(([name]) => this.#picked.data.includes(name))),
    }
    if (Object.keys(state.signals).length + Object.keys(state.data).length > 0) this.#view.setState(state)
  }

  /** For dragging over a part of the picture. */
  get zoomTarget(): ZoomTarget {
    const [left, top] = this.#view.origin()
    const scale = (axis: AxisName): Scale => this.#view.scale(axis) as Scale
    return {
      element: this.element,
      holds: this.#holds,
      plot: { left, top, width: this.#view.width(), height: this.#view.height() },
      domain: axis => {
        if (!this.#holds.has(axis)) return null
        const [from, to] = scale(axis).domain().map(Number)
        return from === undefined || to === undefined ? null : [from, to]
      },
      invert: (axis, px) => Number(scale(axis).invert(px)),
    }
  }

  marks(): DrawnMark[] {
    return drawnMarks((this.#view.scenegraph() as unknown as { root: unknown }).root)
  }

  /** What is on the screen as a PNG data URL, below its title, with the theme's ground; null when nothing is drawn. */
  image(): string | null {
    return this.#copy()?.canvas.toDataURL('image/png') ?? null
  }

  /** The same for a file, as base64 and of few colours. */
  fileImage(): string | null {
    const copy = this.#copy()
    if (copy === null) return null
    const png = indexedPng(copy.getImageData(0, 0, copy.canvas.width, copy.canvas.height))
    return btoa(Array.from(png, byte => String.fromCharCode(byte)).join(''))
  }

  #copy(): CanvasRenderingContext2D | null {
    const canvas = this.element.querySelector('canvas')
    if (canvas === null || canvas.width === 0 || canvas.height === 0) return null
    const { theme, title } = this.#options
    // Canvas pixels for one of the page: two on a dense screen.
    const dense = canvas.width / (canvas.clientWidth || canvas.width)
    const copy = document.createElement('canvas')
    copy.width = canvas.width
    copy.height = canvas.height + TITLE_PX * dense
    const context = copy.getContext('2d', { willReadFrequently: true })
    if (context === null) return null
    context.fillStyle = theme.background
    context.fillRect(0, 0, copy.width, copy.height)
    context.drawImage(canvas, 0, TITLE_PX * dense)
    context.scale(dense, dense)
    context.fillStyle = theme.text
    context.font = `600 13px ${theme.font}`
    context.fillText(title, 6, TITLE_PX - 7)
    return context
  }

  finalize(): void {
    if (this.#finalized) return
    this.#finalized = true
    this.#view.finalize()
    this.element.remove()
    this.#held.clear()
  }

  #change(rows: readonly ChartRow[]): void {
    const removed: object[] = []
    const inserted: object[] = []
    const present = new Set<string>()
    for (const source of rows) {
      present.add(source.$key)
      const held = this.#held.get(source.$key)
      if (held?.source === source) continue
      if (held !== undefined) removed.push(held.drawn)
      // Vega marks the objects it is given, so every view has copies of its own.
      const drawn = { ...source }
      inserted.push(drawn)
      this.#held.set(source.$key, { source, drawn })
    }
    for (const [key, held] of this.#held) {
      if (present.has(key)) continue
      removed.push(held.drawn)
      this.#held.delete(key)
    }
    if (removed.length === 0 && inserted.length === 0) return
    this.#view.change(DATASET, vega.changeset().remove(removed).insert(inserted))
  }

  #hold(held: HeldAxes): void {
    for (const axis of this.#holds) {
      if (held[axis] !== this.#axes[axis]) this.#view.signal(HOLD_SIGNALS[axis], held[axis])
    }
    this.#axes = held
  }

  #setParams(rows: readonly ChartRow[], nowMs: number): void {
    const { spec, retention } = this.#options
    const values = paramValues(spec, rows, retention, field => this.#calm.update(rows, field, nowMs))
    for (const [name, value] of Object.entries(values)) {
      if (this.#signals.has(name)) this.#view.signal(name, value)
    }
  }
}

function legendColumns(spec: Readonly<Record<string, unknown>>): number | null {
  const columns: unknown = LEGEND.reduce<unknown>((at, name) => (isPlain(at) ? at[name] : undefined), spec)
  return typeof columns === 'number' ? columns : null
}

function withLegendIn(spec: Record<string, unknown>, width: number): Record<string, unknown> {
  const columns = legendColumns(spec)
  if (columns === null) return spec
  const copy = structuredClone(spec) as {
    encoding: { color: { legend: { columns: number; symbolLimit?: number } } }
  } & typeof spec
  const { legend } = copy.encoding.color
  legend.columns = columnsWithin(columns, width)
  if (legend.symbolLimit !== undefined) legend.symbolLimit = LEGEND_ROWS * legend.columns
  return copy
}

interface Scale {
  domain(): readonly unknown[]
  invert(px: number): unknown
}

function isTitle(told: unknown, title: string): boolean {
  const text: unknown = typeof told === 'object' && told !== null && 'text' in told ? told.text : told
  return text === title
}

/** Whether this page lets code be made from text. Asked once. */
export const evalBlocked: () => boolean = (() => {
  let blocked: boolean | null = null
  return () => (blocked ??= probe())
  function probe(): boolean {
    try {
      // eslint-disable-next-line @typescript-eslint/no-implied-eval
      return new Function('return true')() !== true
    } catch {
      return true
    }
  }
})()

function mergeConfig(theme: Record<string, unknown>, own: unknown): Record<string, unknown> {
  return typeof own === 'object' && own !== null ? { ...theme, ...own } : theme
}
