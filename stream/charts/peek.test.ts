import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peekLine } from './peek.ts'

test('a record is one line of JSON: bytes as hex, big integers with their n, dates as ISO text', () => {
  const row = { id: 7n, at: new Date(0), raw: Uint8Array.of(0, 255), many: new Map([['a', 1]]), bad: Number.NaN }
  assert.equal(peekLine(row), '{"id":"7n","at":"1970-01-01T00:00:00.000Z","raw":"0x00ff","many":{"a":1},"bad":"NaN"}')
})

test('what cannot be seen or turns the writing is written as its escape', () => {
  assert.equal(peekLine({ text: 'a\u202eb\u0007\u0085' }), '{"text":"a\\u202eb\\u0007\\u0085"}')
  assert.equal(peekLine('plain\u2066 text\n<b>'), 'plain\\u2066 text\\u000a<b>')
})

test('a line is at most 300 characters, and a record that refers to itself is a line too', () => {
  assert.equal(peekLine({ text: 'x'.repeat(1000) }).length, 300)
  const ring: { self?: unknown } = {}
  ring.self = ring
  assert.equal(peekLine(ring), '[a record that refers to itself]')
  assert.equal(peekLine(null), 'null')
})
