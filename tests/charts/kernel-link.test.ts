import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChartHub } from '../../stream/charts/hub.ts'
import { KernelLink } from '../../extension/src/kernel-link.ts'
import { LIVE_MIME } from '../../stream/charts/protocol.ts'
import { EMPTY_JOIN } from '../../stream/charts/lanes.ts'
import { SAMPLE_STATS } from '../../stream/charts/sample-stats.ts'
import { VirtualClock } from '../../stream/time/clock.ts'
import type { ChartConcept } from '../../stream/charts/concept.ts'
import type { ChartView, LiveChart } from '../../extension/src/live-chart.ts'
import type { ChartOptions, FromEngine, LiveBundle, ToEngine } from '../../stream/charts/protocol.ts'

const WINDOWS: ChartConcept = { form: 'window', by: [], aggregates: ['n'], stepMs: 10_000, revisions: false }
/** Lets promises of the link settle; nothing here waits for time. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

function bench(instance = 'i1', options: ChartOptions = {}) {
  const clock = new VirtualClock()
  const opened: string[] = []
  const told: ToEngine[] = []
  let receive: (message: FromEngine, buffers: readonly DataView[]) => void = () => undefined
  let close: () => void = () => undefined
  let dispose: () => void = () => undefined
  let lose = 0
  const hub = new ChartHub({
    clock,
    instance,
    send: (_, message, buffers = []) => {
      if (message.type === 'frame' && lose > 0) lose--
      else
        receive(
          structuredClone(message),
          buffers.map(bytes => new DataView(bytes.slice().buffer)),
        )
    },
    peek: (connection: string, topic: string) => Promise.resolve({ lines: [`${connection}/${topic}`], problem: null }),
    control: () => undefined,
    setParam: (name, value) => hub.param(name, value),
  })
  const link = new KernelLink({
    client: 'me',
    timers: {
      after(delayMs, f) {
        const timer = clock.setTimer(delayMs, f)
        return () => timer.cancel()
      },
    },
    createComm(target) {
      const id = `comm${opened.push(target)}`
      const send = (message: ToEngine): void => {
        told.push(message)
        hub.receive(id, message)
      }
      let disposed = false
      dispose = () => (disposed = true)
      return {
        open: send,
        send: message => (disposed ? undefined : send(message)),
        close: () => undefined,
        get disposed() {
          return disposed
        },
        onMessage: f => (receive = f),
        onClose: f => (close = f),
      }
    },
  })
  const { chartId } = hub.register({ stream: 's', concept: WINDOWS, options })
  const bundle = hub.bundle(chartId)?.[LIVE_MIME] as LiveBundle
  let next = 1
  const push = (count = 1): void => {
    const upsert = Array.from({ length: count }, () => ({ $key: `k${next}`, windowEnd: next * 1000, n: next++ }))
    hub.apply(
      chartId,
      { delta: { upsert, remove: [] }, seenCount: 0, retractedCount: 0, conflatedCount: 0, otherSeriesCount: 0 },
      SAMPLE_STATS,
      [],
    )
  }
  return {
    clock,
    opened,
    told,
    hub,
    link,
    chartId,
    bundle,
    push,
    lose: (count: number) => (lose = count),
    closeComm: () => close(),
    disposeComm: () => dispose(),
  }
}

class FakeView implements ChartView {
  visible = true
  changes = 0
  #waiting: (() => void)[] = []
  readonly #fast: boolean

  constructor(fast = true) {
    this.#fast = fast
  }

  changed(): void {
    this.changes++
  }

  painted(): Promise<void> {
    return this.#fast ? Promise.resolve() : new Promise(resolve => this.#waiting.push(resolve))
  }

  paint(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

const numbers = (chart: LiveChart): unknown[] => chart.rows.map(row => row['n'])

test('one comm carries every chart of a kernel, and rows arrive', async () => {
  const { link, bundle, opened, hub, clock, push } = bench()
  const chart = link.acquire(bundle)
  chart.addView(new FakeView())
  const other = hub.bundle(hub.register({ stream: 't', concept: WINDOWS, options: {} }).chartId)?.[
    LIVE_MIME
  ] as LiveBundle
  link.acquire(other)
  assert.deepEqual(opened, ['riffle.live.v1'])
  push(3)
  clock.advance(100)
  assert.deepEqual(numbers(chart), [1, 2, 3])
  assert.equal(chart.liveness, 'live')
  await settle()
})

test('two views of a chart share its rows and its subscription', () => {
  const { link, bundle, told, clock, push } = bench()
  const first = link.acquire(bundle)
  const second = link.acquire(bundle)
  assert.equal(first, second)
  const views = [new FakeView(), new FakeView()]
  for (const view of views) first.addView(view)
  push()
  clock.advance(100)
  assert.equal(told.filter(message => message.type === 'subscribe').length, 1)
  assert.ok(views.every(view => view.changes > 0))
})

test('credit is given when a frame is drawn, not when it came, and not more often than every three seconds', async () => {
  const { link, bundle, told, clock, push } = bench()
  const view = new FakeView(false)
  link.acquire(bundle).addView(view)
  for (let i = 0; i < 15; i++) {
    push()
    clock.advance(100)
    await settle()
  }
  const credits = (): number[] => told.flatMap(message => (message.type === 'credit' ? [message.count] : []))
  assert.deepEqual(credits(), [])
  view.paint()
  await settle()
  clock.advance(2999)
  assert.deepEqual(credits(), [])
  clock.advance(1)
  assert.deepEqual(credits(), [15])
})

test('half of the credit owed is paid at once: the engine would have none left', async () => {
  // At twenty frames a second half of it is owed before three seconds are over.
  const { link, bundle, told, clock, push } = bench('i1', { fps: 20 })
  link.acquire(bundle).addView(new FakeView())
  await settle()
  const credits = (): number[] => told.flatMap(message => (message.type === 'credit' ? [message.count] : []))
  clock.advance(0)
  await settle()
  for (let i = 0; i < 28; i++) {
    push()
    clock.advance(50)
    await settle()
  }
  assert.deepEqual(credits(), [], 'that of twenty-nine frames waits')
  push()
  clock.advance(50)
  await settle()
  clock.advance(0)
  assert.deepEqual(credits(), [30], 'after one and a half seconds, not three')
})

test('a lost frame is a gap: one snapshot is asked for, and the rows are whole again', async () => {
  const { link, bundle, told, clock, push, lose } = bench()
  const chart = link.acquire(bundle)
  chart.addView(new FakeView())
  push()
  clock.advance(100)
  await settle()
  lose(1)
  for (let i = 0; i < 10; i++) {
    push()
    clock.advance(100)
    await settle()
  }
  clock.advance(1000)
  assert.deepEqual(numbers(chart), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  assert.equal(told.filter(message => message.type === 'subscribe').length, 2)
  // The credit of the frame that was lost came back with the question.
  const asked = told.findLastIndex(message => message.type === 'subscribe')
  assert.deepEqual(told[asked + 1], { type: 'credit', count: 60 })
})

test('when all credit was lost with its frames, a quiet line gets it again', async () => {
  const { link, bundle, clock, push, lose } = bench()
  const chart = link.acquire(bundle)
  chart.addView(new FakeView())
  clock.advance(100)
  await settle()
  clock.advance(3100)
  lose(60)
  for (let i = 0; i < 66; i++) {
    push()
    clock.advance(100)
  }
  assert.equal(chart.rowCount, 0)
  clock.advance(30_000)
  await settle()
  push()
  clock.advance(2000)
  assert.equal(chart.rowCount, 67)
})

test('a chart of another engine is never attached to a chart of the same name', () => {
  const { link, bundle, told } = bench('new')
  const chart = link.acquire({
    ...bundle,
    instance: 'old',
    last: { ...bundle.last, savedAt: '2026-01-01T10:00:00.000Z' },
  })
  assert.equal(chart.liveness, 'lost')
  assert.match(String(chart.badge), /^saved at 2026-01-01 10:00:00 UTC, not live: .*run the cell again/)
  assert.equal(told.filter(message => message.type === 'subscribe').length, 0)
})

test('a restart keeps the last frame with a badge; the next kernel is greeted anew', () => {
  const { link, bundle, opened, clock, push } = bench()
  const chart = link.acquire(bundle)
  chart.addView(new FakeView())
  push(2)
  clock.advance(100)
  link.lost('the kernel is restarting')
  assert.equal(chart.liveness, 'lost')
  assert.equal(chart.badge, 'the kernel is restarting')
  assert.deepEqual(numbers(chart), [1, 2])
  link.reconnect()
  assert.equal(opened.length, 2)
  push()
  clock.advance(100)
  assert.equal(chart.liveness, 'live')
  assert.deepEqual(numbers(chart), [1, 2, 3])
})

test('a comm that was thrown away without a word is replaced: when the kernel is idle, and by the next chart', () => {
  const { link, bundle, opened, clock, push, disposeComm } = bench()
  const chart = link.acquire(bundle)
  chart.addView(new FakeView())
  clock.advance(100)
  disposeComm()
  link.reconnect()
  assert.equal(opened.length, 2)
  push()
  clock.advance(100)
  assert.deepEqual(numbers(chart), [1])
  disposeComm()
  link.acquire(bundle)
  clock.advance(10_000)
  assert.equal(opened.length, 3)
  push()
  clock.advance(1000)
  assert.deepEqual(numbers(chart), [1, 2])
})

test('a kernel without the target closes the comm: the chart stays as it was saved', () => {
  const { link, bundle, closeComm } = bench()
  const chart = link.acquire({ ...bundle, instance: 'x' })
  closeComm()
  assert.equal(chart.liveness, 'lost')
})

test('a chart that loses its last view is unsubscribed after five seconds, a moved one is not', () => {
  const { link, bundle, told, clock } = bench()
  const chart = link.acquire(bundle)
  link.release(chart)
  clock.advance(1000)
  assert.equal(link.acquire(bundle), chart)
  clock.advance(10_000)
  assert.equal(told.filter(message => message.type === 'unsubscribe').length, 0)
  link.release(chart)
  clock.advance(5000)
  assert.equal(told.filter(message => message.type === 'unsubscribe').length, 1)
})

test('the last frame of an ended stream says why, and a lost kernel does not change that', () => {
  const { link, bundle, hub, chartId, clock } = bench()
  const chart = link.acquire(bundle)
  chart.addView(new FakeView())
  hub.end(chartId, 'failed', 'no field amount')
  clock.advance(100)
  assert.equal(chart.liveness, 'ended')
  assert.equal(chart.badge, 'no field amount')
  link.lost('the kernel is dead')
  assert.equal(chart.badge, 'no field amount')
})

test('a param follows what others set', () => {
  const { link } = bench()
  const seen: unknown[] = []
  const stop = link.followParam('t', value => seen.push(value))
  link.setParam('t', 0.5)
  stop()
  link.setParam('t', 0.7)
  assert.deepEqual(seen, [0.5])
})

test('each question for the records of a topic is answered once, by the answer for that topic', async () => {
  const { link, hub } = bench()
  const answers: unknown[] = []
  for (const topic of ['orders', 'clicks', 'orders'])
    link.askPeek('embedded', topic, ({ lines }) => answers.push([topic, lines]))
  await settle()
  assert.deepEqual(answers, [
    ['orders', ['embedded/orders']],
    ['orders', ['embedded/orders']],
    ['clicks', ['embedded/clicks']],
  ])
  hub.dispose()
})

test('rows that left a join alone are told to the chart that asked', () => {
  const { link, bundle, hub, chartId, told } = bench()
  const chart = link.acquire(bundle)
  chart.addView(new FakeView())
  const row = { number: 0, side: 0, key: 'k', atMs: 1, endedMs: 2, reason: 'time', row: '{}' } as const
  hub.apply(chartId, null, { ...SAMPLE_STATS, join: { ...EMPTY_JOIN, unmatched: [row] } }, [])
  chart.askUnmatched()
  assert.deepEqual(told.at(-1), { type: 'unmatched', chartId })
  // A chart that is of no join has none.
  assert.deepEqual(chart.unmatched, [])
  hub.replace('s', { form: 'rows', by: [], aggregates: [], revisions: false, join: { kind: 'ttl', type: 'inner', text: 't', names: ['a', 'b'] } }) // prettier-ignore
  hub.apply(chartId, null, { ...SAMPLE_STATS, join: { ...EMPTY_JOIN, unmatched: [row] } }, [])
  chart.askUnmatched()
  assert.deepEqual(chart.unmatched, [row])
})

test('changes are asked for while they are shown, and again after a lost frame or connection', () => {
  const { link, bundle, hub, chartId, told, clock, lose, push } = bench()
  const chart = link.acquire(bundle)
  chart.addView(new FakeView())
  const put = (upTo: number): void => {
    const entries = [{ number: upTo, weight: 1 as const, atMs: null, row: { n: upTo } }]
    const changes = { since: upTo - 1, upTo, entries }
    hub.apply(
      chartId,
      { delta: { upsert: [], remove: [] }, seenCount: upTo, retractedCount: 1, conflatedCount: 0, otherSeriesCount: 0, changes }, // prettier-ignore
      SAMPLE_STATS,
      [],
    )
    clock.advance(200)
  }
  const shown = (): unknown[] => (chart.changes?.entries ?? []).map(({ number }) => number)
  put(1)
  assert.deepEqual([chart.changes, chart.retracts], [null, true])
  chart.showChanges(true)
  assert.deepEqual(told.at(-1), { type: 'changes', chartId, on: true })
  put(2)
  assert.deepEqual(shown(), [1, 2])
  lose(1)
  put(3)
  assert.deepEqual(shown(), [1, 2])
  put(4)
  push()
  clock.advance(200)
  assert.deepEqual(told.findLast(({ type }) => type === 'subscribe'), { type: 'subscribe', chartId, since: 2, visible: true, changes: true }) // prettier-ignore
  assert.deepEqual(shown(), [1, 2, 3, 4])
  assert.deepEqual(chart.frame(null, []).changes?.entries.length, 4)
  chart.showChanges(false)
  assert.deepEqual([chart.changes, told.at(-1)], [null, { type: 'changes', chartId, on: false }])
})
