/**
 * The workloads of `workload.md` through the public API; `riffle.ts CELL EVENTS REPETITIONS [FILE]` runs one as its peers are run.
 * Windows, steps and joins read columns, the workload K lines of JSON.
 */
import { count, file, from, fromColumns, hopping, session, sum, topK, tumbling } from '../../stream/index.ts'
import type { Stream, WindowDefinition } from '../../stream/index.ts'
import { bench, parse, rowHash, T0, type Answer, type Workload } from './js/gen.mjs'

type Input = Workload & { readonly file?: string }

/** Rows and checksum; the order of rows does not matter. */
class Sink {
  rows = 0
  sum = 0

  add(a: number, b: number, c: number, d: number): void {
    this.rows++
    this.sum = (this.sum + rowHash(a, b, c, d)) | 0
  }
}

/** One outlives each repetition: V8 forgets what it has compiled for a class with the last of its objects. */
export const kept = new Sink()

export async function run(cell: string, input: Input, bound: number): Promise<Answer> {
  const sink = new Sink()
  const query = queries[parse(cell).w]
  if (query === undefined) throw new Error(`there is no workload ${cell}`)
  await query(input, bound, sink)
  return [sink.rows, sink.sum >>> 0]
}

type Query = (input: Input, bound: number, sink: Sink) => Promise<void>

const queries: Readonly<Record<string, Query>> = {
  W1: windows(tumbling('10s')),
  W2: windows(hopping('10s', '2s')),
  W3: async (input, bound, sink) => {
    await events(input, bound)
      .keyBy('key')
      .window(session('30s'))
      .aggregate({ n: count() })
      .forEachBatch((c, n) => {
        for (let i = 0; i < n; i++) sink.add(c.windowStart[i]! - T0, c.windowEnd[i]! - 30_000 - T0, c.key[i]!, c.n[i]!)
      })
  },
  W4: async (input, bound, sink) => {
    const [left, right] = sides(input, bound)
    await left
      .join(right, { on: 'key', within: '5s' }, (l, r) => ({
        left: l.ts,
        right: r.ts,
        key: l.key,
        both: l.val * 1000 + r.val,
      }))
      .forEachBatch((c, n) => {
        for (let i = 0; i < n; i++) sink.add(c.left[i]! - T0, c.right[i]! - T0, c.key[i]!, c.both[i]!)
      })
  },
  W5: async (input, bound, sink) => {
    const [trades, quotes] = sides(input, bound)
    await trades
      .join(quotes, { on: 'key', asOf: true, type: 'left' }, (trade, quote) => ({
        at: trade.ts,
        key: trade.key,
        price: trade.val,
        quote: quote?.val ?? -1,
      }))
      .forEachBatch((c, n) => {
        for (let i = 0; i < n; i++) sink.add(c.at[i]! - T0, c.key[i]!, c.price[i]!, c.quote[i]!)
      })
  },
  W6: async (input, bound, sink) => {
    await events(input, bound)
      .keyBy('key')
      .window(tumbling('10s'))
      .aggregate({ total: sum('val') })
      .window(tumbling('10s'))
      .aggregate({ top: topK(10, 'total', { tie: 'key' }) })
      .forEachBatch(({ windowStart, top }, n) => {
        for (let i = 0; i < n; i++)
          for (const row of top[i]!) sink.add(windowStart[i]! - T0, row.rank, row.key, row.total)
      })
  },
  W7: async (input, bound, sink) => {
    await events(input, bound)
      .filter(r => r.val >= 300 && (r.key & 1) === 0)
      .map(r => ({ ts: r.ts, key: r.key, mapped: Math.floor((r.val * 908) / 1000) }))
      .forEachBatch((c, n) => {
        for (let i = 0; i < n; i++) sink.add(c.ts[i]! - T0, c.key[i]!, c.mapped[i]!, 0)
      })
  },
  K: async (input, bound, sink) => {
    const lines = from(file(input.file!), { time: 'ts', outOfOrder: bound }) as unknown as Stream<JsonRow>
    const windows = lines
      .keyBy('key')
      .window(tumbling('10s'))
      .aggregate({ n: count(), total: sum('val') })
    for await (const row of windows) sink.add(row.windowStart - T0, Number(row.key.slice(1)), row.n, row.total)
  },
}

function windows(definition: WindowDefinition): Query {
  return (input, bound, sink) =>
    keyed(input, bound)
      .window(definition)
      .aggregate({ n: count(), total: sum('val') })
      .forEachBatch((c, n) => {
        for (let i = 0; i < n; i++) sink.add(c.windowStart[i]! - T0, c.key[i]!, c.n[i]!, c.total[i]!)
      })
}

function events({ ts, key, val }: Input, bound: number) {
  return fromColumns({ ts, key, val }, { time: 'ts', outOfOrder: bound })
}

function keyed(input: Input, bound: number) {
  return events(input, bound).keyBy('key')
}

/** Both inputs of a join. They are made within the measured time. */
function sides({ ts, key, val, side, n }: Input, bound: number) {
  let right = 0
  for (let i = 0; i < n; i++) right += side[i]!
  // One place more each: a row is written to both, and counts in one.
  const [l, r] = [room(0, n - right + 1), room(1, right + 1)]
  split({ ts, key, val, side, n }, l, r)
  const options = { time: 'ts', outOfOrder: bound } as const
  return [fromColumns(cut(l, n - right), options), fromColumns(cut(r, right), options)] as const
}

/** The arrays in variables of their own: read as properties of the sides they make the loop twice as long. */
function split({ ts, key, val, side, n }: Input, l: Columns, r: Columns): void {
  const { ts: leftTs, key: leftKey, val: leftVal } = l
  const { ts: rightTs, key: rightKey, val: rightVal } = r
  for (let i = 0, a = 0, b = 0; i < n; i++) {
    const right = side[i]! | 0
    leftTs[a] = rightTs[b] = ts[i]!
    leftKey[a] = rightKey[b] = key[i]!
    leftVal[a] = rightVal[b] = val[i]!
    b = (b + right) | 0
    a = (a + 1 - right) | 0
  }
}

/** Used by each repetition again, as a program that splits one input after the other would. */
const rooms: Columns[] = []

function room(side: number, count: number): Columns {
  const known = rooms[side]
  return known !== undefined && known.ts.length >= count ? known : (rooms[side] = empty(count))
}

const empty = (count: number) => ({
  ts: new Float64Array(count),
  key: new Int32Array(count),
  val: new Int32Array(count),
})

const cut = ({ ts, key, val }: Columns, count: number) => ({
  ts: ts.subarray(0, count),
  key: key.subarray(0, count),
  val: val.subarray(0, count),
})

type Columns = ReturnType<typeof empty>

interface JsonRow {
  readonly ts: number
  readonly key: string
  readonly val: number
}

await bench(run)
