import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChartHub } from './hub.ts'
import { EMPTY_JOIN } from './lanes.ts'
import { ChartModel } from './model.ts'
import { LIVE_MIME } from './protocol.ts'
import { SAMPLE_STATS } from './sample-stats.ts'
import { VirtualClock } from '../time/clock.ts'
import type { ChartConcept } from './concept.ts'
import type { ChartFrame, ChartRow, FromEngine, LiveBundle } from './protocol.ts'
import type { TapFrame } from './tap.ts'

const WINDOWS: ChartConcept = { form: 'window', by: [], aggregates: ['n'], stepMs: 10_000, revisions: false }
function bench(concept: ChartConcept = WINDOWS, options: { fps?: number; keep?: number } = {}) {
  const clock = new VirtualClock()
  const sent: { connection: string; message: FromEngine }[] = []
  const controls: string[] = []
  const params: unknown[] = []
  const watched: [string, boolean][] = []
  const labels: unknown[] = []
  const retrained: string[] = []
  const hub = new ChartHub({
    clock,
    instance: 'i1',
    send: (connection, message) => sent.push({ connection, message }),
    control: (stream, action) => controls.push(`${action} ${stream}`),
    setParam: (name, value) => params.push([name, value]),
    watched: (chartId, seen) => watched.push([chartId, seen]),
    label: (stream, range) => labels.push([stream, range]),
    retrain: stream => retrained.push(stream),
    peek: (connection, topic) => Promise.resolve({ lines: [`${connection}/${topic}`], problem: null }),
  })
  const { chartId } = hub.register({ stream: 's', concept, options })
  const frames = (connection = 'c'): ChartFrame[] =>
    sent.flatMap(({ connection: to, message }) => (to === connection && message.type === 'frame' ? message.charts : []))
  const messages = (): number => sent.filter(({ message }) => message.type === 'frame').length
  return { clock, sent, controls, params, watched, labels, retrained, hub, chartId, frames, messages }
}

function add(...rows: ChartRow[]): TapFrame {
  const seenCount = rows.filter(row => row.$open !== true).length
  return { delta: { upsert: rows, remove: [] }, seenCount, retractedCount: 0, conflatedCount: 0, otherSeriesCount: 0 }
}

const row = (n: number): ChartRow => ({ $key: `k${n}`, windowEnd: n * 1000, n })

test('hello is welcomed with the instance and sixty credits, a subscriber gets a snapshot with the spec', () => {
  const { hub, chartId, clock, sent, frames } = bench()
  hub.apply(chartId, add(row(1)), SAMPLE_STATS, [])
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  assert.deepEqual(sent[0]?.message, { type: 'welcome', client: 'me', protocol: 1, instance: 'i1', credit: 60 })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  clock.advance(0)
  const [frame] = frames()
  assert.equal(frame?.sequence, 1)
  assert.deepEqual(frame?.snapshot, [row(1)])
  assert.equal(frame?.respec?.title, 's')
})

test('an older extension is told what to do', () => {
  const { hub, sent } = bench()
  hub.receive('c', { type: 'hello', protocol: 0, client: 'me' })
  const told = sent.at(-1)?.message
  assert.equal(told?.type, 'error')
  assert.match(told?.type === 'error' ? String(told.hint) : '', /riffle install/)
})

test('without credit nothing is sent and what waits is one merged delta', () => {
  const { hub, chartId, clock, frames } = bench()
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  for (let i = 1; i <= 66; i++) {
    hub.apply(chartId, add(row(i)), SAMPLE_STATS, [])
    clock.advance(100)
  }
  assert.equal(frames().length, 60)
  hub.receive('c', { type: 'credit', count: 1 })
  clock.advance(1000)
  assert.equal(frames().length, 61)
  const last = frames().at(-1)
  assert.equal(last?.sequence, 61)
  assert.deepEqual(
    last?.delta?.upsert.map(each => each['n']),
    [61, 62, 63, 64, 65, 66],
  )
})

