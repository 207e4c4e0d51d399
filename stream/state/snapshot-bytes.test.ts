/** State as bytes and back, large arrays apart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serialize } from 'node:v8'
import { bytesOf, stateOf } from './snapshot-bytes.ts'

function written(state: unknown): { bytes: Uint8Array; pauses: number } {
  const steps = bytesOf(state)
  for (let pauses = 0; ; pauses++) {
    const step = steps.next()
    if (step.done === true) return { bytes: step.value, pauses }
  }
}

const LARGE = 20_000

test('small and large arrays, views, maps and bigints come back as they were', () => {
  const backing = Float64Array.from({ length: 2 * LARGE }, (_, i) => i / 2)
  const state = {
    floats: backing.subarray(10, 10 + LARGE),
    again: [backing.subarray(0, 3), Int32Array.from({ length: LARGE }, (_, i) => -i)],
    odd: Uint8Array.from({ length: 100_001 }, (_, i) => i),
    map: new Map([[1, { big: 7n, words: BigInt64Array.of(-1n) }]]),
    none: new Int32Array(0),
  }
  assert.deepEqual(stateOf(written(state).bytes), state)
  // Bytes that lie anywhere in other memory.
  const { bytes } = written(state)
  const moved = new Uint8Array(bytes.length + 3)
  moved.set(bytes, 3)
  assert.deepEqual(stateOf(moved.subarray(3)), state)
})

test("what was read is nobody else's memory", () => {
  const { bytes } = written({ floats: new Float64Array(LARGE).fill(1) })
  ;(stateOf(bytes) as { floats: Float64Array }).floats.fill(2)
  assert.equal((stateOf(bytes) as { floats: Float64Array }).floats[LARGE - 1], 1)
  // What a file is read into is a Buffer, and may lie in memory it shares.
  const shared = Buffer.from(new ArrayBuffer(bytes.length + 8), 8)
  shared.set(bytes)
  const { floats } = stateOf(shared) as { floats: Float64Array }
  assert.equal(floats.length, LARGE)
  floats.fill(2)
  assert.deepEqual(new Uint8Array(shared), bytes)
})

test('large arrays are copied with pauses', () => {
  const { bytes, pauses } = written({ tables: Array.from({ length: 10 }, () => new Float64Array(1 << 20)) })
  assert.equal(pauses, 10)
  assert.equal((stateOf(bytes) as { tables: Float64Array[] }).tables.length, 10)
})

test('snapshots of before, and bytes that are none', () => {
  assert.deepEqual(stateOf(serialize({ a: [1, 2] })), { a: [1, 2] })
  const { bytes } = written({ floats: new Float64Array(LARGE) })
  assert.throws(() => stateOf(bytes.subarray(0, bytes.length - 8)))
  assert.throws(() => stateOf(Uint8Array.of(1, 2, 3)))
})
