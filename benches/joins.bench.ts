/**
 * Two joins through the public API on rows of a deterministic workload, beside hand-written loops over the same rows in the
 * same run: an interval join of ±5 s (100,000 keys, about 1.1 pairs per row) and an as-of join of trades with quotes. Counts
 * and checksums are those of a batch program over the whole input, so a row dropped, doubled or wrong is found.
 */
import { feed, from, LocalRuntime, setRuntime } from '../stream/index.ts'
import { buildPipeline } from '../stream/pipeline.ts'
import type { Pipeline } from '../stream/pipeline.ts'
import type { FeedNode, JoinSpec } from '../stream/plan.ts'
import type { Measurement } from './bench.ts'
import { comparison } from './peers/compare.ts'

interface Row {
  readonly ts: number
  readonly key: number
  readonly val: number
}

const T0 = 1_700_000_000_000
const ROWS = 1_000_000
const KEYS = 100_000
const EXPECTED = { interval: [1_093_231, 804_207_511], asOf: [199_763, 3_450_101_869] } as const

function fmix(x: number): number {
  x ^= x >>> 16
  x = Math.imul(x, 0x85ebca6b)
  x ^= x >>> 13
  x = Math.imul(x, 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

const random = (i: number, stream: number) => fmix((Math.imul(i + 1, 0x9e3779b1) + Math.imul(stream, 0x7feb352d)) | 0)

/** Ids to keys: a bijection, so that no engine may use them as indexes. */
function opaque(x: number): number {
  x = Math.imul(x, 0x61c88647) & 0x7fffffff
  x ^= x >>> 16
  x = Math.imul(x, 0x5bd1e995) & 0x7fffffff
  return x ^ (x >>> 15)
}

/** Rows of both sides, and which side came when. */
function makeRows(kind: 'interval' | 'asOf'): { left: Row[]; right: Row[]; side: Uint8Array } {
  const [left, right]: [Row[], Row[]] = [[], []]
  const side = new Uint8Array(ROWS)
  for (let i = 0; i < ROWS; i++) {
    const base = Math.floor(i / 50)
    const key = opaque(random(i, 0) % KEYS)
    if (kind === 'interval') side[i] = random(i, 2) & 1
    else side[i] = random(i, 2) % 5 === 0 ? 0 : 1
    const quote = kind === 'asOf' && side[i] === 1
    const val = quote ? fmix(key ^ Math.imul(base, 0x9e3779b1)) % 100_000 : random(i, 1) % 1000
    ;(side[i] === 0 ? left : right).push({ ts: T0 + base, key, val })
  }
  return { left, right, side }
}

/** Order of rows does not matter. */
class Checksum {
  rows = 0
  sum = 0

  add(a: number, b: number, c: number, d: number): void {
    let h = 0x811c9dc5
    for (const v of [a, b, c, d]) {
      h = Math.imul(h ^ v, 0x9e3779b1)
      h ^= h >>> 15
    }
    this.rows++
    this.sum = (this.sum + h) | 0
  }

  check([rows, sum]: readonly [number, number], who: string): void {
    if (this.rows !== rows || this.sum >>> 0 !== sum)
      throw new Error(`${who} gave ${this.rows} rows with sum ${this.sum >>> 0}, expected ${rows} and ${sum}`)
  }
}

type Workload = ReturnType<typeof makeRows>

/** Both inputs are read in chunks, turn by turn. CPU time of the process, which others on the machine change least. */
async function ours(kind: 'interval' | 'asOf', { left, right }: Workload): Promise<{ seconds: number; sum: Checksum }> {
  setRuntime(new LocalRuntime())
  const time = { time: 'ts', outOfOrder: 0 } as const
  const sum = new Checksum()
  const begun = process.cpuUsage()
  const [l, r] = [from(left, time), from(right, time)]
  if (kind === 'interval') {
    const joined = l.join(
      r,
      { on: 'key', within: '5s' },
      (a, b) => [a.ts - T0, b.ts - T0, a.key, a.val * 1000 + b.val] as const,
    )
    for await (const [a, b, c, d] of joined) sum.add(a, b, c, d)
  } else {
    const joined = l.join(
      r,
      { on: 'key', asOf: true, type: 'left' },
      (a, b) => [a.ts - T0, a.key, a.val, b?.val ?? -1] as const,
    )
    for await (const [a, b, c, d] of joined) sum.add(a, b, c, d)
  }
  return { seconds: secondsSince(begun), sum }
}

function secondsSince(begun: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1e6
}

/** What one would write without an engine: per key a list of the last five seconds of each side. */
function intervalByHand({ left, right, side }: Workload): { seconds: number; sum: Checksum } {
  const begun = process.cpuUsage()
  const sum = new Checksum()
  const lists = [new Map<number, Row[]>(), new Map<number, Row[]>()] as const
  const at = [0, 0]
  for (let i = 0; i < ROWS; i++) {
    const s = side[i] as 0 | 1
    const row = (s === 0 ? left : right)[at[s]!++]!
    const others = lists[1 - s]!.get(row.key)
    if (others !== undefined) {
      while (others.length > 0 && others[0]!.ts < row.ts - 5000) others.shift()
      for (const other of others) {
        const [l, r] = s === 0 ? [row, other] : [other, row]
        sum.add(l.ts - T0, r.ts - T0, l.key, l.val * 1000 + r.val)
      }
    }
    const mine = lists[s].get(row.key)
    if (mine === undefined) lists[s].set(row.key, [row])
    else mine.push(row)
  }
  return { seconds: secondsSince(begun), sum }
}

/** The newest quote per key; trades wait until their millisecond is over. */
function asOfByHand({ left, right, side }: Workload): { seconds: number; sum: Checksum } {
  const begun = process.cpuUsage()
  const sum = new Checksum()
  const quotes = new Map<number, Row>()
  let waiting: Row[] = []
  const release = () => {
    for (const trade of waiting) sum.add(trade.ts - T0, trade.key, trade.val, quotes.get(trade.key)?.val ?? -1)
    waiting = []
  }
  let now = 0
  const at = [0, 0]
  for (let i = 0; i < ROWS; i++) {
    const s = side[i] as 0 | 1
    const row = (s === 0 ? left : right)[at[s]!++]!
    if (row.ts > now) release()
    now = row.ts
    if (s === 0) waiting.push(row)
    else quotes.set(row.key, row)
  }
  release()
  return { seconds: secondsSince(begun), sum }
}

const workloads = new Map<string, Workload>()

function workloadOf(kind: 'interval' | 'asOf'): Workload {
  const made = workloads.get(kind) ?? makeRows(kind)
  workloads.set(kind, made)
  return made
}

async function measure(kind: 'interval' | 'asOf'): Promise<Record<string, number>> {
  const workload = workloadOf(kind)
  const byHand = kind === 'interval' ? intervalByHand : asOfByHand
  const hand = byHand(workload)
  hand.sum.check(EXPECTED[kind], 'the loop by hand')
  const mine = await ours(kind, workload)
  mine.sum.check(EXPECTED[kind], 'the join')
  return { 'events-per-s': ROWS / mine.seconds, 'hand-events-per-s': ROWS / hand.seconds }
}

const WAITING = 40_000

/** A left join in which `WAITING` rows wait for their partners. */
async function waitingJoin() {
  setRuntime(new LocalRuntime())
  const [l, r] = [feed<Row>({ time: 'ts' }), feed<Row>({ time: 'ts' })]
  const joined = l.join(r, { on: 'key', within: '1h', type: 'left' })
  await joined.bindName('waiting')
  const { left, right } = workloadOf('interval')
  for (const [side, rows] of [
    [l, left],
    [r, right],
  ] as const) {
    for (const row of rows.slice(0, WAITING / 2)) await side.push(row)
  }
  return { joined, left: l, rows: left }
}

/** What a waiting row weighs in a snapshot. */
async function waitingBytes(): Promise<Record<string, number>> {
  const { joined } = await waitingJoin()
  const bytes = await joined.snapshot()
  await joined.stop()
  return { 'in-a-snapshot': bytes.length / WAITING }
}

/** CPU time to go on from a GB of waiting rows. */
async function restoreTime(): Promise<Record<string, number>> {
  const { joined } = await waitingJoin()
  const bytes = await joined.snapshot()
  const begun = process.cpuUsage()
  await joined.restore(bytes)
  const seconds = secondsSince(begun)
  await joined.stop()
  return { 'per-gb': (seconds * 2 ** 30) / bytes.length }
}

/** Feeds joined within an hour, as the engine runs them: makes their pipeline. */
function joinBuilder(feedOptions: Partial<FeedNode>, joinOptions: Pick<JoinSpec, 'type' | 'f'>): () => Pipeline {
  const feedNode = (id: string): FeedNode => {
    return { op: 'feed', id, partitions: 1, time: 'ts', outOfOrderMs: 0, bounded: false, ...feedOptions }
  }
  const mode = { kind: 'interval', fromMs: -3_600_000, toMs: 3_600_000 } as const
  const options = { mode, on: [{ left: 'key', right: 'key' }], ...joinOptions }
  return () =>
    buildPipeline(
      { op: 'join', left: feedNode('l'), right: feedNode('r'), options },
      {
        revive: slot => slot as (...args: never[]) => unknown,
        decode: () => ({ rows: [], keys: [], failures: [] }),
        onOutput: () => {},
      },
    )
}

/** What so many waiting rows weigh in a snapshot, its CPU time, and that of going on from it in another pipeline. */
function snapshotWeight(pipeline: Pipeline, other: Pipeline, rows: number): Record<string, number> {
  const begun = process.cpuUsage()
  const bytes = pipeline.snapshot()
  const taken = secondsSince(begun)
  const restoring = process.cpuUsage()
  other.restore(bytes)
  const restored = secondsSince(restoring)
  return {
    'bytes-per-row-in-a-snapshot': bytes.length / rows,
    'snapshot-cpu-ms': taken * 1000,
    'restore-cpu-s-per-gb': (restored * 2 ** 30) / bytes.length,
  }
}

/** A left join of rows in which `count` rows wait for their partners. */
function rowJoin(count: number) {
  const build = joinBuilder({}, { type: 'left' })
  const pipeline = build()
  const { left, right } = workloadOf('interval')
  const sides = [left, right] as const
  const SLICE = 1000
  for (let at = 0; at < count / 2; at += SLICE)
    for (const s of [0, 1] as const) pipeline.push(s, { kind: 'rows', rows: sides[s].slice(at, at + SLICE) })
  return { pipeline, build, next: (i: number) => left[count / 2 + i]! }
}

/** How long rows that come while a snapshot is written wait for the piece at work: the longest of each of `times` snapshots. */
async function snapshotStall(count: number, times: number): Promise<Record<string, number>> {
  const { pipeline, next } = rowJoin(count)
  const longest: number[] = []
  for (let i = 0, came = 0; i < times; i++) {
    let worst = 0
    for (const steps = pipeline.snapshotInSteps(); ;) {
      const begun = performance.now()
      const { done, value } = steps.next()
      worst = Math.max(worst, performance.now() - begun)
      if (done === true) break
      if (value === 'moving') pipeline.push(0, { kind: 'rows', rows: [next(came++)] })
    }
    longest.push(worst)
  }
  longest.sort((a, b) => a - b)
  return { p50: longest[Math.ceil(times / 2) - 1]!, p99: longest[Math.ceil(times * 0.99) - 1]! }
}

async function rowState(count: number): Promise<Record<string, number>> {
  const { pipeline, build } = rowJoin(count)
  return snapshotWeight(pipeline, build(), count)
}

/** Cost of a snapshot of 40,000 waiting rows on the stream, and of going on from it. */
async function snapshotCost(): Promise<Record<string, number>> {
  const { joined } = await waitingJoin()
  const begun = performance.now()
  const bytes = await joined.snapshot()
  const taken = performance.now()
  await joined.restore(bytes)
  const restored = performance.now()
  await joined.stop()
  return { taken: taken - begun, restored: restored - taken, megabytes: bytes.length / 2 ** 20 }
}

const COLUMN_ROWS = 1_000_000

/** A million rows of columns that wait, as a stream of `fromColumns` has them in the engine: their memory, a snapshot, going on. */
async function columnState(): Promise<Record<string, number>> {
  const f = (l: Row, r: Row) => ({ left: l.ts, right: r.ts, key: l.key, both: l.val * 1000 + r.val })
  const build = joinBuilder({ columns: { ts: 'float', key: 'int', val: 'int' } }, { type: 'inner', f })
  const pipeline = build()
  const count = 10_000
  for (let at = 0; at < COLUMN_ROWS; at += count) {
    const columns = {
      ts: Float64Array.from({ length: count }, (_, i) => (at + i) / 20),
      key: Int32Array.from({ length: count }, (_, i) => at + i),
      val: new Int32Array(count),
    }
    pipeline.push((at / count) % 2, { kind: 'rows', columns, count, rows: [] })
  }
  const weight = snapshotWeight(pipeline, build(), COLUMN_ROWS)
  return { 'bytes-per-row-in-memory': pipeline.stats().stateBytes / COLUMN_ROWS, ...weight }
}

export const measurements: readonly Measurement[] = [
  ...comparison('joins', 'W4-100k'),
  ...comparison('joins', 'W5-100k'),
  ...comparison('joins', 'W4-1k'),
  { name: 'joins.interval-100k-keys', unit: 'events/s', runs: 3, measure: () => measure('interval') },
  { name: 'joins.as-of-100k-keys', unit: 'events/s', runs: 3, measure: () => measure('asOf') },
  { name: 'joins.waiting-row-bytes', unit: 'bytes', runs: 1, measure: waitingBytes },
  { name: 'joins.restore-s', unit: 's', runs: 3, measure: restoreTime },
  { name: 'joins.column-state-1m-rows', unit: 'bytes', runs: 3, measure: columnState },
  { name: 'joins.row-state-400k-rows', unit: 'bytes', runs: 3, measure: () => rowState(400_000) },
  { name: 'joins.snapshot-stall-40k-rows-ms', unit: 'ms', runs: 3, measure: () => snapshotStall(40_000, 100) },
  { name: 'joins.snapshot-stall-400k-rows-ms', unit: 'ms', runs: 1, measure: () => snapshotStall(400_000, 20) },
  { name: 'joins.snapshot-40k-waiting-ms', unit: 'ms', runs: 3, measure: snapshotCost },
]
