import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyStatus } from './chart.ts'
import { hasRuler, rulerOf } from './ruler.ts'
import type { ChartRow, ChartStatus } from './protocol.ts'
import type { PartitionTime } from '../model.ts'

const T0 = Date.UTC(2026, 0, 1, 9)
const row = (index: number, open = false, sizeMs = 10_000, slideMs = 10_000): ChartRow => ({
  $key: `${index}`,
  windowStart: T0 + index * slideMs,
  windowEnd: T0 + index * slideMs + sizeMs,
  ...(open ? { $open: true } : {}),
})
const at = (partition: number, second: number | null, phase: PartitionTime['phase'] = 'active'): PartitionTime => ({
  partition,
  watermarkMs: second === null ? null : T0 + second * 1000,
  phase,
})
const status = (second: number | null, partitions: PartitionTime[], more: Partial<ChartStatus> = {}): ChartStatus => ({
  ...emptyStatus('running'),
  watermarkMs: second === null ? null : T0 + second * 1000,
  time: { sources: [partitions], late: [] },
  ...more,
})
const why = (of: ChartStatus): string | undefined => rulerOf([row(0), row(1, true)], of)?.why

test('there is a ruler for columns with window bounds, and none without rows', () => {
  assert.equal(hasRuler([{ name: 'windowStart', kind: 'instant' }]), false)
  assert.equal(
    hasRuler([
      { name: 'windowStart', kind: 'instant' },
      { name: 'windowEnd', kind: 'instant' },
    ]),
    true,
  )
  assert.equal(rulerOf([], status(0, [])), null)
})

test('the partition that holds the watermark is named, with how far the next one is ahead', () => {
  assert.equal(
    why(status(12, [at(0, 19), at(1, 12), at(2, 15)])),
    'Window 09:00:10–09:00:20 is open: the watermark stands at 09:00:12, 7.999 s short of its end. Partition 1 holds it, the next one is 3 s ahead',
  )
  assert.match(
    why(status(12, [at(0, 12), at(1, 12)])) ?? '',
    /Partition 0 holds it, partition 1 stands at the same time$/,
  )
})

test('an idle partition holds nothing; one without events does; all idle stands still', () => {
  assert.match(why(status(14, [at(0, 3, 'idle'), at(1, 14), at(2, 16)])) ?? '', /Partition 1 holds it, .* 2 s ahead$/)
  assert.match(
    why(status(null, [at(0, 14), at(1, null)])) ?? '',
    /there is no watermark yet\. Partition 1 has given no event yet and is not idle$/,
  )
  assert.match(why(status(12, [at(0, 12, 'idle')])) ?? '', /All partitions are idle, so the watermark stands still$/)
})

test('a window behind the watermark is open for late events only, a paused stream says so', () => {
  assert.match(why(status(19.999, [at(0, 19.999)])) ?? '', /has given its result and takes late events/)
  assert.match(why(status(19.998, [at(0, 19.998)])) ?? '', /0\.001 s short of its end/)
  assert.match(why(status(12, [], { state: 'paused' })) ?? '', /is open because the stream is paused$/)
  assert.match(rulerOf([row(0)], status(12, []))?.why ?? '', /^No window is open/)
})

test('overlapping windows lie in lanes, and late events within the ruler are on it', () => {
  const late = [5, 25, 900].map(second => ({ eventTimeMs: T0 + second * 1000, partition: 0, offset: '7', reason: 'r' }))
  const rows = [0, 1, 2, 3].map(index => row(index, index > 1, 10_000, 5000))
  const ruler = rulerOf(rows, status(12, [], { time: { sources: [], late } }))
  assert.deepEqual(
    ruler?.windows.map(({ lane, open }) => [lane, open]),
    [
      [0, false],
      [1, false],
      [0, true],
      [1, true],
    ],
  )
  assert.equal(ruler?.laneCount, 2)
  assert.deepEqual(
    ruler?.late.map(one => one.eventTimeMs - T0),
    [5000],
  )
})
