import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { EmbeddedConnection } from '../../connectors/embedded.ts'
import { decodeBatch } from '../../schemas/decode.ts'
import { VirtualClock } from '../../time/clock.ts'
import { fingerprints } from './fingerprint.ts'
import { demoTopics } from './index.ts'

type Row = Record<string, number | string | boolean>

interface Seen {
  readonly row: Row
  readonly partition: number
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: unknown
}

const start = Date.UTC(2026, 0, 1, 9)

async function history(
  topic: string,
  setUp?: (connection: EmbeddedConnection, clock: VirtualClock) => Promise<void>,
): Promise<Seen[]> {
  const clock = new VirtualClock(0)
  const connection = new EmbeddedConnection({ clock })
  await setUp?.(connection, clock)
  const reader = await connection.read(topic, { from: 'earliest', to: 'latest' })
  const seen: Seen[] = []
  for (let result = await reader.next(); result !== null; result = await reader.next()) {
    const { batch } = result
    const { rows, keys, failures } = decodeBatch(batch)
    assert.deepEqual(failures, [])
    rows.forEach((row, i) =>
      seen.push({
        row: row as Row,
        partition: batch.partitions[i]!,
        offset: batch.offsets[i]!,
        timestampMs: batch.timestampsMs[i]!,
        key: keys[i],
      }),
    )
  }
  return seen
}

/** Records of one partition in the order they arrived. */
function arrivals(seen: readonly Seen[], partition: number): Seen[] {
  return seen.filter(each => each.partition === partition).sort((a, b) => Number(a.offset - b.offset))
}

const committed: Record<string, string> = {
  orders: '0aedc0d86fab9e36587dc60f76c6e3b0b50c57975c2fe5773b5ff7757e7fb146',
  payments: '4888dbe4067c0ea9235ac0f3533e49f75c8531a95ddc152352cf77cbbbd890d8',
  clicks: '53c966c73a3a241505ea0ff54e98d2dae085073c4206a98e4ed96d1355d4edac',
  sensors: 'bffd7ddffa5969c40593105084599cf499d64823135baa3e134c761f81048884',
  trades: '636ab0989bb7805b88d3018814fa3d5916e929e5d1110113e2de3c9db661f3f2',
}

test('the first 1,000 records of each demo topic are the committed ones, in this process and in another', async () => {
  assert.deepEqual(await fingerprints(), committed)
  const script = `import { fingerprints } from ${JSON.stringify(new URL('./fingerprint.ts', import.meta.url).href)}
process.stdout.write(JSON.stringify(await fingerprints()))`
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    script,
  ])
  assert.deepEqual(JSON.parse(stdout), committed)
})

test('there are ten minutes of history in three partitions from 09:00, and nothing later', async () => {
  for (const { name, timeField } of demoTopics) {
    const seen = await history(name)
    const times = seen.map(each => each.timestampMs)
    assert.ok(Math.min(...times) >= start && Math.min(...times) < start + 5000, name)
    assert.ok(Math.max(...times) < start + 600_000 && Math.max(...times) > start + 595_000, name)
    assert.deepEqual(
      [...new Set(seen.map(each => each.partition))].sort((a, b) => a - b),
      [0, 1, 2],
    )
    assert.ok(seen.every(each => each.row[timeField] === each.timestampMs))
  }
})

test('one second of the clock is one second of records, however often somebody looks', async () => {
  for (const name of ['orders', 'payments', 'clicks']) {
    const atOnce = await history(name, async (_connection, clock) => clock.advance(30_000))
    const often = await history(name, async (connection, clock) => {
      for (let i = 0; i < 300; i++) {
        await connection.describe(name)
        clock.advance(100)
      }
    })
    assert.ok(atOnce.length > (await history(name)).length + 300)
    assert.deepEqual(often, atOnce)
  }
})

