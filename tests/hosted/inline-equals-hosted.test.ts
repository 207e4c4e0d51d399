/** The same programs inline and in a real engine process give the same bytes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as riffle from '../../stream/index.ts'
import { inlineAndHosted } from './both.ts'
import { API } from './hosted.ts'
import { settings } from '../properties/settings.ts'

const {
  count,
  createTopic,
  cumulating,
  from,
  hopping,
  idle,
  max,
  mean,
  min,
  produce,
  sum,
  topic,
  tumbling,
  watermark,
} = riffle

interface Reading {
  at: number
  v: number
  region: string
}
interface Order {
  n: number
  of: { tags: string[] }
}
interface Window {
  windowStart: number
  total: number
}

const { notebook, both } = await inlineAndHosted()

const L = notebook.lambda.bind(notebook)
const readings: Reading[] = Array.from({ length: 3000 }, (_, i) => ({
  at: i * 40 + ((i * 7919) % 900),
  v: (i * 31) % 101,
  region: ['eu', 'us', 'asia'][i % 3]!,
}))

test('filter and map with captured values and functions', async () => {
  const limits = new Map([['eu', 50], ['us', 20], ['asia', 90]]) // prettier-ignore
  const scale = L((v: number) => v * factor, { factor: 1.5 })
  const factor = 1.5
  const rows = await both(() =>
    from(readings, { time: 'at' })
      .filter(L((r: Reading) => r.v > limits.get(r.region)!, { limits }))
      .map(L((r: Reading) => ({ region: r.region, scaled: scale(r.v) }), { scale }))
      .toArray(),
  )
  assert.equal(rows.length, readings.filter(r => r.v > limits.get(r.region)!).length)
})

test('windows over disordered partitions, with late rows', async () => {
  const program = (part: (r: Reading) => number) => () =>
    from(readings, { time: 'at', partitions: 3, partition: part, outOfOrder: '200ms' })
      .keyBy('region')
      .window(tumbling('1s'), { lateness: '100ms' })
      .aggregate({ n: count(), total: sum('v'), low: min('v'), high: max('v'), avg: mean(L((r: Reading) => r.v / 3)) })
      .toArray()
  const rows = await both(program(r => r.v % 3))
  assert.ok(rows.length > 300)
})

test('what no window took, and every change of early rows', async () => {
  const source = () => from(readings, { time: 'at', outOfOrder: '50ms' }).window(tumbling('1s'), { emit: '500ms' })
  const late = await both(() => source().aggregate({ n: count() }).late().toArray())
  assert.ok(late.length > 0)
  const changes = (await both(() => source().aggregate({ n: count() }).changes().toArray())) as { weight: number }[]
  assert.ok(changes.some(c => c.weight === -1))
})

test('hopping, cumulating and running aggregates', async () => {
  const source = () => from(readings, { time: 'at', outOfOrder: '1s' }).keyBy('region')
  assert.ok(
    (
      await both(() =>
        source()
          .window(hopping('2s', '500ms'))
          .aggregate({ total: sum('v') })
          .toArray(),
      )
    ).length > 0,
  )
  assert.ok(
    (
      await both(() =>
        source()
          .window(cumulating('10s', '2s'))
          .aggregate({ total: sum('v') })
          .toArray(),
      )
    ).length > 0,
  )
  assert.equal(
    (
      await both(() =>
        source()
          .aggregate({ total: sum('v') })
          .toArray(),
      )
    ).length,
    readings.length,
  )
})

test('a function that waits, with its windows', async () => {
  const rows = await both(() =>
    from(readings.slice(0, 300), { time: 'at', outOfOrder: '1s' })
      .mapAsync(async r => ({ region: r.region, v: await Promise.resolve(r.v * 2) }), { inFlight: 7 })
      .keyBy('region')
      .window(tumbling('2s'))
      .aggregate({ total: sum('v'), n: count() })
      .toArray(),
  )
  assert.ok(rows.length > 3)
})

test('time told by hand', async () => {
  const rows = await both(() =>
    from([{ at: 1, v: 2 }, watermark(5), { at: 3, v: 9 }, { at: 7, v: 1 }, idle(0), watermark(20), { at: 30, v: 4 }], {
      time: 'at',
    })
      .window(tumbling('5ms'))
      .aggregate({ total: sum('v') })
      .toArray(),
  )
  assert.deepEqual((rows as Window[]).map(r => [r.windowStart, r.total]), [[0, 2], [5, 1], [30, 4]]) // prettier-ignore
})

test('refused records keep row, position and time', async () => {
  const rows = await both(async () => {
    const errors = await from(
      [
        { at: 1, v: { w: 1 } },
        { at: 2, v: null },
        { at: 3, v: null },
      ] as { at: number; v: { w: number } | null }[],
      { time: 'at' },
    )
      .map(L((r: { v: { w: number } | null }) => r.v!.w))
      .errors()
      .toArray()
    // Where a lambda was typed is known in a notebook only; the rest is the same.
    return errors.map(({ reason, ...rest }) => ({ ...rest, reason: reason.split(' in ')[0] }))
  })
  assert.equal(rows.length, 2)
})

test('a topic written and read, through a named stream', async () => {
  await both(async () => {
    await riffle.createTopic('equal', { partitions: 2 })
    await produce('equal', readings.slice(0, 500), { key: 'region' })
    const orders = await topic('equal', { from: 'earliest', to: 'latest', time: 'at', outOfOrder: '1s' })
    const named = (orders as unknown as riffle.Stream<Reading>)
      .filter(L((r: Reading) => r.v % 2 === 0))
      .keyBy('region')
      .window(tumbling('2s'))
      .aggregate({ total: sum('v'), n: count() })
    await named.bindName('equalWindows', { cellId: 'x' })
    const rows: unknown[] = []
    for await (const row of riffle.stream('equalWindows')) rows.push(row)
    return rows
  })
})

test('an API function inside a lambda is the same function', async () => {
  const rows = await both(() =>
    from([{ xs: [1, 2, 6] }, { xs: [5] }])
      .map(L((r: { xs: number[] }) => mean(r.xs, x => x) + max(r.xs), { mean: API, max: API }))
      .toArray(),
  )
  assert.deepEqual(rows, [9, 10])
})

test('random rows in random disorder give the same windows', async () => {
  const row = fc.record({
    at: fc.integer({ min: 0, max: 5000 }),
    v: fc.integer({ min: -100, max: 100 }),
    region: fc.constantFrom('a', 'b'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 200 }), fc.integer({ min: 0, max: 1000 }), async (rows, bound) => {
      await both(() =>
        from(rows, { time: 'at', outOfOrder: bound })
          .keyBy('region')
          .window(tumbling(250), { lateness: 100, emit: 'changes' })
          .aggregate({ n: count(), total: sum('v'), low: min('v') })
          .changes()
          .toArray(),
      )
    }),
    settings(25),
  )
})

test('streams that read one topic at the same time, each changing its rows', async () => {
  const rows = await both(async () => {
    await createTopic('shared', { partitions: 2 })
    await produce(
      'shared',
      Array.from({ length: 1000 }, (_, i) => ({ n: i + 1, of: { tags: ['a'] } })),
    )
    const read = await topic('shared', { from: 'earliest', to: 'latest' })
    const orders = read as unknown as riffle.Stream<Order>
    const spoil = L((o: Order) => {
      o.of.tags.push(`b${o.of.tags.length}`)
      o.n = -o.n
      return o
    })
    const sorted = async (stream: riffle.Stream<Order>) => (await stream.toArray()).sort((a, b) => a.n - b.n)
    return Promise.all([sorted(orders.map(spoil)), sorted(orders), sorted(orders.map(spoil))])
  })
  const plain = Array.from({ length: 1000 }, (_, i) => ({ n: i + 1, of: { tags: ['a'] } }))
  const spoilt = plain.map(({ n }) => ({ n: -n, of: { tags: ['a', 'b1'] } })).reverse()
  assert.deepEqual(rows, [spoilt, plain, spoilt])
})
