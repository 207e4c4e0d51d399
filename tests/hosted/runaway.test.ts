/** A lambda that never returns ends as its own stream's failure; everything else goes on with nothing wrong or missing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineNotice } from '../../kernel/engine/protocol.ts'
import type { PlanNode } from '../../stream/plan.ts'
import { BrowserEnd } from './browser-end.ts'
import { engineOfFile } from './engine-of-file.ts'
import { until } from './hosted.ts'

interface Order {
  at: number
  amount: number
}

const { engine, runtime, notebook } = await engineOfFile()

const topic = (name: string): PlanNode => ({
  op: 'topic',
  connection: 'embedded',
  topic: name,
  options: { from: 'earliest', time: 'at', outOfOrderMs: 0 },
})

const windowed = (input: PlanNode, kind: 'sum' | 'count'): PlanNode => ({
  op: 'window',
  input,
  options: {
    window: { kind: 'tumbling', sizeMs: 1000, offsetMs: 0 },
    by: [],
    aggregates: [{ name: 'value', aggregate: kind === 'sum' ? { kind, value: 'amount' } : { kind } }],
    latenessMs: 0,
    emit: 'final',
  },
})

type ErrorNotice = Extract<EngineNotice, { type: 'streamError' }>
const errorOf =
  (stream: string) =>
  (n: EngineNotice): n is ErrorNotice =>
    n.type === 'streamError' && n.stream === stream

test('a lambda that never returns fails its stream with the line, two charts go on with every window right', async () => {
  await runtime.createTopic('embedded', 'run', { partitions: 1 })
  const f = notebook.lambda(
    (o: Order) => {
      if (o.amount === 13) for (;;);
      return o
    },
    {},
    7,
  )
  await runtime.start('sums', windowed(topic('run'), 'sum'), { cellId: 'a' })
  await runtime.start(
    'counts',
    windowed({ op: 'map', input: topic('run'), f: runtime.ship(notebook.lambda((o: Order) => o)) }, 'count'),
    { cellId: 'b' },
  )
  await runtime.start('bad', { op: 'map', input: topic('run'), f: runtime.ship(f) }, { cellId: 'c' })
  const browser = new BrowserEnd(engine, 'one')
  const sums = browser.open(await runtime.show({ name: 'sums', plan: topic('run') }, { keep: 1000 }))
  const counts = browser.open(await runtime.show({ name: 'counts', plan: topic('run') }, { keep: 1000 }))

  const rows: Order[] = []
  let at = 0
  const produce = async (amount: number) => {
    rows.push({ at, amount })
    await runtime.produce('embedded', 'run', [{ at, amount }])
    at += 250
  }
  for (let i = 0; i < 40; i++) await produce(i % 7)
  await until(() => (browser.closed(sums, 'value').size >= 9 ? true : undefined))
  await produce(13)
  const poisoned = performance.now()
  const windowOfPoison = Math.floor((at - 250) / 1000) * 1000
  let movedAfterMs = Infinity
  // The topic goes on being filled while the worker is stuck, ended and restored.
  await until(async () => {
    await produce(at % 5)
    const moved = [sums, counts].every(chart => browser.closed(chart, 'value').has(windowOfPoison))
    if (moved) movedAfterMs = Math.min(movedAfterMs, performance.now() - poisoned)
    return moved ? true : undefined
  })
  // The budget is 4 s; this is its hang limit.
  assert.ok(movedAfterMs < 40_000, `charts went on after ${movedAfterMs} ms`)

  const { cellId, error } = await engine.notice(errorOf('bad'))
  assert.equal(cellId, 'c')
  assert.equal(error.code, 'LAMBDA_RUNAWAY')
  assert.match(error.detail ?? '', /^cell-1\.ts:7:1 /)
  assert.equal(engine.notices.filter(errorOf('bad')).length, 1)

  const expectedSums = new Map<number, number>()
  const expectedCounts = new Map<number, number>()
  const whole = Math.floor((at - 250) / 1000) * 1000
  for (const row of rows) {
    const start = Math.floor(row.at / 1000) * 1000
    if (start >= whole) continue
    expectedSums.set(start, (expectedSums.get(start) ?? 0) + row.amount)
    expectedCounts.set(start, (expectedCounts.get(start) ?? 0) + 1)
  }
  await until(() => (browser.closed(sums, 'value').size === expectedSums.size ? true : undefined))
  await until(() => (browser.closed(counts, 'value').size === expectedCounts.size ? true : undefined))
  assert.deepEqual(browser.closed(sums, 'value'), expectedSums)
  assert.deepEqual(browser.closed(counts, 'value'), expectedCounts)
  const states = Object.fromEntries((await runtime.list()).map(s => [s.name, s.stats.state]))
  assert.deepEqual(states, { sums: 'running', counts: 'running', bad: 'failed' })
})

test('stop of a stream stuck in its lambda takes half a second, others go on', async () => {
  await runtime.createTopic('embedded', 'stuck', { partitions: 1 })
  const loop = notebook.lambda(() => {
    console.log('inside')
    for (;;);
  })
  await runtime.start('other', windowed(topic('stuck'), 'count'), {})
  await runtime.start('stuck', { op: 'map', input: topic('stuck'), f: runtime.ship(loop) }, {})
  await runtime.produce('embedded', 'stuck', [{ at: 0, amount: 1 }])
  await engine.notice(
    (n): n is Extract<EngineNotice, { type: 'lambdaOutput' }> => n.type === 'lambdaOutput' && n.text === 'inside\n',
  )
  const begun = performance.now()
  await runtime.stop('stuck')
  // The budget is half a second; this is its hang limit.
  assert.ok(performance.now() - begun < 5000)
  await runtime.produce('embedded', 'stuck', [{ at: 5000, amount: 1 }])
  const other = await until(async () => {
    const found = (await runtime.list()).find(s => s.name === 'other')
    return found?.stats.rowCount === 1 ? found : undefined
  })
  assert.equal(other.stats.recordCount, 2)
  assert.equal(engine.notices.some(errorOf('stuck')), false)
})

test('a slow batch is no runaway: progress is calls that end', async () => {
  await runtime.createTopic('embedded', 'slow', { partitions: 1 })
  const slow = notebook.lambda((o: Order) => {
    const end = Date.now() + 60
    while (Date.now() < end);
    return o
  })
  await runtime.produce(
    'embedded',
    'slow',
    Array.from({ length: 60 }, (_, i) => ({ at: i, amount: 1 })),
  )
  const plan: PlanNode = { op: 'map', input: topic('slow'), f: runtime.ship(slow) }
  const source = runtime.subscribe(plan, { bounded: true })
  let count = 0
  for (let chunk = await source.next(); chunk !== null; chunk = await source.next()) count += chunk.rows.length
  assert.equal(count, 60)
})

test('process.exit() in a lambda fails its own stream only', async () => {
  await runtime.createTopic('embedded', 'exit', { partitions: 1 })
  await runtime.start('survivor', windowed(topic('exit'), 'count'), {})
  await runtime.start(
    'quitter',
    { op: 'map', input: topic('exit'), f: runtime.ship(notebook.lambda(() => process.exit(1))) },
    { cellId: 'q' },
  )
  await runtime.produce('embedded', 'exit', [
    { at: 0, amount: 1 },
    { at: 5000, amount: 1 },
  ])
  const { error } = await engine.notice(errorOf('quitter'))
  assert.match(error.hint ?? '', /process\.exit/)
  await until(async () =>
    (await runtime.list()).find(s => s.name === 'survivor')?.stats.rowCount === 1 ? true : undefined,
  )
})
