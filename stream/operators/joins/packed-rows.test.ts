/** Rows come out of a snapshot as they went in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deserialize, serialize } from 'node:v8'
import { packRows, unpackOne } from './packed-rows.ts'

const many = (make: (i: number) => unknown) => Array.from({ length: 20 }, (_, i) => make(i))
const back = (rows: readonly unknown[]) => {
  const rowAt = unpackOne(deserialize(serialize(packRows(rows))) as ReturnType<typeof packRows>)
  return rows.map((_, i) => rowAt(i))
}

const kinds: readonly (readonly [string, (i: number) => unknown])[] = [
  ['whole numbers', i => ({ a: i - 10, b: 2 ** 31 - 1 - i })],
  ['numbers that are no integers of 32 bits', i => ({ a: i === 3 ? -0 : i, b: i === 4 ? NaN : i / 3, c: 2 ** 31 + i })],
  ['texts, nothing, lists and rows in rows', i => ({ s: `k${i}`, n: i % 2 === 0 ? null : undefined, big: BigInt(i), l: [i], o: { i } })],
  ['fields one row has not', i => (i === 19 ? { a: 1 } : { a: 1, b: 2 })],
  ['fields in another order', i => (i === 19 ? { b: 2, a: 1 } : { a: 1, b: 2 })],
  ['a field one row has more', i => (i === 19 ? { a: 1, b: 2 } : { a: 1 })],
  ['rows that are no objects', i => (i === 7 ? null : i === 8 ? [1] : { a: i })],
  ['rows without a field', () => ({})],
  ['fields named by numbers', i => ({ z: i, 1: i })],
] // prettier-ignore

for (const [name, make] of kinds) {
  test(`rows are the same again: ${name}`, () => {
    const rows = many(make)
    assert.deepStrictEqual(back(rows), rows)
    const keys = (list: readonly unknown[]) => list.map(row => Object.keys((row ?? {}) as object))
    assert.deepEqual(keys(back(rows)), keys(rows), 'order of fields')
  })
}

test('rows of one shape are packed, so that their fields are named once', () => {
  const rows = Array.from({ length: 1000 }, (_, i) => ({ amount: i, currency: i }))
  assert.ok(serialize(packRows(rows)).length < serialize(rows).length / 3)
})

test('few rows are left as they are', () => assert.deepEqual(packRows([{ a: 1 }]), { rows: [{ a: 1 }] }))
