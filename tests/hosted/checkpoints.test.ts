/**
 * What an engine kept on disk makes the next one go on as if nothing had happened: the state at the end is that of an engine nobody
 * disturbed. The topics outlive the engines here, as those of a broker do.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { deserialize } from 'node:v8'
import { Connections } from '../../kernel/engine/connections.ts'
import { Engine } from '../../kernel/engine/engine.ts'
import type { Remembered } from '../../kernel/engine/recall.ts'
import { CheckpointStore } from '../../stream/checkpoints/store.ts'
import { EmbeddedConnection } from '../../stream/connectors/embedded.ts'
import type { Connection } from '../../stream/connectors/connector.ts'
import { LocalRuntime } from '../../stream/targets/local.ts'
import type { StreamStats } from '../../stream/model.ts'
import type { PlanNode } from '../../stream/plan.ts'
import { LIVE_MIME } from '../../stream/charts/protocol.ts'
import type { ChartOptions, ChartRow, LiveBundle } from '../../stream/charts/protocol.ts'
import { stateOf as stateIn } from '../../stream/state/snapshot-bytes.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { builtOrSource, startEngine, until } from './hosted.ts'

const root = mkdtempSync(join(tmpdir(), 'resume-'))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const newFolder = () => join(root, `folder-${folders++}`)

/** A broker that outlives the engines. */
class Outside extends Connections {
  readonly #broker: Connection

  constructor(broker: Connection) {
    super(new EmbeddedConnection({ clock: wallClock, demos: [] }))
    this.#broker = broker
  }

  override find(name: string): Connection | undefined {
    return name === 'prod' ? this.#broker : super.find(name)
  }

  override get(name: string): Connection {
    return name === 'prod' ? this.#broker : super.get(name)
  }

  override async close(): Promise<void> {}
}

/** Ended after the file, also when a check failed. */
const made: Engine[] = []
after(() => Promise.all(made.map(engine => engine.close())))

function makeEngine(broker: Connection, said: string[] = []) {
  const remembered = new Map<string, Remembered>()
  const engine = new Engine({
    worker: builtOrSource('kernel/engine/compute-worker'),
    connections: new Outside(broker),
    chart: () => {},
    lambdaOutput: (_cell, _name, text) => void said.push(text.trim()),
    streamError: (_cell, stream, error) => void said.push(`${stream}: ${error.message}`),
    paramChanged: () => {},
    remember: (key, value) => void (value === undefined ? remembered.delete(key) : remembered.set(key, value)),
  })
  made.push(engine)
  return { engine, cells: engine.forCells({}), remembered }
}

/** As a kill -9: nothing is said any more, nothing is written. */
const kill = ({ engine }: { engine: Engine }) => engine.compute.close()

const topicNode = (topic: string): PlanNode => ({
  op: 'topic',
  connection: 'prod',
  topic,
  options: { from: 'earliest', time: 'at', outOfOrderMs: 20, format: 'json' },
})
const joined: PlanNode = {
  op: 'join',
  left: topicNode('orders'),
  right: topicNode('payments'),
  options: {
    mode: { kind: 'interval', fromMs: -50, toMs: 50 },
    type: 'full',
    on: [{ left: 'k', right: 'k' }],
  },
}

/** Rows with times that wander by up to 19 ms, a second part late. */
const rowsOf = (salt: number, from: number, to: number) =>
  Array.from({ length: to - from }, (_, j) => {
    const i = from + j
    return { at: i - ((i * salt) % 20), k: (i * salt) % 7, v: i }
  })

async function filled(parts: readonly (readonly [number, number])[]): Promise<EmbeddedConnection> {
  const broker = new EmbeddedConnection({ clock: wallClock, demos: [] })
  for (const name of ['orders', 'payments']) await broker.create(name, { partitions: 2 })
  for (const [from, to] of parts) await send(broker, from, to)
  return broker
}

async function send(broker: Connection, from: number, to: number): Promise<void> {
  const encoder = new TextEncoder()
  for (const [name, salt] of [
    ['orders', 7],
    ['payments', 11],
  ] as const)
    // prettier-ignore
    await broker.produce(
      name,
      rowsOf(salt, from, to).map(row => ({ key: encoder.encode(`${row.k}`), value: encoder.encode(JSON.stringify(row)), timestampMs: row.at })), // prettier-ignore
    )
}

