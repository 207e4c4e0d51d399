import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareKeys, KeyTable } from './key-table.ts'

function sortedValues(table: KeyTable, ids: readonly number[]): unknown[] {
  const ranks = table.ranks()
  return ids.toSorted((a, b) => (ranks[a] as number) - (ranks[b] as number)).map(id => table.valueOf(id, 0))
}

test('equal keys share an id: undefined is null, -0 is 0, NaN is NaN, objects by content', () => {
  const table = new KeyTable(1)
  const same: readonly (readonly [unknown, unknown])[] = [
    [null, undefined],
    [0, -0],
    [NaN, NaN],
    ['a', 'a'],
    [{ x: 1 }, { x: 1 }],
    [new Date(5), new Date(5)],
  ]
  for (const [a, b] of same) assert.equal(table.intern1(a), table.intern1(b))
  assert.notEqual(table.intern1(1), table.intern1('1'))
  assert.notEqual(table.intern1(1), table.intern1(1n))
})

test('ranks order keys by value, also keys that come later', () => {
  const table = new KeyTable(1)
  const ids = ['m', 'b', 10, 9].map(v => table.intern1(v))
  ids.forEach(id => table.hold(id))
  assert.deepEqual(sortedValues(table, ids), [9, 10, 'b', 'm'])
  ids.push(table.intern1('a'), table.intern1(null))
  assert.deepEqual(sortedValues(table, ids), [null, 9, 10, 'a', 'b', 'm'])
})

test('keys of several columns are equal when all columns are', () => {
  const table = new KeyTable(3)
  const a = table.intern(['x', 1, true])
  assert.equal(table.intern(['x', 1, true]), a)
  const others = [
    ['x', 1, false],
    ['x', 2, true],
    ['y', 1, true],
    [1, 'x', true],
  ].map(k => table.intern(k))
  assert.equal(new Set([a, ...others]).size, 5)
  assert.deepEqual(
    [0, 1, 2].map(c => table.valueOf(a, c)),
    ['x', 1, true],
  )
})

test('keys nobody holds for long are forgotten, and the held ones keep their ids', () => {
  for (const width of [1, 2]) {
    const table = new KeyTable(width)
    const key = (v: number) => (width === 1 ? [v] : [v, 'x'])
    const kept = table.intern(key(-1))
    table.hold(kept)
    for (let v = 0; v < 100_000; v++) {
      const id = table.intern(key(v))
      table.hold(id)
      table.release(id)
    }
    assert.ok(table.capacity < 20_000, `${table.capacity} ids`)
    assert.equal(table.intern(key(-1)), kept)
    assert.equal(table.valueOf(kept, 0), -1)
  }
})

test('a restored table gives the same ids and order', () => {
  for (const width of [1, 2]) {
    const table = new KeyTable(width)
    const keys = ['c', 'a', 'b'].map(v => (width === 1 ? [v] : [v, 1]))
    const ids = keys.map(k => table.intern(k))
    ids.forEach(id => table.hold(id))
    const again = new KeyTable(width)
    again.restore(table.snapshot())
    assert.deepEqual(
      keys.map(k => again.intern(k)),
      ids,
    )
    assert.deepEqual(sortedValues(again, ids), ['a', 'b', 'c'])
  }
})

test('kinds of values have a fixed order', () => {
  const values = ['a', 1n, NaN, 2, true, null, { x: 1 }, false]
  assert.deepEqual(values.toSorted(compareKeys), [null, false, true, 2, NaN, 1n, 'a', { x: 1 }])
})
