/**
 * Tumbling count and sum on row objects with text keys, inline through the public API, beside a hand-written loop over the same
 * rows in the same run. 1,000 and 100,000 keys.
 */
import { count, from, sum, tumbling } from '../stream/index.ts'
import type { Measurement } from './bench.ts'

interface Row {
  readonly at: number
  readonly key: string
  readonly value: number
}

const ROWS = 2_000_000
const SIZE_MS = 10_000

/** Mostly ascending times, two seconds of disorder, so that windows open and close on the way. */
function makeRows(keyCount: number): Row[] {
  const keys = Array.from({ length: keyCount }, (_, i) => `key-${i}`)
  let state = 42
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0)
  return Array.from({ length: ROWS }, (_, i) => ({
    at: Math.floor(i / 10) + (next() % 2000),
    key: keys[next() % keyCount]!,
    value: next() % 100,
  }))
}

async function ours(rows: readonly Row[]): Promise<{ seconds: number; total: number }> {
  const start = performance.now()
  const windows = from(rows, { time: 'at', outOfOrder: '2s' })
    .keyBy('key')
    .window(tumbling(SIZE_MS))
    .aggregate({ n: count(), total: sum('value') })
  let total = 0
  for await (const row of windows) total += row.total
  return { seconds: (performance.now() - start) / 1000, total }
}

/** What one would write without an engine: a Map per window, closed when the watermark passes. */
function byHand(rows: readonly Row[]): { seconds: number; total: number } {
  const start = performance.now()
  const open = new Map<number, Map<string, { n: number; total: number }>>()
  let watermark = -Infinity
  let total = 0
  for (const row of rows) {
    const begin = Math.floor(row.at / SIZE_MS) * SIZE_MS
    if (begin + SIZE_MS - 1 > watermark) {
      let window = open.get(begin)
      if (window === undefined) open.set(begin, (window = new Map()))
      const state = window.get(row.key)
      if (state === undefined) window.set(row.key, { n: 1, total: row.value })
      else {
        state.n++
        state.total += row.value
      }
    }
    if (row.at - 2001 > watermark) {
      watermark = row.at - 2001
      for (const [begin, window] of open) {
        if (begin + SIZE_MS - 1 > watermark) continue
        for (const state of window.values()) total += state.total
        open.delete(begin)
      }
    }
  }
  for (const window of open.values()) for (const state of window.values()) total += state.total
  return { seconds: (performance.now() - start) / 1000, total }
}

let thousand: Row[] | undefined
let hundredThousand: Row[] | undefined

async function eventsPerSecond(rows: readonly Row[]): Promise<number> {
  const mine = await ours(rows)
  const hand = byHand(rows)
  if (mine.total !== hand.total) throw new Error(`engine gave ${mine.total}, by hand ${hand.total}`)
  return rows.length / mine.seconds
}

export const measurements: readonly Measurement[] = [
  {
    name: 'engine.tumbling-events-per-s',
    unit: 'events/s',
    measure: () => eventsPerSecond((thousand ??= makeRows(1000))),
  },
  {
    name: 'engine.tumbling-100k-keys-events-per-s',
    unit: 'events/s',
    measure: () => eventsPerSecond((hundredThousand ??= makeRows(100_000))),
  },
  {
    name: 'engine.tumbling-to-hand-written-ratio',
    unit: 'ratio',
    measure: async () => {
      const rows = (thousand ??= makeRows(1000))
      const hand = byHand(rows)
      return hand.seconds / (await ours(rows)).seconds
    },
  },
]