test('credit beyond the start is not saved up', () => {
  const { hub, chartId, clock, frames } = bench()
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'credit', count: 1000 })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  for (let i = 1; i <= 80; i++) {
    hub.apply(chartId, add(row(i)), SAMPLE_STATS, [])
    clock.advance(100)
  }
  assert.equal(frames().length, 60)
})

test('a large frame costs more credit than a small one: a second one waits until the first is painted', () => {
  const { hub, chartId, clock, sent, messages } = bench(WINDOWS, { keep: 5000 })
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.apply(chartId, add(...Array.from({ length: 5000 }, (_, n) => row(n))), SAMPLE_STATS, [])
  for (let page = 0; page < 5; page++) {
    hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
    clock.advance(100)
  }
  // 15,000 values each: 15 credits of 60.
  assert.equal(messages(), 4)
  const last = sent.at(-1)?.message
  assert.equal(last?.type === 'frame' ? last.credit : undefined, 15)
  hub.receive('c', { type: 'credit', count: 15 })
  clock.advance(100)
  assert.equal(messages(), 5)
})

test('a chart is sent no more often than its rate', () => {
  const { hub, chartId, clock, frames } = bench(WINDOWS, { fps: 2 })
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  for (let i = 1; i <= 40; i++) {
    hub.apply(chartId, add(row(i)), SAMPLE_STATS, [])
    clock.advance(50)
    hub.receive('c', { type: 'credit', count: 1 })
  }
  // At 0, 240, 730, 1220 and 1710 ms: the second is paid for by those after it.
  assert.equal(frames().length, 5)
})

test('a row that comes late holds up those after it by little and not for long', () => {
  const { hub, chartId, clock, frames } = bench(WINDOWS, { fps: 10 })
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  clock.advance(0)
  const waitsMs: number[] = []
  for (let i = 1; i <= 30; i++) {
    const lateMs = i === 10 ? 60 : 0
    clock.advance(i * 100 + lateMs - clock.nowMs())
    const before = frames().length
    hub.apply(chartId, add(row(i)), SAMPLE_STATS, [])
    for (let waitMs = 0; frames().length === before; waitMs++) {
      clock.advance(1)
      if (frames().length > before) waitsMs.push(waitMs)
    }
  }
  // Those right after the late one wait until half their time has passed, each less than the one before.
  assert.deepEqual(
    waitsMs.map((waitMs, index) => [index + 1, waitMs]).filter(([, waitMs]) => waitMs !== 0),
    [
      [11, 9],
      [12, 5],
      [13, 3],
      [14, 1],
    ],
  )
})

test('all charts of a connection share one message per tick and one credit', () => {
  const { hub, chartId, clock, sent, messages } = bench()
  const other = hub.register({ stream: 'other', concept: WINDOWS, options: {} }).chartId
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  for (const id of [chartId, other]) hub.receive('c', { type: 'subscribe', chartId: id, since: null, visible: true })
  clock.advance(0)
  hub.apply(chartId, add(row(1)), SAMPLE_STATS, [])
  hub.apply(other, add(row(1)), SAMPLE_STATS, [])
  clock.advance(200)
  const last = sent.at(-1)?.message
  assert.deepEqual(last?.type === 'frame' ? last.charts.map(each => each.chartId) : [], [chartId, other])
  assert.equal(messages(), 2)
})

test('a hidden chart is sent nothing, and when shown again what happened meanwhile', () => {
  const { hub, chartId, clock, frames, watched } = bench()
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  clock.advance(0)
  hub.receive('c', { type: 'visibility', chartId, visible: false })
  hub.apply(chartId, add(row(1)), SAMPLE_STATS, [])
  hub.apply(chartId, add(row(2)), SAMPLE_STATS, [])
  clock.advance(4000)
  assert.equal(frames().length, 1)
  hub.receive('c', { type: 'visibility', chartId, visible: true })
  clock.advance(0)
  assert.deepEqual(
    frames()[1]?.delta?.upsert.map(each => each.$key),
    ['k1', 'k2'],
  )
  assert.deepEqual(watched, [
    [chartId, true],
    [chartId, false],
    [chartId, true],
  ])
})

