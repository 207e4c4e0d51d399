import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SourceWatermark } from './watermark.ts'

test('a watermark trails the newest event time by bound + 1 and never goes back', () => {
  const w = new SourceWatermark(1, 5)
  const seen = [10, 8, 20, 3].map(t => {
    w.record(0, t)
    return w.watermarkMs
  })
  assert.deepEqual(seen, [4, 4, 14, 14])
})

test('a partition without records holds the minimum until it is idle', () => {
  const w = new SourceWatermark(2, 0)
  w.record(0, 10)
  assert.equal(w.watermarkMs, -Infinity)
  w.idle(1)
  assert.equal(w.watermarkMs, 9)
})

test('a partition that wakes up behind counts again only when it has caught up', () => {
  const w = new SourceWatermark(2, 0)
  w.record(0, 100)
  w.idle(1)
  w.record(1, 50)
  w.record(0, 120)
  assert.equal(w.watermarkMs, 119, 'behind: partition 0 alone')
  w.record(1, 121)
  w.record(0, 200)
  assert.equal(w.watermarkMs, 120, 'caught up: holds the minimum again')
})

test('all partitions idle: the watermark stands still', () => {
  const w = new SourceWatermark(2, 0)
  w.record(0, 10)
  w.record(1, 20)
  w.idle(0)
  assert.equal(w.watermarkMs, 19)
  w.idle(1)
  assert.equal(w.watermarkMs, 19)
})

test('without a bound only explicit watermarks move the time', () => {
  const w = new SourceWatermark(2, undefined)
  w.record(0, 1000)
  w.tell(5)
  w.tell(9, 0)
  assert.equal(w.watermarkMs, 5)
  w.tell(7, 1)
  assert.equal(w.watermarkMs, 7)
  w.end()
  assert.equal(w.watermarkMs, Infinity)
})

test('a partition that appears later does not take the watermark back', () => {
  const w = new SourceWatermark(1, 0)
  w.record(0, 10)
  w.grow(2)
  w.record(0, 20)
  assert.equal(w.watermarkMs, 9)
  w.record(1, 15)
  assert.equal(w.watermarkMs, 14)
})
