import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, eventTime, feed, from, max, over, sum } from '../index.ts'

test('a range reaches back with both ends, and records of one time belong to each other', async () => {
  const rows = await from(
    [
      { at: 30, v: 1 },
      { at: 10, v: 2 },
      { at: 20, v: 4 },
      { at: 20, v: 8 },
      { at: 9, v: 16 },
    ],
    { time: 'at' },
  )
    .window(over('10ms'))
    .aggregate({ total: sum('v'), n: count() })
    .toArray()
  assert.deepEqual(
    rows.map(r => [r.at, r.v, r.total, r.n]),
    [
      [9, 16, 16, 1],
      [10, 2, 18, 2],
      [20, 4, 14, 3],
      [20, 8, 14, 3],
      [30, 1, 13, 3],
    ],
  )
  assert.deepEqual(rows.map(eventTime), [9, 10, 20, 20, 30])
})

test('rows come out when the watermark passes them; what is behind it is late', async () => {
  const f = feed<{ at: number; key: string }>({ time: 'at' })
  const result = f.keyBy('key').window(over(2)).aggregate({ n: count() })
  const seen: number[] = []
  const reading = result.forEach(r => {
    seen.push(r.at)
  })
  const late: number[] = []
  const readingLate = result.late().forEach(r => {
    late.push((r.row as { at: number }).at)
  })
  await f.push({ at: 5, key: 'a' })
  assert.deepEqual(seen, [])
  await f.watermark(4)
  assert.deepEqual(seen, [])
  await f.push({ at: 4, key: 'a' })
  await f.watermark(5)
  assert.deepEqual(seen, [5])
  assert.deepEqual(late, [4])
  await f.push({ at: 9, key: 'a' })
  await f.end()
  await Promise.all([reading, readingLate])
  assert.deepEqual(seen, [5, 9])
})

test('a key by lambda and rows that are no objects keep their columns', async () => {
  const rows = await from([3, 1, 2], { time: v => v })
    .keyBy(v => v % 2)
    .window(over(2))
    .aggregate({ high: max((v: number) => v) })
    .toArray()
  assert.deepEqual(rows, [
    { value: 1, key: 1, high: 1, kind: 'onTime', revision: 0 },
    { value: 2, key: 0, high: 2, kind: 'onTime', revision: 0 },
    { value: 3, key: 1, high: 3, kind: 'onTime', revision: 0 },
  ])
})

test('a range of half the records costs no quadratic time', async () => {
  const rows = Array.from({ length: 40_000 }, (_, at) => ({ at, v: at % 1000 }))
  const start = process.cpuUsage().user
  const result = await from(rows, { time: 'at', outOfOrder: 0 })
    .window(over('20s'))
    .aggregate({ high: max('v') })
    .toArray()
  const seconds = (process.cpuUsage().user - start) / 1e6
  assert.equal(result.length, 40_000)
  assert.equal(result.at(-1)?.high, 999)
  // Looking at each record's range anew is 600 million steps.
  assert.ok(seconds < 4, `${seconds} s`)
})
