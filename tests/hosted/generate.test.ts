/** Bodies of %%generate run in the compute worker: seeded, printing to their cell, and no loop in them stops a stream. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineNotice } from '../../kernel/engine/protocol.ts'
import type { PlanNode } from '../../stream/plan.ts'
import { engineOfFile } from './engine-of-file.ts'
import { until } from './hosted.ts'

interface Made {
  i: number
  u: number
  at: number
}

const { engine, runtime, notebook } = await engineOfFile()

const topic = (name: string): PlanNode => ({
  op: 'topic',
  connection: 'embedded',
  topic: name,
  options: { from: 'earliest' },
})
const body = (base: number) =>
  notebook.lambda((i: number, random: () => number, at: number) => ({ i: i + base, u: random(), at }), { base })

async function take(name: string, count: number): Promise<Made[]> {
  const source = runtime.subscribe(topic(name))
  const rows: Made[] = []
  while (rows.length < count) rows.push(...((await source.next())!.rows as Made[]))
  await source.close()
  return rows.sort((a, b) => a.i - b.i).slice(0, count)
}

test('a body makes rows by index, random and time; the same seed gives the same numbers', async () => {
  await runtime.generate('one', { rate: 500, seed: 3 }, runtime.ship(body(0)))
  await runtime.generate('two', { rate: 500, seed: 3 }, runtime.ship(body(0)))
  const [one, again] = [await take('one', 20), await take('one', 20)]
  assert.deepEqual(again, one)
  assert.deepEqual(one.map(r => r.i), Array.from({ length: 20 }, (_, i) => one[0]!.i + i)) // prettier-ignore
  assert.ok(one.every(r => r.u >= 0 && r.u < 1 && Number.isInteger(r.at)))
  const two = await take('two', 20)
  assert.notDeepEqual(two.map(r => r.u), one.map(r => r.u), 'another topic has random numbers of its own') // prettier-ignore
})

test('a body that never returns ends its generator, told in its cell; streams go on', async () => {
  await runtime.start('watcher', topic('one'), {})
  const f = notebook.lambda(
    () => {
      for (;;);
    },
    {},
    9,
  )
  await runtime.generate('bad', { rate: 100, cellId: 'g' }, runtime.ship(f))
  const source = runtime.subscribe(topic('bad'))
  const waiting = source.next()
  type ErrorNotice = Extract<EngineNotice, { type: 'streamError' }>
  const { cellId, error } = await engine.notice((n): n is ErrorNotice => n.type === 'streamError' && n.stream === 'bad')
  assert.equal(cellId, 'g')
  assert.equal(error.code, 'LAMBDA_RUNAWAY')
  assert.match(error.detail ?? '', /^cell-1\.ts:9:1 /)
  const before = (await runtime.list()).find(s => s.name === 'watcher')!.stats.recordCount
  await until(async () =>
    (await runtime.list()).find(s => s.name === 'watcher')!.stats.recordCount > before + 50 ? true : undefined,
  )
  await source.close()
  await waiting
})

test('a body that throws ends its generator with the line', async () => {
  const f = notebook.lambda((i: number) => {
    if (i >= 0) throw new RangeError('no more')
    return {}
  })
  await runtime.generate('thrown', { rate: 100, cellId: 't' }, runtime.ship(f))
  const source = runtime.subscribe(topic('thrown'))
  const waiting = source.next()
  type ErrorNotice = Extract<EngineNotice, { type: 'streamError' }>
  const { error } = await engine.notice((n): n is ErrorNotice => n.type === 'streamError' && n.stream === 'thrown')
  assert.match(error.message, /RangeError: no more in .*cell-1\.ts:/)
  await source.close()
  await waiting
})

test('a generator without body re-tunes the topic, a topic nobody fills is refused', async () => {
  await runtime.generate('orders', { rate: 5000 })
  await runtime.createTopic('embedded', 'plain', { partitions: 1 })
  await assert.rejects(runtime.generate('plain', { rate: 5 }), { code: 'OPTION_INVALID' })
})
