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

test('what is shown is the scored stream itself', () => {
  assert.match(expanded('%%score sensors --features temp --as scored', notebook), /\}\)\nscored$/)
})

test('wrong headers are refused with what to write', () => {
  assert.match(
    refusal('%%score sensors', notebook).join('\n'),
    /does not say which fields it scores[\s\S]*--features a,b/,
  )
  assert.match(refusal('%%score sensors --features temp --detector rage', notebook).join('\n'), /range/)
  assert.match(refusal('%%score sensors --features temp --threshold 1/0', notebook).join('\n'), /a rarity like 1\/1000/)
})

test('a model is a variable or a place that is read, and needs no features', () => {
  const of = (options: string) => /\.score\((.*)\)/.exec(score(`%%score sensors ${options} --as scored`))?.[1]
  assert.equal(of('--model normal'), 'normal, {}')
  assert.equal(of('--model file:models/ae --batch 64'), "await riffle.model('file:models/ae'), { batch: 64 }")
  assert.equal(of('--model normal --max-wait 5ms'), "normal, { maxWait: '5ms' }")
  assert.equal(of('--model {pick()} --features temp'), "pick(), { features: ['temp'] }")
})

test('options of detectors and of models are not mixed', () => {
  assert.match(refusal('%%score sensors --model m --warm-up 5', notebook).join('\n'), /--warm-up is of detectors/)
  assert.match(refusal('%%score sensors --features a --batch 5', notebook).join('\n'), /--batch is of models/)
  assert.match(refusal('%%score sensors --features a --max-wait 5ms', notebook).join('\n'), /--max-wait is of models/)
})

test('a training is a handle under its name; layers are lines or a function', () => {
  assert.match(
    score('%%train sensors --features temp --epochs 5 --as normal\ndense 8 tanh\ndense 2'),
    /const normal = .*train\(sensors, \{ features: \['temp'\], epochs: 5, layers: 'dense 8 tanh\\ndense 2', as: 'normal' \}\)/,
  )
  assert.match(
    score('%%train sensors --features temp\n(tf, n) => build(tf, n)'),
    /layers: \(tf, n\) => build\(tf, n\), as: 'sensorsModel'/,
  )
  assert.match(
    score('%%train sensors --features temp --last 10m --save models/normal'),
    /last: '10m', save: 'models\/normal', as/,
  )
  assert.match(
    score('%%train sensors --features temp --from 2026-01-01T09:00Z --to latest'),
    /from: '2026-01-01T09:00Z', to: 'latest', as/,
  )
  assert.match(
    refusal('%%train sensors --features temp\ndense 8 tanh\nlstm 8 tanh', notebook).join('\n'),
    /"lstm 8 tanh" is no layer/,
  )
})
