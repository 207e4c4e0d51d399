/** A stream whose state grows without end says so while there is memory left. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { collect, count, counting, from, over, session, sum, tumbling } from '../index.ts'
import type { Stream } from '../index.ts'
import { StreamError } from '../errors.ts'

const before = process.env['RIFFLE_STATE_LIMIT']
afterEach(() => {
  if (before === undefined) delete process.env['RIFFLE_STATE_LIMIT']
  else process.env['RIFFLE_STATE_LIMIT'] = before
})

const rows = (n: number) => from(Array.from({ length: n }, (_, i) => ({ at: i, k: `user-${i}`, v: i })), { time: 'at', outOfOrder: 0 }) // prettier-ignore

async function failure(stream: Stream<unknown>, limit: string): Promise<StreamError> {
  process.env['RIFFLE_STATE_LIMIT'] = limit
  try {
    await stream.toArray()
  } catch (error) {
    assert.ok(error instanceof StreamError)
    return error
  }
  return assert.fail('the stream went on')
}

test('the error names operator, keys, size and the way out', async () => {
  const error = await failure(
    rows(50_000)
      .keyBy('k')
      .window(tumbling('1h'))
      .aggregate({ n: count(), total: sum('v') }),
    '3MB',
  )
  assert.equal(error.code, 'STATE_TOO_LARGE')
  assert.match(error.message, /^Stream failed: its state needs [3-9](?:\.\d)? MB, the limit is 3 MB$/)
  assert.match(error.detail ?? '', /^Most is held by the tumbling 1h by k: (?:16|24),\d{3} keys, [3-9](?:\.\d)? MB$/)
  assert.equal(
    error.hint,
    'Use a key with fewer values, a shorter window or less lateness, or set RIFFLE_STATE_LIMIT=4GB before the kernel starts',
  )
})

for (const [name, stream] of [
  ['running aggregates', rows(50_000).keyBy('k').aggregate({ n: count() })],
  ['sessions', rows(50_000).keyBy('k').window(session('1h')).aggregate({ n: count() })],
  ['the last records of each key', rows(50_000).keyBy('k').window(over(10)).aggregate({ n: sum('v') })],
  ['counted windows', rows(50_000).keyBy('k').window(counting(50)).aggregate({ n: sum('v') })],
  ['rows collected by one key', rows(50_000).window(tumbling('1h')).aggregate({ all: collect() })],
] as const) {
  test(`${name} are weighed`, async () => {
    assert.equal((await failure(stream, '800kB')).code, 'STATE_TOO_LARGE')
  })
} // prettier-ignore

test('state that is forgotten in time never comes near the limit', async () => {
  process.env['RIFFLE_STATE_LIMIT'] = '3MB'
  const closed = await rows(50_000).keyBy('k').window(tumbling('1s')).aggregate({ n: count() }).toArray() // prettier-ignore
  assert.equal(closed.length, 50_000)
})
