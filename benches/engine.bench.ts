/**
 * The engine through its public API on workloads with known checksums, each beside hand-written programs in the same run: loops
 * over typed arrays for columns, a Map of objects for rows with text keys. Ratios are of CPU time: other work on the machine
 * slows both sides alike. `peers/` says where the programs come from.
 */
import { count, from, fromColumns, hopping, session, sum, topK, tumbling } from '../stream/index.ts'
import type { Measurement } from './bench.ts'
import { gen, parse, rowHash, T0 } from './peers/js/gen.mjs'
import { run as loop } from './peers/js/loops.mjs'

type Answer = readonly [rows: number, checksum: number]

/** Rows and checksum of 2,000,000 events, computed by another program. */
const EXPECTED: Readonly<Record<string, Answer>> = {
  'W1-1k': [4000, 2612921607],
  'W1-100k': [397316, 1296518249],
  'W1-100k-d': [397301, 91332708],
  'W2-1k': [24000, 2676473117],
  'W2-100k': [2274389, 2346949847],
  'W3-100k': [125000, 3666157376],
  'W6-100k': [40, 357403519],
  'W7-100k': [697545, 3716823842],
}
const EVENTS = 2_000_000

type Workload = ReturnType<typeof gen>
const made = new Map<string, Workload>()

function workload(cell: string): Workload {
  let data = made.get(cell)
  if (data === undefined) {
    made.clear()
    made.set(cell, (data = gen(cell, EVENTS)))
  }
  return data
}

/** The workload of a cell over columns, through `fromColumns` and `forEachBatch`. */
async function ours(cell: string): Promise<Answer> {
  const { ts, key, val } = workload(cell)
  const events = fromColumns({ ts, key, val }, { time: 'ts', outOfOrder: parse(cell).bound })
  let rows = 0
  let hash = 0
  const add = (a: number, b: number, c: number, d: number) => {
    rows++
    hash = (hash + rowHash(a, b, c, d)) | 0
  }
  const kind = cell.slice(0, 2)
  if (kind === 'W1' || kind === 'W2') {
    await events
      .keyBy('key')
      .window(kind === 'W1' ? tumbling('10s') : hopping('10s', '2s'))
      .aggregate({ n: count(), total: sum('val') })
      .forEachBatch((c, n) => {
        for (let i = 0; i < n; i++) add(c.windowStart[i]! - T0, c.key[i]!, c.n[i]!, c.total[i]!)
      })
  } else if (kind === 'W3') {
    await events
      .keyBy('key')
      .window(session('30s'))
      .aggregate({ n: count() })
      .forEachBatch((c, n) => {
        for (let i = 0; i < n; i++) add(c.windowStart[i]! - T0, c.windowEnd[i]! - 30_000 - T0, c.key[i]!, c.n[i]!)
      })
  } else if (kind === 'W6') {
    await events
      .keyBy('key')
      .window(tumbling('10s'))
      .aggregate({ total: sum('val') })
      .window(tumbling('10s'))
      .aggregate({ top: topK(10, 'total', { tie: 'key' }) })
      .forEachBatch(({ windowStart, top }, n) => {
        for (let i = 0; i < n; i++) for (const row of top[i]!) add(windowStart[i]! - T0, row.rank, row.key, row.total)
      })
  } else {
    await events
      .filter(r => r.val >= 300 && (r.key & 1) === 0)
      .map(r => ({ ts: r.ts, key: r.key, mapped: Math.floor((r.val * 908) / 1000) }))
      .forEachBatch((c, n) => {
        for (let i = 0; i < n; i++) add(c.ts[i]! - T0, c.key[i]!, c.mapped[i]!, 0)
      })
  }
  return [rows, hash >>> 0]
}

async function cpuSeconds(cell: string, work: () => Answer | Promise<Answer>): Promise<number> {
  const before = process.cpuUsage()
  const [rows, hash] = await work()
  const { user, system } = process.cpuUsage(before)
  const [wantedRows, wantedHash] = EXPECTED[cell]!
  if (rows !== wantedRows || hash >>> 0 !== wantedHash)
    throw new Error(`${cell}: ${rows} rows with checksum ${hash >>> 0}, expected ${wantedRows} with ${wantedHash}`)
  return (user + system) / 1e6
}

