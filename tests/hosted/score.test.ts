/** `.score()` in a real engine process: the same bytes as inline, a lambda of one's own and a param included. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detector, feed, from, param } from '../../stream/index.ts'
import { inlineAndHosted } from './both.ts'

const { notebook, both } = await inlineAndHosted()

const rows = Array.from({ length: 60 }, (_, i) => ({
  at: i,
  machine: i % 2 === 0 ? 'a' : 'b',
  v: i === 50 ? 99 : (i * 7) % 13,
}))
const settings = { features: ['v'], threshold: 0.4 } as const

test('scores per key are the same inline and hosted', async () => {
  const scored = await both(() =>
    from(rows, { time: 'at' })
      .keyBy('machine')
      .score(detector('ensemble', { warmUp: 10 }), settings)
      .toArray(),
  )
  assert.deepEqual(
    scored
      .filter(row => (row as { score: { anomalous: boolean } }).score.anomalous)
      .map(row => (row as { at: number }).at),
    [50],
  )
})

test('a lambda of event and score goes with the stream', async () => {
  const body = notebook.lambda((event: { v: number }, score: { value: number }) => [event.v, score.value > 0])
  const made = await both(() =>
    from(rows, { time: 'at' })
      .score(detector('range', { warmUp: 10 }), settings, body)
      .toArray(),
  )
  assert.deepEqual(made[50], [99, true])
})

test('a param as threshold is followed in the engine', async () => {
  await both(async () => {
    const limit = param('hosted-limit', 0.4, { min: 0, max: 100 })
    await limit.ready
    const f = feed<{ v: number }>()
    const stream = f.score(detector('range', { warmUp: 2, episode: 1 }), { features: ['v'], threshold: limit })
    const rows = stream[Symbol.asyncIterator]()
    const next = async () => {
      const { value } = await rows.next()
      assert.ok(value)
      return value
    }
    // The first row is there: the stream reads. One that starts later takes the threshold of then for all rows.
    await f.push({ v: 0 })
    const read = [await next()]
    await f.push({ v: 10 })
    await f.push({ v: 15 })
    await limit.set(3)
    await f.push({ v: 30 })
    while (read.length < 4) read.push(await next())
    await rows.return?.()
    const seen = read.map(row => [row.score.threshold, row.score.anomalous])
    assert.deepEqual(seen.slice(2), [
      [0.4, true],
      [3, false],
    ])
    return seen
  })
})
