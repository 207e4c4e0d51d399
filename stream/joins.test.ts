/** Joins through the fluent API, by literals. */
import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  count,
  cumulating,
  eventTime,
  feed,
  file,
  from,
  fromColumns,
  LocalRuntime,
  runtime,
  session,
  setRuntime,
  tumbling,
} from './index.ts'
import type { Stream } from './index.ts'
import { buildPipeline } from './pipeline.ts'
import type { Pipeline } from './pipeline.ts'
import type { JoinMode } from './plan.ts'

interface Order {
  id: number
  at: number
}
interface Payment {
  id: number
  at: number
  amount: number
}

const orders = () => from([{ id: 1, at: 10 }, { id: 2, at: 20 }], { time: 'at' }) // prettier-ignore
const payments = () => from([{ id: 1, at: 12, amount: 5 }, { id: 3, at: 30, amount: 7 }], { time: 'at' }) // prettier-ignore

test('types of the sides follow the type of the join', async () => {
  const rows = await orders()
    .join(payments(), { on: 'id', within: 5, type: 'full' }, (o, p) => {
      const left: Order | null = o
      const right: Payment | null = p
      return { id: left?.id ?? right?.id, paid: right?.amount ?? null }
    })
    .toArray()
  assert.deepEqual(rows, [{ id: 1, paid: 5 }, { id: 2, paid: null }, { id: 3, paid: 7 }]) // prettier-ignore
  const inner = orders().join(payments(), { on: 'id', within: 5 }, (o, p) => o.id + p.amount)
  assert.deepEqual(await inner.toArray(), [6])
  const left = orders().join(payments(), { on: 'id', within: 5, type: 'left' })
  const [first, second] = await left.toArray()
  // @ts-expect-error the right side may be null
  assert.equal(first?.right.amount, 5)
  assert.equal(second?.right, null)
  // @ts-expect-error semi joins need a window
  assert.throws(() => orders().join(payments(), { on: 'id', within: 5, type: 'semi' }), { code: 'OPTION_INVALID' })
  // @ts-expect-error no such field on the right
  orders().join(payments(), { on: 'id=amounts', within: 5 })
})

test('keys: other names, several, lambdas', async () => {
  const users = from([{ user: 1, shop: 'a', name: 'x' }], {})
  const visits = () => from([{ id: 1, shop: 'a', at: 1 }, { id: 1, shop: 'b', at: 2 }], { time: 'at' }) // prettier-ignore
  const named = (rows: { left: { at: number } }[]) => rows.map(row => row.left.at)
  assert.deepEqual(named(await visits().join(users, { on: 'id=user', table: true }).toArray()), [1, 2])
  assert.deepEqual(
    named(
      await visits()
        .join(users, { on: ['id=user', 'shop'], table: true })
        .toArray(),
    ),
    [1],
  )
  const on = { left: (v: { id: number; shop: string }) => v.shop, right: 'shop' } as const
  assert.deepEqual(named(await visits().join(users, { on, table: true }).toArray()), [1])
})

test('event times: the later of both, of pads the own one, of windows their end − 1', async () => {
  const times = async (options: object) => {
    const rows = await orders()
      .join(payments(), { on: 'id', ...options } as { on: 'id'; within: number })
      .toArray()
    return rows.map(row => eventTime(row))
  }
  assert.deepEqual(await times({ within: 5, type: 'full' }), [12, 20, 30])
  assert.deepEqual(await times({ within: '1ms..2ms' }), [12])
  assert.deepEqual(await times({ window: tumbling(15), type: 'left' }), [14, 29])
  assert.deepEqual(await times({ window: session(3), type: 'inner' }), [14])
  assert.deepEqual(await times({ window: cumulating(30, 15) }), [14, 29])
  assert.deepEqual(await times({ asOf: true, type: 'left' }), [10, 20])
})

test('pads are not late for the window below', async () => {
  const o = from([{ id: 1, at: 10 }, { id: 2, at: 100 }, { id: 3, at: 200 }], { time: 'at', outOfOrder: 0 }) // prettier-ignore
  const p = from([{ id: 9, at: 300 }], { time: 'at', outOfOrder: 0 })
  const padded = o.join(p, { on: 'id', within: '50ms', type: 'left' }, l => ({ id: l.id }))
  const windows = padded.window(tumbling(20)).aggregate({ n: count() })
  assert.deepEqual((await windows.toArray()).map(w => [w.windowStart, w.n]), [[0, 1], [100, 1], [200, 1]]) // prettier-ignore
})

