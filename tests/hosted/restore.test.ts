/** The compute worker may end at any moment: what it gave before and what its successor gives are together one undisturbed run. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Connections } from '../../kernel/engine/connections.ts'
import { PROGRESS } from '../../kernel/engine/compute-protocol.ts'
import type { FromCompute, RunSpec } from '../../kernel/engine/compute-protocol.ts'
import { ComputeRun } from '../../kernel/engine/compute-run.ts'
import { Engine } from '../../kernel/engine/engine.ts'
import type { EngineOptions } from '../../kernel/engine/engine.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import type { FeedNode, PlanNode } from '../../stream/plan.ts'
import { EmbeddedConnection } from '../../stream/connectors/embedded.ts'
import { buildPipeline } from '../../stream/pipeline.ts'
import { decodeBatch } from '../../stream/schemas/decode.ts'
import { SharedRows } from '../../stream/schemas/shared-rows.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { builtOrSource, until } from './hosted.ts'
import { hangLimitMs, settings } from '../properties/settings.ts'

interface Row {
  at: number
  v: number
  k: string
}

const feed = (id: string): PlanNode => ({ op: 'feed', id, partitions: 1, time: 'at', outOfOrderMs: 50, bounded: false })
const windowed = (input: PlanNode): PlanNode => ({
  op: 'window',
  input,
  options: {
    window: { kind: 'tumbling', sizeMs: 100, offsetMs: 0 },
    by: [{ name: 'k' }],
    aggregates: [
      { name: 'n', aggregate: { kind: 'count' } },
      { name: 'total', aggregate: { kind: 'sum', value: 'v' } },
      { name: 'high', aggregate: { kind: 'max', value: 'v' } },
    ],
    latenessMs: 20,
    emit: 'changes',
  },
})

/** What a pipeline in this thread gives that nobody disturbs. */
function undisturbed(plan: PlanNode, batches: Row[][]): unknown[] {
  const rows: unknown[] = []
  const pipeline = buildPipeline(plan, {
    revive: () => () => undefined,
    decode: batch => decodeBatch(batch),
    onOutput: batch => batch.rows.forEach((row, i) => rows.push([batch.weights?.[i] ?? 1, row, batch.eventTimesMs[i]])),
  })
  for (const batch of batches) pipeline.push(0, { kind: 'rows', rows: batch, processingTimeMs: 0 })
  pipeline.push(0, { kind: 'end' })
  return rows
}

function makeEngine(more: Partial<EngineOptions> = {}): Engine {
  return new Engine({
    worker: builtOrSource('kernel/engine/compute-worker'),
    connections: new Connections(new EmbeddedConnection({ clock: wallClock, demos: [] })),
    chart: () => {},
    lambdaOutput: () => {},
    streamError: () => {},
    paramChanged: () => {},
    ...more,
  })
}

const row = fc.record({
  at: fc.integer({ min: 0, max: 3000 }),
  v: fc.integer({ min: -9, max: 9 }),
  k: fc.constantFrom('a', 'b', 'c'),
})
type Step = Row[] | 'kill' | 'snapshot' | 'kill and snapshot'

test('random kills and snapshots at random points change no row', { timeout: hangLimitMs(120_000) }, async () => {
  const engine = makeEngine()
  const cells = engine.forCells({})
  let id = 0
  let replaced = 0
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.array(row, { minLength: 1, maxLength: 60 }) },
    { weight: 2, arbitrary: fc.constantFrom<Step>('kill', 'snapshot', 'kill and snapshot') },
  )
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps: Step[]) => {
        const plan = windowed(feed(`f${++id}`))
        const subscription = await cells.subscribe(plan, { changes: true })
        const { run } = engine.subscriptions.executions().at(-1)!
        const pushes: Promise<void>[] = []
        const batches: Row[][] = []
        for (const what of steps) {
          if (Array.isArray(what)) {
            batches.push(what)
            // Not awaited: events are on their way when the worker ends.
            pushes.push(Promise.resolve(cells.feedPush(`f${id}`, what, {})))
            if (batches.length % 3 === 0) await pushes.at(-1)
          }
          if (what === 'snapshot' || what === 'kill and snapshot') run.snapshotIfDue(Infinity)
          if (what === 'kill' || what === 'kill and snapshot') {
            engine.compute.replaceWorker()
            replaced++
          }
        }
        pushes.push(Promise.resolve(cells.feedEnd(`f${id}`)))
        const rows: unknown[] = []
        for (let chunk = await cells.rows(subscription); chunk !== null; chunk = await cells.rows(subscription)) {
          const { weights, eventTimesMs } = chunk
          chunk.rows.forEach((r, i) => rows.push([weights?.[i] ?? 1, r, eventTimesMs[i]]))
        }
        await Promise.all(pushes)
        await cells.unsubscribe(subscription)
        assert.deepEqual(rows, undisturbed(plan, batches))
      }),
      { seed: 7, ...settings(15) },
    )
    assert.ok(replaced > 5, `only ${replaced} workers ended`)
  } finally {
    await engine.close()
  }
})

