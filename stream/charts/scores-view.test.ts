import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chartConcept } from './concept.ts'
import { scoredFields } from './scored-rows.ts'
import { driftTold } from './scores-drift.ts'
import { qualityTable } from './scores-quality.ts'
import { isScoresStatus } from './scores-shape.ts'
import { scoresPicture } from './scores-view.ts'
import type { ChartRow, ScoresStatus } from './protocol.ts'
import type { ScoresPicture, ScoresWish } from './scores-view.ts'

const STATUS: ScoresStatus = {
  features: ['temp'],
  by: [],
  param: 'limit',
  compares: 'value',
  source: 'sensors',
  labels: [],
  labelFile: 'sensors.labels.json',
}
const AS_SCORED: ScoresWish = { key: null, feature: null, threshold: null }

/** A row a second; scores are 1 but for those given. */
function rows(count: number, scores: Readonly<Record<number, number>>, threshold = 5): ChartRow[] {
  return Array.from({ length: count }, (_, i) => {
    const score = scores[i] ?? 1
    return {
      $key: `r${i}`,
      $at: 1000 * i,
      temp: 20 + (i % 3),
      score,
      oneIn: 1,
      anomalous: score >= threshold,
      threshold,
    }
  })
}

function pictureOf(all: readonly ChartRow[], status: ScoresStatus, wish: ScoresWish): ScoresPicture {
  return scoresPicture(all, status, wish, 700) ?? assert.fail('there is nothing to draw')
}

test('a score becomes columns; a field of the event keeps its name, but for score', () => {
  const score = { value: 7, oneIn: 40, anomalous: true, threshold: 5, causes: [{ feature: 'temp', share: 0.754 }] }
  assert.deepEqual(Object.fromEntries(scoredFields({ temp: 20, threshold: 1, score })), {
    temp: 20,
    threshold: 1,
    score: 7,
    oneIn: 40,
    anomalous: true,
    cause: 'temp 75 %',
  })
  assert.deepEqual(scoredFields({ score: 3 }), [['score', 3]])
})

test('the concept of a scored stream tells its param, its keys and where its events come from, through a filter and a name', () => {
  const f = () => true
  const options = { by: [{ name: 'id' }, { name: 'key', f }], detector: 'auto', features: ['temp'] } as const
  const plan = {
    op: 'score',
    input: { op: 'filter', input: { op: 'topic', connection: 'prod', topic: 'sensors', options: {} }, f },
    options: { ...options, threshold: { read: f, param: 'limit' } },
  } as const
  const { scores } = chartConcept({ op: 'filter', input: { op: 'stream', name: 'scored' }, f }, () => plan)
  assert.deepEqual(scores, { features: ['temp'], by: ['id'], param: 'limit', compares: 'value', source: 'sensors' })
  const rare = { ...plan, options: { ...options, threshold: { oneIn: 100 } } }
  assert.equal(chartConcept(rare, () => undefined).scores?.compares, 'oneIn')
  assert.equal(chartConcept({ ...plan, options: { ...options, output: f } }, () => undefined).scores, undefined)
  const by = { ...plan, options: { ...options, model: { name: 'normal', engine: 'auto' } } } as const
  assert.equal(chartConcept(by, () => undefined).scores?.model, 'normal')
})

test('another threshold is answered from the scores that were kept, beside what was scored', () => {
  const all = rows(100, { 40: 6, 41: 6, 70: 3, 71: 3 })
  const labels = [[70_000, 71_500]] as const
  const status = { ...STATUS, labels }
  assert.deepEqual(qualityTable(pictureOf(all, status, AS_SCORED), false).slice(0, 7), [
    ['', 'as scored', 'range rule'],
    ['alerts', '2', '0'],
    ['episodes', '1', '0'],
    ['an hour', '36.4', '0.0'],
    ['hits', '0', '0'],
    ['false alerts', '2', '0'],
    ['missed', '2', '2'],
  ])
  const moved = pictureOf(all, status, { ...AS_SCORED, threshold: 3 })
  const table = qualityTable(moved, true)
  assert.deepEqual(table[0], ['', 'as scored', 'at 3', 'range rule'])
  assert.deepEqual(table.slice(4), [
    ['hits', '0', '2', '0'],
    ['false alerts', '2', '2', '0'],
    ['missed', '2', '0', '2'],
    ['precision', '0.00', '0.50', '0.00'],
    ['recall', '0.00', '1.00', '0.00'],
    ['F1', '0.00', '0.67', '0.00'],
    ['F1 by events', '0.00', '0.67', '0.00'],
  ])
  assert.equal(moved.alerts.length, 4)
})

test('without a label quality is unknown; a label of the stream itself counts like a brushed one', () => {
  const all = rows(20, { 10: 6 })
  assert.deepEqual(qualityTable(pictureOf(all, STATUS, AS_SCORED), false).at(-1), [
    'precision',
    'unknown until something is labelled',
  ])
  const told = all.map(row => ({ ...row, label: row['$at'] === 10_000 }))
  assert.equal(pictureOf(told, STATUS, AS_SCORED).scored.f1, 1)
})

test('a place on the picture is a time and a threshold again', () => {
  const picture = pictureOf(rows(100, { 40: 6 }), STATUS, AS_SCORED)
  assert.ok(Math.abs(picture.timeAt(picture.xOf(33_000)) - 33_000) < 1e-6)
  assert.ok(Math.abs(picture.thresholdAt(picture.thresholdY) - 5) < 1e-9)
  assert.equal(picture.timeAt(-100), 0)
  assert.equal(picture.thresholdAt(9999), 0)
})

