/**
 * The sum of all deltas equals the chart: engine's hub and the browser's own link, models and views on one virtual clock, with a
 * line between them that loses frames, a page that paints when it likes, and charts that come into sight and leave it. What must
 * come out is kept here by hand, by a Map that knows nothing of either end.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChartHub } from '../../stream/charts/hub.ts'
import { ChartTap } from '../../stream/charts/tap.ts'
import { KernelLink } from '../../extension/src/kernel-link.ts'
import { LIVE_MIME } from '../../stream/charts/protocol.ts'
import { SAMPLE_STATS } from '../../stream/charts/sample-stats.ts'
import { VirtualClock } from '../../stream/time/clock.ts'
import { settings } from '../properties/settings.ts'
import type { ChartConcept } from '../../stream/charts/concept.ts'
import type { ChartView, LiveChart } from '../../extension/src/live-chart.ts'
import type { ChartOptions, FromEngine, LiveBundle } from '../../stream/charts/protocol.ts'

const CONCEPT: ChartConcept = { form: 'window', by: [], aggregates: ['n'], stepMs: 1000, revisions: false }
const PLAIN: ChartConcept = { form: 'rows', by: [], aggregates: [], revisions: false }
/** Charts whose rows go through the worker's tap, which leaves out or draws together what is too much for a picture. */
const TAPPED: readonly Tapped[] = [
  // Thirty series, ten of them "other"; the newest sixty rows.
  {
    concept: PLAIN,
    options: { mark: 'point', y: 'n', color: 'k', keep: 60 },
    each: 4,
    shows: rows => rows.slice(-60).map(({ k, n }) => `${k} ${n}`),
    shown: rows => rows.map(({ k, n }) => `${String(k)} ${String(n)}`),
  },
  // Stacks of thirty keys are as high as all their rows.
  {
    concept: { form: 'window', by: ['k'], aggregates: ['n'], stepMs: 1000, revisions: false },
    options: { mark: 'bar' },
    each: 4,
    shows: rows => heights([...new Map(rows.map(row => [`${row.k} ${row.windowEnd}`, row])).values()]),
    shown: rows => heights(rows),
  },
  // Of more rows than a line can show those of the least and the greatest value stay.
  {
    concept: PLAIN,
    options: { mark: 'line', y: 'n', keep: '1d' },
    each: 6000,
    shows: rows => ends(rows),
    shown: rows => ends(rows),
  },
]

interface Tapped {
  readonly concept: ChartConcept
  readonly options: ChartOptions
  /** Rows that come where one is pushed. */
  readonly each: number
  /** What must be seen of all rows that came, and what is. */
  shows(rows: readonly Pushed[]): string[]
  shown(rows: readonly Readonly<Record<string, unknown>>[]): string[]
}

interface Pushed {
  readonly k: string
  readonly n: number
  readonly windowStart: number
  readonly windowEnd: number
}

function heights(rows: readonly Readonly<Record<string, unknown>>[] | readonly Pushed[]): string[] {
  const sums = new Map<unknown, number>()
  for (const { windowEnd, n } of rows) sums.set(windowEnd, (sums.get(windowEnd) ?? 0) + Number(n))
  return [...sums].map(([end, sum]) => `${String(end)} ${sum}`)
}

function ends(rows: readonly Readonly<Record<string, unknown>>[] | readonly Pushed[]): string[] {
  if (rows.length === 0) return []
  let [least, greatest] = [Infinity, -Infinity]
  for (const { n } of rows) [least, greatest] = [Math.min(least, Number(n)), Math.max(greatest, Number(n))]
  return [`${least} to ${greatest}`]
}

/** The second chart gets batches this much larger: its frames are packed, and too large to share one with the others. */
const SCALE = [1, 700, 1] as const

class Page {
  readonly clock = new VirtualClock()
  readonly hub: ChartHub
  readonly charts: { id: string; live: LiveChart; view: View; expected: Map<string, number> }[] = []
  readonly tapped: { id: string; tap: ChartTap; live: LiveChart; view: View; pushed: Pushed[] }[] = []
  lose = 0
  packed = 0
  readonly #receivers = new Map<string, (message: FromEngine, buffers: readonly DataView[]) => void>()