test('a table row is deleted by a tombstone, by retraction or by what deleted says, also behind a filter', async () => {
  const left = feed<{ k: string }>()
  const right = feed<{ k: string; v: number }>()
  const kept = right.filter(r => r.v !== 3).map(r => ({ k: r.k, v: r.v * 10 }))
  const joined = left.join(
    kept,
    { on: 'k', table: true, type: 'left', deleted: r => r.v === 20 },
    (_l, r) => r?.v ?? null,
  )
  const rows = joined.toArray.bind(joined)
  const step = async (push: () => Promise<void>) => {
    await push()
    await left.push({ k: 'a' })
  }
  await step(() => right.push({ k: 'a', v: 1 }))
  await step(() => right.push(null, { key: 'a' }))
  await step(() => right.push({ k: 'a', v: 4 }))
  await step(() => right.push({ k: 'a', v: 3 }))
  await step(() => right.push({ k: 'a', v: 2 }))
  await left.end()
  assert.deepEqual(await rows(), [10, null, 40, 40, null])
  const totals = from([{ k: 'a', at: 1 }, { k: 'a', at: 2 }], { time: 'at' }).keyBy('k').aggregate({ n: count() }) // prettier-ignore
  const last = from([{ k: 'a' }, { k: 'b' }]).join(totals, { on: 'k', table: true, type: 'left' }, (_l, r) => r?.n ?? 0)
  assert.deepEqual(await last.toArray(), [2, 0])
})

test('a table of rows that are there is read before the first row on the left, whatever holds them', async () => {
  const users = [{ id: 1, name: 'a' }, { id: 2, name: 'b' }] // prettier-ignore
  const path = join(mkdtempSync(join(tmpdir(), 'riffle-table-')), 'users.jsonl')
  writeFileSync(path, users.map(user => JSON.stringify(user)).join('\n'))
  const one = function* () {
    yield* users
  }
  const tables = [from(users), from(new Set(users)), from(one()), fromColumns({ id: [1, 2], name: ['a', 'b'] }), from(file(path))] // prettier-ignore
  for (const table of tables) {
    const joined = from([{ id: 2 }, { id: 1 }]).join(table as Stream<(typeof users)[0]>, { on: 'id', table: true, type: 'left' }) // prettier-ignore
    assert.deepEqual((await joined.toArray()).map(row => row.right?.name), ['b', 'a']) // prettier-ignore
  }
})

test('a tombstone deletes the row whose key it names as text: a number, several fields', async () => {
  const left = feed<{ id: number; shop: string }>()
  const right = feed<{ id: number; shop: string; v: number }>()
  const byId = left.join(right, { on: 'id', table: true, type: 'left' }, (_l, r) => r?.v ?? null)
  const byBoth = left.join(right, { on: ['id', 'shop'], table: true, type: 'left' }, (_l, r) => r?.v ?? null)
  const errors = byBoth.errors()
  const read: unknown[][] = [[], [], []]
  const reading = [byId.forEach(v => read[0]?.push(v)), byBoth.forEach(v => read[1]?.push(v))]
  reading.push(errors.forEach(({ reason }) => read[2]?.push(reason)))
  const step = async (key: string) => {
    await right.push({ id: 7, shop: 'a', v: 1 })
    await right.push(null, { key })
    await left.push({ id: 7, shop: 'a' })
  }
  await step('7')
  await step('8')
  await step('07')
  await step('{"id":7,"shop":"a"}')
  for (const f of [left, right]) await f.end()
  await Promise.all(reading)
  assert.deepEqual(read[0], [null, 1, 1, null])
  assert.deepEqual(read[1], [1, 1, 1, null])
  const told = 'null value (tombstone): its key does not say which id, shop is deleted'
  assert.deepEqual(read[2], [told, told, told])
})

test('a null value elsewhere is an error record', async () => {
  const left = feed<Order>({ time: 'at' })
  const right = feed<Order>({ time: 'at' })
  await left.push(null, { key: 1 })
  await right.push({ id: 1, at: 1 })
  for (const f of [left, right]) await f.end()
  const errors = await left.join(right, { on: 'id', within: 5 }).errors().toArray()
  assert.deepEqual(errors.map(e => e.reason), ['null value']) // prettier-ignore
})

