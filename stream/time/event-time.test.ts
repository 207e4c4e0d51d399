import assert from 'node:assert/strict'
import { test } from 'node:test'
import { looksLikeSeconds, readEventTime } from './event-time.ts'

test('numbers, bigints, Dates and ISO text with an offset are event times', () => {
  assert.equal(readEventTime(1767225600123, 'at'), 1767225600123)
  assert.equal(readEventTime(-5, 'at'), -5)
  assert.equal(readEventTime(1767225600123n, 'at'), 1767225600123)
  // Avro timestamp-micros: beyond the range of Date it can only be microseconds.
  assert.equal(readEventTime(1767225600123456n * 10n, 'at'), 17672256001234)
  assert.equal(readEventTime(new Date(7), 'at'), 7)
  assert.equal(readEventTime('2026-01-01T00:00Z', 'at'), 1767225600000)
  assert.equal(readEventTime('2026-01-01T00:00:01.5+02:00', 'at'), 1767218401500)
  assert.equal(readEventTime('2026-01-01T00:00:00-0130', 'at'), 1767231000000)
})

test('everything else is refused with a reason that names the field', () => {
  const reasons: readonly (readonly [unknown, string])[] = [
    [undefined, 'time field "at" is missing'],
    [null, 'time field "at" is null'],
    ['soon', 'time field "at" is "soon", no ISO instant'],
    ['2026-01-01T00:00:00', 'time field "at" is "2026-01-01T00:00:00", an instant without an offset'],
    ['2026-02-30T00:00Z', 'time field "at" is "2026-02-30T00:00Z", no ISO instant'],
    ['2026-13-01T00:00Z', 'time field "at" is "2026-13-01T00:00Z", no ISO instant'],
    ['1767225600123', 'time field "at" is "1767225600123", no ISO instant'],
    [NaN, 'time field "at" is NaN'],
    [Infinity, 'time field "at" is Infinity'],
    [new Date('no'), 'time field "at" is an invalid Date'],
    [true, 'time field "at" is of type boolean'],
    [{}, 'time field "at" is of type object'],
    [[], 'time field "at" is an array'],
  ]
  for (const [value, reason] of reasons) assert.equal(readEventTime(value, 'at'), reason)
})

test('only 1e9 to 1e10 looks like seconds', () => {
  assert.deepEqual([999_999_999, 1e9, 9_999_999_999, 1e10].map(looksLikeSeconds), [false, true, true, false])
})