test(
  'a topic is read on after a kill from the journal, nothing twice and nothing left out',
  { timeout: 60_000 },
  async () => {
    const engine = makeEngine()
    const cells = engine.forCells({})
    try {
      await cells.createTopic('embedded', 't', { partitions: 1 })
      const rows: Row[] = Array.from({ length: 20_000 }, (_, i) => ({ at: i, v: i % 10, k: 'abc'[i % 3]! }))
      await cells.produce('embedded', 't', rows, {})
      const topic: PlanNode = {
        op: 'topic',
        connection: 'embedded',
        topic: 't',
        options: { from: 'earliest', time: 'at', outOfOrderMs: 50 },
      }
      const subscription = await cells.subscribe(windowed(topic), { bounded: true })
      const got: unknown[] = []
      for (let i = 0; ; i++) {
        const chunk = await cells.rows(subscription)
        if (chunk === null) break
        chunk.rows.forEach((r, at) => got.push([1, r, chunk.eventTimesMs[at]]))
        if (i % 4 === 1 && i < 20) engine.compute.replaceWorker()
      }
      const all = undisturbed(windowed(topic), [rows]) as [number, unknown, number][]
      assert.deepEqual(
        got,
        all.filter(([weight]) => weight === 1),
      )
      assert.ok(engine.compute.replacedCount > 0)
    } finally {
      await engine.close()
    }
  },
)

test('params and named streams come back as they were', { timeout: 60_000 }, async () => {
  const engine = makeEngine()
  const cells = engine.forCells({})
  try {
    await cells.defineParam({ name: 'least', value: 3 })
    const f = {
      kind: 'lambda' as const,
      text: 'r => r.v >= least.value',
      captures: { least: { kind: 'param' as const, name: 'least' } },
      site: { cell: 'cell-1.ts', line: 1, column: 1, excerpt: '' },
    }
    const plan: PlanNode = { op: 'filter', input: feed('p'), f }
    await cells.start('kept', plan, {})
    const subscription = await cells.subscribe(plan, {})
    await cells.feedPush(
      'p',
      [
        { at: 1, v: 2 },
        { at: 2, v: 4 },
      ],
      {},
    )
    const rows: unknown[] = []
    const read = async (count: number) => {
      while (rows.length < count) rows.push(...(await cells.rows(subscription))!.rows.map(r => (r as Row).at))
    }
    // A reader that begins late sees the first rows with the params of then.
    await read(1)
    await cells.setParam('least', 1)
    await cells.feedPush('p', [{ at: 3, v: 2 }], {})
    const runs = [...engine.subscriptions.executions()]
    runs[0]!.run.snapshotIfDue(Infinity)
    await cells.snapshot('kept')
    engine.compute.replaceWorker()
    await cells.feedPush(
      'p',
      [
        { at: 4, v: 0 },
        { at: 5, v: 1 },
      ],
      {},
    )
    await read(3)
    assert.deepEqual(rows, [2, 3, 5])
    const stats = await until(async () => {
      const found = (await cells.list())[0]?.stats
      return found?.recordCount === 5 ? found : undefined
    })
    assert.deepEqual([stats.state, stats.rowCount], ['running', 3])
  } finally {
    await engine.close()
  }
})

