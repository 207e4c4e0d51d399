/**
 * The engine through its public API: over columns beside its peers (`peers/README.md`), and on row objects with text keys beside a
 * plain program with a Map of objects. Ratios are of CPU time: other work on the machine slows both sides alike.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { count, from, sum, tumbling } from '../stream/index.ts'
import type { Measurement } from './bench.ts'
import { comparison, ratesOf, type Rates } from './peers/compare.ts'
import { gen } from './peers/js/gen.mjs'

const cells = [
  'W1-1k',
  'W1-100k',
  'W1-100k-d',
  'W2-1k',
  'W2-100k',
  'W2-100k-d',
  'W3-100k',
  'W6-100k',
  'W7-100k',
  'K-100k',
]
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

/** What one event in a hundred out of order costs: 1 is nothing. */
async function disorderRatio(): Promise<Rates> {
  const ratios: Record<string, number> = {}
  for (const cell of ['W1-100k', 'W2-100k']) {
    const [ordered, disordered] = [await ratesOf(cell), await ratesOf(`${cell}-d`)]
    ratios[cell.toLowerCase()] = disordered['riffle']! / ordered['riffle']!
  }
  return ratios
}

async function eventsPerSecond(cell: string): Promise<number> {
  return (await onRows(cell))['events-per-s'] ?? 0
}

/** Ten million whole-number keys in one window, in a process of its own. */
async function manyKeys(what: 'stall' | 'bytes'): Promise<number> {
  const words = ['--expose-gc', '--import', 'tsx', join(import.meta.dirname, 'many-keys.ts'), what, '10000000']
  const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: 600_000 })
  return Number(/^RES (.*)$/m.exec(stdout)?.[1])
}

export const measurements: readonly Measurement[] = [
  { name: 'engine.tumbling-events-per-s', unit: 'events/s', measure: () => eventsPerSecond('W1-1k') },
  { name: 'engine.tumbling-100k-keys-events-per-s', unit: 'events/s', measure: () => eventsPerSecond('W1-100k') },
  {
    name: 'engine.tumbling-to-hand-written-ratio',
    unit: 'ratio',
    measure: async () => (await onRows('W1-1k'))['ratio'] ?? 0,
  },
  {
    name: 'engine.tumbling-100k-keys-to-hand-written-ratio',
    unit: 'ratio',
    measure: async () => (await onRows('W1-100k'))['ratio'] ?? 0,
  },
  ...cells.flatMap(cell => comparison('engine', cell)),
  { name: 'engine.stall-10m-keys-ms', unit: 'ms', runs: 1, measure: () => manyKeys('stall') },
  { name: 'engine.bytes-per-key', unit: 'bytes', runs: 1, measure: () => manyKeys('bytes') },
  { name: 'engine.disorder-ratio', unit: 'ratio', runs: 1, measure: disorderRatio },
]