test('a ttl join is a changelog: pads are taken back, retractions pass', async () => {
  const left = feed<Order>({ time: 'at' })
  const right = feed<Payment>({ time: 'at' })
  await left.push({ id: 1, at: 1 })
  await right.push({ id: 1, at: 2, amount: 5 })
  await left.watermark(20)
  await right.watermark(20)
  await left.push({ id: 1, at: 21 })
  for (const f of [left, right]) await f.end()
  const joined = left.join(right, { on: 'id', ttl: 10, type: 'left' }, (l, r) => [l.at, r?.amount ?? null])
  assert.deepEqual(
    (await joined.changes().toArray()).map(c => [c.weight, ...c.row]),
    [[1, 1, null], [-1, 1, null], [1, 1, 5], [1, 21, null]], // prettier-ignore
  )
  // A running count on the right changes with each payment: what it gave before is taken back.
  const paid = from([{ id: 1, at: 1 }, { id: 1, at: 2 }], { time: 'at' }).keyBy('id').aggregate({ n: count() }) // prettier-ignore
  const one = from([{ id: 1, at: 5 }], { time: 'at' })
  const net = new Map<string, number>()
  for (const { weight, row } of await one
    .join(paid, { on: 'id', ttl: '1h', type: 'left' }, (_l, r) => r?.n ?? null)
    .changes()
    .toArray())
    net.set(String(row), (net.get(String(row)) ?? 0) + weight)
  assert.deepEqual([...net].filter(([, weight]) => weight !== 0), [['2', 1]]) // prettier-ignore
})

test('a row of a ttl join that was replaced late is replaced, not lost', async () => {
  const clicks = feed<{ user: string; at: number }>({ time: 'at' })
  const names = feed<{ user: string; at: number; name: string }>({ time: 'at' })
  const counts = clicks.keyBy('user').window(tumbling(10), { lateness: 5 }).aggregate({ n: count() })
  const named = counts.join(names, { on: 'user', ttl: 100 }, (w, u) => [w.n, u.name])
  const changes: unknown[] = []
  const reading = named.changes().forEach(({ weight, row }) => changes.push([weight, ...row]))
  await names.push({ user: 'u', at: 1, name: 'Ada' })
  await names.end()
  await clicks.push({ user: 'u', at: 1 })
  await clicks.watermark(10)
  // Behind the watermark: the window fires anew, with the event time it had.
  await clicks.push({ user: 'u', at: 2 })
  await clicks.end()
  await reading
  assert.deepEqual(changes, [[1, 1, 'Ada'], [-1, 1, 'Ada'], [1, 2, 'Ada']]) // prettier-ignore
})

test('what a join gives once is kept once by distinct above it', async () => {
  const left = feed<Order>({ time: 'at' })
  const right = feed<Order>({ time: 'at' })
  const once = left.join(right, { on: 'id', within: 5 }, (l, r) => ({ id: l.id, at: r.at })).distinct('id')
  await once.bindName('onceEach')
  const bytes = async () => (await runtime().list()).find(({ name }) => name === 'onceEach')?.stats.stateBytes ?? 0
  await right.push({ id: 1, at: 12 })
  for (let i = 0; i < 100; i++) await left.push({ id: 1, at: 10 })
  for (const f of [left, right]) await f.watermark(40)
  const held = await bytes()
  await once.stop()
  assert.ok(held > 0 && held < 2000, `${held} bytes for one value`)
})

test('a row that comes behind the watermark of both sides is late, and told why', async () => {
  const reasons = async (options: object) => {
    const [left, right] = [feed<Order>({ time: 'at' }), feed<Order>({ time: 'at' })]
    const joined = left.join(right, { on: 'id', ...options } as { on: 'id'; within: number })
    const late: unknown[] = []
    const reading = joined.late().forEach(({ eventTimeMs, reason }) => late.push([eventTimeMs, reason]))
    for (const f of [left, right]) await f.watermark(15)
    for (const at of [15, 16]) await left.push({ id: 1, at })
    for (const f of [left, right]) await f.end()
    await reading
    return late
  }
  const both = 'at or behind the watermark of both sides: its partners may be gone'
  for (const options of [{ within: 5 }, { asOf: true }, { ttl: 5 }])
    assert.deepEqual(await reasons(options), [[15, both]]) // prettier-ignore
  const closed = 'later than the allowed lateness: no open window takes it'
  assert.deepEqual(await reasons({ window: tumbling(4) }), [[15, closed]])
})

