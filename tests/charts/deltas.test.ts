/**
 * The sum of all deltas equals the chart: engine's hub and the browser's own link, models and views on one virtual clock, with a
 * line between them that loses frames, a page that paints when it likes, and charts that come into sight and leave it. What must
 * come out is kept here by hand, by a Map that knows nothing of either end.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChartHub } from '../../stream/charts/hub.ts'
import { KernelLink } from '../../extension/src/kernel-link.ts'
import { LIVE_MIME } from '../../stream/charts/protocol.ts'
import { SAMPLE_STATS } from '../../stream/charts/sample-stats.ts'
import { VirtualClock } from '../../stream/time/clock.ts'
import { settings } from '../properties/settings.ts'
import type { ChartConcept } from '../../stream/charts/concept.ts'
import type { ChartView, LiveChart } from '../../extension/src/live-chart.ts'
import type { FromEngine, LiveBundle } from '../../stream/charts/protocol.ts'

const CONCEPT: ChartConcept = { form: 'window', by: [], aggregates: ['n'], stepMs: 1000, revisions: false }
/** The second chart gets batches this much larger: its frames are packed, and too large to share one with the others. */
const SCALE = [1, 700, 1] as const

class Page {
  readonly clock = new VirtualClock()
  readonly hub: ChartHub
  readonly charts: { id: string; live: LiveChart; view: View; expected: Map<string, number> }[] = []
  lose = 0
  packed = 0
  #receive: (message: FromEngine, buffers: readonly DataView[]) => void = () => undefined

  constructor() {
    this.hub = new ChartHub({
      clock: this.clock,
      instance: 'i',
      control: () => undefined,
      setParam: () => undefined,
      send: (_, message, buffers = []) => {
        if (message.type === 'frame' && this.lose > 0) {
          this.lose--
          return
        }
        if (buffers.length > 0) this.packed++
        this.#receive(
          JSON.parse(JSON.stringify(message)) as FromEngine,
          buffers.map(bytes => new DataView(bytes.slice().buffer)),
        )
      },
    })
    const link = new KernelLink({
      client: 'me',
      timers: {
        after: (delayMs, f) => {
          const timer = this.clock.setTimer(delayMs, f)
          return () => timer.cancel()
        },
      },
      createComm: () => ({
        open: message => this.hub.receive('c', message),
        send: message => this.hub.receive('c', message),
        close: () => undefined,
        disposed: false,
        onMessage: f => (this.#receive = f),
        onClose: () => undefined,
      }),
    })
    for (const at of SCALE.keys()) {
      const { chartId } = this.hub.register({ stream: `s${at}`, concept: CONCEPT, options: { keep: 5000 } })
      const live = link.acquire(this.hub.bundle(chartId)?.[LIVE_MIME] as LiveBundle)
      const view = new View(live)
      live.addView(view)
      this.charts.push({ id: chartId, live, view, expected: new Map() })
    }
  }

  push(at: number, upsert: readonly (readonly [number, number])[], remove: readonly number[]): void {
    const chart = this.charts[at]
    if (chart === undefined) return
    const scale = SCALE[at] ?? 1
    const many = upsert.flatMap(([key, n]) =>
      Array.from({ length: scale }, (_, i) => [key * scale + i, n + i] as const),
    )
    const gone = remove.flatMap(key => Array.from({ length: scale }, (_, i) => `k${key * scale + i}`))
    for (const key of gone) chart.expected.delete(key)
    for (const [key, n] of many) chart.expected.set(`k${key}`, n)
    const rows = many.map(([key, n]) => ({ $key: `k${key}`, windowStart: key, windowEnd: key + 1, n }))
    this.hub.apply(
      chart.id,
      {
        delta: { upsert: rows, remove: gone },
        seenCount: 0,
        retractedCount: 0,
        conflatedCount: 0,
        otherSeriesCount: 0,
      },
      SAMPLE_STATS,
      [],
    )
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    for (let i = 0; i < 8; i++) await Promise.resolve()
  }
}

class View implements ChartView {
  visible = true
  readonly #chart: LiveChart
  #waiting: (() => void)[] = []

  constructor(chart: LiveChart) {
    this.#chart = chart
  }

  changed(): void {
    return
  }

  painted(): Promise<void> {
    return this.visible ? new Promise(resolve => this.#waiting.push(resolve)) : Promise.resolve()
  }

  paint(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  show(visible: boolean): void {
    this.visible = visible
    this.#chart.visibilityChanged()
    if (!visible) this.paint()
  }
}

const chart = fc.nat(SCALE.length - 1)
const pair = fc.tuple(fc.nat(5), fc.nat(9))
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constant('rows' as const),
      chart,
      fc.array(pair, { maxLength: 3 }),
      fc.array(fc.nat(5), { maxLength: 2 }),
    ),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constant('paint' as const), chart) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('show' as const), chart, fc.boolean()) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('lose' as const), fc.integer({ min: 1, max: 3 })) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('wait' as const), fc.constantFrom(20, 100, 700, 7000, 70_000)) },
)

test('the sum of all deltas is the chart, whatever is lost, unpainted or out of sight on the way', async () => {
  let packed = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
      const page = new Page()
      for (const each of steps) {
        if (each[0] === 'rows') page.push(each[1], each[2], each[3])
        else if (each[0] === 'paint') page.charts[each[1]]?.view.paint()
        else if (each[0] === 'show') page.charts[each[1]]?.view.show(each[2])
        else if (each[0] === 'lose') page.lose = each[1]
        await page.pass(each[0] === 'wait' ? each[1] : 0)
      }
      page.lose = 0
      for (const { view } of page.charts) view.show(true)
      // One more row makes a lost frame show as a gap; a page that paints gets everything else.
      for (const at of SCALE.keys()) page.push(at, [[6, 1]], [])
      for (let i = 0; i < 60; i++) {
        await page.pass(500)
        for (const { view } of page.charts) view.paint()
      }
      for (const { live, expected } of page.charts) {
        const drawn = new Map(live.rows.map(row => [row.$key, row['n']]))
        assert.deepEqual([...drawn].sort(byKey), [...expected].sort(byKey))
      }
      packed += page.packed
    }),
    settings(60),
  )
  assert.ok(packed > 0, 'no frame was large enough to be packed')
})

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
