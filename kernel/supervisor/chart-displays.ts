/**
 * Which outputs are live charts, and who draws them. The extension says hello over its comm and draws frames. Where nobody has
 * said hello two seconds after a chart was shown (VS Code, nbclient, a console), the output itself is replaced once a
 * second by `update_display_data` with Vega-Lite 5 and text. A server keeps what nobody reads, so this pauses when no
 * request came for a minute and goes on with the next one.
 */
import { createHash, randomUUID } from 'node:crypto'
import { LIVE_MIME } from '../../stream/charts/protocol.ts'
import type { MimeBundle } from '../../stream/charts/protocol.ts'
import type { Clock, Timer } from '../../stream/time/clock.ts'
import { isObject } from './message.ts'
import type { Header, Json } from './message.ts'

export const HELLO_WITHIN_MS = 2000
export const UPDATE_EVERY_MS = 1000
export const PAUSE_AFTER_MS = 60_000

export interface ChartPicture {
  readonly bundle: MimeBundle
  /** The stream is over: this picture is the last. */
  readonly over: boolean
}

export interface ChartDisplaysOptions {
  readonly clock: Clock
  /** The chart as it stands now; undefined when the engine does not know it. */
  picture(chartId: string): Promise<ChartPicture | undefined>
  update(parent: Header | undefined, content: Json): void
  /** Whether an extension is connected. */
  helloHeard(): boolean
  /** The charts that a cell shows, in order. */
  displayed(cellId: string, chartIds: readonly string[]): void
}

interface Display {
  readonly displayId: string
  readonly chartId: string
  readonly cellId: string
  readonly parent: Header | undefined
  /** Nobody said hello in time. */
  byUpdates: boolean
  /** Of the last picture that was sent. */
  digest: string
}

export class ChartDisplays {
  readonly #options: ChartDisplaysOptions
  readonly #displays = new Map<string, Display>()
  #heardMs: number
  #tick: Timer | undefined

  constructor(options: ChartDisplaysOptions) {
    this.#options = options
    this.#heardMs = options.clock.nowMs()
  }

  /** A cell begins: what it showed before is not on the page any more. */
  cellStarted(cellId: string): void {
    const before = [...this.#displays.values()].filter(display => display.cellId === cellId)
    for (const { displayId } of before) this.#displays.delete(displayId)
    if (before.length > 0) this.#options.displayed(cellId, [])
  }

  /**
   * Content of an output, as it is to be published: a live chart gets a display id. `cellId` is the cell that shows it. Undefined
   * when the output is no live chart.
   */
  shown(content: Json, cellId: string, parent: Header | undefined): Json | undefined {
    const chartId = chartIdOf(content)
    if (chartId === undefined) return undefined
    const transient = isObject(content['transient']) ? content['transient'] : {}
    const given = transient['display_id']
    const displayId = typeof given === 'string' ? given : randomUUID()
    const display: Display = { displayId, chartId, cellId, parent, byUpdates: false, digest: '' }
    this.#displays.set(displayId, display)
    const ofCell = [...this.#displays.values()].filter(other => other.cellId === cellId)
    this.#options.displayed(
      cellId,
      ofCell.map(other => other.chartId),
    )
    this.#options.clock.setTimer(HELLO_WITHIN_MS, () => {
      if (this.#displays.get(displayId) !== display || this.#options.helloHeard()) return
      display.byUpdates = true
      this.#schedule(0)
    })
    return { ...content, transient: { ...transient, display_id: displayId } }
  }

  /** An extension draws from now on. */
  hello(): void {
    for (const display of this.#displays.values()) display.byUpdates = false
    this.#tick?.cancel()
    this.#tick = undefined
  }

  /** A message came on shell or control: somebody is there. */
  heard(): void {
    this.#heardMs = this.#options.clock.nowMs()
    if (this.#tick === undefined && this.#waiting().length > 0) this.#schedule(0)
  }

  #waiting(): Display[] {
    return [...this.#displays.values()].filter(display => display.byUpdates)
  }

  #schedule(delayMs: number): void {
    const { clock } = this.#options
    this.#tick?.cancel()
    this.#tick = clock.setTimer(delayMs, () => {
      this.#tick = undefined
      if (clock.nowMs() - this.#heardMs >= PAUSE_AFTER_MS) return
      const waiting = this.#waiting()
      if (waiting.length === 0) return
      this.#schedule(UPDATE_EVERY_MS)
      for (const display of waiting) void this.#redraw(display)
    })
  }

  async #redraw(display: Display): Promise<void> {
    const picture = await this.#options.picture(display.chartId)
    // Meanwhile an extension may have come, or the cell may have run again.
    if (!display.byUpdates || this.#displays.get(display.displayId) !== display) return
    if (picture === undefined || picture.over) display.byUpdates = false
    if (picture === undefined) return
    const digest = createHash('sha1').update(JSON.stringify(picture.bundle)).digest('base64')
    if (digest === display.digest) return
    display.digest = digest
    this.#options.update(display.parent, {
      data: picture.bundle,
      metadata: {},
      transient: { display_id: display.displayId },
    })
  }
}

function chartIdOf(content: Json): string | undefined {
  const data = content['data']
  const live = isObject(data) ? data[LIVE_MIME] : undefined
  const chartId = isObject(live) ? live['chartId'] : undefined
  return typeof chartId === 'string' ? chartId : undefined
}
