import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nabCorpus } from './nab-files.ts'
import { nabProbation, nabScore } from './nab.ts'

/** Twenty rows: 0 to 2 train, the window is 10 to 14. */
const windows = [{ from: 10, to: 14 }]

function scoresAt(alerts: Readonly<Record<number, number>>, rows = 20): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => alerts[i] ?? 0)
}

function close(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 0.0005, `${actual} is not ${expected}`)
}

test('an alert on the first row of every window and no other is 100', () => {
  const result = nabScore([{ name: 'a', scores: scoresAt({ 10: 1 }), windows }])
  assert.deepEqual(result, { profile: 'standard', score: 100, threshold: 1, found: 1, windows: 1, falseAlerts: 0 })
})

test('no alert at all is 0', () => {
  // Every row has the same score: the threshold would find the window and charge 14 rows before and 15 after it.
  const result = nabScore([{ name: 'a', scores: scoresAt({}, 40), windows: [{ from: 20, to: 24 }] }])
  assert.equal(result.score, 0)
  assert.equal(result.threshold, Infinity)
})

test('a later alert earns less: row 12 of 10 to 14 is sigma(-0.6) / sigma(-1)', () => {
  // (2 / (1 + e^-3) - 1) / (2 / (1 + e^-5) - 1) = 0.905148 / 0.986614 = 0.917429; (0.917429 + 1) / 2
  close(nabScore([{ name: 'a', scores: scoresAt({ 12: 1 }), windows }]).score, 95.8714)
  // Missing costs 2: (0.917429 + 2) / 3
  close(nabScore([{ name: 'a', scores: scoresAt({ 12: 1 }), windows }], 'low-fn').score, 97.2476)
})

test('only the best alert of a window counts', () => {
  close(nabScore([{ name: 'a', scores: scoresAt({ 12: 1, 14: 1 }), windows }]).score, 95.8714)
})

test('a false alert before any window costs all of its weight', () => {
  // (0.917429 - 0.11 + 1) / 2, and 0.22 for low-fp
  const scores = scoresAt({ 5: 2, 12: 1 })
  close(nabScore([{ name: 'a', scores, windows }]).score, 90.3714)
  close(nabScore([{ name: 'a', scores, windows }], 'low-fp').score, 84.8714)
})

test('a false alert soon after a window costs less, each row of it again', () => {
  // Row 16: 2 / 4 behind, sigma(0.5) = 2 / (1 + e^2.5) - 1 = -0.848284; row 17: sigma(0.75) = -0.954044
  close(nabScore([{ name: 'a', scores: scoresAt({ 10: 1, 16: 2 }), windows }]).score, 95.3344)
  close(nabScore([{ name: 'a', scores: scoresAt({ 10: 1, 16: 2, 17: 2 }), windows }]).score, 90.0872)
})

test('three window lengths behind a window a false alert costs all again', () => {
  const two = scoresAt({ 10: 1, 26: 1 }, 30)
  close(nabScore([{ name: 'a', scores: two, windows }]).score, 94.5)
})

test('rows of the probation are never alerts', () => {
  assert.equal(nabProbation(20), 3)
  assert.equal(nabProbation(22_695), 750)
  const result = nabScore([{ name: 'a', scores: scoresAt({ 2: 9, 10: 1 }), windows }])
  assert.equal(result.score, 100)
  assert.equal(nabScore([{ name: 'a', scores: scoresAt({ 3: 9, 10: 1 }), windows }]).falseAlerts, 1)
})

test('one threshold holds for the whole corpus', () => {
  // File b has a false alert above the score that finds its window: 1 costs 0.11 and finds both, 3 finds one only.
  const a = { name: 'a', scores: scoresAt({ 10: 3 }), windows }
  const b = { name: 'b', scores: scoresAt({ 5: 2, 10: 1 }), windows }
  const result = nabScore([a, b])
  close(result.score, 97.25)
  assert.equal(result.threshold, 1)
  close(nabScore([a, b], 'standard', 3).score, 50)
  assert.equal(nabScore([a, b], 'standard', 3).found, 1)
})

test('a score that is no number and windows that overlap are refused', () => {
  assert.throws(() => nabScore([{ name: 'a', scores: [0, 0, NaN], windows: [] }]), /file "a": the score of row 2/)
  const overlapping = [
    { from: 3, to: 6 },
    { from: 6, to: 8 },
  ]
  assert.throws(() => nabScore([{ name: 'a', scores: scoresAt({}), windows: overlapping }]), /window 6 to 8 overlaps/)
})

const labels = JSON.stringify({
  'g/a.csv': [['2014-04-10 00:10:00.000000', '2014-04-10 00:14:00.000000']],
  'g/b.csv': [],
})

function csv(alerts: Readonly<Record<number, number>>, column = 'score'): string {
  const rows = Array.from({ length: 20 }, (_, i) => `2014-04-10 00:${String(i).padStart(2, '0')}:00,${alerts[i] ?? 0}`)
  return [`timestamp,${column}`, ...rows, ''].join('\n')
}

test('score files and labels are joined by path, also by the names NAB gives', () => {
  for (const prefix of ['', 'scores/']) {
    const csvs = new Map([
      [`${prefix}g/a.csv`, csv({ 12: 1 })],
      [`${prefix}g/b.csv`, csv({})],
    ])
    close(nabScore(nabCorpus(csvs, labels).files).score, 95.8714)
  }
  const named = new Map([
    ['null/g/null_a.csv', csv({ 12: 1 }, 'value,anomaly_score').replaceAll(/,([01])$/gm, ',7,$1')],
    ['null/g/null_b.csv', csv({})],
    ['null/null_standard_scores.csv', 'Detector,Profile\n'],
  ])
  const corpus = nabCorpus(named, labels)
  close(nabScore(corpus.files).score, 95.8714)
  assert.deepEqual(corpus.unlabelled, ['null/null_standard_scores.csv'])
})

test('a window is found at the first of equal instants', () => {
  const doubled = csv({ 10: 1 }).replace('00:11:00,', '00:10:00,')
  const { files } = nabCorpus(
    new Map([
      ['g/a.csv', doubled],
      ['g/b.csv', csv({})],
    ]),
    labels,
  )
  assert.deepEqual(files[0]?.windows, [{ from: 10, to: 14 }])
})

test('a missing file, a missing column and a broken line are told', () => {
  const good = csv({})
  const both = (text: string) =>
    new Map([
      ['g/a.csv', text],
      ['g/b.csv', good],
    ])
  assert.throws(() => nabCorpus(new Map([['g/a.csv', good]]), labels), /no score file for "g\/b.csv"/)
  assert.throws(() => nabCorpus(both('timestamp,x\n'), labels), /columns are timestamp, x/)
  assert.throws(() => nabCorpus(both(good.replace('00:05:00,0', '00:05:00,')), labels), /line 7 of "g\/a.csv"/)
  assert.throws(() => nabCorpus(both(good), '[]'), /no JSON object/)
})
