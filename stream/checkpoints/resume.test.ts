/** When a stream goes on from its checkpoint, and when it begins anew and says so. The topics outlive the programs. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { EmbeddedConnection } from '../connectors/embedded.ts'
import type { PlanNode } from '../plan.ts'
import { LocalRuntime } from '../targets/local.ts'
import { wallClock } from '../time/clock.ts'

const root = mkdtempSync(join(tmpdir(), 'resume-'))
after(() => rmSync(root, { recursive: true }))
let folders = 0
const newFolder = () => join(root, `folder-${folders++}`)

const counted = (sizeMs: number): PlanNode => ({
  op: 'window',
  input: {
    op: 'topic',
    connection: 'embedded',
    topic: 'orders',
    options: { from: 'earliest', time: 'at', outOfOrderMs: 0 },
  },
  options: {
    window: { kind: 'tumbling', sizeMs, offsetMs: 0 },
    by: [],
    aggregates: [{ name: 'n', aggregate: { kind: 'count' } }],
    latenessMs: 0,
    emit: 'final',
  },
})

/** A topic with a record each millisecond. */
async function brokerWith(count: number): Promise<EmbeddedConnection> {
  const broker = new EmbeddedConnection({ clock: wallClock, demos: [] })
  await broker.create('orders', { partitions: 1 })
  await send(broker, 0, count)
  return broker
}

const send = (broker: EmbeddedConnection, from: number, to: number, topic = 'orders') =>
  broker.produce(
    topic,
    Array.from({ length: to - from }, (_, i) => ({
      key: null,
      value: new TextEncoder().encode(`{"at":${from + i}}`),
      timestampMs: from + i,
    })),
  )

/** A program that keeps its stream `s` in the folder, once it has read so many records. */
async function program(broker: EmbeddedConnection, folder: string, plan: PlanNode, recordCount: number) {
  const said: string[] = []
  const runtime = new LocalRuntime({ embedded: async () => broker, print: text => void said.push(text) })
  await runtime.checkpoint({ everyMs: 3_600_000, folder })
  await runtime.start('s', plan)
  await reads(runtime, recordCount)
  return { runtime, said }
}

async function reads(runtime: LocalRuntime, recordCount: number): Promise<void> {
  while ((await runtime.list())[0]?.stats.recordCount !== recordCount)
    await new Promise(resolve => setImmediate(resolve))
}

const rowCount = async (runtime: LocalRuntime) => (await runtime.list())[0]?.stats.rowCount

test('the end of a program keeps what the next one goes on with', async () => {
  const folder = newFolder()
  const broker = await brokerWith(505)
  const first = await program(broker, folder, counted(10), 505)
  assert.equal(await rowCount(first.runtime), 50)
  await first.runtime.close()
  assert.deepEqual(readdirSync(folder), ['s.1.checkpoint'])
  await send(broker, 505, 1000)
  // Counted from where the first was: 495 records more, and the window that was half full is whole.
  const second = await program(broker, folder, counted(10), 1000)
  assert.equal(await rowCount(second.runtime), 99)
  assert.deepEqual(second.said, [])
  await second.runtime.close()
})

test('a second start in one program begins anew, a stop forgets', async () => {
  const folder = newFolder()
  const broker = await brokerWith(100)
  await (await program(broker, folder, counted(10), 100)).runtime.close()
  const second = await program(broker, folder, counted(10), 100)
  await second.runtime.start('s', counted(10))
  assert.deepEqual(readdirSync(folder), [])
  await reads(second.runtime, 100)
  await second.runtime.close()
  assert.deepEqual(readdirSync(folder), ['s.1.checkpoint'])
  const third = await program(broker, folder, counted(10), 100)
  await third.runtime.stop('s')
  assert.deepEqual(readdirSync(folder), [])
  await third.runtime.close()
  assert.deepEqual(readdirSync(folder), [])
})

test('a changed cell, a broken file and a topic made anew begin anew and say so', async () => {
  const folder = newFolder()
  const broker = await brokerWith(100)
  const said = async (plan: PlanNode, of = broker, count = 100) => {
    const run = await program(of, folder, plan, count)
    await run.runtime.close()
    return run.said
  }
  assert.deepEqual(await said(counted(10)), [])
  assert.deepEqual(await said(counted(20)), ['Stream "s" begins anew: its cell was changed since its checkpoint'])
  for (const file of readdirSync(folder)) writeFileSync(join(folder, file), 'x'.repeat(99))
  assert.match(
    (await said(counted(20))).join(),
    /^Cannot read checkpoint "s\.1\.checkpoint": it does not begin like a checkpoint/,
  )
  assert.deepEqual(await said(counted(20), await brokerWith(10), 10), [
    'Stream "s" begins anew, its checkpoint does not fit: Cannot read topic "orders": offset 100 of partition 0 is beyond its end 10',
  ])
})