test('a row stays until its very last partner, and no longer', async () => {
  const [left, right] = [feed<Order>({ time: 'at' }), feed<Order>({ time: 'at' })]
  const joined = left.join(right, { on: 'id', within: 5, type: 'left' }, (l, r) => [l.at, r?.at ?? null])
  const rows: (number | null)[][] = []
  const reading = joined.forEach(row => rows.push(row))
  for (const at of [9, 10]) await left.push({ id: 1, at })
  for (const f of [left, right]) await f.watermark(14)
  assert.deepEqual(rows, [[9, null]])
  await right.push({ id: 1, at: 15 })
  assert.deepEqual(rows, [[9, null], [10, 15]]) // prettier-ignore
  for (const f of [left, right]) await f.end()
  await reading
})

test('the version that is valid at the watermark stays, however many come after it', async () => {
  const [left, right] = [feed<Order>({ time: 'at' }), feed<Order>({ time: 'at' })]
  const joined = left.join(right, { on: 'id', asOf: true, type: 'left' }, (l, r) => [l.at, r?.at ?? null])
  for (const at of [1, 3, 5]) await right.push({ id: 1, at })
  for (const f of [left, right]) await f.watermark(6)
  await right.push({ id: 1, at: 20 })
  await left.push({ id: 1, at: 7 })
  await left.push({ id: 1, at: 21 })
  for (const f of [left, right]) await f.end()
  assert.deepEqual(await joined.toArray(), [[7, 5], [21, 20]]) // prettier-ignore
})

test('a row of a ttl join is forgotten when the watermark reaches its time + ttl', async () => {
  const [left, right] = [feed<Order>({ time: 'at' }), feed<Order>({ time: 'at' })]
  const joined = left.join(right, { on: 'id', ttl: 100 }, (l, r) => [l.at, r.at])
  for (const at of [1, 2]) await left.push({ id: 1, at })
  for (const f of [left, right]) await f.watermark(101)
  await right.push({ id: 1, at: 102 })
  for (const f of [left, right]) await f.end()
  assert.deepEqual(await joined.toArray(), [[2, 102]])
})

test('a union has the watermark of the slower stream', async () => {
  const [a, b] = [feed<Order>({ time: 'at' }), feed<Order>({ time: 'at' })]
  const counted = a.union(b).window(tumbling(10)).aggregate({ n: count() })
  const rows: number[] = []
  const reading = counted.forEach(row => rows.push(row.n))
  await a.push({ id: 1, at: 1 })
  await a.watermark(50)
  await b.push({ id: 2, at: 2 })
  assert.deepEqual(rows, [])
  await b.watermark(9)
  assert.deepEqual(rows, [2])
  for (const f of [a, b]) await f.end()
  await reading
})

