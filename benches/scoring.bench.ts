/**
 * Detectors: rows per second of learning and scoring on one thread, and how good the defaults are on corpora made by seed. The range rule
 * stands beside the default ensemble: it has no model, so what is cleverer has to beat it.
 *
 * None of it was tuned on the corpora here but for the limit of states; scores never look ahead.
 */
import { nabProbation, nabScore } from '../stream/scoring/nab.ts'
import type { NabFile } from '../stream/scoring/nab.ts'
import { detectorNames, makeDetector } from '../stream/scoring/detectors/index.ts'
import { ScoreStore } from '../stream/scoring/quality/score-store.ts'
import { Scorer } from '../stream/scoring/scorer.ts'
import { sensorCorpus, seeded, seriesCorpus } from '../tests/scoring/corpus.ts'
import type { Measurement } from './bench.ts'
import { heartbeatMeasurement } from './scoring-heartbeat.ts'
import { modelMeasurements } from './scoring-models.ts'
import { tensorflowMeasurements } from './scoring-tensorflow.ts'

/** Learning and scoring rows for a second of CPU, without warm-up; takes about one. */
function rate(detector: string, features: number, rows: number): Promise<number> {
  const random = seeded(7)
  const made = makeDetector(detector, { features, warmUp: 400, seed: 1 })
  const vectors = Array.from({ length: 1000 }, () => Array.from({ length: features }, random))
  for (let i = 0; i < 1000; i++) made.learnOne(vectors[i] ?? [])
  const cpu = process.cpuUsage()
  let checksum = 0
  for (let i = 0; i < rows; i++) {
    const row = vectors[i % 1000] ?? []
    checksum += made.scoreOne(row)
    made.learnOne(row)
  }
  if (!Number.isFinite(checksum)) throw new Error(`${detector} gave ${checksum}`)
  const { user, system } = process.cpuUsage(cpu)
  return Promise.resolve((1e6 * rows) / (user + system))
}

/** 72 series; the default ensemble on all profiles, every other detector on the standard one. */
function nabScores(): Record<string, number> {
  const [ensemble, range] = [scoredSeries('ensemble'), scoredSeries('range')]
  const others = detectorNames.filter(name => name !== 'ensemble' && name !== 'range' && name !== 'auto')
  return {
    ensemble: nabScore(ensemble).score / 100,
    'ensemble-low-fp': nabScore(ensemble, 'low-fp').score / 100,
    'ensemble-low-fn': nabScore(ensemble, 'low-fn').score / 100,
    'ensemble-two-fold': twoFold(ensemble),
    range: nabScore(range).score / 100,
    ...Object.fromEntries(others.map(name => [name, nabScore(scoredSeries(name)).score / 100])),
  }
}

/** The threshold that is best on one half of the series decides on the other. */
function twoFold(files: readonly NabFile[]): number {
  const halves = [0, 1].map(half => files.filter((_, i) => i % 2 === half))
  const of = (half: number) => nabScore(halves[half]!, 'standard', nabScore(halves[1 - half]!).threshold).score / 100
  return (of(0) + of(1)) / 2
}

function scoredSeries(detector: string): NabFile[] {
  return [1, 2, 3].flatMap(seed =>
    seriesCorpus(seed, 24).map(({ name, values, windows }) => {
      const scorer = new Scorer({ detector, features: ['value'], warmUp: nabProbation(values.length) })
      return { name: `${seed}/${name}`, windows, scores: values.map(value => scorer.next([value]).value) }
    }),
  )
}

/** Seconds of CPU for as many rows as NAB has, in series of its mean length. */
function nabSeconds(): number {
  const values = Array.from({ length: 6303 }, seeded(6))
  const cpu = process.cpuUsage()
  for (let file = 0; file < 58; file++) {
    const scorer = new Scorer({ detector: 'ensemble', features: ['value'], warmUp: 750 })
    for (const value of values) scorer.next([value])
  }
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / 1e6
}

function f1Of(detector: string): number {
  let [hits, wrong] = [0, 0]
  for (const { rows, labels } of [1, 2, 3].flatMap(seed => sensorCorpus(seed))) {
    const features = Object.keys(rows[0] ?? {})
    const scorer = new Scorer({ detector, features })
    rows.forEach((row, i) => {
      const { anomalous } = scorer.next(features.map(feature => row[feature] ?? 0))
      if (i < 400) return
      if (anomalous && labels[i] === true) hits++
      else if (anomalous !== labels[i]) wrong++
    })
  }
  return (2 * hits) / (2 * hits + wrong)
}

/** One threshold, and all of them, over a million scores that were kept. */
function thresholdMs(): Record<string, number> {
  const random = seeded(3)
  const scores = Float64Array.from({ length: 1_000_000 }, random)
  const store = new ScoreStore({ scores, labels: scores.map(score => Number(score > 0.99)) })
  const timed = (f: () => unknown): number => {
    // Of CPU: whoever drags a line has a processor.
    const cpu = process.cpuUsage()
    f()
    const { user, system } = process.cpuUsage(cpu)
    return (user + system) / 1000
  }
  return { one: timed(() => store.judge(0.9)), curve: timed(() => store.curve()) }
}

export const measurements: readonly Measurement[] = [
  {
    name: 'scoring.rows-per-s',
    unit: 'events/s',
    measure: async () => ({
      range: await rate('range', 1, 3_000_000),
      ewma: await rate('ewma', 1, 3_000_000),
      'rolling-z': await rate('rolling-z', 1, 2_000_000),
      ensemble: await rate('ensemble', 1, 200_000),
      'half-space-trees/8': await rate('half-space-trees', 8, 100_000),
      'rrcf/8': await rate('rrcf', 8, 10_000),
      'auto/8': await rate('auto', 8, 1_000_000),
      'autoencoder/8': await rate('autoencoder', 8, 500_000),
    }),
  },
  {
    name: 'scoring.nab-standard',
    unit: 'ratio',
    runs: 1,
    measure: () => Promise.resolve(nabScores()),
  },
  { name: 'scoring.nab-corpus-cpu-s', unit: 's', runs: 1, measure: () => Promise.resolve(nabSeconds()) },
  {
    name: 'scoring.sensors-f1',
    unit: 'ratio',
    runs: 1,
    measure: () =>
      Promise.resolve({
        auto: f1Of('auto'),
        autoencoder: f1Of('autoencoder'),
        'half-space-trees': f1Of('half-space-trees'),
        'isolation-forest': f1Of('isolation-forest'),
        range: f1Of('range'),
      }),
  },
  {
    name: 'scoring.threshold-1m-ms',
    unit: 'ms',
    measure: () => Promise.resolve(thresholdMs()),
  },
  ...modelMeasurements,
  ...tensorflowMeasurements,
  heartbeatMeasurement,
]
