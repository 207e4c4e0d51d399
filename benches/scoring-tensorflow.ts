/**
 * What a user gets of TensorFlow.js through a stream: beside bare calls of it, at 200,000 events/s, from the first row on, and after fifty million
 * rows. The net is never compiled here.
 */
import { detector, feed, LocalRuntime, model, runtime, setRuntime } from '../stream/index.ts'
import { denseArtifact } from '../stream/models/dense-artifact.ts'
import { openInWorker } from '../stream/models/worker-predictor.ts'
import { seeded } from '../tests/scoring/corpus.ts'
import type { Measurement } from './bench.ts'
import { bareTensorflow, input, perSecond, stackOf } from './scoring-nets.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

/** Rows per second of CPU of both threads, beside those of `predictOnBatch` called by hand, as many rows a call. */
async function pathToBare(): Promise<Record<string, number>> {
  const predictor = await openInWorker(denseArtifact('path', stackOf(), {}))
  const { tf, net } = await bareTensorflow()
  const rates: Record<string, number> = {}
  for (const count of [256, 1024]) {
    const rows = input(count)
    const riffle = await perSecond(count, () => predictor.predict(rows, count))
    const bare = await perSecond(count, () => {
      const out = tf.tidy(() => net.predictOnBatch(tf.tensor(rows, [count, 8])))
      out.dataSync()
      out.dispose()
    })
    rates[`rows-per-cpu-s/${count}`] = riffle
    rates[`ratio-to-bare/${count}`] = riffle / bare
  }
  predictor.close()
  return rates
}

const LEAK_ROWS = 50_000_000
const LEAK_BATCH = 4096
const MB = 2 ** 20

/**
 * Fifty million rows through a model in its thread: tensors that stay, and by how much more the process takes at least in the last fifth than in the
 * second: between, it wanders with what is not collected yet.
 */
async function leaks(): Promise<Record<string, number>> {
  const rows = input(LEAK_BATCH)
  const predictor = await openInWorker(denseArtifact('leaks', stackOf(), {}))
  predictor.predict(rows, LEAK_BATCH)
  const tensors = predictor.tensorCount!
  const least = [Infinity, Infinity, Infinity, Infinity, Infinity]
  for (let done = 0; done < LEAK_ROWS; done += LEAK_BATCH) {
    predictor.predict(rows, LEAK_BATCH)
    if ((done / LEAK_BATCH) % 50 !== 0) continue
    const fifth = Math.floor((5 * done) / LEAK_ROWS)
    least[fifth] = Math.min(least[fifth]!, process.memoryUsage.rss())
    // Messages of the thread and timers of the process have their turn.
    await new Promise(resolve => setImmediate(resolve))
  }
  const grown = { tensors: predictor.tensorCount! - tensors, 'rss-mb': (least[4]! - least[1]!) / MB }
  predictor.close()
  return grown
}

/** From `.score(…)` to its first row: a thread is started and loads TensorFlow.js and the model. A detector is there at once. */
async function firstScoreMs(): Promise<Record<string, number>> {
  return inRuntime(async () => {
    const m = await madeModel('first')
    const row = Object.fromEntries(names.map((name, i) => [name, i / 8]))
    const timed = async (score: (rows: ReturnType<typeof feed<Record<string, number>>>) => AsyncIterable<unknown>) => {
      const rows = feed<Record<string, number>>()
      const began = performance.now()
      const scores = score(rows)[Symbol.asyncIterator]()
      const first = scores.next()
      await rows.push(row)
      await first
      const took = performance.now() - began
      await rows.end()
      await scores.return?.()
      return took
    }
    return {
      'tensorflow.js': await timed(rows => rows.score(m, { features: names, engine: 'tensorflow', threshold: 1e9 })),
      detector: await timed(rows => rows.score(detector('auto'), { features: names })),
    }
  })
}

async function inRuntime<T>(work: () => Promise<T>): Promise<T> {
  const before = runtime()
  const local = new LocalRuntime({ print: () => {} })
  setRuntime(local)
  try {
    return await work()
  } finally {
    setRuntime(before)
    await local.close()
  }
}

function madeModel(as: string): ReturnType<typeof model> {
  const { topology, weightSpecs, weights } = denseArtifact(as, stackOf(), {})
  return model({ modelTopology: topology, weightSpecs, weightData: weights.buffer }, { as })
}

/** Slices before the clock starts: V8 compiles for one or two seconds what then runs for hours. */
const WARM_SLICES = 600
const SLICES = 1000

/** 200,000 rows a second for five seconds, in slices of 5 ms as a reader gives them, scored by TensorFlow.js in its thread. */
async function paced(scored: boolean): Promise<{ core: number; p99: number }> {
  const rows = feed<Record<string, number>>()
  const m = await madeModel('paced')
  const stream = scored ? rows.score(m, { features: names, engine: 'tensorflow', threshold: 1e9 }) : rows
  let seen = 0
  const reading = stream.forEachBatch((_, count) => {
    seen += count
  })
  const random = seeded(4)
  const slice = Array.from({ length: 1000 }, () => Object.fromEntries(names.map(name => [name, random()])))
  const port = runtime().feed((rows.plan as { id: string }).id)
  // The thread of the model starts before the clock does.
  await port.push(slice)
  while (seen < 1000) await new Promise(resolve => setImmediate(resolve))
  const latencies: number[] = []
  const push = async (count: number) => {
    const began = performance.now()
    for (let n = 0; n < count; n++) {
      const due = began + 5 * n
      while (performance.now() < due) await new Promise(resolve => setTimeout(resolve, due - performance.now()))
      await port.push(slice)
      latencies.push(performance.now() - due)
    }
  }
  await push(WARM_SLICES)
  latencies.length = 0
  const cpu = process.cpuUsage()
  await push(SLICES)
  const { user, system } = process.cpuUsage(cpu)
  await rows.end()
  await reading
  latencies.sort((a, b) => a - b)
  // Of the five seconds that a million rows are: a machine that is behind must not look idle.
  return { core: (user + system) / (SLICES * 5000), p99: latencies[Math.floor(SLICES * 0.99)]! }
}

async function stream200k(): Promise<Record<string, number>> {
  return inRuntime(async () => {
    const [bare, scored] = [await paced(false), await paced(true)]
    return { 'core-share': scored.core - bare.core, 'p99-added-ms': scored.p99 - bare.p99 }
  })
}

export const tensorflowMeasurements: readonly Measurement[] = [
  { name: 'scoring.tensorflow-path', unit: 'ratio', runs: 3, measure: pathToBare },
  { name: 'scoring.stream-200k', unit: 'ratio', runs: 3, measure: stream200k },
  { name: 'scoring.first-score-ms', unit: 'ms', measure: firstScoreMs },
  { name: 'scoring.grown-after-50m-rows', unit: 'MB', runs: 1, measure: leaks },
]