test('five seconds of silence without credit park the chart: a snapshot follows', () => {
  const { hub, chartId, clock, frames } = bench()
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  for (let i = 1; i <= 62; i++) {
    hub.apply(chartId, add(row(i)), SAMPLE_STATS, [])
    clock.advance(100)
  }
  clock.advance(10_000)
  hub.receive('c', { type: 'credit', count: 1 })
  clock.advance(0)
  assert.equal(frames().at(-1)?.snapshot?.length, 62)
})

test('a minute of silence forgets a connection, five minutes one whose charts are hidden', () => {
  const { hub, chartId, clock, sent } = bench()
  for (const [connection, visible] of [
    ['shown', true],
    ['hidden', false],
  ] as const) {
    hub.receive(connection, { type: 'hello', protocol: 1, client: connection })
    hub.receive(connection, { type: 'subscribe', chartId, since: null, visible })
  }
  const params = (): string[] => {
    sent.length = 0
    hub.param('p', 1)
    return sent.map(({ connection }) => connection)
  }
  clock.advance(55_000)
  assert.deepEqual(params(), ['shown', 'hidden'])
  clock.advance(10_000)
  assert.deepEqual(params(), ['hidden'])
  clock.advance(240_000)
  assert.deepEqual(params(), [])
})

test('a forgotten connection that speaks again is welcomed, so that it subscribes anew', () => {
  const { hub, sent } = bench()
  hub.receive('late', { type: 'credit', count: 0 })
  assert.deepEqual(sent[0]?.message, { type: 'welcome', client: '', protocol: 1, instance: 'i1', credit: 60 })
})

test('nothing is sent after bye, unsubscribe or dispose', () => {
  const { hub, chartId, clock, sent, frames } = bench()
  for (const connection of ['a', 'b', 'c']) {
    hub.receive(connection, { type: 'hello', protocol: 1, client: connection })
    hub.receive(connection, { type: 'subscribe', chartId, since: null, visible: true })
  }
  clock.advance(0)
  hub.receive('a', { type: 'bye' })
  hub.receive('b', { type: 'unsubscribe', chartId })
  hub.apply(chartId, add(row(1)), SAMPLE_STATS, [])
  clock.advance(100)
  assert.deepEqual([frames('a').length, frames('b').length, frames('c').length], [1, 1, 2])
  hub.dispose()
  sent.length = 0
  hub.apply(chartId, add(row(2)), SAMPLE_STATS, [])
  clock.advance(600_000)
  assert.deepEqual(sent, [])
})

test('the end of a stream reaches hidden charts too, and stands until it runs again', () => {
  const { hub, chartId, clock, frames } = bench()
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: false })
  hub.end(chartId, 'failed', 'line 3: no such field')
  clock.advance(0)
  assert.deepEqual(frames()[0]?.end, { state: 'failed', reason: 'line 3: no such field' })
  assert.equal(frames()[0]?.status.state, 'failed')
  hub.replace('s', WINDOWS)
  hub.apply(chartId, add(row(1)), SAMPLE_STATS, [])
  hub.receive('c', { type: 'visibility', chartId, visible: true })
  clock.advance(100)
  assert.equal(frames()[1]?.end, undefined)
  assert.deepEqual(frames()[1]?.snapshot, [row(1)])
})

