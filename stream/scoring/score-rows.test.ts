import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scoreRows, scoresCsv } from './score-rows.ts'

const lines = (rows: readonly unknown[]) => rows.map(row => JSON.stringify(row)).join('\n') + '\n'

test('one score per row, in order; the warm-up is 15 % with one feature', () => {
  const rows = Array.from({ length: 100 }, (_, i) => ({ timestamp: `2014-04-10 ${i}`, value: i % 7 }))
  rows[14]!.value = 50
  rows[15]!.value = 200
  const scores = scoreRows(lines(rows), { detector: 'range', time: 'timestamp' })
  assert.equal(scores.length, 100)
  // Rows 0 to 14 train: 50 is learned, 200 is three ranges outside of 0 to 50.
  assert.deepEqual(
    scores.slice(14, 17).map(s => s.value),
    [0, 3, 0],
  )
  const csv = scoresCsv(scores).split('\n')
  assert.equal(csv[0], 'row,value,oneIn,anomalous')
  assert.equal(csv[1], '0,0,1,false')
  // Three ranges outside is anomalous by the range rule; 50 was one of the seven scores of its training, so it is no rarity.
  assert.equal(csv[16], '15,3,4.5,true')
  assert.equal(csv.length, 102)
})

test('--warm-up moves where scores begin', () => {
  const rows = Array.from({ length: 100 }, (_, i) => ({ value: i === 20 ? 99 : i % 7 }))
  const at = (warmUp: number) => scoreRows(lines(rows), { detector: 'range', warmUp })[20]?.value
  assert.equal(at(20), 15.5)
  assert.equal(at(21), 0)
})

test('without --features all numbers but the time count; with several the warm-up is 400 rows', () => {
  const rows = Array.from({ length: 1000 }, (_, i) => ({ at: i, a: i % 7, b: i % 11, label: 'x' }))
  const text = lines(rows)
  const all = scoreRows(text, { detector: 'range', time: 'at' })
  assert.deepEqual(all, scoreRows(text, { detector: 'range', features: ['a', 'b'] }))
  assert.notDeepEqual(all, scoreRows(text, { detector: 'range', features: ['at', 'a', 'b'] }))
  assert.equal(all[399]?.threshold, Infinity)
  assert.notEqual(all[400]?.threshold, Infinity)
})

test('what is no row or number is told by its line', () => {
  const options = { detector: 'range', features: ['a'] }
  assert.throws(() => scoreRows('{"a":1}\n{"b":2}\n', options), /line 2: there is no field "a", fields are b/)
  assert.throws(() => scoreRows('{"a":1}\n\n{"a":null}\n', options), /line 3: feature "a" is null, a finite number/)
  assert.throws(() => scoreRows('{"a":1}\n{"a":\n', options), /Cannot read line 2/)
  assert.throws(() => scoreRows('[1]\n', options), /line 1 of the rows: it is no JSON object/)
  assert.throws(() => scoreRows('{"a":"x"}\n', { detector: 'range' }), /no field with a number/)
  assert.throws(() => scoreRows('{"a":1}\n', { ...options, time: 'at' }), /no field "at"/)
  assert.deepEqual(scoreRows('', options), [])
})