/** Of each source of the newest checkpoint: where it goes on. */
async function keptPositions(folder: string, name: string): Promise<string[]> {
  const found = await new CheckpointStore(folder).newest(name, () => {})
  const { meta } = found ?? assert.fail(name)
  const { own } = meta as { own: { base: { positions: unknown[][] } } }
  return own.base.positions.map(of => (of.length > 0 ? 'positions' : 'earliest'))
}

/** That the stream has read so many records, and knows that there are no more. */
const wholeRead = (stats: StreamStats | undefined, count: number) =>
  stats?.recordCount === count && stats.time?.sources.flat().every(({ phase }) => phase === 'idle') ? true : undefined

const recordCount = async (cells: ReturnType<Engine['forCells']>, name: string, count: number) =>
  until(async () => wholeRead((await cells.list()).find(s => s.name === name)?.stats, count))

/** State of a stream without the parts of the machinery. */
const stateOf = (bytes: Uint8Array) => {
  const { operators, rowCount, watermarkMs, counters } = stateIn(bytes) as Record<string, unknown>
  return { operators, rowCount, watermarkMs, counters }
}

/** The same topics read by a program that nobody ends. */
async function undisturbed(): Promise<Uint8Array> {
  const broker = await filled([
    [0, 3000],
    [3000, 5000],
  ])
  const runtime = new LocalRuntime({ embedded: async () => broker })
  await runtime.start('paid', JSON.parse(JSON.stringify(joined).replaceAll('"prod"', '"embedded"')) as PlanNode)
  await until(async () => wholeRead((await runtime.list())[0]?.stats, 10_000))
  const bytes = await runtime.snapshot('paid')
  await runtime.close()
  return (deserialize(bytes) as { pipeline: Uint8Array }).pipeline
}

test(
  'a killed engine is followed by one that goes on: same rows, same state, nothing read twice',
  { timeout: 60_000 },
  async () => {
    const folder = newFolder()
    const broker = await filled([[0, 3000]])
    const first = makeEngine(broker)
    await first.cells.checkpoint({ everyMs: 10, folder })
    await first.cells.start('paid', joined, {})
    // In the midst of reading: what is kept may have nothing yet of one of the topics.
    await until(async () =>
      (await first.cells.checkpoint(undefined)).streams[0]?.savedAtMs === undefined ? undefined : true,
    )
    await kill(first)
    const kept = await keptPositions(folder, 'paid')
    await send(broker, 3000, 5000)
    const said: string[] = []
    const second = makeEngine(broker, said)
    const reads: string[] = []
    const read = broker.read.bind(broker)
    broker.read = (name, options) => {
      reads.push(`${name} from ${options.positions === undefined ? options.from : 'positions'}`)
      return read(name, options)
    }
    await second.engine.forSupervisor(() => {}).recall([...first.remembered.values()])
    await recordCount(second.cells, 'paid', 10_000)
    assert.deepEqual(reads, [`orders from ${kept[0]}`, `payments from ${kept[1]}`])
    assert.ok(kept.includes('positions'))
    assert.match(said[0]!, /^Stream "paid" goes on from its checkpoint of \d{4}-/)

    assert.deepEqual(stateOf(await second.cells.snapshot('paid')), stateOf(await undisturbed()))
    assert.ok(((await second.cells.list())[0]?.stats.rowCount ?? 0) > 3000)
  },
)

/** What the chart shows now. */
async function shownRows({ engine }: { engine: Engine }, chartId: string): Promise<readonly ChartRow[]> {
  const picture = await engine.forSupervisor(() => {}).chartPicture(chartId)
  const { bundle } = picture ?? assert.fail(chartId)
  return (bundle[LIVE_MIME] as LiveBundle).last.rows
}