test('a chart of a field that went says so while its stream goes on, until another stream takes its place', () => {
  const { hub, chartId, clock, frames } = bench()
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  clock.advance(100)
  const end = { state: 'failed', reason: 'it has no field "n"' } as const
  hub.refuse(chartId, end.reason)
  for (let second = 0; second < 3; second++) {
    hub.apply(chartId, null, { ...SAMPLE_STATS, state: 'running' }, [])
    clock.advance(1000)
    const last = frames().at(-1)
    assert.deepEqual([last?.end, last?.status.state], [end, 'failed'])
  }
  hub.end(chartId, 'stopped', 'the stream is stopped')
  clock.advance(1000)
  assert.deepEqual(frames().at(-1)?.end, end)
  hub.replace('s', WINDOWS)
  hub.apply(chartId, add(row(1)), { ...SAMPLE_STATS, state: 'running' }, [])
  clock.advance(1000)
  assert.deepEqual([frames().at(-1)?.end, frames().at(-1)?.status.state], [undefined, 'running'])
})

test('a replaced stream starts with an empty snapshot and the new columns', () => {
  const { hub, chartId, clock, frames } = bench()
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  hub.apply(chartId, add(row(1)), SAMPLE_STATS, [])
  clock.advance(0)
  const replaced = hub.replace('s', { ...WINDOWS, aggregates: ['total'] })
  assert.deepEqual(
    replaced.map(each => each.chartId),
    [chartId],
  )
  clock.advance(100)
  const last = frames().at(-1)
  assert.deepEqual(last?.snapshot, [])
  assert.deepEqual(
    last?.respec?.columns.map(column => column.name),
    ['windowStart', 'windowEnd', 'total'],
  )
})

test('a new series changes the spec and keeps the order of the known ones', () => {
  const concept: ChartConcept = { ...WINDOWS, by: ['region'] }
  const { hub, chartId, clock, frames } = bench(concept)
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  const domain = (): unknown => {
    const spec = frames().at(-1)?.respec?.spec as { encoding: { color: { scale: { domain: unknown } } } }
    return spec.encoding.color.scale.domain
  }
  hub.apply(chartId, add({ ...row(1), region: 'south' }, { ...row(2), region: 'north' }), SAMPLE_STATS, [])
  clock.advance(100)
  assert.deepEqual(domain(), ['north', 'south'])
  hub.apply(chartId, add({ ...row(3), region: 'east' }), SAMPLE_STATS, [])
  clock.advance(100)
  assert.deepEqual(domain(), ['north', 'south', 'east'])
})

test('status goes out once a second when nothing else does', () => {
  const { hub, chartId, clock, frames } = bench()
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  clock.advance(0)
  for (let i = 1; i <= 30; i++) {
    hub.apply(chartId, null, { ...SAMPLE_STATS, droppedCount: i, watermarkMs: Infinity }, ['bad record\n  at x'])
    clock.advance(100)
    hub.receive('c', { type: 'credit', count: 1 })
  }
  assert.equal(frames().length, 4)
  assert.equal(frames()[1]?.status.droppedCount, 10)
  assert.equal(frames()[1]?.status.watermarkMs, null)
  assert.deepEqual(frames()[1]?.status.errors, ['bad record'])
  assert.equal(frames()[1]?.delta, undefined)
})

test('buttons and sliders reach the stream of this engine only', () => {
  const { hub, chartId, controls, params, sent } = bench()
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'control', chartId, action: 'pause' })
  hub.receive('c', { type: 'control', chartId, action: 'clear' })
  hub.receive('c', { type: 'control', chartId: 'foreign', action: 'stop' })
  hub.receive('c', { type: 'set-param', name: 't', value: 0.5 })
  assert.deepEqual(controls, ['pause s'])
  assert.deepEqual(params, [['t', 0.5]])
  assert.equal(sent.at(-1)?.message.type, 'gone')
})

test('what is not of the protocol changes nothing and opens no connection', () => {
  const { hub, chartId, clock, sent, controls, frames } = bench()
  const strange = [
    { type: 'credit', count: Number.NaN },
    { type: 'credit' },
    { type: 'subscribe', chartId: 7, visible: true },
    { type: 'control', chartId, action: 'delete' },
    { type: 'x' },
    {},
  ]
  for (const message of strange) hub.receive('c', message as never)
  assert.deepEqual(sent, [])
  assert.deepEqual(controls, [])
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  for (const message of strange) hub.receive('c', message as never)
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  clock.advance(0)
  assert.equal(frames().length, 1)
})

