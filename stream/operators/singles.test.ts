import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packEnvelopes } from '../connectors/connector.ts'
import { decodeBatch } from '../schemas/decode.ts'
import { singles } from './singles.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

test('each record of a batch stands alone with its own bytes', () => {
  const batch = packEnvelopes([
    { partition: 0, offset: 7n, timestampMs: 1, key: bytes('k'), value: bytes('{"v":1}') },
    { partition: 1, offset: 8n, timestampMs: 2, key: null, value: null },
    { partition: 1, offset: 9n, timestampMs: 3, key: null, value: bytes('{"v":2}'), headers: { h: bytes('x') } },
  ])
  const got = singles({ kind: 'envelopes', batch }).map(event => {
    assert.ok(event.kind === 'envelopes')
    const { rows, keys, failures } = decodeBatch(event.batch)
    return [
      event.batch.offsets[0],
      event.batch.bytes.length,
      rows[0],
      keys[0],
      failures.length,
      Object.keys(event.batch.headers?.[0] ?? {}),
    ]
  })
  assert.deepEqual(got, [
    [7n, 8, { v: 1 }, 'k', 0, []],
    [8n, 0, undefined, null, 1, []],
    [9n, 7, { v: 2 }, null, 0, ['h']],
  ])
})

test('rows keep their partition, key and time', () => {
  const event = {
    kind: 'rows',
    rows: ['a', 'b'],
    partitions: Int32Array.of(3, 4),
    keys: ['x', 'y'],
    eventTimesMs: Float64Array.of(5, 6),
    processingTimeMs: 9,
  } as const
  assert.deepEqual(singles(event), [
    {
      kind: 'rows',
      rows: ['a'],
      partitions: Int32Array.of(3),
      keys: ['x'],
      eventTimesMs: Float64Array.of(5),
      processingTimeMs: 9,
    },
    {
      kind: 'rows',
      rows: ['b'],
      partitions: Int32Array.of(4),
      keys: ['y'],
      eventTimesMs: Float64Array.of(6),
      processingTimeMs: 9,
    },
  ])
})