test('records arrive out of order within three seconds, a few beyond five', async () => {
  for (const { name } of demoTopics) {
    let disordered = 0
    let beyond = 0
    let count = 0
    for (const partition of [0, 1, 2]) {
      let newest = -Infinity
      for (const { timestampMs } of arrivals(await history(name), partition)) {
        count++
        if (timestampMs < newest) disordered++
        if (timestampMs < newest - 5000) beyond++
        newest = Math.max(newest, timestampMs)
      }
    }
    assert.ok(disordered > count / 10, `${name}: ${disordered} of ${count} out of order`)
    assert.ok(beyond > 0 && beyond < count / 100, `${name}: ${beyond} of ${count} beyond`)
  }
})

test('a payment has the amount of its order and comes after it, some late, some never', async () => {
  const orders = new Map((await history('orders')).map(({ row }) => [row['orderId'], row]))
  const payments = await history('payments')
  const paid = payments.filter(({ row }) => orders.has(row['orderId']!))
  assert.ok(paid.length > payments.length * 0.99)
  for (const { row } of paid) {
    const order = orders.get(row['orderId']!)!
    assert.equal(row['amount'], order['amount'])
    assert.ok(Number(row['at']) > Number(order['orderedAt']))
  }
  const late = paid.filter(({ row }) => Number(row['at']) - Number(orders.get(row['orderId']!)!['orderedAt']) > 300_000)
  assert.ok(late.length > 20)
  const payable = [...orders.values()].filter(o => Number(o['amount']) > 0 && Number(o['orderedAt']) < start + 60_000)
  const missing = payable.filter(o => !paid.some(({ row }) => row['orderId'] === o['orderId']))
  assert.ok(missing.length > payable.length * 0.02 && missing.length < payable.length * 0.08)
})

test('a card test is three or more small payments of a card and a big one within a minute', async () => {
  const byCard = new Map<unknown, Row[]>()
  for (const { row } of await history('payments')) byCard.set(row['card'], [...(byCard.get(row['card']) ?? []), row])
  let found = 0
  for (const rows of byCard.values()) {
    const ordered = rows.sort((a, b) => Number(a['at']) - Number(b['at']))
    ordered.forEach((big, i) => {
      const before = ordered.slice(Math.max(0, i - 3), i)
      const small = before.filter(p => Number(p['amount']) < 10 && Number(big['at']) - Number(p['at']) < 60_000)
      if (small.length === 3 && Number(big['amount']) > 100) found++
    })
  }
  assert.ok(found >= 15 && found <= 25, `found ${found}`)
})

test('a user is silent for forty seconds between visits, and buys only after a login', async () => {
  const byUser = new Map<unknown, Row[]>()
  for (const { row } of await history('clicks')) byUser.set(row['userId'], [...(byUser.get(row['userId']) ?? []), row])
  let purchases = 0
  for (const rows of byUser.values()) {
    const ordered = rows.sort((a, b) => Number(a['clickedAt']) - Number(b['clickedAt']))
    ordered.forEach((row, i) => {
      const gapMs = i === 0 ? Infinity : Number(row['clickedAt']) - Number(ordered[i - 1]!['clickedAt'])
      assert.ok(gapMs < 4000 || gapMs > 35_000, `a gap of ${gapMs} ms`)
      if (row['page'] !== 'purchase') return
      purchases++
      const visit = ordered.slice(0, i).filter(each => Number(row['clickedAt']) - Number(each['clickedAt']) < 36_000)
      assert.ok(
        visit.length === 0 || visit.some(each => each['page'] === 'login') || Number(row['clickedAt']) < start + 40_000,
      )
    })
  }
  assert.ok(purchases > 100)
})

test('sensors are labelled anomalous in a few per cent of readings', async () => {
  const readings = await history('sensors')
  const anomalous = readings.filter(({ row }) => row['anomaly'] === true).length
  assert.ok(anomalous > readings.length * 0.02 && anomalous < readings.length * 0.08)
})