test('a lambda that eats the memory fails its stream, the others go on', { timeout: 60_000 }, async () => {
  const told = new Map<string, StreamErrorParts>()
  const engine = makeEngine({
    heapMb: 96,
    runawayMs: 30_000,
    streamError: (_cell, stream, error) => void told.set(stream, error),
  })
  const cells = engine.forCells({})
  try {
    const f = {
      kind: 'lambda' as const,
      text: 'r => { const all = []; while (all) all.push({ r, n: all.length, more: [all.length] }) }',
      captures: {},
      site: { cell: 'cell-2.ts', line: 3, column: 4, excerpt: 'r => …' },
    }
    await cells.start('modest', windowed(feed('m')), {})
    await cells.start('hungry', { op: 'map', input: feed('m'), f }, {})
    const pushed = cells.feedPush('m', [{ at: 1, v: 1, k: 'a' }], {})
    const error = await until(() => told.get('hungry'), 40_000)
    assert.equal(error.code, 'STATE_TOO_LARGE')
    assert.match(error.detail ?? '', /^cell-2\.ts:3:4/)
    await pushed
    await cells.feedPush('m', [{ at: 500, v: 1, k: 'a' }], {})
    await until(async () =>
      (await cells.list()).find(s => s.name === 'modest')?.stats.recordCount === 2 ? true : undefined,
    )
  } finally {
    await engine.close()
  }
})

/** A join of 10,000 rows that wait, in this thread: a snapshot is asked for, another row comes, and one is asked for again. */
async function snapshotsOf({ plan, commits }: Saved): Promise<FromCompute[]> {
  const posted: FromCompute[] = []
  const spec: RunSpec = {
    run: 1,
    name: 'paid',
    plan,
    deliver: 'nothing',
    params: {},
    models: [],
    taps: [],
    commits,
    looking: false,
    silentUntil: 0,
  }
  const run = new ComputeRun(spec, new SharedRows(), new Int32Array(PROGRESS.cells), message => posted.push(message))
  await run.open(f => f())
  const send = (sequence: number, rows: readonly unknown[]) =>
    run.receive({
      type: 'event',
      run: 1,
      sequence,
      event: { kind: 'source', source: 0, event: { kind: 'rows', rows } },
    })
  send(
    1,
    Array.from({ length: 10_000 }, (_, id) => ({ id, at: id })),
  )
  run.receive({ type: 'snapshot', run: 1 })
  send(2, [{ id: 10_000, at: 10_000 }])
  run.receive({ type: 'snapshot', run: 1 })
  const kinds = posted.filter(({ type }) => type === 'handled' || type === 'snapshot')
  assert.deepEqual(
    kinds.map(message => message.type),
    commits || plan !== waitingPlan ? ['handled'] : ['handled', 'handled'],
    'nothing is written yet',
  )
  while (posted.filter(({ type }) => type === 'snapshot').length < 2)
    await new Promise(resolve => setImmediate(resolve))
  run.close()
  return posted.filter(({ type }) => type === 'handled' || type === 'snapshot')
}

const side = (id: string): FeedNode => ({ op: 'feed', id, partitions: 1, time: 'at', bounded: false })
const waitingPlan: PlanNode = {
  op: 'join',
  left: side('l'),
  right: side('r'),
  options: { mode: { kind: 'interval', fromMs: 0, toMs: 1e9 }, type: 'left', on: [{ left: 'id', right: 'id' }] },
}

interface Saved {
  readonly plan: PlanNode
  readonly commits: boolean
}

const seen: PlanNode = {
  op: 'map',
  input: waitingPlan,
  f: {
    kind: 'lambda',
    text: 'r => { r.left.seen = true; return r }',
    captures: {},
    site: { cell: 'cell-1.ts', line: 1, column: 1, excerpt: '' },
  },
}
const going = ['handled', 'handled', 'state 1', 'state 2']
const standing = ['handled', 'state 1', 'handled', 'state 2']

for (const [name, saved, order] of [
  ['rows go on while the state of a join is written', { plan: waitingPlan, commits: false }, going],
  ['rows wait for the state of a join that ends a transaction', { plan: waitingPlan, commits: true }, standing],
  ['rows wait for the state of a join whose rows a lambda may change', { plan: seen, commits: false }, standing],
] as const) {
  test(name, { timeout: 20_000 }, async () => {
    const messages = await snapshotsOf(saved)
    assert.deepEqual(
      messages.map(message => (message.type === 'snapshot' ? `state ${message.base.sequence}` : message.type)),
      order,
    )
    const waiting = messages.flatMap(message => {
      if (message.type !== 'snapshot') return []
      const pipeline = buildPipeline(saved.plan, {
        revive: () => (row: unknown) => row,
        decode: () => ({ rows: [], keys: [], failures: [] }),
        onOutput: () => {},
      })
      pipeline.restore(message.base.bytes)
      return [pipeline.stats().waitingCount]
    })
    assert.deepEqual(waiting, [10_000, 10_001])
  })
}
