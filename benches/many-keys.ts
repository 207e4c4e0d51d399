/**
 * Ten million whole-number keys in one window, count and sum: `many-keys.ts stall KEYS` and `many-keys.ts bytes KEYS`, each in a
 * process of its own.
 *
 *   stall   the longest time in ms the compute worker worked without letting its event loop turn, seen by a second stream on it:
 *           reading, growth of tables, snapshots, and the firing with all its rows on their way to the main thread. In CPU time of
 *           that thread where Linux tells it, so that other work on the machine does not count; by the clock it is told beside it
 *   bytes   what the process grew by for each key that is held, run inline after a collection of garbage
 */
import { setTimeout as wait } from 'node:timers/promises'
import { Compute } from '../kernel/engine/compute.ts'
import type { Run } from '../kernel/engine/run.ts'
import { entryPoint } from '../kernel/entries.ts'
import { count, fromColumns, sum, tumbling } from '../stream/index.ts'
import type { PlanNode, ShippedLambda } from '../stream/plan.ts'
import { opaque } from './peers/js/gen.mjs'

const [mode, keysText] = process.argv.slice(2)
const keys = Number(keysText)
const BATCH = 1 << 16

function columnsOf(from: number, to: number) {
  const columns = { at: new Float64Array(to - from), key: new Int32Array(to - from), val: new Int32Array(to - from) }
  for (let i = from; i < to; i++) {
    columns.at[i - from] = 1_700_000_000_000 + (i % 1000)
    columns.key[i - from] = opaque(i)
    columns.val[i - from] = i % 1000
  }
  return columns
}

const feed = (id: string) => ({ op: 'feed', id, partitions: 1, time: 'at', outOfOrderMs: 5000, bounded: true }) as const
const windowed: PlanNode = {
  op: 'window',
  input: { ...feed('keys'), columns: { at: 'float', key: 'int', val: 'int' } },
  options: {
    window: { kind: 'tumbling', sizeMs: 10_000, offsetMs: 0 },
    by: [{ name: 'key' }],
    aggregates: [
      { name: 'n', aggregate: { kind: 'count' } },
      { name: 'total', aggregate: { kind: 'sum', value: 'val' } },
    ],
    latenessMs: 0,
    emit: 'final',
  },
}

interface Stalls {
  /** Milliseconds since the row before. */
  readonly cpu: number
  readonly clock: number
}

/** Runs in the compute worker. */
const text = `row => {
  const watch = globalThis.manyKeys ??= (() => {
    const { openSync, readSync } = process.getBuiltinModule('node:fs')
    const bytes = new Uint8Array(64)
    let file
    try { file = openSync('/proc/thread-self/schedstat') } catch {}
    const cpu = () => file === undefined
      ? performance.now()
      : parseInt(String.fromCharCode(...bytes.subarray(0, readSync(file, bytes, 0, 64, 0))), 10) / 1e6
    const watch = { cpu: 0, clock: 0 }
    let [lastCpu, last] = [cpu(), performance.now()]
    setInterval(() => {
      const [nowCpu, now] = [cpu(), performance.now()]
      watch.cpu = Math.max(watch.cpu, nowCpu - lastCpu)
      watch.clock = Math.max(watch.clock, now - last)
      ;[lastCpu, last] = [nowCpu, now]
    }, 1)
    return watch
  })()
  const longest = { ...watch }
  watch.cpu = watch.clock = 0
  return longest
}`
const watcher: ShippedLambda = {
  kind: 'lambda',
  text,
  captures: {},
  site: { cell: 'many-keys.ts', line: 1, column: 1, excerpt: 'row => …' },
}

async function stall(): Promise<number> {
  const compute = new Compute({ worker: entryPoint('kernel/engine/compute-worker') })
  let cpu = 0
  let clock = 0
  let rows = 0
  let total = 0
  let last = -Infinity
  let end = (): void => {}
  const ended = new Promise<void>(resolve => (end = resolve))
  const watched = compute.start({
    name: 'watched',
    plan: { op: 'map', input: feed('watched'), f: watcher },
    deliver: 'rows',
    params: {},
    onRows: chunk => {
      for (const row of chunk.rows as Stalls[]) {
        cpu = Math.max(cpu, row.cpu)
        clock = Math.max(clock, row.clock)
      }
    },
  })
  const run: Run = compute.start({
    name: 'keys',
    plan: windowed,
    deliver: 'rows',
    params: {},
    onRows: chunk => {
      for (const row of chunk.rows as { key: number; n: number; total: number }[]) {
        if (row.key <= last || row.n !== 1) throw new Error(`key ${row.key} after ${last}, ${row.n} rows`)
        last = row.key
        rows++
        total += row.total
      }
    },
    onEnded: (state, error) => {
      if (state === 'failed') throw new Error(error?.message)
      end()
    },
  })
  await Promise.all([watched.started, run.started])
  const ask = () => watched.handle({ kind: 'source', source: 0, event: { kind: 'rows', rows: [{ at: 1 }] } })
  await ask()
  await wait(200)
  await ask()
  const phases: Record<string, Stalls> = {}
  const phase = async (name: string) => {
    await ask()
    const before = phases[name] ?? { cpu: 0, clock: 0 }
    phases[name] = { cpu: Math.max(before.cpu, cpu), clock: Math.max(before.clock, clock) }
    cpu = clock = 0
  }
  await phase('start')
  for (let from = 0; from < keys; from += BATCH) {
    const to = Math.min(keys, from + BATCH)
    const event = { kind: 'rows', rows: [], columns: columnsOf(from, to), count: to - from } as const
    await run.handle({ kind: 'source', source: 0, event })
    await phase('filling')
  }
  // The second stream goes on beside the firing.
  const fired = run.handle({ kind: 'source', source: 0, event: { kind: 'end' } })
  let firing = true
  void Promise.all([fired, ended]).then(() => (firing = false))
  while (firing) {
    await phase('firing')
    await wait(20)
  }
  await compute.close()
  const expected = Math.floor(keys / 1000) * 499_500 + ((keys % 1000) * ((keys % 1000) - 1)) / 2
  if (rows !== keys || total !== expected) throw new Error(`${rows} rows of ${total}, expected ${keys} of ${expected}`)
  console.error(JSON.stringify(phases))
  return Math.max(phases['filling']?.cpu ?? Infinity, phases['firing']?.cpu ?? Infinity)
}

async function bytes(): Promise<number> {
  const columns = columnsOf(0, keys)
  const { gc } = globalThis
  if (gc === undefined) throw new Error('run it with --expose-gc')
  gc()
  const before = process.memoryUsage().rss
  let held = 0
  const result = fromColumns(columns, { time: 'at', outOfOrder: 5000 })
    .keyBy('key')
    .window(tumbling('10s'))
    .aggregate({ n: count(), total: sum('val') })
  let rows = 0
  await result.forEachBatch((_, n) => {
    // The first rows of the firing: all keys are there, and the order of the firing beside them.
    if (held === 0) {
      gc()
      held = process.memoryUsage().rss
    }
    rows += n
  })
  if (rows !== keys) throw new Error(`${rows} rows, expected ${keys}`)
  return (held - before) / keys
}

console.log(`RES ${JSON.stringify(mode === 'stall' ? await stall() : await bytes())}`)
