/** Names, following, back-pressure, feeds and params in a real engine process. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineNotice } from '../../kernel/engine/protocol.ts'
import type { PlanNode, WindowOptions } from '../../stream/plan.ts'
import type { RowSource } from '../../stream/targets/runtime.ts'
import { BrowserEnd } from './browser-end.ts'
import { engineOfFile } from './engine-of-file.ts'
import { until } from './hosted.ts'

const { engine, runtime, notebook } = await engineOfFile()

type ErrorNotice = Extract<EngineNotice, { type: 'streamError' }>
const errorOf =
  (stream: string) =>
  (n: EngineNotice): n is ErrorNotice =>
    n.type === 'streamError' && n.stream === stream
type OutputNotice = Extract<EngineNotice, { type: 'lambdaOutput' }>

const topic = (name: string): PlanNode => ({
  op: 'topic',
  connection: 'embedded',
  topic: name,
  options: { from: 'earliest', time: 'at', outOfOrderMs: 0 },
})
const named = (name: string): PlanNode => ({ op: 'stream', name })
const counting = (input: PlanNode, sizeMs: number, name = 'n', value?: string): PlanNode => ({
  op: 'window',
  input,
  options: {
    window: { kind: 'tumbling', sizeMs, offsetMs: 0 },
    by: [],
    aggregates: [{ name, aggregate: value === undefined ? { kind: 'count' } : { kind: 'sum', value } }],
    latenessMs: 0,
    emit: 'final',
  } satisfies WindowOptions,
})

async function take(source: RowSource, count: number): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = []
  while (rows.length < count) {
    const chunk = await source.next()
    if (chunk === null) break
    rows.push(...(chunk.rows as Record<string, unknown>[]))
  }
  return rows.slice(0, count)
}

const summary = async (name: string) => (await runtime.list()).find(s => s.name === name)

test('a replaced stream restarts what reads it with empty state, its chart takes a snapshot', async () => {
  await runtime.createTopic('embedded', 'ten', { partitions: 1 })
  await runtime.produce(
    'embedded',
    'ten',
    Array.from({ length: 60 }, (_, i) => ({ at: i * 1000 })),
  )
  await runtime.start('base', counting(topic('ten'), 10_000), { cellId: 'a' })
  await runtime.start('doubled', counting(named('base'), 20_000, 'total', 'n'), { cellId: 'b' })
  const browser = new BrowserEnd(engine, 'follow')
  const chart = browser.open(await runtime.show({ name: 'doubled', plan: named('doubled') }, {}))
  await until(() => (browser.closed(chart, 'total').size === 2 ? true : undefined))
  assert.deepEqual([...browser.closed(chart, 'total')], [[0, 20], [20_000, 20]]) // prettier-ignore
  assert.deepEqual((await summary('base'))?.consumers, ['doubled'])

  await runtime.start('base', counting(topic('ten'), 5000), { cellId: 'a' })
  await until(() => (browser.respecs.length > 0 && browser.closed(chart, 'total').size === 2 ? true : undefined))
  assert.deepEqual([...browser.closed(chart, 'total')], [[0, 20], [20_000, 20]]) // prettier-ignore
  // Five-second rows now: twice as many records came in, nothing was added to the old state.
  assert.equal(
    (await until(async () => ((await summary('doubled'))?.stats.rowCount === 2 ? summary('doubled') : undefined)))
      ?.stats.state,
    'running',
  )
  assert.deepEqual((await runtime.list()).map(s => s.name).sort(), ['base', 'doubled'])
})

test('a consumer whose field is gone fails with that field and cell', async () => {
  await runtime.start('base', counting(topic('ten'), 5000, 'renamed'), { cellId: 'a' })
  const { cellId, error } = await engine.notice(errorOf('doubled'))
  assert.equal(cellId, 'b')
  assert.equal(error.code, 'FIELD_UNKNOWN')
  assert.match(error.message, /stream "base" has no field "n"/)
  assert.match(error.detail ?? '', /cell b/)
  assert.equal((await summary('doubled'))?.stats.state, 'failed')
  await runtime.start('base', counting(topic('ten'), 5000), { cellId: 'a' })
  assert.equal((await summary('doubled'))?.stats.state, 'running')
})

test('a stream that reads itself, or an unknown one, is refused and nothing changes', async () => {
  await assert.rejects(runtime.start('base', counting(named('doubled'), 5000), {}), { code: 'STREAM_SELF_REFERENCE' })
  await assert.rejects(runtime.start('orphan', counting(named('bas'), 5000), {}), {
    code: 'STREAM_UNKNOWN',
    hint: /"base"/,
  })
  assert.equal((await summary('base'))?.stats.state, 'running')
  assert.equal(await summary('orphan'), undefined)
})

test('a subscription to a name follows its replacement', async () => {
  await runtime.start('followed', counting(topic('ten'), 30_000), {})
  const source = runtime.subscribe(named('followed'))
  assert.deepEqual(
    (await take(source, 1)).map(r => r['n']),
    [30],
  )
  await runtime.start('followed', counting(topic('ten'), 15_000), {})
  assert.deepEqual((await take(source, 3)).map(r => [r['windowStart'], r['n']]), [[0, 15], [15_000, 15], [30_000, 15]]) // prettier-ignore
  await source.close()
})

test('a slow reader holds up its own branch only', async () => {
  await runtime.createTopic('embedded', 'flood', { partitions: 1 })
  const rows = Array.from({ length: 50_000 }, (_, i) => ({ at: i }))
  await runtime.produce('embedded', 'flood', rows)
  const slow = runtime.subscribe(topic('flood'))
  const first = await slow.next()
  assert.ok(first !== null)
  await runtime.start('fast', counting(topic('flood'), 1000), {})
  await until(async () => ((await summary('fast'))?.stats.rowCount === 49 ? true : undefined))
  let read = first.rows.length
  while (read < rows.length) read += (await slow.next())!.rows.length
  assert.equal(read, rows.length)
  await slow.close()
})

test('a reader is sent at most its buffer ahead', async () => {
  const source = runtime.subscribe(topic('flood'), { bufferRows: 500 })
  let most = 0
  for (let i = 0; i < 20; i++) most = Math.max(most, (await source.next())!.rows.length)
  assert.ok(most <= 500, `a chunk of ${most} rows`)
  await source.close()
})

test('the rows read end with the cells connection, named streams go on', async () => {
  const other = engine.runtime(notebook)
  const source = other.subscribe(topic('flood'))
  await source.next()
  await other.start('kept', counting(topic('flood'), 1000), { cellId: 'z' })
  other.close()
  await assert.rejects(source.next(), { code: 'ENGINE_GONE' })
  const again = engine.runtime(notebook)
  assert.deepEqual(
    (await take(again.subscribe(named('kept')), 2)).map(r => r['n']),
    [1000, 1000],
  )
  assert.equal((await summary('kept'))?.stats.state, 'running')
})

test('a push resolves when everything below has handled it', async () => {
  const id = 'feed-1'
  const feed: PlanNode = { op: 'feed', id, partitions: 1, time: 'at', bounded: false }
  await runtime.start('pushed', counting(feed, 1000), {})
  const source = runtime.subscribe(feed)
  const port = runtime.feed(id)
  await port.push([{ at: 1 }, { at: 2 }])
  await port.watermark(5000)
  assert.deepEqual(
    (await take(source, 2)).map(r => r['at']),
    [1, 2],
  )
  assert.deepEqual(
    (await take(runtime.subscribe(named('pushed')), 1)).map(r => r['n']),
    [2],
  )
  await port.end()
  assert.equal(await source.next(), null)
  await assert.rejects(port.push([{ at: 3 }]), { code: 'STREAM_STOPPED' })
})

test('params reach lambdas at a record boundary, readers are told', async () => {
  assert.equal(await runtime.defineParam({ name: 'least', value: 1, min: 0, max: 10 }), 1)
  const least = { [Symbol.for('riffle.param')]: 'least', value: 0 }
  const feed: PlanNode = { op: 'feed', id: 'feed-2', partitions: 1, bounded: false }
  const f = notebook.lambda((r: { v: number }) => r.v >= least.value, { least })
  const source = runtime.subscribe({ op: 'filter', input: feed, f: runtime.ship(f) })
  const port = runtime.feed('feed-2')
  const first = source.next()
  await port.push([{ v: 0 }, { v: 1 }, { v: 5 }])
  assert.deepEqual((await first)?.rows, [{ v: 1 }, { v: 5 }])
  await runtime.setParam('least', 4)
  assert.equal(runtime.paramValue('least'), 4)
  await port.push([{ v: 1 }, { v: 5 }])
  assert.deepEqual((await source.next())?.rows, [{ v: 5 }])
  await assert.rejects(runtime.setParam('least', 11), { code: 'PARAM_INVALID', message: /the greatest value is 10/ })
  await assert.rejects(runtime.setParam('most', 1), { code: 'PARAM_INVALID' })
  await source.close()
})

test('pause keeps state and skips nothing', async () => {
  await runtime.createTopic('embedded', 'paused', { partitions: 1 })
  await runtime.start('p', counting(topic('paused'), 1000), {})
  await runtime.produce('embedded', 'paused', [{ at: 0 }, { at: 100 }])
  await until(async () => ((await summary('p'))?.stats.recordCount === 2 ? true : undefined))
  await runtime.pause('p')
  await runtime.produce('embedded', 'paused', [{ at: 200 }, { at: 5000 }])
  assert.equal((await summary('p'))?.stats.state, 'paused')
  await runtime.resume('p')
  const seen = await until(async () => ((await summary('p'))?.stats.rowCount === 1 ? summary('p') : undefined))
  assert.equal(seen?.stats.recordCount, 4)
  assert.deepEqual(
    (await take(runtime.subscribe(named('p')), 1)).map(r => r['n']),
    [3],
  )
})

test('what a lambda prints goes to the cell of its stream, 20 lines a second, the rest counted', async () => {
  const feed: PlanNode = { op: 'feed', id: 'feed-3', partitions: 1, bounded: false }
  const f = notebook.lambda((r: { v: number }) => {
    console.log('row', r.v)
    return r
  })
  await runtime.start('talker', { op: 'map', input: feed, f: runtime.ship(f) }, { cellId: 'talk' })
  const port = runtime.feed('feed-3')
  await port.push(Array.from({ length: 100 }, (_, v) => ({ v })))
  const lines = () =>
    engine.notices.filter((n): n is OutputNotice => n.type === 'lambdaOutput' && n.cellId === 'talk').map(n => n.text)
  await until(() => (lines().length >= 21 ? true : undefined))
  assert.deepEqual(
    lines().slice(0, 20),
    Array.from({ length: 20 }, (_, v) => `row ${v}\n`),
  )
  assert.match(lines()[20]!, /80 more lines/)
})

test('a lambda that throws is told once in its cell, the stream goes on', async () => {
  const feed: PlanNode = { op: 'feed', id: 'feed-4', partitions: 1, bounded: false }
  const f = notebook.lambda((r: { v: { w: number } | null }) => r.v!.w, {}, 4)
  await runtime.start('thrower', { op: 'map', input: feed, f: runtime.ship(f) }, { cellId: 'thr' })
  const port = runtime.feed('feed-4')
  await port.push([{ v: { w: 1 } }, { v: null }, { v: null }, { v: { w: 2 } }])
  const { cellId, error } = await engine.notice(errorOf('thrower'))
  assert.equal(cellId, 'thr')
  assert.match(error.message, /TypeError: .*cell-1\.ts:4:\d+/)
  const stats = await until(async () =>
    (await summary('thrower'))?.stats.errorCount === 2 ? (await summary('thrower'))?.stats : undefined,
  )
  assert.deepEqual([stats.state, stats.rowCount, stats.recordCount], ['running', 2, 4])
  assert.equal(engine.notices.filter(errorOf('thrower')).length, 1)
})

test('snapshot and restore put a state back; one of another plan is refused and the stream goes on', async () => {
  const feed: PlanNode = { op: 'feed', id: 'feed-5', partitions: 1, time: 'at', bounded: false }
  await runtime.start('kept-state', counting(feed, 1000), {})
  const port = runtime.feed('feed-5')
  await port.push([{ at: 1 }, { at: 2 }])
  const bytes = await runtime.snapshot('kept-state')
  await port.push([{ at: 3 }])
  await runtime.restore('kept-state', bytes)
  const stats = await until(async () =>
    (await summary('kept-state'))?.stats.recordCount === 2 ? (await summary('kept-state'))?.stats : undefined,
  )
  assert.equal(stats.state, 'running')
  await assert.rejects(runtime.restore('kept-state', await runtime.snapshot('talker')), { code: 'SNAPSHOT_INVALID' })
  assert.equal((await summary('kept-state'))?.stats.state, 'running')
})

test('a stopped stream is gone from the listing and its consumers go on', async () => {
  await runtime.stop('base')
  assert.equal(await summary('base'), undefined)
  assert.equal((await summary('doubled'))?.stats.state, 'running')
  await runtime.stop('base')
  await assert.rejects(runtime.stop('nobody'), { code: 'STREAM_UNKNOWN' })
})

test('the last frame of a stream that ended has its last counters', async () => {
  await runtime.createTopic('embedded', 'finite', { partitions: 1 })
  const rows = Array.from({ length: 20_000 }, (_, i) => ({ at: i }))
  await runtime.produce('embedded', 'finite', rows)
  const finite = topic('finite') as Extract<PlanNode, { op: 'topic' }>
  const plan = counting({ ...finite, options: { ...finite.options, to: 'latest' } }, 1000)
  await runtime.start('finite', plan, { cellId: 'a' })
  const browser = new BrowserEnd(engine, 'finite')
  const chart = browser.open(await runtime.show({ name: 'finite', plan: named('finite') }, {}))
  const last = await until(
    () => (browser.drain(), browser.last.get(chart)?.end === undefined ? undefined : browser.last.get(chart)),
  )
  const { state, recordCount, rowCount } = last.status
  assert.deepEqual([state, recordCount, rowCount], ['ended', 20_000, 20])
})

test('a chart that is made after the end has its rows, and says that it is over', async () => {
  const ten = topic('ten') as Extract<PlanNode, { op: 'topic' }>
  await runtime.start('over', { ...ten, options: { ...ten.options, to: 'latest' } }, { cellId: 'a' })
  const { recordCount } = await until(async () => {
    const stats = (await summary('over'))?.stats
    return stats?.state === 'ended' ? stats : undefined
  })
  const browser = new BrowserEnd(engine, 'over')
  for (const options of [{}, { keep: 3 }]) {
    const chart = browser.open(await runtime.show({ name: 'over', plan: named('over') }, options))
    const last = await until(
      () => (browser.drain(), browser.last.get(chart)?.end === undefined ? undefined : browser.last.get(chart)),
    )
    assert.deepEqual([last.status.state, last.status.recordCount], ['ended', recordCount])
    assert.equal(browser.rows.get(chart)?.size, options.keep ?? recordCount)
  }
  await runtime.start('none', { ...ten, options: { ...ten.options, from: 'latest', to: 'latest' } }, { cellId: 'a' })
  await until(async () => ((await summary('none'))?.stats.state === 'ended' ? true : undefined))
  const empty = browser.open(await runtime.show({ name: 'none', plan: named('none') }, {}))
  const end = await until(() => (browser.drain(), browser.last.get(empty)?.end))
  assert.equal(end.state, 'ended')
})

test('changes are kept for a page that asks, running or ended', async () => {
  await runtime.createTopic('embedded', 'changing', { partitions: 1 })
  const running: PlanNode = {
    op: 'window',
    input: topic('changing'),
    options: {
      window: undefined,
      by: [],
      aggregates: [{ name: 'n', aggregate: { kind: 'count' } }],
      latenessMs: 0,
      emit: 'final',
    },
  }
  await runtime.start('changing', running, { cellId: 'a' })
  const browser = new BrowserEnd(engine, 'changing')
  const chart = browser.open(await runtime.show({ name: 'changing', plan: named('changing') }, {}))
  const sent = async (count: number) =>
    until(() => {
      browser.drain()
      const changes = browser.changes.get(chart) ?? []
      return changes.length === count ? changes.map(({ weight, row }) => [weight, row['n']]) : undefined
    })
  await runtime.produce('embedded', 'changing', [{ at: 0 }])
  await until(() => (browser.drain(), browser.rows.get(chart)?.size === 1 ? true : undefined))
  assert.equal(browser.changes.size, 0)
  assert.deepEqual(browser.last.get(chart)?.status.changes, { insertedCount: 1, retractedCount: 0 })
  browser.send({ type: 'changes', chartId: chart, on: true })
  // What was before the question comes from the rows the engine keeps for charts that come late.
  assert.deepEqual(await sent(1), [[1, 1]])
  await runtime.produce('embedded', 'changing', [{ at: 1 }])
  const three = [
    [1, 1],
    [-1, 1],
    [1, 2],
  ]
  assert.deepEqual(await sent(3), three)
  browser.send({ type: 'changes', chartId: chart, on: false })
  await runtime.drain('changing')
  await until(() => (browser.drain(), browser.last.get(chart)?.end === undefined ? undefined : true))
  browser.send({ type: 'changes', chartId: chart, on: true })
  assert.deepEqual(await sent(6), [...three, ...three])
})

test('a cell run three times is one stream with one chart; after a stop it draws again', async () => {
  await runtime.createTopic('embedded', 'thrice', { partitions: 1 })
  await runtime.produce('embedded', 'thrice', [{ at: 0 }, { at: 1000 }, { at: 2000 }])
  const browser = new BrowserEnd(engine, 'thrice')
  const charts = new Set<string>()
  const cell = async () => {
    await runtime.start('thrice', counting(topic('thrice'), 1000), { cellId: 'a' })
    charts.add(browser.open(await runtime.show({ name: 'thrice', plan: topic('thrice') }, {})))
  }
  for (let i = 0; i < 3; i++) await cell()
  assert.equal(charts.size, 1)
  const [chart] = [...charts]
  await until(() => (browser.closed(chart!, 'n').size === 2 ? true : undefined))
  assert.equal((await runtime.list()).filter(s => s.name.startsWith('thrice')).length, 1)
  await runtime.stop('thrice')
  await until(() => {
    browser.drain()
    return browser.last.get(chart!)?.end?.state === 'stopped' ? true : undefined
  })
  const atStop = browser.last.get(chart!)!.sequence
  await runtime.produce('embedded', 'thrice', [{ at: 3000 }])
  // A stream of its own has handled the record: the stopped one had as much time, and said nothing.
  assert.equal((await take(runtime.subscribe(topic('thrice')), 4)).length, 4)
  browser.drain()
  assert.equal(browser.last.get(chart!)!.sequence, atStop)
  await cell()
  assert.equal(charts.size, 1)
  await until(() => (browser.closed(chart!, 'n').size === 3 ? true : undefined))
  assert.equal(browser.last.get(chart!)?.status.state, 'running')
})

test('an expression shown without a name runs once and is not listed', async () => {
  const plan = counting(topic('thrice'), 500)
  const browser = new BrowserEnd(engine, 'view')
  const first = browser.open(await runtime.show({ name: undefined, plan }, {}))
  const second = browser.open(await runtime.show({ name: undefined, plan: counting(topic('thrice'), 500) }, {}))
  assert.equal(second, first)
  await until(() => (browser.closed(first, 'n').size > 0 ? true : undefined))
  assert.equal(
    (await runtime.list()).some(s => s.name.startsWith('view')),
    false,
  )
})

test('a mark that a stream has nothing for is refused, with what has', async () => {
  await runtime.start('plain', counting(topic('ten'), 1000, 'n'), { cellId: 'p' })
  for (const [mark, hint] of [
    ['lanes', /%%join/],
    ['timeline', /%%cep/],
    ['scores', /%%score/],
  ] as const)
    // prettier-ignore
    await assert.rejects(runtime.show({ name: 'plain', plan: named('plain') }, { mark }), {
      code: 'CHART_INVALID',
      message: new RegExp(`^Cannot draw stream "plain" as ${mark}: `),
      hint,
    })
})

test('a chart of a field that is not there is refused; one whose field goes is told in its cell', async () => {
  await runtime.start('drawn', counting(topic('ten'), 1000, 'n'), { cellId: 'd' })
  await assert.rejects(runtime.show({ name: 'drawn', plan: named('drawn') }, { y: 'm' }), {
    code: 'CHART_INVALID',
    message: /no field "m"/,
  })
  const browser = new BrowserEnd(engine, 'drawn')
  const chart = browser.open(await runtime.show({ name: 'drawn', plan: named('drawn') }, { y: 'n' }))
  await runtime.start('drawn', counting(topic('ten'), 1000, 'total'), { cellId: 'd' })
  const { error } = await engine.notice(errorOf('drawn'))
  assert.deepEqual([error.code, error.message], ['CHART_INVALID', 'Cannot draw stream "drawn": it has no field "n"'])
  await until(() => {
    browser.drain()
    return browser.last.get(chart)?.end?.state === 'failed' ? true : undefined
  })
  assert.equal((await summary('drawn'))?.stats.state, 'running')
})