test('the charts of a stream that goes on are those of one that nobody disturbed', { timeout: 60_000 }, async () => {
  const folder = newFolder()
  const counts: PlanNode = {
    op: 'window',
    input: topicNode('orders'),
    options: {
      window: { kind: 'tumbling', sizeMs: 100, offsetMs: 0 },
      by: [{ name: 'k' }],
      aggregates: [{ name: 'n', aggregate: { kind: 'count' } }],
      latenessMs: 0,
      emit: 'final',
    },
  }
  /** Starts the streams, shows their charts, and gives these when they show the records of both topics to the end. */
  const charts = async ({ cells, engine }: ReturnType<typeof makeEngine>, count: number) => {
    const show = async (name: string, plan: PlanNode, options: ChartOptions) => {
      await cells.start(name, plan, {})
      return ((await cells.show({ name, plan }, options))[LIVE_MIME] as LiveBundle).chartId
    }
    const chartIds = [await show('counts', counts, { keep: 400 }), await show('single', topicNode('single'), { keep: 300 })] // prettier-ignore
    const whole = async (chartId: string, end: (rows: readonly ChartRow[]) => boolean) =>
      until(async () => {
        const rows = await shownRows({ engine }, chartId)
        return end(rows) ? rows : undefined
      })
    return {
      counts: await whole(chartIds[0]!, rows => rows.reduce((sum, { n }) => sum + Number(n), 0) === count),
      single: await whole(chartIds[1]!, rows => rows.at(-1)?.['v'] === count - 1),
    }
  }
  const put = async (broker: Connection, from: number, to: number) => {
    await send(broker, from, to)
    const value = (v: number) => new TextEncoder().encode(JSON.stringify({ at: v, v }))
    await broker.produce('single', Array.from({ length: to - from }, (_, i) => ({ key: null, value: value(from + i) }))) // prettier-ignore
  }
  const brokerWith = async (count: number) => {
    const broker = await filled([])
    await broker.create('single', { partitions: 1 })
    await put(broker, 0, count)
    return broker
  }
  const broker = await brokerWith(2000)
  const first = makeEngine(broker)
  await first.cells.checkpoint({ everyMs: 3_600_000, folder })
  await charts(first, 2000)
  // The save of the notebook.
  first.engine.chartMessage('page', { type: 'saved' })
  const saved = async () => (await first.cells.checkpoint(undefined)).streams.every(s => s.savedAtMs !== undefined)
  await until(async () => ((await saved()) ? true : undefined))
  await kill(first)
  // So few that most of what is shown is from before.
  await put(broker, 2000, 2050)
  const second = makeEngine(broker)
  await second.cells.checkpoint({ everyMs: 3_600_000, folder })
  const after = await charts(second, 2050)
  const alone = makeEngine(await brokerWith(2050))
  const undisturbed = await charts(alone, 2050)
  const { single } = after
  assert.deepEqual([single.length, single[0]?.['v'], single[0]?.$key], [300, 1750, 'r1750'])
  assert.deepEqual(single, undisturbed.single)
  const texts = (rows: readonly ChartRow[]) => rows.map(row => JSON.stringify(row)).sort()
  assert.deepEqual(texts(after.counts), texts(undisturbed.counts))
})

test('a chart of a killed engine has its id and its rows in the next', { timeout: 60_000 }, async () => {
  const folder = newFolder()
  const broker = await filled([[0, 100]])
  const first = makeEngine(broker)
  await first.cells.checkpoint({ everyMs: 3_600_000, folder })
  const single = topicNode('orders')
  await first.cells.start('single', single, {})
  const show = async ({ cells }: ReturnType<typeof makeEngine>, options: ChartOptions) =>
    ((await cells.show({ name: 'single', plan: single }, options))[LIVE_MIME] as LiveBundle).chartId
  await show(first, { keep: 5 })
  const chartId = await show(first, { keep: 400 })
  const shown = await until(async () => {
    const rows = await shownRows(first, chartId)
    return rows.length === 100 ? rows : undefined
  })
  first.engine.chartMessage('page', { type: 'saved' })
  const saved = async () => (await first.cells.checkpoint(undefined)).streams.every(s => s.savedAtMs !== undefined)
  await until(async () => ((await saved()) ? true : undefined))
  await kill(first)
  const second = makeEngine(broker)
  await second.engine.forSupervisor(() => {}).recall([...first.remembered.values()])
  assert.deepEqual(await shownRows(second, chartId), shown)
  assert.equal(await show(second, { keep: 400 }), chartId)
  assert.deepEqual(
    [await show(second, { keep: 5 }), chartId, await show(second, { keep: 300 })],
    ['single#1', 'single#2', 'single#3'],
  )
})

