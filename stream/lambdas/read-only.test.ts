import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isReadOnly } from './read-only.ts'

test('a lambda without calls and assignments changes nothing', () => {
  for (const text of [
    'o => o.amount',
    '(o, { key }) => key === o.region',
    '({ amount }) => amount >= 500 && amount <= 900',
    "o => o.tags[0] !== 'x' ? (o.a + 1) * 2 : -o.b",
    'o => ({ ...o, total: o.a == null ? 0 : o.a })',
    'o => { return o.a != 3 }',
  ])
    assert.equal(isReadOnly(text), true, text)
})

test('whatever may change a row is not taken for one that reads', () => {
  for (const text of [
    'o => { o.a = 1; return o }',
    'o => (o.a += 1)',
    'o => (o.a ||= 1)',
    'o => (o.a >>= 1)',
    'o => (o.a <<= 1) >= 2',
    'o => o.a++',
    'o => (--o.a, o)',
    'o => o.tags.push(1)',
    'o => o.tags?.push?.(1)',
    'o => o["tags"](1)',
    'o => (o.f)(1)',
    'o => spoil(o)',
    'o => spoil `${o}`',
    'o => delete o.a',
    'o => new Spoiler(o)',
    '(o = spoil()) => o',
    '({ a = 1 }) => a',
    'o => x => (x.a >>= 1)',
    'o => ([o.a] = [1], o)',
    'function (o) { return o.a }',
    'o => { for (o.a of [1]) ; return o }',
  ])
    assert.equal(isReadOnly(text), false, text)
})
