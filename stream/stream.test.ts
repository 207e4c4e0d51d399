/** The fluent API inline: what a program sees. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  count,
  eventTime,
  feed,
  from,
  idle,
  LocalRuntime,
  param,
  runtime,
  stream,
  sum,
  tumbling,
  watermark,
} from './index.ts'
import { EmbeddedConnection } from './connectors/embedded.ts'
import { VirtualClock } from './time/clock.ts'

interface Row {
  readonly at: number
  readonly v: number
  readonly k?: string
}
const rows = (...list: Row[]) => from<Row>(list, { time: 'at' })

test('filter, map and flatMap keep event times and order', async () => {
  const got = await rows({ at: 1, v: 1 }, { at: 2, v: 2 }, { at: 3, v: 3 })
    .filter(r => r.v !== 2)
    .flatMap(r => [{ x: r.v }, { x: -r.v }])
    .map((r, meta) => ({ x: r.x, at: meta.eventTimeMs, offset: meta.offset }))
    .toArray()
  assert.deepEqual(got, [
    { x: 1, at: 1, offset: 0n },
    { x: -1, at: 1, offset: 0n },
    { x: 3, at: 3, offset: 2n },
    { x: -3, at: 3, offset: 2n },
  ])
  assert.deepEqual(got.map(eventTime), [1, 1, 3, 3])
})

test('no records give no rows', async () => {
  assert.deepEqual(await rows().window(tumbling(10)).aggregate({ n: count() }).toArray(), [])
  assert.equal(await rows().first(), undefined)
})

test('watermarks and idleness among the rows set the time by hand', async () => {
  const list = [{ at: 1, v: 1 }, watermark(9), { at: 2, v: 2 }, idle(0), { at: 12, v: 3 }]
  const windows = from(list, { time: 'at' })
    .window(tumbling(10))
    .aggregate({ total: sum('v') })
  assert.deepEqual(
    (await windows.toArray()).map(r => [r.windowStart, r.total]),
    [
      [0, 1],
      [10, 3],
    ],
  )
  assert.deepEqual(
    (await windows.late().toArray()).map(r => [r.row, r.eventTimeMs, r.offset]),
    [[{ at: 2, v: 2 }, 2, 1n]],
  )
})

test('a throwing lambda puts its record into errors with lambda and position, the rest goes on', async () => {
  const mapped = rows({ at: 1, v: 1 }, { at: 2, v: 0 }, { at: 3, v: 3 }).map(r => {
    if (r.v === 0) throw new RangeError('no zero')
    return r.v
  })
  assert.deepEqual(await mapped.toArray(), [1, 3])
  const [error] = await mapped.errors().toArray()
  assert.match(error?.reason ?? '', /^RangeError: no zero in r ?=> ?\{.* \(stream\.test\.ts:\d+\)$/)
  assert.deepEqual([error?.row, error?.partition, error?.offset], [{ at: 2, v: 0 }, 0, 1n])
})

test('a stream whose first 100 records all fail is failed with the first error', async () => {
  const many = Array.from({ length: 150 }, (_, i) => ({ at: i, v: i }))
  const failing = (limit: number) =>
    rows(...many).map(r => {
      if (r.v < limit) throw new Error(`bad ${r.v}`)
      return r.v
    })
  await assert.rejects(
    failing(100).toArray(),
    (error: { code: string; detail: string }) => error.code === 'STREAM_FAILED' && error.detail.includes('bad 0'),
  )
  assert.equal((await failing(99).toArray()).length, 51)
})

test('broken times and values are counted with a reason, never fatal', async () => {
  const list = [{ at: 'soon', v: 1 }, { v: 2 }, null, { at: 3, v: NaN }, { at: 4, v: 'x' }, { at: 5, v: 6 }]
  const windows = from(list as unknown as Row[], { time: 'at' })
    .window(tumbling(10))
    .aggregate({ n: count(), total: sum('v') })
  assert.deepEqual(
    (await windows.toArray()).map(r => [r.n, r.total]),
    [[3, 6]],
  )
  assert.deepEqual(
    (await windows.errors().toArray()).map(e => [e.offset, e.reason]),
    [
      [0n, 'time field "at" is "soon", no ISO instant'],
      [1n, 'time field "at" is missing'],
      [2n, 'null value'],
      [3n, 'aggregate "total" got NaN, a number is needed; the value is left out'],
      [4n, 'aggregate "total" got text "x", a number is needed; the value is left out'],
    ],
  )
})

test('a running aggregate gives a row per record and retracts the one before', async () => {
  const running = rows({ at: 1, v: 1, k: 'a' }, { at: 2, v: 2, k: 'b' }, { at: 3, v: 3, k: 'a' })
    .keyBy('k')
    .aggregate({ total: sum('v') })
  assert.deepEqual(
    (await running.toArray()).map(r => [r.k, r.total, r.revision]),
    [
      ['a', 1, 0],
      ['b', 2, 0],
      ['a', 4, 1],
    ],
  )
  assert.deepEqual(
    (await running.changes().toArray()).map(c => [c.weight, c.row.total]),
    [
      [1, 1],
      [1, 2],
      [-1, 1],
      [1, 4],
    ],
  )
})

test('late revisions retract, so a sum above stays right', async () => {
  const list = [{ at: 1, v: 1 }, watermark(9), { at: 2, v: 10 }, watermark(20)]
  const first = from(list, { time: 'at' })
    .window(tumbling(10), { lateness: 5 })
    .aggregate({ total: sum('v') })
  assert.deepEqual(
    (await first.changes().toArray()).map(c => [c.weight, c.row.total, c.row.kind, c.row.revision]),
    [
      [1, 1, 'onTime', 0],
      [-1, 1, 'onTime', 0],
      [1, 11, 'late', 1],
    ],
  )
  const above = first.window(tumbling(100)).aggregate({ total: sum('total'), n: count() })
  assert.deepEqual(
    (await above.toArray()).map(r => [r.total, r.n]),
    [[11, 1]],
  )
})

test('an endless stream refuses toArray and names take', async () => {
  const f = feed<Row>({ time: 'at' })
  await assert.rejects(f.toArray(), { code: 'STREAM_ENDLESS', hint: 'Use take(n) for the first n rows' })
  const taken = f.take(2)
  for (const v of [1, 2, 3]) await f.push({ at: v, v })
  assert.deepEqual(
    (await taken).map(r => r.v),
    [1, 2],
  )
})

test('an iterable that throws rejects the read with its own error', async () => {
  const broken = from(
    (function* () {
      yield { at: 1, v: 1 }
      throw new TypeError('source broke')
    })(),
  )
  await assert.rejects(broken.toArray(), new TypeError('source broke'))
})

test('a named stream is found by name, replaced, and its consumers follow with empty state', async () => {
  const f = feed<Row>({ time: 'at' })
  await f.bindName('numbers')
  const doubled = stream<Row>('numbers').map(r => r.v * 2)
  const seen: number[] = []
  const reading = doubled.forEach(v => seen.push(v))
  await f.push({ at: 1, v: 1 })
  assert.deepEqual(seen, [2])
  const g = feed<Row>({ time: 'at' })
  await g.bindName('numbers')
  await g.push({ at: 1, v: 50 })
  await f.push({ at: 2, v: 9 })
  assert.deepEqual(seen, [2, 100])
  await g.end()
  await reading
  assert.equal((await runtime().list()).filter(s => s.name === 'numbers').length, 1)
  await assert.rejects(stream('nobody').take(1), { code: 'STREAM_UNKNOWN' })
})

test('a stopped stream sends nothing, a paused one skips nothing', async () => {
  const f = feed<Row>({ time: 'at' })
  const counted = f.map(r => r.v)
  await counted.bindName('counted')
  const summary = async () => (await runtime().list()).find(s => s.name === 'counted')?.stats
  await f.push({ at: 1, v: 1 })
  await counted.pause()
  await f.push({ at: 2, v: 2 })
  assert.deepEqual([(await summary())?.state, (await summary())?.rowCount], ['paused', 1])
  await counted.resume()
  assert.deepEqual([(await summary())?.state, (await summary())?.rowCount], ['running', 2])
  await counted.stop()
  await f.push({ at: 3, v: 3 })
  assert.deepEqual([(await summary())?.state, (await summary())?.rowCount], ['stopped', 2])
  await counted.stop()
})

test('restore goes on from a snapshot without sending rows twice', async () => {
  const f = feed<Row>({ time: 'at' })
  const make = () => f.window(tumbling(10)).aggregate({ n: count() })
  const first = make()
  await first.bindName('first')
  await f.push({ at: 1, v: 1 })
  await f.watermark(9)
  await f.push({ at: 12, v: 1 })
  const bytes = await first.snapshot()
  const second = make()
  await second.bindName('second')
  await second.restore(bytes)
  await f.push({ at: 13, v: 1 })
  await f.watermark(19)
  const stats = (await runtime().list()).find(s => s.name === 'second')?.stats
  assert.deepEqual([stats?.rowCount, stats?.recordCount], [2, 3])
  await assert.rejects(second.restore(new Uint8Array([1, 2])), { code: 'SNAPSHOT_INVALID' })
  await assert.rejects(f.map(r => r).restore(bytes), { code: 'SNAPSHOT_INVALID' })
})

test('a slow consumer holds its source up, another read of the same stream goes on', async () => {
  const many = Array.from({ length: 40_000 }, (_, i) => ({ at: i, v: i }))
  const source = from(many, { time: 'at' })
  const slow = source[Symbol.asyncIterator]()
  assert.deepEqual((await slow.next()).value, { at: 0, v: 0 })
  const first = await source.take(5)
  assert.equal(first.length, 5)
  await slow.return()
  assert.equal((await source.toArray()).length, 40_000)
})

test('params are checked and read live', async () => {
  const least = param('least', 2, { min: 0, max: 10 })
  await least.ready
  const f = feed<Row>({ time: 'at' })
  const seen: number[] = []
  const reading = f.filter(r => r.v >= least.value).forEach(r => seen.push(r.v))
  await f.push({ at: 1, v: 1 })
  await least.set(1)
  await f.push({ at: 2, v: 1 })
  await f.end()
  await reading
  assert.deepEqual(seen, [1])
  await assert.rejects(least.set(11), {
    code: 'PARAM_INVALID',
    message: 'Cannot set param "least" to 11: the greatest value is 10',
  })
})

test('a chart outside Jupyter prints a text table at the end', async () => {
  let print: (text: string) => void = () => {}
  const printed = new Promise<string>(resolve => (print = resolve))
  const local = new LocalRuntime({ clock: new VirtualClock(0), print: text => print(text) })
  const port = local.feed('charted')
  local.chart({ name: 'totals', plan: { op: 'feed', id: 'charted', partitions: 1, bounded: true } }, {})
  await port.push([
    { k: 'a', n: 1 },
    { k: 'bb', n: 22 },
  ])
  await port.end()
  assert.equal(await printed, 'totals: 2 rows\nk    n\na    1\nbb  22')
})

test('a text table of a changelog shows the rows that hold, and its changes when it is asked', async () => {
  let print: (text: string) => void = () => {}
  const printed = new Promise<string>(resolve => (print = resolve))
  const local = new LocalRuntime({ clock: new VirtualClock(0), print: text => print(text) })
  const port = local.feed('charted')
  const input = { op: 'feed', id: 'charted', partitions: 1, bounded: true, time: 'at' } as const
  const by = [{ name: 'k' }]
  const aggregates = [{ name: 'n', aggregate: { kind: 'count' } }] as const
  const options = { window: undefined, by, aggregates, latenessMs: 0, emit: 'final' } as const
  local.chart({ name: 'totals', plan: { op: 'window', input, options } }, { changes: true })
  await port.push(['a', 'b', 'a'].map((k, at) => ({ k, at })))
  await port.end()
  const lines = (await printed).split('\n')
  assert.equal(lines[0], 'totals: 2 rows')
  assert.deepEqual(
    lines.slice(2).map(line => line.split(/ +/).slice(0, 3).join(' ')),
    ['b 1 onTime', 'a 2 onTime', '4 changes (3', ' k n', '+ a 2', '− a 1', '+ b 1', '+ a 1'],
  )
})

test('a topic is read, followed, limited and idle by the virtual clock', async () => {
  const clock = new VirtualClock(1_000_000)
  const embedded = new EmbeddedConnection({ clock, demos: [] })
  const local = new LocalRuntime({ clock, embedded: async () => embedded })
  await local.createTopic('embedded', 't', { partitions: 2 })
  for (const [partition, at] of [
    [0, 5],
    [1, 3],
    [0, 14],
  ] as const)
    await local.produce('embedded', 't', [{ at }], { partition })
  const topicPlan = {
    op: 'topic',
    connection: 'embedded',
    topic: 't',
    options: { from: 'earliest', time: 'at', outOfOrderMs: 0 },
  } as const
  const source = local.subscribe({ op: 'map', input: topicPlan, f: (row: { at: number }) => row.at }, { bounded: true })
  const got = new Set<unknown>()
  for (let chunk = await source.next(); chunk !== null; chunk = await source.next())
    chunk.rows.forEach(at => got.add(at))
  assert.deepEqual(got, new Set([3, 5, 14]))
  const limited = local.subscribe({ ...topicPlan, options: { ...topicPlan.options, limit: 2 } })
  let count = 0
  for (let chunk = await limited.next(); chunk !== null; chunk = await limited.next()) count += chunk.rows.length
  assert.equal(count, 2)
  await assert.rejects(local.describeTopic('embedded', 'tt'), { code: 'TOPIC_UNKNOWN' })
  await assert.rejects(local.describeTopic('prod', 't'), { code: 'CONNECTION_UNKNOWN' })
  await local.close()
})

test('mapAsync keeps order and event times, and runs at most inFlight calls', async () => {
  let running = 0
  let most = 0
  const doubled = rows(...Array.from({ length: 10 }, (_, i) => ({ at: i, v: i }))).mapAsync(
    async r => {
      most = Math.max(most, ++running)
      for (let turn = r.v % 3; turn >= 0; turn--) await Promise.resolve()
      running--
      return { v: r.v * 2 }
    },
    { inFlight: 3 },
  )
  const got = await doubled.toArray()
  assert.deepEqual(
    got.map(r => r.v),
    [0, 2, 4, 6, 8, 10, 12, 14, 16, 18],
  )
  assert.deepEqual(got.map(eventTime), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  assert.equal(most, 3)
  const windows = rows({ at: 1, v: 1 }, { at: 12, v: 2 })
    .mapAsync(async r => r)
    .window(tumbling(10))
    .aggregate({ n: count() })
  assert.deepEqual(
    (await windows.toArray()).map(r => [r.windowStart, r.n]),
    [
      [0, 1],
      [10, 1],
    ],
  )
  await assert.rejects(
    rows({ at: 1, v: 1 })
      .mapAsync(() => Promise.reject(new RangeError('no answer')))
      .toArray(),
    new RangeError('no answer'),
  )
})

test('an endless iterable rests while nobody reads', async () => {
  let made = 0
  const endless = from(
    (function* () {
      for (;;) yield { at: made, v: made++ }
    })(),
    { time: 'at' },
  )
  assert.deepEqual(
    (await endless.take(3)).map(r => r.v),
    [0, 1, 2],
  )
  const after = made
  await new Promise(resolve => setImmediate(resolve))
  await new Promise(resolve => setImmediate(resolve))
  // One chunk may be on its way when the reader leaves.
  assert.ok(made - after <= 4096, `${made - after} rows for nobody`)
  assert.equal((await endless.take(20_000)).length, 20_000)
})