test(
  'charts and cells of a stopped stream are remembered no more, until it begins again',
  { timeout: 60_000 },
  async () => {
    const { engine, cells, remembered } = makeEngine(await filled([[0, 10]]))
    const supervisor = engine.forSupervisor(() => {})
    await cells.checkpoint({ everyMs: 3_600_000, folder: newFolder() })
    const plan = topicNode('orders')
    const kept = () => [...remembered.keys()].filter(key => /^(?:stream|chart|cell) /.test(key)).sort()
    const show = async (name: string | undefined) =>
      ((await cells.show({ name, plan }, {}))[LIVE_MIME] as LiveBundle).chartId
    await cells.start('first', plan, {})
    await cells.start('other', plan, {})
    const shown = [await show('first'), await show('other')]
    await supervisor.cellCharts('a', shown)
    await supervisor.cellCharts('b', shown.slice(0, 1))
    const both = ['cell a', 'cell b', `chart ${shown[0]}`, `chart ${shown[1]}`, 'stream first', 'stream other']
    assert.deepEqual(kept(), both)
    // A chart without a name is in no checkpoint: nobody shows it again.
    await supervisor.cellCharts('c', [await show(undefined)])
    assert.deepEqual(kept(), both)
    await cells.stop('first')
    assert.deepEqual(kept(), ['cell a', `chart ${shown[1]}`, 'stream other'])
    await cells.start('first', plan, {})
    assert.deepEqual(kept(), both)
    await supervisor.cellCharts('b', [])
    for (const name of ['first', 'other']) await cells.stop(name)
    assert.deepEqual(kept(), [])
  },
)

test('streams that cannot be read again are told, not kept', { timeout: 60_000 }, async () => {
  const folder = newFolder()
  const { engine, cells } = makeEngine(await filled([]))
  await cells.createTopic('embedded', 't', { partitions: 1 })
  await cells.checkpoint({ everyMs: 3_600_000, folder })
  const feed: PlanNode = { op: 'feed', id: 'f', partitions: 1, bounded: false }
  await cells.start('pushed', feed, {})
  await cells.start('own', { op: 'topic', connection: 'embedded', topic: 't', options: {} }, {})
  const { streams } = await cells.checkpoint(undefined)
  assert.deepEqual(
    streams.map(({ name, refusal }) => [name, refusal]),
    [
      ['pushed', 'it reads rows that a cell pushes: they are gone with the cell'],
      ['own', 'the built-in topic "t" ends with the engine, what a cell sent to it too'],
    ],
  )
  await engine.close()
  assert.throws(() => readdirSync(folder))
})

test(
  'kill -9 of an engine process: the next one goes on with the demo topics where they were',
  { timeout: 60_000 },
  async () => {
    const folder = newFolder()
    const plan: PlanNode = {
      op: 'window',
      input: { op: 'topic', connection: 'embedded', topic: 'orders', options: { from: 'earliest', time: 'orderedAt' } },
      options: {
        window: { kind: 'tumbling', sizeMs: 1000, offsetMs: 0 },
        by: [],
        aggregates: [{ name: 'n', aggregate: { kind: 'count' } }],
        latenessMs: 0,
        emit: 'final',
      },
    }
    const first = await startEngine()
    const runtime = first.runtime()
    await runtime.checkpoint({ everyMs: 20, folder })
    await runtime.start('revenue', plan)
    const stats = async () => (await runtime.list())[0]?.stats
    // Ten minutes of history are 600 windows; one kept before they were all read would not tell what is asked below.
    await until(async () => ((await stats())?.rowCount ?? 0) >= 590 || undefined)
    const savedAtMs = async () => (await runtime.checkpoint()).streams[0]?.savedAtMs
    const earlier = await savedAtMs()
    const saved = await until(async () => {
      const at = await savedAtMs()
      return at === undefined || at === earlier ? undefined : await stats()
    })
    const remembered = first.notices.flatMap(n => (n.type === 'remember' && n.value !== undefined ? [n.value] : []))
    await first.kill()
    const second = await startEngine()
    await second.supervisor.call('recall', remembered)
    const said = await second.notice(n => n.type === 'lambdaOutput')
    assert.match(said.text, /^Stream "revenue" goes on from its checkpoint/)
    const later = await until(async () => {
      const stats = (await second.runtime().list())[0]?.stats
      return stats !== undefined && stats.recordCount > saved.recordCount ? stats : undefined
    })
    // Counted from the checkpoint: a new stream would have read the ten minutes of history again, and have no more than those.
    assert.ok(later.watermarkMs !== null && later.rowCount >= 590)
    await second.stop()
  },
)
