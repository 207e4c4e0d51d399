import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration, parseInstant, parsePositiveDuration } from './duration.ts'

test('durations have a unit, parts add up, numbers are milliseconds', () => {
  const known: readonly (readonly [string | number, number])[] = [
    ['500ms', 500],
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['1w', 604_800_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['-250ms', -250],
    ['0s', 0],
    [42, 42],
    [' 10s ', 10_000],
  ]
  for (const [text, ms] of known) assert.equal(parseDuration(text), ms)
})

test('other texts are refused with a hint', () => {
  for (const text of ['', '10', 's', '10 s', '10x', '1mo', 'ten', '10s!', '1e3ms']) {
    assert.throws(() => parseDuration(text, 'window size'), {
      code: 'DURATION_INVALID',
      message: `Cannot read window size "${text}": a number with a unit ms, s, m, h, d or w is needed`,
      hint: 'Write for example 500ms, 10s, 5m, 1h, 1d or 1w',
    })
  }
  assert.throws(() => parseDuration(NaN), { code: 'DURATION_INVALID' })
})

test('sizes are at least one whole millisecond', () => {
  assert.equal(parsePositiveDuration('1ms', 'size'), 1)
  for (const size of ['0s', '-1s', 0.5, 0])
    assert.throws(() => parsePositiveDuration(size, 'size'), { code: 'DURATION_INVALID' })
})

test('durations are shown in their largest whole unit', () => {
  assert.deepEqual([10_000, 90_000, 3_600_000, 1, 0].map(formatDuration), ['10s', '90s', '1h', '1ms', '0ms'])
})

test('an instant without an offset is an error that shows the offset', () => {
  assert.equal(parseInstant('1970-01-01T00:00:01Z'), 1000)
  assert.throws(() => parseInstant('2026-01-31T00:00'), {
    code: 'TIME_INVALID',
    hint: 'Write 2026-01-31T00:00Z for UTC',
  })
  assert.throws(() => parseInstant('yesterday'), { code: 'TIME_INVALID' })
})
