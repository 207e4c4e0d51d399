import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expanded, refusal } from './testing.ts'

const notebook = { names: ['sensors', 'limit'], streams: {} }
const score = (text: string) => expanded(`${text};`, notebook).replace(/\n\s*/g, '')

test('a score is one call; without --detector it is auto', () => {
  assert.match(
    score('%%score sensors --features temp,vibration --as scored'),
    /const scored = .*sensors\.score\(riffle\.detector\('auto'\), \{ features: \['temp', 'vibration'\] \}\)/,
  )
})

test('a threshold is a number, a rarity or an expression', () => {
  const of = (threshold: string) =>
    /threshold: (.*?) \}/.exec(score(`%%score sensors --features temp --threshold ${threshold}`))?.[1]
  assert.equal(of('0.9'), '0.9')
  assert.equal(of('1/1000'), "'1/1000'")
  assert.equal(of('{limit}'), 'limit')
})

test('--by comes first, settings of the detector stay with it, the body is last', () => {
  assert.match(
    score('%%score sensors --detector rrcf --features temp --by machineId --warm-up 100 --seed 7\n(e, s) => s.value'),
    /\.keyBy\('machineId'\)\.score\(riffle\.detector\('rrcf', \{ warmUp: 100, seed: 7 \}\), \{ features: \['temp'\] \}, \(e, s\) => s\.value\)/,
  )
})

test('what is shown are scores over time, alerts in a colour', () => {
  assert.match(
    expanded('%%score sensors --features temp --as scored', notebook),
    /scored\.map\(.*mark: 'point', y: 'score', color: 'anomalous'/,
  )
})

test('wrong headers are refused with what to write', () => {
  assert.match(
    refusal('%%score sensors', notebook).join('\n'),
    /does not say which fields it scores[\s\S]*--features a,b/,
  )
  assert.match(refusal('%%score sensors --features temp --detector rage', notebook).join('\n'), /range/)
  assert.match(refusal('%%score sensors --features temp --threshold 1/0', notebook).join('\n'), /a rarity like 1\/1000/)
})