test('a chart the engine does not know is gone', () => {
  const { hub, sent } = bench()
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'subscribe', chartId: 'x#9', since: 3, visible: true })
  assert.equal(sent.at(-1)?.message.type, 'gone')
})

test('the same stream shown in the same way is one chart', () => {
  const { hub, chartId } = bench()
  assert.equal(hub.register({ stream: 's', concept: WINDOWS, options: {} }).chartId, chartId)
  assert.notEqual(hub.register({ stream: 's', concept: WINDOWS, options: { mark: 'bar' } }).chartId, chartId)
  assert.notEqual(hub.register({ stream: 't', concept: WINDOWS, options: {} }).chartId, chartId)
})

test('a chart of a join tells how many rows wait', () => {
  const { hub, chartId } = bench()
  hub.apply(chartId, add(row(1)), { ...SAMPLE_STATS, waitingCount: 3 }, [])
  const bundle = hub.bundle(chartId) ?? {}
  assert.equal((bundle[LIVE_MIME] as LiveBundle).last.status.waitingCount, 3)
  assert.match(bundle['text/plain'] as string, /^s: running, 0 events \(0\/s\), 3 waiting, 0 late/)
})

test('a bundle has the live chart, Vega-Lite 5 with its data, and text', () => {
  const { hub, chartId } = bench()
  hub.apply(chartId, add(row(1), { ...row(2), $open: true }), { ...SAMPLE_STATS, recordCount: 12 }, [])
  const bundle = hub.bundle(chartId) ?? {}
  const live = bundle[LIVE_MIME] as LiveBundle
  assert.equal(live.last.rows.length, 2)
  assert.equal(live.spec !== null && 'values' in (live.spec['data'] as object), false)
  const vegaLite = bundle['application/vnd.vegalite.v5+json'] as {
    data: { values: unknown[] }
    params: { name: string; value: number }[]
  }
  assert.equal(vegaLite.data.values.length, 2)
  assert.equal(vegaLite.params.find(param => param.name === 'yMax')?.value, 2.06)
  assert.equal(
    bundle['text/plain'],
    [
      's: running, 12 events (0/s), 0 late, 0 dropped, 0 errors',
      '  windowStart  windowEnd            n',
      '*              1970-01-01 00:00:02  2',
      '               1970-01-01 00:00:01  1',
      '* open window, provisional',
    ].join('\n'),
  )
})

test('whatever is lost, hidden or starved, the browser ends with the rows of the engine', () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('rows' as const),
        upsert: fc.array(fc.nat(12), { maxLength: 4 }),
        remove: fc.array(fc.nat(12), { maxLength: 2 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('credit' as const), count: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('visible' as const), visible: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('lose' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(20, 100, 700, 7000) }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const { hub, chartId, clock, sent } = bench(WINDOWS, { keep: 6 })
      const browser = new ChartModel({ rows: 6, timeField: 'windowEnd' })
      let lose = false
      let read = 0
      const receive = (): void => {
        for (; read < sent.length; read++) {
          const message = sent[read]?.message
          if (message?.type !== 'frame') continue
          if (lose) {
            lose = false
            continue
          }
          for (const frame of message.charts) {
            if (browser.applyFrame(frame) === 'gap')
              hub.receive('c', { type: 'subscribe', chartId, since: browser.sequence, visible: true })
          }
        }
      }
      hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
      hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
      for (const each of steps) {
        if (each.do === 'rows') {
          const frame = {
            ...add(...each.upsert.map(row)),
            delta: {
              upsert: each.upsert.map(n => ({ ...row(n), v: clock.nowMs() })),
              remove: each.remove.map(n => `k${n}`),
            },
          }
          hub.apply(chartId, frame, SAMPLE_STATS, [])
        } else if (each.do === 'credit') hub.receive('c', { type: 'credit', count: each.count })
        else if (each.do === 'visible') hub.receive('c', { type: 'visibility', chartId, visible: each.visible })
        else if (each.do === 'lose') lose = true
        else clock.advance(each.ms)
        receive()
      }
      lose = false
      hub.receive('c', { type: 'visibility', chartId, visible: true })
      // One more row makes a lost frame show as a gap; then credit brings the snapshot.
      hub.apply(chartId, add(row(13)), SAMPLE_STATS, [])
      for (let i = 0; i < 6; i++) {
        hub.receive('c', { type: 'credit', count: 4 })
        clock.advance(200)
        receive()
      }
      const bundle = hub.bundle(chartId)?.[LIVE_MIME] as LiveBundle
      assert.deepEqual(browser.rows(), bundle.last.rows)
    }),
    { numRuns: process.env['LONG'] === '1' ? 2000 : 200 },
  )
})

