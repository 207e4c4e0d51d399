/** What the compiler must accept and refuse; checked by tsc, run as a program that the expected errors do not break. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TopicRow } from './index.ts'
import { count, from, max, mean, min, sum, topic, tumbling } from './index.ts'
import type { Stream } from './stream.ts'

interface Order {
  readonly at: number
  readonly region: string
  readonly amount: number
  readonly discount?: number | null
}

type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false
/** Fails to compile when the type argument is not `true`. */
function holds<_T extends true>(): void {}
type RowOf<S> = S extends Stream<infer R> ? R : never

const orders = () => from<Order>([{ at: 1, region: 'west', amount: 2 }], { time: 'at' })

test('rows of a window have key, bounds, aggregates, kind and revision', async () => {
  const revenue = orders()
    .filter(o => o.amount > 0)
    .keyBy('region')
    .window(tumbling('10s'), { lateness: '2s', emit: 'final' })
    .aggregate({ total: sum('amount'), n: count(), high: max(o => o.amount), low: min('discount'), m: mean('amount') })
  type Expected = {
    readonly region: string
    windowStart: number
    windowEnd: number
    total: number
    n: number
    high: number
    low: number
    m: number
    kind: 'early' | 'onTime' | 'late'
    revision: number
  }
  holds<Equal<RowOf<typeof revenue>, Expected>>()
  assert.deepEqual(await revenue.toArray(), [
    {
      region: 'west',
      windowStart: 0,
      windowEnd: 10000,
      total: 2,
      n: 1,
      high: 2,
      low: null,
      m: 2,
      kind: 'onTime',
      revision: 0,
    },
  ])
})

test('a key made by a lambda is named key', () => {
  const running = orders()
    .keyBy(o => o.amount > 1)
    .aggregate({ n: count() })
  holds<Equal<RowOf<typeof running>['key'], boolean>>()
})

test('fields of unknown rows are anything', () => {
  const rows = from<TopicRow<'a topic of unknown type'>>([])
  const totals = rows
    .keyBy('who')
    .window(tumbling(10))
    .aggregate({ total: sum('v'), other: sum(r => r['w']), n: count() })
  holds<Equal<RowOf<typeof totals>['total'], number>>()
  const untyped = () =>
    topic('no such topic').then(t => t.window(tumbling(10)).aggregate({ v: sum('v'), m: max(r => r['v']) }))
  assert.equal(typeof untyped, 'function')
})

test('what does not fit is refused', () => {
  const keyed = orders().keyBy('region')
  // @ts-expect-error a field that is not there
  keyed.window(tumbling(10)).aggregate({ total: sum('amuont') })
  // @ts-expect-error text cannot be summed
  keyed.window(tumbling(10)).aggregate({ total: sum('region') })
  // @ts-expect-error a lambda that gives text
  keyed.window(tumbling(10)).aggregate({ total: sum(o => o.region) })
  // @ts-expect-error a key that is not there
  assert.ok(orders().keyBy('place'))
  assert.throws(
    // @ts-expect-error a name used twice
    () => keyed.window(tumbling(10)).aggregate({ region: count() }),
    { code: 'OPTION_INVALID', message: 'Cannot make rows with two columns "region"' },
  )
})

test('aggregates of an array are numbers', () => {
  const orders: readonly Order[] = [
    { at: 1, region: 'a', amount: 2 },
    { at: 2, region: 'b', amount: 4 },
  ]
  holds<Equal<number, ReturnType<() => number>>>()
  const values: number[] = [
    sum(orders, o => o.amount),
    mean(orders, o => o.amount),
    min([3, 1]),
    max([3, 1]),
    count(orders),
  ]
  assert.deepEqual(values, [6, 3, 1, 3, 2])
})
