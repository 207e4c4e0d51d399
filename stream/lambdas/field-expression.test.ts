/** Which lambdas become loops over columns, and that they give what the lambda gives. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromColumns } from '../index.ts'
import { columnLambda } from './field-expression.ts'

const COLUMNS = new Set(['v', 'k', 'at'])
const textOf = (text: string) => columnLambda(text, COLUMNS, true)

test('arithmetic on fields is taken', () => {
  assert.equal(textOf('o => o.v > 10')?.value?.text, 'c0[i] > 10')
  assert.equal(textOf('(r) => r.v >= 300 && (r.k & 1) === 0')?.value?.text, 'c0[i] >= 300 && ( c1[i] & 1 ) === 0')
  const map = textOf('r => ({ ts: r.at, half: Math.floor(r.v / 2), big: r.v > 1e3 ? 1 : .5, ...r })')
  assert.deepEqual(
    map?.fields.map(([name, { text, numeric, column }]) => [name, text, numeric, column]),
    [
      ['ts', 'c0[i]', true, 'at'],
      ['half', 'Math.floor ( c1[i] / 2 )', true, undefined],
      ['big', 'c1[i] > 1e3 ? 1 : .5', false, undefined],
      ['v', 'c1[i]', true, 'v'],
      ['k', 'c2[i]', true, 'k'],
      ['at', 'c0[i]', true, 'at'],
    ],
  )
})

for (const text of [
  'o => o.v > limit', 'o => o.other > 1', 'o => --o.v', 'o => o.v++', 'o => o.v = 3', "o => o['v'] > 1", 'o => o.v.toFixed(1)', 'o => o', 'o => o?.v',
  'o => f(o.v)', 'o => Math.random()', 'o => Math.floor', 'o => o.v /* c */ > 1', 'o => "a" < o.v', 'o => `x`', 'o => { return o.v }', 'o => (() => o.v)()',
  'async o => o.v', 'o => [o.v]', 'o => new Date(o.v)', '({ v }) => v', 'o => ({ v })', 'o => ({ [o.k]: 1 })', 'o => ({ "a b": o.v })', 'o => ({})',
  'o => ({ a: { b: o.v } })', 'function (o) { return o.v }', 'o => o.v(1)', 'o => (o.v)(1)', 'o => delete o.v', 'o => 1n < o.v',
]) {
  test(`left as it is: ${text}`, () => assert.equal(textOf(text), undefined))
} // prettier-ignore

test('a spread needs all columns to be numbers', () => {
  assert.equal(columnLambda('o => ({ ...o })', COLUMNS, false), undefined)
})

test('filter and map over columns give what they give over rows', async () => {
  const columns = {
    at: Float64Array.from({ length: 500 }, (_, i) => i * 3),
    v: Int32Array.from({ length: 500 }, (_, i) => ((i * 7919) % 101) - 50),
    w: Float64Array.from({ length: 500 }, (_, i) => (i % 7 === 0 ? NaN : i / 3)),
  }
  const keep = (r: { v: number; w: number }) => r.v % 3 !== 0 && !(r.w > 100)
  const shape = (r: { at: number; v: number; w: number }) => ({
    ...r, half: Math.trunc(r.v / 2), sign: r.v < 0 ? null : r.v >= 25, power: r.v ** 2 - -r.w, v: r.v | 1,
  }) // prettier-ignore
  const rows = Array.from(columns.at, (at, i) => ({ at, v: columns.v[i]!, w: columns.w[i]! }))
  const wanted = rows.filter(keep).map(shape)
  assert.ok(wanted.length > 100)
  assert.deepEqual(await fromColumns(columns, { time: 'at' }).filter(keep).map(shape).toArray(), wanted)
  // A captured variable: the same by calling the lambda.
  const limit = 10
  const above = await fromColumns(columns, { time: 'at' }).filter(r => r.v > limit).toArray() // prettier-ignore
  assert.equal(above.length, rows.filter(r => r.v > 10).length)
})