test('rows that come while only a status is due do not wait for it', () => {
  const { hub, chartId, clock, frames } = bench()
  hub.receive('c', { type: 'hello', protocol: 1, client: 'me' })
  hub.receive('c', { type: 'subscribe', chartId, since: null, visible: true })
  clock.advance(0)
  hub.apply(chartId, null, SAMPLE_STATS, [])
  clock.advance(50)
  hub.apply(chartId, add(row(1)), SAMPLE_STATS, [])
  clock.advance(50)
  assert.deepEqual(
    frames().map(frame => frame.delta?.upsert.length ?? 0),
    [0, 1],
  )
})

test('a label goes to the stream of its chart; one that is no span of time is not heard', () => {
  const { hub, chartId, labels, sent } = bench()
  const label = { type: 'label', chartId, fromMs: 1000, toMs: 2000, on: true } as const
  for (const wrong of [
    { ...label, toMs: 999 },
    { ...label, fromMs: NaN },
    { ...label, fromMs: -1e16 },
  ])
    hub.receive('c', wrong)
  hub.receive('c', label)
  assert.deepEqual(labels, [['s', { fromMs: 1000, toMs: 2000, on: true }]])
  hub.receive('c', { ...label, chartId: 'other#9' })
  assert.equal(sent.at(-1)?.message.type, 'gone')
})

test('a chart of scores tells how they were made, and what was labelled', () => {
  const scores = { features: ['temp'], by: [], param: 'limit', compares: 'value', source: 'sensors' } as const
  const { hub, chartId } = bench({ form: 'rows', by: [], aggregates: [], revisions: false, scores })
  const labels = { file: 'sensors.labels.json', ranges: [[1000, 2000]] } as const
  hub.apply(chartId, null, { ...SAMPLE_STATS, labels }, [])
  const live = hub.bundle(chartId)?.[LIVE_MIME] as LiveBundle
  assert.deepEqual(live.last.status.scores, { ...scores, labels: [[1000, 2000]], labelFile: 'sensors.labels.json' })
})

test('only a chart scored by a model that was trained here asks for another training', () => {
  const scores = { features: ['v'], by: [], param: null, compares: null, source: 'readings' } as const
  const rows = { form: 'rows', by: [], aggregates: [], revisions: false } as const
  const model = { version: 1, training: false, problem: null }
  const plain = bench({ ...rows, scores })
  plain.hub.apply(plain.chartId, null, SAMPLE_STATS, [])
  plain.hub.receive('c', { type: 'retrain', chartId: plain.chartId })
  assert.deepEqual(plain.retrained, [])
  const { hub, chartId, retrained, sent } = bench({ ...rows, scores: { ...scores, model: 'normal' } })
  hub.apply(chartId, null, { ...SAMPLE_STATS, model }, [])
  hub.receive('c', { type: 'retrain', chartId: 7 as never })
  hub.receive('c', { type: 'retrain', chartId })
  assert.deepEqual(retrained, ['s'])
  hub.receive('c', { type: 'retrain', chartId: 'other#9' })
  assert.deepEqual([retrained.length, sent.at(-1)?.message.type], [1, 'gone'])
})

