/** `.score()` through the public API, inline. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detector, feed, from, nab, param } from '../../stream/index.ts'
import type { Score } from '../../stream/index.ts'

/** Ten rows from 0 to 10 train. */
const calm = [0, 10, 5, 5, 5, 5, 5, 5, 5, 5]
const rowsOf = (values: readonly number[], machine = 'a') => values.map((v, i) => ({ at: i, machine, v }))
const quick = { warmUp: 10, episode: 1 }
const options = { features: ['v'], threshold: 0.4 } as const

test('a row is the event with its score', async () => {
  const rows = await from(rowsOf([...calm, 15]), { time: 'at' })
    .score(detector('range', quick), options)
    .toArray()
  assert.equal(rows.length, 11)
  assert.deepEqual(rows[9], {
    at: 9,
    machine: 'a',
    v: 5,
    score: { value: 0, oneIn: 1, anomalous: false, threshold: 0.4, model: 'range', version: 1, causes: [] },
  })
  const { oneIn, ...score } = (rows[10] as { score: Score }).score
  assert.deepEqual(score, {
    value: 0.5,
    anomalous: true,
    threshold: 0.4,
    model: 'range',
    version: 1,
    causes: [{ feature: 'v', share: 1 }],
  })
  assert.ok(oneIn > 1)
})

test('a lambda makes the row of event and score', async () => {
  const rows = await from(rowsOf([...calm, 15]), { time: 'at' })
    .score(detector('range', quick), options, (event, score) => [event.v, score.value])
    .toArray()
  assert.deepEqual(rows.at(-1), [15, 0.5])
})

test("each key has a detector of its own, and '1/N' compares how rare a score is", async () => {
  const mixed = [...calm, 15].flatMap((v, i) => [
    { at: i, machine: 'a', v },
    { at: i, machine: 'b', v: 100 + v / 100 },
  ])
  const keyed = await from(mixed, { time: 'at' })
    .keyBy('machine')
    .score(detector('range', quick), { features: ['v'], threshold: '1/2' })
    .toArray()
  const last = keyed.slice(-2).map(({ machine, score }) => [machine, Number(score.value.toFixed(9)), score.threshold])
  assert.deepEqual(last, [
    ['a', 0.5, 2],
    ['b', 0.5, 2],
  ])
  const alone = await from(mixed, { time: 'at' }).score(detector('range', quick), options).toArray()
  // Between the readings of the other machine 15 is nothing, and 100.15 is outside by little.
  assert.ok((alone.at(-1)?.score.value ?? 1) < 0.001)
})

test('a row without a number goes to errors and is not learned', async () => {
  const rows = [
    ...rowsOf(calm),
    { at: 10, machine: 'a', v: NaN },
    { at: 11, machine: 'a' },
    { at: 12, machine: 'a', v: 15 },
  ]
  const stream = from(rows as { at: number; machine: string; v: number }[], { time: 'at' }).score(
    detector('range', quick),
    options,
  )
  assert.equal((await stream.toArray()).length, 11)
  assert.equal((await stream.toArray()).at(-1)?.score.value, 0.5)
  assert.deepEqual(
    (await stream.errors().toArray()).map(e => e.reason),
    [
      'Cannot score row: feature "v" is NaN, a finite number is needed',
      'Cannot score row: there is no field "v", fields are at, machine',
    ],
  )
})

test('a lambda that throws refuses its row only', async () => {
  const stream = from(rowsOf(calm), { time: 'at' }).score(detector('range', quick), options, event => {
    if (event.at === 3) throw new Error('no')
    return event.at
  })
  assert.deepEqual(await stream.toArray(), [0, 1, 2, 4, 5, 6, 7, 8, 9])
  assert.equal((await stream.errors().toArray()).length, 1)
})

test('a threshold may be a param: it is followed from the next row on', async () => {
  const limit = param('score-limit', 0.4, { min: 0, max: 10 })
  await limit.ready
  const f = feed<{ v: number }>()
  const stream = f.score(detector('range', quick), { features: ['v'], threshold: limit })
  const read = stream.take(12)
  for (const v of [...calm, 15]) await f.push({ v })
  await limit.set(3)
  await f.push({ v: 30 })
  const scores = (await read).map(row => row.score)
  assert.deepEqual(
    scores.slice(10).map(s => [s.value, s.threshold, s.anomalous]),
    [
      [0.5, 0.4, true],
      [1, 3, false],
    ],
  )
  await stream.stop()
})

test('wrong options are refused where they are typed', () => {
  const rows = from(rowsOf(calm), { time: 'at' })
  assert.throws(() => detector('rage' as 'range'), { code: 'OPTION_INVALID' })
  assert.throws(() => rows.score(detector('range'), { features: [] }), /features \[\]: a list of different fields/)
  assert.throws(() => rows.score(detector('range'), { features: ['v', 'v'] }), /a list of different fields/)
  assert.throws(() => rows.score(detector('range'), { features: ['v'], threshold: '1/0' }), /threshold "1\/0"/)
  assert.throws(() => rows.score(detector('range'), { features: ['v'], threshold: NaN }), /threshold/)
  assert.throws(() => rows.score(detector('range', { warmUp: 0 }), { features: ['v'] }), /warm-up 0/)
})

test('nab compares a scored stream with its labels, a file per key', async () => {
  // Forty rows of each machine: six train; b is labelled for rows 20 to 24 and alerts in row 21.
  const rows = Array.from({ length: 80 }, (_, i) => {
    const at = Math.floor(i / 2)
    const machine = i % 2 === 0 ? 'a' : 'b'
    return { at, machine, v: machine === 'b' && at === 21 ? 99 : at % 3, bad: machine === 'b' && at >= 20 && at < 25 }
  })
  const scored = from(rows, { time: 'at' })
    .keyBy('machine')
    .score(detector('range', { warmUp: 6, episode: 3 }), { features: ['v'], labels: 'bad' })
  const result = await nab(scored, { by: 'machine' })
  // Reward sigma(-0.8) / sigma(-1) = 0.964028 / 0.986614 = 0.977107; missing costs 1, or 2 with low-fn.
  assert.deepEqual([result.score.toFixed(3), result.found, result.windows, result.falseAlerts], ['98.855', 1, 1, 0])
  assert.equal((await nab(scored, { by: 'machine', profile: 'low-fn' })).score.toFixed(3), '99.237')
  // Without the key the label comes and goes with the machine: five windows, of which one is found.
  assert.equal((await nab(scored)).windows, 5)
  assert.equal((await nab(scored, { by: 'machine', rows: 10 })).windows, 0)
  const unlabelled = from(rows, { time: 'at' }).score(detector('range', quick), options)
  await assert.rejects(nab(unlabelled), { code: 'FIELD_UNKNOWN' })
  await assert.rejects(nab(scored, { profile: 'best' as 'standard' }), { code: 'OPTION_INVALID' })
})
