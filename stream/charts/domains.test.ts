import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CalmDomain, openFrom, timeDomain } from './domains.ts'

const rows = (...values: unknown[]) => values.map((v, i) => ({ $key: `k${i}`, v }))

test('the time axis ends just right of the newest row and is never longer than the span', () => {
  assert.deepEqual(timeDomain(rows(0, 500, 1000), 'v', { rows: 10, spanMs: 400 }), { min: 600, max: 1004.8 })
  assert.deepEqual(timeDomain(rows(800, 1000), 'v', { rows: 10, spanMs: 400 }), { min: 800, max: 1002.4 })
  assert.deepEqual(timeDomain(rows(0, 1000), 'v', { rows: 10 }), { min: 0, max: 1012 })
})

test('the time axis of a single row has a width, and of no row none', () => {
  assert.deepEqual(timeDomain(rows(1000), 'v', { rows: 10, spanMs: 500 }), { min: 950, max: 1000.6 })
  assert.equal(timeDomain(rows('x', null), 'v', { rows: 10 }), null)
})

test('the value axis grows at once', () => {
  const calm = new CalmDomain()
  assert.deepEqual(calm.update(rows(0, 100), 'v', 0), { min: 0, max: 106 })
  assert.deepEqual(calm.update(rows(0, 200), 'v', 1), { min: 0, max: 212 })
})

test('the value axis stands still for small changes and shrinks only after five seconds of room', () => {
  const calm = new CalmDomain()
  calm.update(rows(0, 100), 'v', 0)
  assert.equal(calm.update(rows(0, 90), 'v', 10_000)?.max, 106)
  assert.equal(calm.update(rows(0, 50), 'v', 20_000)?.max, 106)
  assert.equal(calm.update(rows(0, 50), 'v', 24_999)?.max, 106)
  assert.equal(calm.update(rows(0, 50), 'v', 25_000)?.max, 53)
})

test('room that was used again meanwhile starts the five seconds anew', () => {
  const calm = new CalmDomain()
  calm.update(rows(0, 100), 'v', 0)
  calm.update(rows(0, 50), 'v', 1000)
  calm.update(rows(0, 100), 'v', 3000)
  assert.equal(calm.update(rows(0, 50), 'v', 6500)?.max, 106)
})

test('values far from zero do not start at zero, equal values have air', () => {
  assert.deepEqual(new CalmDomain().update(rows(1000, 1100), 'v', 0), { min: 994, max: 1106 })
  assert.deepEqual(new CalmDomain().update(rows(5, 5), 'v', 0), { min: 4.7, max: 5.3 })
  assert.equal(new CalmDomain().update(rows('a', Number.NaN), 'v', 0), null)
})

test('the dashed end of a line begins at the newest finished row before the first open one', () => {
  const row = (t: number, open = false) => ({ $key: `k${t}`, t, ...(open ? { $open: true } : {}) })
  assert.equal(openFrom([row(10), row(20), row(30, true), row(40, true)], 't'), 20)
  assert.equal(openFrom([row(10), row(20)], 't'), 21)
  assert.equal(openFrom([row(30, true)], 't'), 30)
  assert.equal(openFrom([], 't'), 1)
})
