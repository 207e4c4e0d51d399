import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drift } from '../../index.ts'
import type { DriftName } from '../../index.ts'
import { SeededRandom } from '../random.ts'

const names: readonly DriftName[] = ['adwin', 'page-hinkley', 'kswin']

function changes(name: DriftName, value: (i: number, random: SeededRandom) => number, rows: number): number[] {
  const d = drift(name)
  const random = new SeededRandom(5)
  return Array.from({ length: rows }, (_, i) => i).filter(i => d.learnOne(value(i, random)).drifted)
}

for (const name of names) {
  test(`${name} is silent on what stays as it is`, () => {
    assert.deepEqual(
      changes(name, (_, random) => random.bell(), 3000),
      [],
    )
  })

  test(`${name} sees a shift of two deviations within 200 rows, once`, () => {
    const found = changes(name, (i, random) => random.bell() + (i >= 1000 ? 2 : 0), 1600)
    assert.ok(found.length >= 1 && found[0]! > 1000 && found[0]! < 1200, String(found))
  })

  test(`${name} goes on as JSON where it was`, () => {
    const [a, random] = [drift(name), new SeededRandom(7)]
    const values = Array.from({ length: 700 }, (_, i) => random.bell() + (i >= 500 ? 3 : 0))
    for (const x of values.slice(0, 450)) a.learnOne(x)
    const b = drift(name).fromJSON(JSON.parse(JSON.stringify(a.toJSON())))
    assert.deepEqual(
      values.slice(450).map(x => b.learnOne(x)),
      values.slice(450).map(x => a.learnOne(x)),
    )
  })
}

test('kswin sees another shape with the same mean, which a detector of means need not', () => {
  const found = changes('kswin', (i, random) => random.bell() * (i >= 1000 ? 6 : 1), 1500)
  assert.ok(found[0]! > 1000 && found[0]! < 1300, String(found))
})

test('an unknown name and a NaN are told and passed over', () => {
  assert.throws(() => drift('ewma' as DriftName), /there are adwin, page-hinkley, kswin/)
  const d = drift('adwin')
  assert.deepEqual(d.learnOne(NaN), { drifted: false, since: 0 })
  assert.deepEqual(d.learnOne(1), { drifted: false, since: 1 })
})
