/**
 * Entry of the compute worker: runs the pipelines of all streams. Messages are handled in the order they come; the main
 * thread keeps at most a few small slices of each run on the way, so that no run starves another and none delays commands.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { SharedRows } from '../../stream/schemas/shared-rows.ts'
import { ComputeRun } from './compute-run.ts'
import { GeneratorBody } from './generator-body.ts'
import { PROGRESS } from './compute-protocol.ts'
import { ReportPace } from './report-pace.ts'
import type { ComputeData, FromCompute, ToCompute } from './compute-protocol.ts'

const TICK_MS = 100
/** Messages are handled for so long at a stroke. */
const TURN_MS = 20

const port = parentPort
if (port === null) throw new Error('compute-worker.ts is started by the engine, as a worker')
const progress = new Int32Array((workerData as ComputeData).progress)
const runs = new Map<number, ComputeRun>()
/** All streams decode in this thread: each record of a topic once. */
const rows = new SharedRows()
const generators = new Map<number, GeneratorBody>()
const post = (message: FromCompute, transfer?: ArrayBuffer[]) => {
  port.postMessage(message, transfer)
  if (message.type === 'ended' && runs.get(message.run)?.isShown !== true) runs.delete(message.run)
}

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

const pace = new ReportPace()
let reportTimer: NodeJS.Timeout | undefined

/** What came is on the screen soon, not with the next tick. */
function reportSoon(): void {
  pace.came(performance.now())
  reportTimer ??= setTimeout(reportWhenDue, Math.ceil(pace.dueMs - performance.now()))
}

function reportWhenDue(): void {
  const waitMs = pace.dueMs - performance.now()
  reportTimer = waitMs > 0 ? setTimeout(reportWhenDue, Math.ceil(waitMs)) : undefined
  if (waitMs <= 0) report()
}

function report(): void {
  const nowMs = performance.now()
  let news = false
  for (const [id, run] of runs)
    working(id, () => {
      if (run.report()) news = true
    })
  pace.told(nowMs, news)
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
  // The pieces of a long firing are no messages.
  if (pace.mayTell(performance.now())) report()
}, TICK_MS)