test('options that cannot be', () => {
  const joins: [object, RegExp][] = [
    [{ on: 'id' }, /within, window, table, asOf or ttl is needed/],
    [{ on: 'id', within: 5, table: true }, /in two ways/],
    [{ within: 5 }, /on is needed/],
    [{ on: 'id', within: '5m..1m' }, /first bound is greater/],
    [{ on: 'id', within: -5 }, /must not be negative/],
    [{ on: 'id', within: 'soon' }, /Cannot read join bound/],
    [{ on: 'id', asOf: true, type: 'full' }, /as-of joins are inner, left/],
    [{ on: 'id', ttl: 0 }, /at least 1 ms/],
    [{ on: 'id', within: 5, deleted: () => true }, /Cannot use deleted/],
    [{ on: 'id', within: 5, tpye: 'left' }, /option "tpye", did you mean type: options are on, type, within/],
    [{ on: 'id', within: [-5, 5] }, /within an array: a duration like 5m is needed, or two like -1m\.\.5m/],
    [{ on: 'id', window: '10s' }, /in window "10s": it is no window/],
    [{ on: 'id', table: 'yes' }, /with table: "yes": it is true or left out/],
    [{ on: 'id', table: true, deleted: 'gone' }, /Cannot tell deleted rows by "gone": a function is needed/],
    [{ on: 'id=', within: 5 }, /Cannot join on "id=": it is a field, LEFT=RIGHT/],
    [{ on: { left: 'id' }, within: 5 }, /Cannot join on an object: .* one key for each side/],
    [undefined as never, /Cannot join by undefined: options are needed/],
  ]
  for (const [options, message] of joins)
    assert.throws(() => orders().join(payments(), options as { on: 'id'; within: number }), {
      name: 'StreamError',
      message,
    })
  const other = (rows: unknown) => () => orders().join(rows as never, { on: 'id', within: 5 } as never)
  assert.throws(other([{ id: 1 }]), {
    code: 'OPTION_INVALID',
    message: /with an array: a stream is needed; from\(rows\)/,
  })
  assert.throws(other(payments().keyBy('id')), { message: /a KeyedStream: .* the other side is not grouped/ })
  assert.throws(() => orders().union(undefined as never), { message: /Cannot make a union with undefined/ })
  assert.throws(() => orders().filter(5 as never), { message: /Cannot filter by 5: a function is needed/ })
})

test('no distance at all, and blanks between two bounds', async () => {
  const pairs = async (within: string) =>
    (
      await orders()
        .join(payments(), { on: 'id', within }, (o, p) => [o.at, p.at])
        .toArray()
    ).join()
  assert.deepEqual([await pairs('0'), await pairs('0 .. 2ms'), await pairs('0ms..1ms')], ['', '10,12', ''])
})

test('a snapshot in the middle goes on where it was', async () => {
  const left = feed<Order>({ time: 'at' })
  const right = feed<Order>({ time: 'at' })
  const joined = left.join(right, { on: 'id', within: 5, type: 'full' }, (l, r) => [l?.at ?? null, r?.at ?? null])
  await joined.bindName('snapshotJoin')
  const rows = (): Promise<(number | null)[][]> => joined.toArray()
  await left.push({ id: 1, at: 1 })
  const bytes = await joined.snapshot()
  await right.push({ id: 1, at: 2 })
  await joined.restore(bytes)
  for (const f of [left, right]) await f.end()
  assert.deepEqual(await rows(), [[1, 2]])
  await joined.stop()
})

function pipelineOf(joinStateBytes: number | undefined, mode: JoinMode): Pipeline {
  const source = { op: 'feed', partitions: 1, time: 'at', bounded: false } as const
  return buildPipeline(
    {
      op: 'join',
      left: { ...source, id: 'l' },
      right: { ...source, id: 'r' },
      options: { mode, type: 'inner', on: [{ left: 'id', right: 'id' }] },
    },
    {
      joinStateBytes,
      revive: slot => slot as (...args: never[]) => unknown,
      decode: () => ({ rows: [], keys: [], failures: [] }),
      onOutput: () => {},
    },
  )
}

test('a hot key stops the join at the limit, with key, size and the way out', () => {
  const pipeline = pipelineOf(100_000, { kind: 'interval', fromMs: -1e12, toMs: 1e12 })
  const rows = Array.from({ length: 5000 }, (_, at) => ({ id: at % 10 === 0 ? at : 'hot', at }))
  pipeline.push(0, { kind: 'rows', rows })
  assert.equal(pipeline.state, 'failed')
  assert.equal(pipeline.error?.code, 'STATE_TOO_LARGE')
  assert.match(pipeline.error.message, /rows wait for partners \(about [\d.]+ kB\), the limit is 100 kB/)
  assert.match(pipeline.error.detail ?? '', /Most are of key "hot": [\d,]+ rows/)
  assert.match(pipeline.error.hint ?? '', /shorter time, or on a key with more values/)
})

