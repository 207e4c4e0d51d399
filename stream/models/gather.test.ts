import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gatherOf } from './gather.ts'

test('rows become numbers in the order of the features, scaled, from a place on', () => {
  const out = new Float64Array(5)
  const gather = gatherOf(['b', 'a'], { mean: [10, 1], deviation: [2, 0] })
  assert.equal(gather({ a: 3, b: 16, c: 'x' }, out, 2), true)
  // A deviation of 0 is taken as 1.
  assert.deepEqual([...out], [0, 0, 3, 2, 0])
  assert.equal(gatherOf(['a'])({ a: -0.5 }, out, 0), true)
  assert.equal(out[0], -0.5)
})

test('a row without a finite number for each field is refused and nothing of it is written', () => {
  const out = new Float64Array(2).fill(7)
  const gather = gatherOf(['a', "it's \\ `${odd}`"], undefined, ['target'])
  const good = { a: 1, "it's \\ `${odd}`": 2, target: 3 }
  const bad = [null, undefined, 5, 'text', {}, { ...good, a: NaN }, { ...good, a: Infinity }, { ...good, a: '1' }]
  for (const row of [...bad, { ...good, a: 1n }, { ...good, target: null }, { ...good, target: -Infinity }]) {
    assert.equal(gather(row, out, 0), false)
    assert.deepEqual([...out], [7, 7])
  }
  assert.equal(gather(good, out, 0), true)
  assert.deepEqual([...out], [1, 2])
})
