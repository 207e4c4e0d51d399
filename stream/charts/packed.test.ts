import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { packFrame, packRows, unpackFrame, unpackRows } from './packed.ts'
import { rowsFromText, rowsText } from './row-text.ts'
import { emptyStatus } from './chart.ts'
import type { ChartFrame, ChartRow } from './protocol.ts'

/** What a socket does to buffers: bytes of their own, read as they lie. */
const sent = (buffers: readonly Uint8Array[]): DataView[] => buffers.map(bytes => new DataView(bytes.slice().buffer))
const overJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

const cell = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string(), fc.boolean(), fc.constant(null))
const rows = fc.array(
  fc.record(
    { n: fc.double({ noNaN: true, noDefaultInfinity: true }).map(n => n + 0), maybe: cell, $open: fc.constant(true) },
    { requiredKeys: ['n'] },
  ),
  { maxLength: 20 },
)

test('rows come out of columns as they went in, absent fields absent, whatever they hold', () => {
  fc.assert(
    fc.property(rows, fc.nat(3), (given, first) => {
      const named = overJson(given.map((row, index) => ({ ...row, $key: `k${index}` }))) as unknown as ChartRow[]
      const { packed, buffers } = packRows(named, first)
      const views = [...Array.from({ length: first }, () => new DataView(new ArrayBuffer(0))), ...sent(buffers)]
      assert.deepEqual(unpackRows(overJson(packed), views), named)
    }),
    { numRuns: process.env['LONG'] === '1' ? 15_000 : 300 },
  )
})

test('a large snapshot and a large delta travel as bytes; a small one stays JSON', () => {
  const many = Array.from({ length: 2000 }, (_, i): ChartRow => ({ $key: `k${i}`, at: i * 1000, n: i / 3 }))
  const frame = (rest: Partial<ChartFrame>): ChartFrame => ({
    chartId: 'c',
    sequence: 1,
    status: emptyStatus('running'),
    ...rest,
  })
  for (const full of [frame({ snapshot: many }), frame({ delta: { upsert: many, remove: ['gone'] } })]) {
    const { frame: small, buffers } = packFrame(full, 0)
    assert.equal(buffers.length, 2)
    assert.ok(JSON.stringify(small).length < JSON.stringify(full).length / 3)
    assert.deepEqual(unpackFrame(overJson(small), sent(buffers)), full)
  }
  const few = frame({ snapshot: many.slice(0, 1000) })
  assert.equal(packFrame(few, 0).frame, few)
})

test('a frame whose bytes are missing or short is refused by name', () => {
  const { packed, buffers } = packRows([{ $key: 'a', n: 1 }])
  assert.throws(() => unpackRows(packed, []), /column "n" has no bytes for 1 rows/)
  assert.throws(() => unpackRows({ ...packed, count: 2 }, sent(buffers)), /column "n" has no bytes for 2 rows/)
})

test('rows come out of the text of a file as they went in, but for their keys', () => {
  const numbers = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  const filed = fc.array(
    fc.record(
      { at: fc.maxSafeInteger(), n: numbers, maybe: cell, $open: fc.constant(true) },
      { requiredKeys: ['at', 'n'] },
    ),
    { maxLength: 20 },
  )
  fc.assert(
    fc.property(filed, given => {
      const named = overJson(given.map((row, index) => ({ ...row, $key: `k${index}` }))) as unknown as ChartRow[]
      const read = rowsFromText(overJson(rowsText(named)), 20)
      assert.deepEqual(
        read,
        named.map((row, index) => ({ ...row, $key: `saved ${index}` })),
      )
    }),
    { numRuns: process.env['LONG'] === '1' ? 15_000 : 300 },
  )
})

test('whole numbers are written as steps, fractions as they are', () => {
  const text = rowsText([
    { $key: 'a', at: 1_767_258_000_000, n: 0.5, k: 'x' },
    { $key: 'b', at: 1_767_258_000_100, n: 60.25, k: 'y' },
  ])
  assert.equal(
    text,
    '{"count":2,"columns":[{"name":"at","steps":[1767258000000,100]},{"name":"n","values":[0.5,60.25]},{"name":"k","values":["x","y"]}]}',
  )
})