test('a hot key of columns stops the join at the limit too', () => {
  const f = (l: { at: number }, r: { at: number }) => ({ l: l.at, r: r.at })
  const source = { op: 'feed', partitions: 1, time: 'at', bounded: false, columns: { id: 'int', at: 'float' } } as const
  const mode = { kind: 'interval', fromMs: -1e12, toMs: 1e12 } as const
  const options = { mode, type: 'inner', on: [{ left: 'id', right: 'id' }], f } as const
  const pipeline = buildPipeline(
    { op: 'join', left: { ...source, id: 'l' }, right: { ...source, id: 'r' }, options },
    {
      joinStateBytes: 100_000,
      revive: slot => slot as (...args: never[]) => unknown,
      decode: () => ({ rows: [], keys: [], failures: [] }),
      onOutput: () => {},
    },
  )
  const rows = Array.from({ length: 9000 }, (_, at) => ({ id: at % 10 === 0 ? at : 77, at }))
  const columns = { id: Int32Array.from(rows, row => row.id), at: Float64Array.from(rows, row => row.at) }
  pipeline.push(0, { kind: 'rows', rows, columns, count: rows.length })
  assert.equal(pipeline.error?.code, 'STATE_TOO_LARGE')
  assert.match(pipeline.error.message, /rows wait for partners \(about [\d.]+ kB\), the limit is 100 kB/)
  assert.match(pipeline.error.detail ?? '', /^Most are of key 77: [\d,]+ rows$/)
  assert.match(pipeline.error.hint ?? '', /shorter time, or on a key with more values/)
})

test('a consumer of columns that takes its time sees each pair, although their arrays are written to again', async () => {
  setRuntime(new LocalRuntime())
  // Three batches of pairs: one of three parts, a small one, a large one.
  const size = 16_384
  const columns = (other: number) => ({
    at: Float64Array.from({ length: 3 * size }, (_, i) => Math.floor(i / size)),
    key: Int32Array.from({ length: 3 * size }, (_, i) => {
      const [batch, place] = [Math.floor(i / size), i % size]
      return (
        batch * size + (batch === 0 ? Math.floor(place * 0.45) : batch === 1 && place >= 100 ? place + other : place)
      )
    }),
    id: Int32Array.from({ length: 3 * size }, (_, i) => i),
  })
  const [l, r] = [columns(0), columns(1_000_000)]
  const [left, right] = [fromColumns(l, { time: 'at' }), fromColumns(r, { time: 'at' })]
  const seen = { pairs: 0, sum: 0, sizes: [] as number[] }
  await left
    .join(right, { on: 'key', within: '10ms' }, (l, r) => ({ both: l.id * 3 + r.id, key: l.key }))
    .forEachBatch(async ({ both }, n) => {
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
      for (let i = 0; i < n; i++) seen.sum += both[i]!
      seen.pairs += n
      seen.sizes.push(n)
    })
  const byKey = new Map<number, number[]>()
  for (const id of l.id) byKey.set(l.key[id]!, [...(byKey.get(l.key[id]!) ?? []), id])
  let [pairs, sum] = [0, 0]
  for (const id of r.id) for (const of of byKey.get(r.key[id]!) ?? []) [pairs, sum] = [pairs + 1, sum + of * 3 + id]
  assert.deepEqual([seen.pairs, seen.sum], [pairs, sum])
  assert.deepEqual(
    seen.sizes.map(n => Math.min(n, 10_000)),
    [10_000, 10_000, 4916, 100, 10_000],
  )
})

test('a join that stops at the limit does no harm to the other streams of its rows', async () => {
  const runtime = new LocalRuntime()
  setRuntime(runtime)
  const limit = process.env['RIFFLE_STATE_LIMIT']
  process.env['RIFFLE_STATE_LIMIT'] = '2MB'
  try {
    const [clicks, users] = [feed<Click>({ time: 'at' }), feed<Click>({ time: 'at' })]
    await clicks.join(users, { on: 'id', within: '365d' }).bindName('unbounded')
    await clicks.keyBy('id').window(tumbling('1s')).aggregate({ n: count() }).bindName('windows')
    const page = 'x'.repeat(1000)
    for (let at = 0; at < 10_000; at++) await clicks.push({ id: 'hot', at, page })
    await clicks.watermark(9999)
    const [unbounded, windows] = await runtime.list()
    assert.equal(unbounded?.stats.state, 'failed')
    assert.equal(unbounded.stats.error?.code, 'STATE_TOO_LARGE')
    assert.match(unbounded.stats.error.detail ?? '', /Most are of key "hot": [\d,]+ rows/)
    assert.match(unbounded.stats.error.hint ?? '', /shorter time/)
    assert.equal(windows?.stats.state, 'running')
    assert.equal(windows.stats.rowCount, 10)
  } finally {
    if (limit === undefined) delete process.env['RIFFLE_STATE_LIMIT']
    else process.env['RIFFLE_STATE_LIMIT'] = limit
    await runtime.close()
  }
})

