/** Joins in a real engine process give what they give inline, whatever their sources. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as riffle from '../../stream/index.ts'
import { inlineAndHosted } from './both.ts'

const { feed, from, produce, topic, tumbling } = riffle

const { notebook, both, hosted } = await inlineAndHosted()

interface Order {
  readonly id: number
  readonly at: number
}

test('feeds joined with each other: rows are handled in the order of their pushes', async () => {
  const rows = await both(async () => {
    const orders = feed<Order>({ time: 'at' })
    const payments = feed<Order & { amount: number }>({ time: 'at' })
    // Pushed before anybody reads: the order of all pushes is kept all the same.
    for (let i = 0; i < 40; i++) {
      await orders.push({ id: i % 5, at: i })
      await payments.push({ id: (i * 3) % 5, at: i, amount: i })
      if (i % 10 === 9) for (const f of [orders, payments]) await f.watermark(i)
    }
    for (const f of [orders, payments]) await f.end()
    const paid = orders.join(
      payments,
      { on: 'id', within: '2ms', type: 'left' },
      notebook.lambda((o: Order, p: { amount: number } | null) => [o.at, p?.amount ?? null], {}),
    )
    const priced = orders.join(payments, { on: 'id', table: true, type: 'left' })
    return [...(await paid.toArray()), ...(await priced.toArray())]
  })
  assert.ok(rows.length > 60)
})

test('a stream joined with itself reads its feed twice', async () => {
  const rows = await both(async () => {
    const orders = from([{ id: 1, at: 1 }, { id: 1, at: 3 }, { id: 2, at: 4 }], { time: 'at' }) // prettier-ignore
    return orders
      .join(
        orders,
        { on: 'id', window: tumbling(10) },
        notebook.lambda((l: Order, r: Order) => [l.at, r.at], {}),
      )
      .toArray()
  })
  assert.deepEqual(rows, [[1, 1], [1, 3], [3, 1], [3, 3], [4, 4]]) // prettier-ignore
})

test('a table topic is read to its end before the stream begins, and histories are merged by time', async () => {
  const rows = await both(async () => {
    for (const name of ['people', 'visits']) await riffle.createTopic(name, { partitions: 2 })
    await produce('visits', Array.from({ length: 300 }, (_, i) => ({ user: i % 7, at: 1000 + i })), { key: 'user' }) // prettier-ignore
    await produce('people', Array.from({ length: 200 }, (_, i) => ({ user: i % 7, name: `n${i}` })), { key: 'user' }) // prettier-ignore
    const all = { from: 'earliest', to: 'latest' }
    const clicks = await topic('visits', { ...all, time: 'at' })
    const users = await topic('people', all)
    const named = clicks.join(
      users,
      { on: 'user', table: true },
      notebook.lambda(
        (c: Record<string, unknown>, u: Record<string, unknown>) => `${String(c['at'])} ${String(u['name'])}`,
        {},
      ),
    )
    return (await named.toArray()).sort()
  })
  assert.equal(rows.length, 300)
  // Every click got the newest of all names of its user: 193 to 199.
  assert.ok(rows.every(row => Number(/n(\d+)$/.exec(row as string)?.[1]) >= 193))
})

test('a field that is gone is told before the join starts', async () => {
  riffle.setRuntime(hosted)
  const perId = from([{ id: 1, at: 1 }], { time: 'at' })
    .keyBy('id')
    .window(tumbling(10))
    .aggregate({ n: riffle.count() })
  await perId.bindName('perId')
  const named = riffle.stream<{ id: number; total: number }>('perId')
  const broken = named.join(from([{ id: 1 }]), { on: 'total=id', table: true })
  await assert.rejects(broken.bindName('broken'), { code: 'FIELD_UNKNOWN', message: /"perId" has no field "total"/ })
  await perId.stop()
})
