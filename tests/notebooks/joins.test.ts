/** Lesson 08 as a user runs it, and its join against a plain program over the same records. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Session, startServer, stopServer } from './harness.ts'
import { codeCells, printed } from './notebook-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'riffle-notebook-'))
before(startServer)
after(async () => {
  await stopServer()
  rmSync(folder, { recursive: true, force: true })
})

interface Order {
  readonly orderId: string
  readonly orderedAt: number
}
interface Payment {
  readonly orderId: string
  readonly paymentId: string
  readonly at: number
}

test('Run All of lesson 08, and every joined order is what a plain program finds', async () =>
  Session.use(async session => {
    const cells = await codeCells(new URL('../../notebooks/08-joins.ipynb', import.meta.url).pathname)
    const runs = await Promise.all(cells.map(cell => session.run(cell.source, cell.id)))
    for (const run of runs) assert.equal(run.status, 'ok', `${run.cellId}: ${JSON.stringify(run.outputs)}`)
    for (const cellId of ['paid', 'unpaid', 'same-minute', 'named', 'spread', 'settled']) {
      const [chart] = runs.find(run => run.cellId === cellId)!.charts
      assert.ok(chart !== undefined, cellId)
      await session.live.until(chart.chartId, `rows of ${cellId}`, seen => seen.rows.size > 0)
    }

    // Orders that were given out unpaid are taken back when their payments come, and it can be seen.
    const [corrected] = runs.find(run => run.cellId === 'settled')!.charts
    await session.live.until(
      corrected!.chartId,
      'orders that are taken back',
      seen => (seen.status?.changes?.retractedCount ?? 0) > 0,
    )

    // What the lesson says is kept: its joins, with what waits in them.
    const kept = await session.run(
      "console.log((await checkpoint('10s')).streams.map(s => s.name).join()); await checkpoint('off');",
    )
    for (const name of ['paid', 'unpaid', 'spread']) assert.match(printed(kept), new RegExp(`\\b${name}\\b`))

    // Nothing is late with so wide a bound, so the answer is known: all pairs within five minutes, and a pad for all others.
    const path = join(folder, 'joined.json')
    const run = await session.run(`
      import { writeFileSync } from 'node:fs'
      const wide = { from: 'earliest', to: 'latest', outOfOrder: '20m' } as const
      const [o, p] = await Promise.all([topic('orders', { ...wide, time: 'orderedAt' }), topic('payments', { ...wide, time: 'at' })])
      const joined = await o
        .join(p, { on: 'orderId', within: '5m', type: 'left' }, (l, r) => [l.orderId, r?.paymentId ?? null])
        .toArray()
      writeFileSync(${JSON.stringify(path)}, JSON.stringify(joined));`)
    assert.equal(run.status, 'ok', JSON.stringify(run.outputs))
    const rowsOf = async (topic: string) => (await session.dump(topic, join(folder, `${topic}.json`))).map(d => d.row)
    const orders = (await rowsOf('orders')) as unknown as Order[]
    const payments = (await rowsOf('payments')) as unknown as Payment[]

    // Orders whose five minutes end within the history: what comes live meanwhile changes nothing for them.
    const settled = new Map(orders.filter(o => o.orderedAt < Date.UTC(2026, 0, 1, 9, 4)).map(o => [o.orderId, o]))
    const expected: string[] = []
    const found = new Set<string>()
    for (const { orderId, paymentId, at } of payments) {
      const order = settled.get(orderId)
      if (order === undefined || Math.abs(at - order.orderedAt) > 300_000) continue
      expected.push(`${orderId} ${paymentId}`)
      found.add(orderId)
    }
    for (const orderId of settled.keys()) if (!found.has(orderId)) expected.push(`${orderId} null`)
    const joined = (JSON.parse(readFileSync(path, 'utf8')) as [string, string | null][])
      .filter(([orderId]) => settled.has(orderId))
      .map(([orderId, paymentId]) => `${orderId} ${paymentId}`)
    assert.ok(expected.length > 1000 && found.size < settled.size)
    assert.deepEqual(joined.sort(), expected.sort())
  }))