test('what cannot be read again is told, not kept; off keeps nothing', async () => {
  const folder = newFolder()
  const runtime = new LocalRuntime({ embedded: async () => brokerWith(1) })
  await runtime.checkpoint({ everyMs: 3_600_000, folder })
  await runtime.start('pushed', { op: 'feed', id: 'f', partitions: 1, bounded: false })
  const { streams } = await runtime.checkpoint()
  assert.deepEqual(
    streams.map(({ name, refusal }) => [name, refusal]),
    [['pushed', 'it reads rows that the program pushes']],
  )
  await runtime.start('s', counted(10))
  await runtime.checkpoint({ everyMs: undefined })
  await runtime.close()
  assert.throws(() => readdirSync(folder), { code: 'ENOENT' })
})

const idleIn = async (runtime: LocalRuntime, phases: string) => {
  const now = async () => (await runtime.list())[0]?.stats.time?.sources.flat().map(({ phase }) => phase)
  while ((await now())?.join() !== phases) await new Promise(resolve => setImmediate(resolve))
}

test('what came while nobody read is history: no topic of a join runs ahead of the other', async () => {
  const folder = newFolder()
  const broker = await brokerWith(1500)
  await broker.create('payments', { partitions: 1 })
  await send(broker, 0, 900, 'payments')
  const side = (topic: string): PlanNode => ({
    op: 'topic',
    connection: 'embedded',
    topic,
    options: { from: 'earliest', time: 'at', outOfOrderMs: 0 },
  })
  const pairs: PlanNode = {
    op: 'join',
    left: side('orders'),
    right: side('payments'),
    options: { mode: { kind: 'interval', fromMs: 0, toMs: 0 }, type: 'inner', on: [{ left: 'at', right: 'at' }] },
  }
  // Both topics are read to their ends; orders went on alone from 900 to 1500.
  const first = await program(broker, folder, pairs, 2400)
  await idleIn(first.runtime, 'idle,idle')
  await first.runtime.close()
  await send(broker, 1500, 3500)
  await send(broker, 1500, 3500, 'payments')
  const second = await program(broker, folder, pairs, 6400)
  assert.equal(await rowCount(second.runtime), 2900)
  assert.equal((await second.runtime.list())[0]?.stats.droppedCount, 0)
  await second.runtime.close()
})

test('what came while nobody read is history: no partition runs ahead of the other', async () => {
  const folder = newFolder()
  const broker = new EmbeddedConnection({ clock: wallClock, demos: [] })
  await broker.create('orders', { partitions: 2 })
  /** A record each millisecond; `sentMs` is when the first was sent. */
  const sent = (partition: number, from: number, to: number, sentMs: number) =>
    broker.produce(
      'orders',
      Array.from({ length: to - from }, (_, i) => ({
        key: null,
        value: new TextEncoder().encode(`{"at":${from + i}}`),
        timestampMs: sentMs + i,
        partition,
      })),
    )
  for (const partition of [0, 1]) await sent(partition, 0, 100, 0)
  const first = await program(broker, folder, counted(10), 200)
  await idleIn(first.runtime, 'idle,idle')
  await first.runtime.close()
  // The first to be read is ahead in event time.
  await sent(0, 200, 300, 1000)
  await sent(1, 100, 200, 2000)
  const second = await program(broker, folder, counted(10), 400)
  assert.equal((await second.runtime.list())[0]?.stats.droppedCount, 0)
  await second.runtime.close()
})

test('a stream of the newest records that had none yet goes on where it began', async () => {
  const folder = newFolder()
  const broker = await brokerWith(100)
  const newest: PlanNode = {
    op: 'topic',
    connection: 'embedded',
    topic: 'orders',
    options: { from: 'latest', time: 'at', outOfOrderMs: 0 },
  }
  const first = await program(broker, folder, newest, 0)
  while ((await first.runtime.list())[0]?.stats.time?.sources[0]?.length !== 1)
    await new Promise(resolve => setImmediate(resolve))
  await first.runtime.close()
  await send(broker, 100, 150)
  const second = await program(broker, folder, newest, 50)
  assert.equal(await rowCount(second.runtime), 50)
  await second.runtime.close()
})