interface Click {
  readonly id: string
  readonly at: number
  readonly page: string
}

for (const [name, mode, waiting] of [
  ['within a time, all rows that may still match', { kind: 'interval', fromMs: -5, toMs: 5 }, [3, 1, 0]],
  [
    'in windows, the rows of those that are open',
    { kind: 'window', window: { kind: 'tumbling', sizeMs: 10, offsetMs: 0 } },
    [3, 2, 0],
  ],
  ['as of a time, the left rows whose time has not come', { kind: 'asOf' }, [2, 1, 0]],
  ['of all rows that live, those', { kind: 'ttl', ttlMs: 5 }, [3, 1, 0]],
  ['with a table, none', { kind: 'table' }, [undefined, undefined, undefined]],
] as const) {
  test(`rows that wait for partners are counted: ${name}`, () => {
    const pipeline = pipelineOf(undefined, mode)
    pipeline.push(0, { kind: 'rows', rows: [{ id: 'a', at: 9 }, { id: 'b', at: 15 }] }) // prettier-ignore
    pipeline.push(1, { kind: 'rows', rows: [{ id: 'a', at: mode.kind === 'window' ? 12 : 8 }] })
    const counts = [pipeline.stats().waitingCount]
    for (const watermarkMs of [14, 40]) {
      for (const side of [0, 1]) pipeline.push(side, { kind: 'watermark', watermarkMs })
      counts.push(pipeline.stats().waitingCount)
    }
    assert.deepEqual(counts, waiting)
  })
}

test('rows that can match nothing any more leave the state', () => {
  const pipeline = pipelineOf(100_000, { kind: 'interval', fromMs: -100, toMs: 100 })
  for (let at = 0; at < 200_000; at += 1000) {
    for (const side of [0, 1]) {
      const rows = Array.from({ length: 20 }, (_, i) => ({ id: `${at + i}`, at: at + i }))
      pipeline.push(side, { kind: 'rows', rows })
      pipeline.push(side, { kind: 'watermark', watermarkMs: at + 500 })
    }
  }
  assert.equal(pipeline.state, 'running')
  assert.ok(pipeline.stats().stateBytes < 700_000, `${pipeline.stats().stateBytes}`)
})

test('the row that ends an idle input is judged before the input counts, the next one after, in one batch too', () => {
  const pipeline = pipelineOf(undefined, { kind: 'interval', fromMs: -5, toMs: 5 })
  pipeline.push(0, { kind: 'watermark', watermarkMs: 10 })
  pipeline.push(1, { kind: 'watermark', watermarkMs: 50 })
  for (const source of [1, 0]) pipeline.push(source, { kind: 'idle', partition: 0 })
  const rows = [{ id: 1, at: 30 }, { id: 2, at: 40 }] // prettier-ignore
  pipeline.push(1, { kind: 'rows', rows })
  assert.deepEqual(pipeline.lateRows.map(refused => refused.row), [rows[1]]) // prettier-ignore
})

test('a pad that was given before a restart is not given again', () => {
  const { plan } = feed<Order>({ time: 'at' }).join(
    feed<Payment>({ time: 'at' }),
    { on: 'id', within: '0ms..20ms', type: 'right' },
    (_, p) => p.id,
  )
  const given: unknown[] = []
  const make = () =>
    buildPipeline(plan, {
      revive: slot => slot as (...args: never[]) => unknown,
      decode: () => ({ rows: [], keys: [], failures: [] }),
      onOutput: ({ rows }) => given.push(...rows),
    })
  const first = make()
  first.push(1, { kind: 'rows', rows: [{ id: 1, at: 28, amount: 1 }, { id: 1, at: 29, amount: 1 }] }) // prettier-ignore
  for (const side of [0, 1]) first.push(side, { kind: 'watermark', watermarkMs: 28 })
  assert.deepEqual(given, [1])
  const second = make()
  second.restore(first.snapshot())
  for (const side of [0, 1]) second.push(side, { kind: 'watermark', watermarkMs: 100 })
  assert.deepEqual(given, [1, 1])
})
