/** The defaults against the honest baseline, on corpora made by seed: the benchmark's rules decide. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nabProbation, nabScore } from '../../stream/scoring/nab.ts'
import { Scorer } from '../../stream/scoring/scorer.ts'
import { sensorCorpus, seriesCorpus } from './corpus.ts'

function nabOf(detector: string): number {
  const files = seriesCorpus(1, 24).map(({ name, values, windows }) => {
    const scorer = new Scorer({ detector, features: ['value'], warmUp: nabProbation(values.length) })
    return { name, windows, scores: values.map(value => scorer.next([value]).value) }
  })
  return nabScore(files).score
}

test('the default ensemble reaches 65 on the standard profile, well above the range rule', () => {
  const [ensemble, range] = [nabOf('ensemble'), nabOf('range')]
  assert.ok(ensemble >= 65, `ensemble ${ensemble}`)
  assert.ok(ensemble >= range + 10, `range ${range}`)
})

function f1Of(detector: string): number {
  let [hits, false_, missed] = [0, 0, 0]
  for (const { rows, labels } of sensorCorpus(1)) {
    const features = Object.keys(rows[0] ?? {})
    const scorer = new Scorer({ detector, features })
    for (const [i, row] of rows.entries()) {
      const { anomalous } = scorer.next(features.map(f => row[f] ?? NaN))
      if (i < 400) continue
      if (anomalous && labels[i] === true) hits++
      else if (anomalous) false_++
      else if (labels[i] === true) missed++
    }
  }
  return (2 * hits) / (2 * hits + false_ + missed)
}

test('eight sensors: rows of a fault are found with F1 of 0.74 and more at the default threshold', () => {
  const f1 = f1Of('auto')
  assert.ok(f1 >= 0.74, `F1 ${f1}`)
})

test('eight sensors: a detector whose scores have a ceiling finds faults too, far more than the range rule', () => {
  const [trees, range] = [f1Of('half-space-trees'), f1Of('range')]
  assert.ok(trees >= 0.4 && trees > 10 * range, `F1 ${trees}, range rule ${range}`)
})