test('keys are shown one at a time, the range rule and a drift are marked', () => {
  const two = [
    ...rows(80, {}).map(row => ({ ...row, id: 'b' })),
    ...rows(400, {}).map(row => ({
      ...row,
      $key: `a${row.$key}`,
      id: 'a',
      score: Number(row['$at']) < 200_000 ? 1 : 4,
    })),
    { ...rows(1, {})[0]!, $key: 'out', $at: 500_000, id: 'a', temp: 90 },
  ]
  const picture = pictureOf(two, { ...STATUS, by: ['id'] }, AS_SCORED)
  assert.deepEqual([picture.keys, picture.key], [['a', 'b'], 'a'])
  assert.equal(picture.ruleAlerts.length, 1)
  assert.ok(picture.drifts.some(({ atMs }) => atMs > 200_000 && atMs < 300_000))
  const other = pictureOf(two, { ...STATUS, by: ['id'] }, { ...AS_SCORED, key: 'b' })
  assert.deepEqual([other.key, other.toMs, other.drifts.length], ['b', 79_000, 0])
})

test('rarity is compared where the rows agree with nothing else', () => {
  const all = rows(10, {}).map((row, i) => ({
    ...row,
    score: 2000 + i,
    oneIn: i === 9 ? 1500 : 10,
    threshold: 1000,
    anomalous: i === 9,
  }))
  const status = { ...STATUS, compares: null }
  assert.equal(pictureOf(all, status, { ...AS_SCORED, threshold: 1200 }).alerts.length, 1)
})

test('what a file says of scores is checked', () => {
  assert.ok(isScoresStatus(STATUS))
  assert.ok(!isScoresStatus({ ...STATUS, labels: [['<b>', 1]] }))
  assert.ok(!isScoresStatus({ ...STATUS, by: 'id' }))
  const trained = { version: 2, training: false, problem: null, sinceMs: null }
  assert.ok(isScoresStatus({ ...STATUS, model: 'normal', trained }))
  for (const wrong of [{ version: '2' }, { training: 1 }, { problem: {} }, { sinceMs: 'now' }])
    assert.ok(!isScoresStatus({ ...STATUS, model: 'normal', trained: { ...trained, ...wrong } }), JSON.stringify(wrong))
})

test('the scores of another version are no change: changes are looked for anew from its first row on', () => {
  const all = rows(400, {}).map(row => ({ ...row, score: Number(row['$at']) < 200_000 ? 1 : 4 }))
  const trained = { version: 2, training: false, problem: null, sinceMs: 199_000 }
  const drifts = (status: ScoresStatus) => pictureOf(all, status, AS_SCORED).drifts.length
  assert.ok(drifts({ ...STATUS, model: 'normal' }) > 0)
  assert.equal(drifts({ ...STATUS, model: 'normal', trained }), 0)
  assert.ok(drifts({ ...STATUS, model: 'normal', trained: { ...trained, sinceMs: 100_000 } }) > 0)
})

test('a change is asked to be trained again where a model of this notebook scores, until its next version is there', () => {
  const drifts = [{ atMs: 1000 }, { atMs: 32_400_000 }]
  const trained = { version: 1, training: false, problem: null, sinceMs: null }
  const normal = { ...STATUS, model: 'normal', trained }
  const asked = driftTold(drifts, normal, true)
  assert.equal(asked.text, 'The scores have changed at 09:00:00: normal, version 1, may want to be trained again.')
  assert.deepEqual(asked.button, { text: 'Retrain?', says: 'Retrain? normal learns from its newest rows', busy: false })
  assert.deepEqual(driftTold([], normal, true), { text: '', button: null })

  const { text, button } = driftTold(drifts, { ...normal, trained: { ...trained, training: true } }, true)
  assert.equal(text, 'normal learns again; its version 1 scores meanwhile.')
  assert.deepEqual([button?.text, button?.busy], ['Retraining …', true])

  const second = { ...normal, trained: { ...trained, version: 2, sinceMs: 32_400_000 } }
  assert.deepEqual(driftTold(drifts, second, true), { text: 'Scored by normal, version 2.', button: null })
  assert.equal(driftTold([...drifts, { atMs: 32_401_000 }], second, true).button?.text, 'Retrain?')

  const failed = driftTold(drifts, { ...normal, trained: { ...trained, problem: 'Cannot train "normal"' } }, true)
  assert.match(failed.text, / trained again\. Cannot train "normal"$/)
  assert.equal(failed.button?.text, 'Retrain?')
})

test('nobody is asked to train a detector, a model from a file, or for a stream that is over', () => {
  const drifts = [{ atMs: 32_400_000 }]
  const changed = 'The scores have changed at 09:00:00:'
  assert.deepEqual(driftTold(drifts, STATUS, true), {
    text: `${changed} the detector goes on learning.`,
    button: null,
  })
  assert.deepEqual(driftTold(drifts, { ...STATUS, model: 'file' }, true), {
    text: `${changed} file may want to be trained again.`,
    button: null,
  })
  const trained = { version: 1, training: true, problem: null, sinceMs: null }
  assert.equal(driftTold(drifts, { ...STATUS, model: 'normal', trained }, false).button, null)
})
