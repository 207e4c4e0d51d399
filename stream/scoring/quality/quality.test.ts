import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { compare, detector, from, judge, labels, ScoreStore, vusPr } from '../../index.ts'
import type { StreamError } from '../../index.ts'
import { SeededRandom } from '../random.ts'
import { LabelFiles } from './label-files.ts'

const root = mkdtempSync(join(tmpdir(), 'riffle-labels-'))
after(() => rmSync(root, { recursive: true, force: true }))

//                      0  1  2  3  4  5  6  7
const scores = [0, 9, 1, 5, 6, 0, 7, 2]
const truth = [0, 0, 0, 1, 1, 0, 0, 1]
const minutes = scores.map((_, i) => i * 60_000)

test('a threshold is answered row by row and by events', () => {
  const store = new ScoreStore({ scores, labels: truth, timesMs: minutes })
  const at5 = store.judge(5)
  // Alerts at 1, 3, 4, 6: two of four right, two of three found.
  assert.deepEqual([at5.alerts, at5.precision, at5.recall], [4, 0.5, 2 / 3])
  assert.ok(Math.abs(at5.f1! - 4 / 7) < 1e-12)
  // Episodes 1 | 3-4 | 6 over seven minutes; ranges 3-4 | 7, the first found at once.
  assert.equal(at5.episodes, 3)
  assert.ok(Math.abs(at5.alertsPerHour! - 180 / 7) < 1e-9)
  assert.deepEqual([at5.eventPrecision, at5.eventRecall, at5.delayRows], [1 / 3, 0.5, 0])
  assert.equal(store.judge(6).delayRows, 1)
  assert.equal(store.judge(100).alerts, 0)
})

test('the best threshold is that of the best F1, and the curve knows all', () => {
  const store = new ScoreStore({ scores, labels: truth })
  assert.equal(store.best()!.threshold, 2)
  assert.ok(Math.abs(store.best()!.f1! - 6 / 8) < 1e-12)
  assert.deepEqual(
    [...store.curve()!].map(point => point.threshold),
    [9, 7, 6, 5, 2, 1, 0],
  )
  assert.equal(store.curve()!.at(3).recall, 2 / 3)
  assert.equal(store.curve(), store.curve())
  assert.equal(new ScoreStore({ scores: [], labels: [] }).best(), undefined)
})

test('scores of all sizes and signs are in order, equal ones are one point, what is no number is never an alert', () => {
  const odd = [-0, 3e-39, -7, Infinity, 0, -Infinity, NaN, 1e30, -7, -1e-20, 250]
  const store = new ScoreStore({ scores: odd, labels: odd.map(x => (Number.isNaN(x) || x === -7 ? 1 : 0)) })
  const points = [...store.curve()!]
  assert.deepEqual(
    points.map(({ threshold, precision, recall }) => [threshold, precision, recall]),
    [
      [Infinity, 0, 0],
      [Math.fround(1e30), 0, 0],
      [250, 0, 0],
      [Math.fround(3e-39), 0, 0],
      [0, 0, 0],
      [Math.fround(-1e-20), 0, 0],
      [-7, 2 / 9, 2 / 3],
      [-Infinity, 2 / 10, 2 / 3],
    ],
  )
})

test('each point of the curve is what its threshold gives', () => {
  const random = new SeededRandom(31)
  const many = Array.from({ length: 400 }, () => Math.round(40 * (random.next() - 0.5)) / 8)
  const store = new ScoreStore({ scores: many, labels: many.map(x => Number(random.next() < 0.2 + x / 20)) })
  for (const { threshold, precision, recall, f1 } of store.curve()!) {
    const one = store.judge(threshold)
    assert.deepEqual([precision, recall, f1], [one.precision, one.recall, one.f1])
  }
})

test('without labels precision and recall are unknown, alerts are not', () => {
  const { alerts, precision, f1 } = new ScoreStore({ scores }).judge(5)
  assert.deepEqual([alerts, precision, f1], [4, null, null])
  assert.equal(new ScoreStore({ scores }).best(), undefined)
})

test('a million scores are answered while a threshold is dragged', () => {
  const many = Float32Array.from({ length: 1_000_000 }, (_, i) => (i * 2654435761) % 1000)
  const store = new ScoreStore({ scores: many, labels: many.map(x => (x > 990 ? 1 : 0)) })
  const times = [1, 2, 3, 4, 5].map(n => {
    const before = performance.now()
    assert.equal(store.judge(995 - n).recall! > 0, true)
    return performance.now() - before
  })
  // The budget is 50 ms; this is its hang limit.
  assert.ok(Math.min(...times) < 500, String(times))
})

