/**
 * Entry of the compute worker: runs the pipelines of all streams. Messages are handled in the order they come; the main
 * thread keeps at most a few small slices of each run on the way, so that no run starves another and none delays commands.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { SharedRows } from '../../stream/schemas/shared-rows.ts'
import { ComputeRun } from './compute-run.ts'
import { GeneratorBody } from './generator-body.ts'
import { PROGRESS } from './compute-protocol.ts'
import type { ComputeData, FromCompute, ToCompute } from './compute-protocol.ts'

const TICK_MS = 100
/** Charts and counters are told at most so often: a little more than ten times a second, so that rows which come ten times a second do not fall behind. */
const REPORT_EVERY_MS = 90
/** Rows that belong together come within a few milliseconds: they are told together, in one frame for all charts. */
const SETTLE_MS = 4
const SETTLE_AT_MOST_MS = 20
/** Messages are handled for so long at a stroke. */
const TURN_MS = 20

const port = parentPort
if (port === null) throw new Error('compute-worker.ts is started by the engine, as a worker')
const progress = new Int32Array((workerData as ComputeData).progress)
const runs = new Map<number, ComputeRun>()
/** All streams decode in this thread: each record of a topic once. */
const rows = new SharedRows()
const generators = new Map<number, GeneratorBody>()
const post = (message: FromCompute, transfer?: ArrayBuffer[]) => port.postMessage(message, transfer)

/** Marks whose work this is while `f` runs: the main thread watches. */
function working(run: number, f: () => void): void {
  progress[PROGRESS.run] = run
  try {
    f()
  } finally {
    progress[PROGRESS.inside] = 0
    progress[PROGRESS.run] = 0
  }
}

function receive(message: ToCompute): void {
  if (message.type === 'start') {
    const run = new ComputeRun(message.spec, rows, progress, post)
    runs.set(message.spec.run, run)
    void run.open(f => working(message.spec.run, f))
  } else if (message.type === 'generator') {
    const body = new GeneratorBody(message, progress, post)
    generators.set(message.run, body)
  } else if (message.type === 'generate') {
    void generators.get(message.run)?.make(message.call, message.args, f => working(message.run, f))
  } else if (message.type === 'stop') {
    runs.get(message.run)?.close()
    runs.delete(message.run)
    generators.delete(message.run)
  } else {
    const run = runs.get(message.run)
    if (run === undefined) return
    working(message.run, () => run.receive(message))
    reportSoon()
  }
}

let reportedMs = Number.NEGATIVE_INFINITY
let receivedMs = 0
let reportTimer: NodeJS.Timeout | undefined

/** What comes after a pause is on the screen soon, not with the next tick. */
function reportSoon(): void {
  receivedMs = performance.now()
  if (reportTimer !== undefined) return
  const dueMs = Math.max(receivedMs + SETTLE_MS, reportedMs + REPORT_EVERY_MS)
  const tryIt = (): void => {
    const nowMs = performance.now()
    const wait = nowMs - receivedMs < SETTLE_MS && nowMs - dueMs < SETTLE_AT_MOST_MS
    reportTimer = wait ? setTimeout(tryIt, SETTLE_MS) : undefined
    if (!wait) report()
  }
  reportTimer = setTimeout(tryIt, dueMs - receivedMs)
}

function report(): void {
  reportedMs = performance.now()
  for (const [id, run] of runs) working(id, () => run.report())
}

/**
 * A port hands over up to a thousand messages at a stroke, those included that come meanwhile. Those after the first few
 * milliseconds wait for the next turn, so that timers and the pieces of long firings have theirs.
 */
const inbox: ToCompute[] = []
let turnBegunMs: number | undefined

function turnIsLong(): boolean {
  const nowMs = performance.now()
  if (turnBegunMs !== undefined) return nowMs - turnBegunMs > TURN_MS
  turnBegunMs = nowMs
  setImmediate(() => (turnBegunMs = undefined))
  return false
}

function work(): void {
  while (inbox.length > 0 && !turnIsLong()) receive(inbox.shift() as ToCompute)
  if (inbox.length > 0) setImmediate(work)
}

port.on('message', (message: ToCompute) => {
  if (inbox.length === 0 && !turnIsLong()) receive(message)
  else if (inbox.push(message) === 1) setImmediate(work)
})
setInterval(() => {
  for (const [id, run] of runs) working(id, () => run.tick())
  if (performance.now() - reportedMs >= REPORT_EVERY_MS) report()
}, TICK_MS)
