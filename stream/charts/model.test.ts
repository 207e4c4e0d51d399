import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChartModel, mergeDeltas } from './model.ts'
import { expiredKeys } from './retain.ts'
import type { ChartDelta } from './protocol.ts'

const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g')
const deltas = fc.array(
  fc.record({
    upsert: fc.uniqueArray(fc.record({ $key: keys, t: fc.integer({ min: 0, max: 50 }) }), {
      selector: row => row.$key,
    }),
    remove: fc.uniqueArray(keys),
  }),
)
const retentions = fc.constantFrom(
  { rows: 3 },
  { rows: 4, timeField: 't' },
  { rows: 100, timeField: 't', spanMs: 20 },
  { rows: 3, timeField: 't', spanMs: 30 },
)

test('merged deltas end in the same rows and order as the deltas one by one', () => {
  fc.assert(
    fc.property(deltas, retentions, fc.array(fc.nat(3)), (all, retention, cuts) => {
      const engine = new ChartModel(retention)
      const browser = new ChartModel(retention)
      browser.applyFrame({ sequence: 0, snapshot: [] })
      let sequence = 0
      let waiting: ChartDelta[] = []
      all.forEach((delta, i) => {
        waiting.push(engine.apply(delta))
        if ((cuts[i] ?? 0) > 0) return
        assert.equal(browser.applyFrame({ sequence: ++sequence, delta: mergeDeltas(waiting) }), 'applied')
        waiting = []
      })
      browser.applyFrame({ sequence: ++sequence, delta: mergeDeltas(waiting) })
      assert.deepEqual(browser.rows(), engine.rows())
    }),
  )
})

test('a delta that skips a sequence is a gap and changes nothing', () => {
  const model = new ChartModel({ rows: 10 })
  assert.equal(model.applyFrame({ sequence: 5, delta: { upsert: [{ $key: 'a' }], remove: [] } }), 'gap')
  model.applyFrame({ sequence: 7, snapshot: [{ $key: 'a', n: 1 }] })
  assert.equal(model.applyFrame({ sequence: 9, delta: { upsert: [{ $key: 'b' }], remove: ['a'] } }), 'gap')
  assert.equal(model.applyFrame({ sequence: 7, delta: { upsert: [{ $key: 'b' }], remove: ['a'] } }), 'gap')
  assert.deepEqual(model.rows(), [{ $key: 'a', n: 1 }])
  assert.equal(model.applyFrame({ sequence: 8, delta: { upsert: [{ $key: 'b' }], remove: ['a'] } }), 'applied')
  assert.deepEqual(model.rows(), [{ $key: 'b' }])
})

test('a row both removed and upserted by one delta is there, at the end', () => {
  const model = new ChartModel({ rows: 10 })
  model.apply({
    upsert: [
      { $key: 'a', n: 1 },
      { $key: 'b', n: 1 },
    ],
    remove: [],
  })
  model.apply({ upsert: [{ $key: 'a', n: 2 }], remove: ['a'] })
  assert.deepEqual(model.rows(), [
    { $key: 'b', n: 1 },
    { $key: 'a', n: 2 },
  ])
})

test('an upserted row keeps its place', () => {
  const model = new ChartModel({ rows: 10 })
  model.apply({
    upsert: [
      { $key: 'a', n: 1 },
      { $key: 'b', n: 1 },
    ],
    remove: [],
  })
  model.apply({ upsert: [{ $key: 'a', n: 2 }], remove: [] })
  assert.deepEqual(
    model.rows().map(row => row.$key),
    ['a', 'b'],
  )
})

test('what retention lets go of is told as a removal, never as a row', () => {
  const model = new ChartModel({ rows: 2, timeField: 't' })
  assert.deepEqual(model.apply({ upsert: [5, 1, 3].map(t => ({ $key: `k${t}`, t })), remove: [] }), {
    upsert: [
      { $key: 'k5', t: 5 },
      { $key: 'k3', t: 3 },
    ],
    remove: ['k1'],
  })
})

test('retention by span counts back from the newest time, bounds included', () => {
  const rows = [0, 10, 20, 30].map(t => ({ $key: `k${t}`, t }))
  assert.deepEqual(expiredKeys(rows, { rows: 100, timeField: 't', spanMs: 20 }), ['k0'])
  assert.deepEqual(expiredKeys(rows, { rows: 2, timeField: 't', spanMs: 20 }), ['k0', 'k10'])
  assert.deepEqual(expiredKeys([], { rows: 2, timeField: 't', spanMs: 20 }), [])
})