/** 1: as fast as the loop written by hand. */
async function columnsRatio(cell: string): Promise<number> {
  const data = workload(cell)
  const hand = await cpuSeconds(cell, () => loop(cell, data, parse(cell).bound))
  return hand / (await cpuSeconds(cell, () => ours(cell)))
}

interface Row {
  readonly ts: number
  readonly key: string
  readonly val: number
}

/** W1 as a plain program over rows with text keys. */
function byHand(rows: readonly Row[]): { windows: number; total: number } {
  const open = new Map<number, Map<string, { n: number; total: number }>>()
  let windows = 0
  let total = 0
  const close = (watermark: number) => {
    for (const [start, keys] of open) {
      if (start + 9999 > watermark) continue
      for (const state of keys.values()) {
        windows++
        total += state.total
      }
      open.delete(start)
    }
  }
  let newest = -Infinity
  for (const row of rows) {
    const start = row.ts - (row.ts % 10_000)
    let keys = open.get(start)
    if (keys === undefined) open.set(start, (keys = new Map()))
    const state = keys.get(row.key)
    if (state === undefined) keys.set(row.key, { n: 1, total: row.val })
    else {
      state.n++
      state.total += row.val
    }
    if (row.ts > newest) {
      newest = row.ts
      if (open.size > 1) close(newest - 1)
    }
  }
  close(Infinity)
  return { windows, total }
}

const textRows = new Map<string, readonly Row[]>()

/** Events per second on row objects with text keys and lambdas, and how that compares with the plain program. */
async function onRows(cell: string): Promise<Record<string, number>> {
  let rows = textRows.get(cell)
  if (rows === undefined) {
    const { ts, key, val } = workload(cell)
    rows = Array.from({ length: EVENTS / 2 }, (_, i) => ({ ts: ts[i]!, key: `k${key[i]!}`, val: val[i]! }))
    textRows.clear()
    textRows.set(cell, rows)
  }
  const start = process.cpuUsage()
  const hand = byHand(rows)
  const middle = process.cpuUsage()
  let windows = 0
  let total = 0
  for await (const row of from(rows, { time: 'ts', outOfOrder: 0 })
    .keyBy(r => r.key)
    .window(tumbling('10s'))
    .aggregate({ n: count(), total: sum(r => r.val) })) {
    windows++
    total += row.total
  }
  const end = process.cpuUsage()
  if (windows !== hand.windows || total !== hand.total)
    throw new Error(`${cell}: ${windows} windows of ${total}, by hand ${hand.windows} of ${hand.total}`)
  const handSeconds = (middle.user + middle.system - start.user - start.system) / 1e6
  const seconds = (end.user + end.system - middle.user - middle.system) / 1e6
  return { 'events-per-s': rows.length / seconds, ratio: handSeconds / seconds }
}

async function eventsPerSecond(cell: string): Promise<number> {
  return (await onRows(cell))['events-per-s'] ?? 0
}

export const measurements: readonly Measurement[] = [
  { name: 'engine.tumbling-events-per-s', unit: 'events/s', measure: () => eventsPerSecond('W1-1k') },
  { name: 'engine.tumbling-100k-keys-events-per-s', unit: 'events/s', measure: () => eventsPerSecond('W1-100k') },
  {
    name: 'engine.tumbling-to-hand-written-ratio',
    unit: 'ratio',
    measure: async () => (await onRows('W1-1k'))['ratio'] ?? 0,
  },
  { name: 'engine.columns-ratio', unit: 'ratio', measure: () => columnsRatio('W1-1k') },
  ...Object.keys(EXPECTED).map((cell): Measurement => ({
    name: `engine.${cell.toLowerCase()}-columns-ratio`,
    unit: 'ratio',
    runs: 3,
    measure: () => columnsRatio(cell),
  })),
]
