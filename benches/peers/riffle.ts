/**
 * The workloads of `workload.md` through the public API; `riffle.ts CELL EVENTS REPETITIONS [FILE]` runs one as its peers are run.
 * Windows and steps read columns, joins rows, the workload K lines of JSON.
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
    const joined = left.join(
      right,
      { on: 'key', within: '5s' },
      (l, r) => [l.ts - T0, r.ts - T0, l.key, l.val * 1000 + r.val] as const,
    )
    for await (const [a, b, c, d] of joined) sink.add(a, b, c, d)
  },
  W5: async (input, bound, sink) => {
    const [trades, quotes] = sides(input, bound)
    const joined = trades.join(
      quotes,
      { on: 'key', asOf: true, type: 'left' },
      (trade, quote) => [trade.ts - T0, trade.key, trade.val, quote?.val ?? -1] as const,
    )
    for await (const [a, b, c, d] of joined) sink.add(a, b, c, d)
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

/** Rows of both inputs of a join. They are made within the measured time. */
function sides({ ts, key, val, side, n }: Input, bound: number) {
  const rows: [Row[], Row[]] = [[], []]
  for (let i = 0; i < n; i++) rows[side[i] as 0 | 1].push({ ts: ts[i]!, key: key[i]!, val: val[i]! })
  const time = { time: 'ts', outOfOrder: bound } as const
  return [from(rows[0], time), from(rows[1], time)] as const
}

interface Row {
  readonly ts: number
  readonly key: number
  readonly val: number
}

interface JsonRow {
  readonly ts: number
  readonly key: string
  readonly val: number
}

await bench(run)