test('a new version of the model counts from the newest row there was; a stream that starts anew has no such row', () => {
  const scores = { features: ['v'], by: [], param: null, compares: null, source: 'readings', model: 'normal' } as const
  const concept = { form: 'rows', by: [], aggregates: [], revisions: false, scores } as const
  const { hub, chartId } = bench(concept)
  const trained = () => (hub.bundle(chartId)![LIVE_MIME] as LiveBundle).last.status.scores?.trained
  const at = (ms: number): ChartRow => ({ $key: `k${ms}`, $at: ms })
  const told = (version: number, frame: TapFrame | null) =>
    hub.apply(chartId, frame, { ...SAMPLE_STATS, model: { version, training: false, problem: null } }, [])
  told(3, add(at(1000), at(5000), at(4000)))
  assert.deepEqual(trained(), { version: 3, training: false, problem: null, sinceMs: null })
  told(4, null)
  told(4, add(at(9000)))
  assert.equal(trained()?.sinceMs, 5000)
  hub.replace('s', concept)
  told(5, add(at(10_000)))
  assert.equal(trained()?.sinceMs, null)
})

test('a chart of scores that starts anew is one of scores from its first frame on', () => {
  const scores = { features: ['temp'], by: [], param: null, compares: 'value', source: 'sensors' } as const
  const concept = { form: 'rows', by: [], aggregates: [], revisions: false, scores } as const
  const { hub, chartId } = bench(concept)
  hub.replace('s', concept)
  const live = hub.bundle(chartId)?.[LIVE_MIME] as LiveBundle
  assert.deepEqual(live.last.status.scores, { ...scores, labels: [], labelFile: '' })
})

test('a status tells the newest rows that left a join alone, and whoever asks is told all that are kept', () => {
  const join = { kind: 'interval', type: 'inner', text: 't', names: ['a', 'b'] } as const
  const { hub, chartId, sent } = bench({ form: 'rows', by: [], aggregates: [], revisions: false, join })
  const row = (number: number) =>
    ({ number, side: 0, key: null, atMs: 1, endedMs: 2, reason: 'time', row: '{}' }) as const
  const unmatched = Array.from({ length: 30 }, (_, i) => row(i))
  hub.apply(chartId, null, { ...SAMPLE_STATS, join: { ...EMPTY_JOIN, unmatched } }, [])
  const live = hub.bundle(chartId)?.[LIVE_MIME] as LiveBundle
  assert.deepEqual(live.last.status.join?.unmatched, unmatched.slice(6))
  hub.receive('c', { type: 'hello', protocol: 1, client: 'c' })
  sent.length = 0
  hub.receive('c', { type: 'unmatched', chartId })
  hub.receive('c', { type: 'unmatched', chartId: 'nobody' })
  hub.receive('c', { type: 'unmatched', chartId: 7 } as never)
  assert.deepEqual(
    sent.map(({ message }) => message),
    [
      { type: 'unmatched', client: 'c', chartId, rows: unmatched },
      { type: 'unmatched', client: 'c', chartId: 'nobody', rows: [] },
    ],
  )
})

test('who asks for the newest records of a topic is told, and nobody else; a question without a topic is none', async () => {
  const { hub, sent } = bench()
  for (const client of ['c', 'd']) hub.receive(client, { type: 'hello', protocol: 1, client })
  sent.length = 0
  hub.receive('c', { type: 'peek', connection: 'prod', topic: 'orders' })
  hub.receive('c', { type: 'peek', connection: 'prod', topic: 7 } as never)
  await Promise.resolve()
  assert.deepEqual(sent, [
    {
      connection: 'c',
      message: {
        type: 'peek',
        client: 'c',
        connection: 'prod',
        topic: 'orders',
        lines: ['prod/orders'],
        problem: null,
      },
    },
  ])
})