test('VUS-PR is 1 for scores that are the labels, near the share of labels for scores that say nothing, between for late ones', () => {
  const labelled = Array.from({ length: 400 }, (_, i) => (i >= 200 && i < 240 ? 1 : 0))
  assert.ok(vusPr(labelled, labelled, 0) > 0.999)
  const flat = vusPr(
    labelled.map(() => 1),
    labelled,
    0,
  )
  assert.ok(Math.abs(flat - 0.1) < 0.01, String(flat))
  const late = (by: number) => labelled.map((_, i) => labelled[i - by] ?? 0)
  assert.ok(vusPr(late(5), labelled, 20) < vusPr(labelled, labelled, 20))
  // Widened labels forgive what exact ones do not.
  assert.ok(vusPr(late(39), labelled, 40) > 1.5 * vusPr(late(39), labelled, 0))
  assert.equal(vusPr([1, 2], [0, 0]), 0)
})

test('labels lie in a file by event time: added, joined, taken away, read again', () => {
  const file = join(mkdtempSync(join(root, 'each-')), 'sensors.labels.json')
  const l = labels(file)
    .add('2026-01-01T09:00:10Z', '2026-01-01T09:00:20Z')
    .add(Date.UTC(2026, 0, 1, 9, 0, 15), '2026-01-01T09:00:30Z')
  l.add('2026-01-01T10:00:00Z', '2026-01-01T10:00:05Z')
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
    windows: [
      ['2026-01-01T09:00:10.000Z', '2026-01-01T09:00:30.000Z'],
      ['2026-01-01T10:00:00.000Z', '2026-01-01T10:00:05.000Z'],
    ],
  })
  const again = labels(file)
  assert.equal(again.has(Date.UTC(2026, 0, 1, 9, 0, 30)), true)
  assert.equal(again.has(Date.UTC(2026, 0, 1, 9, 0, 31)), false)
  assert.equal(again.remove('2026-01-01T09:00:12Z').list.length, 1)
  assert.throws(
    () => again.add('2026-01-01T09:00:12', 5),
    (e: StreamError) => e.code === 'TIME_INVALID',
  )
})

test('labels brushed on charts and those of a cell are one file; a file that is none is kept, and told to who labels', () => {
  const folder = mkdtempSync(join(root, 'each-'))
  const files = new LabelFiles(folder)
  assert.deepEqual(files.of('sensors'), { file: 'sensors.labels.json', ranges: [] })
  files.set('sensors', { fromMs: 1000, toMs: 2000, on: true })
  assert.deepEqual(files.of('sensors').ranges, [[1000, 2000]])
  labels(join(folder, 'sensors.labels.json')).add(9000, 9500)
  assert.deepEqual(files.of('sensors').ranges, [
    [1000, 2000],
    [9000, 9500],
  ])
  files.set('sensors', { fromMs: 1500, toMs: 1500, on: false })
  assert.deepEqual(files.of('sensors').ranges, [[9000, 9500]])
  writeFileSync(join(folder, 'other.labels.json'), 'my notes')
  assert.deepEqual(files.of('other').ranges, [])
  assert.throws(
    () => files.set('other', { fromMs: 1, toMs: 2, on: true }),
    (e: StreamError) => e.code === 'SCORE_INVALID' && e.hint !== undefined,
  )
  assert.equal(readFileSync(join(folder, 'other.labels.json'), 'utf8'), 'my notes')
})

const rows = Array.from({ length: 60 }, (_, i) => ({
  at: i * 1000,
  v: i === 40 || i === 50 ? 99 : i % 5,
  odd: i === 40,
}))
const scored = (threshold: number) =>
  from(rows, { time: 'at' }).score(detector('range', { warmUp: 20, episode: 1 }), {
    features: ['v'],
    threshold,
    labels: 'odd',
  })

test('a scored stream is judged by its own labels, by a file, and at any threshold without scoring again', async () => {
  const judged = await judge(scored(1))
  assert.deepEqual([judged.now.threshold, judged.now.alerts, judged.now.precision, judged.now.recall], [1, 1, 1, 1])
  assert.equal(judged.at(0).alerts, 60)
  const file = labels(join(mkdtempSync(join(root, 'each-')), 'l.json')).add(50_000, 50_000)
  assert.equal((await judge(scored(1), { labels: file })).now.recall, 0)
  await assert.rejects(judge([{ score: 3 }] as never), /they have no column score/)
})

test('two scorers of the same rows are compared alert by alert', async () => {
  const { lost, gained, both, rows: count } = await compare(scored(1), scored(1000))
  assert.deepEqual([lost.map(row => row.at), gained, both, count], [[40_000], [], [], 60])
  // What each is worth, by score.label, or by a field that is named.
  const { before, after } = await compare(scored(1), scored(1000))
  assert.deepEqual([before.precision, before.recall, after.alerts, after.recall], [1, 1, 0, 0])
  const other = await compare(scored(1), scored(1000), { labels: 'at' })
  assert.deepEqual([other.before.precision, other.before.recall! < 0.03], [1, true])
  await assert.rejects(compare(await scored(1).toArray(), []), /first gives 60 rows, the second 0/)
})
