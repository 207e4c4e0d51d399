import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlanNode } from '../plan.ts'
import { columnsOf, outline } from './outline.ts'
import { namesRead, resolvePlan } from './resolve.ts'

const topic: PlanNode = { op: 'topic', connection: 'embedded', topic: 'orders', options: {} }
const named = (name: string): PlanNode => ({ op: 'stream', name })
const changes = (input: PlanNode): PlanNode => ({ op: 'changes', input })
const plans: Readonly<Record<string, PlanNode>> = {
  orders: topic,
  large: changes(named('orders')),
  loop: changes(named('loop')),
  a: named('b'),
  b: named('a'),
}
const lookup = (name: string) => plans[name]

test('names are replaced by the plans they stand for', () => {
  assert.deepEqual(resolvePlan(changes(named('large')), lookup), changes(changes(topic)))
  assert.deepEqual([...namesRead(changes(named('large')), lookup)], ['large', 'orders'])
})

test('unknown names and streams that read themselves are refused', () => {
  assert.throws(() => resolvePlan(named('nobody'), lookup), { code: 'STREAM_UNKNOWN' })
  assert.throws(() => resolvePlan(named('loop'), lookup), { code: 'STREAM_SELF_REFERENCE', detail: 'loop → loop' })
  assert.throws(() => resolvePlan(named('a'), lookup), { code: 'STREAM_SELF_REFERENCE', detail: 'a → b → a' })
})

const window: PlanNode = {
  op: 'window',
  input: named('orders'),
  options: {
    window: { kind: 'tumbling', sizeMs: 10_000, offsetMs: 0 },
    by: [{ name: 'region' }],
    aggregates: [{ name: 'n', aggregate: { kind: 'count' } }],
    latenessMs: 0,
    emit: 'final',
  },
}

test('an outline is one line from source to result', () => {
  assert.equal(outline(window), 'orders → tumbling 10s by region')
  assert.equal(
    outline(changes({ ...window, input: { ...topic, connection: 'prod' } })),
    'prod:orders → tumbling 10s by region → changes',
  )
})

test('columns of a window are key, bounds, aggregates, kind and revision', () => {
  const columns = columnsOf(window, () => [{ name: 'region', type: 'string' }])
  assert.deepEqual(
    columns?.map(c => [c.name, c.type]),
    [
      ['region', 'string'],
      ['windowStart', 'number'],
      ['windowEnd', 'number'],
      ['n', 'number'],
      ['kind', "'early' | 'onTime' | 'late'"],
      ['revision', 'number'],
    ],
  )
})
