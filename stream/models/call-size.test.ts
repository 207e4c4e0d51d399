import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallSize } from './call-size.ts'

test('calls grow while they are full and quick, and never above their bound', () => {
  const size = new CallSize({ batch: 1000, maxWaitMs: 20 })
  assert.equal(size.rows, 256)
  size.took(100, 1)
  assert.equal(size.rows, 256)
  size.took(256, 10)
  assert.equal(size.rows, 512)
  size.took(512, 11)
  assert.equal(size.rows, 512)
  size.took(512, 1)
  assert.equal(size.rows, 1000)
  assert.equal(new CallSize({ batch: 7 }).rows, 7)
})

test('a call that takes longer than rows may wait makes the next ones smaller, down to a row', () => {
  const size = new CallSize({ maxWaitMs: 5 })
  size.took(256, 5)
  assert.equal(size.rows, 256)
  size.took(256, 6)
  assert.equal(size.rows, 128)
  for (let n = 0; n < 9; n++) size.took(1, 100)
  assert.equal(size.rows, 1)
  for (let n = 0; n < 20; n++) size.took(size.rows, 0)
  assert.equal(size.rows, 4096)
})