  constructor() {
    this.hub = new ChartHub({
      clock: this.clock,
      instance: 'i',
      control: () => undefined,
      setParam: () => undefined,
      send: (comm, message, buffers = []) => {
        if (message.type === 'frame' && this.lose > 0) {
          this.lose--
          return
        }
        if (buffers.length > 0) this.packed++
        this.#receivers.get(comm)?.(
          JSON.parse(JSON.stringify(message)) as FromEngine,
          buffers.map(bytes => new DataView(bytes.slice().buffer)),
        )
      },
    })
    const link = this.#link('me')
    for (const at of SCALE.keys()) {
      const { chartId } = this.hub.register({ stream: `s${at}`, concept: CONCEPT, options: { keep: 5000 } })
      const live = link.acquire(this.hub.bundle(chartId)?.[LIVE_MIME] as LiveBundle)
      const view = new View(live)
      live.addView(view)
      this.charts.push({ id: chartId, live, view, expected: new Map() })
    }
    TAPPED.forEach(({ concept, options }, at) => {
      const { chartId, tap } = this.hub.register({ stream: `t${at}`, concept, options })
      const live = link.acquire(this.hub.bundle(chartId)?.[LIVE_MIME] as LiveBundle)
      const view = new View(live)
      live.addView(view)
      this.tapped.push({ id: chartId, tap: new ChartTap(tap), live, view, pushed: [] })
    })
  }

  get views(): View[] {
    return [...this.charts, ...this.tapped].map(({ view }) => view)
  }

  /** All charts anew, as a page that has just been opened sees them: a snapshot each. */
  openAnew(): LiveChart[] {
    const link = this.#link('another')
    return [...this.charts, ...this.tapped].map(({ id }) => {
      const bundle = this.hub.bundle(id)?.[LIVE_MIME] as LiveBundle
      const live = link.acquire({ ...bundle, last: { ...bundle.last, rows: [] } })
      live.addView(new View(live))
      return live
    })
  }

  #link(client: string): KernelLink {
    return new KernelLink({
      client,
      timers: {
        after: (delayMs, f) => {
          const timer = this.clock.setTimer(delayMs, f)
          return () => timer.cancel()
        },
      },
      createComm: () => ({
        open: message => this.hub.receive(client, message),
        send: message => this.hub.receive(client, message),
        close: () => undefined,
        disposed: false,
        onMessage: f => this.#receivers.set(client, f),
        onClose: () => undefined,
      }),
    })
  }

  pushTapped(at: number, pairs: readonly (readonly [number, number])[]): void {
    const chart = this.tapped[at]
    if (chart === undefined) return
    const before = chart.pushed.length
    for (const [key, n] of pairs) {
      for (let i = 0; i < (TAPPED[at]?.each ?? 1); i++) {
        const windowStart = Math.floor(chart.pushed.length / 40) * 1000
        const k = `k${(key * 7 + chart.pushed.length) % 30}`
        chart.pushed.push({ k, n: n + (i % 97), windowStart, windowEnd: windowStart + 1000 })
      }
    }
    const rows = chart.pushed.slice(before)
    chart.tap.onBatch({
      count: rows.length,
      rows,
      eventTimesMs: Float64Array.from(rows, (_, i) => before + i),
      beforeMs: new Float64Array(rows.length),
      watermarkMs: 0,
    })
    this.hub.apply(chart.id, chart.tap.collect([]), SAMPLE_STATS, [])
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
const view = fc.nat(SCALE.length + TAPPED.length - 1)
const tapped = fc.nat(TAPPED.length - 1)
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
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constant('tapped' as const), tapped, fc.array(pair, { minLength: 1, maxLength: 30 })),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constant('paint' as const), view) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('show' as const), view, fc.boolean()) },
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
        else if (each[0] === 'tapped') page.pushTapped(each[1], each[1] === 2 ? each[2].slice(0, 2) : each[2])
        else if (each[0] === 'paint') page.views[each[1]]?.paint()
        else if (each[0] === 'show') page.views[each[1]]?.show(each[2])
        else if (each[0] === 'lose') page.lose = each[1]
        await page.pass(each[0] === 'wait' ? each[1] : 0)
      }
      page.lose = 0
      for (const view of page.views) view.show(true)
      // One more row makes a lost frame show as a gap; a page that paints gets everything else.
      for (const at of SCALE.keys()) page.push(at, [[6, 1]], [])
      for (const at of TAPPED.keys()) page.pushTapped(at, [[6, 1]])
      for (let i = 0; i < 60; i++) {
        await page.pass(500)
        for (const view of page.views) view.paint()
      }
      for (const { live, expected } of page.charts) {
        const drawn = new Map(live.rows.map(row => [row.$key, row['n']]))
        assert.deepEqual([...drawn].sort(byKey), [...expected].sort(byKey))
      }
      page.tapped.forEach(({ live, pushed }, at) => {
        const { shows, shown } = TAPPED[at] as Tapped
        assert.deepEqual(shown(live.rows).sort(), shows(pushed).sort())
      })
      const anew = page.openAnew()
      await page.pass(500)
      anew.forEach((live, at) => {
        const followed = [...page.charts, ...page.tapped][at]?.live
        assert.deepEqual(texts(live), followed === undefined ? [] : texts(followed))
      })
      packed += page.packed
    }),
    settings(60),
  )
  assert.ok(packed > 0, 'no frame was large enough to be packed')
})

function texts({ rows, spec }: LiveChart): string[] {
  return [JSON.stringify(spec), ...rows.map(row => JSON.stringify(row)).sort()]
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
